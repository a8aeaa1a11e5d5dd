"""Quotas: the declared order of choice, against a reference that says it in another way."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.datasets.quotas import Candidate, best_per_topic, control

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(lambda u: u.hex[:8]),
        st.sampled_from([5.0, 6.0, 7.0]),
        st.sampled_from([0.1, 0.5]),
        st.integers(0, 4),
        st.sampled_from(["a.example", "b.example", None]),
    ),
    max_size=30,
    unique_by=lambda c: c.instruction_id,
)


def in_order(candidates: list[Candidate]) -> list[Candidate]:
    """The declared order within a topic."""
    return sorted(candidates, key=lambda c: (-c.score, -c.novelty, c.instruction_id))


def test_ties_of_the_score_go_to_the_newer_then_to_the_lower_id() -> None:
    candidates = [
        Candidate("c", 7.0, 0.2, 0, None),
        Candidate("b", 7.0, 0.9, 0, None),
        Candidate("a", 7.0, 0.2, 0, None),
        Candidate("d", 6.0, 1.0, 0, None),
    ]

    assert [taken.instruction_id for taken in best_per_topic(candidates, 0, 0, 1.0)] == ["b", "a", "c", "d"]


@pytest.mark.slow
@given(CANDIDATES, st.integers(0, 20), st.integers(0, 3), st.randoms())
def test_each_topic_gives_in_turn_and_order_of_input_does_not_matter(
    candidates: list[Candidate], budget: int, per_topic: int, random: object
) -> None:
    taken = best_per_topic(candidates, budget, per_topic, 1.0)
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    known = {c.instruction_id: c for c in candidates}
    quota = [in_order([known[t.instruction_id] for t in taken if t.topic == topic]) for topic in range(5)]
    best = [in_order([c for c in candidates if c.topic == topic]) for topic in range(5)]
    assert quota == [of_topic[: len(mine)] for mine, of_topic in zip(quota, best, strict=True)]
    assert len(taken) == min(budget or len(candidates), sum(min(per_topic or 99, len(of)) for of in best))
    assert best_per_topic(shuffled, budget, per_topic, 1.0) == taken
    sizes = Counter(t.topic for t in taken)
    full = [topic for topic in range(5) if sizes[topic] == min(per_topic or 99, len(best[topic]))]
    others = [sizes[topic] for topic in range(5) if topic not in full]
    assert max(others, default=0) - min(others, default=0) <= 1  # topics that could give more gave alike


@given(CANDIDATES, st.floats(0.05, 1.0))
def test_no_domain_passes_its_share(candidates: list[Candidate], share: float) -> None:
    taken = best_per_topic(candidates, 0, 0, share)

    known = {c.instruction_id: c.domain for c in candidates}
    counts = Counter(known[t.instruction_id] for t in taken)
    most = len(candidates) if share >= 1 else max(1, int(share * len(candidates)))
    assert all(count <= most for domain, count in counts.items() if domain)


@given(
    st.lists(st.tuples(st.uuids().map(str), st.integers(0, 3)), unique_by=lambda c: c[0], max_size=30),
    st.integers(0, 30),
)
def test_a_control_is_the_same_in_any_order_and_another_with_another_seed(
    pool: list[tuple[str, int]], size: int
) -> None:
    drawn = control(pool, size, "0/0")

    assert len(drawn) == min(size, len(pool))
    assert control(pool[::-1], size, "0/0") == drawn
    assert {t.instruction_id for t in drawn} <= {id_ for id_, _ in pool}


def test_controls_draw_everything_alike_often() -> None:
    pool = [(f"i{n}", 0) for n in range(20)]
    counts = Counter(taken.instruction_id for seed in range(2000) for taken in control(pool, 5, str(seed)))

    assert len(counts) == 20
    assert all(count == pytest.approx(500, rel=0.2) for count in counts.values())
