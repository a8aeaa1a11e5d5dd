"""Precision and recall of the checks of an answer's text, and how many real answers each fails and takes.

    python -m tests.bench.answer_checks [FOLDER] [--write]

FOLDER holds the shared data (`../shared/data`); without it only the labelled sets are looked at. `--write` puts the
table with both into tasks/methods/README.md.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from tests import answer_sets
from tests.answer_sets import Case
from wellspring.tasks.contracts.settings import VerdictsSettings
from wellspring.tasks.methods.answers import checks

SETTINGS = VerdictsSettings()
CHECKS = checks.checks(answer_sets.CHECKS)
PAGE = Path(__file__).parents[2] / "tasks" / "methods" / "README.md"
HOW = "python -m tests.bench.answer_checks ../shared/data --write"
HEAD = (
    "| check | bad / all | recall / precision, tuning | report | Dolly | Alpaca | MT-Bench |",
    "|---|---|---|---|---|---|---|",
)


def measured(name: str, half: str) -> tuple[float, float]:
    """Return recall and precision of a check on one half of its labelled answers."""
    own = [case for case in answer_sets.cases(name) if case.half == half]
    failed = [case for case in own if CHECKS[name](case.row, SETTINGS).passed is False]
    hits = sum(case.is_bad for case in failed)
    return hits / sum(case.is_bad for case in own), hits / len(failed)


def figures(name: str) -> str:
    """Return the first cells of a check's line in the table: its name, its cases, recall and precision by half."""
    own = answer_sets.cases(name)
    pairs = (" / ".join(f"{figure:.2f}" for figure in measured(name, half)) for half in answer_sets.HALVES)
    return f"| `{name}` | {sum(case.is_bad for case in own)} / {len(own)} | {' | '.join(pairs)} |"


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


def alarms(folder: Path) -> dict[str, str]:
    """Return the share of real answers that each check fails, as cells; print its seconds."""
    failed, seen, seconds = Counter[tuple[str, str]](), Counter[str](), Counter[str]()
    for origin, case in real(folder):
        seen[origin] += 1
        for name, check in CHECKS.items():
            began = time.process_time()
            failed[name, origin] += check(case.row, SETTINGS).passed is False
            seconds[name] += time.process_time() - began
    for name in CHECKS:
        print(f"{name:<20} {1000 * seconds[name] / seen.total():.3f} ms")
    print(f"together {1000 * seconds.total() / seen.total():.3f} ms of {seen.total()} answers")
    return {
        name: " ".join(f"{failed[name, origin] / seen[origin]:.2%} |" for origin in ("dolly", "alpaca", "mt_bench"))
        for name in CHECKS
    }


def written(lines: list[str]) -> None:
    """Put the table in the place of the one that the page has."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(HEAD[0])
    after = rest.partition("\n\n")[2]
    PAGE.write_text("\n".join([before + HEAD[0], *HEAD[1:], *lines]) + f"\n\n{after}", encoding="utf-8")


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--write", action="store_true", help="needs FOLDER")
    chosen: Any = parser.parse_args()
    shares = alarms(chosen.folder) if chosen.folder else {}
    lines = [f"{figures(name)} {shares.get(name, '')}".rstrip() for name in CHECKS]
    print("\n".join([*HEAD, *lines]))
    if chosen.write and shares:
        written(lines)


if __name__ == "__main__":
    main()
