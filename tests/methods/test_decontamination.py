"""Benchmark prompts are found whole, in part and in disguise, and clean texts are left alone."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from tasks.contracts.errors import Rejection
from tasks.io import benchmarks as files
from tasks.methods import decontamination
from tasks.methods.decontamination import Benchmarks, Prompt

LONG = (
    "Describe how a heat pump warms a house in winter, name two of its parts, and say why it uses less power than an "
    "electric heater of the same output."
)
PROMPTS = [
    Prompt("ours", "1", LONG),
    Prompt("ours", "2", "Why do cats purr?"),
    Prompt("ours", "3", "Hello!"),
    Prompt("ours", "4", "   "),
]


@pytest.fixture(scope="module")
def known() -> Benchmarks:
    return decontamination.index(PROMPTS)


@pytest.mark.parametrize(
    ("text", "kind", "row"),
    [
        (LONG, "exact", "1"),
        (LONG.upper().replace(" ", "\u2009\n").replace(",", ";"), "exact", "1"),
        ("hello", "exact", "3"),
        ("why do CATS purr", "exact", "2"),
        ("Please help me. " + LONG + " Thank you very much!", "ngram", "1"),
        ("Intro. " * 300 + "why do cats purr? " + "Outro. " * 300, "containment", "2"),
        (
            LONG.replace("pump", "pmup").replace("winter", "wintre").replace("power", "pwoer"),
            "containment",
            "1",
        ),
        ("Describe how a heat pump warms a house in winter, name two of its", "ngram", "1"),
    ],
)
def test_a_prompt_is_found_in_every_disguise(known: Benchmarks, text: str, kind: str, row: str) -> None:
    match = decontamination.find(known, text)

    assert match is not None
    assert (match.kind, match.prompt.row_id) == (kind, row)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Say hello to the new neighbours, and describe the house.",
        "Why do dogs bark? Why do owls hoot?",
        "A heat pump is a machine. " * 40,
    ],
)
def test_a_clean_text_is_left_alone(known: Benchmarks, text: str) -> None:
    decontamination.check(known, text)


def test_a_refusal_names_benchmark_row_and_prompt(known: Benchmarks) -> None:
    with pytest.raises(Rejection, match=r"contaminated: exact 1\.00 ours:1 'Describe how a heat pump"):
        decontamination.check(known, LONG)


def test_no_benchmarks_find_nothing() -> None:
    assert decontamination.find_all(decontamination.index([]), ["any text"]) == [None]


def test_meaning_is_compared_by_vectors_of_the_caller(known: Benchmarks) -> None:
    prompts = np.eye(3, 4, dtype=np.float32)
    texts = np.array([[0, 1, 0, 0], [0, 0, 0, 1]], np.float32)

    found = decontamination.semantic(known, texts, prompts, 0.9)

    assert [match and match.prompt.row_id for match in found] == ["2", None]
    assert decontamination.semantic(known, texts, prompts, 1.01) == [None, None]


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Benchmarks:
    folder = request.getfixturevalue("shared") / "instructions"
    names = ("mt_bench", "ifeval", "alpaca_eval", "arena_hard_v01")
    rows = files.read({name: str(folder / f"bench_{name}.jsonl.gz") for name in names})
    return decontamination.index(Prompt(*row) for row in rows)


def lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.slow
@pytest.mark.shared
def test_planted_contamination_is_found_and_clean_rows_are_not(shared: Path, real: Benchmarks) -> None:
    rows = lines(shared / "instructions/contamination_planted.jsonl.gz")

    found = decontamination.find_all(real, [str(row["prompt"]) for row in rows])

    planted = [match is not None for match, row in zip(found, rows, strict=True) if row["contaminated"]]
    clean = [match is not None for match, row in zip(found, rows, strict=True) if not row["contaminated"]]
    assert sum(planted) >= 0.95 * len(planted)
    assert sum(planted) >= 0.99 * (sum(planted) + sum(clean))


@pytest.mark.shared
def test_natural_contamination_is_all_found(shared: Path, real: Benchmarks) -> None:
    for truth in lines(shared / "instructions/contamination_natural.jsonl.gz"):
        rows = lines(shared / "instructions" / str(truth["file"]))
        (row,) = (row for row in rows if str(row["id"]) == str(truth["id"]))
        text = "\n".join(str(row[key]) for key in ("prompt", "instruction", "input") if row.get(key))
        match = decontamination.find(real, text)
        assert match is not None, truth
        assert match.prompt.row_id in {*truth["exact"], *truth["ngram13"]}, truth  # pyright: ignore[reportGeneralTypeIssues]
