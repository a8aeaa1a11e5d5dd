"""Rows into sequences: as a naive reference packs them, each once, and each sequence with the mix of the whole."""

import hashlib
import random
from collections import Counter
from fractions import Fraction

import pytest
import xxhash

from wellspring.tasks.methods.datasets import sequences
from wellspring.tasks.methods.datasets.sequences import WINDOW, Part, packed


def made(rows: int, groups: int, most: int, seed: int) -> list[Part]:
    drawn = random.Random(seed)
    return [
        Part(hashlib.sha256(f"{seed} {row}".encode()).hexdigest()[:20], f"g{int(drawn.random() ** 2 * groups)}", size)
        for row, size in enumerate(drawn.randint(1, most) for _ in range(rows))
    ]


def naive(parts: list[Part], length: int) -> list[list[Part]]:
    """The same rule, with all shares summed anew for each row."""
    left = sorted(parts, key=lambda part: xxhash.xxh64(part.id.encode()).intdigest())
    found: list[list[Part]] = []
    while left:
        found.append([])
        closed: set[str] = set()
        while open_groups := sorted({part.group for part in left} - closed):
            shares = [
                Fraction(
                    sum(part.tokens for done in found for part in done if part.group == group),
                    sum(part.tokens for part in parts if part.group == group),
                )
                for group in open_groups
            ]
            group = open_groups[shares.index(min(shares))]
            room = length - sum(part.tokens for part in found[-1])
            near = [part for part in left if part.group == group][:WINDOW]
            fits = [part for part in near if part.tokens <= room or not found[-1]]
            if fits:
                found[-1].append(fits[0])
                left.remove(fits[0])
            else:
                closed.add(group)
    return found


@pytest.mark.parametrize(("rows", "groups", "most", "length"), [
    (120, 4, 90, 200), (200, 3, 40, 150), (60, 1, 50, 100), (90, 30, 20, 64), (40, 5, 300, 100), (180, 2, 9, 1000),
    (0, 1, 1, 10),
])  # fmt: skip
def test_sequences_are_those_of_a_naive_reference_in_whatever_order_rows_come(
    rows: int, groups: int, most: int, length: int
) -> None:
    parts = made(rows, groups, most, seed=rows + length)

    found = packed(parts, length)

    assert found == naive(parts, length)
    assert packed(reversed(parts), length) == found
    assert Counter(part for sequence in found for part in sequence) == Counter(parts)
    assert all(len(sequence) == 1 or sum(part.tokens for part in sequence) <= length for sequence in found)


def test_each_half_of_the_sequences_has_the_mix_of_the_whole_and_little_room_is_left() -> None:
    parts = made(2_000, 4, 80, seed=3)
    whole = Counter(part.group for part in parts)
    assert max(whole.values()) > 2 * min(whole.values())

    found = packed(parts, 512)

    first = Counter(part.group for sequence in found[: len(found) // 2] for part in sequence)
    assert all(abs(first[group] / whole[group] - 0.5) < 0.06 for group in whole)
    assert sum(part.tokens for part in parts) / (512 * len(found)) > 0.97


def test_a_row_that_fits_goes_before_one_that_waits_but_not_from_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "WINDOW", 2)
    parts = sorted(made(5, 1, 1, seed=1), key=lambda part: xxhash.xxh64_intdigest(part.id.encode()))
    sized = [part._replace(tokens=size) for part, size in zip(parts, (6, 7, 9, 4, 1), strict=True)]

    assert [[part.tokens for part in sequence] for sequence in packed(sized, 10)] == [[6], [7], [9, 1], [4]]
