"""More of what a seed is: new instructions of its kind, the seed said better, and new pairs with their answers.

Paper: Data Augmentation Models on the Cloud (arXiv 2412.04871), three operators that small models were trained for.
Instruction expansion: new instructions of the kind of a given one, about other matters. Instruction refinement: an
instruction that is clearer and says more. Pair expansion: new instructions with their answers, of a given pair.

Ours differs. The operators are prompts to the generator, not models of their own; each can be left out. They are put
one behind the other: an expanded instruction is refined, too, and stays as it was where that changes nothing or goes
wrong. One call expands an instruction several times, so that its results differ. A pair that is a copy of its seed on
either side is refused. A seed without an answer is answered first, by the responder. What was expanded or refined is
answered in the stage `responses`; a pair brings its answer, as in the paper. The paper's filters, and how it samples
seeds by task, belong to its training data and are not here.

    {"text": "How do I prune a fig?", "response": "In late winter ..."} -> "When do I thin out a plum tree?" and others
"""

from typing import Annotated, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing, folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Data Augmentation Models on the Cloud"
PAPER = "Data Augmentation Models on the Cloud, arXiv 2412.04871"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses")
ROLES = ("generator", "responder")
MAY = frozenset({"resemble"})
REAL_MODEL = ""

Operator = Literal["expand", "refine", "pair"]


class Knobs(Section):
    """What a profile can set under `[recipes.data_augmentation]`."""

    operators: tuple[Operator, ...] = Field(
        default=("expand", "refine", "pair"), min_length=1, description="what is done to a seed"
    )
    expansions: int = Field(default=3, ge=1, le=16, description="new instructions of the seed's kind")
    pairs: int = Field(default=2, ge=1, le=16, description="new pairs of the seed and its answer")


class Expanded(Answered):
    """New instructions of one kind."""

    kind: Aside
    instructions: Annotated[list[str], Field(min_length=1, max_length=16)]


class Refined(Answered):
    """An instruction, said better."""

    missing: Aside
    instruction: str


class Paired(Answered):
    """A new instruction with its answer."""

    instruction: str
    response: str


def most_calls(knobs: Knobs) -> int:
    """One to expand; one to refine the seed and each expansion; the seed's answer, and one a pair."""
    expansions = knobs.expansions if "expand" in knobs.operators else 0
    refinements = 1 + expansions if "refine" in knobs.operators else 0
    return bool(expansions) + refinements + (1 + knobs.pairs if "pair" in knobs.operators else 0)


async def program(row: Row, ask: Ask) -> None:
    """Expand the seed, refine it and what came of it, and expand it with its answer."""
    wanted = ask.knobs.operators
    branches = [_expanded(row, ask)] if "expand" in wanted else []
    branches += [_refined(row["text"], ask)] if "refine" in wanted else []
    branches += [_paired(row, ask)] if "pair" in wanted else []
    await ask.tried(branches)


async def _expanded(row: Row, ask: Ask) -> None:
    """Make new instructions of the seed's kind, refined where that is wanted."""
    said = await ask("expand", Expanded, text=row["text"], number=ask.knobs.expansions)
    new = differing(ask.made, said.instructions[: ask.knobs.expansions], beside=[row["text"]])
    await ask.tried([_kept(text, said, ask) for text in new])


async def _kept(text: str, said: Expanded, ask: Ask) -> None:
    """Make an expansion, refined, or else as it is."""
    refined = await ask.tried([_refined(text, ask)]) if "refine" in ask.knobs.operators else []
    if not any(refined):
        ask.made.instruction(said, text=text)


async def _refined(text: str, ask: Ask) -> bool:
    """Make an instruction that says better what a text says.

    Raises:
        Rejection: `same_text`, it comes back as it was; what the checks of an instruction refuse.
    """
    said = await ask("refine", Refined, text=text)
    if folded(said.instruction) == folded(text):
        raise Rejection("same_text", f"nothing is said better: {text[:200]}")
    ask.made.instruction(said, "instruction")
    return True


async def _paired(row: Row, ask: Ask) -> None:
    """Make new pairs of the seed and its answer."""
    response = row["response"] or (await ask("answer", Text, role="responder", text=bare(row["text"]))).text
    said = await ask.draws(ask.knobs.pairs, "pair", Paired, text=row["text"], response=response)
    new = differing(ask.made, said, beside=[row["text"]], text=lambda one: one.instruction)
    new = differing(ask.made, new, beside=[response], text=lambda one: one.response)
    await ask.tried([_answered(one, ask) for one in new])


async def _answered(pair: Paired, ask: Ask) -> None:
    ask.made.answer(pair, ask.made.instruction(pair, "instruction"), "response")
