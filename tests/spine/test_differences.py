"""What differs between two releases: rows matched by input and place, and the reason of each that differs."""

from typing import Any

import pytest

from wellspring.tasks.spine.releases import differences
from wellspring.tasks.spine.releases.differences import Side

PRINTS = {"old": '{"k": 2}', "new": '{"k": 3}', "same": '{"k": 2}'}


def row(key: str, **other: Any) -> dict[str, Any]:
    usual = {
        "file": "messages/train",
        "line": 1,
        "row_id": f"answer to {key}",
        "made_id": f"question of {key}",
        "maker": "recipe",
        "method": "old",
        "answer_method": "answers",
        "model": "m",
        "document_id": f"text of {key}",
        "url": f"https://{key}.example/",
        "digest": key,
    }
    return {"key": key, **usual, **other}


def side(name: str, *rows: dict[str, Any], methods: tuple[str, ...] = ("old",), **said: Any) -> Side:
    found = Side(name, said)
    for one in rows:
        found.rows.setdefault(one["file"].rpartition("/")[0], {}).setdefault(one["key"], []).append(one)
        found.pages.setdefault(one["url"], set()).add(one["document_id"])
    found.methods = {("instructions", "recipe", print_): PRINTS[print_] for print_ in methods}
    return found


def why(a: Side, b: Side) -> dict[str, dict[str, int]]:
    return differences.between(a, b)["why"]


def test_what_is_the_same_is_the_same_whatever_line_it_is_on() -> None:
    a, b = side("a", row("x"), row("y", line=2)), side("b", row("y"), row("x", line=2))
    found = differences.between(a, b)

    assert found["rows"] == {"added": 0, "removed": 0, "changed": 0, "same": 2}
    assert (found["is_same"], found["changes"]) == (True, [])


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"row_id": "z", "digest": "z"}, "another answer"),
        ({"row_id": "z", "digest": "z", "model": "n"}, "another model answered"),
        ({"digest": "z"}, "what is said of it"),
        ({"digest": "z", "made_id": "z", "document_id": "z"}, "new text of the page"),
        ({"digest": "z", "made_id": "z"}, "written anew"),
        ({"digest": "z", "made_id": "z", "method": "new"}, "settings: k"),
        ({"digest": "z", "made_id": "z", "method": "same"}, "prompt, version or model of the method"),
    ],
)
def test_a_row_of_the_same_input_and_place_is_changed_and_says_why(other: dict[str, Any], reason: str) -> None:
    method = other.get("method", "old")
    a, b = side("a", row("x")), side("b", row("x", **other), methods=(method,))
    found = differences.between(a, b)

    assert found["rows"] == {"added": 0, "removed": 0, "changed": 1, "same": 0}
    assert found["why"]["changed"] == {reason: 1}


def test_a_row_of_a_page_that_was_not_there_is_of_a_new_page() -> None:
    assert why(side("a", row("x")), side("b", row("x"), row("y")))["added"] == {"new page": 1}


def test_a_row_of_a_page_that_was_there_is_not() -> None:
    a, b = side("a", row("x")), side("b", row("x"), row("y", url="https://x.example/"))

    assert why(a, b)["added"] == {"new from the same page": 1}


def test_a_row_of_a_method_that_was_not_there_is_of_it() -> None:
    known, new = row("x", url=""), row("y", url="", method="new")

    assert why(side("a", known), side("b", known, new, methods=("old", "new")))["added"] == {"settings: k": 1}
    assert why(side("a", known, methods=()), side("b", known, row("y", url="")))["added"] == {"new method": 1}


@pytest.mark.parametrize("left_out", ["threshold", "quota", "excluded", "no echo"])
def test_a_row_that_was_left_out_says_for_what(left_out: str) -> None:
    a, b = side("a", row("x"), row("y")), side("b", row("x"))
    b.left_out["y"] = left_out

    assert why(a, b)["removed"] == {left_out: 1}
    assert why(b, a)["added"] == {f"no longer: {left_out}": 1}


def test_a_row_whose_method_or_page_is_another_now_says_so() -> None:
    a, kept = side("a", row("x"), row("y")), row("x")
    of_method = side("b", row("x", method="new"), methods=("new",))
    of_page = side("b", kept)
    of_page.pages["https://y.example/"] = {"another text"}

    assert why(a, of_method)["removed"] == {"settings: k": 1}
    assert why(a, of_page)["removed"] == {"new text of the page": 1}
    assert why(a, side("b", kept))["removed"] == {"its input is no longer in force": 1}


def test_rows_of_one_key_are_matched_by_what_they_are_first() -> None:
    a = side("a", row("x", digest="1", row_id="1"), row("x", digest="2", row_id="2"))
    b = side("b", row("x", digest="2", row_id="2"), row("x", digest="3", row_id="3"))
    found = differences.between(a, b)

    assert found["rows"] == {"added": 0, "removed": 0, "changed": 1, "same": 1}
    assert [(one["id_a"], one["id_b"]) for one in found["changes"]] == [("1", "3")]


def test_a_form_that_one_side_does_not_have_makes_no_row_new_and_all_its_lines() -> None:
    a, b = side("a", row("x")), side("b", row("x"), row("x", file="alpaca/train", digest="z"))
    found = differences.between(a, b)

    assert found["rows"]["same"] == 1
    assert found["changes"] == []
    assert found["forms"] == [
        {"form": "messages", "rows_a": 1, "rows_b": 1},
        {"form": "alpaca", "rows_a": 0, "rows_b": 1},
    ]
    assert differences.new_lines(a, b) == {"alpaca/train": [1]}


def test_a_row_that_moved_from_one_split_to_the_other_is_the_same() -> None:
    a, b = side("a", row("x")), side("b", row("x", file="messages/validation"))

    assert differences.between(a, b)["rows"]["same"] == 1
