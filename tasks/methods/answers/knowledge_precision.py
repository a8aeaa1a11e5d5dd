"""How much of an answer stands in its document: the share of the answer's words that the document holds.

Paper: K-precision, of "Evaluating Correctness and Faithfulness of Instruction-Following Models for Question Answering"
(PAPERS, tier 3: the share of an answer's tokens that its passage has). Ours differs: words are cut and stop words left
out as for keyword search (they stand in every document and would support anything), forms of one word count as one, a
word that the instruction brought in counts as supported, and with fewer than 5 words there is nothing to measure.
"""

from typing import NamedTuple

from wellspring.tasks.methods.vectors.words import words

VERSION = 1
FEWEST_WORDS = 5
SHOWN_WORDS = 8
_SHORTEST_STEM_CHARS = 4
_ENDINGS = ("ingly", "edly", "ing", "ied", "ed", "es", "ly", "e", "y")


class Precision(NamedTuple):
    """`share` of supported words (None: too few to say), how many words there were, and some that nothing supports."""

    share: float | None
    words: int
    unsupported: tuple[str, ...]


def knowledge_precision(answer: str, document: str, instruction: str = "") -> Precision:
    """Measure how much of the answer's words the document (or the instruction) holds; every occurrence counts."""
    said = words(answer)
    if len(said) < FEWEST_WORDS:
        return Precision(None, len(said), ())
    known = {_stem(word) for word in (*words(document), *words(instruction))}
    missing = [word for word in said if _stem(word) not in known]
    return Precision(1 - len(missing) / len(said), len(said), tuple(dict.fromkeys(missing))[:SHOWN_WORDS])


def _stem(word: str) -> str:
    """Take one verb or adverb ending off: crude, and the same on both sides."""
    if word.isascii():
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM_CHARS:
                return word[: -len(ending)]
    return word
