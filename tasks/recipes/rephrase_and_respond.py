"""A question said anew, clearly and whole, by one model, and answered by another that sees both.

Paper: Rephrase and Respond (arXiv 2311.04205), the version in two steps: one model rephrases and expands the question,
another answers the original beside the rephrased one. Ours differs: the rephrased question becomes a row of its own
(the paper measures answers only), so what was asked must still be asked, and nothing be answered in it; the answer to
it is drawn as often as the knob says.

    {"text": "best way to learn chess quick"} -> "I am new to chess and have an hour a day for two months ..."
"""

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Rephrase and Respond"
PAPER = "Rephrase and Respond, arXiv 2311.04205, two steps"
VERSION = 1
TAKES = "instructions"
MAKES = ("instructions", "responses")
ROLES = ("generator", "responder")
REAL_MODEL = "SmolLM2 of 135M parameters, 3 inputs: 2 rows, one of them sound"
MAY = frozenset({"resemble"})


class Knobs(Section):
    """What a profile can set under `[recipes.rephrase_and_respond]`."""

    answers: int = Field(default=1, ge=1, le=16, description="answers to each rephrased question")


class Rephrased(Answered):
    """The question as it was meant."""

    unclear: str
    """What the original leaves open, and how a reader would fill it in."""
    question: str


def most_calls(knobs: Knobs) -> int:
    """One for the question, and one for each answer."""
    return 1 + knobs.answers


async def program(row: Row, ask: Ask) -> None:
    """Have the instruction said anew, and answered."""
    said = await ask("rephrase", Rephrased, text=row["text"])
    made = ask.made.instruction(said, "question", parents=[row["input_id"]])
    number, question = ask.knobs.answers, bare(made.text)
    for answer in await ask.draws(number, "answer", Text, role="responder", original=row["text"], rephrased=question):
        ask.made.answer(answer, made)
