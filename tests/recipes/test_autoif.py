"""AutoIF: a query gets a demand that code can check, and only what the code and the judge pass is an answer."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.program_runs import Made, answering, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.verify import verify
from wellspring.tasks.recipes import autoif
from wellspring.tasks.spine.running.recipes import find
from wellspring.tasks.spine.running.runs import Run

NAME = "autoif"
FEW = ("constraints=1", "augmentations=0", "functions=4", "translations=1")
FUNCTIONS = [
    "def evaluate(response):\n    return ',' not in response",
    "def evaluate(response):\n    return response.count(',') == 0",
    "```python\ndef evaluate(response):\n    return len(response.split(',')) == 1\n```",
    "def evaluate(response):\n    return response.find(',') < 0",
]
YES = "def evaluate(response):\n    return True"
Start = Callable[[Settings], AbstractContextManager[Run]]
Scene = dict[str, Any]  # what is said at a heading of one constraint: a text, or a list of them by draw

pytestmark = pytest.mark.usefixtures("unaudited")


def written(
    functions: Sequence[Any] = FUNCTIONS, *more: tuple[str, Any], plain: Any = True, comma: Any = "false"
) -> list[str]:
    """Four functions, each with three cases that agree that there may be no comma."""

    def cases(draw: int) -> list[dict[str, Any]]:
        said = [("plain loaf", plain), ("Brötchen ohne", plain), ("a, comma", comma), *more]
        return [{"response": f"{draw} {text}", "expected": expected} for text, expected in said]

    return [json.dumps({"function": one, "cases": cases(draw)}) for draw, one in enumerate(functions)]


def marked(score: Any) -> str:
    return json.dumps({"reason": "so so", "score": score})


def related(relation: str) -> str:
    return json.dumps({"reason": "", "relation": relation})


GOOD: Scene = {
    "verify": written(),
    "translate": json.dumps({"demand": "No commas."}),
    "compare": related("entailment"),
    "": ["One plain line.", "Two, with a comma.", "Three plain lines.", "Four, again."],
    "mark": marked(8),
}


@pytest.fixture
def play(start: Start, settings: Callable[..., Settings]) -> Callable[..., tuple[Made, dict[str, int], Counter[str]]]:
    """Run the program on as many seeds as there are scenes; each seed takes a constraint, and each of those a scene.

    Returns what was made, the scene of each constraint, and how often each heading was asked.
    """
    own = [one["constraint"] for one in find(NAME, settings()).own]  # pyright: ignore[reportOptionalMemberAccess]

    def run(*scenes: Scene, knobs: Sequence[str] = ()) -> tuple[Made, dict[str, int], Counter[str]]:
        taken, asked = dict[str, int](), Counter[str]()

        def say(heading: str, body: dict[str, Any]) -> str:
            shown = "\n".join(message["content"] for message in body["messages"])
            constraint = next((one for one in own if one in shown), "") if heading != "augment" else ""
            scene = scenes[taken.setdefault(constraint, len(taken)) % len(scenes) if constraint else 0]
            asked[heading] += 1
            said: Any = scene.get(heading, GOOD.get(heading))
            said = said(shown) if callable(said) else said
            return said[body["seed"] % len(said)] if isinstance(said, list) else said

        with answering(NAME, say) as model:
            roles = {"generator": model.role("g"), "responder": model.role("r"), "judge": model.role("j")}
            chosen = [f"recipes.{NAME}.{one}" for one in (*FEW, *knobs)]
            made = run_program(NAME, start, settings(*alone(f"limit={len(scenes)}", *chosen), models=roles))
        assert made.settled == len(scenes)
        return made, taken, asked

    return run


def alone(*more: str) -> list[str]:
    """Settings that have no other recipe write: seeds are all that it takes."""
    return [f'instructions.recipes=["{NAME}"]', *more]


def reasons(made: Made) -> Counter[str]:
    return Counter(reason for _, reason in made.refused)


def uses(made: Made, constraint: str) -> dict[str, str]:
    """The answers to the instruction with a constraint, and what for."""
    of = {row["instruction_id"] for row in made["instructions"] if row["text"].endswith(f"\n\n{constraint}")}
    return {row["text"]: row["use"] for row in made["responses"] if row["instruction_id"] in of}


def test_the_stand_in_makes_rows_of_every_kind_and_refuses_some(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*alone("limit=2")))

    assert all(made[noun] for noun in autoif.MAKES)
    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert {"low_quality", "contradicted", "too_few_verifiers"} & {*reasons(made)}
    assert made.calls <= 2 * autoif.most_calls(autoif.Knobs()) == 2 * 39


def test_what_functions_and_judge_pass_is_an_answer_and_stands_above_what_no_function_passes(
    play: Callable[..., Any],
) -> None:
    made, taken, _ = play(GOOD)

    [constraint] = taken
    [instruction], [note] = made["instructions"], made["notes"]
    assert instruction["text"].endswith(f"?\n\n{constraint}")
    assert instruction["parent_ids"] == [instruction["input_id"], note["note_id"]]
    functions = [FUNCTIONS[0], FUNCTIONS[1], FUNCTIONS[2].strip("`").removeprefix("python").strip(), FUNCTIONS[3]]
    assert json.loads(note["data"]) == {"constraint": constraint, "functions": functions}

    found = {row["response_id"]: (row["text"], row["use"]) for row in made["responses"]}
    assert sorted(found.values()) == [
        ("Four, again.", "rejected"),
        ("One plain line.", "answer"),
        ("Three plain lines.", "answer"),
        ("Two, with a comma.", "rejected"),
    ]
    pairs = {(found[one["chosen_id"]][1], found[one["rejected_id"]][1]) for one in made["preferences"]}
    assert (len(made["preferences"]), pairs) == (4, {("answer", "rejected")})
    assert {(row["kind"], row["margin"]) for row in made["preferences"]} == {("verified", 1.0)}
    assert {(found[row["subject_id"]][1], row["passed"]) for row in made["verdicts"]} == {
        ("answer", True),
        ("rejected", False),
    }
    assert [(found[one["subject_id"]][1], one["value"]) for one in made["scores"]] == [("answer", 8.0)] * 2
    assert made.refused == []


def test_an_instruction_is_noted_as_a_task_where_that_is_wanted(play: Callable[..., Any]) -> None:
    made, _, _ = play(GOOD, knobs=["as_tasks=true"])

    [task] = [json.loads(row["data"]) for row in made["notes"] if row["kind"] == "task"]
    [instruction] = made["instructions"]
    assert (task["instruction_id"], task["question"]) == (instruction["instruction_id"], instruction["text"])
    assert {task["reference"], *task["right"]} >= {"One plain line.", "Three plain lines."}
    assert {text for kind, text in task["wrong"] if kind == "near_miss"} == {"Two, with a comma.", "Four, again."}
    assert (task["author"], task["follows"], task["is_line"]) == ("generator", "free", False)
    asked = instruction["text"].partition("?")[0]
    said = {text: verify(task["verifier"], text) for text in (f"{asked} well.", f"{asked}, well.", "No.", "")}
    assert [*said.values()] == [True, False, False, False]


def test_an_answer_falls_away_by_its_quality_as_an_equal_one_and_where_a_side_is_full(
    play: Callable[..., Any],
) -> None:
    said = ["Good.", "Poor.", "Good.", "Bad, one.", "Bad, two.", "Poor.", "Fine.", "Best."]
    scene = {"": said, "mark": lambda shown: marked(7.9 if "Poor" in shown else 8)}

    made, taken, _ = play(scene, {"": "No, none."}, knobs=("answers=8", "pair_sides=1"))

    assert uses(made, next(iter(taken))) == dict.fromkeys(["Good.", "Fine.", "Best."], "answer") | {
        "Bad, one.": "rejected"
    }
    assert (len(made["instructions"]), len(made["preferences"])) == (1, 1)
    assert reasons(made) == {"low_quality": 1, "same_text": 9, "fails_verifiers": 2}


@pytest.mark.parametrize(("least", "kept"), [("0.5", {"Plain."}), ("0.49", {"Plain.", "Six.", "An x."})])
def test_an_answer_needs_more_than_a_share_of_the_functions_and_is_no_worse_side_while_one_passes_it(
    play: Callable[..., Any], least: str, kept: set[str]
) -> None:
    strict = [f"def evaluate(response):\n    return {one}" for one in (
        "'x' not in response and ',' not in response", "response.count('x') + response.count(',') == 0")]  # fmt: skip
    scene = {"verify": written([*FUNCTIONS[:2], *strict]), "": ["Plain.", "Six.", "An x.", "No, none."]}

    made, taken, _ = play(scene, knobs=(f"min_accuracy={least}",))

    assert uses(made, *taken) == dict.fromkeys(kept, "answer") | {"No, none.": "rejected"}
    assert reasons(made) == Counter(fails_verifiers=3 - len(kept))


def test_an_answer_that_no_function_can_tell_of_is_neither_side(play: Callable[..., Any]) -> None:
    dumb = [
        one.replace("return ", "return None if 'Q' in response else ").replace("```python\n", "") for one in FUNCTIONS
    ]

    made, taken, _ = play(
        {"verify": written([one.strip("`") for one in dumb]), "": ["Plain.", "Q", "No, none.", "Q, Q"]}
    )

    assert uses(made, *taken) == {"Plain.": "answer", "No, none.": "rejected"}
    assert reasons(made) == {"fails_verifiers": 2}


def test_a_constraint_falls_away_whose_functions_and_cases_are_too_few_or_do_not_agree(
    play: Callable[..., Any],
) -> None:
    made, _, asked = play(
        {"verify": written([FUNCTIONS[0]] * 2 + [FUNCTIONS[1]] * 2)},
        {"verify": [one.replace('"1 ', '"0 ') for one in written()]},
        {"verify": written(comma=True)},
        {"verify": written(plain=False, comma=True)},
        {"verify": written([5, None, "", FUNCTIONS[0]])},
        {"verify": [*written()[:2], "no", json.dumps({"function": FUNCTIONS[3], "cases": "none"})]},
    )

    assert made["instructions"] == made["notes"] == []
    assert reasons(made)["too_few_verifiers"] == 6
    assert asked["translate"] == asked[""] == 0


def test_a_wrong_case_is_outvoted_and_then_a_wrong_function_dropped(play: Callable[..., Any]) -> None:
    made, _, _ = play({"verify": written([*FUNCTIONS[:2], FUNCTIONS[3], YES], ("all, wrong", True))})

    [note] = made["notes"]
    assert json.loads(note["data"])["functions"] == [*FUNCTIONS[:2], FUNCTIONS[3]]


def test_a_constraint_falls_away_that_what_a_function_checks_contradicts_or_that_nobody_compares(
    play: Callable[..., Any],
) -> None:
    second = {
        "translate": lambda shown: json.dumps({"demand": "Second." if ".count(" in shown else "First."}),
        "compare": lambda shown: related("contradiction" if "Second." in shown else "neutral"),
    }

    made, _, asked = play(second, {"compare": related("neutral")}, {"compare": "perhaps"}, knobs=("translations=2",))

    assert len(made["instructions"]) == 1
    assert reasons(made) == {"contradicted": 1, "not_compared": 1, "unparsable_answer": 2}
    assert asked[""] == 4


@pytest.mark.parametrize(
    ("knob", "reason"), [("max_chars=30", "too_long"), ("min_chars=36", "too_short"), ("", "other_language")]
)
def test_a_query_that_is_none_for_the_list_costs_nothing(
    play: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, knob: str, reason: str
) -> None:
    if not knob:
        monkeypatch.setattr(autoif, "LANGUAGES", ("de",))

    made, _, asked = play(GOOD, GOOD, knobs=[knob] if knob else [])

    assert reasons(made) == {reason: 2}
    assert made.calls == asked.total() == 0


def test_new_constraints_are_paid_once_and_taken_with_those_of_the_list_of_equal_ones_the_first(
    play: Callable[..., Any], settings: Callable[..., Settings]
) -> None:
    new = [f"Use at most {number} commas." for number in range(40)]
    old = [one["constraint"].upper() + " " for one in find(NAME, settings()).own]  # pyright: ignore[reportOptionalMemberAccess]
    augment = [json.dumps({"constraints": [*old, 5, None, *new[:20]]}), json.dumps({"constraints": new[20:]})]
    scene = {"augment": augment, "": ["Plain one.", "Plain two.", "Plain three.", "Plain four."]}
    knobs = ("augmentations=2", "constraints=2", "translations=4")

    made, _, asked = play(scene, scene, knobs=knobs)

    taken = {json.loads(row["data"])["constraint"] for row in made["notes"]}
    assert taken & {*new}
    assert taken - {*new}
    assert not taken & {one.strip() for one in old}
    assert asked["augment"] == 2
    assert made.calls == 2 * autoif.most_calls(
        autoif.Knobs(augmentations=2, constraints=2, translations=4, functions=4)
    )


def test_where_no_new_constraint_can_be_read_the_list_does(play: Callable[..., Any]) -> None:
    augment = [json.dumps({"constraints": "none"}), json.dumps({"constraints": []})]

    made, _, _ = play({"augment": augment}, knobs=("augmentations=2",))

    assert len(made["instructions"]) == 1
    assert reasons(made) == {"incomplete_answer": 2}
