"""Every stage, declared once: what its noun is made of, how its rows are named, and who is asked for them.

What is done with all nouns is derived from here: audits and publications, lineage events, trace and impact, status and
what the rest costs, retry, forgetting. Their order is that of the pipeline: a noun comes after what it is made of.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal

from wellspring.tasks.contracts.settings import Settings

Kind = Literal["computed", "prompted", "judged", "whole-table", "recorded"]
Empty = Callable[[Settings, AbstractSet[str]], bool]
NO_PAGE = frozenset({"no_document_found", "no_page_fits"})  # why a seed has no grounding, and nothing is wrong


@dataclass(frozen=True, slots=True)
class Edge:
    """One step up: a column with the id of what a row was made from, or with a list of them, and how that was used.

    Attributes:
        relation: How, as a trace says it.
        column: Of the row.
        unless: Columns that say it better where they hold the same id: one id, and a list of ids.
    """

    relation: str
    column: str
    unless: tuple[str, str] | None = None


def _never(_settings: Settings, _reasons: AbstractSet[str]) -> bool:
    return False


def _always(_settings: Settings, _reasons: AbstractSet[str]) -> bool:
    return True


def _without_judges(settings: Settings, _reasons: AbstractSet[str]) -> bool:
    return not settings.scores.judges


def _without_pages(_settings: Settings, reasons: AbstractSet[str]) -> bool:
    return bool(reasons) and reasons <= NO_PAGE


@dataclass(frozen=True, slots=True)
class Stage:
    """What others have to know of a stage and its table.

    Attributes:
        noun: The table.
        kind: `computed` alike whoever computes it; `prompted`, each row an answer; `judged`, computed or asked, as
            settings say; `whole-table`, chosen from all rows at once; `recorded`, a copy of the journal.
        made_of: For each column that tells of other tables, the columns it is made of.
        id: The column by which its rows are things of the lineage; a table without it tells of other things.
        input: The column with the input of its program for which a row was made.
        about: The column with the thing a row tells of and goes with, where it is none itself.
        method: The column that says what wrote a row.
        is_by_method: Whether rows are in force with their method; else all that are there are.
        role: Who is asked.
        edges: What its rows were made from, one step up.
        shown: The columns that a trace shows.
        telling: What tells a row from others at a glance, as `{column}` or `{column:characters}`.
        note: What else is worth knowing, likewise.
        words: The columns whose words are looked for where a page is forgotten.
        words_are: Whether these were `read`, or `written` by a model; else they are copies, or said of others.
        beside: Tables of the same stage that are keyed by its id, and go with its rows.
        is_trunk: Whether it is on the way from a record to an exported row.
        may_be_empty: Whether an empty table passes, by settings and by the reasons for which all was refused.
    """

    noun: str
    kind: Kind
    made_of: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict[str, Sequence[tuple[str, str]]])
    id: str = ""
    input: str = ""
    about: str = ""
    method: str = "fingerprint"
    is_by_method: bool = True
    role: str = ""
    edges: tuple[Edge, ...] = ()
    shown: tuple[str, ...] = ()
    telling: str = ""
    note: str = ""
    words: tuple[str, ...] = ()
    words_are: Literal["", "read", "written"] = ""
    beside: tuple[str, ...] = ()
    is_trunk: bool = False
    may_be_empty: Empty = _never

    @property
    def subject(self) -> str:
        """The column of the thing with which a row goes: the row itself, or what it tells of."""
        return self.about or self.id

    @property
    def singular(self) -> str:
        """One row, in a word."""
        return self.noun.removesuffix("s")


_DECLARED = (
    Stage(
        "sources",
        "computed",
        id="source_id",
        method="sha256",
        is_by_method=False,
        shown=("uri", "name", "kind", "license", "sha256", "bytes", "run_id"),
        telling="{uri}",
        note="sha256 {sha256:16}",
        may_be_empty=_always,
    ),
    Stage(
        "documents",
        "computed",
        {
            "source_id": [("sources", "source_id")],
            "text": [("sources", "uri")],
            "license": [("sources", "license")],
        },
        id="document_id",
        edges=(Edge("record of", "source_id"),),
        shown=("url", "title", "record_offset", "record_length", "license", "fetched_at", "fingerprint", "run_id"),
        telling="{url}",
        note="bytes {record_offset} + {record_length}",
        words=("text", "title"),
        words_are="read",
        beside=("signatures", "redactions", "duplicates", "repeats", "similarities"),
        is_trunk=True,
    ),
    Stage(
        "passages",
        "computed",
        {"document_id": [("documents", "document_id")], "text": [("documents", "text")]},
        id="passage_id",
        edges=(Edge("span of", "document_id"),),
        shown=("text", "start_chars", "end_chars", "fingerprint", "run_id"),
        telling="{text:160}",
        note="characters {start_chars} to {end_chars}",
        words=("text",),
    ),
    Stage(
        "embeddings",
        "computed",
        {
            "text_id": [("passages", "passage_id"), ("seeds", "seed_id"), ("instructions", "instruction_id")],
            "vector": [("passages", "text"), ("seeds", "text"), ("instructions", "text")],
        },
        about="text_id",
        method="model",
    ),
    Stage(
        "seeds",
        "judged",
        {"source_id": [("sources", "source_id")], "text": [("sources", "uri")]},
        id="seed_id",
        role="judge",
        edges=(Edge("line of", "source_id"),),
        shown=("text", "line", "system", "turns", "tools", "fingerprint", "run_id"),
        telling="{text:160}",
        note="line {line}",
        words=("text", "response", "system", "turns"),
        words_are="read",
    ),
    Stage(
        "groundings",
        "prompted",
        {
            "seed_id": [("seeds", "seed_id")],
            "document_id": [("documents", "document_id")],
            "scene": [("seeds", "text"), ("documents", "text"), ("completions", "text")],
            "knowledge": [("seeds", "text"), ("documents", "text"), ("completions", "text")],
        },
        id="grounding_id",
        input="seed_id",
        role="generator",
        edges=(Edge("explains", "seed_id"), Edge("grounded in", "document_id"), Edge("said in", "completion_id")),
        shown=("scene", "keywords", "knowledge", "agreement", "fingerprint", "run_id"),
        telling="{scene:160}",
        note="agreement {agreement}",
        words=("scene", "knowledge", "intention", "extra_information"),
        words_are="written",
        may_be_empty=_without_pages,
    ),
    Stage(
        "notes",
        "prompted",
        {
            "input_id": [("seeds", "seed_id"), ("documents", "document_id")],
            "data": [("seeds", "text"), ("documents", "text"), ("completions", "text")],
        },
        id="note_id",
        input="input_id",
        role="generator",
        edges=(Edge("noted for", "input_id"), Edge("shown", "parent_ids"), Edge("said in", "completion_id")),
        shown=("kind", "data", "fingerprint", "run_id"),
        telling="{data:160}",
        note="{kind}",
        words=("data",),
        words_are="written",
        may_be_empty=_always,
    ),
    Stage(
        "rewrites",
        "prompted",
        {
            "document_id": [("documents", "document_id")],
            "text": [("documents", "text"), ("completions", "text")],
        },
        id="rewrite_id",
        input="document_id",
        role="generator",
        edges=(Edge("says again", "document_id"), Edge("said in", "completion_id")),
        shown=("style", "text", "fingerprint", "run_id"),
        telling="{text:160}",
        note="{style}",
        words=("text",),
        words_are="written",
        may_be_empty=_always,
    ),
    Stage(
        "instructions",
        "prompted",
        {
            "document_id": [("documents", "document_id")],
            "parent_ids": [
                *(("seeds", "seed_id"), ("groundings", "grounding_id")),
                *(("notes", "note_id"), ("rewrites", "rewrite_id")),
            ],
            "text": [("documents", "text"), ("groundings", "scene"), ("seeds", "text"), ("completions", "text")],
        },
        id="instruction_id",
        input="input_id",
        role="generator",
        edges=(
            Edge("grounded in", "document_id"),
            Edge("shown", "parent_ids"),
            Edge("written for", "input_id", unless=("document_id", "parent_ids")),
            Edge("said in", "completion_id"),
        ),
        shown=("recipe", "text", "history", "scene", "round", "draw", "fingerprint", "run_id"),
        telling="{text:160}",
        note="{recipe}",
        words=("text", "history", "scene", "knowledge", "extra_information"),
        words_are="written",
        is_trunk=True,
    ),
    Stage(
        "responses",
        "prompted",
        {
            "instruction_id": [("instructions", "instruction_id")],
            "text": [("instructions", "text"), ("completions", "text")],
        },
        id="response_id",
        input="instruction_id",
        role="responder",
        edges=(Edge("answers", "instruction_id"), Edge("said in", "completion_id")),
        shown=("model", "text", "use", "finish_reason", "draw", "fingerprint", "run_id"),
        telling="{text:160}",
        note="by {model}",
        words=("text", "thought"),
        words_are="written",
        is_trunk=True,
    ),
    Stage(
        "verdicts",
        "judged",
        {
            "subject_id": [("responses", "response_id"), ("instructions", "instruction_id")],
            "passed": [("responses", "text"), ("instructions", "text"), ("documents", "text")],
        },
        input="subject_id",
        about="subject_id",
        role="judge",
        words=("detail",),
        may_be_empty=_always,
    ),
    Stage(
        "scores",
        "judged",
        {
            "subject_id": [("instructions", "instruction_id"), ("responses", "response_id")],
            "value": [("instructions", "text"), ("responses", "text"), ("completions", "text")],
        },
        input="subject_id",
        about="subject_id",
        role="judge",
        words=("reason",),
        may_be_empty=_without_judges,
    ),
    Stage(
        "selections",
        "whole-table",
        {
            "instruction_id": [("instructions", "instruction_id")],
            "rank": [("scores", "value"), ("embeddings", "vector")],
        },
        about="instruction_id",
        is_trunk=True,
    ),
    Stage(
        "preferences",
        "judged",
        {
            "chosen_id": [("responses", "response_id")],
            "rejected_id": [("responses", "response_id")],
            "margin": [("scores", "value")],
        },
        input="instruction_id",
        about="instruction_id",
        role="judge",
        may_be_empty=_always,
    ),
    Stage(
        "exports",
        "whole-table",
        {
            "row_id": [
                *(("responses", "response_id"), ("instructions", "instruction_id")),
                ("rewrites", "rewrite_id"),
            ]
        },
        id="export_id",
        edges=(Edge("line of", "row_id"),),
        shown=("path", "line", "sha256", "fingerprint", "run_id"),
        is_trunk=True,
    ),
    Stage(
        "completions",
        "recorded",
        id="completion_id",
        method="model",
        is_by_method=False,
        shown=(
            *("role", "model", "prompt_tokens", "completion_tokens", "cost_usd", "attempts", "finish_reason"),
            "run_id",
        ),
        telling="{model}",
        note="{prompt_tokens} + {completion_tokens} tokens",
        words=("request", "text", "thought", "tool_calls"),
        may_be_empty=_always,
    ),
    Stage(
        "settled",
        "recorded",
        {
            "input_id": [
                *(("seeds", "seed_id"), ("documents", "document_id")),
                *(("instructions", "instruction_id"), ("responses", "response_id")),
            ]
        },
        about="input_id",
        is_by_method=False,
        may_be_empty=_always,
    ),
    Stage(
        "steps",
        "recorded",
        {"completion_id": [("completions", "completion_id")]},
        about="input_id",
        is_by_method=False,
        may_be_empty=_always,
    ),
)
STAGES = {stage.noun: stage for stage in _DECLARED}
# What is said of rows in no noun: it may quote a page that is forgotten.
SAID = {"rejections": "detail", "failures": "error", "validations": "observed", "runs": "error"}


def made_from(noun: str) -> list[str]:
    """Return the tables that a table is made from, in order of name."""
    return sorted({table for origins in STAGES[noun].made_of.values() for table, _ in origins})
