"""What a program is done with: the ledger of inputs and their calls, what reopens it, and when a program is broken."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.scripted_model import scripted_model
from tests.spine.test_generation import fill, instruction, refused
from tests.spine.test_runner import SAY, asking, run_program, said, score, side_by_side
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import BrokenError, Rejection, TransientError
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import MOST_TOKENS, Settings
from wellspring.tasks.methods.pages.tokens import MOST_CHARS
from wellspring.tasks.spine.operations import estimating, retrying
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.writing.programs import Ask, Program
from wellspring.tasks.spine.writing.runner import FIRST, LAST, conduct, due

Start = Callable[[Settings], AbstractContextManager[Run]]
MakeSettings = Callable[..., Settings]
pytestmark = pytest.mark.slow


def ledger(run: Run) -> list[dict[str, Any]]:
    return run.store.query("settled/unpublished").sort("input_id").to_dicts()


def drawn(run: Run, draws: int = 3) -> Counts:
    """Ask for draws of each input; the second of `i00002` is refused by its reader."""

    async def body(row: Row, ask: Ask) -> None:
        def read(parsed: dict[str, Any], answer: Answer) -> list[Any]:
            if parsed["text"] == "bad":
                raise Rejection("too_bad", f"draw {answer.call.draw}")
            return [score(row, parsed["text"], answer.call.draw)]

        await ask.write("scores", draws, SAY, {"said": row["input_id"]}, role="generator", read=read)

    run.activate("scores", {"print": "p"})
    return conduct(run, Program("scores", "p", "instructions", "print", ("generator",), draws, body, draws))


def test_each_call_has_a_place_that_does_not_depend_on_the_order_of_answers(
    start: Start, settings: MakeSettings
) -> None:
    with scripted_model(lambda body: f"of {said(body)[:20]}") as model, start(settings(**asking(model))) as run:
        run_program(run, side_by_side, inputs=3)
        settled, steps = ledger(run), run.store.query("steps/unpublished").sort("input_id", "place").to_dicts()
        validation.audit(run, "settled")
        validation.audit(run, "steps")

    assert [(row["stage"], row["calls"], row["made"], row["refused"]) for row in settled] == [("scores", 6, 3, 0)] * 3
    assert [(s["place"], s["role"]) for s in steps if s["input_id"] == "i00001"] == [
        (f"0.{branch}.{call}", role) for branch in range(3) for call, role in enumerate(("generator", "judge"))
    ]
    assert {step["heading"] for step in steps} == {"say"}


def test_due_is_settled_and_left_and_what_was_made_is_there_wherever_it_was_cut(
    start: Start, settings: MakeSettings
) -> None:
    with scripted_model(lambda body: "bad" if said(body) == "i00002" else "good") as model:
        with start(settings("budget.max_calls=20", **asking(model, 2))) as run:
            fill(run, [instruction(number) for number in range(12)])
            with pytest.raises(TransientError):
                drawn(run)
            done, left = ledger(run), due(run, "scores", "instructions", "print")
            rows, refusals = run.store.count("scores/unpublished"), run.store.count("rejections/all")
        with start(settings("budget.max_calls=99", **asking(model, 2))) as run:
            drawn(run)
            whole = ledger(run)

    assert len(done) + len(left) == 12 == len(whole)
    assert {row["input_id"] for row in done}.isdisjoint(left)
    assert sum(row["made"] for row in done) == rows
    assert sum(row["refused"] for row in done) == refusals
    assert sum(row["made"] + row["refused"] for row in whole) == 36 == len(model.asked)


def test_a_refused_draw_is_asked_again_alone_and_the_input_is_settled_anew(
    start: Start, settings: MakeSettings
) -> None:
    said_before = list[str]()

    def script(body: dict[str, Any]) -> str:
        said_before.append(said(body))
        return "bad" if said(body) == "i00002" and said_before.count("i00002") == 2 else "good"

    with scripted_model(script) as model, start(settings(**asking(model, 1))) as run:
        fill(run, [instruction(number) for number in range(4)])
        drawn(run)
        before, asked = refused(run), len(model.asked)
        retrying.reopen(run, stage="scores", reason="too_bad")
        counts = drawn(run)
        after = {row["input_id"]: (row["made"], row["refused"]) for row in ledger(run)}

    assert list(before.values()) == ["too_bad"]
    assert (counts.rows_in, counts.calls, len(model.asked) - asked) == (3, 1, 1)
    assert after == dict.fromkeys(after, (3, 0))


def test_a_program_that_makes_nothing_of_an_input_is_done_with_it(start: Start, settings: MakeSettings) -> None:
    async def looks_only(row: Row, ask: Ask) -> None:
        await ask(SAY, {"said": row["input_id"]}, role="generator")

    with scripted_model(lambda _: "yes") as model, start(settings(**asking(model))) as run:
        run_program(run, looks_only, inputs=5)
        again = run_program(run, looks_only, inputs=5)

    assert (len(model.asked), again) == (5, Counts())


def test_an_input_whose_page_was_overtaken_is_due_again_and_settled_once(start: Start, settings: MakeSettings) -> None:
    before = records.Settled("i00001", "print", "groundings", "earlier", 2, 1, 0, 1.0)  # and its grounding is gone
    with scripted_model(lambda _: "yes") as model, start(settings(**asking(model))) as run:
        run.store.append("settled", [before])
        counts = run_program(run, side_by_side, inputs=2)
        found = [(row["input_id"], row["stage"], row["calls"]) for row in ledger(run)]

    assert counts.rows_in == 2
    assert found == [("i00000", "scores", 6), ("i00001", "scores", 6)]


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_where_most_of_the_last_hundred_end_at_one_line_the_program_is_broken_and_refuses_none_of_them(
    start: Start, settings: MakeSettings, share: float
) -> None:
    inputs = LAST + 20

    async def body(row: Row, ask: Ask) -> None:
        said = await ask(SAY, {"said": row["input_id"]}, role="generator")
        number = int(row["input_id"][1:])
        if number >= FIRST and number % 10 < 10 * share:
            raise KeyError(said["text"])
        ask.make("scores", [score(row, "good")])

    with scripted_model(lambda _: "yes") as model, start(settings(**asking(model, 1))) as run:
        if share > 0.5:
            with pytest.raises(
                BrokenError, match=rf"of the last {LAST} inputs of `scores` ended in KeyError at tests/"
            ):
                run_program(run, body, inputs=inputs)
        else:
            run_program(run, body, inputs=inputs)
        reasons, left = refused(run), due(run, "scores", "instructions", "print")

    if share > 0.5:
        assert len(reasons) < inputs - LAST  # those of before the last hundred
        assert len(left) > LAST / 2
    else:
        assert (len(reasons), set(reasons.values()), left) == (44, {"method_error"}, [])


def test_a_program_asks_no_more_than_it_says(start: Start, settings: MakeSettings) -> None:
    async def greedy(row: Row, ask: Ask) -> None:
        for number in range(10 if row["input_id"] == "i00001" else 9):
            await ask(SAY, {"said": f"{row['input_id']} {number}"}, role="generator")

    with scripted_model(lambda _: "yes") as model, start(settings(**asking(model))) as run:
        run_program(run, greedy, inputs=3)
        reasons = run.store.query("rejections/all").to_dicts()

    assert [(row["input_id"], row["reason"]) for row in reasons] == [("i00001", "method_error")]
    assert "more than the 9 calls" in reasons[0]["detail"]
    assert len(model.asked) == 27


def test_an_estimate_goes_by_what_inputs_took_here_and_a_pilot_makes_some(
    start: Start, settings: MakeSettings, store_dir: Any
) -> None:
    async def asks_as_often_as_it_is_told(row: Row, ask: Ask) -> None:
        for number in range(4):
            told = await ask(SAY, {"said": f"{row['input_id']} {number}"}, role="generator")
            if told["text"] != "more":  # as the stand-in never says
                break

    @stage("scores")
    def judge(run: Run) -> Counts:
        run.activate("scores", {"print": "p"})
        of = ("scores", "p", "instructions", "print", ("generator",), 4)
        return conduct(run, Program(*of, asks_as_often_as_it_is_told))

    def build(run: Run) -> None:
        fill(run, [instruction(number) for number in range(40)])
        judge(run)

    with scripted_model(lambda body: "more" if said(body).endswith(("0", "1")) else "no") as model:
        chosen = settings(**asking(model))
        rehearsed = estimating.estimate(chosen, store_dir, build)
        with start(chosen) as run:
            run.pilot = 8
            build(run)
        found, sent = estimating.estimate(chosen, store_dir, build), len(model.asked)

    assert sent == 8 * 3
    assert rehearsed["calls"] == 40
    assert found["calls"] == pytest.approx(32 * 3, abs=1)


def test_the_most_that_a_prompt_takes_of_a_page_is_what_the_views_give() -> None:
    assert MOST_TOKENS * MOST_CHARS == 200_000  # as sql/inputs/answer_grounded.sql and responses.sql cut it
