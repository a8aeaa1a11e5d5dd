"""How a server is treated: how many calls at once and a minute, when to leave it alone, which one to ask next.

Concurrency starts at two and follows what the server says, window by window (a window is as many answers as calls are
allowed at once, and four at least). It doubles until a tenth of a window is refused, then grows by a sixteenth a
window. Congestion takes a share away in proportion to how much of the window was refused for its rate (as DCTCP does
it), because to halve at each refusal would leave 6 of 64 calls at 5% refusals. Slower answers count too, if more calls
at once no longer give more answers. It does not grow where answers take half of their deadline already: on a server
with one slot, calls wait for each other, and that is our doing. So a call that ran out of time while others were out
says nothing of its row: it halves the number of calls, and the server gets time to finish what it may still work on.
All waiting is in monotonic time.
"""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wellspring.tasks.contracts.settings import Endpoint

START_CONCURRENCY = 2
LEAST_WINDOW = 4  # answers
LOOK_SECONDS = 0.5  # between two looks at whether the run goes on
PATIENT_SHARE = 0.5  # of the deadline: where answers take so long, no more are asked for at once
GROWTH = 1 / 16  # a window, after the first congestion
BACKOFF = 0.5  # of the refused share is taken from the limit
TOLERATED_SHARE = 0.1  # refusals in a window that do not end the doubling
SLOWER = 1.5  # times the best window's latency is congestion, if throughput did not grow with it
GAIN = 1.05  # times the answers a second of the window before: what more calls at once have to bring
LATENCY_FLOOR_SECONDS = 0.25  # below, waiting is in this process and says nothing of the server
REFUSED_IN_A_ROW = 3  # a server that refuses so many with no answer between them means all calls by its Retry-After
BROKEN_IN_A_ROW = 8  # connection failures after which an endpoint is left alone for a while
FIRST_REST_SECONDS, MAX_REST_SECONDS = 0.25, 15.0


@dataclass(slots=True)
class Window:
    """What came back since the limit was last set."""

    started: float
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many calls came back."""
        return self.refused + len(self.latencies)


class Bucket:
    """A limit of so many units a minute: a call may go when what went before has been paid off by time."""

    def __init__(self, per_minute: int) -> None:
        self.per_second = per_minute / 60
        self.free_at = 0.0

    def wait(self, now: float) -> float:
        """Return in how many seconds the next call may go."""
        return max(0.0, self.free_at - now) if self.per_second else 0.0

    def take(self, now: float, units: float) -> None:
        """Book a call; a negative number gives back what it did not use."""
        if self.per_second:
            self.free_at = (
                max(self.free_at, now) + units / self.per_second
                if units > 0
                else self.free_at + units / self.per_second
            )


class Throttle:
    """What one endpoint may be sent, and when."""

    def __init__(self, endpoint: Endpoint, most: int = 0) -> None:
        self.endpoint = endpoint
        self.most = most or endpoint.max_concurrency
        self.limit = float(min(START_CONCURRENCY, self.most))
        self.deadline_seconds = float("inf")  # of a call
        self.last_latency = 0.0
        self.crowded_until = 0.0  # the server may still work on calls that were given up
        self.in_flight = 0
        self.out: dict[int, float] = {}  # calls the server works on: since when, in monotonic seconds
        self.rest_until = 0.0  # the server's wish
        self.broken_until = 0.0  # our own guess
        self.requests = Bucket(endpoint.requests_per_minute)
        self.tokens = Bucket(endpoint.tokens_per_minute)
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.window = Window(time.monotonic())
        self.is_starting = True
        self.best_latency = float("inf")
        self.last_rate = 0.0
        self.broken_in_a_row = self.broken_rests = 0
        self.broken_since = 0.0
        self.refused_in_a_row = 0
        self.refused_since = 0.0

    def fit(self, deadline_seconds: float, concurrency: float | None = None, slots: int | None = None) -> None:
        """Take in what is known of the server: the deadline of its calls, calls at once when last asked, its slots."""
        self.deadline_seconds = deadline_seconds
        if slots:
            self.most = min(self.most, max(slots, 1))
        if concurrency and not self.window.answers:
            self.limit = max(1.0, concurrency)
        self.limit = min(self.limit, float(self.most))

    def wait(self, now: float) -> float:
        """Return in how many seconds this endpoint may be asked again; 0 if now, as far as time goes."""
        rest = max(self.rest_until, self.broken_until, self.crowded_until) - now
        return max(0.0, rest, self.requests.wait(now), self.tokens.wait(now))

    def has_room(self) -> bool:
        """Whether fewer calls are out than may be."""
        return self.in_flight < int(self.limit)

    async def take(self, tokens: int, is_patient: Callable[[], bool]) -> bool:
        """Wait until one more call of about so many tokens may go, and book it.

        Returns:
            False, with nothing booked, if this endpoint rests and the caller is not patient: it may go elsewhere.
        """
        while True:
            seconds = self.wait(time.monotonic())
            if seconds and not is_patient():
                return False
            if seconds:
                await asyncio.sleep(min(seconds, LOOK_SECONDS))
            elif self.has_room():
                break
            else:
                turn = asyncio.get_running_loop().create_future()
                self.waiting.append(turn)
                await turn
        now = time.monotonic()
        self.in_flight += 1
        self.requests.take(now, 1)
        self.tokens.take(now, tokens)
        return True

    def give_back(self) -> None:
        """A call is over: let the next ones go."""
        self.in_flight -= 1
        self._wake(int(self.limit) - self.in_flight)

    def _wake(self, most: int) -> None:
        while self.waiting and most > 0:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                most -= 1

    def rest(self, seconds: float) -> None:
        """Leave the endpoint alone for so long; those that wait for room here may look for another one."""
        self.rest_until = max(self.rest_until, time.monotonic() + seconds)
        self._wake(len(self.waiting))

    async def rested(self, go_on: Callable[[], None]) -> None:
        """Wait until the server lets itself be asked again; a rest may be prolonged while it lasts."""
        while (seconds := self.rest_until - time.monotonic()) > 0:
            go_on()
            await asyncio.sleep(min(seconds, LOOK_SECONDS))

    def spent(self, estimated_tokens: int, tokens: int) -> None:
        """Correct the minute's tokens by what the server counted."""
        self.tokens.take(time.monotonic(), tokens - estimated_tokens)

    def answer(self, seconds: float) -> None:
        """An answer came after so long."""
        self.broken_in_a_row = self.broken_rests = self.refused_in_a_row = 0
        self.last_latency = seconds
        self.window.latencies.append(seconds)
        self._adapt()

    def ran_out(self, seconds: float, *, was_alone: bool) -> None:
        """A call ran out of time after so long. Where others were out, there are fewer now, and after a pause.

        The server may not notice that a caller has gone, and work on the call all the same.
        """
        if not was_alone:
            self.is_starting = False
            self.limit = max(1.0, self.limit / 2)
        self.crowded_until = time.monotonic() + min(seconds, self.last_latency or seconds)
        self.window = Window(time.monotonic())

    def is_crowded(self) -> bool:
        """Whether other calls are out, or may still be worked on."""
        return self.in_flight > 1 or time.monotonic() < self.crowded_until

    def congestion(self, wait_seconds: float | None) -> None:
        """The server refused a call for its rate."""
        self.window.refused += 1
        self.refused_since = self.refused_since if self.refused_in_a_row else time.monotonic()
        self.refused_in_a_row += 1
        wish = self.endpoint.retry_after
        if wait_seconds and (wish == "endpoint" or (wish == "auto" and self.refused_in_a_row >= REFUSED_IN_A_ROW)):
            self.rest(wait_seconds)
        self._adapt()

    def breakage(self) -> None:
        """A connection failed: after several in a row, the endpoint is left alone for longer and longer."""
        now = time.monotonic()
        self.broken_since = self.broken_since if self.broken_in_a_row else now
        self.broken_in_a_row += 1
        if self.broken_in_a_row >= BROKEN_IN_A_ROW and now >= self.broken_until:
            self.broken_until = now + min(FIRST_REST_SECONDS * 2**self.broken_rests, MAX_REST_SECONDS)
            self.broken_rests += 1
            self._wake(len(self.waiting))

    def down_seconds(self) -> float:
        """Return for how long no connection has come about; 0 if the last one did."""
        return time.monotonic() - self.broken_since if self.broken_in_a_row else 0.0

    def refused_seconds(self) -> float:
        """Return for how long every call was refused for its rate; 0 if the last one was not."""
        return time.monotonic() - self.refused_since if self.refused_in_a_row else 0.0

    def _adapt(self) -> None:
        """At the end of a window, set the limit for the next one."""
        window, now = self.window, time.monotonic()
        if window.answers < max(int(self.limit), min(LEAST_WINDOW, self.most)):
            return
        share = window.refused / window.answers
        rate = len(window.latencies) / max(now - window.started, 1e-9)
        latency = statistics.median(window.latencies) if window.latencies else float("inf")
        is_slower = latency > max(LATENCY_FLOOR_SECONDS, SLOWER * self.best_latency) and rate < GAIN * self.last_rate
        if (window.refused > 1 and share > TOLERATED_SHARE) or is_slower:
            self.is_starting = False
        shrink = max(BACKOFF * share, BACKOFF / 4 if is_slower else 0.0)
        grow = 1.0 if self.is_starting else GROWTH
        wished = self.limit * (1 - shrink) * (1 + grow) + (not self.is_starting)
        wished = self.limit * (1 - shrink) if is_slower else wished
        slowest = max(window.latencies, default=0.0)
        if slowest * max(wished, 1.0) / self.limit > PATIENT_SHARE * self.deadline_seconds:
            wished = min(wished, self.limit)
        self.limit = min(max(wished, 1.0), float(self.most))
        self.best_latency = min(self.best_latency, latency)
        self.last_rate = rate
        self.window = Window(now)
        self._wake(int(self.limit) - self.in_flight)


def choose(throttles: Sequence[Throttle], shares: list[float], avoid: Throttle | None = None) -> int:
    """Return which endpoint the next call goes to.

    Those that rest or failed this call just now stand back while others can take it; among the rest, the one that is
    furthest behind its weight.

    Args:
        throttles: One for each endpoint of the role.
        shares: What each was given so far, by weight; updated.
        avoid: The one that failed this call just now.
    """
    if len(throttles) == 1:
        return 0
    now = time.monotonic()
    rests = [round(throttle.wait(now), 3) for throttle in throttles]
    order = sorted(
        range(len(throttles)),
        key=lambda i: (rests[i] > 0, throttles[i] is avoid, not throttles[i].has_room(), rests[i], shares[i], i),
    )
    shares[order[0]] += 1 / throttles[order[0]].endpoint.weight
    return order[0]
