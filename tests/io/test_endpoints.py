"""How a server is treated: growth until it says no, a share less when it does, patience, weights."""

import asyncio
import itertools
import time
from collections.abc import Callable

import pytest

from wellspring.tasks.contracts.settings import Endpoint
from wellspring.tasks.io.protocol import endpoints
from wellspring.tasks.io.protocol.endpoints import Bucket, Throttle, choose


def windows(throttle: Throttle, count: int, refused: Callable[[int], bool], seconds: float = 0.1) -> list[float]:
    """Let so many windows of answers come back; returns the limit after each."""
    limits, numbers = [], itertools.count()
    for _ in range(count):
        for _ in range(max(int(throttle.limit), endpoints.LEAST_WINDOW)):
            if refused(next(numbers)):
                throttle.congestion(None)
            else:
                throttle.answer(seconds)
        limits.append(throttle.limit)
    return limits


def test_it_doubles_until_the_limit_that_the_profile_sets() -> None:
    throttle = Throttle(Endpoint(max_concurrency=100))

    assert windows(throttle, 7, lambda _: False) == [4, 8, 16, 32, 64, 100, 100]


def test_one_refusal_in_twenty_does_not_slow_it_down() -> None:
    throttle = Throttle(Endpoint(max_concurrency=64))

    assert min(windows(throttle, 60, lambda n: n % 20 == 0)[10:]) > 48


def test_a_server_that_refuses_most_is_asked_less_and_less() -> None:
    throttle = Throttle(Endpoint(max_concurrency=64))

    limits = windows(throttle, 40, lambda n: n % 10 != 0)

    assert limits[-1] < 6


def test_answers_that_only_get_slower_are_congestion(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(endpoints.time, "monotonic", lambda: float(next(clock)))
    throttle = Throttle(Endpoint(max_concurrency=64))
    windows(throttle, 2, lambda _: False, seconds=0.3)
    before = throttle.limit

    windows(throttle, 3, lambda _: False, seconds=3.0)

    assert throttle.limit < before


def test_a_bucket_lets_so_many_a_minute_go() -> None:
    bucket, now, gone = Bucket(60), 0.0, 0
    while now < 30:
        now += bucket.wait(now)
        bucket.take(now, 1)
        gone += 1

    assert 30 <= gone <= 32


def test_tokens_that_were_not_used_are_given_back() -> None:
    bucket = Bucket(6000)
    bucket.take(0.0, 1000)
    bucket.take(0.0, -900)

    assert bucket.wait(0.0) == pytest.approx(1.0)


def test_who_waits_goes_in_turn_when_calls_come_back() -> None:
    async def go() -> list[int]:
        throttle, gone = Throttle(Endpoint(max_concurrency=2)), list[int]()

        async def one(number: int) -> None:
            assert await throttle.take(1, lambda: True)
            gone.append(number)
            assert throttle.in_flight <= 2
            await asyncio.sleep(0)
            throttle.give_back()

        await asyncio.gather(*(one(number) for number in range(20)))
        assert throttle.in_flight == 0
        return gone

    assert sorted(asyncio.run(go())) == list(range(20))


def test_who_need_not_wait_for_a_rest_goes_elsewhere() -> None:
    async def go() -> bool:
        throttle = Throttle(Endpoint())
        throttle.rest(60)
        return await throttle.take(1, lambda: False)

    assert asyncio.run(go()) is False


def test_rests_of_a_broken_endpoint_grow_by_wave_and_end_with_an_answer() -> None:
    throttle = Throttle(Endpoint())
    for _ in range(100):
        throttle.breakage()
    first = throttle.wait(time.monotonic())
    throttle.broken_until = 0.0
    throttle.breakage()
    second = throttle.wait(time.monotonic())
    throttle.answer(0.1)

    assert 0 < first <= 0.25 < second <= 0.5
    assert throttle.down_seconds() == 0


def test_retry_after_holds_all_calls_once_several_in_a_row_were_refused() -> None:
    throttle = Throttle(Endpoint(retry_after="auto"))
    rests: list[bool] = []
    for is_refused in (True, True, False, True, True, True):
        if is_refused:
            throttle.congestion(60.0)
        else:
            throttle.answer(0.1)
        rests.append(throttle.wait(time.monotonic()) > 0)

    assert rests == [False, False, False, False, False, True]


def test_choices_follow_weights_and_pass_over_who_rests() -> None:
    heavy, light, resting = (Throttle(Endpoint(weight=weight)) for weight in (3.0, 1.0, 9.0))
    resting.rest(60)
    shares = [0.0, 0.0, 0.0]

    chosen = [choose([heavy, light, resting], shares) for _ in range(400)]

    assert (chosen.count(0), chosen.count(1), chosen.count(2)) == (300, 100, 0)
    assert choose([heavy, light], [0.0, 5.0], avoid=heavy) == 1
