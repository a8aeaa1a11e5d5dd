"""InsTag (arXiv 2308.07074): tags of instructions made alike, and their number as complexity.

Tags are of notes `tags`, which the judge `instag` makes. In this order: tags of fewer rows than `least` go; spelling is
made alike; tags whose vectors are near are one; a tag that nearly always stands beside another becomes it. A group is
called by its most frequent tag. The total of an instruction is how many tags it has left, and its reason is these tags.
The way to select `alike_tags` samples by them (`vectors/tag_sampling.py`).

Ours differs: the paper's code was not released, and its thresholds (20 rows; cosine distance .05; 40 rows and 99%) are
as they are quoted. Words lose common English endings, in place of a stemmer. Vectors are of the embedder in force, not
of PhraseBERT, and near tags are joined as DBSCAN joins them with one neighbour. Associations are of two tags.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.methods.sets.lifting import frame
from wellspring.tasks.methods.vectors.tag_sampling import BETWEEN

SYSTEM = "InsTag"
PAPER = "arXiv 2308.07074"
VERSION = 1
TAKES, SUBJECT = ("tags", "tag_vectors"), "instruction"
RESTS_ON = ("lifting", "tag_sampling")
LEAST_WORD = 3  # letters that stay of a word that loses an ending
_ENDINGS = re.compile(r"(?:ings?|ed|es|s)$")
Tags = dict[str, frozenset[str]]  # of each row


class Knobs(Section):
    """When two tags are one."""

    least: int = Field(default=20, ge=1, description="rows that a tag stands in, or it goes")
    distance: float = Field(default=0.05, ge=0, le=2, description="cosine distance up to which two tags are one")
    support: int = Field(default=40, ge=1, description="rows that two tags stand in together, to be associated")
    confidence: float = Field(default=0.99, gt=0, le=1, description="share of a tag's rows that have the other")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the number of tags of each row that has notes `tags`."""
    found = tables["tags"].filter(pl.col("kind") == "tags")
    tags = of_rows(found)
    tags = alike(frequent(tags, knobs.least), {tag: spelling(tag) for tag in {*found["tag"].to_list()}})
    vectors = tables["tag_vectors"]
    known = dict(zip(vectors["tag"].to_list(), vectors["vector"].to_numpy(), strict=True))
    spelt = {spelling(tag): vector for tag, vector in sorted(known.items(), reverse=True)}  # the first by name counts
    tags = alike(tags, near(tags, spelt, knobs.distance))
    return counted(alike(tags, associated(tags, knobs.support, knobs.confidence)))


def of_rows(found: pl.DataFrame) -> Tags:
    """Return the tags of each row of the table."""
    rows = defaultdict[str, set[str]](set)
    for row in found.iter_rows(named=True):
        rows[row["subject_id"]].add(row["tag"])
    return {one: frozenset(tags) for one, tags in rows.items()}


def counted(tags: Tags) -> pl.DataFrame:
    """Return how many tags each row has, with the tags as reason."""
    return frame((one, TOTAL, float(len(own)), BETWEEN.join(sorted(own))) for one, own in tags.items())


def frequent(tags: Tags, least: int) -> Tags:
    """Return the tags that stand in at least so many rows."""
    rows = Counter(tag for own in tags.values() for tag in own)
    return {one: frozenset(tag for tag in own if rows[tag] >= least) for one, own in tags.items()}


def alike(tags: Tags, names: Mapping[str, str]) -> Tags:
    """Call tags by other names; what has none, or an empty one, goes by its own, or goes."""
    return {one: frozenset(filter(None, (names.get(tag, tag) for tag in own))) for one, own in tags.items()}


def spelling(tag: str) -> str:
    """Return a tag in small letters, without other signs than letters and digits, its words without endings."""
    words = re.findall(r"[^\W_]+", tag.lower())
    return " ".join(_ENDINGS.sub("", word) if len(_ENDINGS.sub("", word)) >= LEAST_WORD else word for word in words)


def near(tags: Tags, vectors: Mapping[str, Vectors], distance: float) -> dict[str, str]:
    """Return tag -> the most frequent tag of its group: tags joined by steps of at most this cosine distance."""
    rows = Counter(tag for own in tags.values() for tag in own)
    names = sorted(rows.keys() & vectors.keys())
    if not names:
        return {}
    matrix = np.stack([vectors[name] for name in names])
    pairs = zip(*np.nonzero(matrix @ matrix.T >= 1.0 - distance - 1e-6), strict=True)
    return _named(rows, [(names[a], names[b]) for a, b in pairs if a < b])


def associated(tags: Tags, support: int, confidence: float) -> dict[str, str]:
    """Return tag -> the most frequent tag of its group: tags one of which nearly always stands beside the other."""
    rows = Counter(tag for own in tags.values() for tag in own)
    both = Counter((a, b) for own in tags.values() for a in own for b in own if a != b)
    held = [pair for pair, count in both.items() if count >= support and count >= confidence * rows[pair[0]]]
    return _named(rows, sorted(held))


def _named(rows: Mapping[str, int], pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return tag -> the first of its group, where pairs join groups: the most frequent, then by name."""
    leader: dict[str, str] = {}

    def first(tag: str) -> str:
        while leader.get(tag, tag) != tag:
            tag = leader[tag]
        return tag

    for a, b in pairs:
        ends = sorted((first(a), first(b)), key=lambda tag: (-rows[tag], tag))
        leader[ends[1]] = ends[0]
    return {tag: first(tag) for tag in leader}
