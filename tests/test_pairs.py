"""Pairs that lack a side, or whose sides answer instructions of their own; weights; forms of a user's own."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests import instruction_store, light, program_rows
from tests.program_rows import OTHER, TEXT, id_of
from tests.program_runs import of_program, run_program
from wellspring.tasks import exports
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.provenance import forgetting, lineage
from wellspring.tasks.spine.running import preflight, validation
from wellspring.tasks.spine.running.runs import Counts, Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmapped")]

Start = Callable[[Settings], AbstractContextManager[Run]]
MakeSettings = Callable[..., Settings]
FORMS = ("messages", "sharegpt", "alpaca", "dpo", "joint", "kto", "reward_conditioned", "raw")
PAIRS = (("good", "bad"), ("good", ""), ("", "worse"), ("good", "apart"))
OWN = """
import pyarrow as pa
VERSION = 1
OF = "pairs"
SCHEMA = pa.schema([("worse", pa.string())])

def lines(row):
    return [(row["rejected_id"], {"worse": row["rejected"]})] if row["rejected_id"] else []
"""


def lines(folder: Path, form: str) -> list[dict[str, Any]]:
    """The rows of a form; its Parquet file has as many."""
    path = folder / form / "train.jsonl"
    rows = [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
    assert not rows or pq.read_table(path.with_suffix(".parquet")).num_rows == len(rows)
    return rows


@pytest.fixture
def wanted(settings: MakeSettings, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of an export in all forms, and in one of a folder."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "worse_ones.py").write_text(OWN)

    def made(*more: str, forms: tuple[str, ...] = (*FORMS, "worse_ones")) -> Settings:
        mine = (f"exports.formats={json.dumps(forms)}", f"plugins={json.dumps([str(tmp_path / 'own')])}")
        return settings(*mine, "scores.judges=[]", 'verdicts.required=["not_refused"]', *more)

    return made


@pytest.fixture
def unmapped() -> Iterator[None]:
    """Draw no map and write no page: no line of a dataset is other for it."""
    with light.pageless():
        yield


def said(turns: list[dict[str, str]]) -> list[str]:
    return [turn["content"] for turn in turns]


def test_each_form_has_the_pairs_that_it_has_a_place_for_and_the_card_counts_the_rest(
    wanted: Callable[..., Settings], start: Start
) -> None:
    with start(wanted()) as run:
        instruction_store.fill(run, 6)
        folder = program_rows.exported(run, pairs=PAIRS)
        [counted] = run.store.query("exports/audit", run_id=run.run_id).to_dicts()
        again = exports.export(run).counts
    found = {form: lines(folder, form) for form in (*FORMS, "worse_ones")}
    card = (folder / "README.md").read_text(encoding="utf-8")

    assert [row["id"] for row in found["dpo"]] == [id_of("good")]
    assert {(row["id"], row["label"]) for row in found["kto"]} == {
        (id_of(one), one == "good") for one in ("good", "bad", "worse", "apart")
    }
    own = {row["id"]: said(row["prompt"])[-1] for row in found["kto"]}
    assert own == {id_of("good"): TEXT, id_of("bad"): TEXT, id_of("worse"): OTHER, id_of("apart"): OTHER}
    assert sorted((said(row["chosen"])[-2], said(row["rejected"])[-2]) for row in found["joint"]) == [
        (TEXT, TEXT),
        (TEXT, OTHER),
    ]
    assert {row["id"] for row in found["worse_ones"]} == {id_of(one) for one in ("bad", "worse", "apart")}
    assert found["reward_conditioned"] == []
    for form, rows in (("dpo", 3), ("joint", 2), ("reward_conditioned", 4), ("worse_ones", 1)):
        assert f"| {form} | {rows} | " in card
    assert "| kto | " not in card.partition("## Left out")[2]
    assert (counted["unaccounted"], counted["orphans"]) == (0, 0)
    assert again == Counts()
    assert len(found["kto"]) == 6


@pytest.mark.parametrize(("failing", "joint", "worse"), [("other", 1, 0), ("worse", 2, 1)])
def test_a_side_that_is_worse_may_fail_and_its_instruction_may_not(
    wanted: Callable[..., Settings], start: Start, failing: str, joint: int, worse: int
) -> None:
    with start(wanted()) as run:
        instruction_store.fill(run, 6)
        folder = program_rows.exported(run, pairs=PAIRS, failing=failing)

    assert len(lines(folder, "joint")) == joint
    assert [row["id"] for row in lines(folder, "kto")].count(id_of("worse")) == worse


def test_pairs_of_any_sides_pass_their_audit_and_leave_with_what_they_are_made_of(
    wanted: Callable[..., Settings], start: Start
) -> None:
    with start(wanted()) as run:
        instruction_store.fill(run, 6)
        folder = program_rows.exported(run, pairs=PAIRS)
        run.store._connection.execute("DELETE FROM publications WHERE noun = 'preferences'")
        validation.audit(run, "preferences")
        line = 1 + [row["id"] for row in lines(folder, "kto")].index(id_of("worse"))
        traced = {node.id for node in lineage.trace(run.store, f"{folder}/kto/train.jsonl:{line}").walk()}
        settled = _settled(run)
        run.store.execute("settled/forget", ids=[""])
        still = _settled(run)
        forgetting.forget(run.store, url="https://pumps.example/page")
        left = run.store._connection.execute(
            "SELECT chosen_id, rejected_id FROM preferences WHERE fingerprint = ?", [program_rows.PRINT]
        ).fetchall()
        exports.export(run)
        exports.put_in_place(run)
        after = lines(folder, "kto")

    assert {id_of("worse"), id_of("other"), id_of("rewrite"), program_rows.SEED} <= traced
    assert settled == still
    assert len(settled) > 1
    assert {*left} == {(id_of("good"), id_of("bad")), (id_of("good"), "")}
    assert {row["id"] for row in after} == {id_of("good"), id_of("bad")}


def test_the_page_of_a_worse_sides_own_instruction_counts_for_the_licence(
    wanted: Callable[..., Settings], start: Start
) -> None:
    with start(wanted("exports.license=CC0-1.0", forms=("joint",))) as run:
        instruction_store.fill(run, 6)
        run.store._connection.execute(
            "UPDATE documents SET license = 'CC-BY-SA-4.0' WHERE document_id = ?", [program_rows.DOCUMENT]
        )
        program_rows.fill(run, pairs=[("good", "apart")])
        run.store._connection.execute(
            "UPDATE instructions SET document_id = ? WHERE instruction_id = ?", [program_rows.DOCUMENT, id_of("other")]
        )
        with pytest.raises(BrokenError, match="promises more"):
            _exported_again(run)


def _settled(run: Run) -> list[tuple[str, ...]]:
    return run.store._connection.execute("SELECT input_id, fingerprint FROM settled ORDER BY ALL").fetchall()


def _exported_again(run: Run) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(program_rows, "fill", lambda *_, **__: None)
        program_rows.exported(run)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_weight_is_exported_with_all_rows_where_any_has_another_than_one(
    wanted: Callable[..., Settings], start: Start, weight: float
) -> None:
    with start(wanted("verdicts.required=[]")) as run:
        instruction_store.fill(run, 6)
        for row in run.store.query("rows/all", view="instructions").to_dicts():
            by = (program_rows.PRINT, row["instruction_id"], "m", 0, "By its arrow.", "stop", "c", run.run_id)
            run.store.append("responses", [records.Response(content_id("answer", row["instruction_id"]), *by)])
        folder = program_rows.exported(run, weight=weight)

    assert len(lines(folder, "messages")) == 7
    for form in FORMS:
        rows = lines(folder, form)
        weights = {row["id"]: row["weight"] for row in rows if "weight" in row}
        kept = pq.read_table(folder / form / "train.parquet").to_pylist() if rows else []
        assert {row["id"]: row["weight"] for row in kept if "weight" in row} == weights
        is_said = form in {"messages", "sharegpt", "alpaca"} and weight != 1
        assert weights == (
            {row["id"]: weight if row["id"] == id_of("good") else 1.0 for row in rows} if is_said else {}
        )


def test_the_datasets_library_reads_each_file(
    wanted: Callable[..., Settings], start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    with start(wanted()) as run:
        instruction_store.fill(run, 6)
        folder = program_rows.exported(run, pairs=PAIRS, weight=2.5)
    files = sorted(folder.rglob("train.*"))

    for file in files:
        kind = "parquet" if file.suffix == ".parquet" else "json"
        read = datasets.load_dataset(kind, data_files=str(file), cache_dir=str(tmp_path / "cache"))["train"]
        form = file.parent.name
        assert [row["id"] for row in read] == [row["id"] for row in lines(folder, form)]
        assert read.column_names == pq.read_schema(folder / form / "train.parquet").names
    loaded = datasets.load_dataset(str(folder), "worse_ones", cache_dir=str(tmp_path / "cache"))["train"]

    assert {file.parent.name for file in files} == {*FORMS, "worse_ones"} - {"reward_conditioned"}
    assert loaded.column_names == ["id", "worse"]


def test_a_raised_version_of_a_form_writes_the_dataset_anew_and_a_wrong_line_writes_nothing(
    wanted: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    def as_it_is_now(text: str) -> str:
        folder = tmp_path / f"own{len([*tmp_path.iterdir()])}"
        folder.mkdir()
        (folder / "worse_ones.py").write_text(text)
        return f"plugins={json.dumps([str(folder)])}"

    with start(wanted()) as run:
        instruction_store.fill(run, 6)
        folder = program_rows.exported(run)
    made = []
    for text in (OWN + "#", OWN.replace("VERSION = 1", "VERSION = 12"), OWN.replace('{"worse"', '{"worst"')):
        with start(wanted(as_it_is_now(text))) as run:
            if "worst" in text:
                before = (folder / "manifest.json").read_bytes()
                with pytest.raises(BrokenError, match="'worst' is not in its SCHEMA") as caught:
                    exports.export(run)
                assert f"of the row {id_of('told')}: " in caught.value.message
                assert (folder / "manifest.json").read_bytes() == before
            else:
                made.append(exports.export(run).counts.rows_out > 0)
                exports.put_in_place(run)

    assert made == [False, True]


@pytest.mark.parametrize("setting", ["formats", "also"])
def test_an_unknown_form_is_wrong_usage_before_anything_runs(
    wanted: Callable[..., Settings], tmp_path: Path, setting: str
) -> None:
    preflight.look(wanted(f'exports.{setting}=["worse_ones"]'), tmp_path / "ws", ["curation"])

    with pytest.raises(UsageError, match="there is no form `worse_one`") as caught:
        preflight.look(wanted(f'exports.{setting}=["worse_one"]'), tmp_path / "ws", ["curation"])

    assert "did you mean worse_ones" in caught.value.hint


def test_a_form_that_was_added_and_is_gone_says_how_to_drop_it(wanted: Callable[..., Settings], start: Start) -> None:
    with start(wanted('exports.also=["worse_ones"]', forms=("messages",))) as run:
        instruction_store.fill(run, 6)
        program_rows.exported(run)
    with start(wanted("plugins=[]", forms=("messages",))) as run, pytest.raises(UsageError) as caught:
        exports.export(run)
    with start(wanted("plugins=[]", "exports.added=drop", forms=("messages",))) as run:
        dropped = exports.export(run).counts

    assert "exports.added=drop" in caught.value.hint
    assert dropped.rows_out == 1


PAIRING = """
from wellspring.recipe import Answered, Text

SYSTEM, PAPER, VERSION = "Mine", "ours", 1
TAKES, MAKES, ROLES = "instructions", ("instructions", "responses", "preferences"), ("generator",)


class Question(Answered):
    question: str


def most_calls(knobs):
    return 9


async def program(row, ask):
    first, second = [
        ask.made.instruction(await ask("write", Question, text=f"{way} {row['text']}"), "question", weight=weight)
        for way, weight in (("Shortly,", 1.5), ("At length,", 1))
    ]
    answers = await ask.draws(2, "answer", Text, text=row["text"])
    good = ask.made.answer(answers[0], first)
    bad = ask.made.answer(answers[-1], first, use="rejected")
    apart = ask.made.answer(answers[0], second, use="rejected")
    if good.text != bad.text:
        ask.made.pair(good, bad, "rule")
    ask.made.pair(good, None, "rule", 0)
    ask.made.pair(None, apart, "negative", 2)
    ask.made.pair(good, apart, "verified")
    ask.made.pair(good, good, "rule")
"""
PROMPTS = """
# write
## user
$text
## examples
```json
{"question": "How should I go about $words when I have two days and little money for it?"}
```
```json
{"question": "What should I know of $words before I begin, and whom could I ask?"}
```
# answer
## user
$text
## examples
```text
One way is to begin with $words.
```
```text
Another way is to leave $words for the end.
```
"""


@pytest.mark.usefixtures("unaudited")
def test_a_program_makes_pairs_of_any_sides_and_instructions_with_weights(
    settings: MakeSettings, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pairing.py").write_text(PAIRING)
    (tmp_path / "own" / "pairing.md").write_text(PROMPTS)
    plugin = f"plugins={json.dumps([str(tmp_path / 'own')])}"

    made = run_program("pairing", start, settings(*of_program("pairing", plugin)))

    answers = {row["response_id"]: row["instruction_id"] for row in made["responses"]}
    pairs = [(one["chosen_id"], one["rejected_id"], one["kind"], one["margin"]) for one in made["preferences"]]
    assert sorted(row["weight"] for row in made["instructions"]) == [1.0] * 6 + [1.5] * 6
    assert sum(not rejected for _, rejected, kind, margin in pairs if (kind, margin) == ("rule", 0.0)) == 6
    assert sum(not chosen for chosen, _, kind, margin in pairs if (kind, margin) == ("negative", 2.0)) == 6
    joint = [(answers[chosen], answers[rejected]) for chosen, rejected, kind, _ in pairs if kind == "verified"]
    assert len(joint) == 6
    assert all(one != other for one, other in joint)
    for pair in made["preferences"]:
        assert pair["instruction_id"] == answers[pair["chosen_id"] or pair["rejected_id"]]
    assert [reason for _, reason in made.refused].count("same_text") == 6
