"""Compression, Transduction, Creation (arXiv 2109.06379): how much of one text is in another, by the kind of task.

A word is aligned as well as its vector is with the nearest word of the other text. With y the answer, x what was asked
and the turns before it, r the reference, and c the page that who answered was shown:

    compression:   consistency = mean align(y to x);  relevance = consistency x mean align(r to y)
    transduction:  preservation = harmonic mean of mean align(y to x) and mean align(x to y)
    creation:      engagingness = sum align(y to x and c);  groundedness = sum align(y to c)

The total is relevance where there is a reference, else consistency; preservation; engagingness. An answer whose kind
is not known has NULL. Costs words of an answer x words of the other text.

Ours differs: words have one vector each, by the embedder in force; the paper's are of BERT in their sentence, or a
model is trained. All words count (the paper leaves function words out in dialogues). x is all that was asked, since the
text to be changed does not stand apart. The public code leaves out the 2 of the harmonic mean.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from wellspring.tasks.contracts.conversation import content, opened
from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.pages.word_hashes import listed
from wellspring.tasks.methods.sets.lifting import Scored, lifted

SYSTEM = "Compression, Transduction, Creation"
PAPER = "arXiv 2109.06379"
VERSION = 1
TAKES, SUBJECT = ("instructions", "responses", "shown", "tags", "text_vectors"), "instruction"
RESTS_ON = ("lifting", "word_hashes")

TEXTS = ("y", "x", "r", "c")

Kind = Literal["", "compression", "transduction", "creation"]
Float = NDArray[np.float32]


class Knobs(Section):
    """Which kind of task a row is."""

    kinds: dict[str, Kind] = Field(
        default={
            "summar": "compression", "translat": "transduction", "paraphras": "transduction",
            "rewrit": "transduction", "style transfer": "transduction", "writing": "creation", "dialog": "creation",
        },
        description="part of a tag of the row -> its kind; the first that fits counts",
    )  # fmt: skip
    otherwise: Kind = Field(default="", description="the kind of a row that none fits; empty: it has no score")


def texts(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> set[str]:
    """Return the words of all rows whose kind is known."""
    return {word for row in _rows(tables, knobs) for name in TEXTS for word in row[name]}


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the measures of each answer, and of each instruction the greatest total of its answers."""
    known = dict(tables["text_vectors"].rows())
    found: list[Scored] = []
    for row in _rows(tables, knobs):
        if not row["kind"] or not row["y"] or not row["x"]:
            found.append((row["subject_id"], TOTAL, None, "its kind is not known" if not row["kind"] else "no words"))
            continue
        said = measured(row["kind"], {name: vectors(row[name], known) for name in TEXTS})
        why = f"{row['kind']}: " + ", ".join(f"{name} {value:.3f}" for name, value in said.items())
        first = next(name for name in ("relevance", "consistency", "preservation", "engagingness") if name in said)
        found += [(row["subject_id"], name, value, why) for name, value in ({TOTAL: said[first]} | said).items()]
    return lifted(found, tables["responses"])


def measured(kind: Kind, of: Mapping[str, Float]) -> dict[str, float]:
    """Return the measures of a kind, by name.

    Args:
        kind: Of task.
        of: `y`, `x`, `r` and `c`: the vectors of their words; of `r` and `c` there may be none.
    """
    y, x = of["y"], of["x"]
    if kind == "compression":
        consistency = float(align(y, x).mean())
        relevance = {"relevance": consistency * float(align(of["r"], y).mean())} if len(of["r"]) else {}
        return {"consistency": consistency} | relevance
    if kind == "transduction":
        there, back = float(align(y, x).mean()), float(align(x, y).mean())
        return {"preservation": 2 * there * back / (there + back) if there + back > 0 else 0.0}
    grounded = {"groundedness": float(align(y, of["c"]).sum())} if len(of["c"]) else {}
    return {"engagingness": float(align(y, np.concatenate([x, of["c"]])).sum())} | grounded


def align(of: Float, to: Float) -> NDArray[np.float64]:
    """Return of each word (n, d) the cosine to the nearest of other words (m, d), at least 0."""
    return np.clip(of.astype(np.float64) @ to.astype(np.float64).T, 0.0, None).max(axis=1)


def vectors(words: list[str], known: Mapping[str, Any]) -> Float:
    """Return the vectors of words (n, d), zeros of a word that has none; (0, d) of no words."""
    width = len(next(iter(known.values()), ()))
    found = [known.get(word, np.zeros(width)) for word in words]
    return np.array(found, dtype=np.float32).reshape(len(words), width)


def _rows(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> list[dict[str, Any]]:
    """Return of each answer its kind and the words of all texts that it is held to."""
    before = dict(tables["instructions"].select("subject_id", "history").rows())
    tags = dict(tables["tags"].group_by("subject_id").agg(pl.col("tag").sort()).rows())
    shown = dict(tables["shown"].rows())
    found: list[dict[str, Any]] = []
    for row in tables["responses"].iter_rows(named=True):
        turns = [content(turn) for turn in opened(before.get(row["instruction_id"]) or "", "")[1]]
        texts_ = {"y": row["text"], "x": " ".join([*turns, row["instruction"]])}
        texts_ |= {"r": row["reference"] or "", "c": shown.get(row["subject_id"], "")}
        kind = _kind(" ; ".join(tags.get(row["instruction_id"], ())).lower(), knobs)
        words = {name: listed(text) if kind else [] for name, text in texts_.items()}
        found.append({"subject_id": row["subject_id"], "kind": kind, **words})
    return found


def _kind(tags: str, knobs: Knobs) -> Kind:
    fitting: list[Kind] = [kind for part, kind in knobs.kinds.items() if part in tags]
    return fitting[0] if fitting else knobs.otherwise
