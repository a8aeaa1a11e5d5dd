"""The sandbox door: Python that a model wrote runs here or nowhere.

pydantic-monty interprets it in a worker process of its own, without files, sockets, processes, environment or clock:
what it is not given does not exist. Time, memory, recursion, output and sleep are limited inside; a worker that dies
or hangs is replaced, and the code that killed it is named. What the interpreter lacks is `unsupported` and counted
apart from `error`, so that a check says "cannot say" instead of "wrong". It never falls back to running anything in
this process.

Decided against: exec with an alarm (AutoIF's way: 18 of 82 attacks get out, 5 hang for ever), a subprocess with limits
(reads files, opens sockets). A second tier for what is unsupported (landlock and seccomp) is not built: with the
module `string` given, 99% of the recorded verifier functions run here.
"""

import string
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import pydantic_monty as monty

VERSION = f"monty-{monty.__version__}" if hasattr(monty, "__version__") else "monty"

Outcome = Literal["ok", "not_bool", "unstable", "error", "unsupported", "denied", "timeout", "memory", "crashed"]

FEED_SECONDS = 1.0
REQUEST_SECONDS = 3.0  # the pool kills a worker that is silent for longer
MEMORY_BYTES = 64 * 2**20
OUTPUT_BYTES = 64 * 2**10
CODE_CHARS = 100_000
_LIMITS: monty.ResourceLimits = {
    "max_feed_duration_secs": FEED_SECONDS,
    "max_memory": MEMORY_BYTES,
    "max_recursion_depth": 200,
    "max_suspensions": 16,
    "max_total_sleep_secs": 0.0,
}
_CHECKOUTS_PER_WORKER = 200
_CONSTANTS = {
    name: getattr(string, name) for name in dir(string) if name.islower() and isinstance(getattr(string, name), str)
}
_UNSUPPORTED = (NotImplementedError, ImportError)
_MISSING = ("has no attribute", "not yet supported", "is not supported")  # the interpreter's own gaps, in its words


class Ran(NamedTuple):
    """What came of running code: the verdict if `outcome` is ok, and what happened otherwise."""

    outcome: Outcome
    value: bool | None
    detail: str


class Sandbox:
    """Workers that run untrusted Python; a context manager."""

    def __init__(self, workers: int = 1) -> None:
        self._pool = monty.Monty(
            min_processes=1,
            max_processes=max(1, workers),
            request_timeout=REQUEST_SECONDS,
            max_checkouts_per_worker=_CHECKOUTS_PER_WORKER,
        )

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def verify(self, code: str, response: str) -> Ran:
        """Ask a verifier, `evaluate(response) -> bool`, about a response; expected answers never come in here.

        It is asked twice with different random numbers: one that changes its mind is `unstable`.
        """
        asked = f"{code}\nevaluate(response)"
        one = self._run(asked, {"response": response}, 0)
        other = self._run(asked, {"response": response}, 1) if one.outcome == "ok" else one
        if one.outcome == other.outcome and one.value is not other.value:
            return Ran("unstable", None, f"{one.value}, then {other.value}")
        return other

    def execute(self, code: str) -> Ran:
        """Run code for whether it runs: `ok` (whatever its value) or what stopped it."""
        return self._run(f"{code}\nTrue", {}, 0)

    def _run(self, code: str, inputs: Mapping[str, Any], seed: int) -> Ran:
        if len(code) > CODE_CHARS:
            return Ran("error", None, f"{len(code)} characters of code")
        try:
            with self._pool.checkout(
                limits=_LIMITS,
                os_policy={"sleep": "zero", "random_start": {"seed": seed}},
                external_modules={"string": monty.ExternalModule(dict(_CONSTANTS))},
            ) as session:
                value = session.feed_run(
                    code, inputs=dict(inputs), print_callback=monty.CollectString(max_bytes=OUTPUT_BYTES)
                )
        except monty.MontyError as error:
            return _failed(error)
        if value is True or value is False:
            return Ran("ok", value, "")
        return Ran("not_bool", None, type(value).__name__)


def _failed(error: monty.MontyError) -> Ran:
    """Say what stopped the code, by what the interpreter raised."""
    detail = str(error)[:200]
    if isinstance(error, monty.MontyCrashedError):
        return Ran("timeout" if error.timed_out else "crashed", None, detail)
    inner = error.exception()
    if isinstance(inner, TimeoutError):
        return Ran("timeout", None, detail)
    if isinstance(inner, MemoryError):
        return Ran("memory", None, detail)
    if isinstance(inner, PermissionError) or "environ" in detail:
        return Ran("denied", None, detail)
    if isinstance(inner, _UNSUPPORTED) or any(words in detail for words in _MISSING):
        return Ran("unsupported", None, detail)
    return Ran("error", None, detail)
