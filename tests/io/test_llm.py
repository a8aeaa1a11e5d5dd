"""The model door against a real HTTP server on loopback that does what real servers do wrong."""

import asyncio
import collections
import contextlib
import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.contracts.settings import Role, Settings
from wellspring.tasks.io.models import delivery
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.protocol import answers, requests
from wellspring.tasks.io.protocol.answers import Answered, Reply
from wellspring.tasks.io.protocol.requests import identity, request_of
from wellspring.tasks.io.standin import fault_kinds, faults

SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "mark": {"type": "integer", "minimum": 0, "maximum": 1}},
    "required": ["query", "mark"],
    "additionalProperties": False,
}


def call(number: int | str, *, schema: Any = None, draw: int = 0, text: str = "") -> Call:
    said = text or f"Tell me something about river number {number} and the water in it."
    return Call(str(number), Prompt((Message("system", "Answer."), Message("user", said)), schema), draw)


def chosen(*urls: str, overrides: tuple[str, ...] = (), **endpoint: Any) -> Settings:
    endpoints = [{"base_url": url, "max_concurrency": 32} | endpoint for url in urls]
    role = {"endpoints": endpoints, "total_seconds": 2.0, "first_byte_seconds": 1.5}
    return settings_.load(None, overrides, environment={}, extra={"models": {"generator": role, "embedder": role}})


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Settings], Models]]:
    """Open models on this test's store; those still open are closed at its end."""
    all_of_them: list[Models] = []

    def make(settings: Settings) -> Models:
        all_of_them.append(Models(settings, tmp_path, "run"))
        return all_of_them[-1]

    yield make
    for models in all_of_them:
        models.close()


def questions(models: Models) -> int:
    """How many short questions were asked, to tell a row's refusal from a server's."""
    return models.journal.select("SELECT count(*) FROM attempts WHERE outcome = 'probe'")[0][0]


def reasons(outcomes: list[Answer | Refused]) -> collections.Counter[str]:
    return collections.Counter(o.reason if isinstance(o, Refused) else "answered" for o in outcomes)


def test_an_answer_is_recorded_and_never_asked_for_again(opened: Callable[[Settings], Models]) -> None:
    with faults.running() as server:
        settings = chosen(server.url)
        first = opened(settings)
        fresh = list(first.ask("generator", map(call, range(40))))
        first.close()
        again = list(opened(settings).ask("generator", map(call, range(40))))

    texts = {a.call.input_id: a.text for a in fresh if isinstance(a, Answer)}
    assert server.counts["requests"] == 40
    assert {a.call.input_id: a.text for a in again if isinstance(a, Answer)} == texts
    assert [a.is_cached for a in fresh + again if isinstance(a, Answer)] == [False] * 40 + [True] * 40


def test_only_what_is_new_is_paid_when_rows_are_added_edited_and_reordered(
    opened: Callable[[Settings], Models],
) -> None:
    with faults.running() as server:
        models = opened(chosen(server.url))
        list(models.ask("generator", map(call, range(20))))
        edited = [call(n, text="Another text altogether." if n == 7 else "") for n in reversed(range(22))]
        list(models.ask("generator", edited))

    assert server.counts["requests"] == 20 + 3
    assert server.stats()["repeated"] == 0


def test_two_rows_that_ask_the_same_share_one_call_and_draws_do_not(opened: Callable[[Settings], Models]) -> None:
    same = [Call(f"row {n}", call(1).prompt, draw) for n, draw in itertools.product(range(5), range(3))]

    with faults.running(latency_seconds=0.1) as server:
        outcomes = list(opened(chosen(server.url)).ask("generator", same))

    assert server.counts["requests"] == 3
    assert sorted(o.call.input_id for o in outcomes) == sorted(c.input_id for c in same)


@pytest.mark.slow
def test_calls_are_taken_as_room_is_there(opened: Callable[[Settings], Models]) -> None:
    taken = itertools.count()

    def endless() -> Iterator[Call]:
        for number in range(100_000):
            next(taken)
            yield call(number)

    with faults.running() as server:
        said = opened(chosen(server.url)).ask("generator", endless())
        first = [next(said) for _ in range(10)]

    assert len(first) == 10
    assert next(taken) < 400


def test_identity_changes_with_what_is_asked_and_with_nothing_else() -> None:
    base = Role()
    role = base.model_copy(update={"attempts": 1, "total_seconds": 1.0, "mode": "batch", "structured": "text"})
    asked = call(1, schema=SCHEMA)

    changed = [
        identity(base.model_copy(update={"model": "other"}), asked),
        identity(base.model_copy(update={"temperature": 0.1}), asked),
        identity(base.model_copy(update={"top_p": 0.5}), asked),
        identity(base.model_copy(update={"max_tokens": 7}), asked),
        identity(base.model_copy(update={"seed": None}), asked),
        identity(base, call(2, schema=SCHEMA)),
        identity(base, call(1, schema=None)),
        identity(base, call(1, schema=SCHEMA, draw=1)),
        identity(base, Call("1", asked.prompt, max_tokens=9)),
        identity(base, Call("1", asked.prompt, stop=("\n",))),
        identity(base, Call("1", asked.prompt, temperature=0.9)),
    ]

    assert identity(role, Call("another input", asked.prompt)) == identity(base, asked)
    assert len({identity(base, asked), *changed}) == 1 + len(changed)


def test_identity_is_the_same_on_every_machine() -> None:
    assert identity(Role(), call(1, schema=SCHEMA)) == "0d79624b633d864d3af6"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(faults.FAULTS) - {"http_401", "quota", "hang", "drip", "drip_headers"}))
def test_each_fault_ends_as_an_answer_or_a_refusal_with_its_reason(
    name: str, opened: Callable[[Settings], Models]
) -> None:
    with faults.running(f"{name}=0.4", retry_after_seconds=0.05) as server:
        models = opened(chosen(server.url, overrides=("models.generator.attempts=9",)))
        outcomes = list(models.ask("generator", map(call, range(12))))

    assert server.counts[name] > 0
    assert len({o.call.input_id for o in outcomes}) == 12
    refused = reasons(outcomes)
    expected = {
        "http_400": "bad_request", "http_413": "too_long", "context_length": "too_long", "refusal": "refusal",
        "filtered_prompt": "content_filter", "content_filter": "content_filter",
    }  # fmt: skip
    assert set(refused) == {"answered", *([expected[name]] if name in expected else [])}
    assert set(refused) - {"answered"} <= set(answers.REASONS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hang", "drip", "drip_headers"])
def test_a_stuck_or_dripping_server_is_cut_off(name: str, opened: Callable[[Settings], Models]) -> None:
    with faults.running(f"{name}=0.3") as server:
        overrides = ("models.generator.total_seconds=1", "models.generator.attempts=12")
        models = opened(chosen(server.url, overrides=overrides))
        outcomes = list(models.ask("generator", map(call, range(15))))
        durations = models.journal.reader.execute("SELECT max(latency_seconds) FROM completions").fetchone()

    assert reasons(outcomes) == {"answered": 15}
    assert server.counts[name] > 0
    assert durations[0] < 1 + 1


def test_poison_rows_become_refusals_with_the_servers_words_and_all_others_finish(
    opened: Callable[[Settings], Models],
) -> None:
    poison = {3: "http_400", 5: "refusal", 7: "http_500", 9: "html", 11: "context_length", 13: "huge", 15: "gzip_bomb"}
    calls = [call(n, text=f"[[fault:{poison[n]}]]" if n in poison else "") for n in range(60)]

    with faults.running() as server:
        models = opened(chosen(server.url, overrides=("models.generator.attempts=2",)))
        outcomes = list(models.ask("generator", calls))

    refused = {int(o.call.input_id): o for o in outcomes if isinstance(o, Refused)}
    assert {number: o.reason for number, o in refused.items()} == {
        3: "bad_request", 5: "refusal", 7: "server_error", 9: "malformed_answer", 11: "too_long",
        13: "answer_too_large", 15: "encoded_answer",
    }  # fmt: skip
    assert "this prompt cannot be taken" in refused[3].detail
    assert "internal error" in refused[7].detail
    assert len(outcomes) == 60


def test_a_call_that_was_answered_between_its_look_up_and_its_turn_is_not_sent_again(
    opened: Callable[[Settings], Models],
) -> None:
    with faults.running() as server:
        models = opened(chosen(server.url))
        door, asking = models.active("generator"), delivery.Asking()

        def settle(name: str, looked: float) -> None:
            one = Call(name, call(1).prompt)
            key = identity(models.role("generator"), one)
            asyncio.run_coroutine_threadsafe(models._settle(door, key, one, asking, looked), models.loop).result()

        looked = time.monotonic()
        settle("first", looked)
        settle("second", looked)
        settle("later", time.monotonic())  # looked up after that, and no longer on record: a person asked anew
        sent = server.counts["requests"] - questions(models)

    found = [asking.done.get() for _ in range(3)]
    assert [(one.call.input_id, one.is_cached) for one in found] == [
        ("first", False),
        ("second", True),
        ("later", False),
    ]
    assert sent == 2


def test_refused_calls_are_not_sent_again_until_they_are_reopened(opened: Callable[[Settings], Models]) -> None:
    calls = [call(1, text="[[fault:http_400]]"), call(2, text="[[fault:refusal]]")]

    with faults.running() as server:
        models = opened(chosen(server.url))
        list(models.ask("generator", calls))
        list(models.ask("generator", calls))
        sent_before = server.counts["requests"] - questions(models)
        reopened = models.reopen("bad_request")
        list(models.ask("generator", calls))
        sent = server.counts["requests"] - questions(models)

    assert sent_before == 2
    assert len(reopened) == 1
    assert sent == 3


@pytest.mark.slow
def test_nothing_is_sent_before_retry_after_ends(opened: Callable[[Settings], Models]) -> None:
    with faults.running("http_429_retry_after=0.02,latency_seconds=0.02,retry_after_seconds=0.5") as server:
        strict = opened(chosen(server.url, retry_after="endpoint"))
        outcomes = list(strict.ask("generator", map(call, range(300))))

    assert server.counts["http_429_retry_after"] > 0
    assert server.counts["too_early"] == 0
    assert reasons(outcomes) == {"answered": 300}


def test_a_server_that_refuses_now_and_then_is_asked_by_all_other_calls_meanwhile(
    opened: Callable[[Settings], Models],
) -> None:
    with faults.running("http_429_retry_after=0.05,latency_seconds=0.02,retry_after_seconds=0.5") as server:
        models = opened(chosen(server.url, retry_after="auto"))
        outcomes = list(models.ask("generator", map(call, range(200))))

    assert reasons(outcomes) == {"answered": 200}
    assert server.counts["too_early"] > 0


def test_a_clock_that_jumps_changes_nothing(
    opened: Callable[[Settings], Models], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, jumps = time.time, itertools.cycle([0, 86_400, -86_400, 3600, -3600])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))

    with faults.running("http_429_retry_after=0.1,retry_after_seconds=0.05") as server:
        models = opened(chosen(server.url, requests_per_minute=12_000))
        outcomes = list(models.ask("generator", map(call, range(60))))
        took = models.journal.reader.execute("SELECT min(latency_seconds), max(latency_seconds) FROM completions")
        shortest, longest = took.fetchone()

    assert reasons(outcomes) == {"answered": 60}
    assert server.stats()["repeated"] == server.counts["http_429_retry_after"] > 0
    assert 0 < shortest <= longest < 60


def test_a_server_that_wants_peace_for_long_parks_the_run(opened: Callable[[Settings], Models]) -> None:
    with faults.running("http_429_retry_after=1.0,retry_after_seconds=3600") as server:
        models = opened(chosen(server.url))

        with pytest.raises(TransientError, match="3600 s"):
            list(models.ask("generator", map(call, range(5))))

    assert server.counts["too_early"] == 0


def test_a_server_that_only_refuses_for_its_rate_and_never_answers_parks_the_run(
    opened: Callable[[Settings], Models], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_SECONDS", 1.0)
    with faults.running("http_429=1.0") as server:
        models = opened(chosen(server.url))

        with pytest.raises(TransientError, match=r"answered nothing for \d+ s.*429"):
            list(models.ask("generator", map(call, range(5))))

    assert models.stats.sent == server.counts["requests"] > 2
    assert models.journal.reader.execute("SELECT count(*) FROM completions").fetchone() == (0,)


@pytest.mark.slow
def test_one_refusal_for_rate_in_twenty_costs_few_calls_more(opened: Callable[[Settings], Models]) -> None:
    with faults.running("http_429=0.05,latency_seconds=0.02") as server:
        models = opened(chosen(server.url))
        outcomes = list(models.ask("generator", map(call, range(400))))

    assert reasons(outcomes) == {"answered": 400}
    assert server.counts["http_429"] > 0
    assert server.counts["requests"] == models.stats.sent == 400 + models.stats.retries
    assert server.counts["requests"] < 500  # where the machine stalls, a call that was cut is sent again, too
    assert models.doors["generator"].servers[0].throttle.limit > 16


@pytest.mark.slow
def test_concurrency_falls_to_what_a_server_takes(opened: Callable[[Settings], Models]) -> None:
    with faults.running(latency_seconds=0.01, slots=4) as server:
        models = opened(chosen(server.url))
        outcomes = list(models.ask("generator", map(call, range(300))))

    assert reasons(outcomes) == {"answered": 300}
    assert models.doors["generator"].servers[0].throttle.limit < 12


def test_a_wrong_key_stops_the_run_and_is_nowhere_in_what_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("TEST_KEY", canary)
    said = fault_kinds.status(401, f"Incorrect API key provided: {canary}", "invalid_api_key")
    monkeypatch.setitem(faults.FAULTS, "http_401", said)

    with (
        faults.running("http_401=1.0") as server,
        Models(chosen(server.url, key_env="TEST_KEY"), tmp_path, "run") as models,
        pytest.raises(BrokenError, match=r"refused the key.*\*\*\*") as caught,
    ):
        list(models.ask("generator", map(call, range(3))))

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert canary.encode() not in written
    assert canary not in f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.__cause__!r}"


def test_the_servers_words_are_scrubbed_of_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "my-unlikely-looking-canary"
    monkeypatch.setenv("TEST_KEY", canary)
    echo = fault_kinds.status(400, f"cannot take this with key {canary} or sk-abcdefghijkl", "invalid_request_error")
    monkeypatch.setitem(faults.FAULTS, "echo", echo)

    with (
        faults.running() as server,
        Models(chosen(server.url, key_env="TEST_KEY"), tmp_path, "run") as models,
    ):
        outcomes = list(models.ask("generator", [call(1, text="[[fault:echo]]")]))

    assert isinstance(outcomes[0], Refused)
    assert outcomes[0].detail == "cannot take this with key *** or ***"
    assert canary.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_used_up_quota_parks_the_run(opened: Callable[[Settings], Models]) -> None:
    with faults.running("quota=1.0") as server:
        models = opened(chosen(server.url))

        with pytest.raises(TransientError, match="quota"):
            list(models.ask("generator", map(call, range(3))))


def test_a_server_that_is_not_there_parks_the_run(opened: Callable[[Settings], Models]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    models = opened(chosen(f"http://127.0.0.1:{port}/v1", overrides=("models.generator.attempts=2",)))

    with pytest.raises(TransientError, match="does not answer"):
        list(models.ask("generator", [call(1)]))


def test_rows_that_a_server_cannot_serve_are_refused_though_they_are_the_only_ones_left(
    opened: Callable[[Settings], Models],
) -> None:
    poison = [call(n, text=f"[[fault:http_500]] row {n}") for n in range(5)]
    with faults.running() as server:
        models = opened(chosen(server.url, overrides=("models.generator.attempts=2",)))
        list(models.ask("generator", [call("whole")]))
        outcomes = list(models.ask("generator", poison))

    assert reasons(outcomes) == {"server_error": 5}
    assert all("internal error" in o.detail for o in outcomes if isinstance(o, Refused))


def test_rows_are_not_refused_while_no_row_like_them_was_ever_answered(opened: Callable[[Settings], Models]) -> None:
    poison = [call(n, text=f"[[fault:http_400]] row {n}") for n in range(5)]
    with faults.running() as server:
        models = opened(chosen(server.url))
        with pytest.raises(TransientError, match="this prompt cannot be taken"):
            list(models.ask("generator", poison))

    assert models.journal.refused() == []


def test_the_same_rows_are_kept_for_later_while_the_server_answers_nobody(
    opened: Callable[[Settings], Models],
) -> None:
    with faults.running("http_500=1.0") as server:
        models = opened(chosen(server.url, overrides=("models.generator.attempts=2",)))
        with pytest.raises(TransientError, match="does not answer: HTTP 500: internal error"):
            list(models.ask("generator", map(call, range(5))))

    assert models.journal.refused() == []


@pytest.mark.slow
def test_a_server_that_restarts_is_waited_for(opened: Callable[[Settings], Models]) -> None:
    with faults.running() as first:
        models = opened(chosen(first.url, overrides=("models.generator.attempts=2",)))
        list(models.ask("generator", map(call, range(20))))
    ends: list[int] = []
    asking = threading.Thread(target=lambda: ends.append(len(list(models.ask("generator", map(call, range(20, 60)))))))
    asking.start()
    threading.Event().wait(1.5)

    with socket.create_server(("127.0.0.1", first.port)) as listening, faults.running(listening=listening) as second:
        asking.join(30)

    assert ends == [40]
    assert second.counts["requests"] == 40


def test_a_server_of_another_kind_is_named(opened: Callable[[Settings], Models]) -> None:
    with faults.running("html=1.0") as server:
        models = opened(chosen(server.url, overrides=("models.generator.attempts=2",)))

        with pytest.raises(BrokenError, match="does not speak the OpenAI protocol"):
            list(models.ask("generator", map(call, range(10))))


@pytest.mark.parametrize("form", ["json_object", "tool", "text"])
def test_structure_is_asked_for_in_the_form_a_server_knows_and_that_is_remembered(
    form: str, opened: Callable[[Settings], Models]
) -> None:
    calls = [call(n, schema=SCHEMA) for n in range(12)]

    with faults.running(structured=form) as server:
        settings = chosen(server.url)
        first = opened(settings)
        outcomes = list(first.ask("generator", calls))
        first.close()
        before = server.counts["requests"]
        list(opened(settings).ask("generator", [call(n, schema=SCHEMA) for n in range(12, 24)]))

    assert reasons(outcomes) == {"answered": 12}
    assert {frozenset(json.loads(o.text)) for o in outcomes if isinstance(o, Answer)} == {frozenset(SCHEMA["required"])}
    assert server.counts["requests"] == before + 12


def test_a_parameter_that_a_server_does_not_know_is_left_out_from_then_on(
    opened: Callable[[Settings], Models], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(_: faults.FaultServer, body: bytes) -> Any:
        if "max_tokens" in (asked := json.loads(body)):
            words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return faults.error_response(400, words, "unsupported_parameter", "max_tokens")
        return None if asked["max_completion_tokens"] == 2048 else faults.error_response(400, "where is it?", "lost")

    monkeypatch.setattr(faults.FaultServer, "_unsupported", unsupported)
    with faults.running() as server:
        outcomes = list(opened(chosen(server.url)).ask("generator", map(call, range(50))))

    assert reasons(outcomes) == {"answered": 50}
    assert server.counts["requests"] < 50 + 20


def test_a_second_endpoint_takes_over_when_the_first_breaks(opened: Callable[[Settings], Models]) -> None:
    with faults.running("reset=1.0") as broken, faults.running() as whole:
        models = opened(chosen(broken.url, whole.url))
        outcomes = list(models.ask("generator", map(call, range(80))))

    assert reasons(outcomes) == {"answered": 80}
    assert whole.counts["requests"] == 80
    assert broken.counts["requests"] < 60


@pytest.mark.slow
def test_endpoints_share_calls_by_weight(tmp_path: Path) -> None:
    with faults.running(latency_seconds=0.02) as heavy, faults.running(latency_seconds=0.02) as light:
        endpoints = [{"base_url": heavy.url, "weight": 3.0}, {"base_url": light.url, "weight": 1.0}]
        settings = settings_.load(None, (), environment={}, extra={"models": {"generator": {"endpoints": endpoints}}})
        with Models(settings, tmp_path, "run") as models:
            list(models.ask("generator", map(call, range(200))))

    assert 2 < heavy.counts["requests"] / light.counts["requests"] < 4


@pytest.mark.slow
def test_requests_a_minute_are_kept(opened: Callable[[Settings], Models]) -> None:
    with faults.running() as server:
        models = opened(chosen(server.url, requests_per_minute=1200))
        list(models.ask("generator", map(call, range(21))))

    span = server.arrivals[-1] - server.arrivals[0]
    assert span >= 20 / (1200 / 60) * 0.9


@pytest.mark.slow
def test_tokens_a_minute_are_kept(opened: Callable[[Settings], Models]) -> None:
    with faults.running() as server:
        models = opened(chosen(server.url, tokens_per_minute=60_000))
        outcomes = list(models.ask("generator", map(call, range(20))))

    used = sum(o.prompt_tokens + o.completion_tokens for o in outcomes[:-2] if isinstance(o, Answer))
    assert server.arrivals[-1] - server.arrivals[0] >= used / 1000 * 0.7


@pytest.mark.slow
def test_what_a_servers_headers_say_is_left_is_kept(opened: Callable[[Settings], Models]) -> None:
    with faults.running(window_requests=25, window_seconds=0.4, latency_seconds=0.01) as server:
        models = opened(chosen(server.url, max_concurrency=8))
        outcomes = list(models.ask("generator", map(call, range(150))))

    assert reasons(outcomes) == {"answered": 150}
    assert server.counts["over_window"] < 6 * 8


@pytest.mark.slow
def test_concurrency_stops_where_answers_only_get_slower(opened: Callable[[Settings], Models]) -> None:
    with faults.running(capacity=16, latency_seconds=0.08) as server:
        models = opened(chosen(server.url, max_concurrency=128))
        outcomes = list(models.ask("generator", map(call, range(800))))
        limit = models.doors["generator"].servers[0].throttle.limit

    assert reasons(outcomes) == {"answered": 800}
    assert limit < 100


@pytest.mark.slow
def test_each_endpoint_has_its_own_limit_and_the_rest_goes_elsewhere(tmp_path: Path) -> None:
    with faults.running() as narrow, faults.running(latency_seconds=0.2) as wide:
        endpoints = [{"base_url": narrow.url, "requests_per_minute": 1200}, {"base_url": wide.url}]
        extra = {"models": {"generator": {"endpoints": endpoints}}}
        with Models(settings_.load(None, (), environment={}, extra=extra), tmp_path, "run") as models:
            outcomes = list(models.ask("generator", map(call, range(400))))
    seconds = narrow.arrivals[-1] - narrow.arrivals[0]

    assert reasons(outcomes) == {"answered": 400}
    assert narrow.counts["requests"] + wide.counts["requests"] == 400
    assert 1 < narrow.counts["requests"] <= 2 + 20 * seconds


@pytest.mark.slow
def test_an_endpoint_that_refuses_for_its_rate_rests_while_another_one_works(tmp_path: Path) -> None:
    with faults.running("http_429_retry_after=1.0,retry_after_seconds=60") as full, faults.running() as free:
        extra = {"models": {"generator": {"endpoints": [{"base_url": full.url}, {"base_url": free.url}]}}}
        with Models(settings_.load(None, (), environment={}, extra=extra), tmp_path, "run") as models:
            outcomes = list(models.ask("generator", map(call, range(100))))

    assert reasons(outcomes) == {"answered": 100}
    assert full.counts["requests"] <= 16


def test_a_budget_in_usd_is_never_passed_and_raising_it_goes_on(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[models."offline-*"]\nprompt = 10.0\ncompletion = 100.0\n', encoding="utf-8")
    answered: set[str] = set()

    def run(cap: float) -> int:
        overrides = (f"budget.max_cost_usd={cap}", f"models.prices={prices}", "models.generator.max_tokens=64")
        with Models(chosen(server.url, overrides=overrides), tmp_path, "run") as models:
            with contextlib.suppress(TransientError):
                answered.update(o.call.input_id for o in models.ask("generator", map(call, range(60))))
            assert models.journal.ledger.spent_micro_usd <= round(cap * 1e6)
            return models.journal.ledger.spent_micro_usd

    with faults.running() as server:
        first = run(0.05)
        kept = len(answered)
        run(0.05)
        assert len(answered) - kept <= 1
        everything = run(10.0)

    assert 0 < first <= 50_000 < everything
    assert 0 < kept < 60
    assert len(answered) == 60
    assert server.stats()["repeated"] == 0


def test_a_budget_in_calls_stops_exactly_there_across_restarts(tmp_path: Path) -> None:
    with faults.running() as server:
        for _ in range(3):
            with (
                Models(chosen(server.url, overrides=("budget.max_calls=25",)), tmp_path, "run") as models,
                pytest.raises(TransientError, match="max_calls = 25"),
            ):
                list(models.ask("generator", map(call, range(60))))

    assert server.counts["requests"] == 25


def test_a_budget_needs_a_price(opened: Callable[[Settings], Models]) -> None:
    overrides = ("budget.max_cost_usd=1", "models.generator.model=nobody-knows")
    models = opened(chosen("http://127.0.0.1:9/v1", overrides=overrides))

    with pytest.raises(UsageError, match="nobody-knows"):
        list(models.ask("generator", [call(1)]))


def test_replay_answers_from_the_record_and_sends_nothing(tmp_path: Path) -> None:
    with faults.running() as server, Models(chosen(server.url), tmp_path, "run") as models:
        fresh = {o.call.input_id: o.completion_id for o in models.ask("generator", map(call, range(10)))}
        models.embed(["a river"])
    nowhere = chosen("http://127.0.0.1:9/v1", overrides=("replay=true",))

    with Models(nowhere, tmp_path, "again") as models:
        replayed = {o.call.input_id: o.completion_id for o in models.ask("generator", map(call, range(10)))}
        vectors = models.embed(["a river"])
        with pytest.raises(BrokenError, match="not recorded"):
            list(models.ask("generator", [call(11)]))

    assert replayed == fresh
    assert vectors.shape == (1, 256)


def test_vectors_are_paid_once_for_each_text(opened: Callable[[Settings], Models]) -> None:
    texts = [f"text number {n % 300} about rivers" for n in range(400)]

    with faults.running() as server:
        models = opened(chosen(server.url))
        first = models.embed(texts)
        sent = server.counts["requests"]
        second = models.embed(texts[::-1])

    assert first.dtype == np.float32
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert np.array_equal(first, second[::-1])
    assert server.counts["requests"] == sent == 3


def test_a_text_that_cannot_be_embedded_says_so(opened: Callable[[Settings], Models]) -> None:
    with faults.running("http_400=1.0") as server:
        models = opened(chosen(server.url))

        with pytest.raises(BrokenError, match="refused to embed"):
            models.embed(["a", "b"])


def test_completions_are_handed_over_from_where_one_was(opened: Callable[[Settings], Models]) -> None:
    with faults.running() as server:
        models = opened(chosen(server.url))
        list(models.ask("generator", map(call, range(7))))
        list(models.ask("generator", [call(8, text="[[fault:http_400]]")]))
        first, watermark = models.completions_after(0, limit=5)
        second, end = models.completions_after(watermark)
        third, _ = models.completions_after(end)

    assert (first.num_rows, second.num_rows, third.num_rows) == (5, 3, 0)
    assert second.column("finish_reason").to_pylist()[-1] == "bad_request"
    assert json.loads(first.column("request")[0].as_py())["messages"][0]["content"] == "Answer."


def test_a_second_process_is_told_who_asks(tmp_path: Path) -> None:
    who = f"process {os.getpid()}.*the-first-run"

    with Models(Settings(), tmp_path, "the-first-run"), pytest.raises(TransientError, match=who):
        Models(Settings(), tmp_path, "second")


def test_an_unknown_role_is_refused(opened: Callable[[Settings], Models]) -> None:
    with pytest.raises(UsageError, match="no role `poet`"):
        list(opened(Settings()).ask("poet", [call(1)]))


@pytest.mark.slow
def test_a_mixture_of_faults_leaves_no_row_without_an_end(opened: Callable[[Settings], Models]) -> None:
    with faults.running("mixed") as server:
        models = opened(chosen(server.url))
        outcomes = list(models.ask("generator", map(call, range(300))))

    assert len({o.call.input_id for o in outcomes}) == 300
    assert set(reasons(outcomes)) <= {"answered", *answers.REASONS}
    assert server.counts["requests"] <= 1.6 * 300


def test_closing_in_the_middle_keeps_what_was_sent(tmp_path: Path) -> None:
    with faults.running(latency_seconds=0.1) as server:
        with Models(chosen(server.url), tmp_path, "run") as models:
            next(models.ask("generator", map(call, range(1000))))
        sent = server.counts["requests"]
        with Models(chosen(server.url), tmp_path, "run") as models:
            open_attempts = models.journal.reader.execute("SELECT count(*) FROM attempts WHERE outcome = 'unknown'")
            assert open_attempts.fetchone()[0] == 0
            recorded = models.completions_after(0)[0].num_rows

    assert recorded == sent


def test_every_spoilt_body_is_judged_without_an_error() -> None:
    good = json.dumps(
        {"model": "m", "choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}], "usage": None}
    ).encode()

    @given(st.integers(0, len(good) - 1), st.binary(max_size=4), st.integers(0, 8))
    def spoilt(at: int, put: bytes, cut: int) -> None:
        body = good[:at] + put + good[at + cut :]
        verdict = answers.verdict_of(Reply(200, {}, body), {})

        assert type(verdict).__name__ in {"Answered", "Again", "Refusal"}

    spoilt()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from(["choices", "message", "content", "usage", "error", "finish_reason", "refusal", "tool_calls"]), s, max_size=4), max_leaves=12))  # fmt: skip # noqa: E501 - one recursive shape
def test_every_json_value_is_judged_without_an_error(value: Any) -> None:
    verdict = answers.verdict_of(Reply(200, {}, json.dumps(value).encode()), {})

    assert not isinstance(verdict, Answered) or verdict.text


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "120", "retry-after": "9"}, 0.12),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:30 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_each_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert answers.retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), ("1h2m", 3720.0), ("x", None), ("1s!", None)]
)
def test_spans_of_time_are_read(text: str, seconds: float | None) -> None:
    assert answers.seconds_of(text) == seconds


def test_headers_that_say_nothing_is_left_are_honoured() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "9s",
    }  # fmt: skip

    assert answers.exhausted_for(headers) == 2.0


def test_credible_counts_only_are_taken() -> None:
    def usage(**counts: Any) -> Answered:
        body = {"choices": [{"message": {"content": "x"}}], "usage": counts}
        verdict = answers.verdict_of(Reply(200, {}, json.dumps(body).encode()), {})
        assert isinstance(verdict, Answered)
        return verdict

    good = usage(prompt_tokens=10, completion_tokens=2, prompt_tokens_details={"cached_tokens": 99})
    assert (good.prompt_tokens, good.completion_tokens, good.cached_tokens, good.is_counted) == (10, 2, 10, True)
    assert not usage(prompt_tokens=-1, completion_tokens=2).is_counted
    assert not usage(prompt_tokens=True, completion_tokens=2).is_counted
    assert not usage(prompt_tokens=10**12, completion_tokens=2).is_counted


def test_requests_keep_their_stable_part_first() -> None:
    first, second = (json.dumps(request_of(Role(), call(n, schema=SCHEMA))["messages"]) for n in (1, 2))

    common = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert common > first.index("river number")


def test_only_closed_schemas_are_asked_for_strictly() -> None:
    assert requests.is_strict(SCHEMA)
    assert not requests.is_strict(SCHEMA | {"required": ["query"]})
    assert not requests.is_strict({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}})


@pytest.mark.slow
def test_many_threads_may_ask_at_once(opened: Callable[[Settings], Models]) -> None:
    found: list[int] = []

    with faults.running() as server:
        models = opened(chosen(server.url))

        def ask(part: int) -> None:
            found.append(len(list(models.ask("generator", (call(f"{part}-{n}") for n in range(30))))))

        threads = [threading.Thread(target=ask, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert found == [30] * 4
