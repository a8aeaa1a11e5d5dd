"""Does what a message says itself ask for anything? A linear model of its own words, learned from messages of our own.

A message that carries a page is given with a mark in the place of each carried passage, so that "Is it that simple? Not
quite." before a passage and "Is that true?" after it are told apart. Features: words and pairs of words, and pieces of
2 to 5 characters within a word, hashed; each of both kinds has length 1. It was learned from 3,400 messages of our own
in thirty languages, two thirds of them English. Of wordings that it has not seen it gets about nine in ten right, in a
language that it has not seen half of the requests; lists of verbs and phrases, whose place it takes, knew five to eight
in ten. `python -m tests.bench.carrying --fit` prints these figures and learns it anew.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

VERSION = 1
PASSAGE = "\n\uffff\n"  # stands where a passage was taken out
BITS = 14
END_CHARS = 1500  # of a long text that is looked at, at either end
WORDS, CHARS = (1, 2), range(2, 6)
_TOKEN = re.compile(r"\w+|[?!.:,;\n\"\u2018-\u201f\u00ab\u00bb\uff1f\uff01\u3002\uff0c\uff1a\u061f\uffff]")


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
    with resources.as_file(resources.files("wellspring.tasks.methods") / "asking.npy") as path:
        return np.load(path, allow_pickle=False).astype(np.float32)
