"""Waits of the main thread, in short steps, so that Ctrl-C is answered at once and a tick can say what is waited for.

A wait without an end is not always interrupted: `import polars` installs its SIGINT handler with SA_RESTART, and a lock
of Python's (a queue, a future, a thread) then goes on waiting. A wait that ends by itself every half second hears of
the signal on every platform.
"""

import concurrent.futures
import queue
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

STEP_SECONDS = 0.5

T = TypeVar("T")
Tick = Callable[[], None]  # called about twice a second while nothing comes


def taken(waiting: "queue.SimpleQueue[T]", tick: Tick | None = None) -> T:
    """Take the next thing out of a queue."""
    while True:
        try:
            return waiting.get(timeout=STEP_SECONDS)
        except queue.Empty:
            if tick is not None:
                tick()


def sleep(seconds: float, tick: Tick | None = None) -> None:
    """Wait for so long."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(STEP_SECONDS, left))
        if tick is not None:
            tick()


def first(futures: Iterable["Future[T]"]) -> "set[Future[T]]":
    """Return those of some futures that are done, once one is."""
    waiting = list(futures)
    while not (done := concurrent.futures.wait(waiting, STEP_SECONDS, concurrent.futures.FIRST_COMPLETED).done):
        pass
    return done


def result(future: "Future[T]", tick: Tick | None = None) -> T:
    """Return what a future gives, or raise what it raises."""
    while not concurrent.futures.wait([future], timeout=STEP_SECONDS).done:
        if tick is not None:
            tick()
    return future.result()


def said_now_and_then(say: Callable[[str], None], text: str, seconds: float = 10.0) -> Tick:
    """Return a tick that says a text, and for how long it has been so, every so many seconds."""
    began = time.monotonic()
    due = [began + seconds]

    def tick() -> None:
        if (now := time.monotonic()) >= due[0]:
            due[0] = now + seconds
            say(f"{text}, {now - began:.0f} s")

    return tick
