"""An instruction in other words, by people of several manners, with the one answer that all of these have.

Paper: Evaluating the Zero-shot Robustness of Instruction-tuned Language Models (arXiv 2306.11270). People wrote 319
instructions for 80 tasks, each as they would say it. Models do worse where a phrasing is new to them. What helps is to
train on phrasings that mean the same, with the same output.

Ours differs. A model writes the phrasings, each in a call of its own and in a manner of the list, so that they differ
as those of people do; a judge says of each whether it asks for the same. All phrasings have the answer to the original.
(The paper trains a soft prompt to draw their representations together: that is no data.) The paper measures by labels;
ours has the responder answer each phrasing, too, and the judge say whether that comes to the same as the answer to the
original: the share that does is the instruction's score `robustness`. These other answers are not kept. Only first
turns are taken.

    {"text": "Translate to French: Good night."} -> "how would a french speaker say Good night.", "Bonne nuit."
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Zero-shot robustness"
PAPER = "Zero-shot robustness, arXiv 2306.11270: phrasings of the same meaning"
VERSION = 1
TAKES = "instructions"
MAKES = ("instructions", "responses", "scores")
ROLES = ("generator", "responder", "judge")
MAY = frozenset({"resemble"})
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.zero_shot_robustness]`."""

    phrasings: int = Field(default=4, ge=1, le=12, description="phrasings of an instruction; the paper has 4 a task")
    test: bool = Field(default=True, description="answer each phrasing, too, and score how many answers agree")


class Phrased(Answered):
    """The instruction in other words."""

    instruction: str


class Meaning(Answered):
    """Whether two instructions ask for the same."""

    difference: Aside
    same: Literal["yes", "no"]


class Agreement(Answered):
    """Whether two answers come to the same."""

    difference: Aside
    agree: Literal["yes", "no"]


def most_calls(knobs: Knobs) -> int:
    """Two a phrasing, two more for its test, and one answer."""
    return 1 + knobs.phrasings * (4 if knobs.test else 2)


async def program(row: Row, ask: Ask) -> None:
    """Have the instruction answered, and said in other ways that have this answer, too.

    Raises:
        Rejection: `not_a_first_turn`, it goes on with a conversation; `no_answer_kept`, its answer cannot be kept.
    """
    if row["history"]:
        raise Rejection("not_a_first_turn", row["text"][:200])
    answer = await ask("answer", Text, role="responder", instruction=bare(row["text"]))
    first = int(row["input_id"][:8], 16)
    manners = [str(ask.own[(first + turn) % len(ask.own)]["manner"]) for turn in range(ask.knobs.phrasings)]
    came = await ask.tried([ask("phrase", Phrased, instruction=row["text"], manner=one) for one in manners])
    new = differing(ask.made, filter(None, came), beside=[row["text"]], text=lambda one: one.instruction)
    phrasings = [one for one in await ask.tried([_phrasing(row, ask, one) for one in new]) if one]
    answers = [ask.made.answer(answer, one) for one in phrasings]
    if answers and not all(answers):
        raise Rejection("no_answer_kept", f"of the instruction: {answer.text[:200]}")
    if answers and ask.knobs.test:
        await _test(row, ask, answer, phrasings)


async def _phrasing(row: Row, ask: Ask, said: Phrased) -> Made:
    """Make a phrasing that means the same.

    Raises:
        Rejection: `other_meaning`, it does not ask for the same; what the checks of an instruction refuse.
    """
    made = ask.made.instruction(said, "instruction")
    meaning = await ask("mean_the_same", Meaning, role="judge", one=row["text"], other=made.text)
    if meaning.same == "no":
        raise Rejection("other_meaning", f"{meaning.difference}: {made.text}"[:300])
    return made


async def _test(row: Row, ask: Ask, answer: Text, phrasings: Sequence[Made]) -> None:
    """Score the instruction by the share of phrasings whose own answer comes to the same as its answer."""
    found = [one for one in await ask.tried([_agrees(row, ask, answer, one) for one in phrasings]) if one is not None]
    if found:
        told = f"{sum(found)} of {len(found)} phrasings are answered as the instruction is"
        ask.made.score(row["input_id"], "robustness", sum(found) / len(found), told)


async def _agrees(row: Row, ask: Ask, answer: Text, phrasing: Made) -> bool:
    own = await ask("answer", Text, role="responder", instruction=bare(phrasing.text))
    if own.text == answer.text:
        return True
    said = await ask("agree", Agreement, role="judge", instruction=row["text"], one=answer.text, other=own.text)
    return said.agree == "yes"
