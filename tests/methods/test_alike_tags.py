"""InsTag: each step that makes tags alike, against its definition."""

import numpy as np
import polars as pl

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.sets.alike_tags import Knobs, associated, frequent, near, scores, spelling


def test_spelling_and_rare_tags() -> None:
    said = ("Data-Analysis!", "writing_Emails", "bus", "  ")

    assert [spelling(tag) for tag in said] == ["data analysi", "writ email", "bus", ""]
    assert frequent({"1": frozenset("ab"), "2": frozenset("a")}, 2) == {"1": frozenset("a"), "2": frozenset("a")}


def test_near_tags_are_one_by_steps_and_go_by_the_most_frequent() -> None:
    angles = {"a": 0.0, "b": 0.3, "c": 0.6, "d": 1.5}  # a and c are near through b only
    vectors = {tag: np.array([np.cos(x), np.sin(x)], dtype=np.float32) for tag, x in angles.items()}
    tags = {"1": frozenset("abcd"), "2": frozenset("c")}

    assert near(tags, vectors, 1 - np.cos(0.31)) == {"a": "c", "b": "c"}
    assert near(tags, vectors, 1 - np.cos(0.29)) == {}


def test_a_tag_that_nearly_always_stands_beside_another_becomes_it() -> None:
    tags = {str(i): frozenset({"x", "y"} if i < 4 else {"x"}) for i in range(6)}

    assert associated(tags, 4, 0.99) == {"y": "x"}
    assert associated(tags, 5, 0.99) == {}
    assert associated({**tags, "7": frozenset("y")}, 4, 0.99) == {}


def test_the_total_is_the_number_of_tags_that_are_left_and_the_reason_names_them() -> None:
    found = [("q1", "tags", "Cooking"), ("q1", "tags", "cook"), ("q1", "tags", "maths"), ("q1", "process", "f")]
    found += [("q2", "tags", "cooks"), ("q2", "tags", "Maths"), ("q3", "tags", "?")]
    words = sorted({tag for _, _, tag in found})
    tables = {
        "tags": pl.DataFrame(found, ["subject_id", "kind", "tag"], orient="row"),
        "tag_vectors": pl.DataFrame({"tag": words, "vector": unit(np.eye(len(words)))}),
    }
    rows = scores(tables, Knobs(least=1, support=3)).sort("subject_id").rows()

    assert rows == [("q1", "total", 2.0, "cook; math"), ("q2", "total", 2.0, "cook; math"), ("q3", "total", 0.0, "")]
