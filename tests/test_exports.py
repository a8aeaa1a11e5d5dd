"""Exports: whole files in the forms that trainers read, byte for byte the same, each line traceable."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

import wellspring
from tests import instruction_store as store
from tests.exported import digests
from tests.scripted_model import scripted_model
from wellspring.flows import building as runs_of
from wellspring.flows.commands import building
from wellspring.tasks import exports, instructions, preferences, responses, scores, selections, verdicts
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.casting import NOT_FOR_TRAINING
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.stages import made_from
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.operations import estimating
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Counts, Run

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end

Start = Callable[[Settings], AbstractContextManager[Run]]
APART = 'verdicts.required=["not_refused", "not_truncated", "no_marks"]'
ALL = 'exports.formats=["messages", "sharegpt", "alpaca", "dpo", "kto", "reward_conditioned", "raw"]'
PAIRS = ("preferences.draws=3", "preferences.min_margin=0.25", "preferences.max_length_ratio=10")
NAME = "wellspring-dataset"


def curated(run: Run, count: int = 24, *, reverse: bool = False) -> Counts:
    """Run every stage from responses to exports on `count` instructions; the counts of the export."""
    store.fill(run, count, reverse=reverse)
    return again(run)


def again(run: Run) -> Counts:
    """Run every stage from responses to exports."""
    stages = {
        "responses": responses.respond,
        "verdicts": verdicts.check,
        "scores": scores.judge,
        "selections": selections.select,
        "preferences": preferences.pair,
    }
    for noun, stage in stages.items():
        stage(run)
        store.publish(run, noun)
    return written(run)


def written(run: Run) -> Counts:
    """Run the stage of exports alone: what it is made of is there."""
    counts = exports.export(run).counts
    store.publish(run, "exports")
    exports.put_in_place(run)
    return counts


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def both_sides(folder: Path) -> list[dict[str, Any]]:
    """The rows of a form, of train and of validation if it has one."""
    return [row for path in sorted(folder.glob("*.jsonl")) for row in lines(path)]


@pytest.fixture
def settings(settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """Settings under which the stand-in's answers, which are much alike, are compared with no other."""
    return lambda *overrides, **extra: settings(APART, *overrides, **extra)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in every form, with a validation split and its controls."""
    from wellspring.tasks.contracts import settings

    chosen = settings.load(
        None,
        [ALL, *PAIRS, APART, "exports.validation_share=0.3", "exports.with_controls=true", "selections.min_score=3"],
        {},
    )
    folder = tmp_path_factory.mktemp("full")
    with runs.start("test", chosen, folder / "ws", quiet=True) as run:
        curated(run, 48)
    return folder / "ws" / "exports" / NAME


def test_an_estimate_writes_no_dataset_that_would_be_the_same(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings()) as run:
        curated(run)
    taken: list[int] = []

    for chosen in (settings(), settings("exports.license=mit")):
        estimating.estimate(chosen, store_dir, lambda run: taken.append(exports.export(run).counts.rows_in))

    assert (taken[0], taken[1] > 0) == (0, True)


def test_the_second_run_writes_nothing_and_a_damaged_file_is_written_again(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings()) as run:
        first = curated(run)
    folder = store_dir / "exports" / NAME
    before = digests(folder)
    (folder / "manifest.sig").write_text("who signed it is no part of it")
    with start(settings()) as run:
        second = again(run)
        (folder / "messages" / "train.parquet").write_bytes(b"damaged")
        (folder / "left-behind.jsonl").write_text("{}")
        third = again(run)
        rows = run.store.query("exports/files").to_dicts()

    assert first.rows_out > 0
    assert second == Counts()
    assert third.rows_out == first.rows_out
    assert digests(folder) == before
    assert [row["rows_in_file"] for row in rows] == [first.rows_out]


def changed(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def edited_and_sealed_again(folder: Path) -> None:
    """As who changes a line and then lets the manifest say so."""
    lines, manifest = folder / "messages" / "train.jsonl", folder / "manifest.json"
    before = sha256(lines.read_bytes()).hexdigest()
    changed(lines, b"the", b"teh")
    changed(manifest, before.encode(), sha256(lines.read_bytes()).hexdigest().encode())


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "another licence": lambda folder: changed(folder / "manifest.json", b'"license": "', b'"license": "not '),
    "a space more": lambda folder: changed(folder / "manifest.json", b"{", b"{ "),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "half a manifest": lambda folder: (folder / "manifest.json").write_bytes(b'{"name": "x", "files": ['),
    "an empty manifest": lambda folder: (folder / "manifest.json").write_bytes(b""),
    "a list for a manifest": lambda folder: (folder / "manifest.json").write_bytes(b"[]"),
    "an edited line": lambda folder: changed(folder / "messages" / "train.jsonl", b"the", b"teh"),
    "an edited line that the manifest knows": edited_and_sealed_again,
    "no card": lambda folder: (folder / "README.md").unlink(),
    "an edited card": lambda folder: changed(folder / "README.md", b"stand-in", b"model"),
    "a file more": lambda folder: (folder / "messages" / "test.jsonl").write_bytes(b"{}"),
}


def test_whatever_is_changed_in_an_export_is_seen_and_written_anew(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    folder = store_dir / "exports" / NAME
    with start(settings()) as run:
        made = curated(run, 12)
        before = digests(folder)
        for name, damage in DAMAGE.items():
            damage(folder)
            assert written(run).rows_out == made.rows_out, name
            assert digests(folder) == before, name
            assert written(run) == Counts(), name


def test_an_export_of_a_store_that_did_not_note_its_manifest_is_written_once_more(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings()) as run:
        made = curated(run, 12)
        run.store._connection.execute("UPDATE exports SET manifest = ''")

        assert [again(run).rows_out, again(run).rows_out] == [made.rows_out, 0]


def test_going_back_to_former_settings_brings_the_former_bytes_back(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    folder = store_dir / "exports" / NAME
    with start(settings()) as run:
        curated(run, 12)
        before = digests(folder)
    with start(settings("selections.min_score=7", 'exports.formats=["alpaca"]')) as run:
        again(run)
        between = digests(folder)
    with start(settings()) as run:
        again(run)

    assert "alpaca/train.jsonl" in between
    assert digests(folder) == before


def test_exports_are_the_same_bytes_on_any_number_of_threads_and_in_any_order_of_rows(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    found = []
    for i, threads in enumerate((1, 2)):
        chosen = settings(ALL, *PAIRS, f"threads={threads}", "exports.validation_share=0.2")
        with runs.start("test", chosen, tmp_path / f"store{i}", quiet=True) as run:
            curated(run, 24, reverse=bool(i))
        found.append(digests(tmp_path / f"store{i}" / "exports" / NAME))

    assert len(found[0]) > 14
    assert found[0] == found[1]


def test_nothing_in_an_export_tells_when_where_or_in_which_run_it_was_written(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings(ALL, *PAIRS)) as run:
        curated(run)
        run_id = run.run_id
    texts = [path.read_bytes() for path in (store_dir / "exports").rglob("*") if path.is_file()]

    assert len(texts) >= 16
    assert not any(mark in text for text in texts for mark in (run_id.encode(), str(store_dir).encode(), b"/somewhere"))


def test_the_manifest_names_every_file_with_its_digest_and_rows(full: Path) -> None:
    manifest = json.loads((full / "manifest.json").read_text())

    named = {file["path"]: file["sha256"] for file in manifest["files"]}
    assert named == {path: digest for path, digest in digests(full).items() if path != "manifest.json"}
    assert {"README.md", "measures.json", "messages/train.jsonl", "messages/train.parquet"} <= set(named)
    jsonl = {file["path"]: file["rows"] for file in manifest["files"] if file["path"].endswith(".jsonl")}
    assert jsonl == {path: len(lines(full / path)) for path in jsonl}


def test_every_line_is_a_row_in_the_store_with_the_id_that_stands_in_it(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings(ALL, *PAIRS)) as run:
        curated(run)
        shown = [
            (row["path"], row["line"], row["row_id"], row["sha256"])
            for file in run.store.query("exports/files").to_dicts()
            for n in range(1, file["rows_in_file"] + 1)
            for row in run.store.query("lineage/line", path=file["path"], line=n).to_dicts()
        ]

    assert len(shown) > 100
    for path, line, row_id, digest in shown:
        assert lines(store_dir / path)[line - 1]["id"] == row_id
        assert sha256((store_dir / path).read_bytes()).hexdigest() == digest


def test_no_document_is_in_train_and_in_validation(full: Path) -> None:
    for form in ("messages", "sharegpt", "alpaca"):
        train = {row["url"] for row in lines(full / form / "train.jsonl") if row["url"]}
        validation = {row["url"] for row in lines(full / form / "validation.jsonl") if row["url"]}

        assert train
        assert validation
        assert not train & validation


def test_each_pair_has_two_different_answers_and_the_better_reward_is_chosen(full: Path) -> None:
    pairs, labels = (both_sides(full / form) for form in ("dpo", "kto"))

    assert len(pairs) > 5
    assert all(row["score_chosen"] - row["score_rejected"] >= 0.25 for row in pairs)
    assert all(row["chosen"] != row["rejected"] for row in pairs)
    assert len(labels) == 2 * len(pairs)
    assert sum(row["label"] for row in labels) == len(pairs)


def test_reward_conditioned_rows_ask_for_each_reward_once_and_choose_the_answer_that_has_it(full: Path) -> None:
    rows = lines(full / "reward_conditioned" / "train.jsonl")

    for better, worse in zip(rows[::2], rows[1::2], strict=True):
        assert (better["chosen"], better["rejected"]) == (worse["rejected"], worse["chosen"])
        assert f"{better['score_chosen']:g} of 10" in better["prompt"][0]["content"]
        assert f"{worse['score_chosen']:g} of 10" in worse["prompt"][0]["content"]
        assert worse["score_chosen"] < better["score_chosen"]


def test_raw_rows_hold_every_answer_with_all_that_was_said_of_it(full: Path) -> None:
    rows = both_sides(full / "raw")

    assert len(rows) == 48 * 4
    assert all({"not_refused", "not_truncated"} <= {v["name"] for v in row["verdicts"]} for row in rows)
    assert all("seven_criteria.total" in {s["name"] for s in row["scores"]} for row in rows)
    assert {row["way"] for row in rows} == {"answer", "answer_for_pairs"}


def test_the_card_says_that_the_stand_in_is_no_language_model_and_where_everything_came_from(full: Path) -> None:
    text = (full / "README.md").read_text()

    assert "Not written by a language model" in text
    assert "No benchmark was looked for" in text
    assert re.search(r"Only-IF .*: \d+ distinct instructions on \d+ topics", text)
    assert "CC0-1.0" in text
    assert "| generator |" not in text or "offline" in text
    for name in ("attributed_grounding", "knn_instruct", "seven_criteria", "response_quality"):
        assert f"| {name} |" in text


def test_the_datasets_library_loads_every_form_by_the_card_and_by_its_files(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()

    for form in ("messages", "sharegpt", "alpaca", "dpo", "kto", "reward_conditioned", "raw", "controls_random_0"):
        loaded = datasets.load_dataset(str(full), form, cache_dir=str(tmp_path / "cache"))
        folder = full / form.replace("controls_", "controls/")
        jsonl = datasets.load_dataset("json", data_files=str(folder / "train.jsonl"), cache_dir=str(tmp_path / "cache"))

        assert loaded["train"].num_rows == jsonl["train"].num_rows == len(lines(folder / "train.jsonl"))
        assert loaded["train"][0]["id"] == jsonl["train"][0]["id"] == lines(folder / "train.jsonl")[0]["id"]
        assert loaded["train"].column_names == jsonl["train"].column_names


def header(folder: Path) -> dict[str, Any]:
    """The header of a dataset's card."""
    return yaml.safe_load((folder / "README.md").read_text().split("\n---\n")[0].removeprefix("---\n"))


def licensed(run: Run, *found: str) -> None:
    """Let pages state these licences, one each, the lowest ids first."""
    change = (
        "UPDATE documents SET license = ? WHERE document_id = (SELECT document_id FROM documents ORDER BY 1 OFFSET {})"
    )
    for place, text in enumerate(found):
        run.store._connection.execute(change.format(f"{place} LIMIT 1"), [text])


def test_a_licence_that_promises_more_than_a_page_allows_is_refused_before_anything_is_written(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings("exports.license=cc0-1.0", **JUDGE)) as run:
        store.fill(run, 12)
        licensed(run, "CC-BY-4.0")
        with pytest.raises(BrokenError) as caught:
            again(run)
    refused = digests(store_dir / "exports")
    with start(settings("exports.license=CC BY 4.0", **JUDGE)) as run:
        again(run)
    named = header(store_dir / "exports" / NAME)["license"]
    with start(settings(**JUDGE)) as run:
        again(run)
    folder = store_dir / "exports" / NAME

    assert "`cc0-1.0` promises more" in caught.value.message
    assert "CC-BY-4.0, 1 of its documents" in caught.value.message
    assert "exports.license=cc-by-4.0" in caught.value.hint
    assert refused == {}
    assert named == "cc-by-4.0"
    assert header(folder)["license"] == json.loads((folder / "manifest.json").read_text())["license"] == "cc-by-4.0"


def test_licences_of_any_form_leave_the_header_whole_and_nothing_promised(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    odd = ["x\n---\nlicense: mit\n", "'\"]}: &a *b", "L" * 100_000, "\x00\x1b[31m\u202e<script>", "CC0-1.0"]
    with start(settings(**JUDGE)) as run:
        store.fill(run, 12)
        licensed(run, *odd)
        again(run)
    text = (store_dir / "exports" / NAME / "README.md").read_text()

    assert header(store_dir / "exports" / NAME)["license"] == "other"
    assert text.count("\n---\n") == 1
    assert "| x --- license: mit |" in text
    assert max(map(len, text.splitlines())) < 1_000
    assert not any(mark in text for mark in ("\x00", "\x1b", "\u202e", "<script"))


@pytest.mark.parametrize(
    ("stated", "named"), [("CC-BY-4.0", "cc-by-4.0"), ("CC0-1.0", "CC0-1.0"), ("all mine", "other")]
)
def test_a_row_is_under_the_licences_of_all_pages_that_it_came_from(
    settings: Callable[..., Settings], start: Start, store_dir: Path, stated: str, named: str
) -> None:
    drawn = "UPDATE {} SET {} WHERE {} = ?"
    pages = [content_id("document", subject) for subject in ("pumps", "bread")]
    with start(settings("exports.license=cc0-1.0", **JUDGE)) as run:
        store.fill(run, 2)
        run.store._connection.execute("DELETE FROM instructions WHERE document_id = ?", [pages[1]])
        run.store._connection.execute("UPDATE documents SET license = ? WHERE document_id = ?", [stated, pages[1]])
        run.store.append("notes", [records.Note("a note", "p", pages[1], "rubric", "[]", "c", run.run_id, ["a seed"])])
        run.store._connection.execute(
            drawn.format("instructions", "parent_ids = ['a note']", "document_id"), [pages[0]]
        )
        refused = None
        try:
            again(run)
        except BrokenError as error:
            refused = error
    with start(settings(**JUDGE)) as run:
        again(run)
    rows = lines(store_dir / "exports" / NAME / "messages" / "train.jsonl")

    assert (refused is None) == (stated == "CC0-1.0")
    assert [row["license"] for row in rows] == [named]


CANARY = "CANARY-OF-A-THOUGHT"
ANSWER = "Take the larger pump of {n}: it lifts 12 metres, uses 400 watts and needs a check valve in the pipe."
JUDGE = {"scores": {"judges": []}, "selections": {"min_score": 0}}


def thinking(body: dict[str, Any]) -> dict[str, Any]:
    """Answer any instruction after a thought, each in words of its own."""
    asked = body["messages"][-1]["content"]
    return {"content": ANSWER.format(n=len(asked)), "reasoning_content": f"{CANARY}: of {len(asked)} characters."}


def every_file(folder: Path) -> str:
    """The text of all files of a dataset, also of its Parquet ones."""
    import pyarrow.parquet as pq

    texts = [path.read_text() for path in folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    return "\n".join(texts + [str(pq.read_table(path).to_pylist()) for path in folder.rglob("*.parquet")])


def test_every_row_of_every_form_says_who_made_it_and_that_it_is_synthetic(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings(ALL, *PAIRS)) as run:
        store.fill(run, 24)
        store.written_by(run, "offline-extractive")
        again(run)
    folder = store_dir / "exports" / NAME
    forms = [folder / form for form in ("messages", "sharegpt", "alpaca", "dpo", "kto", "reward_conditioned", "raw")]
    who = {(row["model"], row["instruction_model"], row["synthetic"]) for form in forms for row in both_sides(form)}

    assert all(both_sides(form) for form in forms)
    assert who == {("offline-extractive", "offline-extractive", True)}


@pytest.mark.parametrize("wanted", [False, True])
def test_a_thought_is_kept_and_exported_only_where_the_profile_asks_for_it(
    settings: Callable[..., Settings],
    start: Start,
    store_dir: Path,
    wanted: bool,  # noqa: FBT001 - a parameter
) -> None:
    with scripted_model(thinking) as model:
        roles = {"responder": model.role("thinker"), "generator": model.role("writer")}
        with start(settings(ALL, f"exports.thoughts={str(wanted).lower()}", models=roles, **JUDGE)) as run:
            store.fill(run, 6)
            store.written_by(run, "writer")
            again(run)
            kept = run.store.query("responses/audience")["rows_valid"][0]
            with_thought = run.store._connection.execute(
                "SELECT count(*) FROM responses WHERE starts_with(thought, ?)", [CANARY]
            ).fetchone()
    folder = store_dir / "exports" / NAME
    rows = {form: both_sides(folder / form) for form in ("messages", "sharegpt", "alpaca", "raw")}

    assert with_thought == (kept,) == (6,)
    assert (CANARY in every_file(folder)) == wanted
    assert {row["messages"][-1].get("reasoning_content", "")[:19] for row in rows["messages"]} == {CANARY * wanted}
    for form, text in (("sharegpt", "conversations"), ("alpaca", "output")):
        inline = f"<think>\\n{CANARY}" if form == "sharegpt" else f"<think>\n{CANARY}"
        assert all((inline in str(row[text])) == wanted for row in rows[form])
    assert all(("thought" in row) == wanted for row in rows["raw"])


def real(body: dict[str, Any]) -> str:
    """Answer as a real model."""
    return ANSWER.format(n=len(body["messages"][-1]["content"]))


def test_an_export_of_a_real_models_rows_beside_the_stand_ins_is_refused_with_both_counts(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with (
        scripted_model(real) as model,
        start(settings(models={"responder": model.role("real-7b")}, **JUDGE)) as run,
    ):
        store.fill(run, 6)
        store.written_by(run, "offline-extractive")
        with pytest.raises(BrokenError) as caught:
            again(run)

    assert "6 instructions and answers are the stand-in's (`offline-extractive`)" in caught.value.message
    assert "6 instructions and answers a real model's" in caught.value.message
    assert "--store NEW" in caught.value.hint
    assert not (store_dir / "exports" / NAME).exists()


def test_the_stand_in_is_known_by_the_name_it_answers_under(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    counted = iter(range(100))

    def sometimes(body: dict[str, Any]) -> dict[str, Any]:
        served = "/srv/m/real-7b.gguf" if next(counted) % 3 else "offline-extractive"
        return {"content": real(body), "model": served}

    with (
        scripted_model(sometimes) as model,
        start(settings(models={"responder": model.role("gpt-4.1")}, **JUDGE)) as run,
    ):
        store.fill(run, 6)
        store.written_by(run, "gpt-4.1")
        with pytest.raises(BrokenError, match=r"2 instructions and answers are the stand-in's.* 10 instructions"):
            again(run)
    with start(settings(models={"responder": model.role("gpt-4.1")}, **JUDGE)) as run:
        run.store._connection.execute(
            "UPDATE completions SET served = '/srv/m/real-7b.gguf' WHERE served = 'offline-extractive'"
        )
        exports.export(run)
        exports.put_in_place(run)
    card = (store_dir / "exports" / NAME / "README.md").read_text()

    assert "| responder | gpt-4.1 | real-7b.gguf | 6 |" in card
    assert "/srv" not in every_file(store_dir / "exports" / NAME)


def test_an_export_that_asks_for_open_teachers_refuses_others_by_name(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    asked = ("exports.teachers=open",)
    told = {"exports": {"teachers": "open", "teacher_licenses": {"gpt-4.1": "apache-2.0"}}}
    with scripted_model(real) as model:
        roles = {"responder": model.role("gpt-4.1")}
        with start(settings(*asked, models=roles, **JUDGE)) as run:
            store.fill(run, 6)
            store.written_by(run, "Qwen3-8B")
            with pytest.raises(BrokenError) as caught:
                again(run)
        with start(settings(models=roles, **JUDGE, **told)) as run:
            exports.export(run)
            exports.put_in_place(run)
    card = (store_dir / "exports" / NAME / "README.md").read_text()

    assert "`gpt-4.1` (OpenAI terms; not for models that compete with the owner's; 6 rows)" in caught.value.message
    assert "Qwen3" not in caught.value.message
    assert "teacher_licenses" in caught.value.hint
    assert "| generator | Qwen3-8B |" in card
    assert card.count("| apache-2.0 | any use |") == 2


def test_facets_are_told_of_what_was_selected(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings(**JUDGE)) as run:
        store.fill(run, 6)
        again(run)
        of = [(row["response_id"], row["instruction_id"]) for row in exports._rows(run, "rows", exports.BEST)]
        run.store.append("methods", [records.MethodRow("scores", "h-1", "href", "{}", True, run.run_id)])
        marks = [
            records.Score(one, "h-1", "href", "total", 1.0, f"{kind}: alone", None, run.run_id)
            for (one, _), kind in zip(of, ["generate", "generate", "classify"], strict=False)
        ]
        run.store.append("scores", marks)
        data = '{"trains": ["helpful", "honest"], "against": ["harmless"]}'
        run.store.append("notes", [records.Note("n", "h-1", of[0][0], "aims", data, "c", run.run_id, [])])
        store.publish(run, "scores", "notes")
        told = {(row["facet"], row["value"]): row["rows"] for row in exports._facets(run)}

    assert told.pop(("turns", "one")) == len(of) >= 3
    assert sum(rows for (facet, _), rows in told.items() if facet == "page") == len(of)
    assert {key: rows for key, rows in told.items() if key[0] != "page"} == {
        ("kind of task", "generate"): 2,
        ("kind of task", "classify"): 1,
        ("aim that is trained", "helpful"): 1,
        ("aim that is trained", "honest"): 1,
        ("aim that is worked against", "harmless"): 1,
    }


def test_a_real_models_rows_that_the_stand_in_judged_are_not_exported(
    settings: Callable[..., Settings], start: Start
) -> None:
    with (
        scripted_model(real) as model,
        start(settings("selections.min_score=0", models={"responder": model.role("real-7b")})) as run,
    ):
        store.fill(run, 6)
        store.written_by(run, "real-7b")
        with pytest.raises(
            BrokenError, match=r"\d+ scores and verdicts are the stand-in's \(`offline-judge`\), 12 instr"
        ):
            again(run)


@pytest.mark.parametrize("is_chosen", [True, False])
def test_a_pair_with_an_answer_that_failed_a_required_check_is_exported_in_no_form(
    settings: Callable[..., Settings],
    start: Start,
    store_dir: Path,
    is_chosen: bool,  # noqa: FBT001 - a parameter
) -> None:
    folder = store_dir / "exports" / NAME
    with start(settings(ALL, *PAIRS)) as run:
        curated(run, 12)
        before = both_sides(folder / "dpo")
        marked = next(row["id"] for row in both_sides(folder / "kto") if row["label"] == is_chosen)
        run.store._connection.execute(
            "UPDATE verdicts SET passed = FALSE WHERE subject_id = ? AND check_name = 'no_marks'", [marked]
        )
        exports.export(run)
        exports.put_in_place(run)
    after = {row["id"] for form in ("dpo", "kto", "reward_conditioned") for row in both_sides(folder / form)}

    assert len(both_sides(folder / "dpo")) == len(before) - 1
    assert marked not in after


def test_a_better_answer_that_stands_in_two_pairs_leaves_no_row_unaccounted(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    with start(settings('exports.formats=["dpo"]', *PAIRS)) as run:
        store.fill(run, 6)
        stages = (responses.respond, verdicts.check, scores.judge, selections.select, preferences.pair)
        for noun, stage in zip(("responses", "verdicts", "scores", "selections", "preferences"), stages, strict=True):
            stage(run)
            store.publish(run, noun)
        run.store._connection.execute(
            "INSERT INTO preferences SELECT p.* REPLACE (r.response_id AS rejected_id) FROM preferences AS p"
            " INNER JOIN responses AS r USING (instruction_id) WHERE r.use = 'draw'"
            " AND r.response_id NOT IN (p.chosen_id, p.rejected_id)"
        )
        written(run)
        [counted] = run.store.query("exports/audit", run_id=run.run_id).to_dicts()

    better = [row["id"] for row in both_sides(store_dir / "exports" / NAME / "dpo")]
    assert len(better) > len({*better})
    assert counted["unaccounted"] == 0


def test_a_build_of_the_stand_ins_rows_says_so_in_its_last_line_and_one_of_a_real_model_does_not(
    settings: Callable[..., Settings], start: Start, store_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, told, shown_first = list[str](), list[bool](), list[bool]()
    with scripted_model(real) as model:
        for is_real in (True, False):
            roles = {"responder": model.role("real-7b")} if is_real else {}
            with start(settings(models=roles, **JUDGE), with_pages=True) as run:
                if is_real:
                    store.fill(run, 6)
                    store.written_by(run, "real-7b")
                    again(run)
                else:
                    responses.respond(run)
                    store.publish(run, "responses")
            page = (store_dir / "pages" / "index.html").read_text(encoding="utf-8")
            shown_first.append(NOT_FOR_TRAINING in page)
            for as_json in (False, True):
                building._say_build(wellspring.Built(store_dir, runs_of.facts(store_dir, 1.0)), as_json=as_json)
                shown = capsys.readouterr().out
                told += [json.loads(shown)["stand_in"]] if as_json else []
                said += [] if as_json else [shown.splitlines()[-1]]

    assert told == shown_first == [False, True]
    assert said[0] != NOT_FOR_TRAINING
    assert said[1] == NOT_FOR_TRAINING


SAID_AGAIN = (
    'instructions.recipes=["knn_instruct", "wrap"]',
    "instructions.with_responses=false",
    "recipes.wrap.styles_of_piece=4",
    'exports.formats=["rewrites"]',
)


def said_again(run: Run) -> None:
    """Have the pages of a small store said again."""
    store.fill(run, 6)
    instructions.synthesize(run)
    store.publish(run, "rewrites", "instructions")


def test_a_page_said_again_is_a_line_that_names_its_page_and_leaves_with_it(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    path = store_dir / "exports" / NAME / "rewrites" / "train.jsonl"
    with start(settings(*SAID_AGAIN)) as run:
        said_again(run)
        counts, found = written(run), lines(path)
        card = (path.parents[1] / "README.md").read_text(encoding="utf-8")
        trace = {node.id for node in lineage.trace(run.store, f"{path}:1").walk()}
        again = written(run)
    wellspring.forget(store_dir, domain="pumps.example")
    is_withdrawn = not path.exists()
    with start(settings(*SAID_AGAIN)) as run:
        written(run)

    assert counts.rows_out == len(found) > 6
    assert again == Counts()
    assert {row["style"] for row in found} == {"easy", "medium", "hard", "question_answer"}
    assert {(row["recipe"], row["license"], row["model"]) for row in found} == {
        ("wrap", "CC0-1.0", "offline-extractive")
    }
    assert {found[0]["id"], found[0]["document_id"]} <= trace
    assert all(shown in card for shown in ("offline-extractive", "sample", "- en\n"))
    assert is_withdrawn
    assert "https://pumps.example/page" in {row["url"] for row in found}
    assert {row["id"] for row in lines(path)} == {row["id"] for row in found if "pumps" not in row["url"]}


def test_a_page_said_again_is_held_to_its_licence_and_to_its_audit(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings(*SAID_AGAIN, "exports.license=CC0-1.0")) as run:
        said_again(run)
        exports.export(run)
        passed = run.store.query("exports/audit", run_id=run.run_id).to_dicts()[0]
        run.store._connection.execute("DELETE FROM publications WHERE noun = 'rewrites'")
        failed = run.store.query("exports/audit", run_id=run.run_id).to_dicts()[0]
        store.publish(run, "rewrites")
        run.store._connection.execute("UPDATE documents SET license = 'CC-BY-SA-4.0' WHERE title = 'Bees'")
        with pytest.raises(BrokenError, match="promises more"):
            exports.export(run)

    assert passed["rows_written"] == failed["unpublished"] > 0
    assert (passed["orphans"], passed["unpublished"]) == (0, 0)
    assert "rewrites" in made_from("exports")


def test_rows_weigh_and_stand_as_the_marks_say_and_trainers_are_told_where_they_are(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    of = {"judges": ["seven_criteria", "response_quality"]}
    of |= {"computed": ["instruct_mining", "curriculum", "camels", "faceted_rasch"]}
    knobs = {
        "curriculum": {"judge": "instruct_mining", "epochs": 2},
        "camels": {"mixture": {"knn_instruct": 3.0, "attributed_grounding": 1.0}},
    }
    chosen = {"formats": ["messages", "responses_only", "rewarded", "judged"], "order": "curriculum.place"}
    more = {"scores": of, "methods": knobs, "selections": {"min_score": 0}, "verdicts": {"required": []}}
    with start(settings(exports=chosen | {"weights": "camels.weight"}, **more)) as run:
        curated(run, 12)
        said = run.store._connection.execute(
            "SELECT responses.response_id, scores.criterion, scores.value FROM valid_scores AS scores "
            "INNER JOIN valid_responses AS responses ON scores.subject_id = responses.instruction_id "
            "WHERE scores.criterion IN ('weight', 'place')"
        ).fetchall()
    folder = store_dir / "exports" / NAME
    rows = lines(folder / "messages" / "train.jsonl")
    marks = {(one, name): value for one, name, value in said}

    assert len(rows) == 12
    assert {row["weight"] for row in rows} == {marks[row["id"], "weight"] for row in rows} == {0.375, 2.25}
    places = [marks.get((row["id"], "place"), 99) for row in rows]
    assert places == sorted(places)
    assert len({*places}) > 6
    assert [row["id"] for row in lines(folder / "responses_only" / "train.jsonl")] == [row["id"] for row in rows]
    assert {row["judge"] for row in lines(folder / "judged" / "train.jsonl")} >= {"response_quality"}
    assert all(row["reward"] is not None for row in lines(folder / "rewarded" / "train.jsonl"))
    assert f"{NAME}_messages_train" in json.loads((folder / "dataset_info.json").read_text())
    assert "path: messages/train.jsonl" in (folder / "axolotl.yaml").read_text()
    card = (folder / "README.md").read_text()
    [severities] = [line for line in card.splitlines() if line.startswith("| faceted_rasch | total |")]
    [weights] = [line for line in card.splitlines() if line.startswith("| camels | weight |")]
    assert re.search(r"seven_criteria [+-]\d\.\d\d \(infit \d\.\d\d\)", severities)
    assert weights.split(" | ")[2:5] == ["12", "0", "1"]  # all rows are taken, and weigh 1 on average


def test_a_manifest_says_which_rows_stand_together_each_once_and_of_all_groups(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    systems = '{"pumps.example" = "You know pumps.", "tides.example" = "You know the sea."}'
    asked = (f"responses.systems={systems}", "exports.validation_share=0.3", "selections.min_score=0")
    with start(settings(*asked, "exports.packed_tokens=400")) as run:
        curated(run)
        is_due_again = written(run).rows_out
        folder = store_dir / "exports" / NAME
        packing = json.loads((folder / "packing.json").read_text())
        rows = {side: lines(folder / "messages" / f"{side}.jsonl") for side in packing["sequences"]}
        card = (folder / "README.md").read_text()
    with start(settings(*asked)) as run:
        written(run)

    assert is_due_again == 0
    assert {*packing["sequences"]} == {"train", "validation"}
    assert {"", "You know pumps."} <= {*packing["groups"]} <= {"", "You know pumps.", "You know the sea."}
    for side, sequences in packing["sequences"].items():
        said = {row["id"]: row["messages"] for row in rows[side]}
        packed = [row for sequence in sequences for row in sequence["rows"]]
        assert sorted(row["id"] for row in packed) == sorted(said)
        for row in packed:
            turns = said[row["id"]]
            assert row["tokens"] == sum(count_tokens(turn["content"]) for turn in turns)
            assert packing["groups"][row["group"]] == (turns[0]["content"] if turns[0]["role"] == "system" else "")
        assert all(one["tokens"] == sum(row["tokens"] for row in one["rows"]) <= 400 for one in sequences)
    assert "sequences of 400 tokens" in " ".join(card.split())
    assert not (folder / "packing.json").exists()


def test_rows_are_not_kept_for_an_evaluation_set_that_is_not_written(
    start: Start, settings: Callable[..., Settings]
) -> None:
    with start(settings("exports.evaluation_share=0.2")) as run, pytest.raises(UsageError, match="evaluation_share"):
        exports.export(run)
