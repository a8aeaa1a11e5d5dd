"""The runner: a program for every input that is due, as many at once as there is room for.

Nothing waits for all inputs: an input goes on as soon as its answer is there. A new input is opened only when fewer
calls wait than may be out, and calls of the oldest input go first, so that little is unfinished when money ends. In
batch mode an input whose calls are in a job is let go of; a later run starts it again and gets as far as the next job.
"""

import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from heapq import heappop, heappush
from typing import Any

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import RejectionRow, Settled, Step
from wellspring.tasks.spine.running import blame
from wellspring.tasks.spine.running.blame import METHOD_ERROR
from wellspring.tasks.spine.running.runs import Counts, Run, as_task
from wellspring.tasks.spine.watching.counts import Conducted
from wellspring.tasks.spine.writing import completions
from wellspring.tasks.spine.writing.programs import Ask, Asked, Input, Look, LookedUp, Program
from wellspring.tasks.spine.writing.reporting import Reporter

BATCH_INPUTS = 500  # settled inputs in one transaction
BATCH_SECONDS = 10.0  # a slow model's rows are written this often
FREE_INPUTS = 64  # open at once while answers come from the journal: they are looked up together
FIRST, LAST = 5, 100  # inputs by which a program is judged that ends in exceptions
LOOKED_UP = 2_000  # inputs that look something up at once


@dataclass(slots=True)
class _Branch:
    """A coroutine of an input: the program itself, or one of those that go on side by side in it."""

    item: Input
    coroutine: Coroutine[Any, Any, Any]
    place: str = ""
    parent: "_Branch | None" = None
    number: int = 0
    steps: int = 0  # that were numbered in it
    looks: int = 0
    wave: int = 0  # how many calls had to be answered, one after the other, to come so far
    results: list[Any] = field(default_factory=list)  # of its own branches
    missing: int = 0


def conduct(run: Run, program: Program, *, most: int | None = None, among: Sequence[str] | None = None) -> Counts:
    """Run a program for every input that is due, and write what it makes.

    Args:
        run: Whose store, models and settings are used.
        program: What is done.
        most: Only the first so many inputs of its view, by their ids.
        among: Only these inputs of its view.

    Raises:
        TransientError: The budget or the quota is used up; what is settled is written.
        BrokenError: The key is wrong, or a disk is full; what is settled is written as far as it could be.
    """

    def left() -> list[str]:
        return due(run, program.stage, program.takes, program.fingerprint, most, among)

    def begin() -> Counts:
        return _conducted(run, program, found, left)

    if not (found := left()[: run.pilot]):
        return Counts()  # and no model door was opened
    return as_task(f"{program.stage} by {program.name}", begin)()


def _conducted(run: Run, program: Program, found: list[str], left: Callable[[], list[str]]) -> Counts:
    for noun in ("settled", "steps"):
        run.store.execute("publications/retract", noun=noun, run_id=run.run_id)
    if lost := run.models.lost_answers():
        run.progress.note(f"the journal was damaged: {lost} recorded answers are lost, and asked for again")
    runner = Runner(run, program, len(found) * (program.samples or 1))
    for role, is_priced in runner.is_priced.items():
        if not is_priced:
            model = run.models.role(role).model
            run.progress.note(f"the price of `{model}` is in no table: what its calls cost is unknown")
    wanted = {*found}
    try:
        while found and runner.has_left_out(_inputs(run, program, found)):
            runner.flush()
            found = [one for one in left() if one in wanted]
        runner.clear()
    finally:
        runner.flush()
        calls = runner.counts["calls"] + runner.counts["cached_calls"]
        of = (program.stage, program.name, program.fingerprint)
        run.conducted.append(Conducted(*of, runner.opened, calls, runner.reporter.wave, program.most_calls))
    return Counts(**runner.counts)


def due(
    run: Run, stage: str, takes: str, fingerprint: str, most: int | None = None, among: Sequence[str] | None = None
) -> list[str]:
    """Return the ids of the inputs that a program is not done with, in their order.

    Args:
        run: Whose store is asked.
        stage: The noun that refusals are counted under.
        takes: The view of `sql/inputs/` that the inputs are rows of.
        fingerprint: Of the program.
        most: Only the first so many inputs of the view.
        among: Only these inputs of the view.
    """
    wanted = {"most": most, "among": None if among is None else list(among)}
    found = run.store.query("settled/pending", view=_view(takes), stage=stage, fingerprint=fingerprint, **wanted)
    return found["input_id"].to_list()


def _inputs(run: Run, program: Program, input_ids: list[str]) -> Iterator[Any]:
    return run.store.stream("settled/inputs", view=_view(program.takes), input_ids=input_ids)


def _view(takes: str) -> str:
    return f"inputs_{takes}"


class Runner:
    """One program at work: its open inputs, their calls, and what is not yet written."""

    def __init__(self, run: Run, program: Program, total: int) -> None:
        self.run, self.program = run, program
        self.counts: dict[str, Any] = {f.name: f.default for f in fields(Counts)}
        self.is_priced = {role: completions.is_priced(run, role) for role in program.roles}
        self.reporter = Reporter(run, program, total)
        self._expected = 1 if program.samples is None else program.samples  # rows of an input, before it is settled
        self._room = max(map(run.models.room, program.roles), default=FREE_INPUTS)
        self._due: list[tuple[int, int, Call]] = []  # calls at hand, those of the oldest input first
        self._asked: dict[str, tuple[_Branch, str]] = {}  # whom the answer to a call is for, and the call's heading
        self._looks: dict[Look, list[tuple[_Branch, Any]]] = {}
        self._looking = self._looking_paid = 0  # inputs that look something up; those that were paid for in this run
        self.opened = 0
        self._numbered = self._out = 0
        self._is_free = False  # the last answer came from the journal
        self._left = 0  # calls that batch jobs were out for
        self._ended = 0  # inputs
        self._ways: deque[str] = deque(maxlen=LAST)  # in which the last of them ended; empty where no exception did it
        self._doubted: list[tuple[int, Input]] = []  # ended by exceptions, of late
        self._made: dict[str, list[Any]] = {}
        self._rejections: list[RejectionRow] = []
        self._settled: list[Settled] = []
        self._steps: list[Step] = []
        done = run.store.query("settled/of_method", fingerprint=program.fingerprint)["input_id"].to_list()
        self._done_before = frozenset(done)  # some are due again: their page was overtaken
        self._flushed = time.monotonic()

    # Inputs, calls, answers

    def has_left_out(self, frames: Iterator[Any]) -> bool:
        """Run the program for every row; whether batch jobs had calls of some that they have no more."""
        before = self._left
        rows = (row for frame in frames for row in frame.iter_rows(named=True))
        for outcome in self.run.models.answers(self._calls(rows), self._leave, self._tick):
            self._take(outcome)
            if len(self._settled) >= BATCH_INPUTS or time.monotonic() - self._flushed > BATCH_SECONDS:
                self.flush()
            else:
                self.reporter.tell_now_and_then(self.counts)
        return self._left > before

    def _calls(self, rows: Iterator[Row]) -> Iterator[Call | None]:
        """Yield calls as they come up; None where the next one depends on an answer that is out."""
        is_more = True
        while True:
            if self._due:
                self._out += 1
                yield heappop(self._due)[2]
            elif self._out >= max(self._room, FREE_INPUTS * self._is_free):
                yield None
            elif is_more and not self._is_look_up_due():
                row = next(rows, None)
                is_more = row is not None
                if row is not None:
                    self._open(row)
            elif self._looks and (is_more or self._looking >= self._out):
                self._look_up()
            elif self._out:
                yield None
            else:
                return

    def _open(self, row: Row) -> None:
        self.opened += 1
        self.counts["rows_in"] += self._expected
        item = Input(self.opened, row)
        self._step(_Branch(item, self.program.body(row, Ask(self.run, item, self.program.most_calls))))

    def _step(self, branch: _Branch, value: Any = None) -> None:
        """Let a coroutine go on to what it waits for next, or to its end."""
        branch.item.at = branch.place
        try:
            is_ended, found = _sent(branch.coroutine, value)
        except Rejection as error:
            self._end(branch, error)
            return
        if is_ended:
            self._end(branch, found)
        elif isinstance(found, Asked):
            self._put(branch, found)
        elif isinstance(found, LookedUp):
            branch.item.waits += 1
            self._looking += 1
            self._looking_paid += branch.item.is_paid
            branch.looks += 1
            place = f"{branch.place}look{branch.looks - 1}"
            value = (place, found.value) if found.is_placed else found.value
            self._looks.setdefault(found.look, []).append((branch, value))
        else:
            self._fork(branch, found.coroutines)

    def _put(self, branch: _Branch, asked: Asked) -> None:
        place = f"{branch.item.number}/{self._place(branch)}"
        self._asked[place] = (branch, asked.heading)
        self._numbered += 1
        branch.item.waits += 1
        heappush(self._due, (branch.item.number, self._numbered, replace(asked.call, place=place)))

    def _fork(self, branch: _Branch, coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
        place = self._place(branch)
        branch.results, branch.missing = [None] * len(coroutines), len(coroutines)
        for number, coroutine in enumerate(coroutines):
            self._step(_Branch(branch.item, coroutine, f"{place}.{number}.", branch, number, wave=branch.wave))

    @staticmethod
    def _place(branch: _Branch) -> str:
        branch.steps += 1
        return f"{branch.place}{branch.steps - 1}"

    def _end(self, branch: _Branch, found: Any) -> None:
        parent = branch.parent
        if parent is None:
            self._settle(branch.item, found if isinstance(found, Rejection) else None)
            return
        parent.results[branch.number] = found
        parent.wave = max(parent.wave, branch.wave)
        parent.missing -= 1
        if not parent.missing:
            self._step(parent, parent.results)

    def _take(self, outcome: Answer | Refused) -> None:
        self._out -= 1
        call = outcome.call
        branch, heading = self._asked.pop(call.place)
        branch.wave += 1
        self.reporter.wave = max(self.reporter.wave, branch.wave)
        branch.item.steps.append((call.place.partition("/")[2], heading, call.role, outcome.completion_id))
        self._is_free = outcome.is_cached
        branch.item.is_paid |= not outcome.is_cached
        branch.item.waits -= 1
        self._count(outcome)
        self._step(branch, outcome)
        self._let_go(branch.item)

    def _leave(self, call: Call) -> None:
        """Note that a batch job is out for a call: its input is let go of once nothing else of it goes on."""
        self._out -= 1
        self._left += 1
        item = self._asked.pop(call.place)[0].item
        item.waits, item.left = item.waits - 1, item.left + 1
        self._let_go(item)

    def _let_go(self, item: Input) -> None:
        """Let go of an input that only batch jobs could bring on; it stays due, and its answers are recorded."""
        if item.left and not item.waits:
            item.left = 0
            self.counts["rows_in"] -= self._expected

    def _is_look_up_due(self) -> bool:
        """Whether so many inputs look something up that they are answered before another is opened."""
        return self._looking_paid >= self._room or self._looking >= LOOKED_UP

    def _look_up(self) -> None:
        """Answer all that is looked up: each kind in one call, as arrays."""
        looks, self._looks = self._looks, {}
        self._looking = self._looking_paid = 0
        for look, asked in looks.items():
            asked.sort(key=lambda one: (one[0].item.number, one[0].place))
            found = look([(branch.item.input_id, value) for branch, value in asked])
            for (branch, _), value in zip(asked, found, strict=True):
                branch.item.waits -= 1
                self._step(branch, value)
                self._let_go(branch.item)

    def _tick(self) -> None:
        """While no answer comes: write what is there, and say what is waited for."""
        if self._settled and time.monotonic() - self._flushed > BATCH_SECONDS:
            self.flush()
        else:
            self.reporter.tell(self.counts)

    def _count(self, outcome: Answer | Refused) -> None:
        if outcome.is_cached:
            self.counts["cached_calls"] += 1
            return
        self.counts["calls"] += 1
        self.counts["unpriced_calls"] += not self.is_priced[outcome.call.role]
        if isinstance(outcome, Answer):
            self.counts["prompt_tokens"] += outcome.prompt_tokens
            self.counts["completion_tokens"] += outcome.completion_tokens
            self.counts["cost_usd"] += outcome.cost_usd

    # Settlement

    def _settle(self, item: Input, refusal: Rejection | None) -> None:
        """Turn an input whose program has ended into rows and rejections, to be written together."""
        if refusal is not None:
            item.made.clear()
            before = item.refused if self.program.samples is None else {}
            item.refused = before | dict.fromkeys(range(self._expected), refusal)
            item.is_read &= refusal.reason != METHOD_ERROR
        errors = [] if item.is_read else [one for one in item.refused.values() if one.reason == METHOD_ERROR]
        self._ended += 1
        self._ways.append(blame.way(errors[0].detail) if errors else "")
        if errors:
            self._doubted.append((self._ended, item))
            self._accuse(errors[0].detail)
        else:
            self._write(item)
        while self._doubted and self._doubted[0][0] <= self._ended - LAST:
            self._write(self._doubted.pop(0)[1])

    def _write(self, item: Input) -> None:
        """One rejection for each refused draw; the bare id, which pending queries look for, only if none gave rows."""
        program, input_id = self.program, item.input_id
        is_made = any(item.made.values()) and not item.has_failed
        names = [] if is_made else [input_id]
        for draw, refusal in sorted(item.refused.items()):
            name = names.pop() if names else f"{input_id}#{draw}"
            said = (refusal.reason, outside.sound(refusal.detail))
            self._rejections.append(RejectionRow(program.stage, name, program.fingerprint, *said, self.run.run_id))
        is_counted = program.samples is not None
        of_inputs = len(item.made.get(program.makes, ())) if program.makes else int(is_made)
        stood = self._expected - len(item.refused) if is_counted else of_inputs
        self.counts["rows_rejected"] += len(item.refused)
        self.counts["rows_out"] += stood
        more = stood + len(item.refused) - self._expected  # than were expected of it, where only the program knows
        self.counts["rows_in"] += more
        self.reporter.total += more
        for table, rows in item.made.items():
            self._made.setdefault(table, []).extend(rows)
        if not program.settles:
            return
        made, seconds = sum(map(len, item.made.values())), time.monotonic() - item.began
        of = (input_id, program.fingerprint)
        counts = (len(item.steps), made, len(item.refused), seconds)
        self._settled.append(Settled(*of, program.stage, self.run.run_id, *counts))
        self._steps += [Step(*of, *step, self.run.run_id) for step in sorted(item.steps)]

    def _accuse(self, detail: str, *, is_last: bool = False) -> None:
        """Stop where it is the method that failed, and no row; what ended in exceptions just now is not refused then.

        Raises:
            BrokenError: The first inputs, or all there are, ended at one line, and the method never wrote a row; or
                more than half of the last hundred did.
        """
        alike = self._ways.count(blame.way(detail))
        if alike == self._ended and (self._ended == FIRST or (is_last and self._ended >= blame.ENOUGH)):
            if not self.run.store.count("methods/written", fingerprint=self.program.fingerprint):
                raise blame.accused(f"each of the {alike} inputs of `{self.program.stage}`", detail)
        elif 2 * alike > LAST:
            raise blame.accused(f"{alike} of the last {LAST} inputs of `{self.program.stage}`", detail)

    def clear(self) -> None:
        """Refuse the inputs that ended by exceptions, unless it is the method that failed, on all that there are.

        Raises:
            BrokenError: All ended in the same exception.
        """
        if self._doubted:
            errors = [one for one in self._doubted[-1][1].refused.values() if one.reason == METHOD_ERROR]
            self._accuse(errors[0].detail, is_last=True)
        for _, item in self._doubted:
            self._write(item)
        self._doubted.clear()

    def flush(self) -> None:
        """Write what is settled, and the completions it rests on, in one transaction."""
        store = self.run.store
        with store.transaction():
            for table, rows in self._made.items():
                store.append(table, rows)
            if self._rejections:
                store.append("rejections", self._rejections)
            self._write_settled()
            completions.copy_from_journal(self.run)
        self._made, self._rejections, self._settled, self._steps = {}, [], [], []
        self._flushed = time.monotonic()
        self.reporter.tell(self.counts)

    def _write_settled(self) -> None:
        """Say what was done with each input, in place of what was said before of one whose page was overtaken."""
        again = [one.input_id for one in self._settled if one.input_id in self._done_before]
        for table, rows in {"settled": self._settled, "steps": self._steps}.items():
            if again:
                prints = [self.program.fingerprint] * len(again)
                self.run.store.execute(f"{table}/reopen", ids=again, fingerprints=prints)
            self.run.store.append(table, rows)


def _sent(coroutine: Coroutine[Any, Any, Any], value: Any) -> tuple[bool, Any]:
    """Let a coroutine go on; returns whether it has ended, and what it returned or waits for.

    Raises:
        Rejection: It was refused, or ended in an exception that is its row's end.
    """
    with blame.refusing():
        try:
            return False, coroutine.send(value)
        except StopIteration as ended:
            return True, ended.value
