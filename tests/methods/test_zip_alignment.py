"""ZIP-FIT, and the level that makes it compress."""

import gzip

import pytest

from wellspring.tasks.methods.vectors.zip_alignment import alignments, compressed_bytes, distance, most_aligned

CODE = ["def add(a, b):\n    return a + b", "def mean(values):\n    return sum(values) / len(values)"]
PROSE = "The harbour lay quiet under a low winter sun, and nobody spoke of the storm."


def test_texts_like_the_target_are_aligned_most() -> None:
    texts = [PROSE, "def product(a, b):\n    return a * b", "zebra quilt"]

    assert most_aligned(texts, CODE, 1).tolist() == [1]


def test_equal_texts_are_near_and_unrelated_ones_far() -> None:
    data = (PROSE * 3).encode()

    assert distance(data, data) < 0.2
    assert distance(data, "".join(CODE).encode()) > 0.6


def test_the_level_of_the_published_package_tells_nothing_apart() -> None:
    def level_0(data: bytes) -> int:
        return len(gzip.compress(data, 0, mtime=0))

    data, other = (PROSE * 3).encode(), (CODE[0] * 8).encode()
    same, different = (
        (level_0(data + x) - min(level_0(data), level_0(x))) / level_0(max(data, x, key=len)) for x in (data, other)
    )

    assert abs(same - different) < 0.1
    assert distance(data, other) - distance(data, data) > 0.4


def test_the_alignment_is_one_minus_the_mean_distance() -> None:
    found = alignments([PROSE], CODE)

    assert found[0] == pytest.approx(1 - sum(distance(PROSE.encode(), c.encode()) for c in CODE) / 2)


def test_an_empty_text_is_compared_too() -> None:
    assert compressed_bytes(b"") > 0
    assert -1 < alignments([""], CODE)[0] < 1


def test_no_targets_are_said() -> None:
    with pytest.raises(ValueError, match="no targets"):
        alignments(["a"], [])
