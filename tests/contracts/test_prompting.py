"""Prompts: fences that cannot be forged, hidden text gone, answers read however a model wraps them."""

import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts import prompting, visible
from wellspring.tasks.contracts.errors import BrokenError, Rejection, UsageError


@given(st.text())
def test_no_text_can_close_its_own_fence(text: str) -> None:
    fenced = prompting.fenced("document", text)

    opening = fenced.splitlines()[0]
    mark = opening.removeprefix("<document ").removesuffix(">")
    assert re.fullmatch(r"[0-9a-f]{12}", mark)
    assert fenced.count(f"</document {mark}>") == 1
    assert fenced.endswith(f"</document {mark}>")


def test_the_same_text_has_the_same_fence_and_another_text_another() -> None:
    assert prompting.fenced("document", "a") == prompting.fenced("document", "a")
    assert prompting.fenced("document", "a")[:25] != prompting.fenced("document", "b")[:25]


def test_what_a_person_cannot_see_a_model_does_not_see() -> None:
    hidden = "pay\u200bment \u202eevil\u202c \U000e0041\U000e0042 \x00\x1b[31m caf\u0065\u0301"

    assert visible.visible(hidden) == "payment evil  [31m café"


@pytest.mark.parametrize("typo", ["$page", "${page}", "5 $ each"])
def test_a_mistyped_field_of_a_prompt_file_is_named_with_its_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typo: str
) -> None:
    monkeypatch.delitem(sys.modules, "typing_room", raising=False)
    (tmp_path / "typing_room").mkdir()
    (tmp_path / "typing_room" / "__init__.py").touch()
    (tmp_path / "typing_room" / "mine.md").write_text(f"# user\n\nRead $text, for $$5.\nThen {typo}.\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(BrokenError, match=r"typing_room/mine\.md:4 names `\$"):
        prompting.template("typing_room", "mine").render(text="t")
    prompting.template.cache_clear()


def test_a_field_that_no_part_of_a_prompt_names_is_refused() -> None:
    asked = prompting.template("wellspring.tasks.recipes", "answer")

    with pytest.raises(BrokenError, match=r"wellspring/tasks/recipes/answer\.md:7 does not name `\$page`"):
        asked.render(**dict.fromkeys(asked.fields, "x"), page="p")


ANSWER = {"query": 'Why? {braces} and "quotes"', "scene": "a\nb", "n": [1, 2]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ANSWER),
        "```json\n" + json.dumps(ANSWER, indent=2) + "\n```",
        "Sure! Here is the JSON:\n```\n" + json.dumps(ANSWER, indent=2) + "\n```\nHope it helps.",
        "My thought {not json} first.\n" + json.dumps(ANSWER),
        json.dumps(ANSWER)[:-1] + ",}",
        json.dumps(ANSWER).replace("[1, 2]", "[1, 2,]"),
        json.dumps(ANSWER).replace("a\\nb", "a\nb"),
    ],
)
def test_an_object_is_read_however_it_is_wrapped(text: str) -> None:
    assert prompting.json_object(text, ("query", "scene")) == ANSWER


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot do that.", "unparsable_answer"),
        ("", "unparsable_answer"),
        ('{"query": ', "unparsable_answer"),
        ("[1, 2]", "unparsable_answer"),
        ("{" * 100_000, "unparsable_answer"),
        ('{"scene": "x"}', "incomplete_answer"),
    ],
)
def test_what_is_no_answer_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as caught:
        prompting.json_object(text, ("query",))

    assert caught.value.reason == reason


SAID = st.text(st.characters(exclude_characters="\b\f", exclude_categories=("Cs",)))  # no model means a backspace


@given(st.dictionaries(SAID, st.recursive(st.none() | st.booleans() | SAID, st.lists, max_leaves=5)))
def test_every_object_survives_a_fence(value: dict[str, object]) -> None:
    assert prompting.json_object("```json\n" + json.dumps(value) + "\n```") == value


def test_a_text_field_is_text_and_not_empty() -> None:
    assert prompting.text_field({"k": " a "}, "k") == "a"
    assert prompting.text_field({"k": ["a", "b"]}, "k") == "a, b"
    for bad in ({}, {"k": ""}, {"k": 3}, {"k": []}):
        with pytest.raises(Rejection, match="`k`"):
            prompting.text_field(bad, "k")


def test_a_recipe_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(UsageError, match="no `evol`") as caught:
        prompting.load("wellspring.tasks.recipes", "evol")

    assert "attributed_grounding" in caught.value.hint


def test_a_fingerprint_moves_with_the_settings_and_not_otherwise() -> None:
    method = prompting.load("wellspring.tasks.judges", "seven_criteria")

    assert method.fingerprint(model="a", k=1) == method.fingerprint(k=1, model="a")
    assert method.fingerprint(model="a") != method.fingerprint(model="b")


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648",
        "क्\u200dष और क्\u200cष",
        "শ্\u200dর",
        "\u0d28\u0d4d\u200d",
        "👩\u200d💻 ❤️\u200d🔥",
    ],
)
def test_joiners_stay_where_a_script_needs_them(text: str) -> None:
    assert visible.visible(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [("ig\u200cnore", "ignore"), ("a\u200d\u200cb", "ab"), ("\u200dx", "x"), ("می\u200c\u200c\u200dخ", "می\u200cخ")],
)
def test_joiners_that_no_script_needs_are_taken_out(text: str, seen: str) -> None:
    assert visible.visible(text) == seen
