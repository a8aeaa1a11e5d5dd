"""The stand-in answers a prompt that stands under a heading from its examples, and any other prompt as ever."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.headed import TEXT
from wellspring.tasks.contracts import headings, prompting
from wellspring.tasks.contracts.headings import Headings
from wellspring.tasks.contracts.prompting import Message, fenced
from wellspring.tasks.io.protocol import requests
from wellspring.tasks.io.standin import extractive

SAID = 'The reservoir of "Aller" leaks.\nEngineers measure its pressure every day. Two mills stand still in spring.'
SHORT = 'In short: The reservoir of "Aller" leaks.'
SCHEMA = {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]}


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Headings]:
    path = tmp_path / "mine.md"
    path.write_text(TEXT)
    read = headings.read(path, "mine")
    headings.register("mine", read)
    yield read
    del headings._registered["mine"]
    headings._recognised.cache_clear()


def body(messages: tuple[Message, ...], schema_name: str = "", **more: Any) -> dict[str, Any]:
    said = [{"role": message.role, "content": message.content} for message in messages]
    shape = {"type": "json_schema", "json_schema": {"name": schema_name, "schema": SCHEMA}}
    return {"messages": said} | ({"response_format": shape} if schema_name else {}) | more


def clarify(mine: Headings, text: str = SAID, **more: Any) -> dict[str, Any]:
    return body(mine["clarify"].render(audience="all", text=fenced("text", text)), "mine-clarify", **more)


def test_a_request_is_answered_by_the_examples_of_its_heading(mine: Headings) -> None:
    found = {json.loads(extractive.complete(clarify(mine, seed=seed)))["question"] for seed in range(20)}

    assert SHORT in found
    rest = found - {SHORT}
    assert all(question.endswith(f", and {SAID}") for question in rest)
    assert len({question.removesuffix(f", and {SAID}") for question in rest}) > 2


def test_the_same_request_has_the_same_answer_and_others_differ(mine: Headings) -> None:
    said = [extractive.complete(clarify(mine, seed=seed)) for seed in range(8)]

    assert said == [extractive.complete(clarify(mine, seed=seed)) for seed in range(8)]
    assert len({one[:20] for one in said}) > 2


def test_a_long_field_is_cut_at_a_word(mine: Headings) -> None:
    long = clarify(mine, "meadows " * 200)
    said = next(one for seed in range(20) if ", and" in (one := extractive.complete(long | {"seed": seed})))

    question = json.loads(said)["question"].partition(", and ")[2]
    assert question == ("meadows " * 75).strip()


def test_plain_text_is_answered_by_the_heading_that_it_is_recognised_as(mine: Headings) -> None:
    asked = body(mine["reply"].render(question="What is the use of a reservoir? Who can repair a mill in spring?"))

    found = {extractive.complete(asked | {"seed": seed}) for seed in range(20)}

    assert "$1, I think." in found
    assert all(said.startswith("It is Who can repair a mill in spring? (") for said in found - {"$1, I think."})
    assert len(found) > 2


@pytest.mark.parametrize("structure", requests.STRUCTURES)
def test_a_heading_is_answered_in_whatever_form_its_schema_is_asked_for(mine: Headings, structure: str) -> None:
    asked = clarify(mine)

    requests.ask_structure(asked, structure)

    assert json.loads(extractive.complete(asked))["question"].endswith((SHORT, f", and {SAID}"))


def test_a_server_without_a_system_part_answers_by_the_heading_too(mine: Headings) -> None:
    asked = clarify(mine)
    merged = asked | {"messages": requests.merged_system(asked["messages"])}

    found = {json.loads(extractive.complete(merged | {"seed": seed}))["question"] for seed in range(9)}

    assert SHORT in found
    assert all(question.endswith(f", and {SAID}") for question in found - {SHORT})


def test_prompts_of_today_are_answered_as_if_there_were_no_headings(
    mine: Headings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = {"keywords": "recipes", "scene": "recipes", "seven_criteria": "judges"}
    loaded = [prompting.load(f"wellspring.tasks.{room}", name) for name, room in rooms.items()]
    prompts = [method.prompt({"text": SAID, "document_text": SAID}, None) for method in loaded]
    asked = [body(prompt.messages, name) for prompt in prompts for name in ("", "keywords")]
    asked += [body((Message("user", mine["clarify"].user),)), body((Message("user", SAID),), "mine-other")]

    found = [extractive.complete(one) for one in asked]
    monkeypatch.setattr(extractive, "_heading", lambda _: None)

    assert found == [extractive.complete(one) for one in asked]
