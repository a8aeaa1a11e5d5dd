"""Answers that differ, of several to one prompt: what comes a second time is refused, and costs no judge anything."""

from collections.abc import Iterable
from typing import TypeVar

from wellspring.tasks.contracts.program import Makes

A = TypeVar("A")


def different(answers: Iterable[A], made: Makes, field: str = "text") -> list[A]:
    """Return the first answer of each text, in their order; `made` records the others as `same_text`.

    Args:
        answers: As `ask` gave them, or things of the program's own that hold one.
        made: What the program makes with.
        field: Whose text it is; a property of the class will do.

    Returns:
        The answers whose texts differ by more than white space.
    """
    found = dict[str, A]()
    for one in answers:
        text = str(getattr(one, field))
        if found.setdefault(" ".join(text.split()), one) is not one:
            made.refused("same_text", f"it was answered before: {text[:200]}")
    return list(found.values())
