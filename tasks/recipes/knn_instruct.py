"""A message that the people behind a few neighbouring messages would send next.

Paper: KNN-Instruct (EMNLP 2024, #577), deduction of a new query from an anchor and its K nearest neighbours. Ours
differs: the analysis that the published prompt refers to but never makes is made (`user`), an answer is cut to a
budget of its own in tokens (theirs shrinks with each dialog), and the new message is JSON, so that prose around it is
no part of it.

    [{"text": "how do I prune an espaliered pear", "response": "In late winter ..."}, ...]
    -> {"text": "My quince hedge ...", "scene": "Gardeners with a few fruit trees ..."}
"""

from collections.abc import Sequence
from typing import Any

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, ours
from wellspring.tasks.contracts.prompting import Row, fenced, language
from wellspring.tasks.contracts.settings import PoolSettings

SYSTEM = "KNN-Instruct"
PAPER = "KNN-Instruct, EMNLP 2024 main 577"
VERSION = 4
TAKES = "pool"
MAKES = ("instructions",)
ROLES = ("generator", "responder")
Knobs = PoolSettings
ROUNDS = "rounds"


class Next(Answered):
    """What the people behind some conversations would send next."""

    FIRST = ("query",)
    user: str
    """Who they are."""
    query: str
    """The new message."""


def most_calls(knobs: Knobs) -> int:
    """One for each draw, and one for each answer that is shown."""
    return knobs.draws + (knobs.k + 1 if knobs.with_responses else 0)


async def program(row: Row, ask: Ask) -> None:
    """Have a new message written beside an item of the pool and its neighbours.

    Raises:
        Rejection: `no_neighbours`.
    """

    def keep(said: Next) -> Made:
        return ask.made.instruction(said, "query", scene=said.user)

    dialogs = await ask.dialogs()
    if len(dialogs) == 1:
        raise Rejection("no_neighbours", "all others are too much like it, or too long")
    await ask.draws(ask.knobs.draws, "write", Next, keep=keep, **fields(row, dialogs, ask.knobs))


def fields(row: Row, dialogs: Sequence[Row], knobs: Knobs) -> dict[str, Any]:
    """Return what the prompt's fields hold: the dialogs in order, and one of the languages, else that of the anchor."""
    anchor = (row["language"],) if row["language"] and row["language"] != "und" else ()
    return {
        "dialogs": ours("\n\n".join(_dialog(number, dialog) for number, dialog in enumerate(dialogs, start=1))),
        "language": ours(language(knobs.languages or anchor, "the language of these conversations")),
    }


def _dialog(number: int, dialog: Row) -> str:
    message = f"Conversation {number}\n\n{fenced('message', dialog['text'])}"
    return f"{message}\n\n{fenced('reply', dialog['response'])}" if dialog.get("response") else message
