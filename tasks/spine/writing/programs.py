"""Programs: what is done for each input of a stage that asks models, and what a program is given to ask with.

A program is a coroutine for one input: it asks (`ask(...)`, `ask.draws(...)`), goes on side by side (`ask.each(...)`),
looks things up together with all other inputs (`ask.look(...)`), and makes rows (`ask.make(...)`). Nothing of its
state is stored: what a model said is durable in the journal before the program goes on, so one that was killed is
started again and gets the same answers, free. An input is settled as a whole, its rows and refusals in one
transaction, or not at all.

`runner.py` runs it for all inputs.
"""

import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Required, TypedDict, Unpack

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.spine.running import blame
from wellspring.tasks.spine.running.blame import METHOD_ERROR, MisuseError
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.writing.repairs import FORM, repair

Body = Callable[[Row, "Ask"], Coroutine[Any, Any, None]]
Look = Callable[[Sequence[tuple[str, Any]]], Sequence[Any]]
Read = Callable[[dict[str, Any], Answer], Any]


@dataclass(frozen=True, slots=True)
class Program:
    """What is done for each input of a stage, and as whose work it is recorded.

    Attributes:
        stage: The noun that refusals are counted under.
        name: As people know it.
        takes: The view of `sql/inputs/` that its inputs are rows of.
        fingerprint: Of the program under its settings.
        roles: Whom it may ask, the one that it asks most first.
        most_calls: The most that it asks for one input, second tries apart.
        body: What is done.
        samples: How many rows an input is to make, where its draws are counted one by one; None where only the program
            knows, and what it makes of its stage is counted.
        makes: The table whose rows are counted as made, where `samples` is None; without it, inputs are counted.
        settles: Whether an input is done with; else what was found is the caller's to keep, and it is due again.
    """

    stage: str
    name: str
    takes: str
    fingerprint: str
    roles: tuple[str, ...]
    most_calls: int
    body: Body
    samples: int | None = 1
    settles: bool = True
    makes: str = ""


class Wait:
    """What a program waits for; the runner answers it by sending the value into the coroutine."""

    __slots__ = ()

    def __await__(self) -> Generator["Wait", Any, Any]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Asked(Wait):
    """For a call's answer, or its refusal; `heading` is the prompt's name."""

    call: Call
    heading: str


@dataclass(frozen=True, slots=True)
class SideBySide(Wait):
    """For all of these: what each returned, or its refusal."""

    coroutines: Sequence[Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class LookedUp(Wait):
    """For what is looked up, together with what others want; `is_placed`: the look is told the place, too."""

    look: Look
    value: Any
    is_placed: bool = False


@dataclass(slots=True)
class Input:
    """A row on its way: what was made of it so far, and how much is still waited for.

    `steps` are its calls: place, heading, role, completion id.
    """

    number: int
    row: Row
    at: str = ""  # the branch of its program that is going on
    waits: int = 0  # calls and look-ups
    left: int = 0  # calls that a batch job is out for
    asked: int = 0  # calls, second tries apart
    is_paid: bool = False  # something was asked for it in this run
    is_read: bool = False  # a method said something of an answer, be it a refusal
    began: float = field(default_factory=time.monotonic)
    steps: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])
    made: dict[str, list[Any]] = field(default_factory=dict)
    refused: dict[int, Rejection] = field(default_factory=dict)
    has_failed: bool = False  # it is refused, whatever rows say so

    @property
    def input_id(self) -> str:
        """The id of its row."""
        return str(self.row["input_id"])


class How(TypedDict, total=False):
    """How something is asked: `role`, whose model; `settings`, for the prompt; the rest in place of the role's own.

    `read` looks at what was parsed, with the answer, and returns what the program gets; it may refuse.
    """

    role: Required[str]
    settings: Any
    temperature: float | None
    max_tokens: int | None
    logprobs: int
    stop: Sequence[str]
    read: Read


class Ask:
    """What a program is given to ask with. It is handed one for each input."""

    __slots__ = ("_item", "_most_calls", "_run")

    def __init__(self, run: Run, item: Input, most_calls: int) -> None:
        self._run, self._item, self._most_calls = run, item, most_calls

    @property
    def at(self) -> str:
        """The branch of the program that is going on, by its place."""
        return self._item.at

    async def __call__(self, method: PromptedMethod, row: Row, **how: Unpack[How]) -> Any:
        """Ask for one answer, and once more where its form cannot be read.

        Args:
            method: Its prompt and its parser.
            row: Of the prompt's fields.
            how: See `How`.

        Raises:
            Rejection: There is no answer of use. It ends the program, unless the program catches it.
        """
        return await self._one(method, row, self._calls((0,), method, row, how)[0], how)

    async def draws(self, numbers: Sequence[int], method: PromptedMethod, row: Row, **how: Unpack[How]) -> list[Any]:
        """Ask the same several times, side by side; a draw that is refused is a `Rejection` in its place."""
        calls = self._calls(numbers, method, row, how)
        return await self.tried([self._one(method, row, call, how) for call in calls])

    async def each(self, coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Go on side by side; returns what each returned, in their order.

        Raises:
            Rejection: One was refused: the first of them in their order. The others are finished before.
        """
        found = await self.tried(coroutines)
        for one in found:
            if isinstance(one, Rejection):
                raise one
        return found

    async def tried(self, coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Go on side by side, as `each` does; one that is refused is a `Rejection` in its place."""
        return await SideBySide(coroutines) if coroutines else []

    async def write(self, table: str, draws: int, method: PromptedMethod, row: Row, **how: Unpack[How]) -> None:
        """Ask for so many draws, and have the rows written that each of them says; a draw may be refused alone.

        `read` returns the rows of an answer.
        """
        for draw, one in enumerate(await self.draws(range(draws), method, row, **how)):
            if isinstance(one, Rejection):
                self.refuse(draw, one)
            else:
                self.make(table, one)

    async def judge(
        self,
        table: str,
        failed: Callable[[Rejection], Sequence[Any]],
        method: PromptedMethod,
        row: Row,
        **how: Unpack[How],
    ) -> None:
        """Ask for one answer, and have the rows written that it says; where there is none of use, what `failed` says.

        A judge refuses nothing: what it cannot tell stands in its table, to be asked again.

        Raises:
            Rejection: `method_error`: it is not the judge that failed.
        """
        try:
            rows = await self(method, row, **how)
        except Rejection as refusal:
            if refusal.reason == METHOD_ERROR:
                raise
            rows = failed(refusal)
        self.make(table, rows)

    async def look(self, look: Look, value: Any, *, is_placed: bool = False) -> Any:
        """Look something up: `look` is given what all waiting inputs want, as (input id, value), in one call.

        With `is_placed` a value is (place of the look in the program, value).

        Raises:
            Rejection: `look` returned one for this input.
        """
        found = await LookedUp(look, value, is_placed)
        if isinstance(found, Rejection):
            raise found
        return found

    def make(self, table: str, rows: Sequence[Any]) -> None:
        """Have rows written, together with all else of the input once it is settled."""
        self._item.made.setdefault(table, []).extend(map(outside.storable, rows))

    def refuse(self, draw: int, refusal: Rejection) -> None:
        """Have one draw refused, where others of the input may stand."""
        self._item.refused[draw] = refusal

    def fail(self, refusal: Rejection) -> None:
        """Have the input refused, and what was made of it written all the same: rows that say that a judge failed."""
        self._item.has_failed, self._item.refused = True, {0: refusal}

    def _calls(self, numbers: Sequence[int], method: PromptedMethod, row: Row, how: How) -> list[Call]:
        self._item.asked += len(numbers)
        if self._item.asked > self._most_calls:
            raise MisuseError(f"it asks more than the {self._most_calls} calls that it says are its most")
        prompt, own = method.prompt(row, how.get("settings")), (how.get("temperature"), how.get("max_tokens"))
        more: dict[str, Any] = {
            "role": how["role"],
            "logprobs": how.get("logprobs", 0),
            "stop": tuple(how.get("stop", ())),
        }
        return [Call(self._item.input_id, prompt, number, *own, **more) for number in numbers]

    async def _one(self, method: PromptedMethod, row: Row, call: Call, how: How) -> Any:
        outcome = await Asked(call, method.name)
        try:
            return self._read(method, row, outcome, how.get("read", _parsed))
        except Rejection as refusal:
            if isinstance(outcome, Refused) or call.retry or refusal.reason not in FORM:
                raise _named(refusal, outcome) from None
            again = repair(outcome, refusal, self._run.models.role(call.role).max_tokens)
        return await self._one(method, row, again, how)

    def _read(self, method: PromptedMethod, row: Row, outcome: Answer | Refused, read: Read) -> Any:
        """Return what an answer says, as tables can hold it."""
        if isinstance(outcome, Refused):
            raise Rejection(outcome.reason, outcome.detail)
        try:
            with blame.refusing():
                said = replace(outcome, text=outside.sound(outcome.text), thought=outside.sound(outcome.thought))
                found = read(method.parse(row, said.text), said)
        except Rejection as refusal:
            self._item.is_read |= refusal.reason != METHOD_ERROR
            raise
        self._item.is_read = True
        return found


def _parsed(parsed: dict[str, Any], _: Answer) -> Any:
    return parsed


def _named(refusal: Rejection, outcome: Answer | Refused) -> Rejection:
    """Name the completion that a refused answer was read from, so that it can be asked for again."""
    if isinstance(outcome, Refused):
        return refusal
    return Rejection(refusal.reason, f"{refusal.detail} [{outcome.completion_id}]".strip())
