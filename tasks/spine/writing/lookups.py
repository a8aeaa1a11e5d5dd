"""What programs read besides their row: rows drawn or near, and what functions that a model wrote say in the sandbox.

All of it is recorded (`reads.py`) under the program, the input and the place of the look before the program goes on.
Inputs that wait are answered together: one search for all of them, not one for each.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any, Self

import numpy as np

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import DemonstratedSettings, PoolSettings
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.io.containment import Call
from wellspring.tasks.io.sandbox import Outputs, Ran, Sandbox, limits
from wellspring.tasks.io.storage import page_tables
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.instructions.demonstrations import drawn, marks
from wellspring.tasks.methods.instructions.injections import orders
from wellspring.tasks.spine.running.blame import MisuseError
from wellspring.tasks.spine.running.recipes import VIEWS, Recipe
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import embedders, reads
from wellspring.tasks.spine.writing.demonstrations import Demonstrations, Rendered
from wellspring.tasks.spine.writing.knn_pool import Pool

VERSION = 3
_SPACES = {  # whose vectors stand for a view
    "documents": "passages",
    "seeds": "seeds",
    "instructions": "instructions",
    "personas": "seeds",
}

Asked = Sequence[tuple[str, tuple[str, Any]]]  # input id, and the place of the look with what is wanted


class Reader:
    """What the inputs of one program read from; a context manager, for the sandbox's sake."""

    def __init__(
        self, run: Run, recipe: Recipe, fingerprint: str, above: Sequence[str], rounds: Sequence[str] = ()
    ) -> None:
        """Take who reads, and what it may read: what those above it made, its own earlier rounds among them."""
        self._run, self._recipe, self._fingerprint, self._earlier = run, recipe, fingerprint, frozenset(above)
        self._rounds = rounds
        self._views: dict[str, View] = {}
        self._demonstrations: dict[str, Demonstrations] = {}
        self._ran: dict[tuple[str, str], Ran] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def of(self, view: str) -> "View":
        """Return a view to read from.

        Raises:
            MisuseError: There is none of that name.
        """
        if view not in _SPACES:
            raise MisuseError(f"there is no view `{view}` to read from: there are {', '.join(_SPACES)}")
        if view not in self._views:
            self._views[view] = View(self._run, self._fingerprint, view, self._earlier)
        return self._views[view]

    @cached_property
    def pool(self) -> Pool:
        """Seeds, and what the program made in earlier rounds.

        Raises:
            MisuseError: It takes something else.
        """
        if not isinstance(self._recipe.knobs, PoolSettings):
            raise MisuseError("`ask.dialogs` is for a program that takes the pool")
        return Pool(self._run, self._rounds, self._named, self._recipe.knobs)

    @cached_property
    def _named(self) -> str:
        """What demonstrations and neighbours are kept under: a new check or prompt has the same ones shown again."""
        settings, knobs = self._run.settings, self._recipe.knobs.model_dump(mode="json")
        near = embedders.described(settings.embeddings, "instructions", "passages")
        return content_id("shown", self._recipe.name, knobs, near, settings.seed, len(self._rounds))

    def demonstrations(self, heading: str, prompt: Rendered) -> Demonstrations:
        """Return the groundings that a prompt may show.

        Raises:
            MisuseError: The program's knobs do not say which.
        """
        if not isinstance(self._recipe.knobs, DemonstratedSettings):
            raise MisuseError("a program that shows groundings has `DemonstratedSettings` as Knobs")
        if heading not in self._demonstrations:
            of = (self._named, self._recipe.knobs)
            self._demonstrations[heading] = Demonstrations(self._run, prompt, *of)
        return self._demonstrations[heading]

    def run(self, asked: Asked) -> list[dict[str, Any]]:
        """Run functions on texts; what they said once is what they say."""
        return _recorded(
            self._run, "run", self._fingerprint, asked, lambda some: [self._said(*of) for _, (_, of) in some]
        )

    def _said(self, functions: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
        ran = [[self._verified(code, text) for text in texts] for code in functions]
        engines = {one.engine for row in ran for one in row}
        return {"said": [[one.value for one in row] for row in ran], "engines": sorted(engines)}

    def _verified(self, code: str, text: str) -> Ran:
        """Run a function on a text, once for all inputs: several may share a constraint."""
        if (code, text) not in self._ran:
            self._ran[code, text] = self._sandbox.verify(code, text)
        return self._ran[code, text]

    def execute(self, asked: Asked) -> list[list[Any]]:
        """Run programs, and make calls; what they gave once is what they give."""

        def give(some: Asked) -> list[list[Any]]:
            return [list(self._executed(*of)) for _, (_, of) in some]

        return _recorded(self._run, "execute", self._fingerprint, asked, give)

    def query(self, asked: Asked) -> list[list[Any]]:
        """Ask queries of tables that are made for them; what they gave once is what they give."""

        def give(some: Asked) -> list[list[Any]]:
            return [list(page_tables.query(*of)) for _, (_, of) in some]

        return _recorded(self._run, "query", self._fingerprint, asked, give)

    def _executed(self, source: str, calls: Sequence[Mapping[str, Any]]) -> Outputs:
        try:
            return self._sandbox.run_program(source, [Call(**call) for call in calls])
        except (TypeError, ValueError) as error:
            return Outputs("error", [], f"calls that cannot be made: {error}")

    @cached_property
    def _sandbox(self) -> Sandbox:
        return self._open.enter_context(Sandbox(limits(self._run.settings.verdicts)))


class View:
    """The rows of a view as they were when they were first read from, by id; of pages, those that give no orders."""

    def __init__(self, run: Run, fingerprint: str, name: str, earlier: frozenset[str]) -> None:
        self._run, self._fingerprint, self._name = run, fingerprint, name
        rows = run.store.query("settled/view", view=f"inputs_{VIEWS.get(name, name)}").to_dicts()
        shown = [row for row in rows if row.get("fingerprint") is None or row["fingerprint"] in earlier]
        self._rows: dict[str, Row] = {row["input_id"]: row for row in shown}
        self._ids = list(self._rows)
        self._quiet: dict[str, bool] = {}
        self._place = {name: place for place, name in enumerate(self._ids)}

    def drawn(self, asked: Asked) -> list[list[Row]]:
        """Draw rows for each input, by its id and key; itself is passed over."""
        seed = self._run.settings.seed

        def find(input_id: str, wanted: tuple[int, str]) -> list[str]:
            number, key = wanted
            lots = drawn(number + 1, self._marks, "program", seed, self._name, input_id, key)
            return [self._ids[i] for i in lots if self._ids[i] != input_id][:number]

        return self._read("drawn", asked, lambda some: [find(input_id, wanted) for input_id, (_, wanted) in some])

    def near(self, asked: Asked) -> list[list[Row]]:
        """Find the rows nearest to a text, for all inputs in one search; the input itself is passed over."""
        return self._read("near", asked, self._nearest)

    def _nearest(self, some: Asked) -> list[list[str]]:
        if not self._ids:
            return [[] for _ in some]
        own = [self._place.get(input_id, -1) for input_id, _ in some]
        wanted = [number for _, (_, (_, number)) in some]
        queries = self._embed([text for _, (_, (text, _)) in some])
        keep = lambda numbers, _, rows: rows != np.array(own, dtype=np.int64)[numbers]  # noqa: E731
        _, rows = index.kept(queries, self._vectors, max(wanted), keep)
        near = [[self._ids[row] for row in found if row >= 0] for found in rows.tolist()]
        return [found[:number] for found, number in zip(near, wanted, strict=True)]

    def _read(self, kind: str, asked: Asked, find: Callable[[Asked], list[list[str]]]) -> list[list[Row]]:
        def is_there(kept: Mapping[str, list[str]]) -> list[str]:
            return [name for name, shown in kept.items() if self._rows.keys() >= {*shown}]

        ids = _recorded(self._run, f"{kind} {self._name}", self._fingerprint, asked, find, is_there)
        return [[self._rows[one] for one in shown if self._is_quiet(one)] for shown in ids]

    def _is_quiet(self, row_id: str) -> bool:
        """Whether a row is no page that talks to models: a program is not given such a page, nor shown one."""
        if self._name == "documents" and row_id not in self._quiet:
            row = self._rows[row_id]
            self._quiet[row_id] = not orders(f"{row['title'] or ''}\n{row['text']}")
        return self._quiet.get(row_id, True)

    @cached_property
    def _marks(self) -> Any:
        return marks(self._ids)

    @cached_property
    def _vectors(self) -> Vectors:
        return self._embed([row["text"] for row in self._rows.values()])

    def _embed(self, texts: list[str]) -> Vectors:
        return embedders.embedder(self._run, _SPACES[self._name]).embed(texts).vectors


def _recorded(
    run: Run,
    kind: str,
    fingerprint: str,
    asked: Asked,
    find: Callable[[Asked], list[Any]],
    is_there: Callable[[Mapping[str, Any]], list[str]] = list,
) -> list[Any]:
    """Return what each look gives: as it is recorded, else as it is found now, all looks of one place together."""
    found: dict[tuple[str, str], Any] = {}
    for place in dict.fromkeys(place for _, (place, _) in asked):
        here = {input_id: (input_id, (place, wanted)) for input_id, (at, wanted) in asked if at == place}

        def find_here(input_ids: list[str], here: Mapping[str, Any] = here) -> dict[str, Any]:
            some = [here[input_id] for input_id in input_ids]
            return dict(zip(input_ids, find(some), strict=True))

        said = reads.recorded(run, f"{kind} at {place}", fingerprint, list(here), find_here, is_there)
        found |= {(input_id, place): one for input_id, one in said.items()}
    missing = Rejection("look_up_failed", "nothing was found for it")
    return [found.get((input_id, place), missing) for input_id, (place, _) in asked]
