"""What a server can bear: one slot, short deadlines, cut prompts, loops; a row never pays for it."""

import collections
import json
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call
from wellspring.tasks.contracts.errors import Rejection, TransientError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.protocol.endpoints import START_CONCURRENCY
from wellspring.tasks.io.protocol.requests import RETRY_SEEDS, request_of
from wellspring.tasks.io.standin import quirks
from wellspring.tasks.spine.writing.repairs import repair

ROWS = 16
LONG = "The river carries sand and stones from the hills to the sea, and in spring it floods the meadows below. " * 120
TEXTS = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("scene", "task", "answer")},
    "required": ["scene", "task", "answer"],
    "additionalProperties": False,
}


def opened(folder: Path, url: str, **role: Any) -> Models:
    chosen = settings_.load(None, [f"models.base_url={url}"], environment={}, extra={"models": {"generator": role}})
    return Models(chosen, folder, "run")


def questions(count: int, text: str = "") -> list[Call]:
    return [Call(str(n), Prompt((Message("user", f"What of river {n}? {text}"),))) for n in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("tells", [(), ("llama_cpp",)], ids=["says nothing", "tells its slots"])
@pytest.mark.parametrize("deadline", [12, 3])
def test_one_slot_refuses_no_row_and_works_for_nobody(deadline: int, tells: tuple[str, ...], tmp_path: Path) -> None:
    seconds = 0.25
    with quirks.running(f"slots=1,seconds={seconds}", *tells) as server:
        with opened(tmp_path, server.url, total_seconds=deadline * seconds) as models:
            models.meet(["generator"])
            asked = server.stats()["requests"]
            ends = collections.Counter(type(outcome) for outcome in models.ask("generator", questions(ROWS)))
        counted = server.stats()

    assert ends == {Answer: ROWS}
    assert counted["requests"] - asked <= 1.1 * ROWS
    assert counted["worked_for_nobody"] <= 0.1 * ROWS


@pytest.mark.slow
def test_a_deadline_under_our_own_load_lowers_concurrency_and_is_no_rows(tmp_path: Path) -> None:
    with quirks.running("slots=1,seconds=0.3") as server, opened(tmp_path, server.url, total_seconds=0.5) as models:
        outcomes = list(models.ask("generator", questions(8)))
        limit = models.doors["generator"].servers[0].throttle.limit

    assert [type(outcome) for outcome in outcomes] == [Answer] * 8
    assert limit < START_CONCURRENCY


@pytest.mark.slow
def test_what_was_found_out_of_concurrency_is_where_the_next_run_starts(tmp_path: Path) -> None:
    with quirks.running("slow_all=0.02") as server:
        with opened(tmp_path, server.url) as models:
            models.meet(["generator"])
            assert models.active("generator").servers[0].throttle.limit == START_CONCURRENCY
            list(models.ask("generator", questions(200)))
            reached = models.active("generator").servers[0].throttle.limit
        with opened(tmp_path, server.url) as models:
            start = models.active("generator").servers[0].throttle.limit

    assert START_CONCURRENCY < reached == pytest.approx(start, abs=0.1)


def test_a_server_that_cuts_prompts_parks_the_run_and_the_setting_is_named(tmp_path: Path) -> None:
    with quirks.running("cuts_prompts=400") as server, opened(tmp_path, server.url) as models:
        models.meet(["generator"])
        short = list(models.ask("generator", questions(2)))

        with pytest.raises(TransientError, match="cut the prompt") as caught:
            list(models.ask("generator", questions(2, LONG)))
        rows = models.journal.select("SELECT count(*) FROM completions WHERE state = 'done'")[0][0]

    assert [type(outcome) for outcome in short] == [Answer] * 2
    assert "num_ctx" in caught.value.hint
    assert rows == 2


def test_a_prompt_of_other_tokens_than_english_is_not_taken_for_cut(tmp_path: Path) -> None:
    sparse = "internationalization characteristically " * 300  # few tokens for its letters
    with quirks.running("llama_cpp") as server, opened(tmp_path, server.url) as models:
        models.meet(["generator"])
        outcomes = list(models.ask("generator", questions(3, sparse)))

    assert [type(outcome) for outcome in outcomes] == [Answer] * 3


def _answer(text: str, finish: str) -> Answer:
    call = Call("1", Prompt((Message("user", "Tell me of mills."),), TEXTS, "told"))
    return Answer(call, "key", text, "m", finish, 10, 10, 0, 0.0, is_cached=False)


def test_a_repair_asks_by_another_seed_and_bounds_its_texts() -> None:
    role = settings_.load(None, [], environment={}).models.generator
    looped = _answer('{"scene": "' + "the mill by the mill " * 200, "length")
    first, again = looped.call, repair(looped, Rejection("malformed", "cut"), 600)
    sent, asked = request_of(role, first), request_of(role, again)
    texts = asked["response_format"]["json_schema"]["schema"]["properties"].values()

    assert asked["seed"] == sent["seed"] + RETRY_SEEDS
    assert asked["max_tokens"] == sent["max_tokens"]  # more room would only be filled
    assert all(text["maxLength"] for text in texts)
    assert "maxLength" not in json.dumps(sent)


def test_the_bounds_of_a_repair_fit_into_its_room() -> None:
    role = settings_.load(None, ["models.generator.max_tokens=512"], environment={}).models.generator
    texts = request_of(role, repair(_answer("nonsense", "stop"), Rejection("malformed", "no JSON"), 512))
    bounds = [text["maxLength"] for text in texts["response_format"]["json_schema"]["schema"]["properties"].values()]

    assert sum(bounds) <= 3 * 512


def test_an_answer_that_was_cut_off_and_is_no_loop_gets_more_room() -> None:
    told = "Millers ground wheat, rye and barley; each stone was dressed by hand with a steel pick, "
    again = repair(_answer('{"scene": "' + told, "length"), Rejection("malformed", "cut"), 600)

    assert again.max_tokens == 1200
