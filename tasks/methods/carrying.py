"""What a message carries of its page, what is its own, and whether its own words set a task.

A message may bring a passage along, whole, for the answer to work on; then most of it is the page's. What tells it from
one that retells the page is what is *not* the page's: enough words, and among them a question or a request. Ours;
neither paper looks. A word is carried where a run of words stands in the page; a few others between two such runs are
carried, too, so that swapped words do not make a retelling anybody's own.

O(n + m) in the words of message and page. How people ask is listed in `carrying.toml` for the commonest languages; in
any other a question mark has to do. `python -m tests.bench.carrying` prints what is kept and refused.
"""

import itertools
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from tasks.methods.copies import WORD, words
from tasks.methods.languages import UNDETERMINED, identify

VERSION = 1
RUN_WORDS = 5
CLOSED_WORDS = 4  # between two runs of the page: too few to ask for anything
CHARACTER_RATIO = 2  # characters of Chinese and Japanese for a word
PASSAGE_WORDS = 25
MANY_WORDS = 7
_CHARACTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_BOUNDARY = re.compile(
    r"((?<!\w)['\u2019]|['\u2019](?!\w)|[.!?:;\n\"\u2018\u201c-\u201e\u00ab\u00bb\u3002\uff01\uff1f\uff1a\u300c-\u300f`|>])"
)
_CLOSING = ".!?:;,\"'\u2019\u201d\u00bb\u3002\uff01\uff1f) \n\t"
_ACCENT = re.compile("[\u0300-\u036f]")
_QUESTION = re.compile(r"[^.!?:\n\u3002\uff01\uff1a\uff1f\u061f\u037e]+[?\uff1f\u061f\u037e]")
_OPENS = (
    r"(?:^|[.!?:;,|\n\"'()\u00a1\u00bf\u00ab\u00bb\u2018\u2019\u201c-\u201e\u2013\u2014\u3002\uff1a\uff0c-]\s*"
    r"|\b(?:and|but|or|so|then|please|now|first|also|just|instead|(?:can|could|would) you|(?:help|let) (?:me|us)"
    r"|(?:need|have|want|like|trying|how|me|us|you) to|und|oder|bitte|et|ou|puis|y|e|o|luego|poi|depois|en|og|och|i|и"
    r"|\u0430|затем)\s+)"
)
_ENGLISH_ENDS = r"(?:e|[sz]e|y)?\b"  # an order in English has no ending; with one, it tells

_OF_THINGS = (
    r"(?:the|it|this|that|these|those|them|each|every|all|any|both|an?|me|us|my|our|your|its|their|his|her|one"
    r"|two|three|four|five|six|seven|eight|nine|ten|\d+|how|what|which|whether|where|why|who)\b"
)
_NO_ORDER = (
    r"(?:about|after|all|although|among|an?|and|any|apparently|are|as|at|because|before|behind|besides|between"
    r"|beyond|both|but|by|can|could|despite|did|does?|during|each|either|even|every|except|few|finally|for|from"
    r"|had|half|has|have|he|hence|her|here|his|how|i|if|in|indeed|inside|into|is|it|its|just|later|like|many"
    r"|maybe|me|more|most|much|my|near|neither|next|no|none|nor|not|now|of|off|often|on|once|one|only|or|other"
    r"|our|out|outside|over|people|perhaps|she|should|since|so|some|still|such|than|that|the|their|them|then"
    r"|there|these|they|this|those|though|through|thus|till|to|today|too|two|under|unless|until|up|upon|us|was"
    r"|we|were|what|when|where|whether|which|while|who|whose|why|will|with|within|without|would|yes|yet|you"
    r"|your|\w*(?:[^s]s|ing|ed|ly|tion|ment))\b"
)
# "Reword the", "Grade it", "Number each": a word that opens no other sentence, then what it is to be done to; or a
# question without its mark.
_ORDER = re.compile(
    rf"(?:^|[.!?:\n]\s*)(?:(?!{_NO_ORDER})[a-z][a-z-]{{2,}} {_OF_THINGS}|(?:what|where|who|when|why|how|which \w+)"
    r" (?:is|are|was|were|did|does|do|has|have|can|should|would)\b(?! more\b))",
    re.IGNORECASE,
)


class Parts(NamedTuple):
    """A message taken apart: the ranges that it carries of its page, its own texts, and the share of carried words."""

    carried: tuple[tuple[int, int], ...]
    own: tuple[str, ...]
    share: float


def parted(text: str, source: str) -> Parts:
    """Tell what a message has from its source from what is its own."""
    places = [(match.start(), match.end()) for match in WORD.finditer(text)]
    if not places:
        return Parts((), (text,), 0.0)
    said = [" ".join(words(text[start:end])) for start, end in places]
    scale = CHARACTER_RATIO if sum(_CHARACTER.match(word) is not None for word in said) * 2 > len(said) else 1
    spans = _closed(_shared(said, words(source), RUN_WORDS * scale), CLOSED_WORDS * scale)
    between = (text[left[1] : right[0]] for left, right in itertools.pairwise(places))
    breaks = {0, len(places), *(i for i, part in enumerate(between, start=1) if _BOUNDARY.search(part))}
    carried = tuple((places[first][0], places[end - 1][1]) for first, end in _at_breaks(spans, breaks))
    gaps = zip((0, *(end for _, end in carried)), (*(start for start, _ in carried), len(text)), strict=True)
    known = f" {' '.join(words(source))} "
    own = tuple(part for gap in gaps if (part := _own(text, gap, known)))
    return Parts(carried, own, sum(end - first for first, end in spans) / len(places))


def passages(text: str, parts: Parts) -> tuple[tuple[int, int], ...]:
    """Return the ranges of what is carried that are long enough to be what a message works on."""
    return tuple((start, end) for start, end in parts.carried if len(words(text[start:end])) >= PASSAGE_WORDS)


def _own(text: str, gap: tuple[int, int], known: str) -> str:
    """Return the sentences between two carried spans that are a message's own.

    The rest of a sentence that the page began is a swapped word, and a short sentence may be the page's, too.
    """
    pieces = [piece for piece in _BOUNDARY.split(text[gap[0] : gap[1]]) if piece]
    if gap[0]:
        pieces = list(itertools.dropwhile(lambda piece: not _BOUNDARY.fullmatch(piece), pieces))
    if pieces and gap[1] < len(text) and len(words(pieces[-1])) <= CLOSED_WORDS and not _BOUNDARY.fullmatch(pieces[-1]):
        pieces.pop()
    kept: list[str] = []
    for piece in pieces:
        said = words(piece)
        is_known = len(said) > 1 and f" {' '.join(said)} " in known
        kept.append("" if is_known or (kept and not kept[-1] and not said) else piece)
    return "".join(kept).lstrip(_CLOSING) if any(words(piece) for piece in kept) else ""


def _shared(said: list[str], source: list[str], size: int) -> list[tuple[int, int]]:
    """Return the spans of words that stand in runs of the source, in order; a text shorter than a run is one run."""
    size = min(size, len(said))
    runs = {tuple(source[i : i + size]) for i in range(len(source) - size + 1)}
    spans: list[tuple[int, int]] = []
    for i in range(len(said) - size + 1):
        if tuple(said[i : i + size]) in runs:
            first = spans.pop()[0] if spans and i <= spans[-1][1] else i
            spans.append((first, i + size))
    return spans


def _at_breaks(spans: list[tuple[int, int]], breaks: set[int]) -> Iterator[tuple[int, int]]:
    """Give the first or last words of a sentence back to it where a span only happens to go on into it."""
    for first, end in spans:
        start = next((i for i in range(first, first + CLOSED_WORDS + 1) if i in breaks), first)
        last = next((i for i in range(end, end - CLOSED_WORDS - 1, -1) if i in breaks), end)
        if start < last:
            yield start, last


def _closed(spans: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, end in spans:
        is_near = bool(joined) and first - joined[-1][1] <= gap
        joined.append((joined.pop()[0] if is_near else first, end))
    return joined


def own_words(parts: Parts) -> int:
    """Return how many words of its own a message has, without those that ask for nothing ("did you know that")."""
    return sum(len(words(_telling(text))) for text in parts.own)


def sets_task(parts: Parts) -> bool:
    """Whether the message's own words ask or request something.

    An order in English is known by its form, too. In another language many words at the message's beginning or end are
    a task, unless they only say that a passage is there.
    """
    own = [_telling(text) for text in parts.own]
    language = identify("\n".join(parts.own))
    if any(_questions(text) or _asks(language).search(text) for text in own):
        return True
    if language in {"en", UNDETERMINED} or not own:
        return any(_ORDER.search(text) for text in own)
    frame = _introducing().sub(" ", "\n".join(dict.fromkeys((own[0], own[-1]))))
    return len(words(frame)) >= MANY_WORDS * (CHARACTER_RATIO if _CHARACTER.search(frame) else 1)


def _questions(text: str) -> bool:
    """Whether a text has a question that is as long as a request, or has a word that asks."""
    for question in _QUESTION.findall(text):
        said = words(question)
        scale = CHARACTER_RATIO if _CHARACTER.search(question) else 1
        if len(said) > CLOSED_WORDS * scale or (len(said) > 1 and _asking().search(question)):
            return True
    return False


def _telling(text: str) -> str:
    return _idle().sub(" ", _bare(text))


def _bare(text: str) -> str:
    """Leave out accents, which a verb moves and people forget."""
    return unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    return tomllib.loads(_bare((resources.files("tasks.methods") / "carrying.toml").read_text(encoding="utf-8")))


@lru_cache(maxsize=32)
def _asks(language: str) -> re.Pattern[str]:
    """Return how people ask: stems are of one language and English, since what orders in one may tell in another."""
    stems = {code: "|".join(line.split()) for code, line in _forms()["verbs"].items()}
    verbs = rf"(?:{stems['en']}){_ENGLISH_ENDS}" + (f"|{stems[language]}" if language in stems.keys() - {"en"} else "")
    return re.compile(rf"{_OPENS}(?:{verbs})|{_phrases('phrases')}", re.IGNORECASE)


@lru_cache(maxsize=1)
def _idle() -> re.Pattern[str]:
    return re.compile(
        rf"(?:{_phrases('rhetorical')})[^.!?\uff1f:\n]*[?\uff1f]?|(?:{_phrases('idle')})\s*[?\uff1f]?", re.IGNORECASE
    )


@lru_cache(maxsize=1)
def _introducing() -> re.Pattern[str]:
    """Return how the sentences begin that say where a passage is from, to their ends."""
    return re.compile(rf"(?:{_phrases('telling')})[^.!?:\n\u3002\uff01\uff1a\uff1f]*", re.IGNORECASE)


@lru_cache(maxsize=1)
def _asking() -> re.Pattern[str]:
    return re.compile(_phrases("asking"), re.IGNORECASE)


def _phrases(kind: str) -> str:
    """Return the phrases of all languages as one pattern; only scripts that part words have borders of words."""
    lines = _forms()[kind]
    bare = [lines[code] for code in lines if code in {"zh", "ja", "ko", "hi"}]
    parted_ = [lines[code] for code in lines if code not in {"zh", "ja", "ko", "hi"}]
    return "|".join([*bare, rf"\b(?:{'|'.join(parted_)})\b"])
