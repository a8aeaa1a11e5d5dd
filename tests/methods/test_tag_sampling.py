"""Complexity-first diverse sampling against the paper's loop."""

import random

import pytest

from wellspring.tasks.methods.vectors.tag_sampling import sampled


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
