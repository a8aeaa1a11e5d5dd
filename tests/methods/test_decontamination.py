"""Benchmark prompts are found whole, in part and in disguise, and clean texts are left alone."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.benchmarks import make
from tests import made_texts
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.corpora import benchmarks as files
from wellspring.tasks.methods.pages import decontamination
from wellspring.tasks.methods.pages.decontamination import Benchmarks, Prompt

SHIPPED = Path(make.__file__).parent
SEALED = re.compile(r"#[0-9a-f]{16}[0-9]+(?: #[0-9a-f]{16}[0-9]+)*")
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
    match = decontamination.match_of(known, text)

    assert match is not None
    assert (match.kind, match.prompt.row_id) == (kind, row)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Say hello to the new neighbours, and describe the house.",
        "Why do dogs bark? Why do owls hoot?",
        pytest.param("A heat pump is a machine. " * 40, marks=pytest.mark.slow),
    ],
)
def test_a_clean_text_is_left_alone(known: Benchmarks, text: str) -> None:
    decontamination.check(known, text)


@pytest.fixture(scope="module")
def sealed() -> Benchmarks:
    return decontamination.index(Prompt(p.benchmark, p.row_id, decontamination.seal(p.text)) for p in PROMPTS)


@pytest.mark.parametrize(
    "text",
    [
        LONG.upper().replace(" ", "\u2009\n"),
        "hello",
        "Please help me. " + LONG + " Thank you very much!",
        "Intro. " * 300 + "why do cats purr? " + "Outro. " * 300,
        LONG.replace("power", "current").replace("two", "three").replace("heat pump", "pump heat"),
        LONG[:60],
        "",
        "Say hello to the new neighbours, and describe the house.",
        pytest.param("A heat pump is a machine. " * 40, marks=pytest.mark.slow),
        "Warum schnurren Katzen? \ufb01ne \u0130stanbul \ud800",
    ],
)
def test_a_sealed_prompt_is_found_as_its_text_is_and_nothing_of_it_is_shown(
    known: Benchmarks, sealed: Benchmarks, text: str
) -> None:
    by_text, by_hashes = decontamination.match_of(known, text), decontamination.match_of(sealed, text)

    assert (by_text and (by_text.kind, by_text.prompt.row_id, by_text.share)) == (
        by_hashes and (by_hashes.kind, by_hashes.prompt.row_id, by_hashes.share)
    )
    assert by_hashes is None or by_hashes.describe().endswith("'(sealed)'")
    assert not any(len(word) > 4 and word in "".join(p.text for p in sealed.prompts) for word in LONG.split())


@given(st.text(st.characters(), max_size=60))
def test_a_text_of_any_characters_is_found_by_its_seal(text: str) -> None:
    seal = decontamination.seal(text)
    found = decontamination.match_of(decontamination.index([Prompt("b", "1", seal)]), text)

    assert (found is not None and found.kind == "exact") == bool(seal)


def test_prompts_inside_documents_are_found_in_ten_languages_as_they_are_and_lightly_changed() -> None:
    found, planted, clean = Counter[str](), Counter[str](), 0
    for language in made_texts.LANGUAGES:
        known, documents = made_texts.planted(language, seed=1, count=5)
        benchmark = decontamination.index(Prompt(language, str(i), text) for i, text in enumerate(known))
        for document, match in zip(
            documents, decontamination.find_all(benchmark, [one.text for one in documents]), strict=True
        ):
            planted[document.change] += 1
            found[document.change] += match is not None and match.prompt.text == document.prompt
            clean += match is not None and document.prompt is None

    assert len(made_texts.LANGUAGES) == 10
    assert [name for name in made_texts.CHANGES if found[name] < 0.95 * planted[name]] == []
    assert clean <= 0.01 * found.total()


def test_a_prompt_of_thai_is_found_by_its_seal_and_by_its_first_half() -> None:
    (prompt, *_), _ = made_texts.prompts("th", 0, 2)
    sealed = decontamination.index([Prompt("b", "1", decontamination.seal(prompt))])

    found = decontamination.find_all(sealed, [f"เรื่องอื่น {prompt} เรื่องอื่น", prompt[:70], prompt[:12]])

    assert [match and match.kind for match in found] == ["ngram", "containment", None]


def test_only_prompts_whose_text_is_known_are_looked_for_by_meaning() -> None:
    both = decontamination.index([Prompt("b", "1", decontamination.seal(LONG)), *PROMPTS[1:3]])
    texts = np.eye(2, 3, dtype=np.float32)

    found = decontamination.semantic(both, texts, np.eye(2, 3, dtype=np.float32), 0.9)

    assert [prompt.row_id for prompt in decontamination.readable(both)] == ["2", "3"]
    assert [match and match.prompt.row_id for match in found] == ["2", "3"]


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


def shipped() -> Benchmarks:
    paths = {path.name.split(".")[0]: str(path) for path in sorted(SHIPPED.glob("*.jsonl.gz"))}
    return decontamination.index(Prompt(*row) for row in files.read(paths))


@pytest.mark.slow
@pytest.mark.shared
def test_the_benchmarks_that_ship_find_what_their_texts_find(shared: Path, real: Benchmarks) -> None:
    rows = lines(shared / "instructions/contamination_planted.jsonl.gz")
    texts = [str(row["prompt"]) for row in rows]

    by_text = decontamination.find_all(real, texts)
    by_hashes = decontamination.find_all(shipped(), texts)

    differ = [
        (row["kind"], one)
        for row, one, other in zip(rows, by_text, by_hashes, strict=True)
        if (one and (one.kind, one.prompt.row_id)) != (other and (other.kind, other.prompt.row_id))
    ]
    assert len(rows) == 640
    assert len(differ) <= 1  # letters of a misspelt word are not known
    assert all(kind == "typos_2_percent" for kind, _ in differ)
    assert not any(match for row, match in zip(rows, by_hashes, strict=True) if not row["contaminated"])


@pytest.mark.shared
@pytest.mark.parametrize("name", ["alpaca_eval", "arena_hard_v01", "ifeval", "mt_bench"])
def test_what_ships_is_made_of_the_benchmark_and_holds_no_word_of_it(shared: Path, name: str) -> None:
    there = gzip.decompress((SHIPPED / f"{name}.jsonl.gz").read_bytes()).decode()

    built = make.build(str(shared / f"instructions/bench_{name}.jsonl.gz"))

    assert gzip.decompress(built).decode() == there
    assert all(SEALED.fullmatch(json.loads(line)["prompt"]) for line in there.splitlines())
    assert (SHIPPED / f"{name}.jsonl.gz").stat().st_size < 2**18


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
        match = decontamination.match_of(real, text)
        assert match is not None, truth
        assert match.prompt.row_id in {*truth["exact"], *truth["ngram13"]}, truth  # pyright: ignore[reportGeneralTypeIssues]
