"""A part of a grounding says something of its own, in any script, or is refused with what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import template
from wellspring.tasks.methods.instructions import parts

GOOD = {
    "scene": "A treasurer has to choose between two savings plans and distrusts the yearly fee.",
    "ability": "compare two plans",
    "knowledge": "compound interest with fees",
    "output": "a short derivation",
    "extra_information": "",
}


def reason(changed: dict[str, str]) -> str:
    try:
        parts.check(GOOD | changed)
    except Rejection as refusal:
        return refusal.reason
    return ""


@pytest.mark.parametrize("name", ["scene", "ability", "knowledge", "output"])
@pytest.mark.parametrize(
    "said",
    [
        "js", ",", "...", "\u2026", "\u2014", "- - - -", "<scene>", "[your text here]", "{ability}", "none", "N/A",
        "TODO", "scene", "knowledge", "Query compositions", "a short phrase", "string", "lorem ipsum", "1, 2, 3",
        "\u3002\u3002\u3002", "no no no no no no", "____", "面包", "????? ?????",
    ],
)  # fmt: skip
def test_what_says_nothing_is_refused_in_every_field(name: str, said: str) -> None:
    assert reason({name: said}) == "no_substance"


@given(st.text("".join(map(chr, range(0x20, 0x41))) + "\u2026\u3002\uff01\uff1f\u2014\u00b7", max_size=40))
def test_signs_and_digits_alone_are_refused_everywhere(said: str) -> None:
    assert all(reason({name: said}) == "no_substance" for name in ("scene", *parts.PARTS))


@pytest.mark.parametrize(
    "said",
    [
        "a table", "translation", "C++ basics", "Zinsrechnung", "翻译英文", "요리 계획",
        "किताब लिखना", "حساب الفائدة",
        "สูตรขนมปัง", "расчёт процентов", "パンの発酵",
    ],
)  # fmt: skip
def test_a_short_phrase_of_any_script_is_kept(said: str) -> None:
    assert [reason({name: said}) for name in parts.PARTS] == ["", "", ""]


@pytest.mark.parametrize(
    "said",
    [
        "一位面包师想在出门时保存酵母\u3002",
        "요리사가 여름에 여행을 가려고 한다.",
        "Пекарь уезжает на три недели.",
    ],
)
def test_a_scene_of_any_script_is_kept(said: str) -> None:
    assert reason({"scene": said}) == ""


@pytest.mark.parametrize(("said", "expected"), [("", ""), ("none", ""), ("-", ""), ("...", "no_substance")])
def test_nothing_may_be_brought_along_but_dots_are_the_form(said: str, expected: str) -> None:
    assert reason({"extra_information": said}) == expected


def test_one_text_in_all_fields_is_refused() -> None:
    assert reason(dict.fromkeys(parts.PARTS, "plan the week")) == "no_substance"
    assert reason({"output": GOOD["scene"].upper()}) == "no_substance"
    assert reason({"output": GOOD["ability"]}) == ""


def test_a_copy_of_an_example_is_refused_letter_by_letter_or_nearly() -> None:
    shown = parts.examples(template("wellspring.tasks.recipes", "scene").system)
    told = [one for one in shown if len(one["scene"]) > 9]

    assert len(told) >= 1
    for example in told:
        near = example["scene"].replace(" a ", " one ", 1)
        for copied in (GOOD | {"scene": example["scene"]}, GOOD | {"scene": near}, example | {"scene": GOOD["scene"]}):
            with pytest.raises(Rejection) as caught:
                parts.check_copies(copied, shown)
            assert caught.value.reason == "copy_of_demonstration"
    parts.check_copies(GOOD, shown)


def test_pieces_of_several_examples_make_no_grounding() -> None:
    shown = parts.examples(template("wellspring.tasks.recipes", "scene").system)
    pieces = (
        "A nurse at a small print shop runs four workers processes which take jobs from one SQLite file until it"
        " doubles every hour. They have two days a week work a team of two employees."  # a model of 135M parameters
    )
    two_parts = {"ability": shown[0]["ability"], "output": f"{shown[1]['output']}."}

    for copied in (GOOD | {"scene": pieces}, GOOD | two_parts):
        with pytest.raises(Rejection) as caught:
            parts.check_pieces(copied, shown)
        assert caught.value.reason == "copy_of_demonstration"
    parts.check_pieces(GOOD | {"ability": shown[0]["ability"]}, shown)


def test_examples_are_read_wherever_they_stand_and_braces_are_no_harm() -> None:
    text = '{ {"a": 1} x {"scene": "S", "query_compositions": {"ability": "a", "knowledge": "k", "output": "o"}} }{'

    assert parts.examples(text) == [{"scene": "S", "ability": "a", "knowledge": "k", "output": "o"}]
