"""Groundings: each seed traced to a document, a person and a reason to ask (SynthQuestions, step B, attribution).

Two calls to the generator, with a search between them: keywords of the seed; candidates among our own documents, by
words and by vectors; then the scene that leads from the chosen document to the seed. A candidate that holds too little
of the keywords is none, and a seed without any is refused: `no_page_fits`. Which of the others is chosen: the first, as
in the paper, or the one that the judge is for in most of several shuffled orders, with the share of the orders that
agree. What stands between the calls is
kept nowhere but in the journal: a run that was killed asks for the keywords again and gets the recorded answers, free.
Seeds are taken a batch at a time, so that memory does not grow with their number.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import GroundingsSettings, Settings
from wellspring.tasks.io import encoder, files, search
from wellspring.tasks.methods import parts as parts_
from wellspring.tasks.methods.acceptance import Shown, plain, trust
from wellspring.tasks.methods.demonstrations import drawn, marks
from wellspring.tasks.methods.fit import fit
from wellspring.tasks.methods.injections import orders
from wellspring.tasks.methods.knowledge_precision import knowledge_precision
from wellspring.tasks.methods.tokens import MOST_CHARS, cut_tokens
from wellspring.tasks.methods.words import words
from wellspring.tasks.spine import embedders, reads, runs, validation
from wellspring.tasks.spine.generation import generate
from wellspring.tasks.spine.identity import raised
from wellspring.tasks.spine.retrieval import Hybrid
from wellspring.tasks.spine.runs import Counts, Run, stage

VERSION = 4
BATCH_SEEDS = 2_000
CANDIDATE_TOKENS = 300  # of each candidate, when several are shown to be compared
NONE_HELPS = "none"
FILE_SEEDS = 500  # whose pages lie in one file
SEARCHES_AT_ONCE = 8
_RULES = ("acceptance", "copies", "demonstrations", "fit", "fusion", "injections", "knowledge_precision",
          "loops", "parts", "spine.retrieval", "thought_marks", "tokens", "words")  # fmt: skip


@dataclass(slots=True)
class Trace:
    """What is known of a seed on its way: what it is after, the document chosen for it, and how sure the choice is."""

    intention: str
    keywords: list[str]
    found: list[tuple[str, float]] = field(default_factory=list)  # documents, and how well each fits
    candidates: list[str] = field(default_factory=list)  # those that fit, best first
    votes: list[str] = field(default_factory=list)
    document_id: str = ""
    excerpt: str = ""
    agreement: float | None = None
    grounding: records.Grounding | None = None


@dataclass(slots=True)
class Batch:
    """Seeds that are asked about together."""

    run: Run
    fingerprint: str
    seed_ids: list[str]
    traces: dict[str, Trace] = field(default_factory=dict)

    @property
    def wanted(self) -> GroundingsSettings:
        """The stage's settings."""
        return self.run.settings.groundings

    def generate(self, method: PromptedMethod, rows: Any, role: str = "generator", on_failure: Any = None) -> Counts:
        """Ask for every seed of the batch that is still due."""
        return generate(
            self.run,
            stage="groundings",
            table="groundings",
            role=role,
            method=method,
            fingerprint=self.fingerprint,
            pending="groundings/left",
            params={"fingerprint": self.fingerprint, "seed_ids": self.seed_ids},
            rows=rows,
            settings=self.wanted,
            on_failure=on_failure,
        )


@stage("groundings")
def attribute(run: Run) -> Counts:
    """Trace every seed that has no grounding yet.

    Raises:
        UsageError: There is no document to trace to.
    """
    fingerprint = _fingerprint(run.settings)
    run.activate("groundings", {fingerprint: "attribution"}, run.settings.groundings.model_dump())
    due, counts = _due(run, fingerprint), Counts()
    if due:
        documents = Hybrid.open(run)
        for start in range(0, len(due), BATCH_SEEDS):
            counts += _attributed(Batch(run, fingerprint, due[start : start + BATCH_SEEDS]), documents)
    if fit_no_page(run):
        run.progress.note(
            "no seed has a page that fits it: instructions are written from pages without demonstrations;"
            " more pages, or a lower groundings.min_fit, would give some"
        )
    return counts


@stage("groundings")
def collect(run: Run) -> Counts:
    """Ask the live search endpoint about every seed without a grounding, and keep its pages as a corpus of the store.

    They are JSONL files in `found/`: a corpus like any other, once the profile names that folder, read by the same
    stages with the same refusals, and traced to the same bytes. Off where `groundings.search_url` is empty. A file
    that is there is not asked for again.

    Raises:
        TransientError: The endpoint does not answer; what it answered before is kept.
        BrokenError: It refuses, or does not keep to the form.
    """
    if not run.settings.groundings.search_url:
        return Counts()
    fingerprint = _fingerprint(run.settings)
    batch = Batch(run, fingerprint, _due(run, fingerprint))
    counts = batch.generate(prompting.load("wellspring.tasks.recipes", "keywords"), _collector(batch.traces))
    asked = sorted(batch.traces)
    for start in range(0, len(asked), FILE_SEEDS):
        _find(run, {seed_id: batch.traces[seed_id].keywords for seed_id in asked[start : start + FILE_SEEDS]})
    return counts


def fit_no_page(run: Run) -> bool:
    """Whether there is no grounding, for the one good reason, that no seed has a page."""
    if run.store.count("groundings/unpublished") or run.store.query("groundings/audience")["rows_valid"][0]:
        return False
    return validation.may_lack_rows(run, "groundings")


def _find(run: Run, keywords: Mapping[str, list[str]]) -> None:
    """Write the pages that the endpoint finds for some seeds into one file, whole or not at all."""
    wanted = run.settings.groundings
    folder = run.store.path / runs.FOUND
    path = folder / f"{content_id('found', wanted.search_url, wanted.search_results, keywords)}.jsonl"
    if path.exists():
        return
    folder.mkdir(exist_ok=True)
    ask = partial(_ask, wanted)
    with ThreadPoolExecutor(SEARCHES_AT_ONCE) as pool:
        found = [page for pages in pool.map(ask, keywords.values()) for page in pages]
    lines = sorted({json.dumps(asdict(page), ensure_ascii=False, sort_keys=True) for page in found})
    files.write_whole(path, "".join(f"{line}\n" for line in lines).encode())


def _ask(wanted: GroundingsSettings, keywords: Sequence[str]) -> list[search.Page]:
    return search.search(wanted.search_url, " ".join(keywords), wanted.search_results, wanted.search_key_env)


def _due(run: Run, fingerprint: str) -> list[str]:
    """Return the seeds that are due, asked once: what a batch refuses must not bring others into it."""
    return run.store.query("groundings/pending", fingerprint=fingerprint, most=run.settings.limit)["input_id"].to_list()


def _fingerprint(settings: Settings) -> str:
    """Identity of the two calls, of the search between them, and of who is asked."""
    asked = settings.models.generator.asked
    methods = [prompting.load("wellspring.tasks.recipes", name).fingerprint(**asked) for name in ("keywords", "scene")]
    chosen = settings.groundings.model_dump(exclude={"search_url", "search_key_env", "search_results"})
    judged = [("choice", chosen["choice"] == "listwise"), ("support", chosen["judge_support"])]
    methods += [
        prompting.load("wellspring.tasks.recipes", name).fingerprint(model=settings.models.judge.model)
        for name, is_asked in judged
        if is_asked
    ]
    vectors = embedders.described(settings.embeddings, "passages")
    vectors |= encoder.shape() if chosen["reread"] else {}
    versions = raised(*_RULES, *embedders.methods_of(settings.embeddings, "passages")).items()
    return content_id("method", "groundings", VERSION, methods, chosen, vectors, *versions)


def _attributed(batch: Batch, documents: Hybrid) -> Counts:
    """Take one batch from seeds to groundings; each becomes a row or a rejection."""
    first = batch.generate(prompting.load("wellspring.tasks.recipes", "keywords"), _collector(batch.traces))
    votes = _choose(batch, documents)
    second = batch.generate(_scene(batch), _writer(batch))
    last = batch.generate(_support(batch), _supported(batch), "judge") if batch.wanted.judge_support else second
    spent = first + votes + second + (last if last is not second else Counts())
    return replace(spent, rows_in=first.rows_in, rows_out=last.rows_out)


def _collector(traces: dict[str, Trace]) -> Any:
    """Keep what the first call found; it writes no row, since nothing reads it but the second call."""

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[Any]:  # noqa: ARG001 - the loop's form
        plain("\n".join((parsed["intention"], *parsed["keywords"])))
        traces[row["input_id"]] = Trace(parsed["intention"], parsed["keywords"])
        return []

    return rows


def _choose(batch: Batch, documents: Hybrid) -> Counts:
    """Find candidates for every trace, and take one: the first, or the one that most orders of them are for."""
    found, least = _candidates(batch, documents), batch.wanted.min_fit
    fitting = {seed_id: [name for name, value in hits if value >= least] for seed_id, hits in found.items()}
    excerpts = _excerpts(batch.run, sorted({name for names in fitting.values() for name in names}))
    for seed_id, trace in batch.traces.items():
        trace.found = [(name, value) for name, value in found[seed_id]]
        trace.candidates = [name for name in fitting[seed_id] if name in excerpts]
        trace.document_id = trace.candidates[0] if trace.candidates else ""
    counts = _vote(batch, excerpts) if batch.wanted.choice == "listwise" else Counts()
    for trace in batch.traces.values():
        trace.excerpt = excerpts.get(trace.document_id, "")
    return counts


def _candidates(batch: Batch, documents: Hybrid) -> dict[str, list[list[Any]]]:
    """Return [document_id, fit] of what a search by its keywords found for each seed, best first."""

    def find(seed_ids: list[str]) -> dict[str, list[list[Any]]]:
        asked = {seed_id: " ".join(batch.traces[seed_id].keywords) for seed_id in seed_ids}
        hits = documents.search(list(asked.values()), batch.wanted.candidates)
        found = {seed_id: [name for name, _ in some] for seed_id, some in zip(seed_ids, hits, strict=True)}
        return _fits(batch.run, found, {seed_id: documents.rarity(said) for seed_id, said in asked.items()})

    def is_there(kept: Mapping[str, list[list[Any]]]) -> set[str]:
        names = sorted({name for hits in kept.values() for name, _ in hits})
        there = set(batch.run.store.query("groundings/documents", document_ids=names, chars=1)["document_id"].to_list())
        return {seed_id for seed_id, hits in kept.items() if there.issuperset(name for name, _ in hits)}

    return reads.recorded(batch.run, "candidates", batch.fingerprint, sorted(batch.traces), find, is_there)


def _fits(
    run: Run, found: Mapping[str, Sequence[str]], rarity: Mapping[str, Mapping[str, float]]
) -> dict[str, list[list[Any]]]:
    """Measure how well each document that was found fits its seed, by what would be shown of it; page after page."""
    asking: dict[str, list[str]] = {}
    for seed_id, names in found.items():
        for name in names:
            asking.setdefault(name, []).append(seed_id)
    values: dict[tuple[str, str], float] = {}
    for name, text in _excerpts(run, sorted(asking)).items():
        held = {*words(text)}
        values |= {(seed_id, name): fit(rarity[seed_id], held) for seed_id in asking[name]}
    return {
        seed_id: [[name, values[seed_id, name]] for name in names if (seed_id, name) in values]
        for seed_id, names in found.items()
    }


def _check_found(batch: Batch, trace: Trace) -> None:
    """Return where a page fits a seed.

    Raises:
        Rejection: `no_document_found`, the search found none; `no_page_fits`, with the best of those that it found.
    """
    said = ", ".join(trace.keywords)
    if not trace.found:
        raise Rejection("no_document_found", f"for {said}")
    if not trace.candidates:
        name, value = max(trace.found, key=lambda hit: hit[1])
        least = batch.wanted.min_fit
        raise Rejection("no_page_fits", f"{name} is the best with {value:.2f}, at least {least}, for {said}")


def _vote(batch: Batch, excerpts: Mapping[str, str]) -> Counts:
    """Show each seed's candidates in several orders, and take the one that most orders name.

    An order whose answer cannot be read has no vote. Equal votes go to the better rank of the search.
    """
    counts = sum((_ballot(batch, excerpts, number) for number in range(batch.wanted.orders)), Counts())
    for trace in batch.traces.values():
        if trace.votes:
            tally = Counter(trace.votes)
            rank = {name: place for place, name in enumerate((*trace.candidates, NONE_HELPS))}
            trace.document_id = min(tally, key=lambda name: (-tally[name], rank[name]))
            trace.agreement = tally[trace.document_id] / len(trace.votes)
    return replace(counts, rows_in=0, rows_out=0, rows_rejected=0)


def _ballot(batch: Batch, excerpts: Mapping[str, str], number: int) -> Counts:
    """Ask about one order of every seed's candidates; chance, decided by the seed's id, makes the order."""
    method = prompting.load("wellspring.tasks.recipes", "choice")

    def shown(row: Row) -> list[str]:
        candidates = batch.traces[row["input_id"]].candidates
        return [candidates[i] for i in drawn(len(candidates), marks(candidates), "order", number, row["input_id"])]

    def pages(row: Row) -> Row:
        return {**row, "pages": [cut_tokens(excerpts[name], CANDIDATE_TOKENS) for name in shown(row)]}

    def prompt(row: Row, settings: Any) -> Prompt:
        _check_found(batch, batch.traces[row["input_id"]])
        return method.prompt(pages(row), settings)

    def parse(row: Row, text: str) -> dict[str, Any]:
        return method.parse(pages(row), text)

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[Any]:  # noqa: ARG001 - the loop's form
        best = parsed["best"]
        batch.traces[row["input_id"]].votes.append(shown(row)[best - 1] if best else NONE_HELPS)
        return []

    return batch.generate(replace(method, prompt=prompt, parse=parse), rows, "judge", on_failure=lambda *_: [])


def _excerpts(run: Run, document_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the beginnings of documents, by id; those that give orders to models are left out."""
    tokens = run.settings.groundings.document_tokens
    found = run.store.query("groundings/documents", document_ids=list(document_ids), chars=tokens * MOST_CHARS)
    texts = {
        row["document_id"]: cut_tokens(f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"], tokens)
        for row in found.iter_rows(named=True)
    }
    return {document_id: text for document_id, text in texts.items() if not orders(text)}


def _scene(batch: Batch) -> PromptedMethod:
    """Return the second call's method, which looks up the document that was chosen for a seed."""
    method = prompting.load("wellspring.tasks.recipes", "scene")

    def prompt(row: Row, settings: Any) -> Prompt:
        trace = batch.traces[row["input_id"]]
        if trace.document_id == NONE_HELPS:
            raise Rejection("no_useful_document", f"{trace.agreement:.0%} of the orders say so")
        _check_found(batch, trace)
        return method.prompt({**row, "document_text": trace.excerpt}, settings)

    return replace(method, prompt=prompt)


def _writer(batch: Batch) -> Any:
    """Write what the second call said, or keep it for the judge who looks at it first."""

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Grounding]:
        trace = batch.traces[row["input_id"]]
        parts_.check(parsed)
        shown = parts_.examples(answer.call.prompt.messages[0].content)
        parts_.check_copies(parsed, shown)
        parts_.check_pieces(parsed, shown)
        trust("\n".join(parsed.values()), Shown((row["text"],), trace.excerpt, answer.call.prompt.messages[0].content))
        _check_support(row, parsed, trace.excerpt, batch.wanted.min_support)
        trace.grounding = _grounding(batch, row, parsed, answer)
        return [] if batch.wanted.judge_support else [trace.grounding]

    return rows


def _grounding(batch: Batch, row: Row, parsed: Mapping[str, Any], answer: Answer) -> records.Grounding:
    trace = batch.traces[row["input_id"]]
    return records.Grounding(
        grounding_id=content_id("grounding", batch.fingerprint, row["input_id"], trace.document_id),
        fingerprint=batch.fingerprint,
        seed_id=row["input_id"],
        document_id=trace.document_id,
        intention=trace.intention,
        keywords=trace.keywords,
        scene=parsed["scene"],
        ability=parsed["ability"],
        knowledge=parsed["knowledge"],
        output=parsed["output"],
        extra_information=parsed["extra_information"],
        agreement=trace.agreement,
        completion_id=answer.completion_id,
        run_id=batch.run.run_id,
    )


def _support(batch: Batch) -> PromptedMethod:
    """Return the judge's method, which looks up what was written for a seed, and from which document."""
    method = prompting.load("wellspring.tasks.recipes", "support")

    def prompt(row: Row, settings: Any) -> Prompt:
        trace = batch.traces[row["input_id"]]
        if trace.grounding is None:
            raise Rejection("no_scene", "the second call left none")
        said = {"scene": trace.grounding.scene, "knowledge": trace.grounding.knowledge}
        return method.prompt({**row, **said, "document_text": trace.excerpt}, settings)

    return replace(method, prompt=prompt)


def _supported(batch: Batch) -> Any:
    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[Any]:  # noqa: ARG001 - the loop's form
        if not parsed["supported"]:
            raise Rejection("unsupported", parsed["evidence"][:300])
        return [batch.traces[row["input_id"]].grounding]

    return rows


def _check_support(row: Row, parsed: Mapping[str, Any], document: str, least: float) -> None:
    """Refuse a grounding whose words its document does not hold; words of the seed count as held.

    Raises:
        Rejection: `unsupported`.
    """
    if not least:
        return
    said = f"{parsed['scene']} {parsed['knowledge']}"
    found = knowledge_precision(said, document, row["text"])
    if found.share is not None and found.share < least:
        missing = ", ".join(found.unsupported)
        raise Rejection("unsupported", f"{found.share:.2f} of its words are in the document, without: {missing}")
