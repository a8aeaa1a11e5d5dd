"""What pages say of texts: how many hold their words, and how much of an answer stands in them word for word.

The index of quotations is a file beside the store, mapped into memory, and made anew when the pages change.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.vectors import manifests
from wellspring.tasks.methods.pages import quotations, word_hashes
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Run

VERSION = 1
FRAME_ROWS = 256
METHODS = ("quotations", "word_hashes")
_FILE = "quotes.npy"


def fingerprint(run: Run) -> str:
    """Return the identity of the pages in force, and of how they are read."""
    ids = run.store.query("sets/page_ids")["document_id"]
    return content_id(
        "pages", hashlib.sha256("\n".join(ids).encode()).hexdigest(), *raised(*METHODS, own=VERSION).items()
    )


def counts(run: Run, texts: Sequence[str]) -> pl.DataFrame:
    """Return of each text how many pages hold all its words, in any order; of a text without words none.

    Returns:
        A frame of `text` and `pages`, and one more row: the text "" with the number of all pages.
    """
    words = {text: frozenset(word_hashes.listed(text)) for text in texts}
    by_word = defaultdict[str, list[str]](list)
    for text, own in words.items():
        if own:
            by_word[max(own, key=lambda word: (len(word), word))].append(text)
    held = Counter[str]()
    for frame in run.store.stream("sets/pages", rows=FRAME_ROWS) if by_word else ():
        for page in frame["text"]:
            there = {*word_hashes.listed(page)}
            held.update(text for word in there & by_word.keys() for text in by_word[word] if words[text] <= there)
    found = [(text, held[text]) for text in words if text] + [("", len(run.store.query("sets/page_ids")))]
    return pl.DataFrame(found, schema={"text": pl.String, "pages": pl.Int64}, orient="row")


def quotes(run: Run, responses: pl.DataFrame) -> pl.DataFrame:
    """Return of each answer how many runs of characters it has, and how many of them a page has.

    Returns:
        A frame of `subject_id`, `grams` and `found`.
    """
    folder, print_ = run.store.indexes / "page-quotes", fingerprint(run)
    if manifests.read(folder, print_, run.store.path) is None:
        manifests.write(folder, print_, {}, lambda path: _save(run, path))
    bits = np.load(folder / _FILE, mmap_mode="r", allow_pickle=False)
    found: list[tuple[str, int, int]] = []
    for one, text in responses.select("subject_id", "text").iter_rows():
        grams = quotations.grams(text)
        found.append((one, len(grams), int(quotations.holds(grams, bits).sum())))
    return pl.DataFrame(found, schema={"subject_id": pl.String, "grams": pl.Int64, "found": pl.Int64}, orient="row")


def _save(run: Run, folder: Path) -> None:
    """Write the index of quotations into a folder, page by page: no more than a frame of pages is in memory."""
    chars = sum(run.store.query("sets/page_ids")["chars"].to_list())
    shape = (quotations.blocks(chars), quotations.BLOCK_WORDS)
    bits = np.lib.format.open_memmap(folder / _FILE, mode="w+", dtype=np.uint64, shape=shape)
    for frame in run.store.stream("sets/pages", rows=FRAME_ROWS):
        for text in frame["text"]:
            quotations.enter(quotations.grams(text), bits)
    bits.flush()
