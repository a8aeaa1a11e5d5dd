"""What a message carries of its page, what is its own, and whether its own words set a task.

A message may bring a passage along, whole, for the answer to work on; then most of it is the page's. What tells it from
one that retells the page is what is *not* the page's: enough words, and among them a question or a request. Ours;
neither paper looks. A word is carried where a run of words stands in the page, or shorter runs close together; a few
others between two runs are carried, too, so that swapped words do not make a retelling anybody's own. A sentence that
only names what the page names is the message's own. A question that leads on to carried text is answered by it, unless
it is asked of that text or in the user's own voice; one that ends the message is put to its reader.

O(n + m) in the words of message and page. How people ask is listed in `carrying.toml` for the commonest languages; in
any other a question mark has to do. `python -m tests.bench.carrying` prints what is kept and refused.
"""

import itertools
import re
import tomllib
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from tasks.methods.copies import WORD, coverage, words
from tasks.methods.languages import UNDETERMINED, identify

VERSION = 2
RUN_WORDS, SHORT_RUN_WORDS = 5, 3
RETOLD = 0.4  # of the words of a message that carries little: the share in pairs that the page has, too
ASKED = 0.8  # of a question: the least share that makes it the page's
LOOSE_WORDS, LOOSE = 12, 0.6  # words of a stretch of short runs, and the least share of it that is in them
CLOSED_WORDS = 4  # between two runs of the page: too few to ask for anything
CHARACTER_RATIO = 2  # characters of Chinese and Japanese for a word
PASSAGE_WORDS = 25
_CHARACTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_BOUNDARY = re.compile(
    r"((?<!\w)['\u2019]|['\u2019](?!\w)|[.!?:;\n\"\u2018\u201c-\u201e\u00ab\u00bb\u3002\uff01\uff1f\uff1a\u300c-\u300f`|>])"
)
_MARK = re.compile(r"[?\uff1f\u061f]")
_STOP = re.compile(r"[.!?:\n\u3002\uff01\uff1f\uff1a\u061f\u0964]")
_CLOSING = ".!?:;,\"'\u2019\u201d\u00bb\u3002\uff01\uff1f) \n\t"
_LEADING = re.compile(r"(?:[^.!?:\n\u3002\uff01\uff1a\uff1f\u061f]+[?\uff1f\u061f][^\w\n:]*)+$")
_ACCENT = re.compile("[\u0300-\u036f]")
_QUESTION = re.compile(r"[^.!?:\n\u3002\uff01\uff1a\uff1f\u061f\u037e]+[?\uff1f\u061f\u037e]")
_OPENS = (
    r"(?:^|(?<!\w)['\u2018\u2019]|[.!?:;,|#*>\n\"()\u00a1\u00bf\u00ab\u00bb\u201c-\u201e\u2013\u2014\u3002\uff1a\uff0c]\s*"
    r"|(?<!\w)-\s*|(?<!\b[iI] )(?<!\b[wm]e )(?<!\bhe )(?<!hey )(?<!\byou )\b(?:and|but|or|so|then|please|now|first"
    r"|also|just|instead|(?:can|could|would) you|help (?:me|us)"
    r"|(?:need|have|want|like|trying|how|me|us|you) to|und|oder|bitte|et|ou|puis|y|e|o|luego|poi|depois|og|och|и"
    r"|\u0430|затем)\s+)"
)
_LAST = re.compile(r"([^.!?:\n\u3002\uff01\uff1a\uff1f\u061f]+)[?\uff1f\u061f]\W*$")
_TAG = re.compile(
    r"[,\u3001\uff0c]\s*\w+(?:['\u2019]\w+)?(?: \w+)?\W+$|^\W*\w+n['\u2019]?t\b|吧\W+$"
    r"|\b(?:or not|oder|no|non|huh|eh)\W+$",
    re.IGNORECASE,
)
# What an order may end in, by language: with another ending, the verb tells. Elsewhere any does.
_ENDS = {
    "en": r"(?:e|[sz]e|y)?\b",
    "de": r"(?:e|n|en|le|re)?\b",
    "fr": r"(?:[sv]?ez|v?[ei]r|s|e|re|ds?|ts?)?(?:-\w+)*\b",
    "es": r"\w{0,3}?(?:[aei]|quen?|[aei]n|[aei]d|[aei]r|ue|uen|cen?)?(?:[mts]e|nos|les?|l[oa]s?)*\b",
    "pt": r"\w{0,3}?(?:[aei]|quem?|[ae]m|[aei]r|ue|uem)?(?:-\w+)?\b",
    "it": r"\w{0,3}?(?:[aei]|[aei]te|[aei]re?)?(?:l[oaie]|mi|ci|ne)*\b",
    "nl": r"(?:en|t)?\b",
    "sv": r"[ae]?\b",
    "pl": r"(?:cie)?\b",
    "ru": r"(?:\w{0,3}(?:ть|ти)|\w{0,3}?[ийь](?:те)?(?:-ка)?|(?:те)?)\b",
}

_OF_THINGS = (
    r"(?:the|it|this|that|these|those|them|each|every|all|any|both|an?|me|us|my|our|your|its|their|his|her"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten|\d+)(?= [a-z])|how|what|which|whether|where|why|who)\b"
)
_NO_ORDER = (
    r"(?:about|after|all|although|among|an?|and|any|apparently|are|as|at|because|before|behind|besides|between"
    r"|beyond|both|but|by|can|could|despite|did|does?|during|each|either|even|every|except|few|finally|for|from"
    r"|had|half|has|have|he|hence|her|here|his|how|i|if|imagine|in|indeed|inside|into|is|it|its|just|later|let|like|many"
    r"|maybe|me|more|most|much|my|near|neither|next|no|none|nor|not|now|of|off|often|on|once|one|only|or|other"
    r"|our|out|outside|over|people|perhaps|picture|remember|she|should|since|so|some|still|such|than|that|the|their|them|then|think"
    r"|there|these|they|this|those|though|through|thus|till|to|too|two|under|unless|until|up|upon|us|was"
    r"|we|were|what|when|where|whether|which|while|who|whose|why|will|with|within|without|would|yes|yesterday|yet|today|tomorrow|tonight|everyone|everybody|nobody|somebody|someone|something|nothing|everything|you"
    r"|your|\w*(?:[^s]s|[aeiouy]\w*ing|ed|ly|tion|ment))\b"
)
# "Reword the", "Grade it", "Number each": a word that opens no other sentence, then what it is to be done to; or a
# question without its mark.
_ORDER = re.compile(
    rf"(?:^|[.!?:\n]\s*)(?:(?:now|then|next|please|first|so|ok(?:ay)?)[, ]+)?(?:(?!{_NO_ORDER})[a-z][a-z-]{{2,}}"
    rf" {_OF_THINGS}|(?:what|where|who|when|why|how|(?:what|which) \w+)"
    r" (?:is|are|was|were|did|does|do|has|have|can|should|would)\b(?! more\b))",
    re.IGNORECASE,
)


class Parts(NamedTuple):
    """A message taken apart: the ranges that it carries of its page, its own texts, and the share of carried words."""

    carried: tuple[tuple[int, int], ...]
    own: tuple[str, ...]
    share: float
    language: str = UNDETERMINED
    ends: bool = False


def parted(text: str, source: str) -> Parts:
    """Tell what a message has from its source from what is its own."""
    places = [(match.start(), match.end()) for match in WORD.finditer(text)]
    if not places:
        return Parts((), (text,), 0.0)
    said = [" ".join(words(text[start:end])) for start, end in places]
    scale = _scale(said)
    between = [text[left[1] : right[0]] for left, right in itertools.pairwise(places)]
    breaks = {0, len(places), *(i for i, part in enumerate(between, start=1) if _BOUNDARY.search(part))}
    stops = [0, *(i for i, part in enumerate(between, start=1) if _STOP.search(part)), len(places)]
    asked = {i for i, part in enumerate([*between, text[places[-1][1] :]], start=1) if _MARK.search(part)}
    there = words(source)
    spans = _spans(said, there, stops, asked, scale)
    carried = tuple((places[first][0], places[end - 1][1]) for first, end in _at_breaks(spans, breaks))
    gaps = zip((0, *(end for _, end in carried)), (*(start for start, _ in carried), len(text)), strict=True)
    known, questions = f" {' '.join(there)} ", _asked_there(source)
    own = tuple(part for gap in gaps if (part := _own(text, gap, known, questions)))
    ends = not carried or text[carried[-1][1] :].strip(_CLOSING) != ""
    return Parts(carried, own, sum(end - first for first, end in spans) / len(places), identify(text), ends=ends)


def _scale(said: list[str]) -> int:
    """Return how many of a text's words make a word: characters, where most of them are Chinese or Japanese."""
    return CHARACTER_RATIO if sum(_CHARACTER.match(word) is not None for word in said) * 2 > len(said) else 1


def _asked_there(source: str) -> tuple[str, ...]:
    """Return the words of the questions that a page asks itself."""
    asked = (words(question) for question in _QUESTION.findall(source))
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
    own = "".join(kept).lstrip(_CLOSING)
    if gap[1] < len(text):
        own = _unanswered(own)
    return own if words(own) else ""


def _unanswered(own: str) -> str:
    """Leave out a question that the text it leads on to answers: nobody asks it of that text or for themselves."""
    if answered := _answering().search(_bare(own)):
        return own[: answered.start()]
    found = _LEADING.search(own)
    return own if found is None or _referring().search(_bare(found.group())) else own[: found.start()]


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


def _spans(said: list[str], source: list[str], stops: list[int], asked: set[int], scale: int) -> list[tuple[int, int]]:
    """Return the spans that a text has from its source: runs of words, and stretches that swap few of them."""
    gap, loose = CLOSED_WORDS * scale, LOOSE_WORDS * scale
    strict = _shared(said, source, RUN_WORDS * scale)
    short = _shared(said, source, SHORT_RUN_WORDS * scale) if len(said) >= loose else []
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
    """Return how many words of its own a message has, without those that ask for nothing ("did you know that")."""
    return sum(len(words(_telling(text))) for text in parts.own)


def sets_task(parts: Parts) -> bool:
    """Whether the message's own words ask or request something.

    An order in English is known by its form, too.
    """
    own = [_telling(text) for text in parts.own]
    languages = {identify("\n".join(parts.own)), parts.language}
    if parts.ends and own and _ends_asking(own[-1]):
        return True
    if any(_questions(text) or any(_asks(code).search(text) for code in languages) for text in own):
        return True
    return bool(languages & {"en", UNDETERMINED}) and any(_ORDER.search(text) for text in own)


def _questions(text: str) -> bool:
    """Whether a text has a question that is as long as a request, or has a word that asks or that means a text."""
    for question in _QUESTION.findall(text):
        said = words(question)
        scale = CHARACTER_RATIO if _CHARACTER.search(question) else 1
        means = _asking().search(question) or (len(said) >= SHORT_RUN_WORDS and _referring().search(question))
        if len(said) > CLOSED_WORDS * scale or (len(said) > 1 and means):
            return True
    return False


def _ends_asking(text: str) -> bool:
    """Whether a text ends with a question of a few words, if these are no tag ("crazy, isn't it?")."""
    found = _LAST.search(text)
    if found is None or _TAG.search(found.group()):
        return False
    return len(words(found.group(1))) > 1 or _asking().search(found.group(1)) is not None


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
    """Return how people ask: stems are of one language, since what orders in one may tell in another."""
    stems = {code: "|".join(line.split()) for code, line in _forms()["verbs"].items()}
    verbs = "|".join(f"(?:{stems[code]}){_ENDS.get(code, '')}" for code in ({language} & stems.keys() or {"en"}))
    products = "|".join(_forms()["products"].values())
    return re.compile(rf"{_OPENS}(?:{verbs}|(?:[\w-]+ ){{0,3}}(?:{products}))|{_phrases('phrases')}", re.IGNORECASE)


@lru_cache(maxsize=1)
def _idle() -> re.Pattern[str]:
    return re.compile(
        rf"(?:{_phrases('rhetorical')})[^.!?\uff1f:\n]*[?\uff1f]?|(?:{_phrases('idle')})\s*[?\uff1f]?", re.IGNORECASE
    )


@lru_cache(maxsize=1)
def _asking() -> re.Pattern[str]:
    return re.compile(_phrases("asking"), re.IGNORECASE)


@lru_cache(maxsize=1)
def _referring() -> re.Pattern[str]:
    return re.compile(_phrases("referring"), re.IGNORECASE)


@lru_cache(maxsize=1)
def _answering() -> re.Pattern[str]:
    return re.compile(rf"[^?\uff1f\u061f]*[?\uff1f\u061f]\W*(?:{_phrases('answering')})\W*$", re.IGNORECASE)


def _phrases(kind: str) -> str:
    """Return the phrases of all languages as one pattern; only scripts that part words have borders of words."""
    lines = _forms()[kind]
    bare = [lines[code] for code in lines if code in {"zh", "ja", "ko", "hi"}]
    parted_ = [lines[code] for code in lines if code not in {"zh", "ja", "ko", "hi"}]
    return "|".join([*bare, rf"\b(?:{'|'.join(parted_)})\b"])
