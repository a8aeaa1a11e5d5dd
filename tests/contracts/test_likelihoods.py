"""Log-probabilities: what digits and words of a choice have of them, and what is not guessed."""

import json
from math import log

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.likelihoods import Place, choice, expected_digit, places


def at(token: str, **shares: float) -> Place:
    likely = {name.removeprefix("d").replace("_", " "): share for name, share in shares.items()}
    return Place(token, log(likely[token]), tuple((one, log(share)) for one, share in likely.items()))


def test_what_a_record_says_is_read() -> None:
    assert places("") == ()
    assert places(json.dumps([["a", -0.5, [["a", -0.5], ["b", -1.0]]]])) == (
        Place("a", -0.5, (("a", -0.5), ("b", -1.0))),
    )


def test_the_last_place_with_a_digit_holds_the_number_and_forms_of_one_digit_are_one() -> None:
    answer = [at("1", d1=1.0), at("score", score=1.0), at("7", d7=0.3, _7=0.3, d4=0.3, x=0.1), at("}", **{"}": 1.0})]

    assert expected_digit(answer) == pytest.approx((7 * 0.6 + 4 * 0.3) / 0.9)


@pytest.mark.parametrize("answer", [[], [at("17", **{"17": 1.0})], [at("x", x=0.5, d7=0.5)]])
def test_a_token_that_is_no_digit_is_no_number(answer: list[Place]) -> None:
    with pytest.raises(Rejection, match="no_number"):
        expected_digit(answer)


def test_the_words_of_a_choice_have_all_the_probability_between_them() -> None:
    answer = [at("I", I=1.0), at(" Yes", _Yes=0.6, _no=0.2, yes=0.1, maybe=0.1), at(".", **{".": 1.0})]

    assert choice(answer, ("yes", "no")) == pytest.approx({"yes": 0.7 / 0.9, "no": 0.2 / 0.9})
    assert choice([at("contra", contra=0.5, ent=0.5)], ("entailment", "contradiction", "neutral"))["neutral"] == 0


def test_no_word_of_a_choice_is_no_choice_nor_is_what_begins_two() -> None:
    for answer in ([at("maybe", maybe=1.0)], [at("n", n=1.0)]):
        with pytest.raises(Rejection, match="no_choice"):
            choice(answer, ("no", "neither"))
