"""The words of a text, for keyword search and for the hashing embedder: cut once, in one way.

Letters and digits of any script, lower case, accents kept; English stop words left out; English plurals folded (the
"s" stemmer of Harman, "How effective is suffixing?", JASIS 1991, which hurts no other language much). Scripts whose
letters stand alone (Chinese, Japanese, Korean, Thai and their kin, by `contracts/scripts.py`) are cut into overlapping
pairs of letters, as the CJK analyser of Lucene does. Marks, such as vowel signs, stay with their letters.
"""

import re
import unicodedata
from itertools import groupby, pairwise

from wellspring.tasks.contracts import scripts

VERSION = 2
_RUN = re.compile(rf"[^\W_](?:[^\W_]|[{scripts.MARKS}])*")
_SHORTEST_IN_S = 4  # gas, bus, his are no plurals
_MAX_WORD_CHARS = 64  # longer "words" are encoded data; their start is enough to find them by

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "she",
        "so",
        "such",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


def words(text: str, *, keep_stop_words: bool = False) -> list[str]:
    """Return the words of a text in order; see the module for what a word is."""
    found: list[str] = []
    for word in _RUN.findall(scripts.seen(unicodedata.normalize("NFKC", text).lower())):
        if word.isascii():
            if keep_stop_words or word not in STOP_WORDS:
                found.append(_singular(word)[:_MAX_WORD_CHARS])
        else:
            found += _pieces(word)
    return found


def _pieces(run: str) -> list[str]:
    """Cut the letters of a run that stand alone into pairs; the rest stays whole."""
    pieces: list[str] = []
    for stands_alone, group in groupby(scripts.WORD.findall(run), scripts.stands_alone):
        found = list(group)
        if stands_alone and len(found) > 1:
            found = [first + second for first, second in pairwise(found)]
        pieces += [piece[:_MAX_WORD_CHARS] for piece in found]
    return pieces


def _singular(word: str) -> str:
    if len(word) >= _SHORTEST_IN_S and word[-1] == "s" and word[-2] not in "uis":
        is_ies = len(word) > _SHORTEST_IN_S and word.endswith("ies") and word[-4] not in "ae"
        return word[:-3] + "y" if is_ies else word[:-1]
    return word
