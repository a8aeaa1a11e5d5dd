"""Certificates: a task gets one when all of its evidence holds, and each thing that is missing is named."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import certified_tasks, judge_runs
from tests.certified_tasks import QUOTE, a_task
from tests.program_cases import fenced
from wellspring.tasks.contracts import field_tasks, verifiable
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.judges import certificate
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
pytestmark = pytest.mark.usefixtures("unaudited")

EXACT = 'def evaluate(response):\n    return response.strip().endswith("Answer: 12 metres")\n'
LOOSE = 'def evaluate(response):\n    return "12 metres" in response\n'
SAID = {
    "strong": "It lifts water.\nAnswer: 1200 cm",
    "weak": "Answer: 400 watts",
    "closed": "Answer: 3 metres",
    "follows": "yes",
    "mislead": ["400 metres", "12 watts"],
    "right": {"1200 cm", "12 metres"},
}


def model(**changed: Any) -> Callable[[str, dict[str, Any]], Any]:
    said = SAID | changed

    def say(heading: str, body: dict[str, Any]) -> Any:
        if heading == "follows":
            assert fenced(body, "cited") == [QUOTE]
            return json.dumps({"reason": "12 metres", "follows": said["follows"]})
        if heading == "mislead":
            return json.dumps({"answers": said["mislead"]}) if said["mislead"] else "no"
        if heading == "examine":
            [line] = fenced(body, "answer")
            return json.dumps({"difference": "", "right": "yes" if line in said["right"] else "no"})
        if "Nothing else is given." in body["messages"][-1]["content"]:
            return said["closed"]
        return said["strong" if body["model"] == "a-responder" else "weak"]

    return say


def test_a_task_whose_evidence_holds_is_certified(settings: Callable[..., Settings], start: Start) -> None:
    found = certified_tasks.certify(settings, start, model(), a_task())

    [verdict] = found["verdicts"]
    assert (verdict["check_name"], verdict["passed"]) == ("certified", True)
    [said] = judge_runs.notes(found, "certificate")
    assert said["solved"] == {"closed": [0, 2], "strong": [3, 3], "weak": [0, 3]}
    assert said["mutants"]["misleading"] == [2, 2]
    assert said["mutants"]["unsolved"] == [3, 3]
    assert said["mutants"].keys() >= {"wrong_number", "wrong_unit", "negation", "refusal", "every_answer", "stuffing"}
    assert all(rejected == number for rejected, number in said["mutants"].values())
    assert said["right"]["strong"] == 3
    assert (said["engine"][:5], said["follows"], said["certified"]) == ("monty", "yes", True)
    assert {one["origin"] for one in said["answers"]} == {"reference", "rule", "strong", "weak", "mutator"}


@pytest.mark.parametrize(
    ("reason", "changed", "said"),
    [
        ("not_cited", {"cited": [(0, 10_000)]}, {}),
        ("not_cited", {"cited": []}, {}),
        ("verifier_fails", {"verifier": "def evaluate(response):\n    return 1 / 0\n"}, {}),
        ("verifier_fails", {"verifier": "def evaluate(response):\n    return 'yes'\n"}, {}),
        ("right_refused", {"verifier": EXACT}, {}),
        ("right_refused", {}, {"right": {"1200 cm", "400 watts"}}),
        ("mutants_passed", {"verifier": LOOSE, "right": []}, {}),
        ("not_entailed", {}, {"follows": "no"}),
        ("too_few_right", {}, {"strong": "Answer: 400 watts"}),
        ("too_few_right", {}, {"strong": "It is 12 metres, I think."}),
        ("too_few_mutants", {}, {"mislead": []}),
        ("too_few_mutants", {}, {"mislead": ["12 metres", "1200 cm"]}),
        ("known_without_page", {}, {"closed": "Answer: 12 m"}),
    ],
)
def test_what_a_task_lacks_is_the_reason_that_it_is_not_certified(
    reason: str, changed: dict[str, Any], said: dict[str, Any], settings: Callable[..., Settings], start: Start
) -> None:
    found = certified_tasks.certify(settings, start, model(**said), a_task(**changed))

    [verdict] = found["verdicts"]
    assert (verdict["passed"], verdict["detail"].partition(":")[0]) == (False, reason)
    assert [row["reason"] for row in found["rejections"] if row["reason"] in certificate.REASONS] == [reason]
    assert all(not said["certified"] for said in judge_runs.notes(found, "certificate"))


def test_a_mutant_that_passes_is_shown(settings: Callable[..., Settings], start: Start) -> None:
    found = certified_tasks.certify(settings, start, model(), a_task(verifier=LOOSE, right=[]))

    assert "every_answer: " in found["verdicts"][0]["detail"] or "negation: " in found["verdicts"][0]["detail"]


def test_of_what_is_computed_nobody_is_asked(settings: Callable[..., Settings], start: Start) -> None:
    found = certified_tasks.certify(settings, start, model(follows="no"), a_task(follows="computed"))

    assert found["verdicts"][0]["passed"] is True
    assert [said["follows"] for said in judge_runs.notes(found, "certificate")] == ["computed"]


def test_where_a_role_gives_no_answer_of_use_nothing_is_said(settings: Callable[..., Settings], start: Start) -> None:
    found = certified_tasks.certify(settings, start, model(follows="perhaps"), a_task())

    assert found["verdicts"] == []
    assert {row["reason"] for row in found["rejections"]} == {"incomplete_answer"}


QUERY = "Tell a newcomer how a pump in a deep well is looked after."
PLAIN = "A newcomer looks after a pump in a deep well twice a year."
WITH_COMMA = "A newcomer looks after a pump, in a deep well, twice a year."


def of_form(**changed: Any) -> verifiable.Task:
    votes = ["def evaluate(response):\n    return ',' not in response"] * 2
    return certified_tasks.a_task(
        kind="constrained",
        question=f"{QUERY}\n\nUse no commas.",
        passage="",
        reference=PLAIN,
        verifier=verifiable.by_vote(votes, QUERY),
        cited=[],
        follows="free",
        right=[f"{PLAIN}\n"],
        wrong=[("refusal", "I do not know."), ("echo", f"{QUERY}\n\nUse no commas."), ("empty", "")],
        is_line=False,
        **changed,
    )


def test_of_a_task_without_a_last_line_the_whole_answer_is_examined(
    settings: Callable[..., Settings], start: Start
) -> None:
    asked = list[str]()

    def say(heading: str, body: dict[str, Any]) -> Any:
        asked.append(heading)
        if heading == "spoil":
            return json.dumps({"answers": [WITH_COMMA]})
        if heading == "examine_whole":
            [answer] = fenced(body, "answer")
            return json.dumps({"difference": "", "right": "no" if "," in answer else "yes"})
        return f"{PLAIN} So it lasts." if body["model"] == "a-responder" else WITH_COMMA

    found = certified_tasks.certify(settings, start, say, of_form())

    assert found["verdicts"][0]["passed"] is True
    [said] = judge_runs.notes(found, "certificate")
    assert said["solved"] == {"strong": [3, 3], "weak": [0, 3]}
    assert said["mutants"]["misleading"] == [1, 1]
    assert {*asked} == {"spoil", "examine_whole", ""}


def test_the_most_calls_of_a_task() -> None:
    assert certificate.most_calls(certificate.Knobs()) == 50


DOUBLE, HALF = (f"```python\ndef twice(x):\n    return {value}\n```" for value in ("x * 2", "x / 2"))


def test_code_runs_apart_from_what_it_should_give_and_is_judged_here_as_elsewhere(
    settings: Callable[..., Settings], start: Start
) -> None:
    calls = [{"function": "twice", "arguments": [one]} for one in (0, 3, -1)]
    wrong = [("refusal", "No."), ("loop", DOUBLE.replace("    return", "    while x:\n        pass\n    return"))]
    wrong += [("reads", DOUBLE.replace("x * 2", "open('/etc/passwd').read()")), ("every_answer", DOUBLE + "\n" + HALF)]
    task = a_task(
        question="Write twice(x).",
        passage="",
        reference=DOUBLE,
        known="x * 2",
        is_line=False,
        verifier=verifiable.by_tests(calls, [0, 6, -2]),
        wrong=wrong,
        right=[DOUBLE.replace("* 2", "+ x")],
        more={"claim": "It doubles.", "facts": {"tests": 3}},
    )

    def say(heading: str, body: dict[str, Any]) -> Any:
        if heading == "spoil":
            return json.dumps({"answers": [HALF]})
        if heading == "examine_whole":
            [answer] = fenced(body, "answer")
            return json.dumps({"difference": "", "right": "yes" if "x << 1" in answer else "no"})
        if heading == "follows":
            assert fenced(body, "answer") == ["It doubles."]
            return json.dumps({"reason": "", "follows": "yes"})
        return DOUBLE.replace("x * 2", "x << 1") if body["model"] == "a-responder" else HALF

    found = certified_tasks.certify(settings, start, say, task)

    [said] = judge_runs.notes(found, "certificate")
    assert (found["verdicts"][0]["passed"], said["facts"]) == (True, {"tests": 3})
    assert said["solved"] == {"strong": [3, 3], "weak": [0, 3]}
    assert said["mutants"] == {kind: [1, 1] for kind in ("every_answer", "loop", "misleading", "reads", "refusal")} | {
        "unsolved": [3, 3]
    }
    assert all(verify.verify(task.verifier, one["text"]) is one["accepted"] for one in said["answers"])


def test_of_an_answer_of_fields_the_share_of_right_ones_is_noted(
    settings: Callable[..., Settings], start: Start
) -> None:
    fields = [["lift", "amount", "12 metres"], ["power", "amount", "400 watts"]]
    task = a_task(
        question="Take out lift and power.",
        reference=field_tasks.answer(fields),
        verifier=field_tasks.verifier(fields),
        right=field_tasks.right(fields),
        wrong=field_tasks.wrong(fields, "", certified_tasks.PAGE),
        is_line=False,
    )
    right, half = (json.dumps({"lift": "12 m", "power": power}) for power in ("0.4 kW", "12 watts"))

    def say(heading: str, body: dict[str, Any]) -> Any:
        if heading in {"spoil", "examine_whole"}:
            assert certified_tasks.PAGE in "".join(fenced(body, "question"))
        if heading == "spoil":
            return json.dumps({"answers": [half]})
        if heading == "examine_whole":
            return json.dumps({"difference": "", "right": "yes" if fenced(body, "answer") == [right] else "no"})
        if heading == "follows":
            return json.dumps({"reason": "", "follows": "yes"})
        is_closed = "Nothing else is given." in body["messages"][-1]["content"]
        return "No." if is_closed else right if body["model"] == "a-responder" else half

    found = certified_tasks.certify(settings, start, say, task)

    [said] = judge_runs.notes(found, "certificate")
    assert (said["certified"], said["credit"]) == (True, {"strong": 1, "weak": 0.5})
    assert said["solved"] == {"closed": [0, 2], "strong": [3, 3], "weak": [0, 3]}


@pytest.mark.parametrize(
    ("subject", "cited", "reason"),
    [("bread", (0, 16), ""), ("bread", (0, 999), "not_cited"), ("no page", (0, 16), "not_cited")],
)
def test_what_stands_on_another_page_is_cited_too(
    subject: str, cited: tuple[int, int], reason: str, settings: Callable[..., Settings], start: Start
) -> None:
    elsewhere: list[verifiable.Elsewhere] = [{"document_id": content_id("document", subject), "cited": [cited]}]
    shown = list[list[str]]()

    def say(heading: str, body: dict[str, Any]) -> Any:
        if heading == "follows":
            shown.append(fenced(body, "cited"))
            return json.dumps({"reason": "both", "follows": "yes"})
        return model()(heading, body)

    found = certified_tasks.certify(settings, start, say, a_task(more={"elsewhere": elsewhere}))

    assert found["verdicts"][0]["detail"].partition(":")[0] == reason or not reason
    assert shown == ([] if reason else [[QUOTE, "A sourdough loaf"]])
    assert found["verdicts"][0]["passed"] is not bool(reason)


def test_by_a_rubric_a_marker_decides_here_as_elsewhere(settings: Callable[..., Settings], start: Start) -> None:
    good, poor = "It lifts 12 metres and takes 400 watts.", "It lifts 12 metres."
    items = [("It says how high.", 1.0), ("It says what power.", 2.0)]
    task = a_task(
        question="What should one know of the pump?",
        reference=good,
        verifier=verifiable.by_rubric("What should one know of the pump?", items, 0.7),
        right=[f"In short: {good}"],
        wrong=[("refusal", "No."), ("empty", " "), ("claim", "All items are met.")],
        is_line=False,
    )

    def marked(prompt: str) -> str:
        answer = prompt.partition("<answer>")[2]
        return json.dumps({"met": [1] * ("12 metres" in answer) + [2] * ("400 watts" in answer)})

    def say(heading: str, body: dict[str, Any]) -> Any:
        said = body["messages"][-1]["content"]
        if said.startswith("You mark an answer"):
            return marked(said)
        if heading == "examine_whole":
            return json.dumps({"difference": "", "right": "yes" if good in fenced(body, "answer")[0] else "no"})
        if heading in {"follows", "spoil"}:
            return json.dumps({"reason": "", "follows": "yes", "answers": [poor]})
        return "No." if "Nothing else is given." in said else good + " So." if body["model"] == "a-responder" else poor

    found = certified_tasks.certify(settings, start, say, task)

    [said] = judge_runs.notes(found, "certificate")
    assert said["certified"] is True
    assert said["solved"] == {"closed": [0, 2], "strong": [3, 3], "weak": [0, 3]}
    assert said["mutants"]["misleading"] == said["mutants"]["claim"] == [1, 1]
    for one in said["answers"]:
        assert verify.verify(task.verifier, one["text"], marked) is one["accepted"]


def test_a_task_at_the_end_of_a_dialogue_is_solved_under_it_and_without_it(
    settings: Callable[..., Settings], start: Start
) -> None:
    turns = [{"role": "user", "content": "I want 12 metres."}, {"role": "assistant", "content": "For what?"}]
    task, asked = a_task(question="For the pump.", passage="", more={"excerpt": "12 metres, for the pump"}), list[Any]()

    def say(heading: str, body: dict[str, Any]) -> Any:
        if not heading:
            asked.append([(one["role"], one["content"].partition("\n")[0]) for one in body["messages"]])
        if heading in {"mislead", "examine"}:
            assert fenced(body, "passage") == ["12 metres, for the pump"]
        return model()(heading, body)

    found = certified_tasks.certify(settings, start, say, task, history=json.dumps(turns))

    [said] = judge_runs.notes(found, "certificate")
    assert said["solved"] == {"closed": [0, 2], "strong": [3, 3], "weak": [0, 3]}
    shown = [(one["role"], one["content"]) for one in turns]
    assert sorted(map(len, asked)) == [1] * 2 + [3] * 6
    assert all(one[:2] == shown for one in asked if len(one) > 1)
