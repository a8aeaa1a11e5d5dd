"""The sandbox door: Python that a model wrote runs here or nowhere.

There are two tiers. First, pydantic-monty interprets the code in a worker process of its own, without files, sockets,
processes or environment: what it is not given does not exist. Time, memory, recursion, output and sleep are limited
inside; a worker that dies or hangs is replaced, and the code that killed it is named. What the interpreter lacks is
`unsupported`. Code that catches broad exceptions could catch such a lack and answer wrongly, so it runs once more with
those handlers set aside. Only what is unsupported goes to the second tier (`containment.py`): CPython that the kernel
holds. Where the kernel cannot, or the tier fails its own test, the code stays `unsupported`: a check then says "cannot
say" instead of "wrong". Nothing ever falls back to this process. Expected verdicts and outputs never come in here.

Decided against: exec with an alarm (AutoIF's way: 18 of 82 attacks get out, 5 hang for ever), a subprocess with limits
(reads files, opens sockets), the second tier alone (2.4 ms a check instead of 0.2, and Linux only).
"""

import builtins
import json
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, cast

import pydantic_monty as monty

from wellspring.tasks.contracts.settings import VerdictsSettings
from wellspring.tasks.io import containment
from wellspring.tasks.io.containment import Call, Limits

FIRST = f"monty {getattr(monty, '__version__', '')}".strip()
VERSION = f"{FIRST}, contained {containment.VERSION}"  # not which Python: rows keep their names on another machine

Outcome = Literal[
    "ok", "not_bool", "not_plain", "unstable", "error", "unsupported", "denied", "timeout", "memory", "crashed"
]

LIMITS = Limits()
LACKING = "unsupported"  # the outcome of code that no engine here can run
MEMORY_BYTES = LIMITS.memory_bytes
OUTPUT_BYTES = 64 * 2**10
CODE_CHARS = 100_000
_GRACE_SECONDS = 2.0  # the pool kills a worker that is silent for longer than it may work and this
_CHECKOUTS_PER_WORKER = 200
_GIVEN = "given_to_the_call"
_PLAIN = "import json as json_of_the_calls\njson_of_the_calls.dumps([{}], allow_nan=False)"
_CONSTANTS = {
    name: getattr(string, name) for name in dir(string) if name.islower() and isinstance(getattr(string, name), str)
}
_MODULES = {"string": monty.ExternalModule(dict(_CONSTANTS))}
_UNSUPPORTED = (NotImplementedError, ImportError)
# The interpreter's own gaps, in its words. Code of a model may have the same fault; the second tier tells.
_MISSING = re.compile(
    "has no attribute|not yet supported|is not supported|unexpected keyword argument|Error compiling regex"
    rf"|name '(?:{'|'.join(dir(builtins))})' is not defined"
)
_BROAD = frozenset(
    {"Exception", "BaseException", "ImportError", "ModuleNotFoundError"}
    | {"AttributeError", "TypeError", "NameError", "NotImplementedError"}
)


class Ran(NamedTuple):
    """What came of running code: the verdict if `outcome` is ok, and what happened otherwise; `engine` ran it."""

    outcome: Outcome
    value: bool | None
    detail: str
    engine: str = FIRST


class Outputs(NamedTuple):
    """What the calls of a program gave if `outcome` is ok, one plain value a call; and what happened otherwise."""

    outcome: Outcome
    values: list[Any]
    detail: str
    engine: str = FIRST


def limits(chosen: VerdictsSettings) -> Limits:
    """Return what a profile lets code take."""
    return Limits(chosen.code_seconds, chosen.code_memory_mb * 2**20)


def identity(chosen: VerdictsSettings) -> str:
    """Name what a verdict of the sandbox depends on, machines left out: a store may move to another."""
    return f"{VERSION}, {chosen.code_seconds:g} s, {chosen.code_memory_mb} MiB"


def said() -> str:
    """Say which engines run code on this machine, and why one does not."""
    return f"{FIRST}; for what it lacks: {containment.tier().said}"


class Sandbox:
    """Both tiers, ready to run untrusted Python; a context manager."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._bounds: monty.ResourceLimits = {
            "max_feed_duration_secs": limits.seconds,
            "max_memory": limits.memory_bytes,
            "max_recursion_depth": 200,
            "max_suspensions": 16,
            "max_total_sleep_secs": 0.0,
        }
        self._open = ExitStack()
        self._pool = monty.Monty(
            min_processes=1,
            max_processes=1,
            request_timeout=limits.seconds + _GRACE_SECONDS,
            max_checkouts_per_worker=_CHECKOUTS_PER_WORKER,
        )

    def __enter__(self) -> Self:
        self._open.enter_context(self._pool)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def verify(self, code: str, response: str) -> Ran:
        """Ask a verifier, `evaluate(response) -> bool`, about a response.

        One that imports anything is asked twice with different random numbers: `unstable` if its verdict changes.
        """
        ran = self._run(code, [Call("evaluate", (response,))], "[{}]")
        if ran.outcome in {"ok", "not_plain"} and not (ran.values and isinstance(ran.values[0], bool)):
            return Ran("not_bool", None, type(ran.values[0]).__name__ if ran.values else ran.detail, ran.engine)
        return Ran(ran.outcome, ran.values[0] if ran.outcome == "ok" else None, ran.detail, ran.engine)

    def execute(self, code: str) -> Ran:
        """Run code for whether it runs: `ok` (whatever its value) or what stopped it."""
        ran = self._run(code, [], "[]")
        return Ran(ran.outcome, None, ran.detail, ran.engine)

    def run_program(self, source: str, calls: Sequence[Call]) -> Outputs:
        """Run a program that a model wrote, and make calls; what they should give is compared outside.

        Args:
            source: The program. Its functions are called one after the other; for a text to read it runs anew.
            calls: All of functions, or all of the program, which reads a text and prints another.

        Returns:
            What each call gave, as JSON has it (a tuple is a list), or why there is nothing. One call that fails, or
            gives what JSON has not, ends all of them.

        Raises:
            ValueError: Calls of both kinds, or of a function whose name is no name.
        """
        named = [call.function for call in calls if call.function]
        if len(named) not in {0, len(calls)} or not all(name.isidentifier() for name in named):
            raise ValueError("calls are all of functions that have a name, or all of the program")
        ran = self._run(source, calls, _PLAIN if named else "")
        return ran._replace(outcome="error") if ran.outcome == "not_plain" else ran

    def _run(self, source: str, calls: Sequence[Call], form: str) -> Outputs:
        """Run in the first tier, and in the second what the first cannot."""
        if len(source) > CODE_CHARS:
            return Outputs("error", [], f"{len(source)} characters of code")
        seeds = (0, 1) if calls and "import" in source else (0,)  # without an import there is no chance to be had
        ran = _agreed(self._interpreted(source, calls, form, seed) for seed in seeds)
        if ran.outcome == "ok" and "except" in source:
            lacking = self._interpreted("\n".join(map(_set_aside, source.split("\n"))), calls, form, 0)
            ran = lacking if lacking.outcome == "unsupported" else ran
        if ran.outcome == "unsupported" and containment.tier().is_there:
            return _agreed(self._held(source, calls, seed) for seed in seeds)
        return ran

    @cached_property
    def _contained(self) -> containment.Contained:
        return self._open.enter_context(containment.Contained(containment.tier().prefix))

    def _held(self, source: str, calls: Sequence[Call], seed: int) -> Outputs:
        told = self._contained.run(source, calls, self._limits, seed)
        return Outputs(told["outcome"], told["values"], told["detail"], containment.ENGINE)

    def _interpreted(self, source: str, calls: Sequence[Call], form: str, seed: int) -> Outputs:
        """Make the calls in the interpreter: of functions together, of the program each anew."""
        if form:
            given = {f"{_GIVEN}_{i}_{j}": one for i, call in enumerate(calls) for j, one in enumerate(call.arguments)}
            names = ([name for name in given if name.startswith(f"{_GIVEN}_{i}_")] for i in range(len(calls)))
            made = (f"{call.function}({', '.join(of)})" for call, of in zip(calls, names, strict=True))
            return self._fed(f"{source}\n{form.format(', '.join(made))}", given, seed)[0]
        values = list[Any]()
        for _ in calls:  # none can read: what reads is unsupported
            ran, printed = self._fed(f"{source}\n[]", {}, seed)
            if ran.outcome != "ok":
                return ran
            values.append(printed)
        return Outputs("ok", values, "")

    def _fed(self, code: str, inputs: Mapping[str, Any], seed: int) -> tuple[Outputs, str]:
        printed = monty.CollectString(max_bytes=OUTPUT_BYTES)
        try:
            with self._pool.checkout(
                limits=self._bounds,
                os_policy={"sleep": "zero", "random_start": {"seed": seed}},
                external_modules=_MODULES,
            ) as session:
                value = session.feed_run(code, inputs=dict(inputs), print_callback=printed)
        except monty.MontyError as error:
            return _failed(error), ""
        if isinstance(value, str):
            return _plain(value), ""
        return Outputs("ok", cast("list[Any]", value) if isinstance(value, list) else [], ""), printed.output


def _set_aside(line: str) -> str:
    """Return a line of code; if it catches errors by which a lack shows, it now catches none of them."""
    caught, colon, rest = line.partition(":")
    said = caught.lstrip()
    if not colon or not said.startswith("except"):
        return line
    words = re.findall(r"\w+", said)
    if len(words) > 1 and _BROAD.isdisjoint(words):
        return line
    name = f" as {words[-1]}" if "as" in words[:-1] else ""
    return f"{caught[: -len(said)]}except KeyboardInterrupt{name}:{rest}"


def _plain(text: str) -> Outputs:
    if len(text) > OUTPUT_BYTES:
        return Outputs("memory", [], f"{len(text)} characters of values")
    try:
        return Outputs("ok", json.loads(text), "")
    except (ValueError, RecursionError) as error:
        return Outputs("not_plain", [], str(error)[:200])


def _agreed(runs: Iterable[Outputs]) -> Outputs:
    """Return what runs with different random numbers agree on: the first that fails; `unstable` where they differ."""
    said = list[Outputs]()
    for run in runs:
        said.append(run)
        if run.outcome != "ok":
            return run
    if len({repr(run.values) for run in said}) > 1:
        shown = ", then ".join(str(run.values) for run in said)
        return Outputs("unstable", [], shown[:200], said[0].engine)
    return said[0]


def _failed(error: monty.MontyError) -> Outputs:
    """Say what stopped the code, by what the interpreter raised."""
    return Outputs(_outcome(error), [], str(error)[:200])


def _outcome(error: monty.MontyError) -> Outcome:
    detail = str(error)[:200]
    if isinstance(error, monty.MontyCrashedError):
        return "timeout" if error.timed_out else "crashed"
    inner = error.exception()
    if isinstance(inner, TimeoutError):
        return "timeout"
    if isinstance(inner, MemoryError):
        return "memory"
    if isinstance(inner, PermissionError) or "environ" in detail:
        return "denied"
    return "unsupported" if isinstance(inner, _UNSUPPORTED) or _MISSING.search(detail) else "error"
