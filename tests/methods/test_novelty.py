"""A new text is refused for the first thing it is too near, and never for one that was itself refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.tasks.contracts.vectors import Vectors, pair_scores
from wellspring.tasks.methods.instructions import novelty
from wellspring.tasks.methods.instructions.novelty import repeats


def _unit(rows: int, seed: int, spread: float = 0.4) -> Vectors:
    """A few directions with noise around them, so that there are near and far pairs."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(5, 8))
    found = centres[chance.integers(0, 5, rows)] + spread * chance.normal(size=(rows, 8))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def _naive(fresh: Vectors, known: Vectors, ceiling: float) -> dict[int, int]:
    accepted = [(i, row) for i, row in enumerate(known)]
    refused: dict[int, int] = {}
    for i, row in enumerate(fresh):
        near = [n for n, other in accepted if pair_scores(other[None], row[None])[0] > ceiling]
        if near:
            refused[i] = min(near)
        else:
            accepted.append((len(known) + i, row))
    return refused


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 10_000), st.sampled_from([0.5, 0.8, 0.95]))
def test_it_equals_looking_at_each_pair_in_turn(new: int, old: int, seed: int, ceiling: float) -> None:
    fresh, known = _unit(new, seed), _unit(old, seed + 1)

    found = repeats(fresh, known, ceiling)

    assert {row: other for row, (other, _) in found.items()} == _naive(fresh, known, ceiling)
    assert all(cosine > ceiling for _, cosine in found.values())


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, known = _unit(300, 3), _unit(50, 4)
    whole = repeats(fresh, known, 0.9)

    monkeypatch.setattr(novelty, "BLOCK_SCORES", 7 * 350)
    in_blocks = repeats(fresh, known, 0.9)

    assert in_blocks == whole
    assert 0 < len(whole) < 300
