r"""Tables recast as what somebody asks and what is answered: a mapping of columns and templates, in the profile.

    [seeds.recasts.plain_german]
    files = "deplain*.csv"                   # names of files among seeds.paths: CSV or TSV with a head, JSONL, Parquet
    prompts = ["Sag das in leichter Sprache: {original}", "Schreibe einfacher.\n\n{original}"]
    response = "{simple}"

Each row becomes one request by one of the templates, which a digest of the row chooses, so the answers are people's.
`when` takes the rows with these values alone, `labels` puts words in place of values, `each` names a column that holds
a list of rows. `switch` makes the cell `switched`: a text in which what a list of rows says is put in other words, such
as entities in another language. `verbalize` names the column of a label: `said` is then the word for it, and `rule`
says which word stands for which label: its own (`natural`), one that says nothing (`neutral`), or that of another label
(`unnatural`), by which one sees whether a model follows what it is told or what it expects. Without `labels` of that
column there is neither. A file may have several recasts. A row that lacks a cell is refused.

This is how these bring rows, and ours differs from all in that the templates are the user's: sets for biomedicine,
MedS-Ins, TrialInstruct, EshopInstruct, DEplain and arXivEdits recast corpora by templates of people or of a model;
EntityCS switches the entities of sentences of Wikipedia by Wikidata, and trains on these, not on requests; Verbalizer
manipulation (arXiv 2307.10558) is an evaluation, with verbalizers of its own for each of nine sets.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, cast

from wellspring.tasks.contracts.settings import Recast
from wellspring.tasks.io.corpora import streams, tables

SYSTEM = (
    "Instruction tuning in biomedical NLP",
    "MedS-Ins",
    "Panacea / TrialInstruct",
    "LLaSA / EshopInstruct",
    "DEplain",
    "arXivEdits",
    "EntityCS",
    "Verbalizer manipulation",
)
NEUTRAL = ("foo", "bar", "baz", "qux", "quux", "corge", "grault", "garply", "waldo", "fred")
_NAME = re.compile(r"\{([^{}\n]+)\}")
Cells = Mapping[str, Any]


class LackingError(Exception):
    """A row lacks a cell that a template names."""


def of(recasts: Mapping[str, Recast], uri: str) -> dict[str, Recast]:
    """Return the recasts of a file."""
    name = uri.replace("\\", "/").rpartition("/")[2]
    return {key: one for key, one in recasts.items() if fnmatchcase(name, one.files)}


def records(recasts: Mapping[str, Recast], uri: str) -> Iterator[dict[str, str]]:
    """Yield what the rows of a file become: `prompt`, and `response` and `system` where the recast has them.

    In place of a row that lacks a cell stands `lacks`, with its name.
    """
    own = of(recasts, uri)
    with streams.inflated(uri) as read:
        file = io.BytesIO(b"".join(iter(lambda: read(streams.READ_BYTES), b"")))
        for row in tables.rows(re.sub(r"\.(gz|zst|lz4)$", "", uri.lower()), file):
            for one in own.values():
                yield from recast(one, row)


def recast(by: Recast, row: Cells) -> Iterator[dict[str, str]]:
    """Yield what a row becomes by a recast.

    Args:
        by: The recast.
        row: Its cells, by column.
    """
    inner: Any = row.get(by.each) if by.each else [{}]
    for part in cast("list[Any]", inner) if isinstance(inner, list) else []:
        cells: dict[str, Any] = {**row, **cast("dict[str, Any]", part if isinstance(part, dict) else {"item": part})}
        if any(_text(cells.get(name)) != value for name, value in by.when.items()):
            continue
        cells |= {name: known.get(_text(cells.get(name)), cells.get(name)) for name, known in by.labels.items()}
        cells |= _verbalized(by, _text(cells.get(by.verbalize))) if by.verbalize else {}
        cells |= {"switched": _switched(by.switch, cells)} if by.switch else {}
        digest = hashlib.sha256(
            json.dumps(cells, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        ).digest()
        wish = by.prompts[int.from_bytes(digest[:8], "big") % len(by.prompts)]
        try:
            made = {"prompt": _filled(wish, cells), "response": _filled(by.response, cells), "system": by.system}
            yield {name: text for name, text in made.items() if text}
        except LackingError as lacking:
            yield {"lacks": str(lacking)}


def _filled(template: str, cells: Cells) -> str:
    def cell(found: re.Match[str]) -> str:
        if text := _text(cells.get(found[1])):
            return text
        raise LackingError(found[1])

    return _NAME.sub(cell, template)


def _text(cell: Any) -> str:
    if isinstance(cell, list):
        return ", ".join(filter(None, map(_text, cast("list[Any]", cell))))
    return str(cell).strip() if isinstance(cell, str | int | float) else ""


def _verbalized(by: Recast, label: str) -> dict[str, str]:
    """Return the word for a label, and the rule that gives each label its word; nothing for what is no label."""
    labels = list(dict.fromkeys(by.labels.get(by.verbalize, {}).values()))
    if label not in labels or (by.verbalizer == "neutral" and len(labels) > len(NEUTRAL)):
        return {}
    turned = {"natural": labels, "neutral": list(NEUTRAL), "unnatural": labels[1:] + labels[:1]}[by.verbalizer]
    words = dict(zip(labels, turned, strict=False))
    rule = ", ".join(f'"{word}" for {one}' for one, word in words.items())
    return {"said": words[label], "rule": f"Answer with one word: {rule}."}


def _switched(by: Mapping[Any, str], cells: Cells) -> str:
    """Return a text with what a list says in other words, the longest first; empty where nothing was switched."""
    text, rows = _text(cells.get(by["text"])), cells.get(by["list"])
    known = {_text(one.get(by["find"])): _text(one.get(by["by"])) for one in rows or () if isinstance(one, dict)}
    known = {find: other for find, other in known.items() if find and other}
    if not known:
        return ""
    wanted = "|".join(re.escape(find) for find in sorted(known, key=lambda find: (-len(find), find)))
    switched = re.sub(rf"(?<!\w)(?:{wanted})(?!\w)", lambda found: known[found[0]], text)
    return switched if switched != text else ""
