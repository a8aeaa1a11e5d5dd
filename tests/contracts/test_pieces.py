"""Pages are cut at their sentences, and a text that lost its piece is refused."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import Pieces, check, numbers, pieces

PIECE = "The pump of 1998 lifts 12 metres and uses 400 watts. It needs a valve of 25 millimetres, and 3 bolts."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PIECE.upper().replace(" ", "\n"), "copy_of_document"),
        ("1998, 12, 400, 25.", "too_short"),
        ("The old pump lifts 12 metres and uses 400 watts. It needs a wide valve and some bolts.", "loses_numbers"),
    ],
)
def test_a_text_that_is_its_piece_or_far_shorter_or_has_lost_its_numbers_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        check(text, PIECE, Pieces(least_numbers=0.75))

    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "A pump of 1998: 12, 400, 25.",
        "The old pump of 1998 lifts 12 metres and uses 400 watts. It needs a valve and some bolts.",
        "Die Pumpe von \u0661\u0669\u0669\u0668 hebt 12 Meter und braucht \uff14\uff10\uff10 Watt und ein Ventil.",
    ],
)
def test_a_text_that_keeps_most_numbers_of_its_piece_stands_for_it(text: str) -> None:
    check(text, PIECE, Pieces(least_numbers=0.75))


def test_numbers_are_told_by_their_digits_however_they_are_grouped() -> None:
    assert numbers("1,000.50 of 1.000,50, since 1998; 3 bolts") == {"100050", "1998"}


@pytest.mark.parametrize(("text", "size"), [("", 50), (" \n\n ", 50), ("x", 50), ("\u6c34\u3002" * 200, 50)])
def test_a_text_is_cut_into_pieces_that_hold_all_of_it(text: str, size: int) -> None:
    found = pieces(text, size)

    assert "".join(found) == text.strip()
    assert len(found) == {0: 0, 1: 1, 400: 8}[len(text.strip())]


def test_pieces_are_even_and_end_at_sentences() -> None:
    text = " ".join(f'Pump {n:03} of "Smith & Co." lifts 3.5 metres of water.' for n in range(60))
    found = pieces(text, 300)

    assert " ".join(found) == text
    assert len(found) == 3
    assert all(piece.startswith("Pump") and piece.endswith("water.") for piece in found)
    assert max(map(len, found)) - min(map(len, found)) < 60


def test_words_without_an_end_are_cut_between_words() -> None:
    text = " ".join(["submersible"] * 400)
    found = pieces(text, 100)

    assert " ".join(found) == text
    assert len(found) == 12
    assert max(map(len, found)) <= 600
