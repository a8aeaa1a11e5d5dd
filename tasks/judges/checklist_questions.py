"""Yes-or-no questions that an answer to one instruction has to pass, written before any answer is seen.

Paper: TICK (arXiv 2410.03608): a checklist for each instruction, each question then answered in its own call
(`checklist`). Ours differs: between 2 and 8 questions (in TICK the number of items weights the score unseen), and
questions about what cannot be read off a text are ruled out in the prompt (its judge passes claims of such acts).

One answer: `{"questions": ["Does the answer name a pump for each of the two wells?", "Is the total below 400 euros?"]}`
"""

from typing import Annotated, Any, cast

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Read
from wellspring.tasks.contracts.prompting import Prompt, Row, Template, fenced, template

PAPER = "TICK, arXiv 2410.03608"
VERSION = 3
SUBJECT = "instruction"
MOST = 8


def _questions(said: Row, name: str, _: Template | None) -> list[str]:
    lines = cast("list[Any]", said[name]) if isinstance(said[name], list) else []
    asked = [" ".join(line.split()) for line in lines if isinstance(line, str)]
    return list(dict.fromkeys(question for question in asked if question.endswith(("?", "\uff1f"))))


class Checklist(Answered):
    """What an answer to one instruction has to pass."""

    questions: Annotated[list[str], Field(min_length=2, max_length=MOST), Read(_questions)]
    """Each can be answered by yes or no; no two alike."""


SCHEMA = Checklist.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Ask for the checklist of one instruction (`row["text"]`)."""
    messages = template("wellspring.tasks.judges", "checklist_questions").render(
        instruction=fenced("instruction", row["text"])
    )
    return Prompt(messages, SCHEMA, "checklist_questions")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Return the questions; raises what `Answered.read` does."""
    return Checklist.read(text).model_dump()
