"""Tasks, exported: those with a certificate alone, each with a verifier that says elsewhere what it says here."""

import importlib.util
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests import certified_tasks, instruction_store, judge_runs
from tests.judges.test_certificate import LOOSE, model
from wellspring.tasks import exports, selections
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.site import browser, dashboard
from wellspring.tasks.site.since import Baseline
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching import marts

Start = Callable[[Settings], AbstractContextManager[Run]]
pytestmark = pytest.mark.usefixtures("unaudited")
CHOSEN = ("verdicts.required=[]", 'exports.formats=["messages", "tasks"]', 'exports.license="other"')


def export(run: Run) -> None:
    selections.select(run)
    instruction_store.publish(run, "selections")
    exports.export(run)
    exports.put_in_place(run)


def lines(folder: Path, form: str) -> list[dict[str, Any]]:
    files = sorted((folder / "exports" / "wellspring-dataset").glob(f"{form}/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def their_own(folder: Path) -> Any:
    """Import what the export brings along, from where it lies."""
    spec = importlib.util.spec_from_file_location("theirs", folder / "exports/wellspring-dataset/tasks/verify.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_exported_verifier_says_of_every_answer_in_the_store_what_it_said_here(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    found = certified_tasks.certify(settings, start, model(), certified_tasks.a_task(), *CHOSEN, after=export)

    [line], [said] = lines(store_dir, "tasks"), judge_runs.notes(found, "certificate")
    theirs = their_own(store_dir)
    assert len(said["answers"]) > 50
    for one in said["answers"]:
        assert theirs.verify(line["verifier"], one["text"]) is one["accepted"], one
    shown = json.loads(line["certificate"])
    assert (shown["solved"], shown["mutants"]) == (said["solved"], said["mutants"])
    assert "answers" not in shown
    assert (line["known"], line["reference"]) == ("12 metres", "Answer: 12 metres")
    assert len(lines(store_dir, "messages")) == 1


@pytest.mark.parametrize("is_judged", [True, False])
def test_a_task_without_a_certificate_is_in_no_form_and_the_reason_is_told(
    is_judged: bool,  # noqa: FBT001 - a case
    settings: Callable[..., Settings],
    start: Start,
    store_dir: Path,
) -> None:
    task, reasons = certified_tasks.a_task(verifier=LOOSE, right=[]), list[str]()

    def judged_or_not(run: Run) -> None:
        if not is_judged:
            run.store._connection.execute("DELETE FROM verdicts")
        export(run)
        rows = run.store._connection.execute("SELECT reason FROM rejections WHERE stage = 'selections'").fetchall()
        reasons.extend(reason for (reason,) in rows)

    certified_tasks.certify(settings, start, model(), task, *CHOSEN, after=judged_or_not)

    assert lines(store_dir, "tasks") == lines(store_dir, "messages") == []
    assert reasons == ["failed_certified" if is_judged else "unchecked_certified"]


def test_the_page_shows_outcomes_mutants_and_how_often_tasks_are_solved(
    settings: Callable[..., Settings], start: Start
) -> None:
    frames = list[pl.DataFrame]()

    def read(run: Run) -> None:
        instruction_store.publish(run, "verdicts", "notes")
        frames.extend(run.store.query(f"marts/{name}", run_id=None) for name in ("certificates", "passed_mutants"))

    certified_tasks.certify(settings, start, model(), certified_tasks.a_task(), *CHOSEN, after=read)

    rows = {(row["part"], row["kind"], row["name"]): (row["number"], row["whole"]) for row in frames[0].to_dicts()}
    assert rows["outcome", "amount", "certified"] == (1, 1)
    assert rows["mutants", "", "misleading"] == (2, 2)
    assert rows["solved", "strong", "100 %"] == rows["solved", "weak", "0 %"] == (1, 1)
    page = "".join(str(one) for one in dashboard.certificates(*frames))
    assert "certified" in page
    assert "misleading" in page
    assert "Tasks by how often solved: without the passage" in page
    assert [*dashboard.certificates(frames[0].clear(), frames[1])] == []


def test_the_page_shows_wrong_answers_that_passed_where_the_profile_shows_values(
    settings: Callable[..., Settings], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[pl.DataFrame]()

    def read(run: Run) -> None:
        instruction_store.publish(run, "verdicts", "notes")
        for shows in (True, False):
            monkeypatch.setattr(marts, "shows_values", lambda _, shows=shows: shows)
            frames = marts.read(run.store)
            found.append(frames["passed_mutants"])
            pages.append("".join(str(one) for one in dashboard.certificates(frames["certificates"], found[-1])))

    pages, task = list[str](), certified_tasks.a_task(verifier=LOOSE, right=[])
    certified_tasks.certify(settings, start, model(), task, *CHOSEN, after=read)

    assert found[0].select("kind", "mutant", "known").rows() == [("amount", "by rule", "12 metres")]
    assert found[0]["text"][0].startswith("mutants_passed: ")
    assert "Wrong answers that verifiers let pass" in pages[0]
    assert "12 metres" in pages[0]
    assert found[1]["text"].to_list() == found[1]["known"].to_list() == [""]
    assert "12 metres" not in pages[1]


def test_who_reads_a_task_sees_its_certificate_and_its_verifier(
    settings: Callable[..., Settings], start: Start
) -> None:
    rows, task = list[dict[str, Any]](), certified_tasks.a_task()

    def read(run: Run) -> None:
        export(run)
        browser.write(run.store, shows_values=True, since=Baseline("nothing", "", None), labels={})
        rows.extend(browser.first(run.store))

    certified_tasks.certify(settings, start, model(), task, *CHOSEN, after=read)

    said = json.loads(rows[0]["task"])
    assert (said["known"], said["verifier"], said["kind"]) == ("12 metres", task.verifier[-6000:], "amount")
    assert said["solved"] == {"closed": [0, 2], "strong": [3, 3], "weak": [0, 3]}
    assert said["mutants"]["misleading"] == [2, 2]
    assert said["passed"] == []
    assert rows[0]["trace"] == ""


def test_a_trace_of_tools_is_exported_in_the_chat_form(
    settings: Callable[..., Settings], start: Start, store_dir: Path
) -> None:
    tool = {"name": "depth", "description": "", "parameters": {"type": "object"}}
    call = {"id": "call_1", "type": "function", "function": {"name": "depth", "arguments": '{"of": "well"}'}}
    turns = [
        {"role": "assistant", "content": "", "thought": "I measure.", "tool_calls": [call]},
        {"role": "tool", "content": '{"metres": 12}', "tool_call_id": "call_1"},
    ]
    with start(settings('scores.judges=["certificate"]', *CHOSEN)) as run:
        [instruction] = judge_runs.fill(run, [["It is 12 metres deep."]])
        run.store._connection.execute("UPDATE instructions SET tools = ?", [json.dumps([tool])])
        data = json.dumps({"response_id": judge_runs.id_of(instruction, 0), "turns": turns})
        certified_tasks.keep_note(run, "trace", data)
        export(run)
        browser.write(run.store, shows_values=True, since=Baseline("nothing", "", None), labels={})
        assert json.loads(browser.first(run.store)[0]["trace"]) == turns

    [line] = lines(store_dir, "messages")
    assert [turn["role"] for turn in line["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert line["messages"][1] == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert line["messages"][2] == {"role": "tool", "content": '{"metres": 12}', "tool_call_id": "call_1"}
    assert json.loads(line["tools"]) == [{"type": "function", "function": tool}]
    table = pl.read_parquet(store_dir / "exports/wellspring-dataset/messages/train.parquet")
    assert table["messages"][0].to_list()[1]["tool_calls"] == [call]


def test_rewards_are_those_of_a_trainer() -> None:
    task = certified_tasks.a_task()
    turns = [[{"role": "assistant", "content": text}] for text in ("Answer: 12 m", "Answer: 13 m", "12 m")]

    assert verify.reward(turns, [task.verifier] * 3, prompts=[""] * 3) == [1.0, 0.0, 0.0]
    assert verify.reward(["Answer: 12 m"], ["def evaluate(response):\n    return missing"]) == [None]


def test_what_is_promised_of_the_sandbox_is_what_it_is_given() -> None:
    told = verifiable.SANDBOX

    assert told["engine"] == verify.ENGINE == f"pydantic-monty=={verify.monty.__version__}"
    assert (told["seconds"], told["memory_bytes"]) == (verify.SECONDS, verify.MEMORY_BYTES)
    assert (told["seconds"], told["recursion"]) == (verify._LIMITS["max_feed_duration_secs"], verify.RECURSION)
