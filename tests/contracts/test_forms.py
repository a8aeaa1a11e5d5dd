"""The form of an answer is the last thing that a prompt says, and a copy of it is no answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.plugins import JUDGING, RECIPES
from wellspring.tasks.contracts.prompting import load, template, text_field
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.operations import reviewing
from wellspring.tasks.spine.running import recipes

ROOMS = Path(__file__).parents[2] / "tasks"
PROGRAMS = [*RECIPES.names(), *JUDGING.names()]


def _program(name: str) -> recipes.Recipe:
    found = recipes.find(name, Settings(), JUDGING if name in JUDGING.names() else RECIPES)
    assert found is not None
    return found


WITH_FORM = sorted(
    (path.parent.name, path.stem)
    for room in ("recipes", "judges")
    for path in (ROOMS / room).glob("[a-z]*.md")
    if path.stem not in PROGRAMS
    if load(f"wellspring.tasks.{room}", path.stem).schema is not None
)


ASKED = [
    (name, heading, form)
    for name in PROGRAMS
    for heading, form in reviewing.forms(_program(name)).items()
    if issubclass(form, Answered)
]


@pytest.mark.parametrize(("name", "heading", "form"), ASKED, ids=lambda one: one if isinstance(one, str) else "")
def test_the_form_is_the_last_line_of_a_program_s_prompt_and_a_copy_of_it_is_refused(
    name: str, heading: str, form: type[Answered]
) -> None:
    prompt = _program(name).headings[heading]
    said = prompt.user.rsplit("\n", 1)[-1]

    assert list(json.loads(said)) == form.identity()["required"]
    with pytest.raises(Rejection):
        form.read(said, prompt)
    with pytest.raises(Rejection):
        form.read(said.replace("<", "").replace(">", ""), prompt)


def _form(room: str, name: str) -> dict[str, Any]:
    return json.loads(template(f"wellspring.tasks.{room}", name).user.rsplit("\n", 1)[-1])


@pytest.mark.parametrize(("room", "name"), WITH_FORM)
def test_the_form_is_the_last_line_of_the_user_turn_and_has_the_keys_of_the_schema(room: str, name: str) -> None:
    schema = load(f"wellspring.tasks.{room}", name).schema or {}

    assert list(_form(room, name)) == schema["required"]
    assert (
        "{"
        not in template(f"wellspring.tasks.{room}", name)
        .system.replace("${", "")
        .split("Example")[0]
        .split("examples.")[0]
    )


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize(("room", "name"), WITH_FORM)
def test_a_copy_of_the_form_is_refused(room: str, name: str, *, bare: bool) -> None:
    said = json.dumps(_form(room, name))
    row = {"pages": ["a", "b"], "question": "Is it?"}

    with pytest.raises(Rejection):
        load(f"wellspring.tasks.{room}", name).parse(row, said.replace("<", "").replace(">", "") if bare else said)


@pytest.mark.parametrize(
    "value",
    [
        *("...", "…", "<query>", "<the message itself>", "The message itself.", "string", "N/A", '"..."', "[...]"),
        *("<more than one paragraph, how to take care of yourself", "<who can tell you>, <how one does it>."),
        *("{your text}", "Not applicable.", "fill in", "[a] [b]", "None"),
    ],
)
def test_what_only_holds_the_place_of_a_text_is_refused(value: str) -> None:
    with pytest.raises(Rejection) as refused:
        text_field({"query": value}, "query", _program("attributed_grounding").headings["write"])

    assert refused.value.reason == "placeholder"


@pytest.mark.parametrize(
    "value",
    [
        *("2 + 2 = ?", "Why does <br> not break my line?", "为什么", "What is None in Python?", '{"a": 1}'),
        *("<3 my new puppy, what do I feed him", "<p>Mend this</p>", "Fill in the form below: name, age"),
        *("Any text editor for Linux?", "The text is clear.", "The string is too long"),
    ],
)
def test_a_text_that_says_something_is_none(value: str) -> None:
    assert text_field({"query": value}, "query", _program("attributed_grounding").headings["write"]) == value
