"""Where a count leads: to the rows that were counted. Every address stays inside the site."""

from collections.abc import Mapping
from urllib.parse import quote

from wellspring.tasks.site.charts import NOTHING, number
from wellspring.tasks.site.markup import Html, element


def listed(name: str, *group: str, root: str = "") -> str:
    """Return the address of a list, or of a part of it: its part, kind and run, as many as are given."""
    return f"{root}lists.html#{'/'.join(_quoted(one) for one in (name, *group))}"


def rows(chosen: Mapping[str, str] | None = None, root: str = "") -> str:
    """Return the address of the exported rows that have these values, by facet; of all, where none are given."""
    said = "&".join(f"{facet}={_quoted(value)}" for facet, value in (chosen or {}).items())
    return f"{root}rows/index.html{'#' if said else ''}{said}"


def count(value: float | None, href: str) -> Html | str:
    """Return a number that leads to its rows; one that is nothing leads nowhere."""
    if not value:
        return number(value) if value is not None else NOTHING
    return element("a", number(value), href=href)


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")
