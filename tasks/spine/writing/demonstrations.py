"""What a recipe that writes from documents is shown: a page cut to its budget, and groundings as demonstrations.

What a row must pass, a demonstration must pass, whenever it was made: its message passes the checks of an instruction,
its parts say something. Of its page the part is shown that its scene rests on.

Which groundings a page is shown is decided by its id (or by its vectors) and by what was there, never by the order of
answers; they are packed into the prompt's budget of tokens, and one that does not fit is passed over (the paper stops
at the first).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Message, Row
from wellspring.tasks.contracts.settings import DemonstratedSettings, InstructionsSettings
from wellspring.tasks.contracts.vectors import Vectors
from wellspring.tasks.methods.instructions import parts as parts_
from wellspring.tasks.methods.instructions.acceptance import Limits, Shown, accept, trust
from wellspring.tasks.methods.instructions.demonstrations import by_distance, drawn, marks
from wellspring.tasks.methods.instructions.excerpts import part
from wellspring.tasks.methods.instructions.packing import pack
from wellspring.tasks.methods.pages.tokens import MOST_CHARS, count_tokens, cut_tokens
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import embedders, reads

VERSION = 2
TITLE_TOKENS = 60


Rendered = Callable[[Row, Sequence[Row]], Sequence[Message]]  # a prompt, of a page and what it is shown


class Demonstrations:
    """The groundings that a recipe may show, and which of them each document is shown."""

    def __init__(self, run: Run, prompt: Rendered, kept_as: str, wanted: DemonstratedSettings) -> None:
        self._run, self._prompt, self._kept_as, self._wanted = run, prompt, kept_as, wanted
        chars = run.settings.groundings.document_tokens * MOST_CHARS
        found = run.store.query("instructions/demonstrations", chars=chars).to_dicts()
        self._rows = [self._shown(row) for row in found if deserves(row, run.settings.instructions)]
        if len(self._rows) < len(found):
            run.progress.note(f"{len(found) - len(self._rows)} of {len(found)} groundings are no demonstrations: "
                              "their message or their parts would be refused as rows")  # fmt: skip
        self._marks = marks(row["input_id"] for row in self._rows)
        self._place = {row["input_id"]: i for i, row in enumerate(self._rows)}
        self._of_document = Counter(row["document_id"] for row in self._rows)
        self._costs: dict[int, int] = {}

    def _shown(self, row: Row) -> dict[str, Any]:
        about = "\n".join((row["scene"], row["knowledge"], row["text"]))
        return {**row, "document_text": part(row["document_text"], about, self._wanted.demonstration_document_tokens)}

    def look(self, asked: Sequence[tuple[str, Row]]) -> list[list[dict[str, Any]]]:
        """Return the demonstrations of each page: drawn, without those of its own, packed into the budget.

        They are those that it was shown first, while all are there.
        """
        pages = dict(asked)

        def find(input_ids: list[str]) -> dict[str, list[str]]:
            return {one: [self._rows[i]["input_id"] for i in self._drawn(pages[one])] for one in input_ids}

        def is_there(kept: Mapping[str, list[str]]) -> list[str]:
            return [name for name, shown in kept.items() if self._place.keys() >= {*shown}]

        of = ("shown demonstrations", self._kept_as, list(pages))
        shown = reads.recorded(self._run, *of, find, is_there, former="demonstrations")
        return [[self._rows[self._place[name]] for name in shown[input_id]] for input_id, _ in asked]

    def _drawn(self, row: Row) -> list[int]:
        offered = [i for i in self._offered(row) if self._rows[i]["document_id"] != row["input_id"]]
        offered = offered[: self._wanted.demonstration_count]
        budget = self._wanted.prompt_tokens - _tokens(self._prompt(row, []))
        return [offered[i] for i in pack([self._cost(i) for i in offered], budget)]

    def _offered(self, row: Row) -> list[int]:
        """Return more rows than are wanted by as many as the document itself has, which are left out afterwards."""
        count = self._wanted.demonstration_count + self._of_document[row["input_id"]]
        every, seed = self._marks, self._run.settings.seed
        if self._wanted.demonstrations == "random":
            return drawn(count, every, seed, row["input_id"])
        if self._wanted.demonstrations == "fixed":
            return drawn(count, every, seed)
        if not self._rows:
            return []
        target = self._embed([row["text"]])[0]
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
            bare: Row = {"input_id": "0" * 8, "title": None, "text": ""}
            self._costs[i] = _tokens(self._prompt(bare, [self._rows[i]])) - _tokens(self._prompt(bare, [])) + 1
        return self._costs[i]


def limits(wanted: InstructionsSettings, language: str | None) -> Limits:
    """Return the bounds on an instruction; its language is the profile's, else that of what it was made from."""
    return Limits(
        min_tokens=wanted.min_tokens,
        max_tokens=wanted.max_tokens,
        max_rouge_l=wanted.max_copy_rouge_l,
        max_coverage=wanted.max_document_share,
        min_own_words=wanted.min_own_words,
        languages=wanted.languages or ((language,) if language and language != "und" else ()),
    )


def deserves(row: Row, wanted: InstructionsSettings) -> bool:
    """Whether a grounding would pass as a row of today: its message `text`, its parts, beside its page."""
    page = Shown(document=row["document_text"])
    try:
        parts_.check(row)
        accept(row["text"], limits(wanted, row["language"]), page)
        trust("\n".join(row[name] for name in ("scene", *parts_.PARTS, "extra_information")), page)
    except Rejection:
        return False
    return True


def excerpt(row: Row, wanted: InstructionsSettings) -> dict[str, Any]:
    """Cut a document to its budget; what the model is not shown it cannot have copied or obeyed."""
    title = cut_tokens(row["title"], TITLE_TOKENS) if row["title"] else None
    return {**row, "title": title, "text": cut_tokens(row["text"], wanted.document_tokens)}


def _tokens(messages: Sequence[Message]) -> int:
    return sum(count_tokens(message.content) for message in messages)
