"""How far a run is: bars on a terminal, a line now and then elsewhere, both on stderr; and in Prefect's UI.

Facts go to stdout and are the CLI's; this is only for eyes.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import (
    Progress as Bars,
)

from wellspring.tasks.io.interrupts import Console
from wellspring.tasks.spine.watching.counts import Counts, known

LINE_SECONDS = 10.0
FIRST_LINE_SECONDS = 1.0  # after a stage began: one that is done sooner needs no line but its last
KEPT_SECONDS = 1.0
MINUTES_FROM = 120  # seconds
LARGE = 100.0  # from here on fractions say nothing
UNITS = {
    "out": "{} calls out",
    "oldest_seconds": "the oldest for {}",
    "rows_per_second": "{} rows/s",
    "tokens": "{} tokens",
    "tokens_per_second": "{} tokens/s",
    "cost_usd": "${}",
    "projected_usd": "${} in all",
    "seconds_left": "{}",
    "doing": "{}",
}


def described(facts: Mapping[str, object]) -> str:
    """Say what is known besides how far a stage is; what is nothing (0, no words) is left out."""
    return "  ".join(
        UNITS.get(name, f"{name.replace('_', ' ')} {{}}").format(_short(name, value))
        for name, value in facts.items()
        if value is None or (round(value, 9) if isinstance(value, float) else value)
    )


class Progress:
    """Progress of a run, by stage. `quiet` shows nothing (tests); `keep` writes it down for other processes."""

    def __init__(self, *, quiet: bool = False, keep: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        self._stages: dict[str, dict[str, Any]] = {}
        self._keep = keep
        self._kept = 0.0
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}  # bars on the screen: what is not over yet
        self._begun: set[str] = set()
        self._quiet = quiet
        self._next_line = 0.0
        if not quiet and sys.stderr.isatty():
            self._bars = Bars(
                SpinnerColumn(),
                TextColumn("{task.description:<18}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[facts]}"),
                console=self._console,
            )
            self._bars.start()

    def begin(self, stage: str) -> None:
        """A stage starts; how much it has to do is not known yet."""
        self._next_line = time.monotonic() + FIRST_LINE_SECONDS
        self._say(stage, is_now=True, done=0, total=None, is_done=False, facts={})
        self._begun.add(stage)
        if self._bars is not None:
            self._tasks[stage] = self._bars.add_task(stage, total=None, facts="")

    def __call__(self, stage: str, done: int, total: int | None = None, **facts: object) -> None:
        """Say how far a stage is.

        Args:
            stage: The noun.
            done: Rows or shards done.
            total: Of how many, where known.
            facts: What else is worth seeing (rows_per_second, cost_usd, retries); shown in this order.
        """
        self._say(stage, is_now=False, done=done, total=total, facts=facts)
        said = described(facts)
        if self._bars is not None:
            self._show(self._bars, stage, done, total, said)
        elif time.monotonic() > self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            self._console.print(f"{stage}: {done}{f' of {total}' if total else ''}  {said}", soft_wrap=True)

    def _show(self, bars: Bars, stage: str, done: int, total: int | None, said: str) -> None:
        """Move a stage's bar; what nobody begins and ends (an audit) has one from its first word to its last."""
        if stage not in self._tasks:
            self._tasks[stage] = bars.add_task(stage, total=total, facts="")
        if done == total and stage not in self._begun:
            bars.remove_task(self._tasks.pop(stage))
            self._console.print(f"{stage:<18} {done} of {total}  {said}", soft_wrap=True)
            return
        bars.update(self._tasks[stage], completed=done, total=total, facts=said)
        for task in bars.tasks:
            task.finished_time = None  # a stage is over when it says so: its clock goes on until then

    def _say(self, stage: str, *, is_now: bool, **said: Any) -> None:
        """Write down how far the stages are, now and then: a file costs more than a row."""
        self._stages.setdefault(stage, {"done": 0, "total": None, "is_done": False}).update(said)
        if self._keep and (is_now or time.monotonic() - self._kept > KEPT_SECONDS):
            self._kept = time.monotonic()
            self._keep(self._stages)

    def end(self, stage: str, counts: Counts, seconds: float) -> None:
        """A stage is done: leave one line that says what became of its rows."""
        self._say(stage, is_now=True, is_done=True, seconds=round(seconds, 3), **asdict(counts))
        refused = f"  refused {counts.rows_rejected}" if counts.rows_rejected else ""
        calls = (
            f"  calls {counts.calls} (+{counts.cached_calls} recorded)" if counts.calls + counts.cached_calls else ""
        )
        paid = known(counts.paid_usd)
        cost = "  cost unknown" if paid is None else f"  ${paid:.4f}" if paid else ""
        said = f"in {counts.rows_in}  out {counts.rows_out}{refused}{calls}{cost}"
        self._begun.discard(stage)
        if self._bars is not None and stage in self._tasks:
            self._bars.remove_task(self._tasks.pop(stage))  # a terminal has fewer lines than a run has stages
        self._console.print(f"{stage:<18} {seconds:7.1f} s  {said}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Say something to the person who watches; from any thread."""
        self._console.print(text, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bars is not None:
            for task in self._tasks.values():
                self._bars.update(task, facts="not finished")
            self._bars.stop()
            self._bars = None


def _short(name: str, value: object) -> str:
    if name == "seconds_left":
        return "time left not known yet" if value is None else f"about {span(float(str(value)))} left"
    if value is None:
        return "?"
    if name.endswith("_seconds"):
        return span(float(str(value)))
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= LARGE else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def span(seconds: float) -> str:
    """Say how long something takes, as exactly as a person needs it: `8 s`, `3 min`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < MINUTES_FROM:
        return f"{whole} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
