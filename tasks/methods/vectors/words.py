"""The words of a text, for keyword search and for the hashing embedder: cut once, in one way.

Letters and digits of any script, lower case, accents kept; English stop words left out; English plurals folded (the
"s" stemmer of Harman, "How effective is suffixing?", JASIS 1991, which hurts no other language much). Scripts that put
no spaces between words (Chinese, Japanese, Thai and their kin) are cut into overlapping pairs of characters, as the
CJK analyser of Lucene does.
"""

import re
import unicodedata

VERSION = 1
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
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
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        if word.isascii():
            if keep_stop_words or word not in STOP_WORDS:
                found.append(_singular(word)[:_MAX_WORD_CHARS])
        else:
            found += _pieces(word)
    return found


def _pieces(word: str) -> list[str]:
    """Cut the unspaced runs of a word into pairs of characters; the rest stays whole."""
    pieces: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > end:
            pieces.append(word[end : run.start()][:_MAX_WORD_CHARS])
        chars = run.group()
        pieces += [chars[i : i + 2] for i in range(max(1, len(chars) - 1))]
        end = run.end()
    if end < len(word):
        pieces.append(word[end:][:_MAX_WORD_CHARS])
    return pieces


def _singular(word: str) -> str:
    if len(word) >= _SHORTEST_IN_S and word[-1] == "s" and word[-2] not in "uis":
        is_ies = len(word) > _SHORTEST_IN_S and word.endswith("ies") and word[-4] not in "ae"
        return word[:-3] + "y" if is_ies else word[:-1]
    return word
