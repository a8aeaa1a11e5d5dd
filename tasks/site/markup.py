"""HTML that cannot be broken out of: everything that is not `Html` is escaped, and only harmless attributes exist.

Pages show text that strangers wrote. Here no markup is ever assembled from strings: an element is a function call, its
text is escaped, scripts and styles are files (the policy forbids inline ones), and links stay inside the site.
"""

import html
import re
from collections.abc import Iterable

from wellspring.tasks.contracts.visible import visible

# Everything from our own folder, nothing else, and no text of ours ever becomes script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types wellspring"
)
_ALONE = {"br", "hr", "img", "input", "link", "meta"}
_LINKS = {"href", "src", "action"}
_INSIDE = re.compile(r"(?!.*[\\:])(?!//)[!-~]+")
_NAME = re.compile(r"[a-z][a-zA-Z0-9-]*")


class Html(str):
    """Markup that was made here; any other text is escaped when it is put into an element."""

    __slots__ = ()


Child = Html | str | float | None


def element(tag: str, /, *children: Child | Iterable[Child], **attributes: str | float | bool | None) -> Html:
    """Return an element; `class_` and `for_` lose their underscore, others become hyphens, None and False vanish.

    Raises:
        ValueError: A tag or attribute that could run something, or a link that leads out of the site.
    """
    name = tag.rstrip("_")
    if not _NAME.fullmatch(name) or name in {"iframe", "object", "embed", "base", "style"}:
        raise ValueError(f"<{tag}> is no element of our pages")
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _ALONE:
        return Html(f"<{name}{head}>")
    if name == "script" and children:
        raise ValueError("scripts are files: give `src`")
    return Html(f"<{name}{head}>{joined(*children)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:  # noqa: FBT001 - what an attribute may be
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name) or name.startswith("on") or name == "style":
        raise ValueError(f"`{name}` is no attribute of our pages")
    text = "" if value is True else str(value)
    if name in _LINKS and not _INSIDE.fullmatch(text):
        raise ValueError(f'{name}="{text}" leads out of the site')
    return f' {name}="{html.escape(text)}"'


def joined(*children: Child | Iterable[Child]) -> Html:
    """Return the children one after the other, escaped unless they are markup."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str | int | float):
            parts.append(html.escape(str(child)))
        else:
            parts.append(joined(*child))
    return Html("".join(parts))


def plain(text: object, most: int = 400) -> str:
    """Return text that a stranger wrote as one can read it: cut, and without characters that one cannot see."""
    clean = visible(str(text if text is not None else "").encode("utf-8", "replace").decode("utf-8"))
    return clean if len(clean) <= most else f"{clean[:most]}…"


def said(text: object, most: int = 400) -> Html:
    """Return such text as an element that keeps its writing direction to itself."""
    return element("bdi", plain(text, most))


def page(
    title: str,
    body: Iterable[Child],
    *,
    root: str,
    current: str,
    places: Iterable[tuple[str, str]],
    store: str,
    scripts: Iterable[str] = ("site.js",),
) -> str:
    """Return a whole page.

    Args:
        title: What the page is, for the tab and the first heading.
        body: What it shows, below its heading.
        root: The way to the site's folder from this page, such as "../../"; empty at the top.
        current: The place of this page among `places`.
        places: Name and address (from the site's folder) of each entry of the navigation.
        store: The name of the store that the page is of.
        scripts: Files of the site's `assets`, in the order they run.
    """
    navigation = element(
        "nav",
        element(
            "ul",
            [
                element("li", element("a", name, href=root + to, aria_current="page" if name == current else None))
                for name, to in places
            ],
        ),
        aria_label="Dashboard",
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} · {plain(store, 60)} · Wellspring"),
        element("link", rel="stylesheet", href=f"{root}assets/site.css"),
        element("link", rel="icon", href=f"{root}assets/mark.svg", type="image/svg+xml"),
        [element("script", src=f"{root}assets/{script}", defer=True) for script in scripts],
    )
    top = element(
        "header",
        element(
            "a",
            element("span", "≈", aria_hidden="true", class_="mark"),
            "Wellspring",
            class_="wordmark",
            href=f"{root}index.html",
        ),
        element("span", said(store, 60), class_="store"),
        navigation,
    )
    main = element("main", element("h1", title), body, id="content", tabindex=-1)
    skip = element("a", "Skip to content", class_="skip", href="#content")
    document = element("html", head, element("body", skip, top, main), lang="en")
    return f"<!doctype html>\n{document}\n"


def table(
    caption: str, columns: Iterable[str | tuple[str, str]], rows: Iterable[Iterable[Child]], *, hidden: bool = False
) -> Html:
    """Return a table that scrolls by itself where it is wider than the screen.

    Args:
        caption: What the table shows, for everyone.
        columns: Headings; a pair gives a class (`number`) to the column.
        rows: Cells by row; the first of a row is its heading.
        hidden: The caption is only for screen readers (a heading above says the same).
    """
    heads = [(column, "") if isinstance(column, str) else column for column in columns]
    body = [
        element(
            "tr",
            [
                element("th" if i == 0 else "td", cell, class_=heads[i][1] or None, scope="row" if i == 0 else None)
                for i, cell in enumerate(row)
            ],
        )
        for row in rows
    ]
    whole = element(
        "table",
        element("caption", caption, class_="unseen" if hidden else None),
        element(
            "thead", element("tr", [element("th", name, scope="col", class_=kind or None) for name, kind in heads])
        ),
        element("tbody", body),
    )
    return element("div", whole, class_="scrolls", tabindex=0, role="region", aria_label=caption)
