"""The public summary of training content that the EU AI Act asks for, as far as the rows of a dataset can say it.

It has the sections of the Commission's template of July 2025 (Article 53(1)(d) of Regulation (EU) 2024/1689). Each
statement has a reference. A statement about rows says which claims of the evidence it rests on, so that these rows can
be listed. A statement about settings names the setting. What only the provider can know is left to the provider, and
says so.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wellspring.tasks.contracts.prompting import Row

VERSION = 1
TEMPLATE = (
    "European Commission, Template for the Public Summary of Training Content, July 2025 "
    "(Article 53(1)(d) of Regulation (EU) 2024/1689)"
)
SHARE, SHARE_SME, MOST_SME = 0.10, 0.05, 1_000  # of all domains, by size; for small firms the lower of the last two
BILLION_TOKENS_BYTES = 4_000_000_000  # about four bytes of text a token
WEB_KINDS = frozenset({"warc", "html"})  # of files whose pages somebody crawled
Basis = Literal["rows", "settings", "provider"]
Selector = tuple[str, str | None, str | None]  # claim; key and kind, or any

_ORIGINS = {
    "public": ("2.1", "publicly available dataset"),
    "licensed": ("2.2", "private dataset, licensed from its rightsholders"),
    "private": ("2.2", "private dataset of a third party"),
    "crawled": ("2.3", "archive of crawled pages"),
    "users": ("2.4", "data of users"),
    "other": ("2.6", "other source"),
}
_TITLES = {
    "1.1": "Provider",
    "1.2": "Model",
    "1.3": "Modalities, size and other characteristics",
    "2.1": "Publicly available datasets",
    "2.2": "Private datasets of third parties",
    "2.3": "Data crawled and scraped from online sources",
    "2.4": "User data",
    "2.5": "Synthetic data",
    "2.6": "Other sources of data",
    "3.1": "Respect of reservations of rights (opt-outs)",
    "3.2": "Removal of illegal and unwanted content",
    "3.3": "Other information about data processing",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the summary.

    Attributes:
        text: The sentence.
        basis: What it rests on.
        evidence: Claims of the evidence that it rests on; none where it rests on something else.
        setting: The setting that it was made from, or that fills it in.
    """

    text: str
    basis: Basis = "rows"
    evidence: tuple[Selector, ...] = ()
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the summary is made of.

    Attributes:
        name: The dataset.
        figures: A row for each claim, key and kind: `rows`, `size`, `first`, `last`, `detail`.
        publisher: What the provider said of itself: `exports.publisher`.
        origins: Name of a source -> where it is from: `exports.origins`.
        documents: Settings of the reading of pages.
        benchmarks: Benchmarks that were looked for.
        checks: Checks of answers that were required.
    """

    name: str
    figures: Sequence[Row]
    publisher: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    benchmarks: Sequence[str] = ()
    checks: Sequence[str] = ()


def summary(facts: Facts) -> dict[str, Any]:
    """Return the summary as plain values.

    Args:
        facts: What it is made of.

    Returns:
        `template`, `dataset`, and `statements`: each with `ref`, `section`, `title`, `text`, `basis`, `evidence`
        (claims, each with `claim`, `key` and `kind`), `rows` (how many rows that is) and `setting`.
    """
    said = [
        {
            "ref": f"{section}-{number}",
            "section": section,
            "title": _TITLES[section],
            "text": one.text,
            "basis": one.basis,
            "evidence": [{"claim": claim, "key": key, "kind": kind} for claim, key, kind in one.evidence],
            "rows": sum(row["rows"] for row in _chosen(facts, one.evidence)),
            "setting": one.setting,
        }
        for section, statements in _sections(facts)
        for number, one in enumerate(statements, 1)
    ]
    return {"template": TEMPLATE, "dataset": facts.name, "statements": said}


def as_json(made: Mapping[str, Any]) -> str:
    """Write a summary as JSON."""
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def as_markdown(made: Mapping[str, Any]) -> str:
    """Write a summary as a page for people: each sentence begins with its reference."""
    lines = [
        f"# Public summary of training content: {made['dataset']}",
        "",
        f"After: {made['template']}.",
        "Each sentence has a reference: `wellspring papers FOLDER REFERENCE` lists the rows that it counts.",
    ]
    section = ""
    for one in made["statements"]:
        if one["section"] != section:
            section = one["section"]
            lines += ["", f"## {section} {one['title']}", ""]
        on = {"rows": _many(one["rows"], "row"), "settings": f"setting {one['setting']}", "provider": "the provider"}
        lines.append(f"- `{one['ref']}` {_safe(one['text'])} ({on[one['basis']]})")
    return "\n".join(lines) + "\n"


def shown_domains(count: int, *, is_small: bool) -> int:
    """Return how many domains of so many are listed: of a small firm the top 5 % or 1,000, of others the top 10 %."""
    if is_small:
        return min(MOST_SME, math.ceil(count * SHARE_SME))
    return math.ceil(count * SHARE)


def _safe(text: str) -> str:
    """Keep what others wrote (names, domains, models) from being read as a heading, a link or HTML."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|").replace("[", "\\[")


def _chosen(facts: Facts, selectors: Iterable[Selector]) -> list[Row]:
    return [row for row in facts.figures if any(_fits(row, selector) for selector in selectors)]


def _fits(row: Row, selector: Selector) -> bool:
    claim, key, kind = selector
    return row["claim"] == claim and key in {None, row["key"]} and kind in {None, row["kind"]}


def _sections(facts: Facts) -> Iterator[tuple[str, Iterator[Statement]]]:
    yield "1.1", _provider(facts, name="Name", contact="Contact", representative="Authorised representative")
    yield "1.2", _provider(facts, models="Models trained on it", placed="Placed on the market")
    yield "1.3", _general(facts)
    for section in ("2.1", "2.2"):
        yield section, _sources(facts, section)
    yield "2.3", _crawled(facts)
    yield "2.4", _sources(facts, "2.4")
    yield "2.5", _synthetic(facts)
    yield "2.6", _sources(facts, "2.6")
    yield "3.1", _opt_outs(facts)
    yield "3.2", _removed(facts)
    yield "3.3", _others(facts)


def _provider(facts: Facts, **asked: str) -> Iterator[Statement]:
    for name, label in asked.items():
        yield _given(facts, name, label)


def _given(facts: Facts, name: str, label: str) -> Statement:
    said = str(facts.publisher.get(name) or "")
    text = f"{label}: {said}." if said else f"{label}: to be filled in by the provider."
    return Statement(text, "provider", setting=f"exports.publisher.{name}")


def _general(facts: Facts) -> Iterator[Statement]:
    made, size = _rows(facts, "synthetic"), _size(facts, "synthetic")
    every: tuple[Selector, ...] = (("synthetic", None, None),)
    yield Statement(
        f"The training content is text: {_many(made, 'text')} of {_many(size, 'byte')} in all.", "rows", every
    )
    under = "less" if size < BILLION_TOKENS_BYTES else "more"
    yield Statement(f"That is {under} than 1 billion tokens, at about four bytes a token.", "rows", every)
    pages: tuple[Selector, ...] = (("domain", None, None),)
    yield Statement(
        f"It was made from {_many(_rows(facts, 'domain'), 'document')} of {_many(_size(facts, 'domain'), 'byte')}.",
        "rows",
        pages,
    )
    _, last = _period(facts)
    when = f"The latest page was fetched at {last}." if last else "No page says when it was fetched."
    yield Statement(when, "rows", pages)
    yield _given(facts, "continues", "Whether data is still collected")
    for row in _of(facts, "language"):
        text = f"Language {row['key']}: {_many(row['rows'], row['kind'])}."
        yield Statement(text, "rows", (("language", row["key"], row["kind"]),))


def _origin(facts: Facts, row: Row) -> str:
    return facts.origins.get(row["key"]) or ("crawled" if row["detail"] in WEB_KINDS else "")


def _sources(facts: Facts, section: str) -> Iterator[Statement]:
    found = False
    for row in _of(facts, "source"):
        origin = _origin(facts, row)
        place, what = _ORIGINS.get(origin, ("2.6", "origin not stated (exports.origins)"))
        if place == section:
            found = True
            text = f"{row['key']} ({what}): {_many(row['rows'], row['kind'])}, {_many(row['size'], 'byte')}."
            yield Statement(text, "rows", (("source", row["key"], row["kind"]),))
    if not found:
        yield Statement("No source of this kind is in the training content.", "settings", setting="exports.origins")


def _crawled(facts: Facts) -> Iterator[Statement]:
    yield from _sources(facts, "2.3")
    yield _given(facts, "crawlers", "Crawlers, their purpose and behaviour")
    domains = sorted(_of(facts, "domain"), key=lambda row: (-row["size"], row["key"]))
    pages: tuple[Selector, ...] = (("domain", None, None),)
    first, last = _period(facts)
    if first:
        yield Statement(f"The pages were fetched between {first} and {last}.", "rows", pages)
    is_small = facts.publisher.get("size") == "small"
    shown = domains[: shown_domains(len(domains), is_small=is_small)]
    rule = "the top 5 % or 1,000, whichever is lower" if is_small else "the top 10 %"
    if domains:
        text = f"Pages come from {_many(len(domains), 'domain')}; these are {rule} by bytes of text: {len(shown):,}."
        yield Statement(text, "rows", pages)
    for row in shown:
        text = f"{row['key']}: {_many(row['rows'], 'document')}, {_many(row['size'], 'byte')}."
        yield Statement(text, "rows", (("domain", row["key"], row["kind"]),))


def _synthetic(facts: Facts) -> Iterator[Statement]:
    for row in _of(facts, "synthetic"):
        text = f"{row['key']} wrote {_many(row['rows'], row['kind'])}, {_many(row['size'], 'byte')}."
        yield Statement(text, "rows", (("synthetic", row["key"], row["kind"]),))
    yield _given(facts, "synthetic", "How the models above came to be, where the provider trained them")


def _opt_outs(facts: Facts) -> Iterator[Statement]:
    respected = facts.documents.get("respect_opt_outs", False)
    text = (
        "Reservations in pages, headers and files of sites were looked for, and each page that has one was left out."
        if respected
        else "Reservations were not respected, and pages that have one are not counted."
    )
    yield Statement(text, "settings", setting="documents.respect_opt_outs")
    for row in _of(facts, "opt-out"):
        done = "refused before a row was made" if row["kind"] == "refused" else "withdrawn after they were read"
        text = f"{row['key']} reserved {_many(row['rows'], 'document')}: {done}."
        yield Statement(text, "rows", (("opt-out", row["key"], row["kind"]),))
    for row in _of(facts, "rule of a site"):
        text = f"{_many(row['rows'], 'site')} reserved pages by {row['key']}."
        yield Statement(text, "rows", (("rule of a site", row["key"], row["kind"]),))
    for row in _of(facts, "forgotten"):
        text = f"Forgotten with all that was made from it, and kept out: {row['rows']:,} by {row['key']}."
        yield Statement(text, "rows", (("forgotten", row["key"], row["kind"]),))
    yield _given(facts, "copyright_policy", "Copyright policy")


def _removed(facts: Facts) -> Iterator[Statement]:
    for row in _of(facts, "refused"):
        text = f"Refused as {row['key']}: {_many(row['rows'], 'refused')} of the sources."
        yield Statement(text, "rows", (("refused", row["key"], row["kind"]),))
    if not facts.documents.get("replace_personal_data", False):
        text = "Personal data in pages was not looked for."
        yield Statement(text, "settings", setting="documents.replace_personal_data")
    for row in _of(facts, "personal data"):
        times, pages = _many(row["size"], "time"), _many(row["rows"], "document")
        text = f"Personal data of the kind {row['key']} was replaced {times} in {pages}."
        yield Statement(text, "rows", (("personal data", row["key"], row["kind"]),))
    rules = ", ".join(facts.documents.get("quality") or ())
    yield Statement(f"Rules of quality that pages had to pass: {rules or 'none'}.", "settings", (), "documents.quality")
    checks = ", ".join(facts.checks) or "none"
    yield Statement(f"Checks that answers had to pass: {checks}.", "settings", setting="verdicts.required")
    yield _given(facts, "illegal_content", "Further measures against illegal content")


def _others(facts: Facts) -> Iterator[Statement]:
    looked = ", ".join(facts.benchmarks) or "none"
    yield Statement(f"Benchmarks whose prompts were looked for: {looked}.", "settings", setting="benchmarks.paths")
    for row in _of(facts, "licence"):
        text = f"Licence {row['key']}: {_many(row['rows'], row['kind'])}."
        yield Statement(text, "rows", (("licence", row["key"], row["kind"]),))


_WORDS = {
    "document": ("page", "pages"),
    "seed": ("human instruction", "human instructions"),
    "instruction": ("instruction", "instructions"),
    "response": ("answer", "answers"),
    "rewrite": ("page said again", "pages said again"),
    "refused": ("item", "items"),
    "domain": ("domain", "domains"),
    "row": ("row", "rows"),
    "site": ("site", "sites"),
    "text": ("text", "texts"),
    "time": ("time", "times"),
    "byte": ("byte", "bytes"),
}


def _many(count: int, word: str) -> str:
    return f"{count:,} {_WORDS[word][count != 1]}"


def _of(facts: Facts, claim: str) -> list[Row]:
    return [row for row in facts.figures if row["claim"] == claim]


def _rows(facts: Facts, claim: str) -> int:
    return sum(row["rows"] for row in _of(facts, claim))


def _size(facts: Facts, claim: str) -> int:
    return sum(row["size"] for row in _of(facts, claim))


def _period(facts: Facts) -> tuple[str, str]:
    pages = [row for row in _of(facts, "domain") if row["first"]]
    return min((row["first"] for row in pages), default=""), max((row["last"] for row in pages), default="")
