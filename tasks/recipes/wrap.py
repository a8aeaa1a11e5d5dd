"""Pages said again, piece by piece, in four styles: easy, medium, hard, and questions with answers.

Paper: WRAP, Rephrasing the Web (arXiv 2401.16380). Web text is cut into pieces of about 300 tokens, since more at once
loses content, and a model says each again in one of four styles. One trains on the pages and on what was said of them,
half and half. Ours differs: the answers are JSON, so that no greeting stands before a text; questions and answers come
as pairs, and are written out here; and what came is looked at. A text that is its piece unchanged, that is far shorter,
that has lost most of the numbers, or that came before for the same page is refused. (The paper keeps everything. Names
are asked for, and not looked at: nobody tells them from other words in every language.)

    "The pump lifts water 12 metres." -> hard: "The pump effects a hydraulic elevation of 12 metres."
"""

from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.pieces import Pieces, check, say_again
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row

SYSTEM = "WRAP"
PAPER = "WRAP, Rephrasing the Web, arXiv 2401.16380"
VERSION = 1
TAKES = "documents"
MAKES = ("rewrites",)
ROLES = ("generator",)
REAL_MODEL = "SmolLM2 of 135M parameters, 3 pages: 2 rewrites of 5, one sound"
MAY = frozenset[str]()

Style = Literal["easy", "medium", "hard", "question_answer"]
STYLES: tuple[Style, ...] = ("easy", "medium", "hard", "question_answer")


class Knobs(Pieces):
    """What a profile can set under `[recipes.wrap]`."""

    styles: tuple[Style, ...] = Field(default=STYLES, min_length=1, description="in which styles pages are said again")


class Said(Answered):
    """A piece of a page, said again."""

    text: str


class Pair(Answered):
    """A question that a piece of a page answers, and the answer."""

    question: str
    answer: str


class Asked(Answered):
    """A piece of a page as questions and answers."""

    pairs: list[Pair] = Field(min_length=1)

    @property
    def text(self) -> str:
        """The pairs, written out as the paper has them."""
        return "\n\n".join(f"Question: {one.question}\nAnswer: {one.answer}" for one in self.pairs)


def most_calls(knobs: Knobs) -> int:
    """One for each piece, in each of its styles."""
    return knobs.pieces * min(knobs.styles_of_piece, len({*knobs.styles}))


async def program(row: Row, ask: Ask) -> None:
    """Have each piece of the page said again, and keep what still says the same."""

    async def say(piece: str, style: str) -> Said | Asked:
        said = await ask(style, Asked if style == "question_answer" else Said, text=piece)
        check(said.text, piece, ask.knobs)
        return said

    await say_again(row, ask, ask.knobs.styles, say)
