"""Answers compared part by part: each is split at the ends of sentences, and the parts are shown in turn.

Paper: PORTIA, Split and Merge (arXiv 2310.01432). A judge that reads two long answers one after the other follows their
order. So both are split at sentence borders into k parts, which are merged: the first part of the one, the first part
of the other, and so on. Parts are first of one length. If the verdict still changes with the order, the borders are
searched for that make the parts of both most alike, and it is judged again. A verdict counts that both orders give.

Ours differs. How alike two parts are is the share of words that they have in common; a judge here embeds nothing. The
search is over all borders of both answers, so of more than ten sentences the shortest neighbours are joined first. Code
between fences is one sentence: the paper parses it. Where the verdicts still differ, the meeting is
`undecided`. Every two answers of an instruction meet. The total of an answer is its share of points: 1
for a meeting won, a half for a tie.

    "One. Two. Three." and "Uno. Due. Tre." -> One. Uno. Two. Due. Three. Tre.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, pairwise, product
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.rivals import Rival, meetings, points
from wellspring.tasks.contracts.settings import Section

SYSTEM = "PORTIA"
PAPER = "PORTIA, Split and Merge, arXiv 2310.01432"
VERSION = 1
TAKES = "answered"
MAKES = ("scores", "preferences", "notes")
ROLES = ("judge",)
BEST = 1
REAL_MODEL = ""
MOST_SENTENCES = 10  # of an answer, beyond which neighbours are joined

_SENTENCE = re.compile(
    r"```.*?(?:```|\Z)\s*|.+?(?:[.!?\u2026]+[\"')\]\u201d\u2019]*\s+|[\u3002\uff01\uff1f]+\s*|\n\s*|\Z)", re.DOTALL
)
_WORD = re.compile(r"[\u2e80-\U0010ffff]|[^\W\u2e80-\U0010ffff]+")  # where no blanks part words, a letter stands alone

Parts = Sequence[str]
Split = Callable[[Sequence[Parts], Sequence[Parts]], tuple[Parts, Parts]]


class Knobs(Section):
    """What a profile can set under `[recipes.portia]`."""

    answers: int = Field(default=4, ge=2, le=8, description="the most answers of an instruction that meet, each other")
    parts: int = Field(default=3, ge=2, le=4, description="into which each answer is split; the paper finds 3 best")


class Verdict(Answered):
    """Which of two answers is better, by the order in which their parts were shown."""

    evidence: Aside
    better: Literal["first", "second", "tie"]


def most_calls(knobs: Knobs) -> int:
    """Two orders of two splits for every two answers."""
    return 2 * knobs.answers * (knobs.answers - 1)


async def program(row: Row, ask: Ask) -> None:
    """Have every two answers compared part by part, and keep who has how much of the points.

    Raises:
        Rejection: `undecided`, no meeting was.
    """
    met = meetings(row, ask, ask.knobs.answers, "portia")
    has = defaultdict[str, list[float]](list)
    for two, found in zip(met, await ask.tried([_met(ask, row, *two) for two in met]), strict=True):
        if found is None:
            continue
        for rival, point in zip(two, (found, 1 - found), strict=True):
            has[rival.id].append(point)
        if found in {0, 1}:
            won, lost = two if found else two[::-1]
            ask.made.pair(won.id, lost.id, "verified")
    if met and not has:
        raise Rejection("undecided", f"{len(met)} meetings, and in each the verdict follows the order")
    for rival_id, given in has.items():
        ask.made.score(rival_id, TOTAL, sum(given) / len(given), f"{sum(given):g} of {len(given)} points")


async def _met(ask: Ask, row: Row, one: Rival, other: Rival) -> float:
    """Return what the one has of the points.

    Raises:
        Rejection: `undecided`, the verdict follows the order however the answers are split.
    """
    for name, split in (("length", by_length), ("overlap", by_overlap)):
        parts = aligned(one.text, other.text, ask.knobs.parts, split)
        verdicts = await ask.each([_judged(ask, row, *parts), _judged(ask, row, *parts[::-1])])
        found = points([verdict.better for verdict in verdicts])
        if found is not None:
            between = {"first": one.model, "second": other.model, "points": found, "split": name}
            ask.made.note("meeting", between, verdicts[0])
            return found
    raise Rejection("undecided", f"{one.model} and {other.model}: the verdict follows the order")


async def _judged(ask: Ask, row: Row, first: Parts, second: Parts) -> Verdict:
    instruction = said(row["history"] or "", row["text"])
    return await ask("compare", Verdict, instruction=instruction, parts=list(_merged(first, second)))


def _merged(first: Parts, second: Parts) -> Iterator[str]:
    for number, two in enumerate(zip(first, second, strict=True), start=1):
        for name, part in zip(("First", "Second"), two, strict=True):
            yield f"{name} answer, part {number} of {len(first)}:\n\n{part.strip()}"


def aligned(one: str, other: str, number: int, split: Split) -> tuple[Parts, Parts]:
    """Split two texts into parts, as many of the one as of the other, at most so many.

    Args:
        one: A text.
        other: Another one.
        number: Of parts; there are fewer where one of the two has fewer sentences.
        split: Chooses among all ways to split each.
    """
    sentences = [_sentences(text) for text in (one, other)]
    number = min(number, *map(len, sentences))
    return split(*(_ways(one, number) for one in sentences))


def by_length(one: Sequence[Parts], other: Sequence[Parts]) -> tuple[Parts, Parts]:
    """Choose the ways whose parts are most of one length."""
    return min(one, key=_unevenness), min(other, key=_unevenness)


def by_overlap(one: Sequence[Parts], other: Sequence[Parts]) -> tuple[Parts, Parts]:
    """Choose the ways by which the parts have most words in common, each with the one beside it."""
    words = {part: frozenset(_WORD.findall(part.casefold())) for part in chain.from_iterable((*one, *other))}

    def alike(two: tuple[Parts, Parts]) -> float:
        sets = [(words[a], words[b]) for a, b in zip(*two, strict=True)]
        return sum(len(a & b) / max(len(a), len(b), 1) for a, b in sets)

    return max(product(one, other), key=alike)


def _unevenness(parts: Parts) -> int:
    return sum(len(part) ** 2 for part in parts)


def _ways(sentences: Parts, number: int) -> list[Parts]:
    """Return all ways to put sentences together into so many parts."""
    cuts = combinations(range(1, len(sentences)), number - 1)
    return [["".join(sentences[a:b]) for a, b in pairwise((0, *cut, len(sentences)))] for cut in cuts]


def _sentences(text: str) -> Parts:
    found = _SENTENCE.findall(text)
    while len(found) > MOST_SENTENCES:
        at = min(range(len(found) - 1), key=lambda n: len(found[n]) + len(found[n + 1]))
        found[at : at + 2] = [found[at] + found[at + 1]]
    return found
