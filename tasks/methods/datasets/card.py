"""The card of a dataset: what a person must know before training on it, as README.md with the header that hubs read.

It holds nothing that changes when nothing was changed: no date, no run, no machine, no path.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wellspring.tasks.contracts.casting import is_stand_in
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.methods.datasets import facets

VERSION = 5

REQUIRED = "required checks"  # as `exports/seeded.sql` calls them
FEWEST_PAIRS = 5  # by which a judge is named
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_DID = {"generator": "wrote instructions", "responder": "answered", "moderator": "moderated"}  # the rest judged


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card states. Tables are rows (mappings of one shape), written in the order given."""

    name: str
    license: str
    languages: Sequence[str]
    tables: Sequence[Row]  # path, form, split, rows
    recipes: Sequence[Row]
    models: Sequence[Row]  # role, model, served, rows
    methods: Sequence[Row]  # stage, name, fingerprint
    sources: Sequence[Row]
    choice: Mapping[str, Any]  # settings of the selection
    measures: Sequence[Row] = field(default_factory=list)  # one row per part: all, a recipe, a control
    topics: Sequence[Row] = field(default_factory=list)
    lengths: Sequence[Row] = field(default_factory=list)  # one row per range of tokens, a column per part
    scores: Sequence[Row] = field(default_factory=list)  # one row per score, a column per part
    embedders: Sequence[Row] = field(default_factory=list)  # one row per noun that is embedded
    benchmarks: Sequence[Row] = field(default_factory=list)  # one row per benchmark that was looked for
    seeds: Sequence[Row] = field(default_factory=list)  # one row per step: label, here, paper
    left_out: Sequence[Row] = field(default_factory=list)  # one row per form: rows of which it has no line, and why
    checks: Sequence[Row] = field(default_factory=list)  # one row per check: required, and what it said of how many
    excluded: Sequence[Row] = field(default_factory=list)  # one row per id that was excluded: why, what rests on it
    marks: Sequence[Row] = field(default_factory=list)  # one row per judge and criterion
    facets: Sequence[Row] = field(default_factory=list)  # one row per facet x value: rows, mean score
    seeded: Sequence[Row] = field(default_factory=list)  # one row per judge x kind of seeded error
    people: Sequence[Row] = field(default_factory=list)  # one row per person x judge: rows, agree, kappa
    notes: Sequence[str] = field(default_factory=list)
    settings: Sequence[Row] = field(default_factory=list)  # one row per setting that is not its default
    steps: Sequence[Row] = field(default_factory=list)  # one row per step that can be switched off, and whether it ran


def card(facts: Facts) -> str:
    """Write the card."""
    sections = [
        _header(facts),
        f"# {facts.name}",
        _opening(facts),
        _section("Files", facts.tables),
        _section("Left out of forms", facts.left_out, "Rows of which a form has no line."),
        _section("Who wrote it", facts.models, _MODELS),
        _section("Recipes", facts.recipes),
        _section("Sources and licences", facts.sources, _LICENSES),
        _choice(facts),
        _section("Settings", facts.settings, _SETTINGS),
        _section("Steps", facts.steps, _STEPS),
        _section("Checks of answers", facts.checks, _CHECKS),
        _section("Excluded", facts.excluded, _EXCLUDED),
        _section("Marks beside random controls", facts.marks, _MARKS),
        _section("Seeded errors", facts.seeded, _seeded(facts.seeded)),
        _section("People", facts.people, _PEOPLE),
        _section("Embedders", facts.embedders, _EMBEDDERS),
        _section("Benchmarks", facts.benchmarks, _BENCHMARKS) or f"## Benchmarks\n\n{_NO_BENCHMARKS}",
        _section("Measures", _turned(facts.measures), _MEASURES),
        _section("Instructions by tokens", facts.lengths),
        _section("Instructions by score", facts.scores),
        _section("Facets", facets.with_areas(facts.facets), _FACETS),
        _section("Topics", facts.topics, "Largest first, named by the phrases that set them apart."),
        _section("Real instructions", facts.seeds, _SEEDS),
        _section("Methods and prompts", facts.methods, _METHODS),
        "\n".join(["## Notes", "", *(f"- {note}" for note in facts.notes)]) if facts.notes else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


_LICENSES = (
    "The text of web pages stays its publishers' property; instructions and answers were written from it by the models "
    "above. Check both before you publish or train. A licence of a known name in the header promises no more than they "
    "state; `other` says that none of them clearly stands for all. `not stated` is not known to allow anything."
)
_MODELS = (
    "Rows by the model that wrote, answered, judged or moderated them: the name it was asked for by, and the one that "
    "its server answered under, where it gave one. `outputs` is what its owner allows to be trained on what it wrote, "
    "as far as we know: read the terms before you publish."
)
_SETTINGS = "Settings that can change a row and are not their defaults. All others are as they come."
_STEPS = "What was done, and what was not because a setting says so."
_CHECKS = (
    "What each check said of all answers, exported or not. A row is exported where each required check passed or does "
    "not apply; one that could not say, or has no verdict, does not pass."
)
_EXCLUDED = (
    "What a person took out of the dataset, with all that rests on it, and why. It is still in the store, and can be "
    "included again."
)
_MARKS = (
    "The mean mark of what was selected and of random controls of equal size, instructions or answers, on the scale of "
    "each judge. The note says what holds for all marks: the severity of judges in logits with their infit, the "
    "calibration error (ECE) of a confidence, the error of each source of rewards."
)
_SEEDED = (
    "Answers with one known error, put in by rule, beside the answers without it (after ACES). `found`: the judge "
    "gives the good one more; `tied`: as much; `turned`: less. The required checks find an error where they refuse the "
    f"answer that has it. A judge is no better than a coin where it finds at most half of {FEWEST_PAIRS} pairs or more."
)
_PEOPLE = (
    "How far people who read rows agree with judges on what passes: a judge passes what is at least the middle of all "
    "that it gave. `kappa` is 1 where they always agree, and 0 where they agree as often as by chance."
)
_EMBEDDERS = (
    "Who turned texts into vectors, by which copies, neighbours, topics and distances were found, and from which "
    "cosine on two texts were taken for the same where the profile names none; precision and recall are of pairs made "
    "and written by hand. No embedder tells a text from the same one with another number or an opposite in it."
)
_BENCHMARKS = (
    "Their prompts were looked for in pages, seeds, instructions and answers: by their words, and where the text of a "
    "benchmark was at hand by what it means, too. `contaminated`, below, is the share of rows that hold one still."
)
_NO_BENCHMARKS = (
    "**No benchmark was looked for**: none was named, so `not_contaminated` was asked of no row. Whether one is in "
    "these rows is not known; look before you report a score on it."
)
_LEAST = (
    "`min_score` is a guess: the criteria are in words of our own, and how good a row with such a mark is was not "
    "measured for this judge."
)
_SEEDS = "What was left of the conversations after each step, beside the counts of SynthQuestions (arXiv 2506.03968)."
_METHODS = "A fingerprint stands for the prompt, its settings and its model: the same fingerprint asks the same."
_FACETS = (
    "What was selected, by facet, with the mean score of its instructions. Kinds of task are those of HREF, as its "
    "judge told them; areas put them together as INSTRUCTEVAL does; aims are what the judge `three_h` told."
)
_MEASURES = (
    "Each measure by what it speaks of: quality, diversity or importance, after Data Tsunami. The dataset stands "
    "beside its recipes and beside random controls of equal size. MTLD and Vendi score: higher is more diverse; "
    "distances are 1 minus the cosine to the nearest other instruction, and to the nearest seed."
)


def _header(facts: Facts) -> str:
    """The YAML that the `datasets` library and hubs read; written by hand, since its values are of our own making."""
    total = sum(row["rows"] for row in facts.tables if row["form"] == facts.tables[0]["form"]) if facts.tables else 0
    size = next((label for limit, label in _SIZES if total < limit), "n>1M")
    lines = ["---", f"license: {_scalar(facts.license)}", f"pretty_name: {facts.name}"]
    lines += ["language:", *(f"- {language}" for language in facts.languages)] if facts.languages else []
    lines += ["task_categories:", "- text-generation", "size_categories:", f"- {size}", "configs:"]
    forms = dict.fromkeys(row["form"] for row in facts.tables)
    for form in forms:
        lines += [f"- config_name: {form}", "  data_files:"]
        for row in facts.tables:
            if row["form"] == form:
                lines += [f"  - split: {row['split']}", f"    path: {row['path']}.parquet"]
    return "\n".join([*lines, "---"])


def _scalar(value: str) -> str:
    """Write a text of somebody else's as one YAML value; plain where it cannot be anything but a text."""
    return value if re.fullmatch(r"[a-z][a-z0-9]*[.-][a-z0-9.-]*|other|mit|unknown", value) else json.dumps(value)


def _opening(facts: Facts) -> str:
    """Say who wrote the rows; and first of all, where the stand-in had a part in them, in which."""
    stand_ins = [row for row in facts.models if is_stand_in(row["model"], row.get("served"))]
    if stand_ins:
        did = ", ".join(sorted({f"{_DID.get(row['role'], 'judged')} as `{_name(row)}`" for row in stand_ins}))
        what = "written" if any(row["role"] in {"generator", "responder"} for row in stand_ins) else "judged"
        return (
            f"**Not {what} by a language model.** The offline stand-in, which fills in forms with words of its input, "
            f"had a part in these rows: it {did}. They show that the pipeline works; do not train on them."
        )
    models = sorted({row["model"] for row in facts.models if row["role"] not in {"judge", "moderator"}})
    return f"Instructions and answers written by {', '.join(f'`{model}`' for model in models) or 'nobody'}."


def _name(row: Row) -> str:
    return row["model"] if is_stand_in(row["model"]) else row["served"]


def _seeded(rows: Sequence[Row]) -> str:
    """Say what the table of seeded errors holds, and name who misses them."""
    missed: dict[str, list[str]] = {}
    for row in rows:
        if row["judge"] != REQUIRED and row["pairs"] >= FEWEST_PAIRS and 2 * row["found"] <= row["pairs"]:
            missed.setdefault(row["judge"], []).append(row["error"])
    named = "; ".join(f"`{judge}` ({', '.join(errors)})" for judge, errors in missed.items())
    return f"{_SEEDED} {f'**No better than a coin**: {named}.' if named else 'No judge is known to do no better.'}"


def _choice(facts: Facts) -> str:
    said = ", ".join(f"{name} {value}" for name, value in facts.choice.items())
    least = f" {_LEAST}" if facts.choice.get("min_score", 0) > 0 else ""
    return f"## Selection\n\nA threshold, then the best of each topic, with a declared tie-break: {said}.{least}"


def _section(title: str, rows: Sequence[Row], text: str = "") -> str:
    """Write a section with a table; none without rows."""
    if not rows:
        return ""
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += [f"| {' | '.join(_cell(row[name]) for name in names)} |" for row in rows]
    return "\n".join([f"## {title}", "", *([text, ""] if text else []), *lines])


def _turned(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Turn a table round: a row for each measure, a column for each part, so that parts stand side by side."""
    return [
        {"aspect": facets.aspect(name), "measure": name, **{row["part"]: row[name] for row in rows}}
        for name in (rows[0] if rows else [])
        if name != "part"
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return shown.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
