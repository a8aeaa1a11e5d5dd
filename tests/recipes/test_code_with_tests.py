"""Tasks of code: solution and tests must agree, stubs must fail, mutants are real ones, and nobody sees what is due."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests import instruction_store
from tests.certified_tasks import rejected
from tests.program_cases import Start, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.recipes import code_with_tests
from wellspring.tasks.recipes.code_with_tests import _probes

pytestmark = pytest.mark.usefixtures("unaudited")

QUOTE = "it adds those numbers of a list that are above a limit"
PAGE = f"The function over(xs, limit) is part of the library \u00e4: {QUOTE}. An empty list gives 0."
CODE = """def over(xs, limit):
    total = 0
    for x in xs:
        if x > limit:
            total += x
    return total"""
CASES = [("[[1, 5, 7], 4]", "12"), ("[[], 3]", "0"), ("[[3, 3], 3]", "0"), ("[[-2, 1], -3]", "-1")]
SAID: dict[str, Any] = {"function": "over", "quote": QUOTE, "code": CODE, "cases": CASES}


def run(start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, **changed: Any) -> Made:
    monkeypatch.setitem(instruction_store.SUBJECTS, "bees", PAGE)
    said = SAID | changed

    def say(heading: str, body: dict[str, Any]) -> str:
        assert (CODE in str(body["messages"]), CASES[0][0] in str(body)) == (False, False)
        if heading == "solve":
            return json.dumps({"code": said["code"]})
        if heading == "test":
            return json.dumps({"cases": [{"arguments": one, "expected": other} for one, other in said["cases"]]})
        question = "Write a Python function that adds up the numbers of a list above a limit; 0 for an empty list."
        rule = "It adds the numbers above a limit."
        return json.dumps({"question": question, "function": said["function"], "rule": rule, "quote": said["quote"]})

    with answering("code_with_tests", say) as model:
        roles = {role: model.role(role) for role in ("generator", "responder", "judge")}
        return run_program("code_with_tests", start, settings(*of_program("code_with_tests"), models=roles))


def test_a_task_is_made_whose_tests_kill_what_is_not_the_solution(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(start, settings, monkeypatch)

    [note], [reference] = [json.loads(row["data"]) for row in made["notes"]], made["responses"]
    assert verifiable.quoted(PAGE, note["cited"]) == [QUOTE]
    assert (note["claim"], note["facts"]) == ("It adds the numbers above a limit.", {"tests": 4})
    assert reference["text"] == note["reference"] == f"```python\n{CODE}\n```"
    assert all(verify.verify(note["verifier"], one) is True for one in [note["reference"], *note["right"]])
    kinds = Counter(kind for kind, _ in note["wrong"])
    assert kinds.keys() > {"operator", "negated", "off_by_one", "early_return", "prints", "stub", "every_answer"}
    assert rejected(note) == {kind: [number, number] for kind, number in kinds.items()}
    assert reasons(made) == ["no_code"] * 5


def test_what_is_expected_is_nowhere_that_an_answer_can_look() -> None:
    verifier = verifiable.by_tests([{"function": "f", "arguments": [1]}], [41])
    spies = ("globals().get('EXPECTED', [0])[0]", "given[0][0] if len(given) > 1 else EXPECTED[0]", "41")
    codes = [f"```python\ndef f(x):\n    return {one}\n```" for one in spies]

    assert [verify.verify(verifier, one) for one in codes] == [False, False, True]


def test_a_change_that_makes_no_difference_is_no_mutant(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = CODE.replace("    total = 0\n", "    total = 0\n    idle = 5\n")

    made = run(start, settings, monkeypatch, code=idle)

    [note] = [json.loads(row["data"]) for row in made["notes"]]
    assert not any("idle = 6" in one or "idle = 4" in one for _, one in note["wrong"])
    assert any("total = 1" in one for kind, one in note["wrong"] if kind == "off_by_one")


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        ("not_in_passage", {"quote": "it adds all numbers"}),
        ("not_of_kind", {"function": "over it"}),
        ("not_of_kind", {"function": "under"}),
        ("not_of_kind", {"code": "def over(xs"}),
        ("too_few_tests", {"cases": [*CASES[:2], ("3", "3"), ("[x]", "3"), CASES[0]]}),
        ("tests_disagree", {"cases": [*CASES[:3], ("[[4], 3]", "5")]}),
        ("tests_disagree", {"code": "def over(xs, limit):\n    return missing"}),
        ("weak_tests", {"cases": [("[[], 3]", "0"), ("[[3, 3], 3]", "0"), ("[[1], 3]", "0")]}),
    ],
)
def test_what_makes_no_task(
    reason: str,
    changed: dict[str, Any],
    start: Start,
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = run(start, settings, monkeypatch, **changed)

    assert made["instructions"] == []
    assert [one for one in reasons(made) if one != "no_code"] == [reason]


def test_probes_are_calls_that_are_a_little_different() -> None:
    assert _probes([[1, True], [2, True]]) == [
        *([3, True], [0, True], [-1, True], [-2, True]),
        *([1, False], [2, False]),
    ]
    assert _probes([["ab"]]) == [["b"], ["ba"], ["abab"], [""]]


def test_the_most_calls_of_a_page() -> None:
    assert code_with_tests.most_calls(code_with_tests.Knobs()) == 6
