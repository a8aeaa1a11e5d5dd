"""Facets: kinds put together as areas, and each measure under its aspect."""

from wellspring.tasks.methods.datasets.card import Facts, card
from wellspring.tasks.methods.datasets.facets import AREAS, ASPECTS, aspect, with_areas


def row(facet: str, value: str, rows: int, score: float | None) -> dict[str, object]:
    return {"facet": facet, "value": value, "rows": rows, "score": score}


def test_areas_stand_after_the_kinds_that_they_are_made_of() -> None:
    kinds = [
        row("kind of task", "classify", 1, 3.0),
        row("kind of task", "generate", 4, None),
        row("kind of task", "reason_with_numbers", 3, 7.0),
    ]
    turns = row("turns", "one", 8, 5.0)

    found = with_areas([*kinds, turns])

    assert found == [*kinds, row("area", "problem solving", 4, 6.0), row("area", "writing", 4, None), turns]
    assert with_areas([turns]) == [turns]


def test_each_kind_is_in_one_area_and_each_measure_has_one_aspect() -> None:
    kinds = [kind for of in AREAS.values() for kind in of]
    measures = [measure for of in ASPECTS.values() for measure in of]

    assert len(kinds) == len({*kinds}) == 11
    assert len(measures) == len({*measures})
    assert (aspect("mtld"), aspect("score_mean"), aspect("distance_to_seeds"), aspect("rows")) == (
        *("diversity", "quality", "importance", "-"),
    )


def test_the_card_shows_both() -> None:
    facts = Facts("x", "other", [], [], [], [], [], [], {}, facets=[row("turns", "one", 8, 5.0)])

    said = card(facts)

    assert "| turns | one | 8 | 5 |" in said
