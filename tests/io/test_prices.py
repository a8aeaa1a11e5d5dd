"""What calls cost: by the model's name, by pattern, cached tokens at their own price, batches at their share."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io.protocol.prices import Price, Prices, most_tokens, tokens_of


def table(tmp_path: Path, text: str) -> Prices:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return Prices(str(path))


def test_the_table_that_ships_knows_the_stand_in_and_says_what_it_does_not_know() -> None:
    prices = Prices()

    assert prices.of("offline-extractive").micro_usd(10_000, 10_000) == 0
    assert prices.of("gpt-4o-mini").micro_usd(1_000_000, 0) > 0
    assert not prices.of("somebody's-own").is_known


def test_cached_tokens_have_their_own_price(tmp_path: Path) -> None:
    prices = table(tmp_path, "[models.m]\nprompt = 2.0\ncached = 0.5\ncompletion = 8.0\n")

    assert prices.of("m").micro_usd(1000, 100, 600) == 400 * 2 + 300 + 800


def test_without_a_price_of_their_own_cached_tokens_cost_as_much_as_others(tmp_path: Path) -> None:
    prices = table(tmp_path, "[models.m]\nprompt = 2.0\ncompletion = 8.0\n")

    assert prices.of("m").micro_usd(1000, 0, 600) == prices.of("m").micro_usd(1000, 0)


def test_the_longest_pattern_counts_and_a_name_before_any(tmp_path: Path) -> None:
    models = {"m*": 1.0, "m-large*": 3.0, "m-large": 9.0}
    text = "".join(f'[models."{name}"]\nprompt = {price}\ncompletion = 0.0\n' for name, price in models.items())
    prices = table(tmp_path, text)

    assert [prices.of(name).prompt for name in ("m-small", "m-large-2", "m-large")] == [1.0, 3.0, 9.0]


def test_a_batch_costs_its_share(tmp_path: Path) -> None:
    prices = table(tmp_path, "[models.m]\nprompt = 2.0\ncompletion = 8.0\nbatch = 0.5\n")

    assert prices.of("m", is_batch=True) == Price(1.0, 4.0, 1.0)


@pytest.mark.parametrize("entry", ["prompt = 1.0", "prompt = -1.0\ncompletion = 1.0", 'prompt = "a"\ncompletion = 1.0'])
def test_a_price_that_is_none_is_named(tmp_path: Path, entry: str) -> None:
    with pytest.raises(UsageError, match="the price of `m`"):
        table(tmp_path, f"[models.m]\n{entry}\n")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        Prices(str(tmp_path / "nowhere.toml"))


@given(st.text(max_size=200))
def test_what_is_set_aside_is_never_less_than_the_estimate(text: str) -> None:
    assert most_tokens(text) >= tokens_of(text)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1))
def test_costs_are_whole_and_never_rounded_down(asked: int, said: int, share: float) -> None:
    price = Price(0.15, 0.6, 0.075)
    cached = int(asked * share)

    cost = price.micro_usd(asked, said, cached)

    exact = (asked - cached) * 0.15 + said * 0.6 + cached * 0.075
    assert exact - 1e-5 <= cost < exact + 1
