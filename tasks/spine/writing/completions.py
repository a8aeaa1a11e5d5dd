"""The calls that a run's rows rest on: copied from the journal into the table `completions`, and priced."""

import math
from typing import Any

import pyarrow as pa

from wellspring.tasks.spine.running.runs import Run


def copy_from_journal(run: Run) -> int:
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
