"""A message that the people behind a few neighbouring messages would send next.

Paper: KNN-Instruct (EMNLP 2024, #577), deduction of a new query from an anchor and its K nearest neighbours. Ours
differs: the analysis that the published prompt refers to but never makes is made (`user`), an answer is cut to a
budget of its own in tokens (theirs shrinks with each dialog), and the new message is JSON, so that prose around it is
no part of it.

    {"dialogs": [{"text": "how do I prune an espaliered pear", "response": "In late winter ..."}, ...]}
    -> {"text": "My quince hedge ...", "scene": "Gardeners with a few fruit trees ..."}
"""

from typing import Any

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, language, template

PAPER = "KNN-Instruct, EMNLP 2024 main 577"
VERSION = 4
INPUTS = "pool"


class Next(Answered):
    """What the people behind some conversations would send next."""

    user: str
    """Who they are."""
    query: str
    """The new message."""


SCHEMA = Next.identity()


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask for a new message beside `row["dialogs"]`: `text`, and `response` (cut to its budget) or None, in order.

    It is asked for in the language that it is checked for: one of `settings.languages`, else that of the anchor, which
    `row["language"]` names.
    """
    anchor = (row["language"],) if row.get("language") and row["language"] != "und" else ()
    wanted = language(settings.languages or anchor, "the language of these conversations")
    shown = [_dialog(number, dialog) for number, dialog in enumerate(row["dialogs"], start=1)]
    messages = template("wellspring.tasks.recipes", "knn_instruct").render(dialogs="\n\n".join(shown), language=wanted)
    return Prompt(messages, SCHEMA, "knn_instruct")


def _dialog(number: int, dialog: Row) -> str:
    message = f"Conversation {number}\n\n{fenced('message', dialog['text'])}"
    return f"{message}\n\n{fenced('reply', dialog['response'])}" if dialog.get("response") else message


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return the new message as `text`, and who would send it as `scene`; raises what `Answered.read` does."""
    answer = Next.read(text, template("wellspring.tasks.recipes", "knn_instruct"), first=("query",))
    return {"text": answer.query, "scene": answer.user}
