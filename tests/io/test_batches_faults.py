"""What servers do wrong with batch jobs, one fault at a time, on a server on loopback that a script spoils."""

import contextlib
import itertools
import json
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.io.batch_server import Act, BatchServer, Job, Line, error, failure, serving
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, TransientError, WellspringError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models import batches, jobs
from wellspring.tasks.io.models.llm import Models

PRICES = '[models."offline-*"]\nprompt = 1.0\ncompletion = 2.0\nbatch = 0.5\n'


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with serving() as served:
        yield served


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LISTED_SECONDS", 0.0)


def call(number: int) -> Call:
    return Call(str(number), Prompt((Message("user", f"Say something about river {number} and its water."),)))


def chosen(server: BatchServer, *overrides: str, **role: Any) -> Settings:
    asked = {"endpoints": [{"base_url": server.url}], "mode": "batch", "batch_poll_seconds": 0.02, "attempts": 3} | role
    return settings_.load(None, overrides, environment={}, extra={"models": {"generator": asked}})


class Ended(list[Answer | Refused]):
    """What came out of one run, what parked it, and what its ledger said then."""

    error: WellspringError | None = None
    sent = spent = held = 0

    @property
    def said(self) -> str:
        """What parked it, with its hint."""
        return f"{self.error or ''}"

    @property
    def reasons(self) -> set[str]:
        """Of its refusals."""
        return {one.reason for one in self if isinstance(one, Refused)}


def ask(settings: Settings, directory: Path, numbers: range = range(6)) -> Ended:
    """Ask in a run of its own."""
    ended = Ended()
    with Models(settings, directory, "run") as models:
        try:
            ended.extend(models.ask("generator", map(call, numbers)))
        except WellspringError as stop:
            ended.error = stop
        ledger = models.journal.ledger
        ended.sent, ended.spent, ended.held = ledger.sent_calls, ledger.spent_micro_usd, ledger.held_micro_usd
    return ended


def until_done(settings: Settings, directory: Path, numbers: range = range(6), most: int = 30) -> list[Ended]:
    """Run until every call has ended, or too often."""
    runs = [ask(settings, directory, numbers)]
    while len(runs[-1]) < len(numbers) and len(runs) < most:
        runs.append(ask(settings, directory, numbers))
    return runs


def cancelled(settings: Settings, directory: Path, job_id: str = "all") -> int:
    with Models(settings, directory, "cancel") as models:
        return models.cancel("generator", job_id)


def states(directory: Path) -> list[tuple[str, str]]:
    return [(job.state, job.said) for job in jobs.listed(directory)]


def once(act: Act, *where: str) -> Callable[[str, str], Act | None]:
    """Spoil the first request to a place: a method and an end of the path."""
    left = iter([act])
    return lambda method, path: next(left, None) if method == where[0] and path.endswith(where[1]) else None


def always(act: Act, *where: str) -> Callable[[str, str], Act | None]:
    return lambda method, path: act if method == where[0] and path.endswith(where[1]) else None


def spoil(change: Callable[[Line], Any]) -> Callable[[Job, list[Line]], tuple[str, Any, Any]]:
    """Change the line of the first call of each job."""

    def results(_: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        changed = change(lines[0])
        first = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return "completed", b"\n".join([first, *(json.dumps(line).encode() for line in lines[1:])]), []

    return results


def response(value: Any) -> Callable[[Line], Line]:
    return lambda line: line | {"response": value}


def status(value: Any, body: Any = None) -> Callable[[Line], Line]:
    return lambda line: (
        line | {"response": {"status_code": value, "body": line["response"]["body"] if body is None else body}}
    )


def few(cases: Any, most: int) -> list[Any]:
    """Return cases for the fast part of the tests, and the others for the slow one."""
    values = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=[pytest.mark.slow] if at >= most else []) for at, case in enumerate(values)]


BAD_LINES: dict[str, Callable[[Line], Any]] = {
    "text": response("a text"),
    "null": response(None),
    "list": response([1, 2]),
    "number": response(7),
    "true": response(True),
    "empty": response({}),
    "no response": lambda line: {"custom_id": line["custom_id"]},
    "error": lambda line: line | {"response": None, "error": {"code": "server_error", "message": "it broke"}},
    "error text": lambda line: line | {"response": None, "error": "it broke"},
    "body text": status(200, "not a completion"),
    "body list": status(200, [1]),
    "body number": status(200, 3),
    "body of nothing": status(200, {}),
    "no choices": status(200, {"choices": []}),
    "status 500": status(500, error("it broke")),
    "status huge": status(10**30, error("it broke")),
    "status odd": status("fine", error("it broke")),
    "no custom_id": lambda line: {k: v for k, v in line.items() if k != "custom_id"},
    "custom_id null": lambda line: line | {"custom_id": None},
    "custom_id list": lambda line: line | {"custom_id": [line["custom_id"]]},
    "custom_id of another": lambda line: line | {"custom_id": "0" * 20},
    "custom_id odd": lambda line: line | {"custom_id": "\ud800\x00"},
    "no JSON": lambda line: json.dumps(line).encode()[:-9],
    "a list": lambda _: [1, 2],
    "a text line": lambda _: "line",
    "deep": lambda _: b"[" * 5000,
    "deep response": lambda line: (
        b'{"custom_id": "%s", "response": %s}' % (line["custom_id"].encode(), b'{"body":' * 900 + b"1" + b"}" * 900)
    ),
    "bytes": lambda _: b"\xff\xfe\x00",
    "long": lambda line: json.dumps(line).encode()[:-1] + b" " * 3 * 2**20 + b"}",
}


def test_lines_that_cannot_be_read_spoil_no_other(server: BatchServer, tmp_path: Path) -> None:
    def results(_: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        bad = [change(line) for change, line in zip(BAD_LINES.values(), lines, strict=False)]
        told = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in [*bad, *lines[len(bad) :]]]
        return "completed", b"\n".join(told), []

    server.results = results
    count = len(BAD_LINES) + 3

    runs = until_done(chosen(server, attempts=1), tmp_path, range(count))

    answered = sorted(int(one.call.input_id) for one in runs[-1] if isinstance(one, Answer))
    assert len(runs[-1]) == count
    assert answered == list(range(len(BAD_LINES), count))
    assert runs[-1].reasons == {"malformed_answer", "server_error"}
    assert server.sizes() == [count]


@pytest.mark.parametrize("name", few(BAD_LINES, 2))
def test_a_line_that_cannot_be_read_spoils_no_other_and_its_call_is_asked_again(
    name: str, server: BatchServer, tmp_path: Path
) -> None:
    server.results = spoil(BAD_LINES[name])

    runs = until_done(chosen(server), tmp_path)

    last = runs[-1]
    assert len(last) == 6
    assert sum(isinstance(one, Answer) for one in last) == 5
    assert server.sizes() == [6, 1, 1]  # as often as `attempts` says, and then no more
    assert last.reasons <= {"malformed_answer", "server_error", "expired", "empty_answer"}
    assert last.held == 0
    assert all(one.error is None or "are running" in one.said for one in runs)


@pytest.mark.parametrize("name", ["status text", "status float", "twice", "bad, then good", "good, then bad"])
def test_a_line_that_is_odd_but_answers_is_an_answer(name: str, server: BatchServer, tmp_path: Path) -> None:
    bad = response("a text")

    def lines(line: Line) -> bytes:
        found = {
            "status text": [status("200")(line)],
            "status float": [status(200.0)(line)],
            "twice": [line, line],
            "bad, then good": [bad(line), line],
            "good, then bad": [line, bad(line)],
        }[name]
        return b"\n".join(json.dumps(one).encode() for one in found)

    server.results = spoil(lines)

    runs = until_done(chosen(server), tmp_path)

    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert server.sizes() == [6]


def test_answers_in_a_file_with_a_page_of_html_around_them_are_found(server: BatchServer, tmp_path: Path) -> None:
    server.results = spoil(lambda line: b"<html>\n" + json.dumps(line).encode() + b"\n</html>")

    runs = until_done(chosen(server), tmp_path)

    assert [type(one) for one in runs[-1]] == [Answer] * 6


def test_a_file_that_is_none_leaves_its_calls_due_until_they_were_sent_often_enough(
    server: BatchServer, tmp_path: Path
) -> None:
    server.results = lambda *_: ("completed", b"<html>\n<body>It works!</body>\n</html>", [])

    runs = until_done(chosen(server), tmp_path)

    assert runs[-1].reasons == {"malformed_answer"}
    assert "It works!" in next(one.detail for one in runs[-1] if isinstance(one, Refused)) or "<html>" in str(runs[-1])
    assert server.sizes() == [6, 6, 6]
    assert all(count == 3 for count in server.answered.values())


@pytest.mark.parametrize("name", ["nothing", "half", "only errors", "odd ids"])
def test_a_completed_job_without_its_files_ends(name: str, server: BatchServer, tmp_path: Path) -> None:
    failed = {"response": None, "error": {"code": "server_error", "message": "this one broke"}}

    def results(job: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        if len(server.jobs) > 1:
            return "completed", lines, []
        if name == "odd ids":
            job.output = 7  # type: ignore[assignment] - as a server might
        files = {"nothing": ([], []), "half": (lines[:3], []), "only errors": ([], [one | failed for one in lines])}
        return ("completed", *files.get(name, ([], [])))

    server.results = results

    runs = until_done(chosen(server), tmp_path)

    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert server.sizes() == [6, 3 if name == "half" else 6]
    assert runs[-1].held == 0


@pytest.mark.parametrize(
    ("act", "jobs_sent"),
    few(
        [
            (Act(404, error("No such File object")), 2),
            (Act(410, error("gone")), 2),
            (Act(500, error("the files are away")), 2),
            (Act(ends="cut"), 2),
            (Act(ends="drop"), 2),
            (Act(429, error("slow down")), 2),
            (Act(200, b"<html>"), 3),
        ],
        2,
    ),
)
def test_results_that_can_never_be_fetched_are_given_up_with_the_servers_words(
    act: Act, jobs_sent: int, server: BatchServer, tmp_path: Path
) -> None:
    server.script = lambda _, path: act if path.endswith("/content") and len(server.jobs) < jobs_sent else None

    runs = until_done(chosen(server), tmp_path)

    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert server.sizes() == [6] * jobs_sent
    assert all(isinstance(one.error, TransientError) for one in runs[:-1])
    assert runs[-1].held == 0


def test_a_file_that_cannot_be_fetched_once_is_fetched_later_and_paid_once(server: BatchServer, tmp_path: Path) -> None:
    server.script = once(Act(503, error("the files are away")), "GET", "/content")

    first, second = ask(chosen(server), tmp_path), ask(chosen(server), tmp_path)

    assert "the files are away" in first.said
    assert len(second) == 6
    assert server.sizes() == [6]


def test_a_file_that_is_gone_is_said_once_and_its_calls_are_due_again(server: BatchServer, tmp_path: Path) -> None:
    server.script = always(Act(404, error("No such File object: file-2")), "GET", "/content")

    runs = [ask(chosen(server, attempts=9), tmp_path) for _ in range(2)]

    assert "No such File object: file-2" in runs[0].said
    assert server.sizes() == [6, 6]


def test_a_job_that_failed_for_its_tokens_is_split_and_the_split_is_remembered(
    server: BatchServer, tmp_path: Path
) -> None:
    server.fails = lambda lines, _: failure("token_limit_exceeded", "Enqueued token limit") if len(lines) > 3 else None

    runs = until_done(chosen(server), tmp_path, range(12))
    more = until_done(chosen(server), tmp_path, range(12, 18))

    assert all(isinstance(one, Answer) for one in runs[-1])
    assert server.sizes()[:3] == [12, 6, 3]
    assert max(server.sizes()[3:]) <= 3
    assert len(more[-1]) == 6
    assert set(server.answered.values()) == {1}
    assert all("are running" in one.said for one in runs[:-1])


def test_the_number_of_tokens_that_a_server_names_is_what_it_is_sent_at_once(
    server: BatchServer, tmp_path: Path
) -> None:
    words = "Enqueued token limit reached for offline in organization org-1. Limit: 40 enqueued tokens. Please try"
    server.polls = 3
    server.fails = lambda lines, _: failure("token_limit_exceeded", words) if len(lines) > 3 else None

    runs = until_done(chosen(server), tmp_path)

    assert server.sizes() == [6, 3, 3]
    assert [job.status for job in server.jobs.values()] == ["failed", "completed", "completed"]
    assert any("calls wait until the server takes more tokens at once" in one.said for one in runs)


def test_a_single_call_that_is_too_much_parks_with_the_words_and_is_not_refused(
    server: BatchServer, tmp_path: Path
) -> None:
    server.fails = lambda *_: failure("token_limit_exceeded", "Enqueued token limit reached")

    runs = [ask(chosen(server, batch_wait_seconds=5.0), tmp_path, range(3)) for _ in range(3)]

    assert all("Enqueued token limit reached" in one.said for one in runs)
    assert [len(one) for one in runs] == [0, 0, 0]
    assert runs[-1].sent == 0


@pytest.mark.parametrize(
    ("code", "message"),
    few(
        [
            ("billing_hard_limit_reached", "Billing hard limit has been reached"),
            ("insufficient_quota", "You exceeded your current quota"),
            ("model_not_found", "The provided model 'x' is not supported by the Batch API."),
            ("invalid_json_line", "This line is not parseable as valid JSON."),
            ("unsupported_parameter", "Unsupported parameter: 'seed'"),
            ("mismatched_model", "The provided models differ"),
            ("", "no code at all"),
        ],
        2,
    ),
)
def test_a_job_that_fails_as_a_whole_parks_with_the_words_and_refuses_no_row(
    code: str, message: str, server: BatchServer, tmp_path: Path
) -> None:
    server.fails = lambda *_: failure(code, message) if len(server.jobs) < 5 else None

    runs = until_done(chosen(server, "budget.max_calls=6"), tmp_path)

    told = [one for one in runs if message in one.said]
    assert len(told) == 4  # each failed job is told, and more of them than `attempts` refuse no row
    assert all(isinstance(one.error, TransientError) and one.error.hint for one in told)
    assert all(one.sent in {0, 6} and one.held == 0 for one in told)
    assert [type(one) for one in runs[-1]] == [Answer] * 6


@pytest.mark.parametrize(
    "errors",
    few([None, "broken", [], {}, {"data": None}, {"data": []}, ["broken"], {"data": ["broken"]}, 7, [[[]]]], 2),
)
def test_errors_of_a_failed_job_are_read_in_any_form(errors: Any, server: BatchServer, tmp_path: Path) -> None:
    def results(job: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        job.errors = errors
        return ("failed", [], []) if len(server.jobs) == 1 else ("completed", lines, [])

    server.results = results

    runs = until_done(chosen(server), tmp_path)

    assert "failed batch job batch_2 of 6 calls" in runs[0].said
    assert len(runs[-1]) == 6


def test_a_row_that_its_job_fails_for_is_refused_in_the_end_and_the_others_are_answered(
    server: BatchServer, tmp_path: Path
) -> None:
    def fails(lines: list[Line], _: int) -> Any:
        odd = [at for at, line in enumerate(lines, start=1) if "river 4 " in json.dumps(line)]
        return failure("invalid_request", "line is odd", odd[0]) if odd else None

    server.fails = fails

    runs = until_done(chosen(server), tmp_path)

    refused = [one for one in runs[-1] if isinstance(one, Refused)]
    assert [(one.call.input_id, one.reason) for one in refused] == [("4", "bad_request")]
    assert "line is odd" in refused[0].detail


@pytest.mark.parametrize(
    ("code", "body", "words"),
    few(
        [
            (404, error("The model `x` does not exist", "model_not_found"), "The model `x` does not exist"),
            (429, error("You exceeded your current quota", "insufficient_quota"), "exceeded your current quota"),
            (400, error("the frobnicator is not set"), "the frobnicator is not set"),
            (401, error("Incorrect API key provided"), "Incorrect API key provided"),
            (422, {"detail": "the frobnicator is not set"}, "the frobnicator is not set"),
        ],
        2,
    ),
)
def test_what_a_server_says_of_every_line_is_no_rows_fault(
    code: int, body: Any, words: str, server: BatchServer, tmp_path: Path
) -> None:
    def results(_: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        if len(server.jobs) > 4:
            return "completed", lines, []
        return "completed", [], [one | {"response": {"status_code": code, "body": body}} for one in lines]

    server.results = results

    runs = until_done(chosen(server), tmp_path)

    assert sum(words in one.said for one in runs) == 4
    assert all(isinstance(one.error, TransientError) for one in runs[:-1])
    assert [type(one) for one in runs[-1]] == [Answer] * 6


def test_a_row_that_alone_is_refused_is_refused(server: BatchServer, tmp_path: Path) -> None:
    server.results = spoil(status(400, error("this prompt cannot be taken")))

    runs = until_done(chosen(server), tmp_path)

    refused = [one for one in runs[-1] if isinstance(one, Refused)]
    assert [one.reason for one in refused] == ["bad_request"]
    assert "this prompt cannot be taken" in refused[0].detail
    assert server.sizes() == [6]


def test_a_parameter_that_no_line_may_have_is_left_out_of_the_next_job(server: BatchServer, tmp_path: Path) -> None:
    def results(job: Job, lines: list[Line]) -> tuple[str, Any, Any]:
        if b'"seed"' not in server.files[job.file_id]:
            return "completed", lines, []
        said = {"status_code": 400, "body": error("Unsupported parameter: 'seed' is not supported")}
        return "completed", [], [line | {"response": said} for line in lines]

    server.results = results

    runs = until_done(chosen(server, batch_wait_seconds=20.0), tmp_path)

    assert [type(one) for one in runs[0]] == [Answer] * 6
    assert server.sizes() == [6, 6]


def test_a_parameter_that_a_whole_job_failed_for_is_told_and_left_out_of_the_next(
    server: BatchServer, tmp_path: Path
) -> None:
    words = "Unsupported parameter: 'seed' is not supported with this model."
    server.fails = lambda lines, _: failure("unsupported_parameter", words) if "seed" in lines[0]["body"] else None

    runs = until_done(chosen(server), tmp_path)

    assert words in runs[0].said
    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert server.sizes() == [6, 6]


@pytest.mark.parametrize("where", ["/files", "/batches"])
@pytest.mark.parametrize(("code", "words"), [(400, "the frobnicator is not set"), (404, "no such path"), (429, "slow")])
def test_a_job_that_is_not_taken_costs_nothing_and_its_calls_are_due(
    where: str, code: int, words: str, server: BatchServer, tmp_path: Path
) -> None:
    server.script = once(Act(code, error(words)), "POST", where)
    settings = chosen(server, "budget.max_calls=6")

    first, *_, last = [ask(settings, tmp_path), *until_done(settings, tmp_path)]

    assert words in first.said
    assert isinstance(first.error, TransientError)
    assert (first.sent, first.held) == (0, 0)
    assert [type(one) for one in last] == [Answer] * 6
    assert server.sizes() == [6]


@pytest.mark.parametrize("where", ["/files", "/batches"])
def test_a_refused_key_stops_the_run_and_costs_nothing(where: str, server: BatchServer, tmp_path: Path) -> None:
    server.script = once(Act(401, error("Incorrect API key provided: sk-12345678abcdefgh")), "POST", where)

    first = ask(chosen(server), tmp_path)
    last = until_done(chosen(server), tmp_path)[-1]

    assert isinstance(first.error, BrokenError)
    assert "sk-12345678abcdefgh" not in first.said
    assert (first.sent, first.held) == (0, 0)
    assert len(last) == 6


OPEN_ENDS = {
    "500": Act(500, error("oops")),
    "502 html": Act(502, b"<html>bad gateway</html>"),
    "504": Act(504, error("timeout")),
    "dropped": Act(ends="drop"),
    "no JSON": Act(200, b"<html>"),
    "no id": Act(200, {"object": "batch"}),
    "a list": Act(200, [1]),
    "hangs": Act(ends="hang"),
}


@pytest.mark.parametrize("does", [True, False], ids=["was made", "was not made"])
@pytest.mark.parametrize("name", few(OPEN_ENDS, 2))
def test_a_job_that_may_have_been_made_is_looked_for_before_anything_is_sent_again(
    name: str, *, does: bool, server: BatchServer, tmp_path: Path
) -> None:
    act = OPEN_ENDS[name]
    server.script = once(Act(act.status, act.body, does, act.ends), "POST", "/batches")
    settings = chosen(server, "budget.max_calls=6", first_byte_seconds=0.3)

    first = ask(settings, tmp_path)
    runs = until_done(settings, tmp_path)

    assert "did not say whether it took" in first.said
    assert first.sent == 0
    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert server.sizes() == [6]
    assert set(server.answered.values()) == {1}
    assert (runs[-1].sent, runs[-1].held) == (6, 0)


def test_a_job_is_found_by_its_file_where_a_server_keeps_no_metadata(server: BatchServer, tmp_path: Path) -> None:
    def script(method: str, path: str) -> Act | None:
        for job in server.jobs.values():
            job.metadata = {}
        return Act(500, error("oops"), does=True) if (method, path) == ("POST", "/v1/batches") else None

    server.script = script

    runs = until_done(chosen(server), tmp_path)

    assert len(runs[-1]) == 6
    assert server.sizes() == [6]


def test_a_job_is_found_in_any_page_of_the_list(server: BatchServer, tmp_path: Path) -> None:
    server.page = 2
    server.script = once(Act(500, error("oops"), does=True), "POST", "/batches")
    ask(chosen(server), tmp_path)
    for number in range(7):
        server.jobs[f"batch_of_others_{number}"] = Job(f"batch_of_others_{number}", "file-x", {})

    runs = until_done(chosen(server), tmp_path)

    assert len(runs[-1]) == 6
    assert set(server.answered.values()) == {1}


def test_a_list_that_never_ends_is_left(server: BatchServer, tmp_path: Path) -> None:
    server.script = once(Act(500, error("oops")), "POST", "/batches")
    ask(chosen(server), tmp_path)
    endless = Act(200, {"data": [{"id": "batch_x", "metadata": None}, 7, None], "has_more": True})
    server.script = always(endless, "GET", "/batches")

    runs = until_done(chosen(server), tmp_path)

    assert len(runs[-1]) == 6


def test_what_a_server_without_a_list_may_have_taken_counts_as_spent(server: BatchServer, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, encoding="utf-8")
    server.script = lambda method, path: (
        Act(500, error("oops"), does=True)
        if (method, path, len(server.jobs)) == ("POST", "/v1/batches", 0)
        else Act(405, error("not here"))
        if (method, path) == ("GET", "/v1/batches")
        else None
    )
    settings = chosen(server, f"models.prices={prices}")

    first, second = ask(settings, tmp_path), ask(settings, tmp_path)

    assert first.held > 0
    paid = sum(one.cost_usd for one in second if isinstance(one, Answer))
    assert second.spent == first.held + round(paid * 1e6)
    assert server.sizes() == [6, 6]


def test_a_list_that_cannot_be_read_now_leaves_the_job_open(server: BatchServer, tmp_path: Path) -> None:
    server.script = once(Act(500, error("oops"), does=True), "POST", "/batches")
    ask(chosen(server), tmp_path)
    server.script = always(Act(503, error("later")), "GET", "/batches")

    second = ask(chosen(server), tmp_path)
    server.script = lambda *_: None
    runs = until_done(chosen(server), tmp_path)

    assert "later" in second.said
    assert len(runs[-1]) == 6
    assert server.sizes() == [6]


def test_the_same_rows_submitted_again_do_not_adopt_the_dead_job_of_before(server: BatchServer, tmp_path: Path) -> None:
    server.fails = lambda *_: failure("server_error", "try again") if len(server.jobs) == 1 else None
    ask(chosen(server, batch_wait_seconds=5.0), tmp_path)
    server.script = once(Act(500, error("oops")), "POST", "/batches")

    runs = until_done(chosen(server), tmp_path)

    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert [job.status for job in server.jobs.values()] == ["failed", "completed"]
    assert set(server.answered.values()) == {1}


@pytest.mark.parametrize("code", [404, 410, 400])
def test_a_job_that_its_server_has_forgotten_is_said_once_and_its_calls_are_due_again(
    code: int, server: BatchServer, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, encoding="utf-8")
    server.polls = 9
    settings = chosen(server, f"models.prices={prices}")
    ask(settings, tmp_path)
    forgotten = next(iter(server.jobs))
    server.script = always(Act(code, error("No batch found")), "GET", forgotten)
    server.polls = 1

    told, again, last = (ask(settings, tmp_path) for _ in range(3))

    assert f"no longer knows batch job {forgotten}" in told.said
    assert "No batch found" in told.said
    assert len(again) + len(last) >= 6
    assert server.sizes() == [6, 6]
    assert again.spent >= told.held > 0  # nobody knows what the first one cost
    assert last.held == 0


def test_a_job_that_is_not_known_for_a_moment_is_not_given_up(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 3
    ask(chosen(server), tmp_path)
    server.script = once(Act(404, error("No batch found")), "GET", next(iter(server.jobs)))

    runs = until_done(chosen(server), tmp_path)

    assert len(runs[-1]) == 6
    assert server.sizes() == [6]


@pytest.mark.parametrize(
    "act",
    few(
        [Act(500, error("oops")), Act(200, {"status": "queued"}), Act(ends="drop"), Act(200, b"<html>"), Act(200, [1])],
        2,
    ),
)
def test_a_job_that_cannot_be_asked_for_now_is_waited_for(act: Act, server: BatchServer, tmp_path: Path) -> None:
    faults = itertools.chain([act] * 3, itertools.repeat(None))
    server.script = lambda method, path: next(faults) if method == "GET" and "/batches/" in path else None

    ended = ask(chosen(server, batch_wait_seconds=20.0), tmp_path)

    assert len(ended) == 6
    assert server.sizes() == [6]


def test_as_many_calls_are_sent_as_the_budget_has_room_for(server: BatchServer, tmp_path: Path) -> None:
    runs = [ask(chosen(server, "budget.max_calls=6"), tmp_path, range(10)) for _ in range(2)]
    more = until_done(chosen(server, "budget.max_calls=10"), tmp_path, range(10))

    assert server.sizes() == [6, 4]
    assert "budget.max_calls = 6 is reached: 6 calls were sent; 4 calls of `generator` are left" in runs[1].said
    assert "the next call" not in runs[0].said
    assert [len(one) for one in runs] == [6, 6]
    assert len(more[-1]) == 10


def test_a_job_is_as_large_as_the_money_allows(server: BatchServer, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, encoding="utf-8")
    server.polls = 5
    with Models(chosen(server, f"models.prices={prices}"), tmp_path / "x", "run") as models:
        reserve = models.active("generator").worded(call(1))[2]
    cap = f"budget.max_cost_usd={6.5 * reserve / 1e6}"

    first = ask(chosen(server, f"models.prices={prices}", cap), tmp_path, range(10))

    assert server.sizes() == [6]
    assert first.held == 6 * reserve
    assert "budget.max_cost_usd" in first.said
    assert "4 calls of `generator` are left" in first.said
    assert "the next call" not in first.said


def test_what_answers_leave_of_the_money_is_used_for_more(server: BatchServer, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, encoding="utf-8")
    with Models(chosen(server, f"models.prices={prices}"), tmp_path / "x", "run") as models:
        reserve = models.active("generator").worded(call(1))[2]
    cap = f"budget.max_cost_usd={3.5 * reserve / 1e6}"

    ended = ask(chosen(server, f"models.prices={prices}", cap, batch_wait_seconds=20.0), tmp_path, range(10))

    assert len(ended) == 10
    assert max(server.sizes()) == 3
    assert ended.spent <= 3.5 * reserve


def test_money_that_is_set_aside_for_a_job_that_nobody_took_is_free_again(server: BatchServer, tmp_path: Path) -> None:
    server.script = once(Act(ends="drop"), "POST", "/batches")
    settings = chosen(server, "budget.max_calls=6")

    ask(settings, tmp_path)
    more = until_done(settings, tmp_path, range(10, 16))

    assert [type(one) for one in more[-1]] == [Answer] * 6


@pytest.mark.parametrize(
    "act",
    few(
        [
            Act(413, b"<html>Request Entity Too Large</html>"),
            Act(413, error("The file is too big")),
            Act(400, error("Batch input file too large: the maximum size is 1 MB")),
            Act(400, error("File size exceeds the limit of 1000 bytes", "file_too_large")),
        ],
        1,
    ),
)
def test_a_file_that_is_too_large_is_cut_and_the_size_is_remembered(
    act: Act, server: BatchServer, tmp_path: Path
) -> None:
    most = 900
    server.script = lambda method, path: (
        act if method == "POST" and path.endswith("/files") and server.size > most else None
    )

    first = ask(chosen(server, batch_wait_seconds=20.0), tmp_path)
    refused = server.refused_files
    ask(chosen(server, batch_wait_seconds=20.0), tmp_path, range(6, 12))

    assert [type(one) for one in first] == [Answer] * 6
    assert refused > 0
    assert server.refused_files == refused
    assert set(server.answered.values()) == {1}


def test_a_job_of_too_many_calls_is_cut(server: BatchServer, tmp_path: Path) -> None:
    words = "The batch file contains too many requests: the maximum is 3 requests per batch"
    server.fails = lambda lines, _: failure("too_many_tasks", words) if len(lines) > 3 else None

    ended = ask(chosen(server, batch_wait_seconds=20.0), tmp_path)

    assert len(ended) == 6
    assert server.sizes() == [6, 3, 3]


def test_files_are_of_the_size_that_the_role_says(server: BatchServer, tmp_path: Path) -> None:
    ended = ask(chosen(server, batch_wait_seconds=20.0, batch_bytes=1000), tmp_path)

    assert len(ended) == 6
    assert len(server.jobs) > 1
    assert all(len(server.files[job.file_id]) <= 1000 for job in server.jobs.values())


def test_a_live_role_sends_nothing_that_a_job_is_out_for(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 9
    ask(chosen(server), tmp_path, range(4))

    live = ask(chosen(server, mode="live"), tmp_path, range(6))

    assert sorted(one.call.input_id for one in live) == ["4", "5"]
    assert "1 batch jobs of `generator` are running" in live.said
    assert "--cancel" in live.said
    assert set(server.answered) == {call(4).prompt.messages[0].content, call(5).prompt.messages[0].content}


def test_a_live_role_collects_the_job_first(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 2
    ask(chosen(server), tmp_path, range(4))

    live = ask(chosen(server, mode="live"), tmp_path, range(6))

    assert live.error is None
    assert [type(one) for one in live] == [Answer] * 6
    assert set(server.answered.values()) == {1}


def test_a_role_that_goes_from_live_to_batch_and_back_pays_for_nothing_twice(
    server: BatchServer, tmp_path: Path
) -> None:
    server.polls = 4

    turns = [("live", 2), ("batch", 5), ("live", 7), ("batch", 9), ("live", 9), ("batch", 9), ("batch", 9)]
    ends = [len(ask(chosen(server, mode=mode), tmp_path, range(upto))) for mode, upto in turns]

    assert ends[0] == 2
    assert ends[-1] == 9
    assert set(server.answered.values()) == {1}


def test_a_live_role_asks_what_a_failed_job_has_left(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 2
    ask(chosen(server), tmp_path)
    server.fails = lambda *_: failure("server_error", "try again")

    live = ask(chosen(server, mode="live"), tmp_path)

    assert live.error is None
    assert [type(one) for one in live] == [Answer] * 6


def test_the_job_of_another_role_is_collected_where_it_asks_the_same(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 2
    where: dict[str, Any] = {"endpoints": [{"base_url": server.url}], "mode": "batch", "batch_poll_seconds": 0.02}
    both = settings_.load(None, (), environment={}, extra={"models": {"generator": where, "responder": where}})
    with Models(both, tmp_path, "one") as models, pytest.raises(TransientError, match="are running"):
        list(models.ask("generator", map(call, range(6))))

    with Models(both, tmp_path, "two") as models:
        answers = list(models.ask("responder", map(call, range(6))))

    assert [type(one) for one in answers] == [Answer] * 6
    assert server.sizes() == [6]


def test_the_calls_of_a_cancelled_job_are_due_at_once_and_their_money_is_free(
    server: BatchServer, tmp_path: Path
) -> None:
    server.polls = 9
    settings = chosen(server, "budget.max_calls=6")
    ask(settings, tmp_path)

    count = cancelled(settings, tmp_path)
    server.polls = 1
    runs = until_done(settings, tmp_path)

    assert count == 1
    assert server.sizes() == [6, 6]
    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert (runs[-1].sent, runs[-1].held) == (6, 0)


def test_a_job_that_takes_its_time_to_stop_keeps_what_it_answered(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 3
    server.cancel = lambda job: setattr(job, "status", "cancelling")
    ask(chosen(server), tmp_path)
    cancelled(chosen(server), tmp_path)
    waiting = ask(chosen(server, mode="live"), tmp_path)
    (job,) = server.jobs.values()
    lines = [json.loads(line) for line in server.files[job.file_id].splitlines()]
    done = [
        {"custom_id": one["custom_id"], "response": {"status_code": 200, "body": server.chat(one["body"])}}
        for one in lines[:2]
    ]
    stopped = [
        {"custom_id": one["custom_id"], "response": None, "error": {"code": "batch_cancelled", "message": "stopped"}}
        for one in lines[2:]
    ]
    job.status, job.output, job.errors_file = "cancelled", server.keep(done), server.keep(stopped)

    live = ask(chosen(server, mode="live", attempts=1), tmp_path)

    assert "are running" in waiting.said
    assert [type(one) for one in live] == [Answer] * 6
    assert set(server.answered.values()) == {1}


@pytest.mark.parametrize("does", [True, False], ids=["was made", "was not made"])
def test_a_job_without_an_id_can_be_cancelled(*, does: bool, server: BatchServer, tmp_path: Path) -> None:
    server.polls = 9
    server.script = once(Act(500, error("oops"), does), "POST", "/batches")
    ask(chosen(server), tmp_path)
    (job,) = jobs.listed(tmp_path)

    count = cancelled(chosen(server), tmp_path, job.name)
    live = ask(chosen(server, mode="live"), tmp_path)

    assert count == 1
    assert [job.status for job in server.jobs.values()] == ["cancelled"] * does
    assert [type(one) for one in live] == [Answer] * 6
    assert set(server.answered.values()) == {1}


@pytest.mark.parametrize("act", [Act(404, error("No batch found")), Act(400, error("it is done already"))])
def test_a_job_that_its_server_has_forgotten_is_free_when_it_is_cancelled(
    act: Act, server: BatchServer, tmp_path: Path
) -> None:
    server.polls = 9
    ask(chosen(server), tmp_path)
    server.script = lambda _, path: act if "/batches/" in path else None

    count = cancelled(chosen(server), tmp_path)
    live = ask(chosen(server, mode="live"), tmp_path)

    assert count == 1
    assert [type(one) for one in live] == [Answer] * 6
    assert live.held == 0


def test_a_job_at_a_server_that_is_no_longer_named_can_be_cancelled(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 9
    ask(chosen(server), tmp_path)

    with serving() as other:
        parked = ask(chosen(other), tmp_path)
        count = cancelled(chosen(other), tmp_path)
        runs = until_done(chosen(other), tmp_path)

    assert "which `generator` no longer names" in parked.said
    assert count == 1
    assert [type(one) for one in runs[-1]] == [Answer] * 6


def test_a_cancel_that_is_not_heard_is_said_and_frees_nothing(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 3
    ask(chosen(server), tmp_path)
    server.script = always(Act(500, error("oops")), "POST", "/cancel")

    with pytest.raises(TransientError, match="oops"):
        cancelled(chosen(server), tmp_path)

    assert [state for state, _ in states(tmp_path)] == ["submitted"]
    assert len(until_done(chosen(server), tmp_path)[-1]) == 6


def test_a_row_that_jobs_refused_is_asked_as_often_again_when_it_is_reopened(
    server: BatchServer, tmp_path: Path
) -> None:
    server.results = spoil(response("a text"))
    until_done(chosen(server), tmp_path, range(1))
    with Models(chosen(server), tmp_path, "retry") as models:
        models.reopen()

    until_done(chosen(server), tmp_path, range(1))

    assert server.sizes() == [1] * 6


def test_a_job_is_listed_with_its_state_its_counts_and_the_words_of_one_that_failed(
    server: BatchServer, tmp_path: Path
) -> None:
    server.fails = lambda *_: failure("server_error", "it broke") if len(server.jobs) == 1 else None
    ask(chosen(server), tmp_path)
    server.polls = 9
    ask(chosen(server), tmp_path)

    ended, out = jobs.listed(tmp_path)

    assert (ended.state, ended.said, ended.calls) == ("failed", "server_error: it broke", 6)
    assert (out.state, out.status, out.job_id) == ("submitted", "validating", list(server.jobs)[1])
    assert time.time() - out.since < 60


def test_ctrl_c_ends_the_wait_for_a_job_at_once(server: BatchServer, tmp_path: Path) -> None:
    server.polls = 10**6
    timer = threading.Timer(0.7, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))
    timer.start()
    started = time.monotonic()

    with (
        Models(chosen(server, batch_wait_seconds=600.0, batch_poll_seconds=300.0), tmp_path, "run") as models,
        pytest.raises(KeyboardInterrupt),
    ):
        list(models.ask("generator", map(call, range(3))))

    assert time.monotonic() - started < 5
    server.polls = 1
    assert len(until_done(chosen(server), tmp_path, range(3))[-1]) == 3
    assert server.sizes() == [3]


NEW = {
    "batches": "nonce model form since calls tokens bytes status done failed misses said",
    "batch_calls": "reserved_micro_usd verdict reason detail cost_micro_usd",
    "attempts": "batch",
}


@pytest.mark.parametrize("state", ["submitted", "intent", "draft"])
def test_a_job_of_the_version_before_is_taken_over(state: str, server: BatchServer, tmp_path: Path) -> None:
    server.polls = 2
    ask(chosen(server), tmp_path)
    (job,) = server.jobs.values()
    with contextlib.closing(sqlite3.connect(tmp_path / "completions.sqlite", isolation_level=None)) as journal:
        digest = journal.execute("SELECT digest FROM batches").fetchone()[0]
        job.metadata = {"wellspring_digest": digest}
        journal.execute("UPDATE batches SET state = ?, file_id = NULL, reserved_micro_usd = 600", (state,))
        if state != "submitted":
            journal.execute("UPDATE batches SET job_id = NULL")
        journal.execute("DROP INDEX attempts_of_batch")
        for table, columns in NEW.items():
            for column in columns.split():
                journal.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        journal.execute("PRAGMA user_version = 1")
    shown = jobs.listed(tmp_path)
    with Models(chosen(server), tmp_path, "look") as models:
        held, counted = models.journal.ledger.held_micro_usd, models.journal.ledger.held_calls

    runs = until_done(chosen(server), tmp_path)

    assert [(one.state, one.reserved_micro_usd) for one in shown] == ([] if state == "draft" else [(state, 600)])
    assert (held, counted) == {"submitted": (600, 0), "intent": (600, 6), "draft": (0, 0)}[state]
    assert [type(one) for one in runs[-1]] == [Answer] * 6
    assert server.sizes() == ([6, 6] if state == "draft" else [6])
    assert runs[-1].held == 0
