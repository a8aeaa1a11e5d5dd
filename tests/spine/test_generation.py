"""The loop of every prompted stage: rows in are rows out or refused, twice is once, a stop keeps what was answered."""

import collections
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_model import scripted_model
from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer, Call
from wellspring.tasks.contracts.errors import BrokenError, Rejection, TransientError
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.standin import fault_kinds, faults
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.writing.programs import Ask, How, Program
from wellspring.tasks.spine.writing.repairs import repair
from wellspring.tasks.spine.writing.runner import conduct

Start = Callable[[Settings], AbstractContextManager[Run]]
MakeSettings = Callable[..., Settings]


@pytest.fixture
def method() -> PromptedMethod:
    """A judge as it ships: seven marks, each with its argument."""
    return prompting.load("wellspring.tasks.judges", "seven_criteria")


def instruction(number: int, text: str = "") -> records.Instruction:
    said = text or f"Plan the flood wall of river {number}: costs, three risks, and who decides. Use {number} metres."
    return records.Instruction(
        f"i{number:05}", "writer", f"d{number}", "r", 0, 0, said, None, [], None, None, None, None, None, "c", "run"
    )


def fill(run: Run, rows: list[records.Instruction]) -> None:
    run.activate("instructions", {"writer": "r"})
    run.store.append("instructions", rows)
    run.store.execute("instructions/publish")


def score(
    run: Run,
    method: PromptedMethod,
    rows: Callable[..., Any] | None = None,
    draws: int = 1,
    on_failure: Callable[..., Any] | None = None,
) -> Counts:
    def marks(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Score]:
        return [
            records.Score(row["input_id"], "judge", "seven", name, value, "", answer.completion_id, run.run_id)
            for name, value in parsed["values"].items()
        ]

    async def body(row: Row, ask: Ask) -> None:
        how: How = {"role": "judge", "read": lambda parsed, answer: (rows or marks)(row, parsed, answer)}
        if on_failure is None:
            await ask.write("scores", draws, method, row, **how)
        else:
            await ask.judge("scores", lambda why: on_failure(row, why.reason, why.detail), method, row, **how)

    run.activate("scores", {"judge": "seven"})
    return conduct(run, Program("scores", method.name, "instructions", "judge", ("judge",), draws, body, draws))


def asking(server: faults.FaultServer, **role: Any) -> dict[str, Any]:
    where = [{"base_url": server.url, "max_concurrency": 16}]
    return {"models": {"judge": {"model": "m", "endpoints": where, "temperature": 0.0, **role}}}


def refused(run: Run) -> dict[str, str]:
    return {row["input_id"]: row["reason"] for row in run.store.query("rejections/all").to_dicts()}


@pytest.mark.slow
def test_rows_in_are_rows_out_and_twice_is_once(start: Start, settings: MakeSettings, method: PromptedMethod) -> None:
    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(700)])
        first = score(run, method)
        again = score(run, method)
        completions = run.store.count("completions/by_role", role="judge")
        scores = run.store.query("scores/unpublished")

    assert (first.rows_in, first.rows_out, first.rows_rejected, first.calls) == (700, 700, 0, 700)
    assert again == Counts()
    assert completions == server.counts["requests"] == 700
    assert len(scores) == 4900


def test_a_poison_row_is_a_rejection_with_its_reason_and_the_others_finish(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    poison = {3: "http_400", 5: "prose", 8: "refusal", 9: "context_length"}
    rows = [instruction(n, f"[[fault:{poison[n]}]] do it" if n in poison else "") for n in range(30)]

    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, rows)
        counts = score(run, method)
        reasons = refused(run)

    assert reasons == {
        "i00003": "bad_request", "i00005": "unparsable_answer", "i00008": "refusal", "i00009": "too_long",
    }  # fmt: skip
    assert counts.rows_in == counts.rows_out + counts.rows_rejected == 30


def test_an_answer_that_cannot_be_read_gets_one_repair(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    with faults.running("prose=0.5") as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(40)])
        counts = score(run, method)
        spoilt = server.counts["prose"]

    assert counts.rows_in == counts.rows_out + counts.rows_rejected == 40
    assert server.counts["requests"] == 40 + (spoilt - counts.rows_rejected)
    assert 0 < counts.rows_rejected < spoilt


@pytest.mark.parametrize("reason", ["placeholder", "no_substance"])
def test_an_answer_with_the_form_in_it_gets_one_repair(
    start: Start, settings: MakeSettings, method: PromptedMethod, reason: str
) -> None:
    asked: collections.Counter[str] = collections.Counter()

    def rows(row: Row, *_: Any) -> list[records.Score]:
        asked[row["input_id"]] += 1
        if asked[row["input_id"]] == 1 or row["input_id"] == "i00003":
            raise Rejection(reason, "`query` is the form's")
        return []

    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(5)])
        counts = score(run, method, rows=rows)

    assert (counts.rows_out, counts.rows_rejected, server.counts["requests"]) == (4, 1, 10)
    assert set(asked.values()) == {2}


ROOMS = {"judges": ("seven_criteria", "response_quality"), "recipes": ("keywords", "scene")}


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, names in ROOMS.items() for name in names])
def test_a_model_that_copied_the_form_is_told_the_keys_and_not_shown_it_again(room: str, name: str) -> None:
    shown = prompting.template(f"wellspring.tasks.{room}", name)
    form = shown.user[shown.user.rindex("This is its form") :]
    schema = prompting.load(f"wellspring.tasks.{room}", name).schema
    prompt = prompting.Prompt((prompting.Message("system", "S"), prompting.Message("user", shown.user)), schema)
    answer = Answer(Call("i", prompt), "c", form, "m", "stop", 1, 1, 0, 0.0, is_cached=False)

    asked = repair(answer, Rejection("placeholder", "it is the form's"), 512)

    last = asked.prompt.messages[-1]
    assert [message.role for message in asked.prompt.messages] == ["system", "user"]
    assert "<" not in last.content.replace("$", "")
    assert all(f"`{key}`" in last.content for key in (schema or {})["required"])
    assert asked.retry == 1


def test_an_answer_that_was_cut_off_gets_more_room(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    with faults.running("length=0.4") as server, start(settings(**asking(server, max_tokens=600))) as run:
        fill(run, [instruction(n) for n in range(20)])
        score(run, method)
        requests = run.store.query("completions/by_role", role="judge")["request"].to_list()

    asked = collections.Counter(json.loads(text)["max_tokens"] for text in requests)
    assert asked[600] == 20
    assert asked[1200] == server.counts["requests"] - 20 > 0


def test_a_better_parser_costs_nothing(start: Start, settings: MakeSettings, method: PromptedMethod) -> None:
    def none_is_good(*_: Any) -> list[Any]:
        raise Rejection("parser_has_a_bug")

    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(25)])
        score(run, method, rows=none_is_good)
        retrying._take_back(run, "scores", run.store.query("rejections/all"))
        counts = score(run, method)

    assert (counts.rows_out, counts.calls, counts.cached_calls) == (25, 0, 25)
    assert server.counts["requests"] == 25


def test_another_answer_is_asked_for_where_none_could_be_read(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    with faults.running("prose=0.6") as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(20)])
        first = score(run, method)
        anew = retrying.reopen(run, stage="scores", reason="unparsable_answer")
        second = score(run, method)
        loaded = run.store.query("completions/by_role", role="judge")

    assert anew == first.rows_rejected == second.rows_in > 0
    assert second.calls >= anew
    assert loaded["sequence"].max() == len(loaded) + anew


def test_what_was_refused_is_asked_again_on_request_and_nothing_else_is(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    rows = [instruction(n, f"[[fault:refusal]] do it {n}" if n in {1, 2} else "") for n in range(20)]

    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, rows)
        score(run, method)
        idle = score(run, method)
        due = retrying.reopen(run, reason="refusal")
        counts = score(run, method)

    assert idle == Counts()
    assert due == 2
    assert (counts.rows_in, counts.calls) == (2, 2)
    assert server.counts["requests"] == 22


def test_a_judge_that_fails_can_write_null(start: Start, settings: MakeSettings, method: PromptedMethod) -> None:
    def failed(row: Row, reason: str, detail: str) -> list[records.Score]:
        return [records.Score(row["input_id"], "judge", "seven", "total", None, f"{reason}: {detail}", None, "run")]

    with faults.running("http_400=0.5") as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(20)])
        counts = score(run, method, on_failure=failed)

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (20, 20, 0)
    assert server.counts["http_400"] > 0


def test_draws_are_settled_together(start: Start, settings: MakeSettings, method: PromptedMethod) -> None:
    seen: list[int] = []

    def first_only(row: Row, _: dict[str, Any], answer: Answer) -> list[records.Score]:
        seen.append(answer.call.draw)
        if answer.call.draw:
            raise Rejection("only_the_first")
        return [records.Score(row["input_id"], "judge", "seven", "a", 1.0, "", answer.completion_id, "run")]

    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(6)])
        counts = score(run, method, rows=first_only, draws=3)
        again = score(run, method, rows=first_only, draws=3)
        reasons = refused(run)

    assert sorted(set(seen)) == [0, 1, 2]
    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (18, 6, 12)
    assert again.rows_in == 0
    assert len(reasons) == 12
    assert server.counts["requests"] == 18


@pytest.mark.slow
def test_a_budget_that_is_used_up_keeps_what_was_answered(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    with faults.running() as server:
        with start(settings("budget.max_calls=12", **asking(server))) as run:
            fill(run, [instruction(n) for n in range(40)])
            with pytest.raises(TransientError, match="max_calls"):
                score(run, method)
            kept = run.store.query("scores/unpublished")["subject_id"].n_unique()
        with start(settings("budget.max_calls=1000", **asking(server))) as run:
            rest = score(run, method)

    assert kept == 12
    assert (rest.rows_out, rest.calls) == (28, 28)
    assert server.stats()["repeated"] == 0


_CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.spine import test_generation as tests
from wellspring.tasks.contracts import prompting, settings
from wellspring.tasks.spine.running import runs

where = {"base_url": sys.argv[1], "max_concurrency": 16}
extra = {"models": {"judge": {"model": "m", "endpoints": [where], "temperature": 0.0}}}
chosen = settings.load(None, (), environment={}, extra=extra)
with runs.start("test", chosen, Path(sys.argv[2]), quiet=True) as run:
    tests.fill(run, [tests.instruction(n) for n in range(1500)])
    print("begun", flush=True)
    tests.score(run, prompting.load("wellspring.tasks.judges", "seven_criteria"))
print("done", flush=True)
"""


def killed_until_done(url: str, store: Path, kills: int) -> int:
    """Score 1,500 instructions in a child that is killed so many times; returns the kills that hit."""
    chance, hit = random.Random(3), 0
    command = [sys.executable, "-c", _CHILD, url, str(store), str(Path(__file__).parents[2])]
    for turn in range(kills + 1):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        if turn < kills:
            threading.Event().wait(chance.uniform(0, 1.5))
            hit += child.poll() is None
            child.kill()
        else:
            assert child.stdout.read().strip() == "done"
        child.stdout.close()
        child.wait()
    return hit


def written(store: Path) -> list[tuple[Any, ...]]:
    with Store.read(store) as opened:
        rows = opened.query("scores/unpublished").drop("run_id")
        return sorted(rows.iter_rows())


@pytest.mark.slow
def test_killed_at_random_moments_it_writes_what_an_uninterrupted_run_writes(tmp_path: Path) -> None:
    with faults.running(latency_seconds=0.01) as calm:
        killed_until_done(calm.url, tmp_path / "calm", 0)
    with faults.running(latency_seconds=0.01) as server:
        hit = killed_until_done(server.url, tmp_path / "killed", 5)

    assert hit > 2
    assert server.counts["requests"] - 1500 <= hit * 16
    assert written(tmp_path / "killed") == written(tmp_path / "calm")


_FLOW = """
import sys
sys.path.insert(0, sys.argv[2])
from prefect import flow
from prefect.client.orchestration import get_client
from tests.spine import test_generation as tests
from wellspring.tasks.contracts import prompting, settings
from wellspring.tasks.spine.writing import reporting; from wellspring.tasks.spine.running import runs

@runs.stage("scores")
def judge(run):
    return tests.score(run, prompting.load("wellspring.tasks.judges", "seven_criteria"))

@flow
def synthesis():
    with runs.start("test", settings.load(None, environment={}), sys.argv[1], quiet=True) as run:
        tests.fill(run, [tests.instruction(n) for n in range(700)])
        judge(run)

if __name__ == "__main__":
    reporting.SHOWN_SECONDS = 0.0
    synthesis()
    with get_client(sync_client=True) as client:
        for artifact in client.read_artifacts():
            if artifact.type == "progress":
                print(artifact.key, artifact.data, artifact.description)
"""


@pytest.mark.slow
def test_progress_is_shown_in_prefect(store_dir: Path, tmp_path: Path) -> None:
    script = tmp_path / "flow.py"
    script.write_text(_FLOW, encoding="utf-8")
    environment = os.environ | {"PREFECT_HOME": str(tmp_path / "prefect")}
    command = [sys.executable, str(script), str(store_dir), str(Path(__file__).parents[2])]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=280)

    said = re.search(r"progress-scores 100 scores by seven_criteria: 700 of 700; +[\d,.]+ rows/s", done.stdout)
    assert said, done.stderr


def test_a_key_is_nowhere_in_what_a_run_leaves(
    start: Start, settings: MakeSettings, method: PromptedMethod, store_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    echo = fault_kinds.status(400, f"not with key {canary}", "invalid_request_error")
    monkeypatch.setitem(faults.FAULTS, "echo", echo)

    with faults.running(rates={"echo": 0.5}) as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(20)])
        score(run, method)
        said = list(refused(run).values())

    left = b"".join(path.read_bytes() for path in store_dir.rglob("*") if path.is_file())
    assert "bad_request" in said
    assert b"not with key ***" in left
    assert canary.encode() not in left


def test_what_is_no_rejection_stops_and_what_was_answered_is_there_next_time(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    def stops_after_five(*_: Any) -> Iterator[Any]:
        raise BrokenError("a bug in a noun")

    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(10)])
        with pytest.raises(BrokenError, match="a bug in a noun"):
            score(run, method, rows=stops_after_five)
        run.models.close()
        run._models = None
        counts = score(run, method)

    assert counts.rows_out == 10
    assert server.stats()["repeated"] == 0


def raising(numbers: set[int] | None = None) -> Callable[..., list[Any]]:
    """What to write for a row, by code that has a mistake: it raises on these rows, or on all."""

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Score]:
        if numbers is None or int(row["input_id"][1:]) in numbers:
            raise ValueError("a row that nobody thought of")
        return [
            records.Score(row["input_id"], "judge", "seven", name, value, "", answer.completion_id, "run")
            for name, value in parsed["values"].items()
        ]

    return rows


@pytest.mark.parametrize("writes_null", [False, True])
def test_an_exception_on_a_row_is_its_refusal_with_class_and_line_and_due_again_by_retry(
    start: Start, settings: MakeSettings, method: PromptedMethod, *, writes_null: bool
) -> None:
    more = {"on_failure": lambda *_: []} if writes_null else {}
    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(10)])
        first = score(run, method, rows=raising({0, 7}), **more)
        said = run.store.query("rejections/all").to_dicts()
        again = score(run, method, **more)
        taken = retrying.reopen(run)
        last = score(run, method, **more)

    assert (first.rows_in, first.rows_out, first.rows_rejected) == (10, 8, 2)
    assert {(row["input_id"], row["reason"]) for row in said} == {
        ("i00000", "method_error"),
        ("i00007", "method_error"),
    }
    assert all(
        re.match(r"ValueError at tests/spine/test_generation\.py:\d+: a row that", row["detail"]) for row in said
    )
    assert again == Counts()
    assert (taken, last.rows_out, last.calls) == (2, 2, 0)


@pytest.mark.parametrize("part", ["prompt", "parse", "rows"])
def test_where_every_row_ends_in_the_same_exception_the_run_stops_and_nothing_is_refused(
    start: Start, settings: MakeSettings, method: PromptedMethod, part: str
) -> None:
    def mistaken(*_: Any) -> Any:
        raise KeyError("page")

    broken = method if part == "rows" else replace(method, **{part: mistaken})
    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(5)])
        with pytest.raises(
            BrokenError, match=r"each of the 5 inputs of `scores`.*KeyError at tests/spine/test_generation\.py:\d+"
        ):
            score(run, broken, **({"rows": mistaken} if part == "rows" else {}))
        left = run.store.count("rejections/all")
        counts = score(run, method)

    assert left == 0
    assert (counts.rows_out, counts.rows_rejected) == (5, 0)


def test_what_fails_on_all_that_is_left_is_refused_where_the_method_has_written_rows(
    start: Start, settings: MakeSettings, method: PromptedMethod
) -> None:
    with faults.running() as server, start(settings(**asking(server))) as run:
        fill(run, [instruction(n) for n in range(6)])
        score(run, method, rows=raising({2, 4}))
        retrying.reopen(run)
        again = score(run, method, rows=raising({2, 4}))

    assert (again.rows_in, again.rows_rejected) == (2, 2)


HOSTILE = {
    "a mark of 401 digits": "1" * 401,
    "a mark of 5000 digits": "1" * 5000,
    "infinity by exponent": "1e400",
    "infinity": "-Infinity",
    "no number": "NaN",
    "true": "true",
    "a list": "[1]",
    "an object without end": "[" * 5000 + "]" * 5000,
    "deep": '{"score":' * 300 + "1" + "}" * 300,
    "null": "null",
}


@pytest.mark.parametrize("mark", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.slow
def test_a_mark_that_is_no_number_of_its_scale_is_refused_and_the_others_are_written(
    start: Start, settings: MakeSettings, method: PromptedMethod, mark: str
) -> None:
    names = list(method.schema["required"]) if method.schema else []

    def said(body: dict[str, Any]) -> str:
        marks = [
            f'"{n}": "Half a face: \\ud83d, and \\u0000."' if n.endswith("_analysis") else f'"{n}": 1' for n in names
        ]
        hostile = "river 3" in json.dumps(body["messages"])
        return "{" + ", ".join([*marks[:-1], f'"{names[-1]}": {mark}' if hostile else marks[-1]]) + "}"

    with scripted_model(said) as model, start(settings(models={"judge": model.role("m")})) as run:
        fill(run, [instruction(n) for n in range(6)])
        counts = score(run, method, rows=_with_reasons)
        reasons = refused(run)
        written = run.store.query("scores/unpublished")["reason"].to_list()

    assert counts.rows_out == 5
    assert set(reasons) == {"i00003"}
    assert reasons["i00003"] in {"incomplete_answer", "mark_out_of_range", "unparsable_answer"}
    assert set(written) == {"Half a face: \ufffd, and \ufffd."}


def _with_reasons(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Score]:
    return [
        records.Score(
            row["input_id"], "judge", "seven", name, value, parsed["reasons"][name], answer.completion_id, "r"
        )
        for name, value in parsed["values"].items()
    ]
