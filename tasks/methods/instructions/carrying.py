"""What a message carries of its page, what is its own, and whether its own words set a task.

A message may bring a passage along, whole, for the answer to work on; then most of it is the page's. What tells it from
one that retells the page is what is *not* the page's: enough words, and that they ask for something (`asking.py`).
Ours; neither paper looks. A word is carried where a run of words stands in the page, or shorter runs close together; a
few others between two runs are carried, too, so that swapped words do not make a retelling anybody's own. A sentence
that only names what the page names is the message's own.

O(n + m) in the words of message and page. `python -m tests.bench.carrying` prints what is kept and refused.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from wellspring.tasks.contracts import scripts
from wellspring.tasks.methods.instructions.asking import PASSAGE, asks, orders
from wellspring.tasks.methods.instructions.copies import coverage, gaps, kept_words, shared, words

VERSION = 5
RUN_WORDS, SHORT_RUN_WORDS = 5, 3
RETOLD = 0.4  # of the words of a message that carries little: the share in pairs that the page has, too
ASKED = 0.8  # of a question: the least share that makes it the page's
LOOSE_WORDS, LOOSE = 12, 0.6  # words of a stretch of short runs, and the least share of it that is in them
CLOSED_WORDS = 4  # between two runs of the page: too few to ask for anything
PASSAGE_WORDS = 25
_BOUNDARY = re.compile(
    r"((?<!\w)['\u2019]|['\u2019](?!\w)|[.!?:;\n\"\u2018\u201c-\u201e\u00ab\u00bb\u3002\uff01\uff1f\uff1a\u300c-\u300f`|>])"
)
_MARK = re.compile(r"[?\uff1f\u061f]")
_STOP = re.compile(r"[.!?:\n\u3002\uff01\uff1f\uff1a\u061f\u0964]")
_CLOSING = ".!?:;,\"'\u2019\u201d\u00bb\u3002\uff01\uff1f) \n\t"
_SENTENCE = re.compile(r"[^.!?:\n\u3002\uff01\uff1a\uff1f\u061f\u037e]+([?\uff1f\u061f\u037e]?)")


class Parts(NamedTuple):
    """A message taken apart: the ranges that it carries of its page, its own texts, and the share of carried words.

    Its own texts are those before, between and after the ranges; where it says nothing, the text is empty.
    """

    carried: tuple[tuple[int, int], ...]
    own: tuple[str, ...]
    share: float


def parted(text: str, source: str) -> Parts:
    """Tell what a message has from its source from what is its own."""
    places = [(match.start(), match.end()) for match in scripts.WORD.finditer(text)]
    if not places:
        return Parts((), (text,), 0.0)
    said = [_as_said(text[start:end]) for start, end in places]
    scale = _scale(said)
    between = [text[left[1] : right[0]] for left, right in itertools.pairwise(places)]
    breaks = {0, len(places), *(i for i, part in enumerate(between, start=1) if _BOUNDARY.search(part))}
    stops = [0, *(i for i, part in enumerate(between, start=1) if _STOP.search(part)), len(places)]
    asked = {i for i, part in enumerate([*between, text[places[-1][1] :]], start=1) if _MARK.search(part)}
    there = kept_words(source)
    spans = _spans(said, there, stops, asked, scale)
    carried = tuple((places[first][0], places[end - 1][1]) for first, end in _at_breaks(spans, breaks))
    known, questions = f" {' '.join(there)} ", _asked_there(source)
    own = tuple(_own(text, gap, known, questions) for gap in gaps(text, carried))
    return Parts(carried, own, sum(end - first for first, end in spans) / len(places))


@lru_cache(maxsize=2**15)
def _as_said(word: str) -> str:
    return " ".join(words(word))


def _scale(said: list[str]) -> int:
    """Return how many of a text's words make a word: letters, where most of them stand alone."""
    return scripts.scale([scripts.letters_in_word(word) for word in said])


@lru_cache(maxsize=16)  # of each message that is drawn of a page
def _asked_there(source: str) -> tuple[str, ...]:
    """Return the words of the questions that a page asks itself."""
    asked = (words(match.group()) for match in _SENTENCE.finditer(source) if match[1])
    return tuple({f" {' '.join(said)}" for said in asked if len(said) >= SHORT_RUN_WORDS})


def passages(text: str, parts: Parts) -> tuple[tuple[int, int], ...]:
    """Return the ranges of what is carried that are long enough to be what a message works on."""
    return tuple((start, end) for start, end in parts.carried if len(words(text[start:end])) >= PASSAGE_WORDS)


def _own(text: str, gap: tuple[int, int], known: str, questions: tuple[str, ...]) -> str:
    """Return the sentences between two carried spans that are a message's own.

    The rest of a sentence that the page began is a swapped word, and a short sentence may be the page's, too.
    """
    pieces = [piece for piece in _BOUNDARY.split(text[gap[0] : gap[1]]) if piece]
    if gap[0]:
        pieces = list(itertools.dropwhile(lambda piece: not _BOUNDARY.fullmatch(piece), pieces))
    is_between = bool(pieces) and gap[0] > 0 and gap[1] < len(text) and not _BOUNDARY.fullmatch(pieces[-1])
    if is_between and len(words(pieces[-1])) <= CLOSED_WORDS:
        pieces.pop()
    kept: list[str] = []
    for piece in pieces:
        said = words(piece)
        said_there = f" {' '.join(said)}"
        is_known = len(said) > 1 and (f"{said_there} " in known or said_there.endswith(questions))
        kept.append("" if is_known or (kept and not kept[-1] and not said) else piece)
    own = "".join(kept).lstrip(_CLOSING).strip()
    return own if words(own) else ""


def _spans(said: list[str], source: list[str], stops: list[int], asked: set[int], scale: int) -> list[tuple[int, int]]:
    """Return the spans that a text has from its source: runs of words, and stretches that swap few of them."""
    gap, loose = CLOSED_WORDS * scale, LOOSE_WORDS * scale
    strict = shared(said, source, RUN_WORDS * scale)
    short = shared(said, source, SHORT_RUN_WORDS * scale) if len(said) >= loose else []
    known = {i for first, end in strict for i in range(first, end)}
    dense = {i for first, end in short for i in range(first, end)} | known
    stretches = [
        (first, end)
        for first, end in _closed(short, gap, stops)
        if end - first >= loose and len(dense.intersection(range(first, end))) >= LOOSE * (end - first)
    ]
    spans = _closed(sorted({*strict, *stretches}), gap, stops)
    edges = {i for begin, end in itertools.pairwise(stops) if end - begin >= loose for i in range(begin, end)}
    return list(_cut(spans, stops, asked, known | (dense & edges), loose))


def _cut(
    spans: list[tuple[int, int]], stops: list[int], asked: set[int], known: set[int], size: int
) -> Iterator[tuple[int, int]]:
    """Give back a sentence at either end of a span that says more than it has of the page: it names what that names."""
    for first, end in spans:
        inside = stops[bisect_left(stops, first) : bisect_right(stops, end)]
        cuts = sorted({first, *inside, end})
        pieces = list(itertools.pairwise(cuts))
        while pieces and _only_names(pieces[0], stops, asked, known, size):
            pieces.pop(0)
        while pieces and _only_names(pieces[-1], stops, asked, known, size):
            pieces.pop()
        if pieces:
            yield pieces[0][0], pieces[-1][1]


def _only_names(piece: tuple[int, int], stops: list[int], asked: set[int], known: set[int], size: int) -> bool:
    start, stop = stops[bisect_right(stops, piece[0]) - 1], stops[bisect_left(stops, piece[1])]
    least = ASKED * (stop - start) if stop in asked else min(size, LOOSE * (stop - start))
    return len(known.intersection(range(*piece))) < least


def _at_breaks(spans: Iterable[tuple[int, int]], breaks: set[int]) -> Iterator[tuple[int, int]]:
    """Give the first or last words of a sentence back to it where a span only happens to go on into it."""
    for first, end in spans:
        start = next((i for i in range(first, first + CLOSED_WORDS + 1) if i in breaks), first)
        last = next((i for i in range(end, end - CLOSED_WORDS - 1, -1) if i in breaks), end)
        if start < last:
            yield start, last


def _closed(spans: list[tuple[int, int]], gap: int, stops: list[int]) -> list[tuple[int, int]]:
    """Join spans that few words part, if these are no sentence of their own."""
    joined: list[tuple[int, int]] = []
    for first, end in spans:
        last = joined[-1][1] if joined else 0
        is_sentence = last < first and {last, first} <= set(stops)
        is_near = bool(joined) and first - last <= gap and not is_sentence
        before = joined.pop() if is_near else (first, end)
        joined.append((before[0], max(before[1], end)))
    return joined


def retold(text: str, source: str) -> bool:
    """Whether a text says its source again in other words: too many of its pairs of words stand there, too."""
    said = words(text)
    scale = _scale(said)
    return len(said) >= PASSAGE_WORDS * scale and coverage(text, source, 2 * scale) >= RETOLD


def own_words(parts: Parts) -> int:
    """Return how many words of its own a message has."""
    return sum(len(words(text)) for text in parts.own)


def sets_task(parts: Parts) -> bool:
    """Whether the message's own words ask for something: as the model has learned, or by an order before a passage.

    The model is nine times of ten right. So "Summarise this:" is told by its verb. Of 1,800 retellings of our own in 13
    sets this lets two pass, and of as many tasks it keeps 49 by itself.
    """
    return any(parts.own) and (asks(PASSAGE.join(parts.own)) or (bool(parts.carried) and orders(parts.own[0])))
