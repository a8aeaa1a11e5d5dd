"""Refusals in doubt: is it the row that a server will not serve, or does it refuse everybody for the same reason?

What is true of all calls must not be held against a row. So a refusal waits, unrecorded, until something tells. An
answer to something that was asked later, in the same shape, says that it was the row's. Where nothing else is on its
way, one short question in the same shape is asked, written down and paid like any call: if it is refused, too, it is
the server. If it is answered, but no row of this shape ever was, and several are refused, it is still no row's fault:
what they have in common (their length, what the profile asks for) is what the server does not take.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from wellspring.tasks.contracts.errors import WellspringError
from wellspring.tasks.io.protocol.answers import Refusal

MOST_HELD = 8  # refusals, before the server is asked a short question
TRIES_UNKNOWN, TRIES_KNOWN = 2, 4  # more of the short question that is refused: a server may fail at random
FEW = 3  # refused rows with no answered one among them are no longer a few odd rows
LOOK_SECONDS = 0.05  # between two looks at whether anything else is on its way
STILL_SECONDS = 0.3  # for which nothing else was: then nothing is

Control = Callable[[], Awaitable[Refusal | None]]  # asks the short question; None if it was answered
Stop = Callable[[Refusal], WellspringError]


@dataclass(slots=True)
class Doubt:
    """A refusal that waits: since when (monotonic seconds), and for whom."""

    shape: str
    refusal: Refusal
    since: float
    control: Control
    decided: asyncio.Future[WellspringError | None]


@dataclass(slots=True)
class Doubts:
    """The refusals of one role that wait to be decided.

    `out` counts the orders that are on their way, those that wait here among them; `known` the shapes that a server
    of this role has answered, in this run or in an earlier one.
    """

    known: set[str]
    stop: Stop  # makes the error of a refusal that everybody gets
    out: int = 0
    held: list[Doubt] = field(default_factory=list)
    decider: asyncio.Task[None] | None = None
    moved: float = 0.0  # when an order last began or ended, monotonic seconds

    def begin(self) -> None:
        """An order is on its way."""
        self.out += 1
        self.moved = time.monotonic()

    def end(self) -> None:
        """An order has ended."""
        self.out -= 1
        self.moved = time.monotonic()

    def answered(self, shape: str, sent_at: float) -> bool:
        """An order was answered: refusals that came before it was sent are their rows'. Whether its shape is new."""
        is_new = shape not in self.known
        self.known.add(shape)
        self._decide([one for one in self.held if one.shape == shape and one.since <= sent_at], None)
        return is_new

    async def wait(self, shape: str, refusal: Refusal, control: Control) -> None:
        """Wait until it is known whose fault a refusal is.

        Raises:
            WellspringError: It is not the row's: all calls get it.
        """
        decided = asyncio.get_running_loop().create_future()
        self.held.append(Doubt(shape, refusal, time.monotonic(), control, decided))
        self.moved = time.monotonic()
        if self.decider is None or self.decider.done():
            self.decider = asyncio.get_running_loop().create_task(self._look())
        if (error := await decided) is not None:
            raise error

    async def _look(self) -> None:
        """Decide about what is held, when nothing else is on its way, or when much is held."""
        try:
            while self.held:
                await asyncio.sleep(LOOK_SECONDS)
                is_still = self.out <= len(self.held) and time.monotonic() - self.moved > STILL_SECONDS
                if self.held and (is_still or len(self.held) >= MOST_HELD):
                    await self._ask(is_still=is_still)
        except BaseException as error:
            self._decide(list(self.held), error if isinstance(error, WellspringError) else None)
            raise

    async def _ask(self, *, is_still: bool) -> None:
        one, asked_at = self.held[0], time.monotonic()
        alike = [other for other in self.held if other.shape == one.shape]
        refused = await one.control()
        for _ in range(TRIES_KNOWN if one.shape in self.known else TRIES_UNKNOWN):
            if refused is None or one not in self.held:
                break
            refused = await one.control()
        if refused is not None:
            self._decide(alike, self.stop(self._commonest(alike)))
        elif one.shape in self.known or len(alike) < FEW:
            if is_still or one.shape in self.known:
                self._decide([other for other in alike if other.since <= asked_at], None)
        elif is_still:
            self._decide(alike, self.stop(self._commonest(alike)))

    def _commonest(self, alike: list[Doubt]) -> Refusal:
        reason = Counter(one.refusal.reason for one in alike).most_common(1)[0][0]
        return next(one.refusal for one in alike if one.refusal.reason == reason)

    def _decide(self, those: list[Doubt], error: WellspringError | None) -> None:
        for one in those:
            if one in self.held:
                self.held.remove(one)
            if not one.decided.done():
                one.decided.set_result(error)

    def close(self) -> list[Any]:
        """Return what still has to be cancelled."""
        return [self.decider] if self.decider is not None and not self.decider.done() else []
