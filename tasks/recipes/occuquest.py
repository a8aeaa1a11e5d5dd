"""Questions of people at work, down a tree of occupations, responsibilities and topics, with answers and dialogues.

Paper: OccuQuest (arXiv 2310.16517). A list of some 1,000 occupations in 26 categories; ChatGPT names the
responsibilities of each, topics of each responsibility with their features, questions on each topic, and the answers;
dialogues are written on topics, too.

Ours differs. `occuquest.jsonl` has occupations of our own choice, in as many categories. An input opens some branches
of the tree: its id says which. (Its text is not shown; the more inputs, the more of the tree is seen. What two inputs
share of the tree is paid once.) Each row has a note of its branch, by which coverage can be counted. Questions of a
topic are asked for together, so that they differ. How the paper has its dialogues written is not known to us: one call
writes ours up to their last question, and the responder answers that. The paper does not check its answers, and
neither does this: the verdicts and judges of the profile do.

    {"category": "food service", "occupation": "pastry cook"} -> "How do I keep laminated dough from leaking butter?"
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Turn, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing, folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "OccuQuest"
PAPER = "OccuQuest, arXiv 2310.16517"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder")
MAY = frozenset({"switch_language"})
REAL_MODEL = ""
STRIDE = 37  # from one occupation of an input to the next; prime, so that none comes twice
T = TypeVar("T")


class Knobs(Section):
    """What a profile can set under `[recipes.occuquest]`."""

    branches: int = Field(default=2, ge=1, le=16, description="occupations of an input, with a topic of each")
    questions: int = Field(
        default=3, ge=0, le=8, description="answered questions on a topic; the paper has some 110 an occupation"
    )
    dialogues: bool = Field(default=True, description="write a dialogue on a topic, too")
    turns: int = Field(default=3, ge=2, le=8, description="questions of a dialogue, at most")


class Responsibilities(Answered):
    """What somebody does at work."""

    responsibilities: Annotated[list[str], Field(min_length=1, max_length=12)]


class Topic(Answered):
    """A matter of a responsibility, with what belongs to it."""

    topic: str
    features: Annotated[list[str], Field(max_length=8)]


class Topics(Answered):
    """The matters of a responsibility."""

    topics: Annotated[list[Topic], Field(min_length=1, max_length=12)]


class Questions(Answered):
    """What somebody at work asks."""

    questions: Annotated[list[str], Field(min_length=1, max_length=8)]


class Exchange(Answered):
    """A question and its answer."""

    question: str
    answer: str


class Dialogue(Answered):
    """A conversation up to its last question."""

    exchanges: Annotated[list[Exchange], Field(min_length=1, max_length=8)]
    last: str


def most_calls(knobs: Knobs) -> int:
    """Of each branch: responsibilities, topics, questions with their answers, a dialogue with its answer."""
    return knobs.branches * (2 + (1 + knobs.questions if knobs.questions else 0) + 2 * knobs.dialogues)


async def program(row: Row, ask: Ask) -> None:
    """Go down the branches of the tree that the input's id says."""
    first = int(row["input_id"][:8], 16)
    taken = [ask.own[(first + STRIDE * turn) % len(ask.own)] for turn in range(ask.knobs.branches)]
    await ask.tried([_branch(row["input_id"], one, ask) for one in taken])


async def _branch(input_id: str, job: Mapping[str, Any], ask: Ask) -> None:
    """Choose a responsibility and a topic, and have questions and a dialogue written on it."""
    occupation = str(job["occupation"])
    duties = await ask("responsibilities", Responsibilities, occupation=occupation)
    duty = _by_lot(duties.responsibilities, input_id[8:12])
    topics = await ask("topics", Topics, occupation=occupation, responsibility=duty)
    topic = _by_lot(topics.topics, input_id[12:16])
    about = {"occupation": occupation, "responsibility": duty, "topic": topic.topic, "features": topic.features}
    note = ask.made.note("branch", {"category": job["category"], **about}, topics)
    ways = [_questions(about, note, ask)] if ask.knobs.questions else []
    ways += [_dialogue(about, note, ask)] if ask.knobs.dialogues else []
    await ask.tried(ways)


def _by_lot(found: Sequence[T], lot: str) -> T:
    return found[int(lot, 16) % len(found)]


async def _questions(about: Mapping[str, Any], note: Made, ask: Ask) -> None:
    said = await ask("questions", Questions, number=ask.knobs.questions, **about)
    new = differing(ask.made, said.questions[: ask.knobs.questions])
    await ask.tried([_answered(said, text, note, ask) for text in new])


async def _answered(said: Questions, text: str, note: Made, ask: Ask) -> None:
    made = ask.made.instruction(said, text=text, parents=[note])
    ask.made.answer(await ask("answer", Text, role="responder", question=bare(made.text)), made)


async def _dialogue(about: Mapping[str, Any], note: Made, ask: Ask) -> None:
    """Make the last question of a dialogue, with the exchanges before it.

    Raises:
        Rejection: `duplicate`, a question comes twice; what the checks of an instruction refuse.
    """
    said = await ask("dialogue", Dialogue, turns=ask.knobs.turns, **about)
    before = said.exchanges[: ask.knobs.turns - 1]
    questions = [*(one.question for one in before), said.last]
    if len({*map(folded, questions)}) < len(questions):
        raise Rejection("duplicate", f"a question of a dialogue comes twice: {said.last[:200]}")
    history = list[Turn]()
    for one in before:
        history += [Turn(role="user", content=one.question), Turn(role="assistant", content=one.answer)]
    made = ask.made.instruction(said, "last", parents=[note], history=history)
    answer = await ask("answer", Text, role="responder", history=history, question=bare(made.text))
    ask.made.answer(answer, made)
