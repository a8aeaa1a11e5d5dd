"""Sides of pages: by site, and no near copy across them; what was exported stays where it was."""

import pytest

from wellspring.tasks.methods.datasets import holdout
from wellspring.tasks.methods.datasets.holdout import EVALUATION, NEITHER, TRAINING, Page

NEWS = "The old bridge over the river was closed on Monday since two of its eleven piers have sunk by 4 centimetres"
SITES = {"e.example": EVALUATION, "t.example": TRAINING, "u.example": TRAINING}
PAGES = [
    Page("e1", "e.example", NEWS),
    Page("e2", "e.example", "Tin melts at 232 degrees and is soft enough to be cut with a knife at home"),
    Page("t1", "t.example", f"{NEWS} ."),
    Page("t2", "t.example", "A slate roof lasts for a century if its nails are made of copper and not of iron"),
]


def sides(pages: list[Page] = PAGES, **exported: str) -> dict[str, str]:
    return holdout.sides(pages, 0.5, SITES, exported, 0.8)


@pytest.mark.parametrize(
    ("exported", "neither"),
    [
        ({}, "t1"),
        ({"t1": TRAINING}, "e1"),
        ({"e1": EVALUATION}, "t1"),
        ({"e1": EVALUATION, "t2": TRAINING}, "t1"),
        ({"e1": EVALUATION, "t1": TRAINING}, None),  # before there was a rule: nothing moves
    ],
)
def test_of_near_copies_what_was_exported_first_stays(exported: dict[str, str], neither: str | None) -> None:
    assert sides(**exported) == {
        page.document_id: NEITHER if page.document_id == neither else SITES[page.site] for page in PAGES
    }


def test_near_copies_are_found_along_a_chain() -> None:
    words = NEWS.split()
    links = [" ".join([*words[i:], *(f"word{j}" for j in range(i))]) for i in range(0, 9, 2)]
    chain = [Page(f"u{i}", "u.example", text) for i, text in enumerate(links)]
    ends = [Page("e1", "e.example", links[0]), chain[-1]]

    assert holdout.sides(ends, 0.5, SITES, {}, 0.6)["u4"] == TRAINING
    assert holdout.sides([ends[0], *chain], 0.5, SITES, {}, 0.6)["u4"] == NEITHER


def test_a_site_has_its_side_whatever_else_is_there_and_whatever_the_share_becomes() -> None:
    names = [f"site{i}.example" for i in range(400)]
    found = {name: holdout.side_of(name, 0.25, {}) for name in names}

    assert 60 < sum(side == EVALUATION for side in found.values()) < 140
    assert {name: holdout.side_of(name, 0.0, found) for name in names} == found
    assert {name: holdout.side_of(name, 0.9, found) for name in names} == found
    assert found == {name: holdout.side_of(name, 0.25, {}) for name in reversed(names)}


@pytest.mark.parametrize(
    ("pages", "side"),
    [
        ([], (TRAINING, "")),
        ([TRAINING, TRAINING], (TRAINING, "")),
        ([EVALUATION], (EVALUATION, "")),
        ([EVALUATION, TRAINING], (NEITHER, holdout.MIXED)),
        ([EVALUATION, NEITHER], (NEITHER, holdout.NEAR_COPY)),
    ],
)
def test_a_row_is_where_all_its_pages_are(pages: list[str], side: tuple[str, str]) -> None:
    assert holdout.together(pages) == side


def test_the_card_says_what_it_is_kept_apart_from_and_how_often_tasks_are_solved() -> None:
    row = {"kind": "amount", "domain": "e.example", "solved": {"strong": [2, 3], "weak": [1, 3], "closed": [0, 2]}}
    page = holdout.card("mine", "CC0-1.0", 0.1, [row, {**row, "solved": {"strong": [1, 1]}}], {holdout.NEAR_COPY: 3})

    assert "| amount | 2 | 75% | 33% | 0% |" in page
    assert "3 rows were left out of both sides: a near copy is on the other side." in page
    assert "Of all sites 10% are for evaluation" in page
