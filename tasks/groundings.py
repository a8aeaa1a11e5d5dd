"""Groundings: each seed traced to a document, a person and a reason to ask (SynthQuestions, step B, attribution).

One program for each seed: keywords of the seed, from the generator; candidates among our own documents, by words and
by vectors; then, from the generator, the scene that leads from the chosen document to the seed. A candidate that holds
too little of the keywords is none, and a seed without any is refused: `no_page_fits`. Which of the others is chosen:
the first, as in the paper, or the one that the judge is for in most of several shuffled orders, with the share of the
orders that agree. What stands between the calls is kept nowhere but in the journal: a run that was killed asks for the
keywords again and gets the recorded answers, free.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import GroundingsSettings, Settings
from wellspring.tasks.io import files
from wellspring.tasks.io.corpora import search
from wellspring.tasks.io.vectors import encoder
from wellspring.tasks.methods.answers.knowledge_precision import knowledge_precision
from wellspring.tasks.methods.instructions import parts as parts_
from wellspring.tasks.methods.instructions.acceptance import Shown, plain, trust
from wellspring.tasks.methods.instructions.demonstrations import drawn, marks
from wellspring.tasks.methods.instructions.fit import fit
from wellspring.tasks.methods.instructions.injections import orders
from wellspring.tasks.methods.pages.tokens import MOST_CHARS, cut_tokens
from wellspring.tasks.methods.vectors.words import words
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.running.blame import METHOD_ERROR
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.vectors import embedders, reads
from wellspring.tasks.spine.vectors.retrieval import Hybrid
from wellspring.tasks.spine.writing.programs import Ask, Body, Program
from wellspring.tasks.spine.writing.runner import conduct, due

VERSION = 4
CANDIDATE_TOKENS = 300  # of each candidate, when several are shown to be compared
NONE_HELPS = "none"
FILE_SEEDS = 500  # whose pages lie in one file
SEARCHES_AT_ONCE = 8
_RULES = ("acceptance", "copies", "debris", "demonstrations", "fit", "fusion", "injections",
          "knowledge_precision", "loops", "parts", "spine.retrieval", "thought_marks", "tokens", "words")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """The document that was chosen for a seed, its beginning, and the share of the orders that were for it."""

    document_id: str
    excerpt: str
    agreement: float | None = None


@stage("groundings")
def attribute(run: Run) -> Counts:
    """Trace every seed that has no grounding yet.

    Raises:
        UsageError: There is no document to trace to.
    """
    fingerprint = _fingerprint(run.settings)
    run.activate("groundings", {fingerprint: "attribution"}, run.settings.groundings.model_dump())
    counts = Counts()
    if _due(run, fingerprint):
        counts = _conducted(run, fingerprint, Attribution(run, fingerprint, Hybrid.open(run)).trace)
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
    keywords: dict[str, list[str]] = {}

    async def asked(row: Row, ask: Ask) -> None:
        keywords[row["input_id"]] = (await _said(run, row, ask))["keywords"]

    counts = _conducted(run, fingerprint, asked, settles=False)
    seed_ids = sorted(keywords)
    for start in range(0, len(seed_ids), FILE_SEEDS):
        _find(run, {seed_id: keywords[seed_id] for seed_id in seed_ids[start : start + FILE_SEEDS]})
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
    return due(run, "groundings", "seeds", fingerprint, run.settings.limit)


def _fingerprint(settings: Settings) -> str:
    """Identity of the two calls, of the search between them, and of who is asked."""
    asked = settings.models.generator.asked
    methods = [_method(name).fingerprint(**asked) for name in ("keywords", "scene")]
    chosen = settings.groundings.model_dump(exclude={"search_url", "search_key_env", "search_results"})
    judged = [("choice", chosen["choice"] == "listwise"), ("support", chosen["judge_support"])]
    methods += [_method(name).fingerprint(model=settings.models.judge.model) for name, is_asked in judged if is_asked]
    vectors = embedders.described(settings.embeddings, "passages")
    vectors |= encoder.shape() if chosen["reread"] else {}
    versions = raised(*_RULES, *embedders.methods_of(settings.embeddings, "passages")).items()
    return content_id("method", "groundings", VERSION, methods, chosen, vectors, *versions)


def _conducted(run: Run, fingerprint: str, body: Body, *, settles: bool = True) -> Counts:
    wanted = run.settings.groundings
    roles = ("generator", "judge") if wanted.judge_support or wanted.choice == "listwise" else ("generator",)
    orders = wanted.orders if wanted.choice == "listwise" else 0
    most_calls = 2 + orders + wanted.judge_support  # keywords and scene, votes, a look at what supports it
    program = Program("groundings", "attribution", "seeds", fingerprint, roles, most_calls, body, settles=settles)
    return conduct(run, program, most=run.settings.limit)


async def _said(run: Run, row: Row, ask: Ask) -> dict[str, Any]:
    """Ask for the intention and the keywords of a seed."""

    def read(parsed: dict[str, Any], _: Answer) -> dict[str, Any]:
        plain("\n".join((parsed["intention"], *parsed["keywords"])))
        return parsed

    return await ask(_method("keywords"), row, role="generator", settings=run.settings.groundings, read=read)


class Attribution:
    """From a seed to its grounding: keywords, a search, a choice, a scene, and a look at what supports it."""

    def __init__(self, run: Run, fingerprint: str, documents: Hybrid) -> None:
        self._run, self._fingerprint, self._documents = run, fingerprint, documents
        self._wanted: GroundingsSettings = run.settings.groundings

    async def trace(self, row: Row, ask: Ask) -> None:
        """Trace one seed to the page that it may have come from, and to the scene that leads from there to it."""
        said = await _said(self._run, row, ask)
        page = await self._page(row, ask, said["keywords"])
        shown = {**row, "document_text": page.excerpt}

        def read(parsed: dict[str, Any], answer: Answer) -> records.Grounding:
            self._check_scene(row, parsed, page.excerpt, answer.call.prompt.messages[0].content)
            return self._grounding(row, said, page, parsed, answer)

        grounding = await ask(_method("scene"), shown, role="generator", settings=self._wanted, read=read)
        if self._wanted.judge_support:
            told = {"scene": grounding.scene, "knowledge": grounding.knowledge}
            await ask(_method("support"), shown | told, role="judge", settings=self._wanted, read=_supported)
        ask.make("groundings", [grounding])

    async def _page(self, row: Row, ask: Ask, keywords: Sequence[str]) -> Page:
        """Find candidates, and take one: the first that fits, or the one that most orders of them are for.

        Raises:
            Rejection: `no_document_found`, `no_page_fits` or `no_useful_document`.
        """
        found = await ask.look(self._candidates, keywords)
        fitting = [name for name, value in found if value >= self._wanted.min_fit]
        excerpts = await ask.look(self._excerpts, fitting)
        candidates = [name for name in fitting if name in excerpts]
        self._check_found(keywords, found, candidates)
        votes = await self._votes(row, ask, candidates, excerpts) if self._wanted.choice == "listwise" else []
        if not votes:
            return Page(candidates[0], excerpts[candidates[0]])
        tally = Counter(votes)
        best = min((*candidates, NONE_HELPS), key=lambda name: -tally[name])  # of equal ones the first
        agreement = tally[best] / len(votes)
        if best == NONE_HELPS:
            raise Rejection("no_useful_document", f"{agreement:.0%} of the orders say so")
        return Page(best, excerpts[best], agreement)

    def _candidates(self, asked: Sequence[tuple[str, Any]]) -> list[list[list[Any]]]:
        """Return [document_id, fit] of what a search by its keywords found for each seed, best first."""
        keywords = {seed_id: " ".join(said) for seed_id, said in asked}

        def find(seed_ids: list[str]) -> dict[str, list[list[Any]]]:
            sought = [keywords[seed_id] for seed_id in seed_ids]
            hits = self._documents.search(sought, self._wanted.candidates)
            found = {seed_id: [name for name, _ in some] for seed_id, some in zip(seed_ids, hits, strict=True)}
            rarity = {name: self._documents.rarity(said) for name, said in zip(seed_ids, sought, strict=True)}
            return _fits(self._run, found, rarity)

        def is_there(kept: Mapping[str, list[list[Any]]]) -> set[str]:
            names = sorted({name for hits in kept.values() for name, _ in hits})
            rows = self._run.store.query("groundings/documents", document_ids=names, chars=1)
            there = set(rows["document_id"].to_list())
            return {seed_id for seed_id, hits in kept.items() if there.issuperset(name for name, _ in hits)}

        found = reads.recorded(self._run, "candidates", self._fingerprint, sorted(keywords), find, is_there)
        return [found[seed_id] for seed_id, _ in asked]

    def _excerpts(self, asked: Sequence[tuple[str, Any]]) -> list[dict[str, str]]:
        """Return the beginnings of the documents that each seed may be traced to, by id."""
        texts = _excerpts(self._run, sorted({name for _, names in asked for name in names}))
        return [{name: texts[name] for name in names if name in texts} for _, names in asked]

    def _check_found(self, keywords: Sequence[str], found: Sequence[Any], candidates: Sequence[str]) -> None:
        """Return where a page fits a seed.

        Raises:
            Rejection: `no_document_found`, the search found none; `no_page_fits`, with the best of those that it found.
        """
        said = ", ".join(keywords)
        if not found:
            raise Rejection("no_document_found", f"for {said}")
        if not candidates:
            name, value = max(found, key=lambda hit: hit[1])
            least = self._wanted.min_fit
            raise Rejection("no_page_fits", f"{name} is the best with {value:.2f}, at least {least}, for {said}")

    async def _votes(self, row: Row, ask: Ask, candidates: Sequence[str], excerpts: Mapping[str, str]) -> list[str]:
        """Show a seed's candidates in several orders, side by side; return the one that each order is for.

        Chance, decided by the seed's id, makes the orders. One whose answer cannot be read has no vote.
        """

        async def vote(number: int) -> str:
            order = drawn(len(candidates), marks(candidates), "order", number, row["input_id"])
            names = [candidates[i] for i in order]
            shown = {**row, "pages": [cut_tokens(excerpts[name], CANDIDATE_TOKENS) for name in names]}
            best = (await ask(_method("choice"), shown, role="judge", settings=self._wanted))["best"]
            return names[best - 1] if best else NONE_HELPS

        said = await ask.tried([vote(number) for number in range(self._wanted.orders)])
        for one in said:
            if isinstance(one, Rejection) and one.reason == METHOD_ERROR:
                raise one
        return [one for one in said if isinstance(one, str)]

    def _check_scene(self, row: Row, parsed: Mapping[str, Any], page: str, prompt: str) -> None:
        parts_.check(parsed)
        shown = parts_.examples(prompt)
        parts_.check_copies(parsed, shown)
        parts_.check_pieces(parsed, shown)
        trust("\n".join(parsed.values()), Shown((row["text"],), page, prompt))
        _check_support(row, parsed, page, self._wanted.min_support)

    def _grounding(
        self, row: Row, said: Mapping[str, Any], page: Page, parsed: Mapping[str, Any], answer: Answer
    ) -> records.Grounding:
        return records.Grounding(
            grounding_id=content_id("grounding", self._fingerprint, row["input_id"], page.document_id),
            fingerprint=self._fingerprint,
            seed_id=row["input_id"],
            document_id=page.document_id,
            intention=said["intention"],
            keywords=said["keywords"],
            scene=parsed["scene"],
            ability=parsed["ability"],
            knowledge=parsed["knowledge"],
            output=parsed["output"],
            extra_information=parsed["extra_information"],
            agreement=page.agreement,
            completion_id=answer.completion_id,
            run_id=self._run.run_id,
        )


def _method(name: str) -> PromptedMethod:
    return prompting.load("wellspring.tasks.recipes", name)


def _supported(parsed: dict[str, Any], _: Answer) -> None:
    if not parsed["supported"]:
        raise Rejection("unsupported", parsed["evidence"][:300])


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


def _excerpts(run: Run, document_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the beginnings of documents, by id; those that give orders to models are left out."""
    tokens = run.settings.groundings.document_tokens
    found = run.store.query("groundings/documents", document_ids=list(document_ids), chars=tokens * MOST_CHARS)
    texts = {
        row["document_id"]: cut_tokens(f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"], tokens)
        for row in found.iter_rows(named=True)
    }
    return {document_id: text for document_id, text in texts.items() if not orders(text)}


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
