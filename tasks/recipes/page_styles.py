"""Pages said again, piece by piece, in eight styles for pre-training: questions, lists, tables, tutorials, problems.

Paper: beside the papers, in the manner of Nemotron-CC (arXiv 2412.02595: `diverse_qa`, `distilled`, `knowledge_list`,
`extract`) and of FinePhrase (`table`, `tutorial`, `faq`, `math`). What we know of both is from memory, and the prompts
are our own. A page is cut as WRAP cuts it, and the pieces take turns at the styles.

Ours differs. Answers are JSON and are written out here, so lists, tables and steps have their form for certain.
Nemotron-CC puts the questions below their page; here they stand alone, and the page is named by the row. A problem is
solved a second time by somebody who sees only the problem, and is refused where the two results differ.

    "The pump lifts water 12 metres." -> knowledge_list: "- The pump lifts water 12 metres."
"""

import re
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import Pieces, check, plainly, say_again
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row

SYSTEM = ""
PAPER = "beside the papers: Nemotron-CC, arXiv 2412.02595, and FinePhrase"
VERSION = 1
TAKES = "documents"
MAKES = ("rewrites",)
ROLES = ("generator", "responder")
REAL_MODEL = "SmolLM2 of 135M parameters, 1 page: 1 rewrite of 3, in broken French"

Style = Literal["diverse_qa", "distilled", "knowledge_list", "extract", "table", "tutorial", "faq", "math"]
STYLES: tuple[Style, ...] = (
    "diverse_qa", "distilled", "knowledge_list", "extract", "table", "tutorial", "faq", "math",
)  # fmt: skip
_RESULT = re.compile(r"-?\d+(?:[.,]\d+)*")


class Knobs(Pieces):
    """What a profile can set under `[recipes.page_styles]`."""

    styles: tuple[Style, ...] = Field(default=STYLES, min_length=1, description="in which styles pages are said again")
    least_numbers: float = Field(
        default=0.4, ge=0, le=1, description="share of its piece's numbers that a text must have; not held of problems"
    )
    least_length: float = Field(default=0.15, ge=0, le=1, description="length of a text, as a share of its piece")


class Said(Answered):
    """A piece of a page as running text."""

    text: str


class Facts(Answered):
    """What a piece of a page says, fact by fact."""

    facts: list[str] = Field(min_length=1)

    @property
    def text(self) -> str:
        """A line for each fact."""
        return "\n".join(f"- {one}" for one in self.facts)


class Entry(Answered):
    """Something that a reader asks, and what the piece says to it."""

    question: str
    answer: str


class Questions(Answered):
    """A piece of a page as questions, each with its answer."""

    entries: list[Entry] = Field(min_length=1)

    @property
    def text(self) -> str:
        """Each question in bold, its answer below it."""
        return "\n\n".join(f"**{one.question}**\n{one.answer}" for one in self.entries)


class Line(Answered):
    """A row of a table."""

    cells: list[str]


class Table(Answered):
    """A piece of a page as a table, with a question that the table answers."""

    caption: str
    header: list[str] = Field(min_length=2)
    lines: list[Line] = Field(min_length=1)
    question: str
    answer: str

    @property
    def text(self) -> str:
        """The table in Markdown, under its caption and above its question."""
        rule = ["---"] * len(self.header)
        table = "\n".join(_written(cells) for cells in (self.header, rule, *(line.cells for line in self.lines)))
        return f"{self.caption}\n\n{table}\n\n**{self.question}**\n{self.answer}"


class Tutorial(Answered):
    """What a piece of a page teaches, step by step."""

    title: str
    steps: list[str] = Field(min_length=2)

    @property
    def text(self) -> str:
        """The title, and the steps by numbers."""
        return f"# {self.title}\n\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(self.steps, start=1))


class Problem(Answered):
    """A problem with its solution; the result is a number."""

    problem: str
    solution: str
    result: str

    @property
    def text(self) -> str:
        """The problem, its solution, its result."""
        return f"Problem: {self.problem}\n\nSolution: {self.solution}\n\nResult: {self.result}"


class Solved(Answered):
    """A problem, solved by somebody else."""

    working: str
    result: str


Form = type[Said] | type[Facts] | type[Questions] | type[Table] | type[Tutorial]
FORMS: dict[str, Form] = {
    "diverse_qa": Questions, "faq": Questions, "knowledge_list": Facts, "table": Table, "tutorial": Tutorial,
}  # fmt: skip


def most_calls(knobs: Knobs) -> int:
    """One for each piece in each of its styles; a problem costs a second one."""
    styles = len({*knobs.styles})
    return knobs.pieces * (min(knobs.styles_of_piece, styles) + ("math" in knobs.styles))


async def program(row: Row, ask: Ask) -> None:
    """Have each piece of the page said again in its styles, and keep what still says the same."""

    async def say(piece: str, style: str) -> Answered:
        if style == "math":
            return await _problem(ask, piece)
        said = await ask(style, FORMS.get(style, Said), text=piece)
        if isinstance(said, Table) and {len(line.cells) for line in said.lines} != {len(said.header)}:
            raise Rejection("not_a_table", f"its lines are not as long as its header: {said.text[:200]}")
        check(said.text, piece, ask.knobs)
        return said

    await say_again(row, ask, ask.knobs.styles, say)


async def _problem(ask: Ask, piece: str) -> Problem:
    """Have a problem written, and solved by another.

    Raises:
        Rejection: `results_differ`.
    """
    said = await ask("math", Problem, text=piece)
    solved = await ask("solve", Solved, role="responder", problem=said.problem)
    if _result(said.result) != _result(solved.result):
        raise Rejection("results_differ", f"{said.result[:80]}, and {solved.result[:80]}: {said.problem[:200]}")
    return said


def _result(text: str) -> str:
    """Return the last number of a result, however it is grouped; its words where it has none."""
    found = _RESULT.findall(text)
    return found[-1].replace(",", "") if found else plainly(text)


def _written(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "/").split()) for cell in cells) + " |"
