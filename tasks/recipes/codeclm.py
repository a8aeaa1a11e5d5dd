"""New instructions of a seed's use case and skills, made harder until a strong and a target model answer unlike.

Paper: CodecLM (arXiv 2404.05875). Encode: a strong model says a seed's use case and skills. Decode: it writes a basic
instruction of these alone. Self-rubrics: it writes rubrics for them, and an action for each; one action, by lot, makes
the instruction harder. Contrast: the strong and the target model answer; both answers are marked from 0 to 10, in both
orders, and the marks of an answer are averaged. Where they differ by more than 3 the instruction is kept with the
better answer. Else it goes back to the rubrics, four times at most.

Ours differs. The strong model is the generator and the target the responder. The judge marks; in the paper the strong
model does. The strong model is told to take care, so that a profile with one model for both has a contrast, too. A
round starts from the instruction of the round before, and takes an action that had no turn. The worse answer stands in
a pair. That the order is changed, and that the better answer is kept even if it is the target's, is from memory.

    {"text": "Why is my bread dense?"} -> {"use_case": "finding a fault", "skills": ["baking"]} -> "My rye loaf ..."
"""

from typing import Annotated, Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "CodecLM"
PAPER = "CodecLM, arXiv 2404.05875"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "scores", "notes")
ROLES = ("generator", "responder", "judge")
REAL_MODEL = ""
CALLS_OF_ROUND = 5  # the harder instruction, two answers, and marks in two orders


class Knobs(Section):
    """What a profile can set under `[recipes.codeclm]`."""

    rounds: int = Field(default=4, ge=1, le=8, description="times that an instruction is made harder, at most")
    rubrics: int = Field(default=4, ge=1, le=8, description="rubrics, and an action for each")
    min_gap: float = Field(
        default=3, ge=0, lt=10, description="the marks of the two answers must differ by more than this, of 10"
    )


class Metadata(Answered):
    """What an instruction is for, and what its answer takes."""

    use_case: str
    skills: Annotated[list[str], Field(min_length=1, max_length=5)]


class Basic(Answered):
    """An instruction of a use case and its skills."""

    instruction: str


class Rubric(Answered):
    """What makes an instruction hard, and what to do to it."""

    rubric: str
    action: str


class Rubrics(Answered):
    """What makes instructions of a use case hard."""

    rubrics: Annotated[list[Rubric], Field(min_length=1, max_length=8)]


class Harder(Answered):
    """An instruction after an action."""

    change: Aside
    instruction: str


class Marks(Answered):
    """How good each of two answers is."""

    reason: Aside
    first: Annotated[float, Field(ge=0, le=10)]
    second: Annotated[float, Field(ge=0, le=10)]


def most_calls(knobs: Knobs) -> int:
    """One each for metadata, basic instruction and rubrics, and what a round takes."""
    return 3 + knobs.rounds * CALLS_OF_ROUND


async def program(row: Row, ask: Ask) -> None:
    """Write an instruction of the seed's kind, and make it harder until its answers differ."""
    metadata = await ask("encode", Metadata, text=row["text"])
    about: dict[str, Any] = {"use_case": metadata.use_case, "skills": list(dict.fromkeys(metadata.skills))}
    basic = await ask("decode", Basic, **about)
    said = await ask("rubrics", Rubrics, number=ask.knobs.rubrics, **about)
    actions = list(dict.fromkeys(one.action for one in said.rubrics))[: ask.knobs.rubrics]
    note = ask.made.note("metadata", {**about, "actions": actions}, metadata)
    text, lot = basic.instruction, int(row["input_id"][:8], 16)
    for turn in range(ask.knobs.rounds):
        action = actions[(lot + turn) % len(actions)]
        [harder] = await ask.tried([_harder(ask, text, action, about["use_case"])])
        if harder is None:
            continue
        text = harder.instruction
        if (await ask.tried([_contrasted(ask, harder, note)]))[0]:
            return


async def _harder(ask: Ask, text: str, action: str, use_case: str) -> Harder:
    """Make an instruction harder.

    Raises:
        Rejection: `same_text`, it comes back as it was.
    """
    harder = await ask("improve", Harder, instruction=text, action=action, use_case=use_case)
    if harder.instruction == text:
        raise Rejection("same_text", f"the action changes nothing: {action[:200]}")
    return harder


async def _contrasted(ask: Ask, harder: Harder, note: Made) -> bool:
    """Keep an instruction whose two answers differ, with the better one.

    Raises:
        Rejection: `margin_too_small`, their marks are too near; `same_text`, they say the same; `no_answer_kept`, the
            better one cannot be kept.
    """
    made = ask.made.instruction(harder, "instruction", parents=[note])
    strong, target = await ask.each([
        ask("answer_with_care", Text, instruction=made.text),
        ask("answer", Text, role="responder", instruction=bare(made.text)),
    ])  # fmt: skip
    if strong.text == target.text:
        raise Rejection("same_text", f"both models answer: {strong.text[:200]}")
    by_strong, by_target = await _marks(ask, made.text, strong, target)
    gap = abs(by_strong - by_target)
    if gap <= ask.knobs.min_gap:
        raise Rejection("margin_too_small", f"{by_strong:g} and {by_target:g}: {made.text[:200]}")
    better, worse = (strong, target) if by_strong > by_target else (target, strong)
    chosen = ask.made.answer(better, made)
    if chosen is None:
        raise Rejection("no_answer_kept", f"the better answer is refused: {better.text[:200]}")
    ask.made.score(chosen, "contrast", max(by_strong, by_target), f"{by_strong:g} strong, {by_target:g} target")
    if rejected := ask.made.answer(worse, made, use="rejected"):
        ask.made.score(rejected, "contrast", min(by_strong, by_target))
        ask.made.pair(chosen, rejected, "verified", margin=gap)
    return True


async def _marks(ask: Ask, instruction: str, strong: Text, target: Text) -> tuple[float, float]:
    """Return the mean marks of both answers, each once shown first and once second."""
    one, other = await ask.each([
        ask("mark", Marks, role="judge", instruction=instruction, first=a.text, second=b.text)
        for a, b in ((strong, target), (target, strong))
    ])  # fmt: skip
    return (one.first + other.second) / 2, (one.second + other.first) / 2
