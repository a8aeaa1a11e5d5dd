"""Pairs of instruction and answer are revised by nine criteria, and the largest edit that makes a pair better is kept.

Paper: CoachLM (arXiv 2311.13246). Experts mark a pair by nine criteria. An instruction is to be readable, feasible
(together 80 of 100) and set in a context (20). An answer is to be safe (without that it has nothing), correct, relevant
and comprehensive (80), rich and human in tone (20). They revise both until the pair has 95. A model is trained on the
30% of their revisions with the largest edit distance, and revises all other pairs.

Ours differs. The model that is asked stands for the experts and for the coach. No program sees all revisions at once:
so of several revisions of one pair those that change least are refused, and the largest that a judge marks higher than
the pair is kept. Edits are counted in words. A seed without an answer is answered first. What an edit changed is kept
as a note, for who trains a coach. Each mark is from 0 to 10; how marks become points is ours but for their shares.

    {"text": "Tell about tea.", "response": "It is hot."} -> "Tell a beginner how green tea is made.", "First ..."
"""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Annotated, Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "CoachLM"
PAPER = "CoachLM, arXiv 2311.13246: expert revision by nine criteria, the largest edits first"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "scores", "notes")
ROLES = ("generator", "judge", "responder")
MAY = frozenset({"resemble", "repeat"})
REAL_MODEL = "SmolLM2 of 135M parameters, 1 input: refused, a mark was out of range"

BASIC, ADVANCED = 8, 2  # points of a mark: a hundred of two tens
SAFE = 5  # the least mark of an answer that is worth anything

Mark = Annotated[int, Field(ge=0, le=10)]


class Knobs(Section):
    """What a profile can set under `[recipes.coachlm]`."""

    revisions: int = Field(default=3, ge=1, le=16, description="revisions of a pair, of which one is kept")
    rounds: int = Field(
        default=2, ge=1, le=8, description="times that a pair is revised; in the paper until it is good"
    )
    good: float = Field(default=95, ge=0, le=100, description="points from which a pair stays as it is; as the paper")
    min_edit: float = Field(
        default=0.1, ge=0, le=1, description="share of words to change; the paper keeps the 30% with the largest edits"
    )


class Marks(Answered):
    """Marks of a pair by nine criteria."""

    faults: Aside
    readable: Mark
    feasible: Mark
    in_context: Mark
    safe: Mark
    correct: Mark
    relevant: Mark
    comprehensive: Mark
    rich: Mark
    human: Mark

    @property
    def points(self) -> float:
        """Of the pair, of 100."""
        asked = BASIC * (self.readable + self.feasible) / 2 + ADVANCED * self.in_context
        basic, advanced = (self.correct + self.relevant + self.comprehensive) / 3, (self.rich + self.human) / 2
        answered = BASIC * basic + ADVANCED * advanced if self.safe >= SAFE else 0
        return (asked + answered) / 2


class Revised(Answered):
    """A pair as it is after its revision."""

    instruction: str
    response: str

    @property
    def text(self) -> str:
        """Both, as they are compared."""
        return f"{self.instruction}\n\n{self.response}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair, its marks, and how much of the first pair it changes; `revised` is None for that one."""

    instruction: str
    response: str
    marks: Marks
    revised: Revised | None = None
    edit: float = 0


def most_calls(knobs: Knobs) -> int:
    """One for an answer, one for its marks; for each revision one, and one for its marks."""
    return 2 + 2 * knobs.rounds * knobs.revisions


def edited(before: str, after: str) -> float:
    """Return the share of words that an edit changes: those put in, taken out or put in place of others."""
    one, other = before.split(), after.split()
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    changed = sum(max(end - begin, stop - start) for tag, begin, end, start, stop in steps if tag != "equal")
    return changed / max(len(one), len(other), 1)


async def program(row: Row, ask: Ask) -> None:
    """Have a pair marked and revised; keep it as it is where it is good already.

    Raises:
        Rejection: `not_better`, no revision is better than a pair that is not good.
    """
    first = None if row["response"] else await ask("answer", Text, role="responder", instruction=bare(row["text"]))
    original = await _marked(ask, row["text"], first.text if first else row["response"])
    best = original
    for _ in range(ask.knobs.rounds):
        better = await _revised(ask, original, best) if best.marks.points < ask.knobs.good else None
        if better is None:
            break
        best = better
    if best is original and original.marks.points < ask.knobs.good:
        raise Rejection("not_better", f"{original.marks.points:.0f} points, and no revision has more")
    _keep(ask, original, best, first)


async def _marked(ask: Ask, instruction: str, response: str, revised: Revised | None = None, edit: float = 0) -> Pair:
    marks = await ask("mark", Marks, role="judge", instruction=instruction, response=response)
    return Pair(instruction, response, marks, revised, edit)


async def _revised(ask: Ask, original: Pair, best: Pair) -> Pair | None:
    """Have a pair revised several times; the largest edit of the original that has more points, None if none has."""
    pair: dict[str, Any] = {"instruction": best.instruction, "response": best.response, "faults": best.marks.faults}
    given = await ask.draws(ask.knobs.revisions, "revise", Revised, **pair)
    drafts = differing(ask.made, given, text=lambda one: one.text)
    found = await ask.tried([_draft(ask, original, best, draft) for draft in drafts])
    better = sorted((one for one in found if one), key=lambda one: -one.edit)
    for one in better[1:]:
        ask.made.refused(
            "smaller_edit", f"{one.edit:.2f} and not {better[0].edit:.2f} of the words: {one.response[:200]}"
        )
    return better[0] if better else None


async def _draft(ask: Ask, original: Pair, best: Pair, draft: Revised) -> Pair:
    """Mark a revision.

    Raises:
        Rejection: `edit_too_small`; `not_better`.
    """
    edit = edited(f"{original.instruction}\n\n{original.response}", draft.text)
    if edit < ask.knobs.min_edit:
        raise Rejection("edit_too_small", f"{edit:.2f} of the words are changed: {draft.text[:200]}")
    pair = await _marked(ask, draft.instruction, draft.response, draft, edit)
    if pair.marks.points <= best.marks.points:
        raise Rejection(
            "not_better", f"{pair.marks.points:.0f} after {best.marks.points:.0f} points: {draft.text[:200]}"
        )
    return pair


def _keep(ask: Ask, original: Pair, best: Pair, first: Text | None) -> None:
    """Make the best pair; where only its answer was revised, also the two answers as a pair."""
    source = best.revised or original.marks
    made = ask.made.instruction(source, text=best.instruction)
    if best.revised is None:
        ask.made.refused("nothing_to_mend", f"{original.marks.points:.0f} points: {original.instruction[:200]}")
        _scored(ask, _first(ask, original, first, made, is_kept=True), best)
        return
    answer = ask.made.answer(best.revised, made, "response")
    if answer is None:
        return
    _scored(ask, answer, best)
    before = {"instruction": original.instruction, "response": original.response}
    ask.made.note(
        "revision", before | {"revised": best.revised.model_dump(), "edit": round(best.edit, 4)}, best.revised
    )
    if best.instruction != original.instruction:
        ask.made.refused("instruction_revised", f"its answers are to two instructions: {best.instruction[:200]}")
    elif rejected := _first(ask, original, first, made, is_kept=False):
        _scored(ask, rejected, original)
        ask.made.pair(answer, rejected, "refined", (best.marks.points - original.marks.points) / 100)


def _first(ask: Ask, original: Pair, first: Text | None, made: Made, *, is_kept: bool) -> Made | None:
    """Make the answer that was there at first: the seed's own, or a model's."""
    use = "answer" if is_kept else "rejected"
    if first is not None:
        return ask.made.answer(first, made, use=use)
    return ask.made.answer(original.marks, made, text=original.response, model="given", use=use)


def _scored(ask: Ask, answer: Made | None, pair: Pair) -> None:
    if answer is not None:
        ask.made.score(answer, "total", pair.marks.points / 10, pair.marks.faults, pair.marks)
