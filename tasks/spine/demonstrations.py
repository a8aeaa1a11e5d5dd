"""What a recipe that writes from documents is shown: a page cut to its budget, and groundings as demonstrations.

Which groundings a page is shown is decided by its id (or by its vectors) and by what was there, never by the order of
answers; they are packed into the prompt's budget of tokens, and one that does not fit is passed over (the paper stops
at the first).
"""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from tasks.contracts.prompting import Prompt, PromptedMethod, Row
from tasks.contracts.settings import InstructionsSettings
from tasks.contracts.vectors import Vectors
from tasks.methods.demonstrations import by_distance, drawn
from tasks.methods.packing import pack
from tasks.methods.tokens import MOST_CHARS, count_tokens, cut_tokens
from tasks.spine import embedders, reads
from tasks.spine.runs import Run

VERSION = 1
TITLE_TOKENS = 60
RECENT_INPUTS = 4096  # whose demonstrations are remembered from the prompt to the answer


class Demonstrations:
    """The groundings that a recipe may show, and which of them each document is shown."""

    def __init__(self, run: Run, method: PromptedMethod, fingerprint: str) -> None:
        self._run, self._method, self._fingerprint = run, method, fingerprint
        self._wanted: InstructionsSettings = run.settings.instructions
        tokens = self._wanted.demonstration_document_tokens
        found = run.store.query("instructions/demonstrations", chars=tokens * MOST_CHARS).to_dicts()
        self._rows = [row | {"document_text": cut_tokens(row["document_text"], tokens)} for row in found]
        self._place = {row["grounding_id"]: i for i, row in enumerate(self._rows)}
        self._of_document = Counter(row["document_id"] for row in self._rows)
        self._costs: dict[int, int] = {}
        self._recent: dict[str, list[dict[str, Any]]] = {}

    def of(self, row: Row) -> list[dict[str, Any]]:
        """Return the demonstrations of a document: drawn, without those of its own page, packed into the budget."""
        if row["input_id"] not in self._recent:
            if len(self._recent) > RECENT_INPUTS:
                self._recent.clear()
            self._recent[row["input_id"]] = [self._rows[i] for i in self._recorded(row)]
        return self._recent[row["input_id"]]

    def _recorded(self, row: Row) -> list[int]:
        """Return the places of a document's demonstrations: those that it was shown first, while all are there."""
        input_id = row["input_id"]

        def find(_: list[str]) -> dict[str, list[str]]:
            return {input_id: [self._rows[i]["grounding_id"] for i in self._drawn(row)]}

        def is_there(kept: Mapping[str, list[str]]) -> list[str]:
            return [name for name, shown in kept.items() if self._place.keys() >= {*shown}]

        shown = reads.recorded(self._run, "demonstrations", self._fingerprint, [input_id], find, is_there)
        return [self._place[grounding_id] for grounding_id in shown[input_id]]

    def _drawn(self, row: Row) -> list[int]:
        offered = [i for i in self._offered(row) if self._rows[i]["document_id"] != row["input_id"]]
        offered = offered[: self._wanted.demonstration_count]
        budget = self._wanted.prompt_tokens - _tokens(self._method.prompt(excerpt(row, self._wanted), self._wanted))
        return [offered[i] for i in pack([self._cost(i) for i in offered], budget)]

    def _offered(self, row: Row) -> list[int]:
        """Return more rows than are wanted by as many as the document itself has, which are left out afterwards."""
        count = self._wanted.demonstration_count + self._of_document[row["input_id"]]
        every, seed = range(len(self._rows)), self._run.settings.seed
        if self._wanted.demonstrations == "random":
            return drawn(count, every, seed, row["input_id"])
        if self._wanted.demonstrations == "fixed":
            return drawn(count, every, seed)
        if not self._rows:
            return []
        target = self._embed([excerpt(row, self._wanted)["text"]])[0]
        return by_distance(count, self._vectors, target, farthest=self._wanted.demonstrations == "farthest")

    @cached_property
    def _vectors(self) -> Vectors:
        return self._embed([row["document_text"] for row in self._rows])

    @cached_property
    def _embedder(self) -> embedders.Embedder:
        return embedders.embedder(self._run, "passages")

    def _embed(self, texts: list[str]) -> Vectors:
        return self._embedder.embed(texts).vectors

    def _cost(self, i: int) -> int:
        """Return the tokens that one demonstration adds to a prompt; one more, since parts are rounded."""
        if i not in self._costs:
            bare: dict[str, Any] = {"input_id": "0" * 8, "title": None, "text": "", "demonstrations": []}
            with_it = self._method.prompt(bare | {"demonstrations": [self._rows[i]]}, self._wanted)
            self._costs[i] = _tokens(with_it) - _tokens(self._method.prompt(bare, self._wanted)) + 1
        return self._costs[i]


def excerpt(row: Row, wanted: InstructionsSettings) -> dict[str, Any]:
    """Cut a document to its budget; what the model is not shown it cannot have copied or obeyed."""
    title = cut_tokens(row["title"], TITLE_TOKENS) if row["title"] else None
    return {**row, "title": title, "text": cut_tokens(row["text"], wanted.document_tokens), "demonstrations": []}


def _tokens(prompt: Prompt) -> int:
    return sum(count_tokens(message.content) for message in prompt.messages)
