"""Which answers of a set say the same to different instructions.

Answers are alike if their words are equal, or if the sets of their three-word shingles have a Jaccard similarity of .6
or more: answers are short, so shingles and threshold are smaller than those of documents. Likeness is passed on; of
those that are alike the answers to one instruction, the one with the lowest id, are kept. What answers many
instructions answers none: where one text stands for a large share of them, none of it is kept.

Two short right answers ("Yes", "42") may well be equal. They fail only as a large share of the set. Answers to one
instruction are never compared with each other, nor is one that a program gives to several: it counts as one answer.

Linear in the texts; candidates come from 28 bands of 4 permutations and are compared exactly.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.methods.instructions import copies
from wellspring.tasks.methods.pages import near_duplicates

VERSION = 2
SHINGLE_WORDS, BANDS, SIMILARITY = 3, 28, 0.6
LONG_WORDS = 8  # an answer of fewer may be right twice
LEAST_MANY, LONG_SHARE = 4, 0.2  # instructions that one long answer may not stand for
LEAST_SHORT_MANY, SHORT_SHARE = 5, 0.5


class Answer(NamedTuple):
    """What is kept of an answer until all have been seen."""

    answer_id: str
    instruction_id: str
    digest: bytes
    is_long: bool


class Same(NamedTuple):
    """Why an answer is one too many."""

    answer_id: str
    why: str


def noted(answer_id: str, instruction_id: str, text: str) -> Answer:
    """Return what is kept of an answer."""
    words = copies.words(text)
    said = " ".join(words) or text.strip()
    return Answer(answer_id, instruction_id, hashlib.sha256(said.encode()).digest(), len(words) >= LONG_WORDS)


def bands(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return what answers that may be alike share: (n, 28)."""
    return near_duplicates.bands([_spaced(text) for text in texts], SHINGLE_WORDS, BANDS)


def candidates(answers: Sequence[Answer], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pairs of rows that may be alike: (m, 2); of long answers to different instructions, not equal already."""
    rows = [i for i, one in enumerate(answers) if one.is_long]
    first: dict[bytes, int] = {}
    different = [row for row in rows if first.setdefault(answers[row].digest, row) == row]
    pairs = (
        np.array(different, np.int64)[near_duplicates.candidates(found[different])]
        if different
        else np.empty((0, 2), np.int64)
    )
    kept = [(a, b) for a, b in pairs.tolist() if answers[a].instruction_id != answers[b].instruction_id]
    return np.array(kept, np.int64).reshape(-1, 2)


def alike(texts: Sequence[str], pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs of rows of `texts` are alike."""
    found = near_duplicates.jaccard([_spaced(text) for text in texts], pairs, SHINGLE_WORDS)
    return found >= SIMILARITY


def too_many(answers: Sequence[Answer], pairs: NDArray[np.int64]) -> list[Same]:
    """Return the answers that say what others say, too, by id.

    Args:
        answers: All of the set, in any order.
        pairs: (m, 2), rows that are alike.
    """
    everywhere = len({one.instruction_id for one in answers})
    found: list[Same] = []
    for rows in _groups(answers, pairs):
        instructions = sorted({answers[row].instruction_id for row in rows})
        found += _of_group([answers[row] for row in rows], instructions, everywhere)
    return sorted(found)


def _groups(answers: Sequence[Answer], pairs: NDArray[np.int64]) -> list[list[int]]:
    """Return the groups of rows that are equal or alike, of two and more."""
    first: dict[bytes, int] = {}
    equal = [(first.setdefault(one.digest, row), row) for row, one in enumerate(answers)]
    linked = np.concatenate([np.array(equal, np.int64).reshape(-1, 2), pairs])
    groups: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(near_duplicates.components(len(answers), linked).tolist()):
        groups[group].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


def _of_group(group: Sequence[Answer], instructions: Sequence[str], everywhere: int) -> list[Same]:
    many, share = len(instructions), len(instructions) / everywhere
    is_long = any(one.is_long for one in group)
    is_canned = (
        (many >= LEAST_MANY and share >= LONG_SHARE) if is_long else (many >= LEAST_SHORT_MANY and share >= SHORT_SHARE)
    )
    if is_canned:
        why = f"{many} of {everywhere} instructions have this answer"
        return [Same(one.answer_id, why) for one in group]
    if many == 1 or not is_long:
        return []
    why = f"as the answer to instruction {instructions[0]}"
    return [Same(one.answer_id, why) for one in group if one.instruction_id != instructions[0]]


def _spaced(text: str) -> str:
    """Return the words of a text with spaces between them, so that every script has shingles."""
    return " ".join(copies.words(text))
