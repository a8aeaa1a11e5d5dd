"""Runs, receipts and the one Prefect policy: what every stage is wrapped in.

A run holds the store's lock from `start` to its end, so whoever gets the lock knows that every other run that says it
is running is dead. A stage takes a run and returns counts; `@stage` measures it, writes its receipt and, inside a
Prefect flow, makes it one task (no retries, no cache, no persisted result: what is left to do is a query of ours).
"""

import contextlib
import functools
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import casting, orders, records
from wellspring.tasks.contracts.errors import TransientError, UsageError, WellspringError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import KEPT, Corpus, Settings, alone
from wellspring.tasks.contracts.stages import made_from
from wellspring.tasks.io import files, interrupts, telemetry
from wellspring.tasks.io.corpora.own_formats import Own
from wellspring.tasks.io.interrupts import Stop
from wellspring.tasks.io.storage import journal_file, pairing, rights
from wellspring.tasks.io.storage import store as stores
from wellspring.tasks.spine.running import origin, preflight, recipes
from wellspring.tasks.spine.watching import alerts, openlineage, stage_status
from wellspring.tasks.spine.watching.counts import Conducted, Counts, Receipt, known
from wellspring.tasks.spine.watching.openlineage import RunEvents
from wellspring.tasks.spine.watching.progress import Progress

if typing.TYPE_CHECKING:
    from wellspring.tasks.io.models.llm import Models

FOUND = "found"  # a folder of the store: pages that a live search brought, as a corpus like any other
PART = "wellspring-part"  # the tag of a subflow
REHEARSAL = "estimate"  # the flow of a run that is only counted
_USERINFO = re.compile(r"://[^/@\s\"]+@")


def met_roles(settings: Settings) -> list[str]:
    """Return the roles whose servers are learned before a run pays: those that a run of this profile asks."""
    roles = casting.cast(settings, recipes.roles(settings))
    of_others = {"embedder", "moderator"}
    return [name for name in roles if name not in of_others and roles[name].asks_a_server]


class Run:
    """A run at work: its id, its settings, its store, and (made when first asked) its models."""

    def __init__(self, run_id: str, flow: str, settings: Settings, store: stores.Store, progress: Progress) -> None:
        self.run_id = run_id
        self.flow = flow
        self.settings = settings
        self.store = store
        self.progress = progress
        self.receipts: list[Receipt] = []
        self.conducted: list[Conducted] = []
        self.held: list[WellspringError] = []  # what went wrong with a part, where the rest went on
        self.pilot: int | None = None  # how many inputs of each program are asked about, at most
        version = origin.versions().get("wellspring", "source")
        self.announcer = RunEvents(store.events, settings.events, run_id, flow, version)
        self.stop: Stop | None = None
        self.has_readers = True
        self.parts: frozenset[str] = frozenset()  # of the main job that it does; none is said of a rehearsal
        self._models: Models | None = None
        self._has_met = False

    @property
    def models(self) -> "Models":
        """The model door: made at first use, so that a run that asks nothing needs no endpoint."""
        if self._models is None:
            from wellspring.tasks.io.models.llm import Models

            self._models = Models(self.settings, self.store.path, self.run_id)
        return self._models

    @property
    def label(self) -> str:
        """Its store, as keys name it that all stores of a Prefect server share."""
        return alerts.store_label(self.store.path)

    @property
    def is_rehearsal(self) -> bool:
        """Whether it is an estimate: nothing is sent or recorded."""
        return self.flow == REHEARSAL

    @property
    def has_models(self) -> bool:
        """Whether the model door was opened."""
        return self._models is not None

    def meet(self) -> None:
        """Learn the servers that will be asked, before anything is read or paid; a server that is known is not asked.

        Each part calls it first, since it may run alone; in a run of many parts the first call is the one that counts.

        Raises:
            TransientError: One does not answer.
            BrokenError: One refuses the key, the model's name or the form of what is asked.
        """
        roles = met_roles(self.settings)
        if roles and not (self._has_met or self.settings.replay or self.is_rehearsal):
            met = self.models.meet(roles, say=self.progress.note)
            self._has_met = True
            for warning in preflight.narrow(met, self.settings):
                self.progress.note(warning)

    @property
    def spent_usd(self) -> float | None:
        """What the store's journal has spent over all runs, or None where no model was asked yet."""
        return None if self._models is None else self._models.journal.ledger.spent_micro_usd / 1e6

    def asking(self, role: str) -> dict[str, Any]:
        """Return what a role's door is doing just now, as facts of progress."""
        activity = self.models.activity(role)
        return {"out": activity.out, "oldest_seconds": activity.oldest_seconds, "doing": activity.doing}

    @property
    def found_pages(self) -> tuple[Corpus, ...]:
        """The pages that live searches found for this store, as a corpus; none if there are none."""
        folder = self.store.path / FOUND
        return (Corpus(path=str(folder), name="live-search"),) if folder.is_dir() else ()

    @property
    def corpora(self) -> tuple[Corpus, ...]:
        """The corpora that the profile names, and the pages that live searches found for this store."""
        return (*self.settings.sources.corpora, *self.found_pages)

    @property
    def own_formats(self) -> Own:
        """The formats of files that the profile names."""
        return Own(self.settings.formats, self.settings.plugins)

    def activate(self, stage: str, methods: Mapping[str, str], settings: Mapping[str, Any] | None = None) -> None:
        """Put these methods of a stage in force: only rows they wrote are valid from now on.

        Args:
            stage: The noun.
            methods: Fingerprint -> name, all that this run's settings ask of the stage.
            settings: What went into the fingerprints, for people who wonder later.
        """
        described = json.dumps(dict(settings or {}), sort_keys=True, default=str)
        in_force = self.store.query("methods/chosen", stage=stage).rows()
        if in_force == [(print_, described) for print_ in sorted(methods)]:
            return
        rows = [
            records.MethodRow(stage, print_, name, described, True, self.run_id) for print_, name in methods.items()
        ]
        with self.store.transaction():
            self.store.append("methods", rows)
            self.store.execute("methods/activate", stage=stage, fingerprints=list(methods), settings=described)

    def fail_late(self) -> None:
        """Say at its end what went wrong with a part of it, while the rest went on.

        Raises:
            WellspringError: The first of these errors.
        """
        if self.held:
            raise self.held[0]

    def say_stopping(self) -> None:
        """Tell whoever pressed Ctrl-C what happens now; called from any thread."""
        out = 0 if self._models is None else self._models.calls_out
        waited = ""
        if out:
            from wellspring.tasks.io.models.llm import GRACE_SECONDS

            calls = "1 call is still out: it gets" if out == 1 else f"{out} calls are still out: they get"
            waited = f" {calls} up to {GRACE_SECONDS:.0f} s more, since an answer may be paid already."
        self.progress.note(f"stopping: what was done is kept.{waited} Ctrl-C again leaves at once.")

    def close(self) -> None:
        """Let go of models and progress; the store is closed by `start`."""
        self.progress.close()
        if self._models is None:
            return
        if left := self._models.close():
            calls = "1 call was" if left == 1 else f"{left} calls were"
            self.progress.note(f"{calls} left without an answer, and may have been paid; the next run asks again")
        self._models = None


class Stage(typing.Protocol):
    """A stage as flows and tests call it; `__wrapped__` is the function itself."""

    noun: str
    __wrapped__: Callable[..., Counts]

    def __call__(self, run: Run, **parameters: Any) -> Receipt:
        """Run the stage, write its receipt, return it."""
        ...


def stage(noun: str) -> Callable[[Callable[..., Counts]], Stage]:
    """Make a function of a run a stage of the noun it fills.

    In a Prefect flow it is a task of that name; elsewhere (tests, notebooks) it is a plain call that needs no Prefect.
    """

    def wrap(function: Callable[..., Counts]) -> Stage:
        @functools.wraps(function)
        def measured(run: Run, **parameters: Any) -> Receipt:
            return _measured(noun, function, run, parameters)

        @functools.wraps(function)
        def dispatched(run: Run, **parameters: Any) -> Receipt:
            if in_flow():
                return _as_asset(noun, run.label, measured)(run, **parameters)
            return measured(run, **parameters)

        dispatched.noun = noun  # pyright: ignore[reportAttributeAccessIssue] - a function that carries its noun
        return typing.cast("Stage", dispatched)

    return wrap


def in_flow() -> bool:
    """Whether this code runs inside a Prefect flow; does not import Prefect to find out."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def called(flow: Any) -> Callable[..., Any]:
    """Return a Prefect flow as something to call: a subflow inside a flow, its plain function elsewhere.

    A subflow has a tag of its own: automations end it when it is silent, and call people for the flow around it only.
    """
    if not in_flow():
        return flow.fn
    from prefect import tags

    return tags(PART)(flow)


def as_task(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as a Prefect task under our one policy, or as it is where no flow runs."""
    return _as_task(name, function) if in_flow() else function


def _as_task(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    return task(name=name, task_run_name=name, retries=0, persist_result=False, cache_policy=NO_CACHE)(function)


def _as_asset(noun: str, store: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a stage as a task that says which table of a store it makes of which; Prefect draws the graph."""
    from prefect.assets import materialize
    from prefect.cache_policies import NO_CACHE

    policy = {"name": noun, "task_run_name": noun, "retries": 0, "persist_result": False, "cache_policy": NO_CACHE}
    upstream: list[Any] = [f"wellspring://{store}/tables/{table}" for table in made_from(noun)]
    return materialize(f"wellspring://{store}/tables/{noun}", by="wellspring", asset_deps=upstream, **policy)(function)


def _measured(noun: str, function: Callable[..., Counts], run: Run, parameters: Mapping[str, Any]) -> Receipt:
    started = time.monotonic()
    run.progress.begin(noun)
    # What it writes is not published until its audit passes, also when the run had written, and was audited, before.
    run.store.execute("publications/retract", noun=noun, run_id=run.run_id)
    with run.announcer.stage(noun) as said, telemetry.span(f"stage {noun}", {"wellspring.run": run.run_id}):
        counts = function(run, **parameters)
        said["rows"] = counts.rows_out
        telemetry.note({f"wellspring.{name}": value for name, value in asdict(counts).items()})
    receipt = Receipt(run.run_id, noun, counts, time.monotonic() - started)
    run.receipts.append(receipt)
    run.store.append("receipts", [_receipt_row(run, receipt)])
    run.progress.end(noun, receipt.counts, receipt.seconds)
    _show(run, receipt)
    return receipt


def _receipt_row(run: Run, receipt: Receipt) -> records.ReceiptRow:
    c = receipt.counts
    prints = run.store.query("methods/active", stage=receipt.stage)["fingerprint"].to_list()
    return records.ReceiptRow(
        run_id=run.run_id,
        stage=receipt.stage,
        fingerprint=prints[0] if len(prints) == 1 else content_id(*prints),
        rows_in=c.rows_in,
        rows_out=c.rows_out,
        rows_rejected=c.rows_rejected,
        seconds=receipt.seconds,
        calls=c.calls,
        cached_calls=c.cached_calls,
        prompt_tokens=c.prompt_tokens,
        completion_tokens=c.completion_tokens,
        cost_usd=c.paid_usd,
        finished_at=now(),
    )


def _show(run: Run, receipt: Receipt) -> None:
    """Put the receipt where Prefect's UI shows it, and call a person when the budget is nearly spent."""
    if not in_flow():
        return
    if (spent := run.spent_usd) is not None:
        alerts.budget_nearly_spent(run.store.path, run.run_id, spent, run.settings.budget.max_cost_usd)
    from prefect.artifacts import create_table_artifact

    facts = {f.name: getattr(receipt.counts, f.name) for f in fields(Counts)} | {"seconds": round(receipt.seconds, 3)}
    facts["cost_usd"] = "unknown" if known(receipt.counts.paid_usd) is None else receipt.counts.cost_usd
    create_table_artifact(
        key=f"{run.label}-receipt-{receipt.stage}",
        table=[{"stage": receipt.stage, "run_id": receipt.run_id, **facts}],
        description=f"What the stage `{receipt.stage}` did in run {receipt.run_id}",
    )


_running: dict[tuple[str, int], Run] = {}  # by the store's real path, and the thread: a process may work on several


@contextmanager
def start(
    flow: str,
    settings: Settings,
    directory: str | Path,
    *,
    parts: Collection[str] = (),
    quiet: bool = False,
    may_mix: bool = False,
    has_readers: bool = True,
    then: Callable[[Run], None] | None = None,
) -> Iterator[Run]:
    """Begin a run: take the store's lock, mark what was killed as crashed, and write down how this one ends.

    A flow that is called inside another one on the same store joins its run.

    Args:
        flow: What is run, as pages name it.
        settings: Of the run.
        directory: Its store.
        parts: Of the main job that it does: what they need is looked at before anything is read (`preflight.py`).
        quiet: Show no progress.
        may_mix: Let the stand-in stand beside real models: nothing is sent (an estimate), or a test looks at one role.
        has_readers: Leave snapshots for those who look; a test of one stage does without them.
        then: What comes once its outcome is written, and cannot change it: flows have its pages drawn.

    Raises:
        UsageError: The stand-in would pass for a real model, or choose among a real one's rows; something that the
            parts need is wrong; or no store is named: a deployment was made without one.
        TransientError: Another run holds the store (see `settings.wait`).
    """
    if current := _running.get(_place(directory)):
        with current.stop.taken() if current.stop else contextlib.nullcontext():
            yield current
        return
    if not may_mix:
        casting.refuse_stand_ins(settings, recipes.roles(settings))
    if not str(directory).strip():
        raise UsageError(
            "the parameter `store` is empty", hint="name a folder, or set WELLSPRING_STORE before `prefect deploy`"
        )
    if settings.rights == "group":
        rights.share(Path(directory))
    if parts:
        preflight.look(settings, directory, parts)
    run_id = content_id("run", flow, time.time_ns(), os.getpid(), socket.gethostname())
    opened = stores.Store.open(directory, wait=settings.wait, owner=run_id, memory_mb=settings.database_mb)
    with opened as store:
        mark_crashed(store)
        began = {"run_id": run_id, "flow": flow, "started_at": now().isoformat(timespec="seconds")}
        keep: Callable[[Any], None] = lambda stages: _show_progress(run, began | {"stages": stages})  # noqa: E731
        run = Run(run_id, flow, settings, store, Progress(quiet=quiet, keep=keep))
        run.has_readers, run.parts = has_readers, frozenset(parts)
        _mend_journal(run)
        store.append("runs", [row := _run_row(run)])
        _keep_settings(run, row.settings)
        if not stores.has_snapshot(store.path):
            _share(run, store.share)
        run.announcer.began()
        for one in recipes.alike(settings):
            run.progress.note(one)
        try:
            about = {"wellspring.run": run_id, "wellspring.store": run.label}
            with (
                interrupts.heard(run.say_stopping, store.interrupt) as stop,
                telemetry.span(f"run {flow}", about),
            ):
                run.stop = stop
                yield from _at_work(run, stop, then)
        finally:
            _share(run, store.leave)


def _show_progress(run: Run, said: Mapping[str, Any]) -> None:
    """Write down how far a run is, and now and then put a snapshot in place, for those who look meanwhile."""
    stage_status.say_progress(run.store.path, said)
    _share(run, run.store.share_in_time)


def _share(run: Run, put: Callable[[str], None]) -> None:
    """Put a snapshot in place, unless nobody will look: a rehearsal has a store of its own."""
    if run.has_readers and not run.is_rehearsal:
        with aside(run, "readers see an older state: no snapshot could be written"):
            put(run.run_id)


@contextlib.contextmanager
def aside(run: Run, what: str) -> Iterator[None]:
    """Say what goes wrong besides the work, and let the run end as it ended."""
    try:
        yield
    except Exception as fault:  # noqa: BLE001 - whatever it is, the run's own outcome comes first
        said = fault.message if isinstance(fault, WellspringError) else f"{type(fault).__name__}: {fault}"
        run.progress.note(f"warning: {what} ({said})")


def _place(directory: str | Path) -> tuple[str, int]:
    return os.path.realpath(directory), threading.get_ident()


def _mend_journal(run: Run) -> None:
    """Save a damaged journal, and bring over what only the database still has, before anything is sent; say so."""
    path, store = run.store.path / stores.JOURNAL, run.store
    said = [journal_file.mended(path, owner=run.run_id)]
    last = int(store.query("completions/watermark")["sequence"][0])
    if not run.is_rehearsal and (any(said) or journal_file.last_number(path) < last):
        copies = (frame.to_dicts() for frame in store.stream("completions/answers"))
        said.append(pairing.bring_over(path, last, copies, owner=run.run_id))
    for line in filter(None, said):
        run.progress.note(line)


def _at_work(run: Run, stop: Stop, then: Callable[[Run], None] | None) -> Iterator[Run]:
    """Yield the run, and write down how it ends; all that comes after that is beside it."""
    store = run.store
    _running[_place(store.path)] = run
    status, problem = "crashed", ""
    try:
        yield run
        run.fail_late()
        status = "done"
    except BaseException as error:
        if stop.is_asked or not isinstance(error, Exception):
            status, problem = "stopped", f"stopped by {_who_stopped(stop, error)}"
            stop.say()
            if stop.is_asked:
                raise KeyboardInterrupt(stop.signal) from error
            raise
        if isinstance(error, WellspringError):
            status, problem = ("parked" if isinstance(error, TransientError) else "failed"), error.message
        else:
            status, problem = "failed", type(error).__name__
        raise
    finally:
        del _running[_place(store.path)]
        run.close()
        telemetry.note({"wellspring.status": status})
        with contextlib.nullcontext() if status == "done" else aside(run, "how the run ended could not be written"):
            store.execute("runs/finish", run_id=run.run_id, status=status, ended_at=now(), error=problem or None)
        with aside(run, "its end could not be announced"):
            run.announcer.ended(status, problem)
        with aside(run, "what is due could not be written down"):
            stage_status.remember(store)
        if then is not None:
            with aside(run, "it could not be shown"):
                then(run)


def _who_stopped(stop: Stop, error: BaseException) -> str:
    """Name the signal that we heard, or that is said by an exception: a KeyboardInterrupt of ours, Prefect's own."""
    said = error.args[0] if isinstance(error, KeyboardInterrupt) and error.args else getattr(error, "signal", 0)
    number = stop.signal or said
    if number and number != signal.SIGINT:
        return signal.Signals(number).name
    return "Ctrl-C" if number or isinstance(error, KeyboardInterrupt) else type(error).__name__


def _keep_settings(run: Run, settings: str) -> None:
    """Leave the settings where `wellspring retry` and `export` find them; how this run was started is not theirs."""
    kept = json.loads(settings) | {"replay": False, "wait": False}
    kept["exports"]["added"] = "keep"
    orders.note_places(run.settings)
    if not orders.note(orders.of(alone(kept, run.store.path))):
        run.progress.note("what this run was told cannot be noted for this user: `wellspring retry` needs --profile")
    files.write_whole(run.store.path / KEPT, json.dumps(kept, indent=1, ensure_ascii=False).encode())


def mark_crashed(store: stores.Store) -> list[str]:
    """Mark runs that died without a word; what they wrote and no audit has passed is not published.

    The caller holds the store's lock, so a run that says it is running cannot be.
    """
    found = store.query("runs/crashed")
    crashed = found["run_id"].to_list()
    if crashed:
        with store.transaction():
            for run_id in crashed:
                store.execute("runs/finish", run_id=run_id, status="crashed", ended_at=now(), error="killed")
        for run_id in crashed:
            openlineage.abort(store.events, run_id)
        for flow_run in dead_flow_runs(found["owner"].to_list(), _prefect_run()):
            alerts.mark_crashed(flow_run)
    return crashed


def dead_flow_runs(owners: Iterable[str], own: str) -> list[str]:
    """Return the Prefect flow runs that dead runs were, for a run of ours to end them.

    Args:
        owners: Of the dead runs.
        own: The flow run that we are, which may have been one of them: Retry starts it again. Empty outside of Prefect.

    Returns:
        Their ids; none outside of Prefect, where no server is asked.
    """
    named = {f" {word}" for owner in owners for word in owner.split(" ") if word.startswith("prefect:")}
    return [one.partition(":")[2] for one in sorted(named - {own})] if own else []


def now() -> datetime:
    """The time in UTC, without a zone, as the tables keep it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _run_row(run: Run) -> records.RunRow:
    return records.RunRow(
        run_id=run.run_id,
        flow=run.flow,
        status="running",
        started_at=now(),
        ended_at=None,
        settings=_USERINFO.sub("://***@", run.settings.model_dump_json()),
        commit=origin.commit(),
        versions=json.dumps(origin.versions(), sort_keys=True),
        owner=f"{os.getpid()}@{socket.gethostname()}{_prefect_run()}",
        error=None,
    )


def _prefect_run() -> str:
    """Name the Prefect flow run this one is, so that it can be marked if it dies."""
    if not in_flow():
        return ""
    from prefect.runtime import flow_run

    return f" prefect:{flow_run.id}"
