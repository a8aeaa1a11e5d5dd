"""InsTag: each step that makes tags alike against its definition, and sampling against the paper's loop."""

import random

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.contracts.vectors import unit
from wellspring.tasks.methods.sets.instag import Knobs, associated, frequent, near, sampled, scores, spelling


def naive_sampled(tags: list[set[str]], size: int) -> list[int]:
    """The paper's loop: sort by the number of tags, and go over what is left until there are enough."""
    left = sorted(range(len(tags)), key=lambda row: -len(tags[row]))
    chosen: list[int] = []
    while len(chosen) < size:
        seen: set[str] = set()
        for row in list(left):
            if len(chosen) < size and any(tag not in seen for tag in tags[row]):
                seen |= tags[row]
                chosen.append(row)
                left.remove(row)
    return chosen


@pytest.mark.parametrize("seed", range(5))
def test_sampling_takes_what_the_loop_takes(seed: int) -> None:
    dice = random.Random(seed)
    tags = [{f"t{dice.randrange(12)}" for _ in range(dice.randrange(1, 6))} for _ in range(40)]

    assert all(sampled([sorted(own) for own in tags], size) == naive_sampled(tags, size) for size in (1, 7, 25, 40))


def test_rows_without_tags_come_last_and_end_the_loop() -> None:
    assert sampled([[], ["a"], [], ["a"]], 4) == [1, 3, 0, 2]


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
    found = [("q1", "tags", "Cooking"), ("q1", "tags", "cook"), ("q1", "tags", "maths"), ("q1", "steps", "f")]
    found += [("q2", "tags", "cooks"), ("q2", "tags", "Maths"), ("q3", "tags", "?")]
    words = sorted({tag for _, _, tag in found})
    tables = {
        "tags": pl.DataFrame(found, ["subject_id", "kind", "tag"], orient="row"),
        "tag_vectors": pl.DataFrame({"tag": words, "vector": unit(np.eye(len(words)))}),
    }
    rows = scores(tables, Knobs(least=1, support=3)).sort("subject_id").rows()

    assert rows == [("q1", "total", 2.0, "cook; math"), ("q2", "total", 2.0, "cook; math"), ("q3", "total", 0.0, "")]
