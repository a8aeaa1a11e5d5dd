"""Precision and recall of the checks of an answer's text, and how many real answers each fails and takes.

    python -m tests.bench.answer_checks [FOLDER]

FOLDER holds the shared data (`../shared/data`); without it only the labelled sets are looked at.
"""

import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tests import answer_sets
from tests.answer_sets import Case
from wellspring.tasks.contracts.settings import VerdictsSettings
from wellspring.tasks.methods.answers import checks

SETTINGS = VerdictsSettings()
CHECKS = checks.checks(answer_sets.CHECKS)


def labelled() -> None:
    """Print recall and precision of both halves."""
    for name, check in CHECKS.items():
        for half in answer_sets.HALVES:
            own = [case for case in answer_sets.cases(name) if case.half == half]
            failed = [case for case in own if check(case.row, SETTINGS).passed is False]
            bad, hits = sum(case.is_bad for case in own), sum(case.is_bad for case in failed)
            figures = f"recall {hits / bad:.3f}  precision {hits / len(failed):.3f}"
            print(f"{name:<14} {half:<7} {figures}  ({bad} bad, {len(own) - bad} good)")


def real(folder: Path) -> Iterator[tuple[str, Case]]:
    """Yield answers by where they come from."""
    for row in pl.read_parquet(folder / "instructions" / "pool_dolly_a.parquet").to_dicts():
        yield "dolly", Case("\n\n".join(filter(None, (row["instruction"], row["input"]))), row["output"], is_bad=False)
    for row in _lines(folder / "instructions" / "pool_alpaca_a.jsonl.gz")[::4]:
        yield "alpaca", Case("\n\n".join(filter(None, (row["instruction"], row["input"]))), row["output"], is_bad=False)
    for row in _lines(folder / "judge" / "mt_bench_pairs.jsonl.gz"):
        for name in ("output_1", "output_2"):
            yield "mt_bench", Case(row["input"], row[name], is_bad=False)


def _lines(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def alarms(folder: Path) -> None:
    """Print the share of real answers that each check fails, and its seconds."""
    failed, seen, seconds = Counter[tuple[str, str]](), Counter[str](), Counter[str]()
    for origin, case in real(folder):
        seen[origin] += 1
        for name, check in CHECKS.items():
            began = time.process_time()
            failed[name, origin] += check(case.row, SETTINGS).passed is False
            seconds[name] += time.process_time() - began
    for name in CHECKS:
        shares = "  ".join(f"{origin} {failed[name, origin] / seen[origin]:.2%}" for origin in seen)
        print(f"{name:<14} {1000 * seconds[name] / seen.total():.3f} ms  {shares}")
    print(f"together {1000 * seconds.total() / seen.total():.3f} ms of {seen.total()} answers")


if __name__ == "__main__":
    labelled()
    if len(sys.argv) > 1:
        alarms(Path(sys.argv[1]))
