"""The bodies of the pages on which rows are read: what stands there before a script fetches what a person looks at."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wellspring.tasks.site import views
from wellspring.tasks.site.browser import ROWS_A_PAGE, Extent
from wellspring.tasks.site.markup import Child, Html, element
from wellspring.tasks.site.pairs import PAIRS_A_FILE

_TURNING = {"j or →": "the next one", "k or ←": "the one before"}
_KEYS = _TURNING | {
    "1": "mark it good",
    "0": "mark it bad",
    "x": "mark it as one to exclude",
    "u": "take the mark away",
    "t": "where it came from, drawn",
    "Esc": "back to the list",
}
_KEYS_OF_PAIRS = _TURNING | {"1": "the left one is better", "2": "the right one is better", "0": "neither is"}


def browser(rows: Sequence[Mapping[str, Any]], extent: Extent) -> Iterable[Child]:
    """Show what the script needs to page, choose, search, read and mark rows; without one, the first of them."""
    if not rows:
        yield element(
            "p", "There are no rows to show: nothing is exported yet, or the profile hides them.", class_="lead"
        )
        yield views.hidden_values()
        return
    yield element(
        "p",
        element("label", f"Search all {extent.rows:,} rows", for_="search"),
        element("input", type="search", id="search", autocomplete="off", spellcheck="false"),
        element("span", "", class_="note", id="search-count", role="status"),
        class_="filter",
    )
    yield element("div", "", id="facets", class_="facets")
    yield element(
        "noscript",
        element(
            "p",
            "Without JavaScript you see the first rows only. To see how a row was made: ",
            element("code", "wellspring trace FILE:LINE"),
        ),
        [views.card(row, heading="h2") for row in rows],
    )
    yield element(
        "div",
        "",
        id="browser",
        tabindex=-1,
        data_rows=extent.rows,
        data_pages=extent.pages,
        data_size=ROWS_A_PAGE,
    )
    yield _marking(_KEYS)
    yield element(
        "p",
        "Search looks at questions, answers, addresses, titles, recipes and models. The last word may be unfinished.",
        class_="note",
    )


def _marking(keys: Mapping[str, str]) -> Html:
    """Return the bar of marks: how many there are, what saves them, and the keys."""
    return element(
        "aside",
        element("span", "No marks yet", id="marks", role="status"),
        element("button", "Save marks", type="button", id="save-marks", hidden=True),
        element("button", "Forget marks", type="button", id="clear-marks", hidden=True),
        views.explained("Keys", keys),
        class_="marking",
        aria_label="Your marks",
    )


def lists() -> Iterable[Child]:
    """Show lists of what is in the store; the script fills in the one that the address names."""
    yield element(
        "p",
        "What was refused, what is a copy, and what is in use. Each row has the id that ",
        element("code", "wellspring trace"),
        " takes.",
        class_="lead",
    )
    yield element(
        "noscript", element("p", "Choosing needs JavaScript. ", element("code", "wellspring status"), " counts.")
    )
    yield element("div", "", id="lists", tabindex=-1, aria_live="polite")


def pairs(extent: Extent) -> Iterable[Child]:
    """Show pairs of answers side by side; the script fetches the one that a person looks at."""
    if not extent.pairs:
        yield element(
            "p",
            "There are no pairs to show: none are made, or the profile hides them.",
            class_="lead",
        )
        yield views.hidden_values()
        return
    yield element("p", "The better answer is on the left, by what judges or rules said.", class_="lead")
    yield element("noscript", element("p", "Pairs need JavaScript. The form dpo of an export has the same."))
    yield element("div", "", id="pairs", tabindex=-1, data_pairs=extent.pairs, data_size=PAIRS_A_FILE)
    yield _marking(_KEYS_OF_PAIRS)
