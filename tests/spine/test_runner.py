"""The runner: many inputs at once, each in its own order, and nothing that depends on the order of answers."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_model import ScriptedModel, scripted_model
from tests.spine.test_generation import fill, instruction, refused
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import BrokenError, Rejection, TransientError
from wellspring.tasks.contracts.prompting import Message, Prompt, PromptedMethod, Row, Template
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.writing.programs import Ask, Body, Program
from wellspring.tasks.spine.writing.runner import conduct

Start = Callable[[Settings], AbstractContextManager[Run]]
MakeSettings = Callable[..., Settings]
SAY = PromptedMethod(
    "say",
    "ours",
    1,
    Template("", "$said", "digest"),
    None,
    lambda row, _: Prompt((Message("user", row["said"]),)),
    lambda _, text: {"text": text},
)


def asking(model: ScriptedModel, at_once: int = 8) -> dict[str, Any]:
    endpoints = [{"base_url": model.base_url, "key_env": "", "max_concurrency": at_once}]
    role = {"model": "m", "endpoints": endpoints, "temperature": 0.0}
    return {"models": {"generator": role, "responder": role, "judge": {**role, "model": "j"}}}


def run_program(run: Run, body: Body, inputs: int = 20, roles: Sequence[str] = ("generator", "judge")) -> Counts:
    fill(run, [instruction(number) for number in range(inputs)])
    run.activate("scores", {"print": "p"})
    program = Program("scores", "p", "instructions", "print", tuple(roles), 9, body)
    return conduct(run, program)


def score(row: Row, text: str, number: int = 0) -> records.Score:
    return records.Score(row["input_id"], "print", "p", f"c{number}", float(len(text)), text, None, "run")


def said(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


async def two_steps(row: Row, ask: Ask) -> None:
    first = await ask(SAY, {"said": f"first {row['input_id']}"}, role="generator")
    second = await ask(SAY, {"said": f"second {row['input_id']} {first['text']}"}, role="judge")
    ask.make("scores", [score(row, second["text"])])


async def side_by_side(row: Row, ask: Ask) -> None:
    async def branch(number: int) -> str:
        first = await ask(SAY, {"said": f"{row['input_id']} {number} a"}, role="generator")
        return (await ask(SAY, {"said": f"{row['input_id']} {number} b {first['text']}"}, role="judge"))["text"]

    found = await ask.each([branch(number) for number in range(3)])
    ask.make("scores", [score(row, text, number) for number, text in enumerate(found)])


def written(run: Run) -> list[Any]:
    rows = run.store.query("scores/unpublished").sort("subject_id", "criterion")
    return rows.drop("run_id").rows()


@pytest.mark.slow
def test_an_input_goes_on_while_another_still_waits(start: Start, settings: MakeSettings) -> None:
    others = threading.Event()

    def script(body: dict[str, Any]) -> str:
        if said(body) == "first i00000":
            assert others.wait(20), "nobody else went on to its second step"
        if said(body).startswith("second i00001"):
            others.set()
        return "yes"

    with scripted_model(script) as model, start(settings(**asking(model))) as run:
        counts = run_program(run, two_steps)

    assert (counts.rows_out, counts.calls) == (20, 40)


@pytest.mark.slow
@pytest.mark.parametrize("body", [two_steps, side_by_side], ids=["steps", "branches"])
def test_the_order_of_answers_changes_no_row(body: Body, settings: MakeSettings, tmp_path: Path) -> None:
    found = list[Any]()
    for chance in range(2):
        delays = random.Random(chance)

        def script(asked: dict[str, Any], delays: random.Random = delays) -> str:
            time.sleep(delays.random() / 50)
            return f"of {said(asked)}"

        store = tmp_path / str(chance)
        with scripted_model(script) as model, runs.start("test", settings(**asking(model)), store, quiet=True) as run:
            run_program(run, body)
            found.append(written(run))

    assert found[0] == found[1]
    assert len(found[0]) in {20, 60}


@pytest.mark.slow
def test_money_goes_deep_before_wide(start: Start, settings: MakeSettings) -> None:
    with scripted_model(lambda _: "yes") as model, start(settings("budget.max_calls=30", **asking(model, 2))) as run:
        with pytest.raises(TransientError, match="max_calls"):
            run_program(run, two_steps, inputs=60)
        done = len(written(run))
        first = sum(said(body).startswith("first") for body in model.asked)

    assert len(model.asked) == 30
    assert first - done <= 6  # twice as many as are out at once, and those in between
    assert done >= 12


@pytest.mark.slow
def test_what_was_cut_is_begun_again_and_nothing_is_asked_twice(start: Start, settings: MakeSettings) -> None:
    with scripted_model(lambda body: f"of {said(body)[:20]}") as model:
        with start(settings("budget.max_calls=25", **asking(model))) as run, pytest.raises(TransientError):
            run_program(run, side_by_side, inputs=12)
        with start(settings("budget.max_calls=1000", **asking(model))) as run:
            run_program(run, side_by_side, inputs=12)
            rows = written(run)

    asked = [said(body) for body in model.asked]
    assert len(asked) == len(set(asked)) == 72
    assert len(rows) == 36


@pytest.mark.slow
def test_what_is_looked_up_comes_together_and_for_the_right_input(start: Start, settings: MakeSettings) -> None:
    sizes = list[int]()

    def look(asked: Sequence[tuple[str, Any]]) -> list[Any]:
        sizes.append(len(asked))
        return [Rejection("none_there") if name == "i00003" else f"{name} {value}" for name, value in asked]

    async def body(row: Row, ask: Ask) -> None:
        first = await ask(SAY, {"said": row["input_id"]}, role="generator")
        ask.make("scores", [score(row, await ask.look(look, first["text"]))])

    with scripted_model(said) as model:
        with start(settings(**asking(model))) as run:
            counts = run_program(run, body, roles=["generator"])
            texts = {row["subject_id"]: row["reason"] for row in run.store.query("scores/unpublished").to_dicts()}
            reasons = refused(run)
        live = len(sizes)
        with start(settings(**asking(model))) as run:  # another method, and every answer from the journal
            program = Program("scores", "q", "instructions", "other", ("generator",), 9, body)
            run.activate("scores", {"other": "q"})
            conduct(run, program)

    assert (counts.rows_out, counts.rows_rejected) == (19, 1)
    assert texts["i00007"] == "i00007 i00007"
    assert reasons == {"i00003": "none_there"}
    assert live < 20
    assert sizes[live:] == [16, 4]  # as many as are open at once, and the rest


@pytest.mark.slow
def test_one_branch_that_is_refused_ends_the_input_and_a_tried_one_does_not(
    start: Start, settings: MakeSettings
) -> None:
    def read(parsed: dict[str, Any], answer: Answer) -> str:
        if parsed["text"] == "bad":
            raise Rejection("too_bad", "b")
        return f"{parsed['text']} {answer.model}"

    async def body(row: Row, ask: Ask) -> None:
        asked = [ask(SAY, {"said": f"{row['input_id']} {n}"}, role="generator", read=read) for n in range(3)]
        found = await (ask.tried(asked) if row["input_id"] == "i00001" else ask.each(asked))
        kept = [one for one in found if isinstance(one, str)]
        ask.make("scores", [score(row, text, number) for number, text in enumerate(kept)])

    with (
        scripted_model(lambda body: "bad" if said(body).endswith(" 1") else "good") as model,
        start(settings(**asking(model))) as run,
    ):
        run_program(run, body, inputs=2)
        rows, reasons = written(run), refused(run)

    assert [row[0] for row in rows] == ["i00001", "i00001"]
    assert reasons == {"i00000": "too_bad"}


@pytest.mark.slow
def test_an_exception_of_a_program_refuses_its_input_and_where_all_end_so_stops_the_run(
    start: Start, settings: MakeSettings
) -> None:
    async def body(row: Row, ask: Ask) -> None:
        first = await ask(SAY, {"said": row["input_id"]}, role="generator")
        if all_of_them or row["input_id"] == "i00004":
            raise KeyError(first["text"])
        ask.make("scores", [score(row, "good")])

    with scripted_model(lambda _: "yes") as model:
        all_of_them = False
        with start(settings(**asking(model))) as run:
            counts = run_program(run, body)
            reasons = refused(run)
        all_of_them = True
        with start(settings(**asking(model))) as run:
            run.activate("scores", {"other": "q"})
            program = Program("scores", "q", "instructions", "other", ("generator",), 9, body)
            with pytest.raises(BrokenError, match="each of the 5 inputs of `scores`"):
                conduct(run, program)
            again = refused(run)

    assert (counts.rows_out, counts.rows_rejected) == (19, 1)
    assert reasons == again == {"i00004": "method_error"}
