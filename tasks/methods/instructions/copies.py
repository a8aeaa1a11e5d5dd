"""How much of a text is another one's: ROUGE-L between two of a size, verbatim runs against a long one.

ROUGE-L (Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004) is the F-measure of the longest common
subsequence of words. Against a document a hundred times longer a subsequence finds function words everywhere, so there
the measure is coverage: the share of the text's words that lie in runs of `run_words` that the document has, too.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from wellspring.tasks.contracts import scripts
from wellspring.tasks.contracts.subsequences import lcs

VERSION = 2
RUN_WORDS = 8


def words(text: str) -> list[str]:
    """Return the words of a text (`contracts/scripts.py` says what they are), lower case, without punctuation."""
    return scripts.WORD.findall(scripts.seen(unicodedata.normalize("NFKC", text).lower()))


@lru_cache(maxsize=1024)  # a demonstration is compared with many answers, and a page with each draw of it
def kept_words(text: str) -> list[str]:
    """Return what `words` does, for a text that comes again; nobody may change the list."""
    return words(text)


def rouge_l(left: str, right: str) -> float:
    """Return ROUGE-L (F1) of two texts, in [0, 1]; symmetric; 0 when either has no words."""
    a, b = kept_words(left), kept_words(right)
    return 2 * lcs(a, b) / (len(a) + len(b)) if a and b else 0.0


def coverage(text: str, source: str, run_words: int = RUN_WORDS) -> float:
    """Return the share of the text's words that stand in runs of at least `run_words` taken from the source.

    A text shorter than a run is covered wholly or not at all: it is one run.
    """
    inner = words(text)
    found = shared(inner, kept_words(source), run_words)
    return sum(end - first for first, end in found) / len(inner) if inner else 0.0


def shared(said: list[str], source: list[str], size: int) -> list[tuple[int, int]]:
    """Return the spans of words that stand in runs of the source, in order; a text shorter than a run is one run."""
    size = min(size, len(said))
    runs = {tuple(source[i : i + size]) for i in range(len(source) - size + 1)}
    spans: list[tuple[int, int]] = []
    for i in range(len(said) - size + 1):
        if tuple(said[i : i + size]) in runs:
            first = spans.pop()[0] if spans and i <= spans[-1][1] else i
            spans.append((first, i + size))
    return spans


def gaps(text: str, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Return the ranges of a text before, between and after these."""
    return zip((0, *(end for _, end in ranges)), (*(start for start, _ in ranges), len(text)), strict=True)
