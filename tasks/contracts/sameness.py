"""Texts that say the same, but for case and white space."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from wellspring.tasks.contracts.program import Makes

T = TypeVar("T")


def folded(text: str) -> str:
    """Return a text without its case, and with single spaces: what two texts that say the same share."""
    return " ".join(text.casefold().split())


def differing(
    made: Makes, items: Iterable[T], *, beside: Iterable[str] = (), text: Callable[[T], str] = str
) -> list[T]:
    """Return the first of those that say the same, and have the others recorded as `duplicate`.

    Args:
        made: What the program makes with.
        items: Texts, or what has one.
        beside: Texts that are there already.
        text: What an item says.
    """
    seen, found = {folded(one) for one in beside}, list[T]()
    for item in items:
        said = text(item)
        if folded(said) in seen:
            made.refused("duplicate", f"it is there already: {said[:200]}")
        else:
            seen.add(folded(said))
            found.append(item)
    return found
