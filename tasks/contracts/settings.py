"""Every choice a run makes, typed and validated: from a TOML profile, the environment, and `--set key=value`.

Later wins: defaults here < profile < environment (`WELLSPRING_SECTION__KEY`) < `--set section.key=value`. An unknown
key or a bad value is an error that names the valid ones. API keys are never settings: a role names the environment
variable that holds its key.
"""

import contextlib
import copy
import difflib
import json
import os
import re
import tomllib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.plugins import ANSWERS, CHECKS, PAIRINGS, SETS, WAYS

MOST_TOKENS = 40_000  # of a page that an answer or a judgement is given: 200,000 characters, in sql/inputs
_SHIPPED = "shipped:"
_MEASURED = "unset: what was measured of the embedder in force (tasks/spine/vectors/ceilings.py)"
PluggedIn = Annotated[str, Field(pattern=r"^\w[\w.-]{0,63}$")]  # a file's name; exports make a folder of it
_BENCHMARKS = Path(__file__).parents[2] / "deployments" / "benchmarks"
_SEALED_SUFFIX = ".jsonl.gz"


class Section(BaseModel):
    """A group of settings: immutable, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Corpus(Section):
    """One corpus: where it lies, what it is called on the card, and under which licence."""

    path: str = Field(description="a file, a folder, a glob, a URI, a list of paths, or a crawl: CC-MAIN-2024-10/wet")
    name: str = ""
    license: str | None = None
    most_files: int = Field(default=0, ge=0, description="so many of its files, from the first; 0 is all")


class SourcesSettings(Section):
    """What is read, and how large one thing in it may be."""

    corpora: tuple[Corpus, ...] = ()
    max_record_bytes: int = Field(
        default=16 * 2**20, gt=0, description="a record, line or page that inflates past this is refused"
    )
    max_page_seconds: float = Field(default=10.0, gt=0, description="CPU seconds one page may take to extract")
    shard_records: int = Field(default=500, gt=0, description="records in one shard of work")


class DocumentsSettings(Section):
    """From bytes to documents: extraction, quality, opt-outs, personal data, duplicates, benchmarks."""

    extractor: Literal["wellspring", "resiliparse", "trafilatura"] = "wellspring"
    languages: tuple[str, ...] = Field(default=(), description="keep only these (ISO 639-1); empty keeps all")
    min_tokens: int = Field(default=30, ge=0)
    max_tokens: int = Field(default=200_000, gt=0)
    quality: tuple[str, ...] = Field(
        default=(),
        description="rules by name, such as gopher_quality.words, with bounds of your own, such as "
        "fineweb.repeated_line_chars<=0.01; see tasks/methods/pages/quality.py",
    )
    respect_opt_outs: bool = True
    replace_personal_data: bool = True
    near_duplicates: bool = True
    jaccard: float = Field(default=0.8, gt=0, le=1)
    site_boilerplate: bool = Field(default=False, description="drop lines that repeat across a site")
    superseded: Literal["again", "leave_out"] = Field(
        default="again",
        description="what was made from a page whose text is newer by now is made again, or left out of the export",
    )


class BenchmarksSettings(Section):
    """Benchmarks whose prompts must not be in the dataset: name -> JSONL file, or `shipped:NAME`."""

    paths: dict[str, str] = Field(
        default_factory=dict, description="shipped as hashes: alpaca_eval, arena_hard_v01, ifeval, mt_bench"
    )
    ngram_words: int = Field(default=13, ge=5)
    containment: float = Field(default=0.8, gt=0, le=1)
    cosine: float | None = Field(default=None, gt=0, le=1.01, description=f"{_MEASURED}, at most 0.95; above 1 is off")

    @field_validator("paths")
    @classmethod
    def _are_shipped(cls, paths: dict[str, str]) -> dict[str, str]:
        """Refuse a name that ships no benchmark."""
        names = sorted(path.name.removesuffix(_SEALED_SUFFIX) for path in _BENCHMARKS.glob(f"*{_SEALED_SUFFIX}"))
        for path in paths.values():
            if path.startswith(_SHIPPED) and path.removeprefix(_SHIPPED) not in names:
                raise ValueError(f"`{path}` does not ship: {', '.join(_SHIPPED + name for name in names)} do")
        return paths

    def files(self) -> dict[str, str]:
        """Return name -> file, for those that ship, too."""
        shipped = {
            name: str(_BENCHMARKS / f"{path.removeprefix(_SHIPPED)}{_SEALED_SUFFIX}")
            for name, path in self.paths.items()
            if path.startswith(_SHIPPED)
        }
        return dict(sorted({**self.paths, **shipped}.items()))


class PassagesSettings(Section):
    """Spans of at most this many tokens, ended at sentences."""

    max_tokens: int = Field(default=256, ge=16)


class EmbeddingsSettings(Section):
    """Who turns text into vectors."""

    embedder: Literal["auto", "hashing", "encoder", "endpoint", "sentence_transformers"] = Field(
        default="auto",
        description="auto: the encoder for seeds and instructions where the extra `encoder` is installed, else hashing",
    )
    dimensions: int = Field(default=256, ge=2)
    hash_features: int = Field(default=2**16, ge=1024)
    fit_rows: int = Field(default=20_000, ge=1, description="texts the SVD is fitted on (the lowest ids)")
    refit: bool = Field(
        default=False, description="fit on the texts as they are now; else the first fit of a store stays"
    )
    model: str = Field(default="", description="model name, for sentence_transformers")
    revision: str = ""
    backend: Literal["torch", "onnx"] = "torch"
    pooling: Literal["mean", "cls"] = "mean"
    prefix: str = Field(default="", description="put before every text, as some models want it")
    query_prefix: str = Field(default="", description="in its place, before what people ask (seeds, instructions)")
    passage_prefix: str = Field(default="", description="in its place, before passages of documents")
    max_length_tokens: int = Field(default=512, gt=0)
    index: Literal["auto", "flat", "ivf_flat", "ivf_sq8", "ivf_rabitq", "hnsw"] = "auto"


SeedField = Literal["prompt", "response", "input", "system", "messages", "tools", "ranked"]


class Recast(Section):
    """How rows of a table become what somebody asks (`tasks/io/corpora/recasts.py`); `{column}` is a cell."""

    files: str = Field(min_length=1, description="names of files of seeds.paths that it is for, such as deplain*.csv")
    prompts: tuple[str, ...] = Field(min_length=1, description="templates of what is asked; one for each row")
    response: str = Field(default="", description="template of the answer; empty: there is none")
    system: str = Field(default="", description="system prompt, as it stands")
    each: str = Field(default="", description="a column that holds a list of rows: each becomes a request")
    when: dict[str, str] = Field(default_factory=dict, description="column -> value: rows with others are passed over")
    labels: dict[str, dict[str, str]] = Field(default_factory=dict, description="column -> value -> words in its place")
    verbalize: str = Field(default="", description="a column of `labels`, for the cells `said` and `rule`")
    verbalizer: Literal["natural", "neutral", "unnatural"] = Field(
        default="natural", description="whose words say a label: its own, none's, or another label's"
    )
    switch: dict[Literal["text", "list", "find", "by"], str] = Field(
        default_factory=dict[Literal["text", "list", "find", "by"], str],
        description="columns for the cell `switched`: text, list of rows, and of these find, by",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.switch and len(self.switch) != len(("text", "list", "find", "by")):
            raise ValueError("`switch` names text, list, find and by, or nothing")
        return self


class SeedsSettings(Section):
    """Human instructions, and what is asked of them."""

    paths: tuple[str, ...] = ()
    recasts: dict[str, Recast] = Field(
        default_factory=dict, description="tables among them, recast as requests, by name"
    )
    languages: tuple[str, ...] = ()
    min_tokens: int = Field(default=3, ge=0)
    max_tokens: int = Field(default=2000, gt=0)
    deduplicate_cosine: float | None = Field(
        default=None, gt=0, le=1.01, description=f"community detection; {_MEASURED}; above 1 is off"
    )
    min_score: int = Field(default=0, ge=0, le=7, description="seven criteria; 7 in the paper, 0 asks no judge")
    quality: tuple[str, ...] = Field(
        default=(), description="rules as in documents.quality, such as cqia, asked of the answers that seeds bring"
    )
    columns: dict[SeedField, str] = Field(
        default_factory=dict[SeedField, str],
        description='which columns hold what, such as {prompt = "Question"}; common names are guessed (see `doctor`)',
    )


class GroundingsSettings(Section):
    """Attribution of seeds to documents."""

    candidates: int = Field(default=8, ge=1, le=50)
    reread: int = Field(
        default=0,
        ge=0,
        le=100,
        description="passages of each seed that an encoder reads again (extra `encoder`, English; some 20 a second and"
        " core); 40 was measured, 0 is off",
    )
    min_fit: float = Field(
        default=0.35,
        ge=0,
        le=1,
        description="least share of the keywords, by rarity, that a page must hold; 0 is off",
    )
    choice: Literal["top1", "listwise"] = "top1"
    orders: int = Field(default=3, ge=1, description="shuffled orders of a listwise choice")
    search_url: str = Field(default="", description="a live search endpoint; empty is off")
    search_key_env: str = Field(default="", description="environment variable that holds the endpoint's key")
    search_results: int = Field(default=5, ge=1, le=50, description="pages that the endpoint is asked for")
    min_support: float = Field(
        default=0.0, ge=0, le=1, description="least knowledge precision of a grounding against its document"
    )
    judge_support: bool = Field(
        default=False, description="have the judge read whether a grounding rests on its document"
    )
    document_tokens: int = Field(default=1500, gt=0)


class TellingSettings(Section):
    """How often a recipe asks, how long its prompts are, and in which language it writes."""

    draws: int = Field(default=1, ge=1)
    prompt_tokens: int = Field(default=7500, gt=0)
    languages: tuple[str, ...] = Field(
        default=(), description="keep only these; empty: the language of the page or of the neighbours"
    )


class PoolSettings(TellingSettings):
    """What a recipe is shown that deduces from a pool."""

    rounds: int = Field(default=1, ge=0, le=8, description="of KNN-Instruct; each sees what those before it wrote")
    k: Literal[1, 2, 4, 8] = 2
    neighbours: Literal["knn", "random", "fixed", "far"] = "knn"
    neighbour_order: Literal["nearest_first", "nearest_last"] = "nearest_first"
    with_responses: bool = True
    response_tokens: int = Field(default=256, gt=0, description="budget of a demonstration's answer")
    max_neighbour_cosine: float | None = Field(
        default=None, gt=0, le=1.01, description=f"nearer ones are copies; {_MEASURED}"
    )


class DemonstratedSettings(TellingSettings):
    """What a recipe is shown that writes beside groundings."""

    demonstrations: Literal["random", "nearest", "farthest", "fixed"] = "random"
    demonstration_count: int = Field(default=10, ge=0, le=50)
    demonstration_document_tokens: int = Field(default=300, gt=0, description="of the page of a demonstration")
    min_own_words: int = Field(
        default=2, ge=1, description="of such an instruction: words of its own about the passage that it carries"
    )
    criteria_told: bool = Field(default=False, description="the paper tells the generator the judge's criteria")


class InstructionsSettings(DemonstratedSettings, PoolSettings):
    """Which recipes write, the switches of the papers' ablations, and what is kept."""

    recipes: tuple[str, ...] = ("attributed_grounding", "knn_instruct")
    grounded: bool = True
    document_tokens: int = Field(default=1500, gt=0)
    math_and_code: bool = Field(default=True, description="also use documents of mathematics and code")
    min_tokens: int = Field(default=5, ge=0)
    max_tokens: int = Field(default=2000, gt=0)
    max_copy_rouge_l: float = Field(default=0.7, gt=0, le=1)
    max_document_share: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="an instruction that is more of its page's must set a task in its own words",
    )
    max_pool_cosine: float | None = Field(default=None, gt=0, le=1.01, description=f"{_MEASURED}; above 1 is off")


class ResponsesSettings(Section):
    """Answers."""

    way: Annotated[PluggedIn, ANSWERS] = Field(
        default="answer",
        description="how an instruction is answered where `grounded` and `rationale_from_score` do not say it",
    )
    draws: int = Field(default=1, ge=1)
    temperature: float = Field(default=0.7, ge=0, le=2)
    system: str = ""
    systems: dict[str, str] = Field(
        default_factory=dict, description="system prompt by domain of the document, instead of `system`"
    )
    rationale_from_score: int = Field(
        default=0, ge=0, le=7, description="ask for a rationale where the instruction scores at least this; 0 is off"
    )
    grounded: bool = Field(default=False, description="show who answers the page that the instruction was made from")
    document_tokens: int = Field(
        default=1500, gt=0, le=MOST_TOKENS, description="of the page that who answers is shown"
    )


ROW_CHECKS = (  # without its pass a row does not deserve to be one
    "has_substance",
    "not_refused",
    "not_truncated",
    "not_looping",
    "same_language",
    "no_pointer",
    "no_echo",
    "not_same",
    "no_marks",
    "no_debris",
    "not_contaminated",
)
PROMPTED = ("moderation", "verified", *(f"checklist.{number}" for number in range(1, 9)))  # what judges of verdicts say


class VerdictsSettings(Section):
    """Checks of answers: names of computed checks and of prompted ones."""

    checks: Annotated[tuple[PluggedIn, ...], CHECKS] = (*ROW_CHECKS, "knowledge_precision", "numbers", "code_parses")
    judges: tuple[Literal["checklist", "moderation", "verifiers"], ...] = ()
    min_knowledge_precision: float = Field(default=0.3, ge=0, le=1)
    least_functions: int = Field(
        default=3,
        ge=1,
        le=8,
        description="verifiers of an instruction to be tried on each other; fewer give no verdict",
    )
    least_cases: int = Field(default=10, ge=2, le=20, description="cases to try them on; fewer give no verdict")
    code_seconds: float = Field(default=1.0, gt=0, le=60, description="that code of a model may run in the sandbox")
    code_memory_mb: int = Field(default=64, ge=8, le=4096, description="that code of a model may take there")
    required: Annotated[tuple[PluggedIn, ...], CHECKS] = Field(
        default=ROW_CHECKS,
        description="checks without whose pass a row is not selected; computed ones need not stand in `checks`; what"
        f" `judges` say is {PROMPTED[0]}, {PROMPTED[1]}, {PROMPTED[2]} to {PROMPTED[-1]}",
    )

    @property
    def computed(self) -> tuple[str, ...]:
        """The computed checks that answers get: those that are asked for, and those that are required."""
        return tuple(sorted({*self.checks, *self.required} - {*PROMPTED}))

    @property
    def unasked(self) -> tuple[str, ...]:
        """The required checks of a judge that is not asked."""
        judges = {"moderation": "moderation", "verified": "verifiers"}
        asked = set(self.judges)
        return tuple(name for name in self.required if name in PROMPTED and judges.get(name, "checklist") not in asked)

    @property
    def owed(self) -> tuple[str, ...]:
        """The required checks that every answer has a verdict of, or cannot pass.

        A checklist may have fewer questions, and an instruction no verifiers: there is none then, where they are asked.
        """
        where_any = {"verified", *(name for name in self.required if name.startswith("checklist."))}
        return tuple(name for name in self.required if name not in where_any or name in self.unasked)


class ScoresSettings(Section):
    """Judges."""

    judges: tuple[str, ...] = ("seven_criteria",)
    imports: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], str] = Field(
        default_factory=dict,
        description="marks made elsewhere: a judge's name -> Parquet, CSV or JSONL of `id` and `value`; to choose by "
        "them, name it in `judges`, or in preferences.judge",
    )
    computed: Annotated[tuple[PluggedIn, ...], SETS] = Field(
        default=(),
        description="methods over sets (tasks/methods/README.md), in this order: each takes the marks of those before "
        "it; to choose by one, name it in `judges`, too",
    )
    allow_same_model: bool = Field(default=False, description="let a model judge what it wrote")
    document_tokens: int = Field(
        default=1500, gt=0, le=MOST_TOKENS, description="of its document that a judge of an answer sees"
    )

    @property
    def unasked(self) -> frozenset[str]:
        """The names of those whose marks no model is asked for: imported, or computed."""
        return frozenset({*self.imports, *self.computed})


class SelectionsSettings(Section):
    """What is taken: a threshold, then the best of each topic."""

    min_score: int | float = Field(
        default=5, description="least total, of 7 for the seven criteria; unmeasured for your judge"
    )
    topics: int = Field(default=0, ge=0, description="0: the square root of the rows, at least 1")
    per_topic: int = Field(default=0, ge=0, description="0: as many as the budget needs")
    budget: int = Field(default=0, ge=0, description="rows to take; 0 takes all that pass")
    controls: int = Field(default=5, ge=1, description="random controls of equal size")
    beside: Annotated[tuple[PluggedIn, ...], WAYS] = Field(
        default=(), description="other ways to choose as many of the same, to compare on the card"
    )
    min_topics: int = Field(default=0, ge=0, description="fewer distinct topics fail the audit")
    min_instructions: int = Field(default=0, ge=0, description="fewer distinct instructions fail the audit")
    max_topic_share: float = Field(default=1.0, gt=0, le=1, description="a larger share of one topic fails the audit")
    max_domain_share: float = Field(default=1.0, gt=0, le=1)


class PreferencesSettings(Section):
    """Pairs of answers."""

    draws: int = Field(default=0, ge=0, description="answers per instruction to pair; 0 makes no pairs; 5 in the paper")
    temperature: float = Field(default=0.8, ge=0, le=2)
    judge: str = "response_quality"
    way: Annotated[PluggedIn, PAIRINGS] = Field(default="widest_pair", description="how a pair is chosen")
    min_margin: float = Field(default=1.0, ge=0)
    max_length_ratio: float = Field(default=2.0, ge=1)
    both_orders: bool = Field(default=False, description="ask `pairwise` in both orders; a pair that turns is dropped")


class PublisherSettings(Section):
    """What the papers of a dataset say of its provider and of its models: no store knows it. Empty: left open."""

    name: str = ""
    contact: str = ""
    representative: str = Field(default="", description="the authorised representative in the EU, if there is one")
    size: Literal["small", "other"] = Field(
        default="other", description="a small or medium firm lists the top 5 % of domains, others the top 10 %"
    )
    models: str = Field(default="", description="the models that are trained on it, and what they were made from")
    placed: str = Field(default="", description="when these models were placed on the market")
    continues: str = Field(default="", description="whether data is still collected")
    crawlers: str = Field(default="", description="names of crawlers, what they are for, and how they behave")
    synthetic: str = Field(default="", description="how the provider's own models that wrote rows came to be")
    copyright_policy: str = Field(default="", description="where the copyright policy is")
    illegal_content: str = Field(default="", description="what else was done against illegal content")
    url: str = Field(default="", description="where the dataset is published")
    published: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="its date, as YYYY-MM-DD")
    cite_as: str = Field(default="", description="how it is cited")


_MARK = r"^$|^[a-z0-9_-]+\.[a-z][a-z0-9_]*$"  # judge and criterion


class ExportsSettings(Section):
    """Files that trainers read."""

    name: str = Field(default="wellspring-dataset", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    formats: tuple[str, ...] = Field(
        default=("messages",),
        description="forms by name, such as `messages` or `dpo`: of tasks/methods/datasets/formats.py, or of `plugins`",
    )
    also: tuple[str, ...] = Field(
        default=(), description="forms beside those; `wellspring export --format` adds to them, and builds keep them"
    )
    added: Literal["keep", "drop"] = Field(
        default="keep", description="forms that were added to this dataset before: kept, or dropped from now on"
    )
    validation_share: float = Field(default=0.0, ge=0, lt=1)
    evaluation_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of the sites whose tasks are an evaluation set (`tasks/evaluation.jsonl`, of the form "
        "`tasks`); nothing else that is made of them is exported. A site never changes sides",
    )
    license: str = Field(
        default="other",
        description="what the card's header says; one that promises more than a source allows is refused, and `other` "
        "becomes what the sources' licences come to, where that is clear",
    )
    weights: str = Field(
        default="",
        pattern=_MARK,
        description="whose mark of an instruction its row weighs, such as `camels.weight`; one without a mark weighs 1",
    )
    order: str = Field(
        default="",
        pattern=_MARK,
        description="by whose mark rows are in order, the least first, such as `curriculum.place`; empty: as selected",
    )
    teachers: Literal["any", "open"] = Field(
        default="any",
        description="`open` refuses an export of rows by models whose owners do not let any model train on them",
    )
    teacher_licenses: dict[str, str] = Field(
        default_factory=dict,
        description="name of a model -> its licence, where tasks/methods/datasets/teachers.toml errs",
    )
    thoughts: bool = Field(default=False, description="export the thought of a thinking model with its answer")
    packed_tokens: int = Field(
        default=0,
        ge=0,
        description="also write `packing.json`: which rows stand together in sequences of so many tokens",
    )
    packed_by: Literal["system", "topic", "domain", "recipe"] = Field(
        default="system", description="by what each such sequence has the mix of all rows; `domain` is that of the page"
    )
    with_controls: bool = Field(
        default=False, description="also write the random controls and what was chosen beside, as `messages`"
    )
    publisher: PublisherSettings = PublisherSettings()
    origins: dict[str, Literal["public", "licensed", "private", "crawled", "users", "other"]] = Field(
        default_factory=dict,
        description="name of a source -> where it is from, for the summary of training content; archives of web pages "
        "are `crawled` where nothing is said",
    )


OWN_FIELDS = frozenset({"messages", "prompt", "input", "model", "stream", "stream_options", "n", "response_format"})
FROM_ENVIRONMENT = "env:"
SECRET_NAME = re.compile(r"(?i)auth|cookie|secret|passw|token|(?:^|[-_])key$|apikey|signature")
SECRET_VALUE = re.compile(r"\b(?:sk|rk|pk|hf|gsk|key)[-_][A-Za-z0-9_-]{8,}|(?i:bearer|basic)\s+\S{6,}")
_ROUTES = ("/chat/completions", "/completions", "/embeddings", "/moderations")


def checked_address(text: str) -> str:
    """Return an endpoint's address without blanks and without the route that is added to it.

    Raises:
        ValueError: It has no scheme or no host; the message says what to write.
    """
    address = text.strip()
    if address in {"", "offline"}:
        return address
    path, _, query = address.partition("?")
    for route in _ROUTES:
        path = path.rstrip("/").removesuffix(route)
    address = f"{path}?{query}" if query else path
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"`{text.strip()}` has no scheme: write http://{text.strip()} or https://{text.strip()}")
    if not parts.hostname:
        raise ValueError(f"`{text.strip()}` names no host: write it as http://127.0.0.1:8000/v1")
    return address


class Endpoint(Section):
    """A server that speaks the OpenAI protocol."""

    base_url: str = Field(
        default="", description="empty: OPENAI_BASE_URL, else OpenAI's; `offline`: the built-in stand-in"
    )
    key_env: str = Field(
        default="OPENAI_API_KEY",
        description="environment variable that holds the key, or `prefect:NAME` for a Prefect Secret block",
    )
    weight: float = Field(default=1.0, gt=0)
    requests_per_minute: int = Field(default=0, ge=0, description="0: no limit of ours")
    tokens_per_minute: int = Field(default=0, ge=0)
    max_concurrency: int = Field(
        default=64, ge=1, description="calls at once at most; how many there are starts small and follows the server"
    )
    retry_after: Literal["endpoint", "auto", "call"] = Field(
        default="endpoint",
        description="whom Retry-After holds back: all calls to the `endpoint`, only the `call` refused, or `auto`: that"
        " call, and all once several in a row were refused",
    )
    proxy: str = Field(
        default="environment",
        description="`environment`: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; `none`; or a proxy's URL. Servers"
        " on this machine are always asked directly",
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return checked_address(value)


class Role(Section):
    """A model for a role: generator, judge, responder or embedder."""

    model: str = "offline-extractive"
    endpoints: tuple[Endpoint, ...] = (Endpoint(base_url="offline"),)
    temperature: float = Field(default=0.7, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=2048, gt=0)
    seed: int | None = 0
    stop: tuple[str, ...] = Field(default=(), description="texts at which the server ends an answer")
    reasoning_effort: str = Field(default="", description="low, medium, high: for servers that take it; empty: unsaid")
    extra_body: dict[str, Any] = Field(
        default_factory=dict, description="more fields of every request, such as top_k, min_p or chat_template_kwargs"
    )
    extra_headers: dict[str, str] = Field(
        default_factory=dict,
        description="more headers; a value `env:NAME` is read from the environment, as every secret must be",
    )
    extra_query: dict[str, str] = Field(
        default_factory=dict, description="more of the address after `?`, such as api-version; `env:NAME` as above"
    )
    max_concurrency: int = Field(default=0, ge=0, description="calls at once at each endpoint; 0: as the endpoint says")
    structured: Literal["auto", "json_schema", "json_object", "tool", "text"] = Field(
        default="auto", description="the form in which JSON is asked for; `auto`: the best that the server knows"
    )
    system_role: Literal["auto", "system", "user"] = Field(
        default="auto", description="where a system text goes; `auto`: a turn of its own where the server takes one"
    )
    context_tokens: int = Field(
        default=0, ge=0, description="prompt and answer together; 0: as the server says, or as was learned"
    )
    api: Literal["chat", "completions", "moderations"] = Field(
        default="chat",
        description="`completions`: plain text without roles; `moderations`: for the moderator only, live",
    )
    mode: Literal["live", "batch"] = "live"
    batch_wait_seconds: float = Field(
        default=0.0,
        ge=0,
        description="in batch mode, how long to wait for jobs; 0 submits, parks, and a later run collects",
    )
    batch_poll_seconds: float = Field(default=30.0, gt=0)
    batch_requests: int = Field(default=10_000, ge=1, le=50_000, description="requests in one job")
    batch_bytes: int = Field(
        default=100 * 2**20,
        ge=1,
        description="bytes in one job's file; OpenAI takes 200 MB. A server that takes less is found out",
    )
    connect_seconds: float = Field(default=10.0, gt=0)
    first_byte_seconds: float = Field(default=120.0, gt=0)
    total_seconds: float = Field(default=300.0, gt=0)
    max_answer_bytes: int = Field(default=2 * 2**20, gt=0)
    attempts: int = Field(default=6, ge=1)

    @property
    def asked(self) -> dict[str, Any]:
        """What shapes an answer besides its prompt: part of the fingerprint of every method that asks this role."""
        if self.api == "moderations":
            return {"model": self.model, "api": self.api}
        return self.model_dump(include={"model", "temperature", "top_p", "max_tokens", "seed"}) | self.shaping

    @property
    def asks_a_server(self) -> bool:
        """Whether a server is asked, and not the built-in stand-in."""
        return any(endpoint.base_url != "offline" for endpoint in self.endpoints)

    @property
    def shaping(self) -> dict[str, Any]:
        """What a profile adds to a request that changes what is answered: empty where nothing is added.

        Headers and the query are not in it: they say who asks and where, and may name secrets.
        """
        added = {"extra_body": self.extra_body, "reasoning_effort": self.reasoning_effort, "stop": list(self.stop)}
        said = {name: value for name, value in added.items() if value}
        return said | ({"api": self.api} if self.api == "completions" else {})

    @field_validator("extra_body")
    @classmethod
    def _is_extra(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(value.keys() & OWN_FIELDS):
            raise ValueError(f"`{taken[0]}` is not for extra_body: Wellspring fills it in")
        return value

    @field_validator("extra_headers", "extra_query")
    @classmethod
    def _holds_no_secret(cls, value: dict[str, str]) -> dict[str, str]:
        for name, said in value.items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\x00-\x1f\x7f]", said):
                raise ValueError(f"`{name}` is no name of a header or its value holds a line break")
            if (SECRET_NAME.search(name) or SECRET_VALUE.search(said)) and not said.startswith(FROM_ENVIRONMENT):
                raise ValueError(
                    f"`{name}` looks like a key, and settings are written down: put the key into an environment"
                    f' variable and write {name} = "env:VARIABLE"'
                )
        return value


class ModelsSettings(Section):
    """Who is asked for what. `base_url` is where every role is asked that names no endpoints of its own."""

    base_url: str = Field(
        default="offline", description="empty: OPENAI_BASE_URL, else OpenAI's; `offline`: the built-in stand-in"
    )
    key_env: str = Field(default="OPENAI_API_KEY", description="environment variable that holds the key")
    proxy: str = Field(default="environment", description="as an endpoint's; for all that name none of their own")
    generator: Role = Role()
    judge: Role = Role(model="offline-judge", temperature=0.0)
    responder: Role = Role()
    embedder: Role = Role(model="offline-embedding")
    moderator: Role | None = Field(default=None, description="who moderates; the judge if nobody is named")
    roles: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Role] = Field(
        default_factory=dict, description="further roles that programs name, such as [models.roles.verifier]"
    )
    prices: str = Field(default="", description="TOML of USD per million tokens by model; empty: the table that ships")

    @property
    def by_name(self) -> dict[str, Role]:
        """All roles that have a model, by name."""
        return {name: role for name, role in self if isinstance(role, Role)} | self.roles

    @model_validator(mode="after")
    def _has_each_once(self) -> "ModelsSettings":
        if taken := sorted(self.roles.keys() & {*ModelsSettings.model_fields}):
            raise ValueError(f"`{taken[0]}` is set in [models.{taken[0]}], and not in models.roles")
        return self


class BudgetSettings(Section):
    """Where a run stops, cleanly, before it costs more; 0 is no limit."""

    max_cost_usd: float = Field(default=0.0, ge=0)
    max_calls: int = Field(default=0, ge=0)


class EventsSettings(Section):
    """Lineage events (OpenLineage)."""

    namespace: str = "wellspring"
    url: str = Field(default="", description="an OpenLineage endpoint; empty writes events/*.jsonl only")


class PagesSettings(Section):
    """What the pages may show."""

    show_values: bool = Field(
        default=False,
        description="show texts of rows on pages, in published marts and in audits; off: counts only, nothing quoted",
    )
    sample_rows: int = Field(default=20, ge=0)
    url: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="where a web server shows `<store>/pages`, such as http://localhost:8080: Prefect links it",
    )


class Settings(Section):
    """All settings of a run."""

    limit: int | None = Field(
        default=None, ge=1, description="use at most this many documents and seeds; all when unset"
    )
    seed: int = 0
    threads: int = Field(default=0, ge=0, description="workers for computed stages; 0: one per core")
    runner: Literal["process", "thread", "dask"] = "process"
    dask_address: str = ""
    database_mb: int = Field(
        default=512, ge=64, description="what the database may hold in memory; it sorts on disk beyond, slower"
    )
    rights: Literal["own", "group"] = Field(
        default="own", description="who may read and write the store; `group`: the group of its folder, too"
    )
    wait: bool = Field(default=False, description="wait for the run that holds the store instead of exiting")
    replay: bool = Field(default=False, description="answer from recorded completions only; send nothing")
    plugins: tuple[str, ...] = Field(
        default=(),
        description="folders with recipes, judges, checks, ways to select and to pair, methods over sets, formats and "
        "forms of your own",
    )
    formats: tuple[PluggedIn, ...] = Field(
        default=(),
        description="formats of files of your own, for corpora and seeds, looked for in this order before those that "
        "ship (tasks/io/README.md)",
    )
    recipes: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="knobs of recipes, such as [recipes.autoif]; `wellspring recipes` shows them"
    )
    methods: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="knobs of methods over sets, such as [methods.r3]; their files describe them"
    )
    sources: SourcesSettings = SourcesSettings()
    documents: DocumentsSettings = DocumentsSettings()
    benchmarks: BenchmarksSettings = BenchmarksSettings()
    passages: PassagesSettings = PassagesSettings()
    embeddings: EmbeddingsSettings = EmbeddingsSettings()
    seeds: SeedsSettings = SeedsSettings()
    groundings: GroundingsSettings = GroundingsSettings()
    instructions: InstructionsSettings = InstructionsSettings()
    responses: ResponsesSettings = ResponsesSettings()
    verdicts: VerdictsSettings = VerdictsSettings()
    scores: ScoresSettings = ScoresSettings()
    selections: SelectionsSettings = SelectionsSettings()
    preferences: PreferencesSettings = PreferencesSettings()
    exports: ExportsSettings = ExportsSettings()
    models: ModelsSettings = ModelsSettings()
    budget: BudgetSettings = BudgetSettings()
    events: EventsSettings = EventsSettings()
    pages: PagesSettings = PagesSettings()

    @property
    def judges_of_marks(self) -> tuple[str, ...]:
        """The judges that are asked for marks: those that the profile names, and the one by whose marks it pairs."""
        of_pairs = (self.preferences.judge,) if self.preferences.draws else ()
        return tuple(n for n in dict.fromkeys((*self.scores.judges, *of_pairs)) if n not in self.scores.unasked)

    @model_validator(mode="after")
    def _judged_by_another(self) -> "Settings":
        """A model prefers what it wrote itself; judging with it has to be asked for."""
        writers = {name: getattr(self.models, name).model for name in ("generator", "responder")}
        same = [name for name, model in writers.items() if model == self.models.judge.model]
        if same and not self.scores.allow_same_model:
            raise ValueError(
                f"models.judge is `{self.models.judge.model}`, as is models.{same[0]}: a model favours its own words. "
                "Name another judge, or set scores.allow_same_model=true"
            )
        return self

    @model_validator(mode="after")
    def _moderated_live(self) -> "Settings":
        """Only a moderator can be asked over the moderation API, and only call by call."""
        for name, role in self.models.by_name.items():
            if role.api == "moderations" and (name != "moderator" or role.mode == "batch"):
                raise ValueError(f"models.{name}.api = `moderations` is for models.moderator in mode `live` only")
        return self


_PROFILES = Path(__file__).parents[2] / "deployments" / "profiles"
_ENVIRONMENT_PREFIX = "WELLSPRING_"
KEPT = "settings.json"  # the settings of its latest run, in a store


def profile_path(profile: str) -> Path:
    """Find a profile: a file, or the name of one that ships.

    Raises:
        UsageError: Neither.
    """
    path = Path(profile)
    if path.suffix in {".toml", ".json"} and path.is_file():
        return path
    if not profile.strip():
        raise UsageError(
            "the parameter `profile` is empty",
            hint="name a .toml file, or set WELLSPRING_PROFILE before `prefect deploy`",
        )
    shipped = _PROFILES / f"{profile}.toml"
    if shipped.is_file():
        return shipped
    names = ", ".join(sorted(p.stem for p in _PROFILES.glob("*.toml")))
    raise UsageError(f"there is no profile `{profile}`", hint=f"give a .toml file, or one that ships: {names}")


def load(
    profile: str | None = None,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings of a run.

    Args:
        profile: A TOML file or the name of a shipped one; None takes the defaults.
        overrides: `key=value` texts; a dotted key reaches into a section, a value is TOML or, failing that, a string.
        environment: Variables to look for `WELLSPRING_SECTION__KEY` in; `os.environ` by default.
        extra: Nested values from the command line (corpora, seeds), applied before `overrides`.

    Raises:
        UsageError: A key is unknown or a value is bad; the message names it and the valid ones. Or the profile is that
            of a store from elsewhere, and orders what this user did not (`orders.py`).
    """
    values = _profile(profile) if profile is not None else {}
    kept = copy.deepcopy(values) if profile is not None and is_of_store(profile) else None
    for name, value in sorted((environment if environment is not None else os.environ).items()):
        is_ours = name.upper().startswith(_ENVIRONMENT_PREFIX)
        key = name[len(_ENVIRONMENT_PREFIX) :] if is_ours else name
        if is_ours and key.split("__")[0].lower() in Settings.model_fields:
            keys = key.lower().split("__")
            _put(values, keys, _value(value, keys))
        elif is_ours or "__" in name:
            _refuse_misspelt(name, key)
    _merge(values, extra or {})
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise UsageError(
                f"`--set {override}` has no `=`",
                hint="write it as --set limit=200 or --set documents.extractor=trafilatura",
            )
        keys = key.strip().split(".")
        _put(values, keys, _value(value, keys))
    if isinstance(values.get("plugins"), list):  # those of a profile are whole by now
        values["plugins"] = [
            str(Path(path).absolute()) if isinstance(path, str) else path for path in values["plugins"]
        ]
    scores: Any = values.get("scores")
    if isinstance(scores, dict) and isinstance(imports := typing.cast("Any", scores).get("imports"), dict):
        scores["imports"] = {
            name: str(Path(path).absolute()) if isinstance(path, str) else path
            for name, path in typing.cast("dict[str, Any]", imports).items()
        }
    chosen = _validated(values)
    if kept is not None:
        _refuse_strange(Path(str(profile)), kept, chosen, lambda: load(None, overrides, environment, extra))
    return chosen


def is_of_store(profile: str) -> bool:
    """Whether a profile is the settings that a store brings along."""
    return Path(profile).name == KEPT


def alone(said: Mapping[str, Any], folder: Path) -> Settings:
    """Return what a store's settings say by themselves; `folder` is the store.

    Raises:
        UsageError: They are not valid.
    """
    values = copy.deepcopy(dict(said))
    _root(values, folder)
    return _validated(values)


def trust(profile: str) -> None:
    """Take over, for good, what the settings of a store order: this user said so.

    Raises:
        UsageError: It is no store's.
    """
    from wellspring.tasks.contracts import orders

    if not is_of_store(profile):
        raise UsageError(
            f"--trust-store says nothing about `{profile}`, which is a profile of your own",
            hint="leave it out: it accepts the settings.json that a store from elsewhere brings",
        )
    orders.note(orders.of(_validated(_profile(profile))))


def _refuse_strange(path: Path, kept: dict[str, Any], chosen: Settings, own: Callable[[], Settings]) -> None:
    """Refuse a store's settings that order what neither this user's runs nor this command did.

    Args:
        path: The file.
        kept: What it says.
        chosen: What it says with the environment and the command line over it.
        own: Makes the settings of environment and command line alone.
    """
    from wellspring.tasks.contracts import orders

    wanted = orders.of(chosen)
    if not wanted:
        return
    with contextlib.suppress(UsageError):  # it is no valid file but with what the command line says
        if orders.are_noted(orders.of(_validated(kept))):
            return
    given: dict[str, str] = {}
    with contextlib.suppress(UsageError):
        given = orders.of(own())
    if strange := dict(sorted(wanted.items() - given.items())):
        raise orders.refusal(path, strange)


def _profile(profile: str) -> dict[str, Any]:
    """Read a profile; its relative paths are its own."""
    path = profile_path(profile)
    if path.name == KEPT and path.is_symlink():
        raise BrokenError(
            f"{path} is a link, and no link inside a store is followed", hint=f"put the file there: {path}"
        )
    try:
        read = json.loads if path.suffix == ".json" else tomllib.loads
        values = dict(read(path.read_text(encoding="utf-8")).items())
        _root(values, path.absolute().parent)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        kind = path.suffix[1:].upper()
        said = error if isinstance(error, ValueError) else "it is no table of sections"
        raise UsageError(
            f"{path} is not {kind}: {said}",
            hint="deployments/profiles/full.toml shows the form. If this is the settings.json of a store, build with "
            "the store's profile (`wellspring build --profile FILE`): that writes it anew",
        ) from error
    return values


def _validated(values: dict[str, Any]) -> Settings:
    _refuse_halves(values)
    _fill_roles(values)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error) from error


def _refuse_halves(value: Any, name: str = "") -> None:
    """Refuse half a character (a lone surrogate), which no file or server could be given."""
    if isinstance(value, str) and outside.has_half(value):
        raise UsageError(f"`{name}` holds half a character: {value[:60]!r}", hint="write it as UTF-8")
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, Any]", value).items():
            _refuse_halves(str(key), name or "a setting's name")
            _refuse_halves(inner, f"{name}.{ascii(key)[1:-1]}" if name else ascii(key)[1:-1])
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(cast("Sequence[Any]", value)):
            _refuse_halves(inner, f"{name}[{place}]")


def _refuse_misspelt(name: str, key: str) -> None:
    """Refuse a variable that is meant as a setting and is none; others that begin so are not ours to judge."""
    known = [field.upper() for field in Settings.model_fields]
    for section, field in Settings.model_fields.items():
        inner: Any = getattr(field.annotation, "model_fields", {})
        known += [f"{section}__{own}".upper() for own in inner]
    if key == name:  # not even its beginning is ours
        near = difflib.get_close_matches(name.upper(), [_ENVIRONMENT_PREFIX + one for one in known], n=1, cutoff=0.95)
        near = [one.removeprefix(_ENVIRONMENT_PREFIX) for one in near]
    else:
        lacks_section = [one for one in known if "_" in key and one.endswith(f"__{key.upper()}")]
        near = lacks_section or difflib.get_close_matches(key.upper(), known, 1, cutoff=0.6 if "__" in key else 0.85)
    if near or (key != name and "__" in key):
        raise UsageError(
            f"there is no setting for the environment variable `{name}`",
            hint=f"did you mean {_ENVIRONMENT_PREFIX}{near[0]}?"
            if near
            else f"unset it; sections are {', '.join(sorted(Settings.model_fields))}",
        )


def _value(text: str, keys: list[str]) -> Any:
    """Read a value as TOML does; for a setting that is a text, a date, a number or a truth is a text, too."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    field = _section_of(tuple(keys)).model_fields.get(keys[-1])
    return text if field and field.annotation is str and not isinstance(value, str) else value


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for i, key in enumerate(keys[:-1]):
        inner: Any = values.setdefault(key, {})
        if isinstance(inner, dict):
            values = typing.cast("dict[str, Any]", inner)
        else:
            raise UsageError(
                f"`{'.'.join(keys[: i + 1])}` is a value, not a section", hint="set the whole list in a profile"
            )
    values[keys[-1]] = value


def _fill_roles(values: dict[str, Any]) -> None:
    """Let a role say only what it changes: the rest of it is its default, and it is asked where all roles are."""
    models: Any = values.setdefault("models", {})
    if not isinstance(models, dict):
        return
    given = typing.cast("dict[str, Any]", models)
    defaults = ModelsSettings()
    asked = [
        (given.setdefault(name, {}) if field.annotation is Role else given.get(name), getattr(defaults, name))
        for name, field in ModelsSettings.model_fields.items()
        if name != "roles"
    ]
    further: Any = given.get("roles")
    if isinstance(further, dict):
        asked += [(role, defaults.generator) for role in typing.cast("dict[str, Any]", further).values()]
    for role, known in asked:
        default = known or defaults.judge
        if isinstance(role, dict) and isinstance(default, Role):
            own = typing.cast("dict[str, Any]", role)
            own.setdefault("model", default.model)
            own.setdefault("temperature", default.temperature)
            where = {"base_url": given.get("base_url", "offline"), "key_env": given.get("key_env", defaults.key_env)}
            where |= {"proxy": given["proxy"]} if "proxy" in given else {}
            own.setdefault("endpoints", [where])


def _root(values: dict[str, Any], folder: Path) -> None:
    """Make the relative paths of a profile relative to it, so that it means the same from every directory."""

    def rooted(path: Any) -> Any:
        is_relative = isinstance(path, str) and path and "://" not in path and not Path(path).is_absolute()
        return os.path.normpath(folder / path) if is_relative and not path.startswith(_SHIPPED) else path

    for corpus in values.get("sources", {}).get("corpora", ()):
        if isinstance(corpus, dict):
            corpus["path"] = rooted(typing.cast("dict[str, Any]", corpus).get("path"))
    seeds: Any = values.get("seeds", {})
    if isinstance(seeds.get("paths"), list):
        seeds["paths"] = [rooted(path) for path in seeds["paths"]]
    if isinstance(values.get("plugins"), list):
        values["plugins"] = [rooted(path) for path in values["plugins"]]
    for section, key in (("benchmarks", "paths"), ("scores", "imports")):
        held: Any = values.get(section, {})
        named: Any = typing.cast("dict[str, Any]", held).get(key) if isinstance(held, dict) else None
        if isinstance(named, dict):
            paths = typing.cast("dict[str, Any]", named)
            held[key] = {name: rooted(path) for name, path in paths.items()}


def _merge(values: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), dict):
            _merge(values[key], typing.cast("Mapping[str, Any]", value))
        else:
            values[key] = value


def _section_of(location: tuple[int | str, ...]) -> type[BaseModel]:
    section: Any = Settings
    for key in location[:-1]:
        if isinstance(key, str) and key in getattr(section, "model_fields", {}):
            kind: Any = section.model_fields[key].annotation
            while not (isinstance(kind, type) and issubclass(kind, BaseModel)):
                options: list[Any] = [
                    o for o in typing.get_args(kind) if o is not types.EllipsisType and o is not Ellipsis
                ]
                if not options:
                    return section
                kind = options[-1] if typing.get_origin(kind) is dict else options[0]
            section = kind
    return section


def _shown(name: str, value: Any) -> str:
    """Return a bad value as an error shows it; what may hold a secret is not shown."""
    is_private = name.endswith(("extra_headers", "extra_query")) or "@" in str(value)
    return "" if is_private else f" = {value!r}"


def _explained(error: ValidationError) -> UsageError:
    lines: list[str] = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        if not problem["loc"]:
            lines.append(f"  {problem['msg'].removeprefix('Value error, ')}")
        elif problem["type"] == "extra_forbidden":
            valid = sorted(_section_of(problem["loc"]).model_fields)
            near = difflib.get_close_matches(str(problem["loc"][-1]), valid, n=1)
            guess = f"did you mean `{near[0]}`? " if near else ""
            lines.append(f"  there is no setting `{name}`; {guess}valid: {', '.join(valid)}")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"  `{name}`{_shown(name, problem['input'])}: {said}")
    return UsageError(
        "these settings are not valid:\n" + "\n".join(lines),
        hint="`wellspring init` writes a commented profile with all of them",
    )
