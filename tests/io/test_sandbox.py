"""The sandbox: hostile functions are contained and named, honest ones get the verdict that CPython gives."""

# ruff: noqa: E501 - a function is read on its line

import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from wellspring.tasks.io import containment
from wellspring.tasks.io.containment import Call, Limits
from wellspring.tasks.io.sandbox import FIRST, MEMORY_BYTES, Sandbox

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
        ("def evaluate(response):\n    yield response", "not_bool", None),
        ("import nltk\ndef evaluate(response):\n    return True", "unsupported", None),
        ("import subprocess\ndef evaluate(response):\n    return True", "unsupported", None),
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


LACKS = (  # of the first tier, as functions of models use them; each is True of "three small words"
    "import statistics\ndef evaluate(r):\n    return statistics.mean(map(len, r.split())) == 5",
    "from collections import OrderedDict\ndef evaluate(r):\n    return list(OrderedDict(a=r).values()) == [r]",
    "class Words(list):\n    pass\ndef evaluate(r):\n    return len(Words(r.split())) == 3",
    "def words(r):\n    yield from r.split()\ndef evaluate(r):\n    return sum(1 for _ in words(r)) == 3",
    "def evaluate(r):\n    return r.translate(str.maketrans('', '', 'tw')) == 'hree small ords'",
    "import string\ndef evaluate(r):\n    return r.translate(str.maketrans('', '', string.punctuation)) == r",
    "import re\ndef evaluate(r):\n    return bool(re.match(r'\\w+  # a word', r, re.VERBOSE))",
    "import re\ndef evaluate(r):\n    return re.sub(r'\\w+', lambda m: m.group().title(), r) == 'Three Small Words'",
    "import textwrap\ndef evaluate(r):\n    return len(textwrap.wrap(r, 5)) == 3",
    "import json\ndef evaluate(r):\n    return json.loads('{\"a\": 1}', object_pairs_hook=list) == [('a', 1)]",
    "def evaluate(r):\n    return sorted(r.split(), key=str.lower)[0] == 'small'",
    "def evaluate(r):\n    return all(map(str.isalpha, r.split()))",
    "import unicodedata\ndef evaluate(r):\n    return unicodedata.category(r[0]) == 'Ll'",
    "from collections import ChainMap\ndef evaluate(r):\n    return ChainMap({'a': r})['a'] == r",
    "import difflib\ndef evaluate(r):\n    return difflib.SequenceMatcher(None, r, r).ratio() == 1",
    "import xml.etree.ElementTree as E\ndef evaluate(r):\n    return E.fromstring('<a>' + r + '</a>').text == r",
    "import ast\ndef evaluate(r):\n    return isinstance(ast.parse('a'), ast.Module)",
    "import csv, io\ndef evaluate(r):\n    return list(csv.reader(io.StringIO(r)))[0] == [r]",
    "from html.parser import HTMLParser\ndef evaluate(r):\n    return HTMLParser().feed(r) is None",
    "import heapq\ndef evaluate(r):\n    return heapq.nsmallest(1, r.split()) == ['small']",
    "from fractions import Fraction\ndef evaluate(r):\n    return Fraction(1, 3) * 3 == 1",
    "from decimal import Decimal\ndef evaluate(r):\n    return Decimal('0.1') * 10 == 1",
    "import enum\nclass Kind(enum.Enum):\n    WORD = 1\ndef evaluate(r):\n    return Kind(1) is Kind.WORD",
    "from abc import ABC\nclass Rule(ABC):\n    pass\ndef evaluate(r):\n    return Rule() is not None",
)
SWALLOWED = (  # the lack is caught: the first tier alone says False
    "def evaluate(r):\n    try:\n        import statistics\n        return True\n    except Exception:\n        return False",
    "try:\n    import textwrap\nexcept ImportError:\n    textwrap = None\ndef evaluate(r):\n    return bool(textwrap)",
    "def evaluate(r):\n    try:\n        return str.lower(r) == r\n    except:\n        return False",
    "def evaluate(r):\n    try:\n        return bool(str.maketrans('a', 'b'))\n    except (KeyError, AttributeError) as e:\n        return e == 1",
    "import json\ndef evaluate(r):\n    try:\n        return not json.loads('[]', object_pairs_hook=dict)\n    except TypeError:\n        return False",
)


@pytest.mark.slow
@pytest.mark.parametrize("code", [*LACKS, *SWALLOWED])
def test_what_the_first_tier_lacks_runs_in_the_second_or_gives_no_verdict(
    sandbox: Sandbox, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = containment.tier()
    with Sandbox() as first, monkeypatch.context() as patched:
        patched.setattr(containment, "tier", lambda: held._replace(is_there=False))
        alone = first.verify(code, "three small words")
    both = sandbox.verify(code, "three small words") if held.is_there else alone

    assert alone.value is None or (alone.value is True and alone.engine == FIRST)
    assert alone.outcome in {"ok", "unsupported"}
    assert both.value is (True if held.is_there else alone.value)
    assert both.engine == (FIRST if alone.outcome == "ok" or not held.is_there else containment.ENGINE)


@pytest.mark.slow
def test_a_function_is_asked_about_the_response_whatever_names_it_uses(sandbox: Sandbox) -> None:
    code = "def evaluate(response):\n    return response == 'x'\nresponse = 'x'\nprint(evaluate(response))"

    assert sandbox.verify(code, "y").value is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "calls", "values"),
    [
        ("def f(a, b):\n    return (a, b)", [Call("f", [1, "x"]), Call("f", [[2], None])], [[1, "x"], [[2], None]]),
        ("import statistics\ndef f(a):\n    return statistics.mean(a)", [Call("f", [[1, 2]])], [1.5]),
        ("print(int(input()) * 2)", [Call(stdin="4"), Call(stdin="5\n")], ["8\n", "10\n"]),
        ("import sys\nfor line in sys.stdin:\n    print(line.strip())", [Call(stdin=" ab\ncd")], ["ab\ncd\n"]),
        ("print(3)", [Call(stdin="")], ["3\n"]),
        ("import sys\nprint('so')\nsys.exit(0)", [Call(stdin="")], ["so\n"]),
    ],
)
def test_a_program_is_called_and_what_it_gives_comes_back(
    sandbox: Sandbox, source: str, calls: list[Call], values: list[object]
) -> None:
    ran = sandbox.run_program(source, calls)

    lacks = ran.outcome == "unsupported" and not containment.tier().is_there
    assert (ran.outcome, ran.values) == ("ok", values) or lacks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "call", "outcome"),
    [
        ("def f():\n    return lambda: 1", Call("f"), {"error"}),
        ("import statistics\ndef f():\n    return {1, 2}", Call("f"), {"error", "unsupported"}),
        ("def f():\n    return 'x' * 100_000", Call("f"), {"memory"}),
        ("def f():\n    return 1", Call("g"), {"error"}),
        ("import sys\nsys.exit(3)", Call(stdin=""), {"error", "unsupported"}),
        ("while True:\n    pass", Call(stdin=""), {"timeout"}),
        ("import random\ndef f():\n    return random.random()", Call("f"), {"unstable"}),
        ("import statistics, random\ndef f():\n    return random.random()", Call("f"), {"unstable", "unsupported"}),
        ("import numpy\nprint(1)", Call(stdin=""), {"unsupported"}),
    ],
)
def test_a_program_that_gives_nothing_of_use_says_why(
    sandbox: Sandbox, source: str, call: Call, outcome: set[str]
) -> None:
    ran = sandbox.run_program(source, [call])

    assert ran.outcome in outcome
    assert ran.values == []


def test_calls_of_two_kinds_or_of_no_name_are_refused(sandbox: Sandbox) -> None:
    for calls in ([Call("f"), Call(stdin="x")], [Call("f(); g")]):
        with pytest.raises(ValueError, match="calls are all of"):
            sandbox.run_program("", calls)


@pytest.mark.slow
def test_code_of_great_length_costs_the_host_no_time(sandbox: Sandbox) -> None:
    line, quotes = "except " + "Exception as " * 7000, '"' * 3
    began = time.monotonic()
    code = f"def evaluate(r):\n    return True\n{quotes}\n{line}\n{line[:5000]}:\n{quotes}"

    assert sandbox.verify(code, "x").value is True
    assert time.monotonic() - began < 2


def test_limits_are_those_that_are_given() -> None:
    with Sandbox(Limits(seconds=0.2, memory_bytes=8 * 2**20)) as small:
        assert small.execute("while True:\n    pass").outcome == "timeout"
        assert small.execute("x = 'x' * (16 * 2**20)").outcome == "memory"


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


def rows_of(shared: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(shared / "verifiers" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.shared
@pytest.mark.slow
def test_hostile_functions_are_contained_and_named_as_expected(shared: Path, sandbox: Sandbox) -> None:
    marker = Path("/tmp/verifier_was_here")  # where one of them tries to write
    marker.unlink(missing_ok=True)
    rows = rows_of(shared, "hostile_functions")

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
def test_the_engines_agree_on_all_recorded_verifiers_and_answers(shared: Path, sandbox: Sandbox) -> None:
    """All functions of the data with their cases and 16 answers each; 181 have an accuracy that CPython gave before."""
    asked: dict[tuple[str, str], None] = {}
    accuracies: list[tuple[str, list[tuple[str, bool]], float]] = []
    for row in rows_of(shared, "autoif_crossval_a"):
        cases = [(case["input"], case["expected"]) for case in row["cases"]]
        accuracies += [(one["code"], cases, one["accuracy_on_cases"]) for one in row["eval_func"]]
        asked |= {(one["code"], text): None for one in row["eval_func"] for text, _ in cases}
    for row in (*rows_of(shared, "autoif_back_translation"), *rows_of(shared, "autoif_query_rft")):
        texts = [*(text for text, _ in row["cases"]), *row.get("gpt-answer", ())]
        asked |= {(code, text): None for code, _ in row["eval_func"] for text in texts}
    ran = {one: sandbox.verify(*one) for one in asked}
    held = containment.tier()
    with containment.Contained(held.prefix) as second:
        calls = {one: second.run(one[0], [Call("evaluate", one[1:])], Limits()) for one in asked if held.is_there}
    differing = [one for one, said in calls.items() if said["values"] != [ran[one].value]]
    found = [[ran[code, text].value == wanted for text, wanted in cases] for code, cases, _ in accuracies]
    wrong = [
        code
        for right, (code, _, accuracy) in zip(found, accuracies, strict=True)
        if abs(sum(right) / len(right) - accuracy) > 1e-6
    ]

    assert len(asked) > 2400
    assert sum(said.outcome == "ok" for said in ran.values()) / len(ran) >= (0.97 if not held.is_there else 1)
    assert differing == []
    assert wrong == [] or not held.is_there
