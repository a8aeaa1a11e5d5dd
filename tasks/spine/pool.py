"""What KNN-Instruct deduces from: seeds, and what earlier rounds wrote, each with its neighbours and their answers.

A seed is a person's, and stays as it was read; what a model wrote is taken only as long as it would be accepted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import InstructionsSettings
from wellspring.tasks.io import index
from wellspring.tasks.methods.acceptance import Shown, accept
from wellspring.tasks.methods.demonstrations import drawn, marks
from wellspring.tasks.methods.languages import identify
from wellspring.tasks.methods.packing import pack
from wellspring.tasks.methods.tokens import count_tokens, cut_tokens
from wellspring.tasks.spine import ceilings, embedders, reads
from wellspring.tasks.spine.demonstrations import limits
from wellspring.tasks.spine.generation import generate
from wellspring.tasks.spine.identity import raised
from wellspring.tasks.spine.runs import Counts, Run

VERSION = 2
OMITTED = " [...]"


def refuse_small(run: Run) -> None:
    """Stop before anything is paid for, where the pool will be too small for its recipe.

    Raises:
        BrokenError: It has no more items than an instruction has neighbours.
    """
    if "knn_instruct" in run.settings.instructions.recipes:
        _check_size(
            run.store.count("instructions/pool", most=run.settings.limit, earlier=[]), run.settings.instructions
        )


def _check_size(items: int, wanted: InstructionsSettings) -> None:
    if items <= wanted.k:
        raise BrokenError(
            f"the pool holds {items} seeds, and k = {wanted.k} needs {wanted.k + 1}",
            hint="add --seeds, lower instructions.k, or leave knn_instruct out of instructions.recipes",
        )


class Pool:
    """Seeds and what earlier rounds wrote, in the order of their ids, and the neighbours of each."""

    def __init__(self, run: Run, earlier: Sequence[str], fingerprint: str) -> None:
        self._run, self._fingerprint = run, fingerprint
        self.counts = Counts()
        self._wanted: InstructionsSettings = run.settings.instructions
        found = run.store.query("instructions/pool", most=run.settings.limit, earlier=list(earlier))
        rows = [row for row in found.iter_rows(named=True) if row["is_human"] or _is_acceptable(row, self._wanted)]
        if len(rows) < len(found):
            run.progress.note(f"{len(found) - len(rows)} instructions of earlier rounds would be refused today: "
                              "nothing is deduced from them")  # fmt: skip
        self._items: dict[str, dict[str, Any]] = {row["item_id"]: row for row in rows}
        self.ids = list(self._items)
        _check_size(len(self.ids), self._wanted)

    def dialogs_of(self, anchors: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return what each anchor is shown with: itself and its neighbours, in the order that the profile names.

        Answers that are not there yet are asked for first. An answer is cut to its budget; a neighbour that does not
        fit beside those before it is left out.
        """
        chosen = reads.recorded(self._run, "neighbours", self._fingerprint, anchors, self._found, self._is_there)
        texts = self._answers(sorted({*anchors, *(n for near in chosen.values() for n in near)}))
        return {a: self._ordered([self._dialog(item, texts) for item in (a, *near)]) for a, near in chosen.items()}

    def language(self, anchor: str) -> str:
        """Return the language of an item: as it was read, or as its text says."""
        return self._items[anchor]["language"] or identify(self._items[anchor]["text"])

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

    def _by_vectors(self, anchors: Sequence[str]) -> list[list[str]]:
        """Return the k nearest (or farthest) items of each anchor; itself and its near-copies are passed over."""
        base = embedders.embedder(self._run, "seeds").embed([self._items[i]["text"] for i in self.ids]).vectors
        row_of = {item: row for row, item in enumerate(self.ids)}
        own = np.array([row_of[anchor] for anchor in anchors], dtype=np.int64)
        sign = np.float32(-1 if self._wanted.neighbours == "far" else 1)
        ceiling = ceilings.neighbours(self._run.settings)

        def keep(numbers: Any, scores: Any, rows: Any) -> Any:
            return (rows != own[numbers]) & (scores <= ceiling)

        _, rows = index.kept(np.ascontiguousarray(base[own] * sign), base, self._wanted.k, keep)
        return [[self.ids[row] for row in found if row >= 0] for found in rows.tolist()]

    def _answers(self, items: list[str]) -> dict[str, str]:
        """Return the answers of items by id, after asking the responder for those that have none."""
        if not self._wanted.with_responses:
            return {}
        texts = {item: self._items[item]["response"] for item in items if self._items[item]["response"]}
        missing = [item for item in items if item not in texts]
        if not missing:
            return texts
        fingerprint, self.counts = _answer_all(self._run, missing)
        found = self._run.store.query("instructions/answers", fingerprint=fingerprint, item_ids=missing)
        return texts | dict(zip(found["item_id"].to_list(), found["text"].to_list(), strict=True))

    def _dialog(self, item: str, texts: dict[str, str]) -> dict[str, Any]:
        response = texts.get(item)
        if response is not None and count_tokens(response) > self._wanted.response_tokens:
            response = cut_tokens(response, self._wanted.response_tokens) + OMITTED
        return {"item_id": item, "text": self._items[item]["text"], "response": response}

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


def _answer_all(run: Run, items: list[str]) -> tuple[str, Counts]:
    """Have the responder answer these items of the pool, as `responses` would; returns the method and what it cost.

    The same request has the same answer: where `responses` asks again for one of them, it costs nothing.
    """
    method, wanted = prompting.load("wellspring.tasks.recipes", "answer"), run.settings.responses
    asked = run.settings.models.responder.asked | wanted.model_dump(include={"temperature", "system"})
    fingerprint = method.fingerprint(way="answer_for_pool", **asked, **raised("loops", own=VERSION))

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Response]:
        return [
            records.Response(
                response_id=content_id("response", row["input_id"], fingerprint, 0),
                fingerprint=fingerprint,
                instruction_id=row["input_id"],
                model=answer.model,
                draw=0,
                text=parsed["text"],
                finish_reason=answer.finish_reason,
                completion_id=answer.completion_id,
                run_id=run.run_id,
            )
        ]

    counts = generate(
        run,
        stage="instructions",
        table="responses",
        role="responder",
        method=method,
        fingerprint=fingerprint,
        takes="pool",
        rows=rows,
        among=items,
        settings=wanted,
        temperature=wanted.temperature,
    )
    # Answers to show are no inputs of this stage; its rows in and out count instructions.
    return fingerprint, replace(counts, rows_in=0, rows_out=0, rows_rejected=0)
