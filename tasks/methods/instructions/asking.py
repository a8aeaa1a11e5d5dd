"""Does a message ask for anything?

Two looks, for two kinds of message.

`states_only` looks at a message that carries no passage. It has signs of asking, by language, in `asking.toml`: a
question mark, verbs and wordings that ask, code or a formula. A message without any, in a language whose signs are
listed, asks for nothing. A sentence that sells, or that an assistant says of itself, counts as none, though it may have
a question mark. Of a long message only the first and last sentences are looked at. `python -m tests.bench.asking`
prints how many real messages it refuses, and how many sentences and paragraphs of real pages.

`asks` looks at a message's own words beside a passage: a linear model. It is given a mark in the place of each carried
passage, so that "Is it that simple? Not quite." before a passage and "Is that true?" after it are told apart. Features:
words and pairs of words, and pieces of 2 to 5 characters within a word, hashed; each of both kinds has length 1. It was
learned from 3,720 messages of our own in thirty languages, two thirds of them English. Of wordings that it has not seen
it gets about nine in ten right, in a language that it has not seen half of the requests. Beside a passage the signs
know eight of ten. `python -m tests.bench.carrying --fit` prints these figures and learns it anew.
"""

import math
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.methods.pages.languages import identify

VERSION = 3
_LABEL = re.compile(r"\W*(?:answer|caption|comment|head|question|quote|report|title)\W*", re.IGNORECASE)
PASSAGE = "\n\uffff\n"  # stands where a passage was taken out
BITS = 14
END_CHARS = 1500  # of a long text that is looked at, at either end
WORDS, CHARS = (1, 2), range(2, 6)
_TOKEN = re.compile(r"\w+|[?!.:,;\n\"\u2018-\u201f\u00ab\u00bb\uff1f\uff01\u3002\uff0c\uff1a\u061f\uffff]")
SHORT_CHARS = 400  # of a message that need not say what it wants of its reader
LED_CLAUSES = 3  # after a clause such as "given a text"
EDGE_SENTENCES = 3  # at either end of a long message: who asks, asks there
_SENTENCE = re.compile(r"(?<=[.!?:;\u3002\uff01\uff1f\u061f\u0964\uff1a])\s+|(?<=[\u3002\uff01\uff1f\uff1a])|\n+|\|")
_CLAUSE = re.compile(r",\s+|\s[\u2013\u2014-]+\s")
_NUMBERED = re.compile(r"[\s*#>\u2022\u2013\u2014\"'\u2018\u201c\u00ab\u300c\u300e(.-]*(?:\d+[.)]\s*)?")
_STOPS = (".", "!", ":", "\u2026")
_NOTHING = re.compile(r"(?!)")
_HAS_WORD = re.compile(r"\w")
_MARK = re.compile(r"[?\uff1f\u061f]")
_FORMAL = re.compile(
    r"```|^\s*[<{\[]|[{}]|[^<>=]=[^<>=]|=\s*$|==|_{3,}|\\\w+\{|\$[a-z\\]|^\s*[A-D][.)] |\bdef \w|\bTraceback\b"
    r"|^(?:options|choices|answers?|questions?|hypothesis|premise)\s?:"
    r"|\w+Exception\b|\w\(\)|</?\w+>|[\u2200-\u22ff]|\d ?[+*^\u00d7\u00f7] ?\d|\d / \d",
    re.MULTILINE | re.IGNORECASE,
)


class _Signs(NamedTuple):
    """Patterns of all languages together: a sentence has one, begins with one, or ends with one."""

    codes: frozenset[str]
    sells: re.Pattern[str]
    asks: re.Pattern[str]
    ends: re.Pattern[str]
    starts: re.Pattern[str]
    verbs: re.Pattern[str]
    deeds: re.Pattern[str]
    mine: re.Pattern[str]
    orders: dict[str, re.Pattern[str]]
    polite: re.Pattern[str]
    leads: re.Pattern[str]


def states_only(text: str) -> bool:
    """Whether a message has no sign of asking; False where its language is none of those whose signs are known.

    >>> states_only("Our team is working diligently to deliver the best services to your business.")
    True
    >>> states_only("We have a budget of 500 and three weeks. I need a plan for the party.")
    False
    """
    ends = text if len(text) <= 2 * END_CHARS else f"{text[:END_CHARS]}\n{text[-END_CHARS:]}"
    if _FORMAL.search(ends):
        return False
    parts = (_NUMBERED.sub("", part, count=1) for part in _SENTENCE.split(ends))
    said = [part for part in parts if _HAS_WORD.search(part) and not _signs().sells.match(part)]
    if len(said) > 2 * EDGE_SENTENCES:
        said = said[:EDGE_SENTENCES] + said[-EDGE_SENTENCES:]
    return not any(map(_has_sign, said)) and not _is_persons(text, said) and _has_no_order(text, said)


def _is_persons(text: str, said: list[str]) -> bool:
    """Whether a short text is typed as nobody publishes, or tells of the writer's own things."""
    if len(text) > SHORT_CHARS:
        return False
    is_typed = text[:1].islower() and len(said) == 1 and not text.rstrip().endswith(_STOPS)
    return is_typed or any(map(_signs().mine.search, said))


def _has_no_order(text: str, said: list[str]) -> bool:
    """Whether a text is in a known language, and its first sentence is no order."""
    language, signs = identify(text), _signs()
    is_first = bool(said) and text.lstrip().startswith(said[0])
    is_order = is_first and (_begins(said[0], signs.deeds) or _begins(said[0], signs.orders.get(language, _NOTHING)))
    return language in signs.codes and not is_order


def _has_sign(sentence: str) -> bool:
    signs = _signs()
    if _MARK.search(sentence) or signs.asks.search(sentence) or signs.ends.search(sentence):
        return True
    return _begins(sentence, signs.starts) or _begins(sentence, signs.verbs)


def _begins(sentence: str, words: re.Pattern[str]) -> bool:
    """Whether a sentence begins with such words, also behind politeness or a clause that leads on."""
    signs = _signs()
    begun = [sentence]
    if signs.leads.match(sentence):
        begun += _CLAUSE.split(sentence, maxsplit=LED_CLAUSES)[1:]
    behind = (clause[polite.end() :] for clause in begun if (polite := signs.polite.match(clause)))
    return any(map(words.match, [*begun, *behind]))


@lru_cache(maxsize=1)
def _signs() -> _Signs:
    path = resources.files("wellspring.tasks.methods.instructions") / "asking.toml"
    languages = tomllib.loads(path.read_text(encoding="utf-8"))
    known = languages.values()

    def any_of(key: str) -> str:
        return "|".join(one for language in known for one in language.get(key, ()))

    def words_of(key: str) -> str:
        words = (one.replace("_", " ") for language in known for one in language.get(key, "").split())
        return rf"(?:{'|'.join(words)})(?:-?(?:l[aeo]s?|li|m[eio]i?|ci|nos))?(?!['\u2019\w-])"

    not_a_noun = r"(?! (?:is|are|was|were|has)\b)"
    return _Signs(
        frozenset(languages),
        re.compile(any_of("sells"), re.IGNORECASE),
        re.compile(any_of("asks"), re.IGNORECASE),
        re.compile(rf"(?:{any_of('ends')})\W*$", re.IGNORECASE),
        re.compile(any_of("starts"), re.IGNORECASE),
        re.compile(words_of("verbs") + not_a_noun, re.IGNORECASE),
        re.compile(words_of("deeds") + not_a_noun, re.IGNORECASE),
        re.compile("|".join(language["mine"] for language in known), re.IGNORECASE),
        {
            code: re.compile(language["orders"], re.IGNORECASE | re.VERBOSE)
            for code, language in languages.items()
            if "orders" in language
        },
        re.compile(rf"(?:{words_of('polite')}\W*)+", re.IGNORECASE),
        re.compile(words_of("leads"), re.IGNORECASE),
    )


def orders(opening: str) -> bool:
    """Whether the words before a passage end in an order and a colon; a label, such as "Question:", is none.

    >>> orders("We bake for a school. Please summarise this:"), orders("Question:"), orders("Dough is patient:")
    (True, False, False)
    """
    last = _SENTENCE.split(opening.strip())[-1]
    return last.rstrip().endswith((":", "\uff1a")) and not _LABEL.fullmatch(last) and _begins(last, _signs().verbs)


def asks(said: str) -> bool:
    """Whether a message asks for something, by its own words, with `PASSAGE` for what it carries."""
    learned = _learned()
    return bool(learned[-1] + sum(learned[place] * value for place, value in features(said).items()) > 0)


def features(said: str) -> dict[int, float]:
    """Return the hashed features of a text: place (0 to 2**BITS - 1) -> value."""
    text = said.lower()
    if len(text) > 2 * END_CHARS:
        text = f"{text[:END_CHARS]} \u2026 {text[-END_CHARS:]}"
    tokens = ["^", *_TOKEN.findall(text), "$"]
    found: dict[int, float] = {}
    for kind in (Counter(_pairs(tokens)), Counter(_pieces(tokens))):
        values = {name: 1 + math.log(times) for name, times in kind.items()}
        length = math.sqrt(sum(value * value for value in values.values()))
        for name, value in values.items():
            place = zlib.crc32(name.encode("utf-8", "surrogatepass")) % (1 << BITS)
            found[place] = found.get(place, 0.0) + value / length
    return found


def _pairs(tokens: list[str]) -> Iterator[str]:
    for size in WORDS:
        yield from ("\x01" + " ".join(tokens[i : i + size]) for i in range(len(tokens) - size + 1))


def _pieces(tokens: list[str]) -> Iterator[str]:
    for token in tokens:
        word = f" {token} "
        yield from (word[i : i + size] for size in CHARS for i in range(len(word) - size + 1))


@lru_cache(maxsize=1)
def _learned() -> NDArray[np.float32]:
    """Return the weights (2**BITS,), and the bias behind them."""
    with resources.as_file(resources.files("wellspring.tasks.methods.instructions") / "asking.npy") as path:
        return np.load(path, allow_pickle=False).astype(np.float32)
