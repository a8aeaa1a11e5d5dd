"""The Great Expectations door: run a table's suite over the rows that a run wrote, and say what held.

Importing the library costs seconds, so a suite is written with `gxe`, which records an expectation by its name and
builds the real one only when it is checked. Two things are stricter here than in the library: an expectation that had
nothing to look at fails, and so does one whose column is missing or that raised.
"""

import importlib
import logging
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal

import polars as pl
import pyarrow as pa

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io.storage.store import Store

SAMPLE_ROWS = 5
SAMPLE_CHARS = 200

_ALONE = threading.RLock()  # The library keeps its context in a global, so two threads must not check at once.

Severity = Literal["fail", "warn"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must hold: the library's class by name, its arguments, and why we ask for it.

    `may_be_empty` says why a column may be all NULL in a run; without it an expectation with nothing to look at fails.
    """

    kind: str
    arguments: Mapping[str, Any]
    notes: str
    severity: Severity = "fail"
    may_be_empty: str = ""

    @property
    def column(self) -> str | None:
        """The column it looks at (two are joined with a comma), or None for the whole table."""
        names = [self.arguments[key] for key in ("column", "column_A", "column_B") if key in self.arguments]
        return ", ".join(names) or None


class _Recorder:
    """Stands for `great_expectations.expectations` while suites are read: `gxe.ExpectX(...)` is recorded, not built."""

    def __getattr__(self, kind: str) -> Any:
        def record(*, notes: str, severity: Severity = "fail", may_be_empty: str = "", **arguments: Any) -> Expectation:
            return Expectation(kind, arguments, notes, severity, may_be_empty)

        return record


gxe = _Recorder()


@dataclass(frozen=True, slots=True)
class Suite:
    """What must hold of one table: of each row, and of the one-row answer of `sql/<noun>/audit.sql`."""

    noun: str
    rows: tuple[Expectation, ...]
    facts: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What one expectation found. `observed` counts and never holds values of rows; `sample` holds a few of them."""

    expectation: str
    column_name: str | None
    severity: str
    success: bool
    evaluated: int
    unexpected: int
    observed: str
    notes: str
    sample: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """What an expectation counted over the batches seen so far."""

    rows: int = 0
    evaluated: int = 0
    unexpected: int = 0
    sample: list[str] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)


def suite(noun: str) -> Suite:
    """Load the suite of a table from `expectations/<noun>.py`.

    Raises:
        UsageError: The table has none.
    """
    try:
        module = importlib.import_module(f"wellspring.expectations.{noun}")
    except ModuleNotFoundError as error:
        raise UsageError(f"`{noun}` has no suite", hint=f"write expectations/{noun}.py with one SUITE") from error
    return module.SUITE


def check(
    noun: str,
    batches: Iterable[pl.DataFrame | pa.Table],
    store: Store | None = None,
    run_id: str = "",
    fingerprint: str | None = None,
) -> list[Result]:
    """Check a table's suite over batches of its rows, in one pass and in bounded memory.

    Args:
        noun: The table.
        batches: The rows to audit, as frames of any size; columns that the suite does not name are left aside.
        store: Whom to ask for the one-row answer of `sql/<noun>/audit.sql`; without it no fact is known.
        run_id: The run whose receipts are held against what it wrote.
        fingerprint: Of the one method whose rows these are, if they are not of all.

    Returns:
        One result for each expectation, in the order of the suite. Nothing to look at is a failure, never a pass.
    """
    rules = suite(noun)
    tallies = [_Tally() for _ in rules.rows]
    for batch in batches:
        _count(_pandas(batch, rules.rows), rules.rows, tallies)
    facts = store.query(f"{noun}/audit", run_id=run_id, fingerprint=fingerprint) if store is not None else None
    fact_tallies = [_Tally() for _ in rules.facts]
    if facts is not None and facts.height:
        _count(_pandas(facts, rules.facts), rules.facts, fact_tallies)
    return [
        *(_result(rule, tally, None) for rule, tally in zip(rules.rows, tallies, strict=True)),
        *(_result(rule, tally, facts) for rule, tally in zip(rules.facts, fact_tallies, strict=True)),
    ]


@lru_cache(maxsize=1)
def _library() -> tuple[ModuleType, Any]:
    """Import the library quietly, with its telemetry off, and return it with a batch definition for any frame."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It imports modules that Python has deprecated.
        import great_expectations as gx
        from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
    # Its default context makes a folder for Data Docs, which we do not build, and leaves it behind.
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores))
    context.variables.progress_bars = {"globally": False}  # pyright: ignore[reportAttributeAccessIssue] - a dict is what it reads
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    return gx, asset.add_batch_definition_whole_dataframe("rows")


def build(rule: Expectation) -> Any:
    """Build the library's expectation.

    Raises:
        BrokenError: The library has none of this name, or does not take these arguments.
    """
    gx, _ = _library()
    kind = getattr(gx.expectations, rule.kind, None)
    if kind is None:
        raise BrokenError(
            f"great_expectations has no `{rule.kind}`", hint="see docs.greatexpectations.io for the names"
        )
    try:
        return kind(notes=rule.notes, **rule.arguments)
    except ValueError as error:
        raise BrokenError(f"`{rule.kind}` does not take {dict(rule.arguments)}: {error}") from error


def _pandas(batch: pl.DataFrame | pa.Table, rules: tuple[Expectation, ...]) -> Any:
    table = batch.to_arrow() if isinstance(batch, pl.DataFrame) else batch
    wanted = {name for rule in rules for name in (rule.column or "").split(", ")}
    named = [name for name in table.column_names if name in wanted]
    return table.select(named or table.column_names[:1]).to_pandas()


def _count(frame: Any, rules: tuple[Expectation, ...], tallies: list[_Tally]) -> None:
    """Check one batch and add what it counted. Only expectations that judge value by value can be added up."""
    if not len(frame):
        return
    here = [i for i, rule in enumerate(rules) if set((rule.column or "").split(", ")) <= set(frame.columns)]
    for i in set(range(len(rules))) - set(here):
        tallies[i].problems[f"there is no column `{rules[i].column}`"] += 1
    with _ALONE:
        gx, definition = _library()
        expectations = [build(rules[i]) for i in here]
        for i, expectation in zip(here, expectations, strict=True):
            expectation.meta = {"position": i}
        batch = definition.get_batch(batch_parameters={"dataframe": frame})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas deprecations inside the library.
            report = batch.validate(
                gx.ExpectationSuite(name="rows", expectations=expectations),
                result_format={"result_format": "BASIC", "partial_unexpected_count": SAMPLE_ROWS},
            )
    for found in report.results:
        _add(tallies[found.expectation_config.meta["position"]], found, len(frame))


def _add(tally: _Tally, found: Any, rows: int) -> None:
    counts = found.result
    tally.rows += rows
    if "unexpected_count" not in counts:
        said = [v.get("exception_message") for v in (found.exception_info or {}).values() if isinstance(v, dict)]
        tally.problems[str(next(filter(None, said), "it does not judge value by value"))[:SAMPLE_CHARS]] += 1
        return
    tally.evaluated += counts["element_count"] - counts.get("missing_count", 0)
    tally.unexpected += counts["unexpected_count"]
    room = SAMPLE_ROWS - len(tally.sample)
    tally.sample += [str(value)[:SAMPLE_CHARS] for value in counts["partial_unexpected_list"][:room]]


def _result(rule: Expectation, tally: _Tally, facts: pl.DataFrame | None) -> Result:
    is_empty = tally.evaluated == 0
    tolerated = (1 - rule.arguments.get("mostly", 1.0)) * tally.evaluated
    success = not tally.problems and tally.unexpected <= tolerated + 1e-9
    if is_empty and not (rule.may_be_empty and tally.rows and not tally.problems):
        success = False
    return Result(
        expectation=_snake(rule.kind),
        column_name=rule.column,
        severity=rule.severity,
        success=success,
        evaluated=tally.evaluated,
        unexpected=tally.unexpected,
        observed=_observed(rule, tally, facts),
        notes=rule.notes,
        sample=[] if facts is not None else tally.sample,  # of a fact everything is observed
    )


def _observed(rule: Expectation, tally: _Tally, facts: pl.DataFrame | None) -> str:
    if tally.problems:
        return "; ".join(tally.problems)
    if facts is not None and rule.column in facts.columns:
        return f"{rule.column} = {facts.item(0, rule.column)}"
    if tally.evaluated == 0:
        return f"nothing to look at: {rule.may_be_empty}" if rule.may_be_empty and tally.rows else "nothing to look at"
    return f"{tally.unexpected} of {tally.evaluated} rows"


def _snake(kind: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in kind).lstrip("_")
