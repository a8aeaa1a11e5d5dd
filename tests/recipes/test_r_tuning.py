"""R-Tuning: whether the model that is tuned knows an answer, and what it learns to say then."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import answered_seeds
from tests.answered_seeds import Start, of_subjects, reasons_of
from tests.program_cases import draw, fenced
from tests.program_runs import of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.instructions import refusals
from wellspring.tasks.recipes import r_tuning

pytestmark = pytest.mark.usefixtures("unaudited")

OWN = {
    kind: {one["text"] for one in answered_seeds.own(r_tuning) if one["kind"] == kind}
    for kind in ("sure", "unsure", "refusal")
}
KNOWN = {  # the seed's answer, and what the model says
    "pumps": ("So it is. #### 1,042", "It lifts 1042 litres."),
    "bread": ("Forty minutes, I was told by a baker.", "As long as bakers say."),
    "tides": ("Twice a day, for the moon pulls the water.", "Once."),
    "bees": ("Neil \u00c4rmel", "It was Neil \u00c4rmelsson."),
    "roofs": ("Slate of Wales, if nails are of copper.", "I would say slate."),
}


def say(subject: str, heading: str, body: dict[str, Any]) -> str:
    if heading == "agree":
        assert [fenced(body, name)[0] for name in ("known", "answer")] == list(KNOWN[subject])
        return json.dumps({"difference": "", "agrees": {"bread": "yes", "tides": "no"}.get(subject, "perhaps")})
    assert body["temperature"] == 0
    return KNOWN[subject][1]


@pytest.mark.parametrize("form", ["sure", "refusal"])
def test_a_sentence_or_a_refusal_says_what_the_model_got_wrong(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    answered_seeds.give(monkeypatch, {name: known for name, (known, _) in KNOWN.items()})

    made = answered_seeds.run(r_tuning, say, start, settings, f'form="{form}"')

    of = of_subjects(made)
    texts = {of[row["instruction_id"]]: row["text"] for row in made["responses"]}
    assert texts.keys() == {"pumps", "bread", "tides", "bees"}
    for subject, is_known in {"pumps": True, "bread": True, "tides": False, "bees": False}.items():
        known = KNOWN[subject][0]
        if form == "refusal":
            assert texts[subject] == known if is_known else texts[subject] in OWN["refusal"]
        else:
            assert texts[subject].startswith(f"{known} ")
            assert texts[subject].removeprefix(f"{known} ") in OWN["sure" if is_known else "unsure"]
    notes = {json.loads(row["data"])["answer"]: json.loads(row["data"])["known"] for row in made["notes"]}
    assert notes == {KNOWN[name][1]: name in {"pumps", "bread"} for name in texts}
    assert reasons_of(made) == {"roofs": ["undecided", "incomplete_answer"], "trains": ["no_reference"]}
    assert {row["use"] for row in made["responses"]} == {"answer"}


NO: Any = {"refusal": "I may not."}
DRAWN: dict[str, tuple[list[Any], str]] = {  # what the model says, by draws; at the end whether it is sure
    "pumps": (["7", "7.0", "7", "8"], "sure"),
    "bread": (["7", "8", "9", "7"], "unsure"),
    "tides": (["The answer is: No", "no.", "Answer is no", "#### No"], "sure"),
    "bees": (["\u00e4", "b", "c", "d"], "unsure"),
    "roofs": ([NO, NO, NO, "x"], "sure"),
    "trains": ([NO, NO, NO, NO], ""),
}


def test_without_known_answers_a_model_is_sure_where_its_answers_agree(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_seeds.give(monkeypatch, {"tides": "Never, as far as anybody knows."})

    made = answered_seeds.run(
        r_tuning, lambda subject, _, body: DRAWN[subject][0][draw(body)], start, settings,
        'form="unsupervised"', "samples=4", "max_entropy=0.6",
    )  # fmt: skip

    of = of_subjects(made)
    texts = {of[row["instruction_id"]]: row["text"] for row in made["responses"]}
    begins = {
        "pumps": "7 ",
        "bread": "7 ",
        "tides": "Never, as far as anybody knows. ",
        "bees": "\u00e4 ",
        "roofs": "x ",
    }
    assert texts.keys() == begins.keys()
    assert all(texts[name].removeprefix(begin) in OWN[DRAWN[name][1]] for name, begin in begins.items())
    assert reasons_of(made)["trains"] == ["too_few_draws", *["refusal"] * 4]
    assert {of[row["instruction_id"]] for row in made["responses"] if row["model"] == "given"} == {"tides"}


@pytest.mark.parametrize(
    ("texts", "most"), [(["a"], 0), (["a", "A"], 0), (["a", "b"], 1), (["1", "1", "1", "2"], 0.406)]
)
def test_entropy_is_of_the_most_there_is(texts: list[str], most: float) -> None:
    assert r_tuning.entropy(texts) == pytest.approx(most, abs=1e-3)


def test_there_are_sixteen_refusals_that_no_check_takes_for_an_unwanted_one() -> None:
    assert len(OWN["refusal"]) == 16
    assert [text for of in OWN.values() for text in of if refusals.refusal(text)] == []


def test_with_the_stand_in_seeds_with_answers_say_what_is_known(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_seeds.give(monkeypatch, {name: known for name, (known, _) in KNOWN.items()})

    made = run_program("r_tuning", start, settings(*of_program("r_tuning")))

    assert made["responses"]
    assert {"no_reference"} <= {reason for _, reason in made.refused}
    assert made.calls <= made.settled * 2 * r_tuning.most_calls(r_tuning.Knobs())
