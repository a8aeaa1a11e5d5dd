"""How far a program is: told to a terminal and, in a flow, shown in Prefect's UI."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wellspring.tasks.spine.running.runs import Counts, Run, in_flow
from wellspring.tasks.spine.watching import progress
from wellspring.tasks.spine.watching.counts import known
from wellspring.tasks.spine.writing.programs import Program

if TYPE_CHECKING:
    from wellspring.tasks.io.models.delivery import Activity

TOLD_SECONDS = 0.5  # between two words to a terminal
SHOWN_SECONDS = 5.0  # and to Prefect


class Reporter:
    """What is told of one program at work."""

    def __init__(self, run: Run, program: Program, total: int) -> None:
        self.run, self.program, self.total = run, program, total
        self._before = replace(run.models.stats)  # of the stages before
        seen = (run.models.journal.mean_seconds(role, run.models.role(role).model) for role in program.roles[:1])
        self._mean_seconds = next(seen, None)  # of an answer, in earlier runs
        self._started = time.monotonic()
        self._told = self._shown = -math.inf
        self._artifact: Any = None
        self.wave = 0  # how many calls of one input were answered, one after the other, at most

    def tell_now_and_then(self, counts: Mapping[str, Any]) -> None:
        """Say how far it is, if that was not said just now."""
        if time.monotonic() - self._told > TOLD_SECONDS:
            self.tell(counts)

    def tell(self, counts: Mapping[str, Any]) -> None:
        """Say how far it is, what is waited for, and how long the rest may take."""
        done = counts["rows_out"] + counts["rows_rejected"]
        stats, cost = self.run.models.stats, known(Counts(**counts).paid_usd)
        activity, calls = self._activity(), counts["calls"] + counts["cached_calls"]
        self._told = time.monotonic()
        seconds = max(self._told - self._started, 1e-9)
        facts: dict[str, Any] = {
            "out": activity.out,
            "oldest_seconds": activity.oldest_seconds,
            "wave": self.wave if self.wave > 1 else 0,
            "rows_per_second": done / seconds,
            "tokens": counts["prompt_tokens"] + counts["completion_tokens"],
            "tokens_per_second": counts["completion_tokens"] / seconds,
            **({} if cost is None else {"cost_usd": cost}),
            **({"projected_usd": cost / done * self.total} if cost and done else {}),
            "retries": stats.retries - self._before.retries,
            "refusals": stats.refusals - self._before.refusals,
            "seconds_left": self._seconds_left(done, calls, activity),
            "doing": activity.doing,
        }
        self.run.progress(self.program.stage, done, self.total, **facts)
        self._show(done, facts)

    def _activity(self) -> "Activity":
        """Return what is going on at the role of which most is out."""
        found = [self.run.models.activity(role) for role in self.program.roles or ("generator",)]
        return max(found, key=lambda one: one.out)

    def _seconds_left(self, done: int, calls: int, activity: "Activity") -> float | None:
        """Return how long the rest takes: rows, calls of each, seconds of each, as many at once as are out."""
        stats, rows = self.run.models.stats, self.total - done
        answers = (stats.calls - stats.cached) - (self._before.calls - self._before.cached)
        mean = (stats.seconds - self._before.seconds) / answers if answers else self._mean_seconds
        if mean is None:
            return None
        at_once = min(activity.out or activity.limit or 1, max(rows, 1))
        each = max(1.0, calls / done) if done else 1.0
        return rows * each * mean / at_once + activity.resting_seconds

    def _show(self, done: int, facts: Mapping[str, Any]) -> None:
        """Put the progress where Prefect's UI shows it, now and then: an update is a request to its server."""
        is_due = done == self.total or time.monotonic() - self._shown > SHOWN_SECONDS
        if not is_due or not in_flow():
            return
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        stage = self.program.stage
        percent = min(100.0, 100 * done / max(self.total, 1))
        said = f"{stage} by {self.program.name}: {done} of {self.total}; {progress.described(facts)}"
        if self._artifact is None:
            key = f"{self.run.label}-progress-{stage}"
            self._artifact = create_progress_artifact(percent, key=key, description=said)
        else:
            update_progress_artifact(self._artifact, percent, description=said)
        self._shown = time.monotonic()
