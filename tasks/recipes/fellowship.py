"""An answer mended in a loop of writer and reviewer, and a jury of models that says which of the two is better.

Paper: The Fellowship of the LLMs (arXiv 2408.08688). One model answers, another reviews, and the first mends its
answer, three times. Answers are told apart in three ways: by comparing them, by a mark of each alone, or by marks of
both at once, out of 5, 10 or 100. One judge may do it, or a jury by majority, or a debate of two rounds. What comes out
is written as pairs (DPO) and as good and bad rows (KTO).

Ours differs. The paper compares jury and debate; here the jury votes first, and debates where it has no majority. The
roles of the jury are those of the profile: give them three models, else one model votes three times. The id says which
answer is shown first, to all jurors alike. The two answers are the first and the last of the loop. Export forms make
the two kinds of rows of one pair (`dpo`, `kto`).

    {"text": "Plan a picnic for six."} -> the plan after three reviews, above the first, with 2 of 3 votes
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Fellowship of the LLMs"
PAPER = "The Fellowship of the LLMs, arXiv 2408.08688: feedback loop, jury, debate"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "preferences", "notes")
ROLES = ("responder", "generator", "judge")
REAL_MODEL = ""

Juror = Literal["judge", "generator", "responder"]
Verdict = Literal["first", "second", "neither"]


class Knobs(Section):
    """What a profile can set under `[recipes.fellowship]`."""

    reviews: int = Field(default=3, ge=1, le=8, description="times that the answer is reviewed and mended")
    jury: tuple[Juror, ...] = Field(
        default=("judge", "generator", "responder"), min_length=1, max_length=3, description="who votes, a role each"
    )
    compare: Literal["direct", "independent", "combined"] = Field(
        default="combined", description="by naming the better one, by a mark of each alone, or by marks of both at once"
    )
    scale: Literal[5, 10, 100] = Field(default=10, description="the highest mark; the paper tries all three")
    debate: int = Field(default=2, ge=0, le=4, description="rounds of debate where the jury has no majority")


class Review(Answered):
    """What is to be mended in an answer."""

    points: list[str] = Field(max_length=6)


class Named(Answered):
    """Which of two answers is better."""

    reason: str
    better: Verdict


class Mark(Answered):
    """The mark of one answer."""

    reason: Aside
    mark: float


class Marks(Answered):
    """The marks of two answers."""

    reason: str
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Vote:
    """What a juror says, and why."""

    better: Verdict
    reason: str


def most_calls(knobs: Knobs) -> int:
    """The answer, two for each review, and the votes of each juror."""
    votes = (2 if knobs.compare == "independent" else 1) + knobs.debate
    return 1 + 2 * knobs.reviews + len({*knobs.jury}) * votes


async def program(row: Row, ask: Ask) -> None:
    """Answer the instruction, mend the answer by reviews, and keep the one that the jury prefers above the other.

    Raises:
        Rejection: `not_refined`, no review changed the answer; `undecided`, no answer has most of the votes.
    """
    history, input_id = row.get("history") or "", row["input_id"]
    asked = said(history, row["text"])
    first = await ask("answer", Text, history=history, instruction=bare(row["text"]))
    last = await _mended(ask, asked, first)
    if last is first:
        raise Rejection("not_refined", f"no review changed the answer to: {row['text'][:200]}")
    shown = (first, last) if int(input_id[:8], 16) % 2 else (last, first)
    votes = await _votes(ask, asked, *shown)
    place = _majority(ask, votes)
    if place is None:
        raise Rejection("undecided", " / ".join(f"{vote.better}: {vote.reason}" for vote in votes)[:400])
    better, worse = shown[place], shown[1 - place]
    ask.made.note("votes", [[vote.better, vote.reason] for vote in votes], better)
    chosen, rejected = ask.made.answer(better, input_id), ask.made.answer(worse, input_id, use="rejected")
    if chosen and rejected:
        share = sum(vote.better == ("first", "second")[place] for vote in votes) / len({*ask.knobs.jury})
        ask.made.pair(chosen, rejected, "refined" if better is last else "verified", margin=share)


async def _mended(ask: Ask, asked: str, answer: Text) -> Text:
    """Have an answer reviewed and mended, until nothing is left to say of it."""
    for _ in range(ask.knobs.reviews):
        [again] = await ask.tried([_again(ask, asked, answer)])
        if again is None:
            break
        answer = again
    return answer


async def _again(ask: Ask, asked: str, answer: Text) -> Text:
    """Review an answer, and mend it.

    Raises:
        Rejection: `nothing_failed`, the reviewer has nothing to say; `same_text`, it comes back as it was.
    """
    review = await ask("review", Review, role="generator", instruction=asked, answer=answer.text)
    if not review.points:
        raise Rejection("nothing_failed", f"the reviewer has nothing to say of: {answer.text[:200]}")
    again = await ask("mend", Text, instruction=asked, answer=answer.text, points=review.points)
    if again.text == answer.text:
        raise Rejection("same_text", f"the review changes nothing: {again.text[:200]}")
    return again


async def _votes(ask: Ask, asked: str, first: Text, second: Text) -> list[Vote]:
    """Have the jury vote, and debate while it has no majority."""
    jury = tuple(dict.fromkeys(ask.knobs.jury))
    votes = await ask.tried([_vote(ask, asked, first.text, second.text, role) for role in jury])
    for _ in range(ask.knobs.debate):
        if _majority(ask, [vote for vote in votes if vote]) is not None:
            break
        opinions = [f"{vote.better}: {vote.reason}" for vote in votes if vote] or ["nobody has said anything"]
        votes = await ask.tried([_debated(ask, asked, first.text, second.text, role, opinions) for role in jury])
    return [vote for vote in votes if vote]


async def _vote(ask: Ask, asked: str, first: str, second: str, role: Juror) -> Vote:
    if ask.knobs.compare == "direct":
        named = await ask("name", Named, role=role, instruction=asked, first=first, second=second)
        return Vote(named.better, named.reason)
    scale = ask.knobs.scale
    if ask.knobs.compare == "combined":
        both = await ask("both", Marks, role=role, instruction=asked, first=first, second=second, scale=scale)
        return _marked(both.first, both.second, scale, both.reason)
    one, two = await ask.each(
        [ask("alone", Mark, role=role, instruction=asked, answer=text, scale=scale) for text in (first, second)]
    )
    return _marked(one.mark, two.mark, scale, f"{one.reason} / {two.reason}")


def _marked(first: float, second: float, scale: int, reason: str) -> Vote:
    """Return the vote that two marks say.

    Raises:
        Rejection: `mark_out_of_range`.
    """
    if not (1 <= first <= scale and 1 <= second <= scale):
        raise Rejection("mark_out_of_range", f"{first:g} and {second:g}, of 1 to {scale}")
    return Vote("first" if first > second else "second" if second > first else "neither", reason)


async def _debated(ask: Ask, asked: str, first: str, second: str, role: Juror, opinions: Sequence[str]) -> Vote:
    named = await ask(
        "debate", Named, role=role, instruction=asked, first=first, second=second, opinions=list(opinions)
    )
    return Vote(named.better, named.reason)


def _majority(ask: Ask, votes: Sequence[Vote]) -> int | None:
    """Return the place of the answer that more than half of the jury prefers; a vote that did not come is for none."""
    for place, name in enumerate(("first", "second")):
        if 2 * sum(vote.better == name for vote in votes) > len({*ask.knobs.jury}):
            return place
    return None
