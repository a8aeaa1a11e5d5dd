"""A class of answers: the schemas that ask for it, the classes that are refused, and what is read or rejected."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model

from tests import hostile
from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.answers import LONGEST, Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes.choice import Choice
from wellspring.tasks.spine.running import recipes

KEPT = [
    line.split(" ", 2)
    for line in (Path(__file__).parents[1] / "data" / "answer_schemas.txt").read_text(encoding="utf-8").splitlines()
]


class Step(Answered):
    """One step of a plan."""

    does: Annotated[str, Field(max_length=20)]
    minutes: Annotated[float, Field(gt=0)]


class Plan(Answered):
    """A plan, with one field of each kind."""

    thought: Aside
    title: Annotated[str, Field(min_length=3, max_length=40, description="A few words.")]
    """What stands above it."""
    notes: Annotated[str, Field(max_length=LONGEST)]
    level: Literal["easy", "hard"]
    people: Annotated[int, Field(ge=1, le=9)]
    is_safe: bool
    tools: Annotated[list[str], Field(min_length=1, max_length=3)]
    steps: list[Step]
    first: Step
    warning: str | None


FIRST = {"does": "Boil water", "minutes": 5}
GOOD: dict[str, Any] = {
    "thought": "Tea, then.", "title": "How to make tea", "notes": "Warm the pot.", "level": "easy", "people": 2,
    "is_safe": True, "tools": ["a pot", "a stove"], "steps": [FIRST], "first": FIRST, "warning": None,
}  # fmt: skip
STEP = {
    "type": "object",
    "properties": {"does": {"type": "string"}, "minutes": {"type": "number"}},
    "required": ["does", "minutes"],
    "additionalProperties": False,
}


def method(room: str, name: str) -> tuple[Any, Callable[..., Any]]:
    """The schema that a recipe or a judge is answered in, and what reads its answers."""
    program = recipes.find(name, Settings()) if room == "recipes" else None
    if program is None:
        found = prompting.load(f"wellspring.tasks.{room}", name)
        return found.schema, found.parse
    (form,) = recipes.answers(program.module)
    return form.identity(), lambda _, text: form.read(text, program.headings["write"])


def read(**changed: Any) -> Plan:
    return Plan.read(json.dumps({key: value for key, value in (GOOD | changed).items() if value is not ...}))


@pytest.mark.parametrize(("room", "name", "schema"), KEPT, ids=[name for _, name, _ in KEPT])
def test_the_answers_of_a_method_are_recorded_under_the_bytes_that_stores_have(
    room: str, name: str, schema: str
) -> None:
    """An answer is found by them in every store; a line of the file changes only with a VERSION."""
    assert json.dumps(method(room, name)[0]) == schema


def test_a_schema_is_closed_inlined_in_order_and_holds_no_prose_and_no_lengths_of_texts() -> None:
    schema = Plan.identity()

    assert schema["additionalProperties"] is False
    assert schema["required"] == list(schema["properties"]) == list(Plan.model_fields)
    assert json.dumps(list(schema["properties"].values())) == json.dumps([
        {"type": "string"}, {"type": "string"}, {"type": "string"},
        {"type": "string", "enum": ["easy", "hard"]},
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
        {"type": "array", "items": STEP},
        STEP,
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ])  # fmt: skip


def test_the_wire_adds_lengths_that_every_server_with_lengths_takes() -> None:
    properties = Plan.wire()["properties"]

    assert properties["title"] == {"type": "string", "minLength": 3, "maxLength": 40}
    assert properties["notes"] == {"type": "string"}
    assert properties["first"]["properties"]["does"] == {"type": "string", "maxLength": 20}
    assert Choice.wire() == Choice.identity()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ((str, "tea"), "default"),
        ((str | None, None), "default"),
        (dict[str, int], "anything"),
        (dict, "anything"),
        (list, "anything"),
        (Any, "anything"),
        (list[dict[str, str]], "anything"),
        (Step | Plan, "union"),
        (str | int, "union"),
        (list[Step | str], "union"),
        (set[str], "nobody knows"),
    ],
    ids=str,
)
def test_a_class_that_cannot_be_asked_for_is_refused_when_it_is_made(kind: Any, why: str) -> None:
    field = kind if isinstance(kind, tuple) else (kind, ...)

    with pytest.raises(TypeError, match=rf"Made\.tea .*{why}"):
        create_model("Made", __base__=Answered, tea=field)


def test_a_class_that_holds_itself_is_refused() -> None:
    with pytest.raises(TypeError, match="within itself"):

        class Node(Answered):  # pyright: ignore[reportUnusedClass]
            """A tree."""

            inner: "list[Node]"


def test_a_class_that_names_what_comes_after_it_is_refused() -> None:
    with pytest.raises(TypeError, match="comes after it"):

        class Early(Answered):  # pyright: ignore[reportUnusedClass]
            """Too early."""

            inner: "Later"  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable]


@pytest.mark.parametrize(
    ("field", "said", "value"),
    [
        ("thought", ..., ""),
        ("thought", 3, "3"),
        ("title", ["soup", "bread"], "soup, bread"),
        ("level", "Hard.", "hard"),
        ("people", " 3 ", 3),
        ("is_safe", "No", False),
        ("tools", ["a", 3, None, "...", "b", "c", "d"], ["a", "b", "c"]),
        ("steps", [FIRST, "stir", {"does": "Stir"}], [Step.model_validate(FIRST)]),
        ("warning", ..., None),
        ("warning", "Hot!", "Hot!"),
    ],
)
def test_the_form_of_what_a_model_wrote_is_forgiven(field: str, said: Any, value: Any) -> None:
    assert getattr(read(**{field: said}), field) == value


@pytest.mark.parametrize(
    ("field", "said", "reason"),
    [
        ("title", ..., "incomplete_answer"),
        ("title", " ", "incomplete_answer"),
        ("title", "<title>", "placeholder"),
        ("title", "ab", "incomplete_answer"),
        ("title", "a" * 41, "incomplete_answer"),
        ("notes", "a" * (LONGEST + 1), "incomplete_answer"),
        ("level", "medium", "incomplete_answer"),
        ("people", 0, "mark_out_of_range"),
        ("people", 10, "mark_out_of_range"),
        ("people", 1.5, "incomplete_answer"),
        ("people", True, "incomplete_answer"),
        ("is_safe", 1, "incomplete_answer"),
        ("tools", "a pot", "incomplete_answer"),
        ("tools", [], "incomplete_answer"),
        ("first", [], "incomplete_answer"),
        ("first", {"does": "Wait", "minutes": 0}, "mark_out_of_range"),
        ("first", {"does": "Wait"}, "incomplete_answer"),
        ("warning", 3, "incomplete_answer"),
    ],
)
def test_what_does_not_keep_its_type_or_its_bounds_is_rejected(field: str, said: Any, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        read(**{field: said})

    assert refused.value.reason == reason


def test_a_step_that_breaks_a_bound_is_left_out_and_the_others_are_kept() -> None:
    assert len(read(steps=[FIRST, {"does": "a" * 21, "minutes": 1}]).steps) == 1


def test_an_object_that_lacks_a_field_is_a_draft_and_one_that_lacks_an_aside_is_not() -> None:
    assert Choice.read('{"best": 2} or rather {"comparison": "The first says more."}').best == 2


def test_the_fault_of_a_field_that_comes_first_is_told() -> None:
    said = json.dumps(GOOD | {"title": "", "people": 99, "is_safe": "<safe>"})

    with pytest.raises(Rejection, match="is_safe"):
        Plan.read(said, first=("is_safe",))


def test_a_plain_text_is_kept_as_it_was_written_and_white_space_is_none() -> None:
    assert Text.read(" In winter.\n\n- Cut\n") == Text("In winter.\n\n- Cut")
    with pytest.raises(Rejection, match="empty_answer"):
        Text.columns({}, " \n\t")


def outcome(parse: Callable[[str], Any], text: str) -> str:
    """Return the reason of a rejection, or "" if the text was read."""
    try:
        assert parse(text)
    except Rejection as refused:
        return refused.reason
    return ""


REASONS = {"", "unparsable_answer", "incomplete_answer", "placeholder", "mark_out_of_range"}


@settings(max_examples=40)
@given(st.sampled_from(list(GOOD)), hostile.anything())
def test_any_value_in_any_field_is_read_or_rejected(field: str, odd: Any) -> None:
    assert outcome(Plan.read, json.dumps(GOOD | {field: odd})) in REASONS


PLAIN = ["Is it so?", "yes", "first", 1, True, ["Is it?", "Does it?"], [], GOOD]
VALUES = st.sampled_from([*hostile.VALUES.values(), *map(json.dumps, PLAIN)])


@pytest.mark.parametrize(("room", "name", "schema"), KEPT, ids=[name for _, name, _ in KEPT])
@settings(max_examples=40)
@given(data=st.data())
def test_any_values_in_the_fields_of_a_method_are_read_or_rejected(
    room: str, name: str, schema: str, data: st.DataObject
) -> None:
    _, parse = method(room, name)
    said = [f"{json.dumps(field)}: {data.draw(VALUES)}" for field in json.loads(schema)["required"]]
    row = {"pages": ["a", "b"], "question": "Is it so?"}

    found = outcome(partial(parse, row), "{" + ", ".join(said) + "}")

    assert found in REASONS | {"choice_out_of_range", "unknown_category"}
