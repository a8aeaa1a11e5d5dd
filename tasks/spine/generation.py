"""The loop of every prompted stage: pending rows, a model, a parser, rows.

Rows are streamed from the stage's pending query, asked as room is there, parsed as they come back, and written in
batches of one transaction each; an input is settled as a whole (all its draws) or not at all, so a killed run leaves
nothing half done. What a model said is durable in the journal before it is parsed, so a better parser costs nothing.
"""

import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Message, Prompt, PromptedMethod, Row
from wellspring.tasks.contracts.records import RejectionRow
from wellspring.tasks.methods.loops import is_loop
from wellspring.tasks.spine import blame, progress
from wellspring.tasks.spine.blame import METHOD_ERROR
from wellspring.tasks.spine.counts import known
from wellspring.tasks.spine.runs import Counts, Run, in_flow

if TYPE_CHECKING:
    from wellspring.tasks.io.delivery import Activity, Stats

BATCH_INPUTS = 500  # settled inputs in one transaction
BATCH_SECONDS = 10.0  # a slow model's rows are written this often
TOLD_SECONDS = 0.5  # between two words to a terminal
SHOWN_SECONDS = 5.0  # and to Prefect
COPIED = frozenset({"placeholder", "no_substance"})  # the form, in place of an answer
FORM = frozenset({"unparsable_answer", "incomplete_answer", "mark_out_of_range"}) | COPIED  # what a second try can mend

Rows = Callable[[Row, dict[str, Any], Answer], list[Any]]


@dataclass(slots=True)
class _Input:
    """A row on its way: what its draws gave so far, and how many are still out."""

    row: Row
    waiting: int
    records: list[Any] = field(default_factory=list)
    refused: dict[int, Rejection] = field(default_factory=dict)
    repaired: set[int] = field(default_factory=set)
    is_read: bool = False  # the method said something of it, be it a refusal


def generate(
    run: Run,
    *,
    stage: str,
    table: str,
    role: str,
    method: PromptedMethod,
    fingerprint: str,
    pending: str,
    params: Mapping[str, Any],
    rows: Rows,
    settings: Any = None,
    draws: int = 1,
    temperature: float | None = None,
    on_failure: Callable[[Row, str, str], list[Any]] | None = None,
) -> Counts:
    """Ask a role's model for every pending row and write what it says.

    Args:
        run: Whose store, models and settings are used.
        stage: The noun that the rejections are counted under.
        table: Where the records go.
        role: Whose model is asked: generator, judge, responder.
        method: The recipe or judge: its prompt and its parser.
        fingerprint: Of the method under its settings.
        pending: The query of what is left, as `noun/name`; its column `input_id` names the input, a column `draw` (if
            there is one) numbers samples that are made in SQL.
        params: The query's parameters.
        rows: What to write for a row, its parsed answer, and the answer itself.
        settings: Handed to `method.prompt`.
        draws: Samples of each row.
        temperature: Overrides the role's.
        on_failure: What a judge writes instead of a rejection, from the row, the reason and its detail.

    Raises:
        TransientError: The budget or the quota is used up; what was answered is written.
        BrokenError: The key is wrong, or a disk is full; what was answered is written as far as it could be.
    """
    total = run.store.count(pending, **params) * draws
    if total == 0:
        return Counts()  # and no model door was opened
    if lost := run.models.lost_answers():
        run.progress.note(f"the journal was damaged: {lost} recorded answers are lost, and asked for again")
    asked = run.models.role(role)
    if not is_priced(run, role):
        run.progress.note(f"the price of `{asked.model}` is in no table: what its calls cost is unknown")
    room, stats = asked.max_tokens, replace(run.models.stats)
    work = _Work(
        *(run, stage, table, method, fingerprint, rows, settings, draws, temperature, on_failure, total, room),
        role=role,
        before=stats,
        mean_seconds=run.models.journal.mean_seconds(role, asked.model),
    )
    work.is_priced = is_priced(run, role)
    work.report()
    try:
        while work.is_left_out(run.store.stream(pending, **params)):
            work.flush()
        work.clear()
    finally:
        work.flush()
    return Counts(**work.counts)


@dataclass(slots=True)
class _Work:
    """One run of the loop: inputs that are out, repairs that are due, records that are not yet written."""

    run: Run
    stage: str
    table: str
    method: PromptedMethod
    fingerprint: str
    rows: Rows
    settings: Any
    draws: int
    temperature: float | None
    on_failure: Callable[[Row, str, str], list[Any]] | None
    total: int
    max_tokens: int
    role: str
    before: "Stats"  # of the stages before
    mean_seconds: float | None = None  # of an answer, in earlier runs
    counts: dict[str, Any] = field(default_factory=lambda: {f.name: f.default for f in fields(Counts)})
    open: dict[str, _Input] = field(default_factory=dict)
    repairs: deque[Call] = field(default_factory=deque)
    records: list[Any] = field(default_factory=list)
    rejections: list[RejectionRow] = field(default_factory=list)
    doubted: dict[str, _Input] = field(default_factory=dict)  # ended by exceptions, and no row was read yet
    settled: int = 0
    left: int = 0  # calls that batch jobs were out for
    is_priced: bool = True
    started: float = field(default_factory=time.monotonic)
    flushed: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    shown: float = -math.inf
    artifact: Any = None

    def is_left_out(self, frames: Iterator[Any]) -> bool:
        """Ask for every row, then for the repairs that came up last; whether a batch job had some that it has no more.

        A row that a batch job is out for is let go of, and stays pending: a stage of any size is not held in memory.
        """
        before, calls = self.left, self._calls(frames)
        while True:
            for outcome in self.run.models.answers((replace(call, role=self.role) for call in calls), self._leave, self._tick):
                self._take(outcome)
                if self.settled >= BATCH_INPUTS or time.monotonic() - self.flushed > BATCH_SECONDS:
                    self.flush()
                elif time.monotonic() - self.told > TOLD_SECONDS:
                    self.report()
            if not self.repairs:
                return self.left > before
            calls = self._due()

    def _tick(self) -> None:
        """While no answer comes: write what is there, and say what is waited for."""
        if self.settled and time.monotonic() - self.flushed > BATCH_SECONDS:
            self.flush()
        else:
            self.report()

    def _leave(self, call: Call) -> None:
        """Let go of an input that a batch job is out for; what its other draws gave is recorded and costs nothing."""
        self.left += 1
        if self.open.pop(call.input_id, None) is not None:
            self.counts["rows_in"] -= self.draws

    def _calls(self, frames: Iterator[Any]) -> Iterator[Call]:
        for frame in frames:
            for row in frame.iter_rows(named=True):
                yield from self._due()
                yield from self._calls_of(row)
        yield from self._due()

    def _due(self) -> Iterator[Call]:
        while self.repairs:
            yield self.repairs.popleft()

    def _calls_of(self, row: Row) -> Iterator[Call]:
        input_id = str(row["input_id"])
        self.counts["rows_in"] += self.draws
        self.open[input_id] = item = _Input(row, self.draws)
        first = int(row.get("draw") or 0)
        try:
            with blame.refusing():
                prompt = self.method.prompt(row, self.settings)
        except Rejection as refusal:
            item.refused = dict.fromkeys(range(self.draws), refusal)
            self._settle(input_id)
            return
        for draw in range(first, first + self.draws):
            yield Call(input_id, prompt, draw, self.temperature)

    def _take(self, outcome: Answer | Refused) -> None:
        item = self.open.get(outcome.call.input_id)
        if item is None:
            return  # a batch job is out for another of its draws
        draw = outcome.call.draw
        if isinstance(outcome, Refused):
            self.counts["cached_calls" if outcome.is_cached else "calls"] += 1
            self.counts["unpriced_calls"] += not (outcome.is_cached or self.is_priced)
            item.refused[draw] = Rejection(outcome.reason, outcome.detail)
        else:
            self._count(outcome)
            try:
                item.records += self._read(item, outcome)
                item.is_read = True
            except Rejection as refusal:
                item.is_read |= refusal.reason != METHOD_ERROR
                if draw not in item.repaired and refusal.reason in FORM:
                    item.repaired.add(draw)
                    self.repairs.append(repair(outcome, refusal, self.max_tokens))
                    return
                item.refused[draw] = Rejection(refusal.reason, f"{refusal.detail} [{outcome.completion_id}]".strip())
        item.waiting -= 1
        if item.waiting == 0:
            self._settle(outcome.call.input_id)

    def _read(self, item: _Input, answer: Answer) -> list[Any]:
        """Return the rows that an answer makes, as their tables can hold them."""
        with blame.refusing():
            said = replace(answer, text=outside.sound(answer.text), thought=outside.sound(answer.thought))
            return [outside.storable(row) for row in self.rows(item.row, self.method.parse(item.row, said.text), said)]

    def _count(self, answer: Answer) -> None:
        if answer.is_cached:
            self.counts["cached_calls"] += 1
            return
        self.counts["calls"] += 1
        self.counts["prompt_tokens"] += answer.prompt_tokens
        self.counts["completion_tokens"] += answer.completion_tokens
        self.counts["cost_usd"] += answer.cost_usd
        self.counts["unpriced_calls"] += not self.is_priced

    def _settle(self, input_id: str) -> None:
        """Turn an input whose draws are all back into records and rejections, to be written together.

        One rejection per refused draw; the bare input id (what pending queries look for) only if no draw gave rows.
        """
        item = self.open.pop(input_id)
        if item.is_read:
            self._write_doubted()
        elif any(refusal.reason == METHOD_ERROR for refusal in item.refused.values()):
            self.doubted[input_id] = item
            if len(self.doubted) >= BATCH_INPUTS:
                self.clear()
            return
        self._write(input_id, item)

    def _write(self, input_id: str, item: _Input) -> None:
        if self.on_failure is not None:
            self._fail(item, self.on_failure)
        names = [input_id] if not item.records else []
        for draw, refusal in sorted(item.refused.items()):
            name = names.pop() if names else f"{input_id}#{draw}"
            detail = outside.sound(refusal.detail)
            self.rejections.append(
                RejectionRow(self.stage, name, self.fingerprint, refusal.reason, detail, self.run.run_id)
            )
        self.counts["rows_rejected"] += len(item.refused)
        self.counts["rows_out"] += self.draws - len(item.refused)
        self.records += item.records
        self.settled += 1

    @staticmethod
    def _fail(item: _Input, on_failure: Callable[[Row, str, str], list[Any]]) -> None:
        """Write what a judge that failed says; that a method raised is no judgement, and stays a refusal."""
        for draw, refusal in list(item.refused.items()):
            if refusal.reason != METHOD_ERROR:
                item.records += map(outside.storable, on_failure(item.row, refusal.reason, refusal.detail))
                del item.refused[draw]

    def clear(self) -> None:
        """Refuse the rows that ended by exceptions, unless it is the method that failed, on all rows there are.

        Raises:
            BrokenError: All ended in the same exception.
        """
        if self.doubted and not self.run.store.count("methods/written", fingerprint=self.fingerprint):
            refusals = [refusal for item in self.doubted.values() for refusal in item.refused.values()]
            blame.accuse(self.stage, len(self.doubted), [r.detail for r in refusals if r.reason == METHOD_ERROR])
        self._write_doubted()

    def _write_doubted(self) -> None:
        """Refuse the rows that ended by exceptions: another one was read, or they ended in different ways."""
        doubted, self.doubted = self.doubted, {}
        for input_id, item in doubted.items():
            self._write(input_id, item)

    def flush(self) -> None:
        """Write what is settled, and the completions it rests on, in one transaction."""
        store = self.run.store
        with store.transaction():
            if self.records:
                store.append(self.table, self.records)
            if self.rejections:
                store.append("rejections", self.rejections)
            load_completions(self.run)
        self.records, self.rejections, self.settled, self.flushed = [], [], 0, time.monotonic()
        self.report()

    def report(self) -> None:
        """Say how far it is, what is waited for, and how long the rest may take."""
        done = self.counts["rows_out"] + self.counts["rows_rejected"]
        stats, cost = self.run.models.stats, known(Counts(**self.counts).paid_usd)
        activity = self.run.models.activity(self.role)
        self.told = time.monotonic()
        seconds = max(self.told - self.started, 1e-9)
        facts: dict[str, Any] = {
            "out": activity.out,
            "oldest_seconds": activity.oldest_seconds,
            "rows_per_second": done / seconds,
            "tokens": self.counts["prompt_tokens"] + self.counts["completion_tokens"],
            "tokens_per_second": self.counts["completion_tokens"] / seconds,
            **({} if cost is None else {"cost_usd": cost}),
            **({"projected_usd": cost / done * self.total} if cost and done else {}),
            "retries": stats.retries - self.before.retries,
            "refusals": stats.refusals - self.before.refusals,
            "seconds_left": self._seconds_left(self.total - done, activity),
            "doing": activity.doing,
        }
        self.run.progress(self.stage, done, self.total, **facts)
        self._show(done, facts)

    def _seconds_left(self, rows: int, activity: "Activity") -> float | None:
        """Return how long the rest takes: so many answers, as long as one took so far, as many at once as are out."""
        stats = self.run.models.stats
        answers = (stats.calls - stats.cached) - (self.before.calls - self.before.cached)
        mean = (stats.seconds - self.before.seconds) / answers if answers else self.mean_seconds
        if mean is None:
            return None
        at_once = min(activity.out or activity.limit or 1, max(rows, 1))
        return rows * mean / at_once + activity.resting_seconds

    def _show(self, done: int, facts: Mapping[str, Any]) -> None:
        """Put the progress where Prefect's UI shows it, now and then: an update is a request to its server."""
        is_due = done == self.total or time.monotonic() - self.shown > SHOWN_SECONDS
        if not is_due or not in_flow():
            return
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        percent = min(100.0, 100 * done / max(self.total, 1))
        said = f"{self.stage} by {self.method.name}: {done} of {self.total}; {progress.described(facts)}"
        if self.artifact is None:
            key = f"{self.run.label}-progress-{self.stage}"
            self.artifact = create_progress_artifact(percent, key=key, description=said)
        else:
            update_progress_artifact(self.artifact, percent, description=said)
        self.shown = time.monotonic()


def load_completions(run: Run) -> int:
    """Copy what the journal has recorded since the last time into the table `completions`; returns the rows copied."""
    watermark = int(run.store.query("completions/watermark")["sequence"][0])
    copied = 0
    while True:
        table, watermark = run.models.completions_after(watermark)
        if table.num_rows == 0:
            return copied
        table = _priced(run, table)
        new = run.store.append("completions", table)
        if new < table.num_rows:  # calls that were refused once, and asked again
            run.store.execute("completions/forget", completion_ids=table.column("completion_id").to_pylist())
            run.store.append("completions", table)
        copied += table.num_rows


def is_priced(run: Run, role: str) -> bool:
    """Whether a table lists the price of a role's model."""
    return run.models.prices.of(run.models.role(role).model).is_known


def _priced(run: Run, completions: pa.Table) -> pa.Table:
    """Return calls whose model no table lists with an unknown cost; the journal, which holds a budget, counts 0."""
    models: list[Any] = completions["model"].to_pylist()
    unknown = {name for name in set(models) if not run.models.prices.of(name).is_known}
    if not unknown:
        return completions
    counted = (completions[name].to_pylist() for name in ("cost_usd", "prompt_tokens", "completion_tokens"))
    costs = [
        math.nan if model in unknown and not cost and asked + said else cost
        for model, cost, asked, said in zip(models, *counted, strict=True)
    ]
    place = completions.schema.get_field_index("cost_usd")
    return completions.set_column(place, completions.schema.field(place), pa.array(costs, pa.float64()))


_ANSWER = re.compile(r"\[([0-9a-f]{20})\]$")


def failure(reason: str, detail: str, most: int = 300) -> str:
    """Say why a judge failed, in few characters; the completion that it was read from stays at the end."""
    found = _ANSWER.search(detail)
    end = f" {found[0]}" if found else ""
    return f"{reason}: {detail.removesuffix(end)}"[: most - len(end)] + end


def ask_anew(run: Run, details: Iterable[str]) -> int:
    """Have answers that no parser could use asked for again; returns how many.

    To take a rejection back is enough for a better parser, which reads the recorded answer at no cost. This is for
    another answer to the same question: what the journal recorded is set aside (its attempts stay on record).

    Args:
        run: The run that will ask again.
        details: Of the rejections, or of marks that no judge gave; each ends with the completion that it was read from.
    """
    spoilt = [found[1] for detail in details if (found := _ANSWER.search(detail))]
    return run.models.journal.forget(spoilt) if spoilt else 0


_FORM = "This is its form"
_REPAIR = """That answer could not be used: {problem}

Answer the same request again. Return only what was asked for, in the form that was asked for, with nothing
before or after it."""


def _without_form(prompt: Prompt) -> Prompt:
    """Return a prompt that names the keys of its answer in place of the form with which it ends."""
    *before, last = prompt.messages
    asked, form, _ = last.content.rpartition(_FORM)
    if prompt.schema is None or not form:
        return prompt
    keys = ", ".join(f"`{name}`" for name in _keys(prompt.schema))
    said = f"{asked}Its keys are {keys}. Fill each with words of your own about what you were given."
    return replace(prompt, messages=(*before, Message(last.role, said)))


def _keys(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, of in schema.get("properties", {}).items():
        yield name
        yield from _keys(of)


def repair(answer: Answer, refusal: Rejection, max_tokens: int) -> Call:
    """Return the one call that asks again, by another seed: told what was wrong, or with more room if it was cut off.

    More room only where it helps: an answer that went in circles would fill it, too. A model that copied the form is
    not shown it again, nor its copy: it is told the keys.
    """
    call = replace(answer.call, retry=answer.call.retry + 1)
    if answer.finish_reason == "length":
        room = call.max_tokens or max_tokens
        return call if is_loop(answer.text) else replace(call, max_tokens=2 * room)
    if refusal.reason in COPIED:
        return replace(call, prompt=_without_form(call.prompt))
    said = Message("assistant", answer.text)
    problem = Message("user", _REPAIR.format(problem=refusal))
    prompt: Prompt = replace(call.prompt, messages=(*call.prompt.messages, said, problem))
    return replace(call, prompt=prompt)
