"""Instructions: what the recipes write (SynthQuestions, step C; KNN-Instruct, its rounds).

A recipe says by `INPUTS` what it is given: `documents`, each with demonstrations drawn from the groundings, or the
`pool` of seeds and earlier rounds, each with its neighbours. Every answer passes the checks of
`tasks/methods/acceptance.py` or is refused with the reason; then each recipe's new rows are looked at together, and
what repeats a seed, an earlier instruction or one of their own is refused, too. Those stay as rows, named in
`rejections` by their own id, and `valid_instructions` leaves them out.

What an input is shown is decided by its id and by what was there when it was written, never by the order of answers.
"""

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tasks.contracts import prompting, records
from tasks.contracts.calls import Answer
from tasks.contracts.errors import BrokenError, Rejection, UsageError
from tasks.contracts.prompting import Prompt, PromptedMethod, Row
from tasks.contracts.records import content_id
from tasks.contracts.settings import InstructionsSettings, Settings
from tasks.contracts.vectors import Vectors
from tasks.io import index
from tasks.methods.acceptance import Limits, Shown, accept, trust
from tasks.methods.demonstrations import by_distance, drawn
from tasks.methods.injections import orders
from tasks.methods.languages import identify
from tasks.methods.novelty import repeats
from tasks.methods.packing import pack
from tasks.methods.subjects import is_code, is_mathematics
from tasks.methods.tokens import BYTES_PER_TOKEN, count_tokens, cut_tokens
from tasks.spine import contamination, embedders
from tasks.spine.generation import generate
from tasks.spine.runs import Counts, Run, stage

TITLE_TOKENS = 60
OMITTED = " [...]"
RECENT_INPUTS = 4096  # whose demonstrations are remembered from the prompt to the answer
_CHECKS = ("languages", "min_tokens", "max_tokens", "max_copy_rouge_l", "max_document_share", "max_pool_cosine")
_OF_DOCUMENTS = ("grounded", "demonstrations", "demonstration_count", "prompt_tokens", "document_tokens",
                 "demonstration_document_tokens", "criteria_told", "math_and_code")  # fmt: skip
_OF_POOL = (
    "k",
    "neighbours",
    "neighbour_order",
    "with_responses",
    "response_tokens",
    "max_neighbour_cosine",
    "prompt_tokens",
)


@dataclass(frozen=True, slots=True)
class Writer:
    """A recipe at work: its name in the profile, its method, what it is given, its identity, and its round."""

    recipe: str
    method: PromptedMethod
    inputs: str
    fingerprint: str
    round: int = 0


@stage("instructions")
def synthesize(run: Run) -> Counts:
    """Have every recipe of the profile write what it has not written.

    Raises:
        UsageError: The profile names a recipe that is not there.
        BrokenError: The pool is too small for K neighbours.
    """
    writers = _writers(run.settings)
    active = {writer.fingerprint: writer.recipe for writer in writers}
    run.activate("instructions", active, run.settings.instructions.model_dump())
    counts, earlier = Counts(), list[str]()
    for writer in writers:
        if writer.inputs == "documents":
            counts += _from_documents(run, writer)
        else:
            counts += _from_pool(run, writer, earlier)
            earlier.append(writer.fingerprint)
        counts += _compare(run, writer)
    return counts


def _writers(settings: Settings) -> list[Writer]:
    """Return the recipes in the order in which they write; each round of a pool's recipe is one."""
    writers: list[Writer] = []
    for recipe in settings.instructions.recipes:
        name = "ungrounded" if recipe == "attributed_grounding" and not settings.instructions.grounded else recipe
        method = prompting.load("tasks.recipes", name)
        inputs = _inputs(name)
        rounds = [0] if inputs == "documents" else range(1, settings.instructions.rounds + 1)
        writers += [Writer(recipe, method, inputs, _fingerprint(settings, method, inputs, n), n) for n in rounds]
    return writers


def _inputs(name: str) -> str:
    """Return what a recipe is given.

    Raises:
        UsageError: It is on the way to an instruction, but writes none.
    """
    inputs = getattr(importlib.import_module(f"tasks.recipes.{name}"), "INPUTS", None)
    if inputs is None:
        raise UsageError(
            f"`{name}` writes no instructions",
            hint="instructions.recipes takes those with INPUTS, such as attributed_grounding and knn_instruct",
        )
    return inputs


def _fingerprint(settings: Settings, method: PromptedMethod, inputs: str, number: int) -> str:
    """Identity of a recipe in a round: what is asked of whom, what it is shown, and what is kept of it.

    How many rounds there are does not count, so that one more leaves those before it as they are.
    """
    role = settings.models.generator
    asked = {key: getattr(role, key) for key in ("model", "temperature", "top_p", "max_tokens", "seed")}
    shown = settings.instructions.model_dump(include={*(_OF_DOCUMENTS if inputs == "documents" else _OF_POOL)})
    checks = settings.instructions.model_dump(include={*_CHECKS, "draws"})
    checks["benchmarks"] = contamination.fingerprint(settings.benchmarks)
    near = settings.embeddings.model_dump(include={"embedder", "dimensions", "hash_features", "model", "revision"})
    return method.fingerprint(asked=asked, shown=shown, checks=checks, near=near, round=number, chance=settings.seed)


def _limits(run: Run, language: str | None) -> Limits:
    wanted = run.settings.instructions
    return Limits(
        min_tokens=wanted.min_tokens,
        max_tokens=wanted.max_tokens,
        max_rouge_l=wanted.max_copy_rouge_l,
        max_coverage=wanted.max_document_share,
        languages=wanted.languages or ((language,) if language and language != "und" else ()),
    )


def _generate(
    run: Run, writer: Writer, method: PromptedMethod, pending: str, params: dict[str, Any], rows: Any
) -> Counts:
    return generate(
        run,
        stage="instructions",
        table="instructions",
        role="generator",
        method=method,
        fingerprint=writer.fingerprint,
        pending=pending,
        params={"fingerprint": writer.fingerprint, **params},
        rows=rows,
        settings=run.settings.instructions,
        draws=run.settings.instructions.draws,
    )


def _instruction(
    run: Run, writer: Writer, row: Row, parsed: dict[str, Any], answer: Answer, parents: Sequence[str]
) -> records.Instruction:
    draw = answer.call.draw
    is_grounded = writer.inputs == "documents" and writer.method.name != "ungrounded"
    return records.Instruction(
        instruction_id=content_id("instruction", writer.fingerprint, row["input_id"], draw),
        fingerprint=writer.fingerprint,
        input_id=row["input_id"],
        recipe=writer.recipe,
        draw=draw,
        round=writer.round,
        text=parsed["text"],
        document_id=row["input_id"] if is_grounded else None,
        parent_ids=list(parents),
        scene=parsed.get("scene"),
        ability=parsed.get("ability"),
        knowledge=parsed.get("knowledge"),
        output=parsed.get("output"),
        extra_information=parsed.get("extra_information") or None,
        completion_id=answer.completion_id,
        run_id=run.run_id,
    )


def _check_around(run: Run, parsed: dict[str, Any], shown: Shown) -> None:
    """Look at what goes with an accepted instruction, and for the instruction in the benchmarks.

    Raises:
        Rejection: A scene or a composition carries what a page dictated, or the text is in a benchmark.
    """
    trust("\n".join(value for key, value in sorted(parsed.items()) if key != "text"), shown)
    contamination.check(run.settings.benchmarks, parsed["text"])


# From documents


class Demonstrations:
    """The groundings that a recipe may show, and which of them each document is shown."""

    def __init__(self, run: Run, method: PromptedMethod) -> None:
        self._run, self._method = run, method
        self._wanted: InstructionsSettings = run.settings.instructions
        tokens = self._wanted.demonstration_document_tokens
        found = run.store.query("instructions/demonstrations", chars=tokens * BYTES_PER_TOKEN).to_dicts()
        self._rows = [row | {"document_text": cut_tokens(row["document_text"], tokens)} for row in found]
        self._of_document = Counter(row["document_id"] for row in self._rows)
        self._costs: dict[int, int] = {}
        self._recent: dict[str, list[dict[str, Any]]] = {}

    def of(self, row: Row) -> list[dict[str, Any]]:
        """Return the demonstrations of a document: drawn, without those of its own page, packed into the budget."""
        if row["input_id"] not in self._recent:
            if len(self._recent) > RECENT_INPUTS:
                self._recent.clear()
            self._recent[row["input_id"]] = self._drawn(row)
        return self._recent[row["input_id"]]

    def _drawn(self, row: Row) -> list[dict[str, Any]]:
        offered = [i for i in self._offered(row) if self._rows[i]["document_id"] != row["input_id"]]
        offered = offered[: self._wanted.demonstration_count]
        budget = self._wanted.prompt_tokens - _tokens(self._method.prompt(_excerpt(row, self._wanted), self._wanted))
        return [self._rows[offered[i]] for i in pack([self._cost(i) for i in offered], budget)]

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
        target = self._embed([_excerpt(row, self._wanted)["text"]])[0]
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


def _excerpt(row: Row, wanted: InstructionsSettings) -> dict[str, Any]:
    """Cut a document to its budget; what the model is not shown it cannot have copied or obeyed."""
    title = cut_tokens(row["title"], TITLE_TOKENS) if row["title"] else None
    return {**row, "title": title, "text": cut_tokens(row["text"], wanted.document_tokens), "demonstrations": []}


def _tokens(prompt: Prompt) -> int:
    return sum(count_tokens(message.content) for message in prompt.messages)


def _system(prompt: Prompt) -> str:
    return "\n".join(message.content for message in prompt.messages if message.role == "system")


def _from_documents(run: Run, writer: Writer) -> Counts:
    wanted, params = run.settings.instructions, {"most": run.settings.limit}
    if not run.store.count("instructions/pending", fingerprint=writer.fingerprint, **params):
        return Counts()
    shown = Demonstrations(run, writer.method)
    is_grounded = writer.method.name != "ungrounded"

    def prompt(row: Row, settings: Any) -> Prompt:
        excerpt = _excerpt(row, wanted)
        if is_grounded and (found := orders(f"{excerpt['title'] or ''}\n{excerpt['text']}")):
            raise Rejection("document_talks_to_models", found[0][:300])
        if not wanted.math_and_code and (is_code(row["text"]) or is_mathematics(row["text"])):
            raise Rejection("math_or_code", "instructions.math_and_code is off")
        return writer.method.prompt({**excerpt, "demonstrations": shown.of(row)}, settings)

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Instruction]:
        demonstrations = shown.of(row)
        excerpt = _excerpt(row, wanted)
        untrusted = Shown(
            demonstrations=[demonstration["text"] for demonstration in demonstrations],
            document=f"{excerpt['title'] or ''}\n{excerpt['text']}" if is_grounded else "",
            prompt=_system(answer.call.prompt),
        )
        accept(parsed["text"], _limits(run, row["language"] if is_grounded else None), untrusted)
        _check_around(run, parsed, untrusted)
        return [_instruction(run, writer, row, parsed, answer, [d["grounding_id"] for d in demonstrations])]

    method = replace(writer.method, prompt=prompt)
    return _generate(run, writer, method, "instructions/pending", params, rows)


# From the pool


class Pool:
    """Seeds and what earlier rounds wrote, in the order of their ids, and the neighbours of each."""

    def __init__(self, run: Run, earlier: Sequence[str]) -> None:
        self._run = run
        self.counts = Counts()
        self._wanted: InstructionsSettings = run.settings.instructions
        found = run.store.query("instructions/pool", most=run.settings.limit, earlier=list(earlier))
        self.ids: list[str] = found["item_id"].to_list()
        self._items: dict[str, dict[str, Any]] = {row["item_id"]: row for row in found.iter_rows(named=True)}
        if len(self.ids) <= self._wanted.k:
            raise BrokenError(
                f"the pool holds {len(self.ids)} seeds, and k = {self._wanted.k} needs {self._wanted.k + 1}",
                hint="add --seeds, lower instructions.k, or leave knn_instruct out of instructions.recipes",
            )

    def dialogs_of(self, anchors: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return what each anchor is shown with: itself and its neighbours, in the order that the profile names.

        Answers that are not there yet are asked for first. An answer is cut to its budget; a neighbour that does not
        fit beside those before it is left out.
        """
        chosen = dict(zip(anchors, self._neighbours(anchors), strict=True))
        texts = self._answers(sorted({*anchors, *(n for near in chosen.values() for n in near)}))
        return {a: self._ordered([self._dialog(item, texts) for item in (a, *near)]) for a, near in chosen.items()}

    def language(self, anchor: str) -> str:
        """Return the language of an item: as it was read, or as its text says."""
        return self._items[anchor]["language"] or identify(self._items[anchor]["text"])

    def _neighbours(self, anchors: Sequence[str]) -> list[list[str]]:
        k, strategy = self._wanted.k, self._wanted.neighbours
        if strategy in {"knn", "far"}:
            return self._by_vectors(anchors)
        found: list[list[str]] = []
        for anchor in anchors:
            parts = (anchor,) if strategy == "random" else ()
            rows = drawn(k + 1, range(len(self.ids)), "neighbours", self._run.settings.seed, *parts)
            found.append([self.ids[row] for row in rows if self.ids[row] != anchor][:k])
        return found

    def _by_vectors(self, anchors: Sequence[str]) -> list[list[str]]:
        """Return the k nearest (or farthest) items of each anchor; itself and its near-copies are passed over."""
        base = embedders.embedder(self._run, "seeds").embed([self._items[i]["text"] for i in self.ids]).vectors
        row_of = {item: row for row, item in enumerate(self.ids)}
        own = np.array([row_of[anchor] for anchor in anchors], dtype=np.int64)
        sign = np.float32(-1 if self._wanted.neighbours == "far" else 1)
        ceiling = self._wanted.max_neighbour_cosine

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


def _from_pool(run: Run, writer: Writer, earlier: Sequence[str]) -> Counts:
    pool = Pool(run, earlier)
    params = {"item_ids": pool.ids}
    due = run.store.query("instructions/pending_pool", fingerprint=writer.fingerprint, **params)["input_id"].to_list()
    if not due:
        return Counts()
    dialogs = pool.dialogs_of(due)

    def prompt(row: Row, settings: Any) -> Prompt:
        shown = dialogs[row["input_id"]]
        if len(shown) == 1:
            raise Rejection("no_neighbours", "all others are too much like it, or too long")
        return writer.method.prompt({**row, "dialogs": shown}, settings)

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Instruction]:
        shown = dialogs[row["input_id"]]
        untrusted = Shown(demonstrations=[dialog["text"] for dialog in shown], prompt=_system(answer.call.prompt))
        accept(parsed["text"], _limits(run, pool.language(row["input_id"])), untrusted)
        _check_around(run, parsed, untrusted)
        return [_instruction(run, writer, row, parsed, answer, [dialog["item_id"] for dialog in shown])]

    method = replace(writer.method, prompt=prompt)
    return pool.counts + _generate(run, writer, method, "instructions/pending_pool", params, rows)


def _answer_all(run: Run, items: list[str]) -> tuple[str, Counts]:
    """Have the responder answer these items of the pool, as `responses` would; returns the method and what it cost.

    The same request has the same answer: where `responses` asks again for one of them, it costs nothing.
    """
    method, role, wanted = (
        prompting.load("tasks.recipes", "answer"),
        run.settings.models.responder,
        run.settings.responses,
    )
    asked = {key: getattr(role, key) for key in ("model", "top_p", "max_tokens", "seed")}
    spoken = wanted.model_dump(include={"temperature", "system"})
    fingerprint = method.fingerprint(way="answer_for_pool", **asked, **spoken)

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
        pending="instructions/unanswered",
        params={"fingerprint": fingerprint, "item_ids": items},
        rows=rows,
        settings=wanted,
        temperature=wanted.temperature,
    )
    # Answers to show are no inputs of this stage; its rows in and out count instructions.
    return fingerprint, replace(counts, rows_in=0, rows_out=0, rows_rejected=0)


# All of them together


def _compare(run: Run, writer: Writer) -> Counts:
    """Look at a writer's new instructions together: refuse what means the same as a benchmark prompt or as another.

    Others are the seeds, the instructions in force, and new ones of a lower id.
    """
    fresh = run.store.query("instructions/fresh", fingerprint=writer.fingerprint)
    if fresh.is_empty():
        return Counts()
    ids = fresh["instruction_id"].to_list()
    embed = embedders.embedder(run, "instructions").embed
    new = embed(fresh["text"].to_list()).vectors
    prompts = contamination.texts(run.settings.benchmarks)
    refused = dict(contamination.by_meaning(run.settings.benchmarks, new, embed(prompts).vectors)) if prompts else {}
    if (ceiling := run.settings.instructions.max_pool_cosine) <= 1:
        known = run.store.query("instructions/known", fresh_ids=ids)
        left = [row for row in range(len(ids)) if row not in refused]
        names = [*known["item_id"].to_list(), *(ids[row] for row in left)]
        for row, (other, cosine) in repeats(new[left], embed(known["text"].to_list()).vectors, ceiling).items():
            refused[left[row]] = Rejection("too_near_the_pool", f"cosine {cosine:.3f} with {names[other]}")
    rows = [
        records.RejectionRow("instructions", ids[row], writer.fingerprint, refusal.reason, refusal.detail, run.run_id)
        for row, refusal in sorted(refused.items())
    ]
    run.store.append("rejections", rows)
    return Counts(rows_out=-len(rows), rows_rejected=len(rows))
