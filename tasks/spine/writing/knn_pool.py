"""What KNN-Instruct deduces from: seeds, and what earlier rounds wrote, each with its neighbours and their answers.

A seed is a person's, and stays as it was read; what a model wrote is taken only as long as it would be accepted.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import InstructionsSettings, PoolSettings
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.io.vectors import index
from wellspring.tasks.methods.instructions.acceptance import Shown, accept
from wellspring.tasks.methods.instructions.demonstrations import drawn, marks
from wellspring.tasks.methods.instructions.packing import pack
from wellspring.tasks.methods.pages.tokens import count_tokens, cut_tokens
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import ceilings, embedders, reads
from wellspring.tasks.spine.writing.demonstrations import limits
from wellspring.tasks.spine.writing.programs import Ask, How

VERSION = 2
OMITTED = " [...]"


def refuse_small(run: Run) -> None:
    """Stop before anything is paid for, where the pool will be too small for its recipe.

    Raises:
        BrokenError: It has no more items than an instruction has neighbours.
    """
    programs = [recipes.find(name, run.settings) for name in run.settings.instructions.recipes]
    if small := [one.knobs for one in programs if one is not None and isinstance(one.knobs, PoolSettings)]:
        seeds = run.store.count("settled/view", view="inputs_seeds")
        _check_size(
            seeds if run.settings.limit is None else min(seeds, run.settings.limit), max(small, key=lambda one: one.k)
        )


def _check_size(items: int, wanted: PoolSettings) -> None:
    if items <= wanted.k:
        raise BrokenError(
            f"the pool holds {items} seeds, and k = {wanted.k} needs {wanted.k + 1}",
            hint="add --seeds, lower instructions.k, or leave knn_instruct out of instructions.recipes",
        )


class Pool:
    """Seeds and what earlier rounds wrote, in the order of their ids, and the neighbours of each."""

    def __init__(self, run: Run, earlier: Sequence[str], kept_as: str, wanted: PoolSettings) -> None:
        self._run, self._kept_as, self._wanted = run, kept_as, wanted
        self._former = "" if earlier else "neighbours"  # rows of earlier rounds had other ids
        self._method = prompting.load("wellspring.tasks.recipes", "answer")
        found = run.store.query("settled/view", view="inputs_pool").to_dicts()
        seeds = [row for row in found if row["fingerprint"] is None][: run.settings.limit]
        made = [row for row in found if row["fingerprint"] in {*earlier}]
        good = [row for row in made if _is_acceptable(row, run.settings.instructions)]
        if len(good) < len(made):
            run.progress.note(f"{len(made) - len(good)} instructions of earlier rounds would be refused today: "
                              "nothing is deduced from them")  # fmt: skip
        rows = sorted([*seeds, *good], key=lambda row: row["input_id"])
        self._items: dict[str, dict[str, Any]] = {row["input_id"]: row for row in rows}
        self.ids = list(self._items)
        _check_size(len(self.ids), self._wanted)

    def look(self, asked: Sequence[tuple[str, Any]]) -> list[list[dict[str, Any]]]:
        """Return each anchor and its neighbours, nearest first, as rows of the pool."""
        anchors = [anchor for anchor, _ in asked]
        of = ("shown neighbours", self._kept_as, anchors)
        chosen = reads.recorded(self._run, *of, self._found, self._is_there, former=self._former)
        return [[self._items[item] for item in (anchor, *chosen[anchor])] for anchor in anchors]

    async def dialogs(self, ask: Ask) -> list[dict[str, Any]]:
        """Return what an anchor is shown with: itself and its neighbours, in the order that the profile names.

        Answers that are not there are asked for, as `responses` would ask: where it does, too, they cost nothing. An
        answer is cut to its budget; a neighbour that does not fit beside those before it is left out.
        """
        items = await ask.look(self.look, None)
        said = await ask.tried([self._answer(item, ask) for item in items])
        return self._ordered(
            [
                self._dialog(item, None if isinstance(one, Rejection) else one)
                for item, one in zip(items, said, strict=True)
            ]
        )

    async def _answer(self, item: Row, ask: Ask) -> str | None:
        """Return the answer that an item came with, else the responder's."""
        if item["response"] or not self._wanted.with_responses:
            return item["response"] if self._wanted.with_responses else None
        wanted = self._run.settings.responses
        how: How = {"role": "responder", "settings": wanted, "temperature": wanted.temperature}
        return (await ask(self._method, item, **how))["text"]

    def _found(self, anchors: list[str]) -> dict[str, list[str]]:
        return dict(zip(anchors, self._neighbours(anchors), strict=True))

    def _is_there(self, kept: Mapping[str, list[str]]) -> list[str]:
        return [anchor for anchor, near in kept.items() if self._items.keys() >= {*near}]

    def _neighbours(self, anchors: Sequence[str]) -> list[list[str]]:
        k, strategy = self._wanted.k, self._wanted.neighbours
        if strategy in {"knn", "far"}:
            return self._by_vectors(anchors)
        found, candidates = list[list[str]](), marks(self.ids)
        for anchor in anchors:
            parts = (anchor,) if strategy == "random" else ()
            rows = drawn(k + 1, candidates, "neighbours", self._run.settings.seed, *parts)
            found.append([self.ids[row] for row in rows if self.ids[row] != anchor][:k])
        return found

    @cached_property
    def _base(self) -> tuple[Vectors, dict[str, int]]:
        """The vectors of all items (n, d), and the row of each item: made once, for however many look-ups."""
        vectors = embedders.embedder(self._run, "seeds").embed([self._items[i]["text"] for i in self.ids]).vectors
        return vectors, {item: row for row, item in enumerate(self.ids)}

    def _by_vectors(self, anchors: Sequence[str]) -> list[list[str]]:
        """Return the k nearest (or farthest) items of each anchor; itself and its near-copies are passed over."""
        base, row_of = self._base
        own = np.array([row_of[anchor] for anchor in anchors], dtype=np.int64)
        sign = np.float32(-1 if self._wanted.neighbours == "far" else 1)
        ceiling = ceilings.cosine(self._run.settings, "seeds", self._wanted.max_neighbour_cosine)

        def keep(numbers: Any, scores: Any, rows: Any) -> Any:
            return (rows != own[numbers]) & (scores <= ceiling)

        _, rows = index.kept(np.ascontiguousarray(base[own] * sign), base, self._wanted.k, keep)
        return [[self.ids[row] for row in found if row >= 0] for found in rows.tolist()]

    def _dialog(self, item: Row, response: str | None) -> dict[str, Any]:
        if response is not None and count_tokens(response) > self._wanted.response_tokens:
            response = cut_tokens(response, self._wanted.response_tokens) + OMITTED
        return {"input_id": item["input_id"], "text": item["text"], "response": response}

    def _ordered(self, dialogs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        costs = [count_tokens(dialog["text"]) + count_tokens(dialog["response"] or "") for dialog in dialogs]
        anchor, *near = dialogs
        kept = [anchor, *(near[i] for i in pack(costs[1:], self._wanted.prompt_tokens - costs[0]))]
        return kept[::-1] if self._wanted.neighbour_order == "nearest_last" else kept


def _is_acceptable(row: Row, wanted: InstructionsSettings) -> bool:
    try:
        accept(row["text"], limits(wanted, None), Shown())
    except Rejection:
        return False
    return True
