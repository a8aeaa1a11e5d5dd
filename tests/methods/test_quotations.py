"""Quotations: the runs of a text are those of a loop, all that was entered is found, and little else."""

import random

import numpy as np
import polars as pl
import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.methods.answers.pairs import Draw, widest_pair
from wellspring.tasks.methods.pages import quotations
from wellspring.tasks.methods.sets.quote_tuning import Knobs, scores

DICE = random.Random(4)
PAGE = "".join(DICE.choices("abcdefghij é字\U0001f600", k=60_000))


def naive_runs(text: str) -> list[str]:
    plain = " ".join(text.split())
    return [plain[i : i + 25] for i in range(len(plain) - 24)]


def filter_of(*pages: str) -> quotations.Bits:
    bits = np.zeros((quotations.blocks(sum(map(quotations.count, pages))), quotations.BLOCK_WORDS), np.uint64)
    for page in pages:
        quotations.enter(quotations.grams(page), bits)
    return bits


def test_equal_runs_have_one_hash_wherever_they_stand_and_others_have_others() -> None:
    runs = naive_runs(PAGE)
    hashes = quotations.grams(PAGE).tolist()
    alone = [quotations.grams(f"{run}").tolist() for run in runs[:300] if run == run.strip()]

    assert len(hashes) == len(runs)
    assert len({*hashes}) == len({*runs})
    assert alone == [[one] for run, one in zip(runs[:300], hashes, strict=False) if run == run.strip()]
    assert len(quotations.grams("x" * 24)) == 0


def test_what_was_entered_is_found_and_of_other_runs_less_than_one_in_a_hundred() -> None:
    bits = filter_of(PAGE)
    other = "".join(DICE.choices("klmnopqrst", k=60_000))

    assert quotations.holds(quotations.grams(PAGE.replace(" ", "\n \t")), bits).all()
    assert 0 < quotations.holds(quotations.grams(other), bits).mean() < 0.01
    assert bits.nbytes * 8 / len(naive_runs(PAGE)) == pytest.approx(quotations.BITS_A_GRAM, rel=0.01)


def test_a_billion_characters_take_a_gigabyte_and_a_half() -> None:
    assert quotations.blocks(10**9) * quotations.BLOCK_WORDS * 8 == pytest.approx(1.5e9, rel=0.001)


def test_quip_is_the_share_of_runs_and_pairs_differ_by_a_tenth_at_nearly_equal_length() -> None:
    quotes = [("a", 40, 30), ("b", 40, 25), ("c", 0, 0), ("d", 40, 0)]
    answers = [(one, "q", "answer") for one, *_ in quotes]
    tables = {
        "responses": pl.DataFrame(answers, ["subject_id", "instruction_id", "use"], orient="row"),
        "response_quotes": pl.DataFrame(quotes, ["subject_id", "grams", "found"], orient="row"),
    }
    found = {one: value for one, _, value, _ in scores(tables, Knobs()).rows()}
    draws = [Draw("a", found["a"], 100), Draw("b", found["b"], 110), Draw("d", found["d"], 111)]

    assert scores(tables, Knobs(least=41))["value"].is_null().all()
    assert found == {"a": 0.75, "b": 0.625, "c": None, "d": 0.0, "q": 0.75}
    assert widest_pair(draws[:2], 0.1, 1.1)[:2] == (draws[0], draws[1])
    with pytest.raises(Rejection, match="length_differs"):
        widest_pair([draws[0], draws[2]], 0.1, 1.1)
