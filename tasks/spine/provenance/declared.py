"""What a profile declares of a dataset, for its card: settings that are not the usual ones, and steps that ran or not.

Only settings that can change a row are told. Where things lie, who is asked and what a machine may use is not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from wellspring.tasks.contracts.settings import Settings

VERSION = 1
SHOWN_CHARS = 200
_SECTIONS = (
    *("seed", "formats", "recipes", "methods", "documents", "benchmarks", "passages", "embeddings", "seeds"),
    *("groundings", "instructions", "responses", "verdicts", "scores", "selections", "preferences", "exports"),
)
_LEFT_OUT = {
    *("benchmarks.paths", "seeds.paths", "scores.imports", "groundings.search_url", "groundings.search_key_env"),
    *("exports.name", "exports.formats", "exports.also", "exports.added", "exports.license"),
    *("exports.publisher", "exports.origins"),
}
_OFF = 1.0  # a cosine above it is that of no two texts


def changed(settings: Settings) -> list[dict[str, Any]]:
    """Return a row for each setting that is not its default: `setting`, `value`, `default`."""
    usual = dict(_flat(Settings().model_dump(include=set(_SECTIONS))))
    chosen = dict(_flat(settings.model_dump(include=set(_SECTIONS))))
    return [
        {"setting": name, "value": _shown(chosen.get(name)), "default": _shown(usual.get(name))}
        for name in sorted({*chosen, *usual})
        if chosen.get(name) != usual.get(name)
    ]


def steps(settings: Settings) -> list[dict[str, Any]]:
    """Return a row for each step that a profile can switch off: `step`, whether it `ran`, and the `setting` of it."""
    documents, seeds, benchmarks = settings.documents, settings.seeds, settings.benchmarks
    verdicts, marks = settings.verdicts, settings.judges_of_marks
    told = {
        "opt-outs of pages and sites respected": (documents.respect_opt_outs, "documents.respect_opt_outs"),
        "personal data in pages replaced": (documents.replace_personal_data, "documents.replace_personal_data"),
        "rules of quality for pages": (documents.quality, "documents.quality"),
        "near copies of pages left out": (documents.near_duplicates, "documents.near_duplicates"),
        "lines that repeat across a site left out": (documents.site_boilerplate, "documents.site_boilerplate"),
        "benchmarks looked for": (benchmarks.paths, "benchmarks.paths"),
        "seeds that say the same left out": ((seeds.deduplicate_cosine or 0) <= _OFF, "seeds.deduplicate_cosine"),
        "seeds judged": (seeds.min_score, "seeds.min_score"),
        "answers checked by code": (verdicts.computed, "verdicts.checks"),
        "answers checked by a model": (verdicts.judges, "verdicts.judges"),
        "answers moderated": ("moderation" in verdicts.judges, "verdicts.judges"),
        "instructions or answers judged by a model": (marks, "scores.judges"),
        "marks made elsewhere brought in": (settings.scores.imports, "scores.imports"),
        "pairs of answers made": (settings.preferences.draws, "preferences.draws"),
    }
    return [{"step": step, "ran": "yes" if ran else "no", "setting": name} for step, (ran, name) in told.items()]


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{before}{name}"
        if path in _LEFT_OUT:
            continue
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{path}.")
        else:
            yield path, value


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        shown = ", ".join(_shown(one) for one in value)
    elif isinstance(value, str) and ("://" in value or value.startswith(("/", "~", "."))):
        shown = "(a place)"
    else:
        shown = str(value)
    return (shown[:SHOWN_CHARS] + "...") if len(shown) > SHOWN_CHARS else shown or "-"
