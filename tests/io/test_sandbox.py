"""The sandbox: hostile functions are contained and named, honest ones get the verdict that CPython gives."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from wellspring.tasks.io.sandbox import MEMORY_BYTES, Sandbox

CLASSES = {  # what the data says should happen, and the outcomes of ours that are that
    "timeout": {"timeout"},
    "memory": {"memory"},
    "error": {"error", "unsupported"},
    "denied": {"denied", "unsupported"},
    "non_bool": {"not_bool"},
    "error_or_allowed": {"error", "unsupported"},
    "timeout_or_output_limit": {"timeout", "memory"},
    "unstable": {"unstable"},
    "ok": {"ok"},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "outcome", "value"),
    [
        ("def evaluate(response):\n    return len(response.split()) == 3", "ok", True),
        ("def evaluate(response):\n    return response.isupper()", "ok", False),
        ("import string\ndef evaluate(response):\n    return response[0] in string.ascii_lowercase", "ok", True),
        ("def evaluate(response):\n    return 1", "not_bool", None),
        ("class Yes:\n    pass\ndef evaluate(response):\n    return Yes()", "not_bool", None),
        ("def evaluate(response):\n    raise ValueError('no')", "error", None),
        ("def evaluate(response)\n    return True", "error", None),
        ("def evaluate(response):\n    yield response", "unsupported", None),
        ("import statistics\ndef evaluate(response):\n    return True", "unsupported", None),
        ("def evaluate(response):\n    while True:\n        pass", "timeout", None),
        ("def evaluate(response):\n    x = 2\n    while True:\n        x = x * x", "memory", None),
        ("def evaluate(response):\n    return open('/etc/passwd').read() != ''", "denied", None),
        ("import os\ndef evaluate(response):\n    return 'HOME' in os.environ", "denied", None),
        ("def evaluate(response):\n    return eval('1' + '+1' * 300000) > 1", "crashed", None),
        ("import random\ndef evaluate(response):\n    return random.random() < 0.5", "unstable", None),
        ("x" * 200_000, "error", None),
    ],
)
def test_what_comes_of_a_verifier_has_a_name(sandbox: Sandbox, code: str, outcome: str, value: bool | None) -> None:  # noqa: FBT001
    ran = sandbox.verify(code, "three small words")

    assert (ran.outcome, ran.value) == (outcome, value)


def test_code_that_runs_is_told_from_code_that_does_not(sandbox: Sandbox) -> None:
    assert sandbox.execute("total = sum(range(10))\nprint(total)").outcome == "ok"
    assert sandbox.execute("print(totl)").outcome == "error"
    assert sandbox.execute("import numpy").outcome == "unsupported"


def test_nothing_of_one_run_is_left_for_the_next(sandbox: Sandbox) -> None:
    sandbox.execute("import string\nleft = 1\nstring.punctuation = 'gone'")

    assert sandbox.execute("left").outcome == "error"
    assert sandbox.verify("import string\ndef evaluate(r):\n    return '!' in string.punctuation", "").value is True


def test_after_a_crash_the_next_verifier_is_answered_and_no_process_is_left(sandbox: Sandbox) -> None:
    before = len(psutil.Process(os.getpid()).children(recursive=True))
    sandbox.verify("def evaluate(r):\n    return eval('1' + '+1' * 300000) > 1", "")

    assert sandbox.verify("def evaluate(r):\n    return True", "").value is True
    assert len(psutil.Process(os.getpid()).children(recursive=True)) <= before + 1


@pytest.mark.shared
@pytest.mark.slow
def test_hostile_functions_are_contained_and_named_as_expected(shared: Path, sandbox: Sandbox) -> None:
    marker = Path("/tmp/verifier_was_here")  # where one of them tries to write
    marker.unlink(missing_ok=True)
    with gzip.open(shared / "verifiers" / "hostile_functions.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]

    # Its regular expressions are matched in linear time, so the backtracking bomb simply gets its answer.
    wrong = {
        row["id"]: ran.outcome
        for row in rows
        if (ran := sandbox.verify(row["code"], "a b c")).outcome not in CLASSES[row["expect"]]
        and row["id"] != "regex_backtracking"
    }
    workers = psutil.Process(os.getpid()).children(recursive=True)

    assert len(rows) >= 18
    assert wrong == {}
    assert not marker.exists()
    assert all(worker.memory_info().rss < 4 * MEMORY_BYTES for worker in workers)


@pytest.mark.slow
@pytest.mark.shared
def test_written_verifiers_agree_with_what_cpython_was_recorded_to_say(shared: Path, sandbox: Sandbox) -> None:
    """181 functions that models wrote, with their accuracy on test cases as CPython gave it."""
    with gzip.open(shared / "verifiers" / "autoif_crossval_a.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    outcomes: Counter[str] = Counter()
    differing: list[str] = []
    for row in rows:
        for function in row["eval_func"]:
            runs = [sandbox.verify(function["code"], case["input"]) for case in row["cases"]]
            outcomes.update(ran.outcome for ran in runs)
            if all(ran.outcome == "ok" for ran in runs):
                right = [ran.value == case["expected"] for ran, case in zip(runs, row["cases"], strict=True)]
                if abs(sum(right) / len(right) - function["accuracy_on_cases"]) > 1e-6:
                    differing.append(function["code"])

    assert outcomes.total() > 1400
    assert outcomes["ok"] / outcomes.total() > 0.98
    assert differing == []
