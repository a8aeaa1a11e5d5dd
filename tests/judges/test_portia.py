"""PORTIA: where answers are split, how parts are shown, when the second split is asked, and who gets points."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import portia
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "portia"
LONG = "Strong 1. It is short. Then a far longer sentence about the roof comes. Then one of rain and of gutters."
SHORT = "Strong 2. A far longer sentence about the roof is here at once. The rain. Gutters too."

pytestmark = pytest.mark.usefixtures("unaudited")


def shown(body: dict[str, Any]) -> list[str]:
    return re.findall(r"<part \w+>\n(.*?)\n</part", body["messages"][1]["content"], re.DOTALL)


def said(better: str) -> str:
    return json.dumps({"evidence": "x", "better": better})


def by_strength(_: str, body: dict[str, Any]) -> str:
    first, second = re.findall(r"Strong (\d)", body["messages"][1]["content"])
    return said("tie" if first == second else "first" if first > second else "second")


def always_first(_: str, __: dict[str, Any]) -> str:
    return said("first")


def test_parts_end_with_sentences_are_of_one_length_and_lose_nothing() -> None:
    one, other = portia.aligned("One. Two. Three. Four five six.", "乙甲。你好。嗯嗯。", 3, portia.by_length)

    assert one == ["One. Two. ", "Three. ", "Four five six."]
    assert other == ["乙甲。", "你好。", "嗯嗯。"]
    assert portia.aligned("One. Two.", "A lone one", 3, portia.by_length) == (["One. Two."], ["A lone one"])
    code = "So:\n```py\na = 1. \nb = 2. \n```\nDone."
    assert portia.aligned(code, code, 3, portia.by_length)[0] == ["So:\n", "```py\na = 1. \nb = 2. \n```\n", "Done."]
    many = "".join(f"Sentence number {n}. " for n in range(200))
    assert "".join(portia.aligned(many, many, 4, portia.by_overlap)[0]) == many


def test_where_lengths_mislead_the_parts_with_most_words_in_common_stand_together() -> None:
    length = portia.aligned(LONG, SHORT, 3, portia.by_length)
    overlap = portia.aligned(LONG, SHORT, 3, portia.by_overlap)

    assert length != overlap
    assert [("roof" in a, "roof" in b) for a, b in zip(*overlap, strict=True)].count((True, True)) == 1
    assert [("rain" in a, "rain" in b) for a, b in zip(*overlap, strict=True)].count((True, True)) == 1
    assert portia.aligned("d b. b. b.", "b d c. c d c. a d b.", 2, portia.by_overlap)[1] == ["b d c. c d c. ", "a d b."]
    assert portia.aligned("Regen, Öl. Wind.", "öl. Ganz wind.", 2, portia.by_overlap)[1] == ["öl. ", "Ganz wind."]


def test_parts_are_shown_in_turn_in_both_orders_and_the_winner_is_paired(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, instruction, asked = judge_runs.play(NAME, settings, start, by_strength, [LONG, SHORT])

    assert len(asked) == 2
    names = [[part.partition(":")[0] for part in shown(body)] for body in asked]
    assert names == [[f"{one} answer, part {n} of 3" for n in (1, 2, 3) for one in ("First", "Second")]] * 2
    assert {"Strong 1" in shown(body)[0] for body in asked} == {True, False}
    assert judge_runs.totals(found, instruction, 2) == [0, 1]
    [pair] = found["preferences"]
    assert (pair["chosen_id"], pair["kind"]) == (judge_runs.id_of(instruction, 1), "verified")
    [note] = judge_runs.notes(found, "meeting")
    assert note["split"] == "length"


def test_a_verdict_that_follows_the_order_is_asked_again_by_the_second_split(
    settings: Callable[..., Settings], start: Start
) -> None:
    length = portia.aligned(LONG, SHORT, 3, portia.by_length)

    def wavering(heading: str, body: dict[str, Any]) -> str:
        is_first_split = any(length[0][1].strip() == part.partition("\n\n")[2] for part in shown(body))
        return said("first") if is_first_split else by_strength(heading, body)

    found, _, asked = judge_runs.play(NAME, settings, start, wavering, [LONG, SHORT])

    assert len(asked) == 4
    assert sorted(row["value"] for row in found["scores"]) == [0, 1]
    [note] = judge_runs.notes(found, "meeting")
    assert note["split"] == "overlap"


def test_what_stays_undecided_is_null_and_a_split_that_is_the_same_is_not_paid_again(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, _, asked = judge_runs.play(NAME, settings, start, always_first, ["Only one", "Another one"])

    assert len(asked) == 2
    assert [row["value"] for row in found["scores"]] == [None, None]
    assert {row["reason"] for row in found["rejections"]} == {"undecided"}
    assert found["preferences"] == []


def test_a_tie_is_half_a_point_each_and_the_knobs_bound_who_meets(
    settings: Callable[..., Settings], start: Start
) -> None:
    same = ["Strong 5. a", "Strong 5. b", "Strong 1. c"]
    found, instruction, asked = judge_runs.play(NAME, settings, start, by_strength, same)

    assert len(asked) == 2 * 3
    assert judge_runs.totals(found, instruction, 3) == [0.75, 0.75, 0]
    assert len(found["preferences"]) == 2


def test_the_knobs_bound_what_meets_and_what_is_paid(settings: Callable[..., Settings], start: Start) -> None:
    texts = [f"Strong {n}. x" for n in range(4)]
    found, _, asked = judge_runs.play(NAME, settings, start, by_strength, texts, "recipes.portia.answers=2")

    assert len(asked) == 2
    assert len(found["scores"]) == 2
    assert portia.most_calls(portia.Knobs()) == 24
