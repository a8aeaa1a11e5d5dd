"""Programs in a small store: six pages and six seeds, what a recipe above made of them, and what the program made."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tests import instruction_store
from tests.scripted_model import ScriptedModel, scripted_model
from wellspring.tasks import instructions
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.standin import offline
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching.counts import Receipt

_CHANGING = {"run_id", "seconds"}
ABOVE = "knn_instruct"  # makes six instructions of six seeds, with the stand-in


@dataclass(frozen=True)
class Made:
    """What a program made: its receipt, its rows by table, refusals, settled inputs and calls."""

    receipt: Receipt
    rows: dict[str, list[dict[str, Any]]]
    refused: list[tuple[str, str]]
    settled: int
    calls: int

    def __getitem__(self, table: str) -> list[dict[str, Any]]:
        return self.rows[table]


def of_program(name: str, *more: str) -> list[str]:
    """Settings that have a program write, below the recipe that makes what it may take."""
    return [f'instructions.recipes=["{ABOVE}", "{name}"]', "instructions.with_responses=false", *more]


@contextmanager
def answering(name: str, say: Callable[[str, dict[str, Any]], str | dict[str, Any] | None]) -> Iterator[ScriptedModel]:
    """Serve a model that says what a test tells it to where a program asks; elsewhere it is the stand-in.

    Args:
        name: Of the program.
        say: Given the heading (empty where plain text is asked for) and the request; None leaves it to the stand-in.
    """

    def script(body: dict[str, Any]) -> str | dict[str, Any]:
        asked = body.get("response_format", {}).get("json_schema", {}).get("name", f"{name}-")
        said = say(asked.removeprefix(f"{name}-"), body) if asked.startswith(f"{name}-") else None
        return offline.chat(body)["choices"][0]["message"]["content"] if said is None else said

    with scripted_model(script) as model:
        yield model


def run_program(
    name: str, start: Callable[[Settings], AbstractContextManager[Run]], settings: Settings, *, is_first: bool = True
) -> Made:
    """Run the stage `instructions` on the small store (made here, if it is the first time), and read what was made."""
    with start(settings) as run:
        if is_first:
            instruction_store.fill(run, 6)
        receipt = instructions.synthesize(run)
        return read(run, name, receipt)


def read(run: Run, name: str, receipt: Receipt) -> Made:
    """Read what a program has made in this store."""
    [print_] = [p for p, n in run.store.query("methods/active", stage="instructions").rows() if n == name]

    def rows(table: str) -> list[dict[str, Any]]:
        query = f"SELECT * FROM {table} WHERE fingerprint = ? ORDER BY ALL"
        found = run.store._connection.execute(query, [print_])
        names = [column[0] for column in found.description or ()]
        return [{n: v for n, v in zip(names, row, strict=True) if n not in _CHANGING} for row in found.fetchall()]

    tables = ("instructions", "responses", "preferences", "verdicts", "scores", "notes", "rewrites")
    settled = rows("settled")
    refused = [(row["input_id"], row["reason"]) for row in rows("rejections")]
    of_tables = {table: rows(table) for table in tables}
    return Made(receipt, of_tables, refused, len(settled), sum(row["calls"] for row in settled))
