"""The bm25s door: keyword search over batches, the same answer in the same order every time.

bm25s computes every term's share of every document's score once, when the index is built, and stores them by term. Its
own numba search resolves ties as its heap falls; ours reads the same table and keeps the lower row first.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Self

import bm25s
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from wellspring.tasks.contracts.errors import UsageError

Words = Sequence[str]


class KeywordIndex:
    """BM25 (Robertson and Walker; Lucene's variant) over documents that are lists of words.

    Which words a text has is the caller's choice (`tasks/methods/vectors/words.py`); queries are cut in the same way.
    """

    def __init__(self, words: dict[str, int], scores: dict[str, Any], documents: int) -> None:
        self._words = words
        self._shares = np.ascontiguousarray(scores["data"], dtype=np.float32)
        self._rows = np.ascontiguousarray(scores["indices"], dtype=np.int32)
        self._starts = np.ascontiguousarray(scores["indptr"], dtype=np.int64)
        self.documents = documents

    @classmethod
    def build(cls, documents: Iterable[Words], *, k1: float = 0.9, b: float = 0.4) -> Self:
        """Index documents; row i is the i-th.

        Args:
            documents: Words of each, read once; a document without words is found by no query.
            k1: How soon more of the same word stops counting.
            b: How much long documents are held back, 0..1.

        Raises:
            UsageError: There are no documents, or k1 or b is out of its range.
        """
        if k1 < 0 or not 0 <= b <= 1:
            raise UsageError(f"BM25 with k1 = {k1}, b = {b}", hint="k1 is at least 0, b is between 0 and 1")
        words: dict[str, int] = {}
        # Four bytes a word: lists of texts of 200,000 passages took 2 GB.
        numbers: list[Any] = [array("i", [words.setdefault(w, len(words)) for w in document]) for document in documents]
        if not numbers:
            raise UsageError("there are no documents to index", hint="run the corpus first, or loosen its filters")
        if not words:
            empty = {"data": np.empty(0), "indices": np.empty(0), "indptr": np.zeros(1)}
            return cls({}, empty, len(numbers))
        engine = bm25s.BM25(k1=k1, b=b, method="lucene")
        scores = engine.build_index_from_ids(list(words.values()), numbers, show_progress=False)
        return cls(words, scores, len(numbers))

    def rarity(self, words: Iterable[str]) -> dict[str, float]:
        """Return for each word how rare it is among the documents (BM25's idf); one that none has is the rarest."""
        found: dict[str, float] = {}
        for word in words:
            row = self._words.get(word)
            having = 0 if row is None else int(self._starts[row + 1] - self._starts[row])
            found[word] = math.log1p((self.documents - having + 0.5) / (having + 0.5))
        return found

    def search(self, queries: Sequence[Words], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the k documents with the highest BM25 score for each query.

        Args:
            queries: Words of each; a word that stands twice counts twice, a word that no document has counts nothing.
            k: Documents per query, 1 <= k.

        Returns:
            Scores (nq, k), best first, and rows (nq, k); equal scores keep the lower row first. Documents without any
            of the words are not found: where documents run out, the score is 0 and the row is -1.

        Raises:
            ValueError: k is not positive.
        """
        if k < 1:
            raise ValueError(f"k is {k}")
        # Sorted, so that a query's words in another order add up to the same bits.
        known = [sorted(self._words[word] for word in query if word in self._words) for query in queries]
        ends = np.cumsum([0, *(len(words) for words in known)], dtype=np.int64)
        flat = np.array([word for words in known for word in words], dtype=np.int64)
        scores = np.zeros((len(known), k), dtype=np.float32)
        rows = np.full((len(known), k), -1, dtype=np.int64)
        _search(flat, ends, self._shares, self._rows, self._starts, self.documents, scores, rows)
        return scores, rows


@njit(parallel=True, nogil=True, cache=True)
def _search(words, ends, shares, rows, starts, documents, out_scores, out_rows):  # noqa: ANN001, ANN202 - arrays, compiled
    """Add up the shares of each query's words, then keep the k best documents in an ordered list by insertion."""
    k = out_scores.shape[1]
    for i in prange(len(ends) - 1):
        totals = np.zeros(documents, dtype=np.float32)
        for j in range(ends[i], ends[i + 1]):
            for place in range(starts[words[j]], starts[words[j] + 1]):
                totals[rows[place]] += shares[place]
        found = 0
        for row in range(documents):  # upwards, and a tie never moves ahead: the lower row stays first
            score = totals[row]
            if score <= 0 or (found == k and score <= out_scores[i, k - 1]):
                continue
            slot = min(found, k - 1)
            while slot > 0 and out_scores[i, slot - 1] < score:
                out_scores[i, slot] = out_scores[i, slot - 1]
                out_rows[i, slot] = out_rows[i, slot - 1]
                slot -= 1
            out_scores[i, slot] = score
            out_rows[i, slot] = row
            found = min(found + 1, k)
