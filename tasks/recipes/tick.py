"""The best of several answers to an instruction by a checklist made for it, corrected where it fails an item.

Paper: TICK and STICK (arXiv 2410.03608). A model writes a checklist of yes/no questions for the instruction. Each
question is put to each answer in a call of its own, and an answer's score is its share of yes. The best of several
answers is kept, and its author refines it with the failed items. Two answers are told apart by the sign of the
difference of their scores.

Ours differs. A mark that cannot be read takes its answer out of the comparison, for its share would be of another
list. A refinement is kept only if its score is higher, and the first that is not ends the refining: the paper saw
later rounds get worse. The pair is of kind `verified` and not `refined`: its sides are the best and the worst of all
answers by the same questions, and the worst need not be what the best was refined from.

    {"text": "Plan a picnic for six."} -> "1. Saturday at noon ...", 0.83 of its checklist, before one with 0.33
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import content, opened, said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Turn, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "TICK / STICK"
PAPER = "TICK and STICK, arXiv 2410.03608"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "scores", "notes")
ROLES = ("judge", "responder")
REAL_MODEL = "SmolLM2 of 135M parameters, 3 inputs: all refused, it wrote no list of questions"


class Knobs(Section):
    """What a profile can set under `[recipes.tick]`."""

    answers: int = Field(default=4, ge=1, le=16, description="answers of which the best is kept; the paper has 8")
    questions: int = Field(default=6, ge=2, le=8, description="the most questions of a checklist")
    refinements: int = Field(
        default=1, ge=0, le=4, description="rounds in which failed items are mended; the paper saw later ones get worse"
    )


class Checklist(Answered):
    """Questions whose answer is yes for a good answer to the instruction."""

    questions: list[str] = Field(min_length=2, max_length=8)


class Mark(Answered):
    """What one question finds in one answer."""

    evidence: Aside
    answer: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer, and the questions of the checklist that it fails."""

    answer: Text
    share: float
    failed: Sequence[str]


def most_calls(knobs: Knobs) -> int:
    """One for the checklist; one for each answer and each refinement, with its questions."""
    return 1 + (knobs.answers + knobs.refinements) * (1 + knobs.questions)


async def program(row: Row, ask: Ask) -> None:
    """Answer the instruction several times, keep the answer that its checklist finds best, and refine it.

    Raises:
        Rejection: `too_few_draws`, no answer was marked on each question.
    """
    asked = said(row.get("history") or "", row["text"])
    checklist = await ask("checklist", Checklist, instruction=asked, most=ask.knobs.questions)
    questions = list(dict.fromkeys(checklist.questions))[: ask.knobs.questions]
    answers = await ask.draws(
        ask.knobs.answers, "answer", Text, role="responder", history=_turns(row), instruction=bare(row["text"])
    )
    found = await ask.each([_marked(ask, asked, questions, answer) for answer in answers])
    marked = [one for one in found if one]
    if not marked:
        raise Rejection("too_few_draws", f"{len(answers)} answers, of which none was marked on each question")
    best = max(marked, key=lambda one: one.share)
    worst = min(marked, key=lambda one: one.share)
    ask.made.note("checklist", {"questions": questions}, checklist)
    _keep(ask, row["input_id"], await _refined(ask, asked, questions, best), worst)


def _turns(row: Row) -> list[Turn]:
    """Return the turns before the instruction, for who answers it."""
    system, turns = opened(row.get("history") or "", "")
    first = [Turn(role="system", content=system)] if system else []
    return [*first, *(Turn(role=turn["role"], content=content(turn)) for turn in turns)]


async def _marked(ask: Ask, asked: str, questions: Sequence[str], answer: Text) -> Marked | None:
    """Put each question to an answer; None where a mark did not come."""
    marks = await ask.tried(
        [ask("mark", Mark, instruction=asked, answer=answer.text, question=question) for question in questions]
    )
    given = [mark.answer for mark in marks if mark]
    if len(given) < len(questions):
        return None
    failed = [question for question, mark in zip(questions, given, strict=True) if mark == "no"]
    return Marked(answer, 1 - len(failed) / len(questions), failed)


async def _refined(ask: Ask, asked: str, questions: Sequence[str], best: Marked) -> Marked:
    """Have an answer mended where it fails, as long as that makes it better."""
    for _ in range(ask.knobs.refinements):
        if not best.failed:
            break
        [again] = await ask.tried([_again(ask, asked, questions, best)])
        if again is None:
            break
        best = again
    return best


async def _again(ask: Ask, asked: str, questions: Sequence[str], best: Marked) -> Marked | None:
    """Mend the failed items of an answer; None where marks did not come.

    Raises:
        Rejection: `same_text`, it comes back as it was; `not_better`, no more of the questions are met.
    """
    text = await ask(
        "refine", Text, role="responder", instruction=asked, answer=best.answer.text, questions=best.failed
    )
    if text.text == best.answer.text:
        raise Rejection("same_text", f"the refinement changes nothing: {text.text[:200]}")
    again = await _marked(ask, asked, questions, text)
    if again and again.share <= best.share:
        raise Rejection("not_better", f"{again.share:.2f} of the checklist after {best.share:.2f}: {text.text[:200]}")
    return again


def _keep(ask: Ask, instruction_id: str, best: Marked, worst: Marked) -> None:
    """Make the best answer, its pair with the worst, and their scores."""
    answer = ask.made.answer(best.answer, instruction_id)
    if answer is None:
        return
    ask.made.score(answer, "total", best.share, _missed(best))
    if best.share <= worst.share:
        ask.made.refused("margin_too_small", f"all answers meet {best.share:.2f} of the checklist: there is no pair")
    elif rejected := ask.made.answer(worst.answer, instruction_id, use="rejected"):
        ask.made.score(rejected, "total", worst.share, _missed(worst))
        ask.made.pair(answer, rejected, "verified", margin=best.share - worst.share)


def _missed(marked: Marked) -> str:
    return " ".join(marked.failed)
