"""Facts taken out of a passage: fields stay whose value stands there, and that another model fills in alike."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.certified_tasks import rejected
from tests.instruction_store import SUBJECTS
from tests.program_cases import Start, fenced, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import verify
from wellspring.tasks.recipes import extraction

pytestmark = pytest.mark.usefixtures("unaudited")

PAGE = SUBJECTS["pumps"]
FACTS = [
    ("lift", "amount", "12 metres", "lifts water 12 metres from the well"),
    ("part", "text", "check valve", "It needs a check valve."),
    ("power", "amount", "400 watts", "uses 400 watts"),
]
OWN = {"lift": "1200 cm", "part": "a check valve", "power": "400 W"}


def run(start: Start, settings: Callable[..., Settings], facts: list[Any], own: dict[str, str]) -> Made:
    def say(heading: str, body: dict[str, Any]) -> str:
        if fenced(body, "passage") != [PAGE]:
            return "none"
        if heading == "fill":
            return json.dumps({"values": [{"name": name, "value": value} for name, value in own.items()]})
        names = ("name", "kind", "value", "quote")
        fields = [dict(zip(names, one, strict=True)) | {"says": f"Its {one[0]}."} for one in facts]
        return json.dumps({"about": "a pump", "fields": fields})

    with answering("extraction", say) as model:
        roles = {role: model.role(role) for role in extraction.ROLES}
        return run_program("extraction", start, settings(*of_program("extraction"), models=roles))


def test_values_that_stand_in_the_page_are_a_task(start: Start, settings: Callable[..., Settings]) -> None:
    made = run(start, settings, [*FACTS, ("use", "text", "water", "lifts water")], OWN | {"use": "wells"})

    [note], [instruction] = [json.loads(row["data"]) for row in made["notes"]], made["instructions"]
    assert json.loads(note["reference"]) == {"lift": "12 metres", "part": "check valve", "power": "400 watts"}
    ranges = note["facts"]["fields"]
    assert verifiable.quoted(PAGE, list(ranges.values())) == ["12 metres", "check valve", "400 watts"]
    assert verifiable.quoted(PAGE, note["cited"]) == [quote for *_, quote in FACTS]
    assert '"required": [\n    "lift",' in instruction["text"]
    assert "12 metres" not in note["question"]
    assert instruction["text"].endswith(PAGE)
    assert "fields_disagree" in reasons(made)
    assert all(verify.verify(note["verifier"], one) is True for one in [note["reference"], *note["right"]])
    assert all(some == of for some, of in rejected(note).values())


@pytest.mark.parametrize(
    ("reason", "fact", "own"),
    [
        ("not_in_passage", ("power", "amount", "500 watts", "uses 400 watts"), OWN),
        ("not_in_passage", ("power", "amount", "400 watts", "uses  400 watts"), OWN),
        ("not_of_kind", ("power", "date", "400 watts", "uses 400 watts"), OWN),
        ("not_of_kind", ("The power", "amount", "400 watts", "uses 400 watts"), OWN),
        ("not_of_kind", ("part", "amount", "400 watts", "uses 400 watts"), OWN),
        ("fields_disagree", FACTS[2], OWN | {"power": "40 W"}),
        ("fields_disagree", FACTS[2], {name: OWN[name] for name in ("lift", "part")}),
    ],
)
def test_what_makes_no_field(
    reason: str, fact: Any, own: dict[str, str], start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, [*FACTS[:2], fact], own)

    assert made["instructions"] == []
    assert [one for one in reasons(made) if one != "unparsable_answer"] == sorted([reason, "too_few_fields"])


def test_the_most_calls_of_a_page() -> None:
    assert extraction.most_calls(extraction.Knobs(tasks=3)) == 6
