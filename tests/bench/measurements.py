"""Measurements: what a call took, beside what this machine does at best and what the plain way takes, as rows."""

import datetime as dt
import math
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Figure(NamedTuple):
    """A row of the table; `by_wall` is compared with `target` (at least), None where there is no target."""

    name: str
    conditions: str
    by_wall: float
    by_cpu: float
    unit: str
    target: float | None = None
    note: str = ""


class Spent(NamedTuple):
    """What a call took, and what it returned."""

    wall: float
    cpu: float
    value: Any
    peak: tuple[float, float] = (math.nan, math.nan)  # what sgemm reached before, between and after, at best

    def times(self, factor: float) -> "Spent":
        """Extrapolate from a part that was timed."""
        return self._replace(wall=self.wall * factor, cpu=self.cpu * factor)


def spend(function: Callable[..., Any], *arguments: Any, **named: Any) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    value = function(*arguments, **named)
    return Spent(time.perf_counter() - wall, time.process_time() - cpu, value)


def best(function: Callable[..., Any], *arguments: Any, **named: Any) -> Spent:
    """Return the fastest of three runs: the machine is shared, and sgemm's rate is its best as well."""
    return min((spend(function, *arguments, **named) for _ in range(3)), key=lambda run: run.wall)


def say(text: str) -> None:
    """Say what is being measured now, on stderr."""
    print(f"  {dt.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)  # noqa: DTZ005 - for eyes


def peak() -> tuple[float, float]:
    """Return the sgemm rate of this machine, in flop by wall second and by processor second: the best of five."""
    size = 4096
    matrix = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    runs = [spend(np.matmul, matrix, matrix) for _ in range(6)][1:]
    return 2 * size**3 / min(run.wall for run in runs), 2 * size**3 / min(run.cpu for run in runs)


def beside_peak(function: Callable[..., Any], *arguments: Any, **named: Any) -> Spent:
    """Return the fastest of three runs, with the best rate of sgemm between them: both had the same machine."""
    peaks, runs = [peak()], list[Spent]()
    for _ in range(3):
        runs.append(spend(function, *arguments, **named))
        peaks.append(peak())
    fastest = min(runs, key=lambda run: run.wall)
    return fastest._replace(peak=(max(by_wall for by_wall, _ in peaks), max(by_cpu for _, by_cpu in peaks)))


def of_peak(name: str, conditions: str, flop: float, run: Spent, target: float | None = None, note: str = "") -> Figure:
    by_wall, by_cpu = run.peak
    said = f"{run.wall:.2f} s; sgemm {by_wall / 1e9:.0f} GF/s. {note}"
    return Figure(name, conditions, flop / run.wall / by_wall, flop / run.cpu / by_cpu, "of sgemm", target, said)


def against(
    name: str, conditions: str, naive: Spent, ours: Spent, target: float | None = None, note: str = ""
) -> Figure:
    said = f"{naive.wall:.4g} s and {ours.wall:.4g} s. {note}"
    return Figure(name, conditions, naive.wall / ours.wall, naive.cpu / ours.cpu, "times faster", target, said)


def show(figure: Figure, *, is_small: bool) -> str:
    """Return a figure as a row of the table."""
    target = figure.target
    verdict = "" if target is None else "small" if is_small else _verdict(figure, target)
    by_cpu = "" if math.isnan(figure.by_cpu) else f"{figure.by_cpu:.3g}"
    values = (figure.name, figure.conditions, f"{figure.by_wall:.3g}", by_cpu, figure.unit)
    return f"| {' | '.join(values)} | {'' if target is None else f'{target:.3g}'} | {verdict} | {figure.note} |"


def _verdict(figure: Figure, target: float) -> str:
    if figure.by_wall >= target:
        return "reached"
    return "by cpu only" if figure.by_cpu >= target else "MISSED"
