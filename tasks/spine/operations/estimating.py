"""What a run would ask and cost, before anything is sent: the run itself, rehearsed on a copy of the store.

The stages are the real ones, with their own pending queries, prompts and parsers, so what is due, what is recorded
already and what follows from what are as they will be. Only the model door is another: it answers from the record, or
by the stand-in, and counts (tasks/io/models/rehearsal.py). The copy is thrown away.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.models.rehearsal import Rehearsal
from wellspring.tasks.io.storage import outliving
from wellspring.tasks.io.storage.store import DATABASE, JOURNAL, Store
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching.counts import Conducted, Counts


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a stage would do: calls to pay, calls that are recorded, tokens, USD; seconds where a latency was seen.

    `cost_usd` is None where no table lists the model's price: an unknown price is not 0. `settled` inputs of the same
    programs told how many calls one takes; where it is 0, the rehearsal did. `most_calls` is the most of any input, and
    `waves` how many calls of one have to wait for each other: in batch mode, as many jobs.
    """

    stage: str
    rows_in: int
    calls: int
    recorded_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float | None
    is_measured: bool
    settled: int
    most_calls: int
    waves: int


@contextmanager
def rehearsal(settings: Settings, directory: str | Path) -> Iterator[Run]:
    """Have a run on a copy of the store whose calls are only counted; flows that are called inside join it.

    Raises:
        TransientError: A run has just begun on it, and left nothing to read yet.
    """
    source = Path(directory).absolute()
    with tempfile.TemporaryDirectory(prefix="wellspring-estimate-") as folder:
        copy = Path(folder) / "ws"
        copy.mkdir()
        if (source / DATABASE).is_file():
            _copied(source, copy)
        with runs.start(runs.REHEARSAL, settings, copy, quiet=True, may_mix=True) as run:
            run.store.recall(outliving.kept(source / JOURNAL, needed=False) or {})
            run._models = cast("Models", Rehearsal(settings, source, run.run_id))  # noqa: SLF001 - the one door that is swapped
            yield run


def _copied(source: Path, copy: Path) -> None:
    """Copy the snapshot; indexes and shards are only read, so they are linked."""
    with Store.read(source) as store:
        store.copy_to(copy / DATABASE)
    for name in ("shards", "indexes", "found"):
        if (source / name).is_dir():
            shutil.copytree(source / name, copy / name, copy_function=_linked)


def _linked(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except FileNotFoundError:  # a run is at work, and has put another in its place
        return
    except OSError:  # another file system
        shutil.copyfile(source, target)


def estimates(run: Run, means: Mapping[str, tuple[int, float]]) -> list[Estimate]:
    """Return what the stages of a rehearsed run would ask, in their order; stages that ask nothing are left out.

    Args:
        run: The rehearsed run.
        means: Of programs that have settled inputs: by fingerprint how many, and the mean of their calls.
    """
    door = cast("Rehearsal", run.models)
    by_stage: dict[str, Counts] = {}
    for receipt in run.receipts:
        by_stage[receipt.stage] = by_stage.get(receipt.stage, Counts()) + receipt.counts
    found: list[Estimate] = []
    for stage, counts in by_stage.items():
        if counts.calls + counts.cached_calls:
            role = STAGES[stage].role
            programs = [one for one in run.conducted if one.stage == stage]
            share = _share(programs, counts, means)
            calls, tokens = round(share * counts.calls), _tokens(counts, share)
            time_ = door.seconds(role, calls, tokens[1])
            cost = None if door.role(role).model in door.unpriced and counts.calls else share * counts.cost_usd
            settled = sum(means[one.fingerprint][0] for one in programs if one.fingerprint in means)
            most = (max((one.most_calls for one in programs), default=0), max((p.waves for p in programs), default=0))
            asked = (stage, counts.rows_in, calls, counts.cached_calls)
            found.append(Estimate(*asked, *tokens, cost, time_, door.means(role) is not None, settled, *most))
    return found


def _tokens(counts: Counts, share: float) -> tuple[int, int]:
    return round(share * counts.prompt_tokens), round(share * counts.completion_tokens)


def _share(programs: Sequence[Conducted], counts: Counts, means: Mapping[str, tuple[int, float]]) -> float:
    """Return how many calls there will be to pay for each that was rehearsed.

    The stand-in does not fail where a model does, and the other way round: what inputs have taken here tells more.
    """
    if not counts.calls:
        return 1.0
    expected = sum(
        means[one.fingerprint][1] * one.inputs if one.fingerprint in means else one.calls for one in programs
    )
    rehearsed = sum(one.calls for one in programs)
    return max(0.0, counts.calls + expected - rehearsed) / counts.calls


def superseded(run: Run, before: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the stages whose rows are of another method than the rehearsed run has put in force, in its order.

    Args:
        run: The rehearsed run.
        before: The rows that were in force when it began, by stage and method.

    Returns:
        `stage`, `rows` (of a method that is no longer in force) and `rows_in` (what the stage takes in to make them
        again, refusals and what is new included).
    """
    taken: dict[str, int] = {}
    for receipt in run.receipts:
        taken[receipt.stage] = taken.get(receipt.stage, 0) + receipt.counts.rows_in
    found: list[dict[str, Any]] = []
    for stage, rows_in in taken.items():
        now = run.store.query("methods/active", stage=stage)["fingerprint"].to_list()
        old = before.filter((pl.col("stage") == stage) & ~pl.col("fingerprint").is_in(now))
        if old.height:
            found.append({"stage": stage, "rows": int(old["rows_valid"].sum()), "rows_in": rows_in})
    return found


def estimate(settings: Settings, directory: str | Path, build: Callable[[Run], None]) -> dict[str, Any]:
    """Say what `build` would ask and cost.

    Args:
        settings: Of the run that is estimated.
        directory: Its store; it is left as it is.
        build: Runs the flows inside the rehearsed run, as `lambda run: dataset.fn(profile, str(run.store.path), ...)`.

    Returns:
        `stages` (an `Estimate` each, as a dict), `superseded` (see there), `calls`, `recorded_calls`, `cost_usd`,
        `seconds`, `unpriced` (models that no table lists, which leave the cost None), and `stopped`: why the rehearsal
        ended early, or "".
    """
    stopped = ""
    with rehearsal(settings, directory) as run:
        before = run.store.query("methods/rows")
        means = {print_: (n, mean) for print_, n, mean in run.store.query("settled/means").rows()}
        try:
            build(run)
        except BrokenError as error:  # the stand-in's rows may fail an audit; what was counted until then counts
            stopped = error.message
        found, old = estimates(run, means), superseded(run, before)
        unpriced = sorted(cast("Rehearsal", run.models).unpriced)
    seconds = [one.seconds for one in found]
    return {
        "stages": [asdict(one) for one in found],
        "superseded": old,
        "calls": sum(one.calls for one in found),
        "recorded_calls": sum(one.recorded_calls for one in found),
        "cost_usd": None if unpriced else sum(one.cost_usd or 0.0 for one in found),
        "seconds": None if None in seconds else sum(second or 0.0 for second in seconds),
        "unpriced": unpriced,
        "stopped": stopped,
    }
