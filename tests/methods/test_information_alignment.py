"""Compression, Transduction, Creation: alignments and measures as loops, and the kind that tags say."""

import json
import math

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.sets.information_alignment import Kind, Knobs, scores, texts

WORDS = ("bees", "sleep", "winter", "honey", "cold", "write", "shorten")
VECTORS = unit(np.random.default_rng(2).standard_normal((7, 5)))
OF = dict(zip(WORDS, VECTORS.tolist(), strict=True))
ASKED, BEFORE, SAID, REFERENCE, PAGE = "Shorten: bees sleep", "winter", "Honey, cold honey.", "bees", "winter honey"


def align(of: str, to: str) -> list[float]:
    def cosine(a: str, b: str) -> float:
        return sum(x * y for x, y in zip(OF[a], OF[b], strict=True))

    words = [text.lower().replace(",", "").replace(".", "").replace(":", "").split() for text in (of, to)]
    return [max(0.0, *(cosine(a, b) for b in words[1])) for a in words[0]]


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def tables(tag: str) -> dict[str, pl.DataFrame]:
    def one(**columns: str) -> pl.DataFrame:
        return pl.DataFrame({name: [value] for name, value in columns.items()})

    answer = {"subject_id": "a", "instruction_id": "q", "instruction": ASKED, "text": SAID, "reference": REFERENCE}
    return {
        "instructions": one(subject_id="q", history=json.dumps([{"role": "user", "content": BEFORE}])),
        "responses": one(**answer, use="answer"),
        "shown": one(subject_id="a", document=PAGE),
        "tags": one(subject_id="q", tag=tag),
        "text_vectors": pl.DataFrame({"text": WORDS, "vector": VECTORS}),
    }


@pytest.mark.parametrize("kind", ["compression", "transduction", "creation"])
def test_measures_are_those_of_the_formulas(kind: Kind) -> None:
    given, knobs = tables("Text Summarization"), Knobs(kinds={"summar": kind})
    found = {(one, name): value for one, name, value, _ in scores(given, knobs).rows()}
    x = f"{BEFORE} {ASKED}"
    there, back = mean(align(SAID, x)), mean(align(x, SAID))
    wanted = {
        "compression": {"consistency": there, "relevance": there * mean(align(REFERENCE, SAID))},
        "transduction": {"preservation": 2 / (1 / there + 1 / back)},
        "creation": {
            "engagingness": math.fsum(align(SAID, f"{x} {PAGE}")),
            "groundedness": math.fsum(align(SAID, PAGE)),
        },
    }[kind]
    total = {"compression": "relevance", "transduction": "preservation", "creation": "engagingness"}[kind]

    assert {name: value for (one, name), value in found.items() if one == "a" and name != "total"} == pytest.approx(
        wanted, rel=1e-5
    )
    assert found["a", "total"] == found["q", "total"] == found["a", total]
    assert texts(given, knobs) == {*WORDS} - {"write"}


def test_a_row_of_no_known_kind_has_no_score_and_asks_for_no_vectors() -> None:
    found = scores(tables("weather"), Knobs()).rows()

    assert found == [("a", "total", None, "its kind is not known")]
    assert texts(tables("weather"), Knobs()) == set()
    assert scores(tables("weather"), Knobs(otherwise="creation"))["value"][0] is not None
