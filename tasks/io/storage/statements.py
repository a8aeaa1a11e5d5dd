"""The statements of `sql/`: one a file, and those that are alike for all nouns once, written for one called `nouns`.

Where a noun has no file of its own for a question, that of `sql/nouns/` stands for it: the noun's declaration
(`contracts/stages.py`) says what comes in place of `nouns` and of the words that begin with `noun_`. Where it leaves
one of them empty, the noun has no such statement. `each_<part>` stands for that part of all tables, in one union.
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.stages import SAID, STAGES, Edge, Stage

_SQL = Path(__file__).parents[3] / "sql"
_ALIKE = _SQL / "nouns"
_PARAMETER = re.compile(r"\$([a-z_]+)")
_EACH = re.compile(r"\beach_([a-z_]+)\b")
_WORD = re.compile(r"(?:\bnouns\.)?\bnoun_[a-z]+\b")
_NOUN = re.compile(r"\b(valid_|unaudited_|)nouns\b")
_VIEWS = ("fetched", "unaudited", "lapsed", "standing", "valid", "audited")
# Views of all tables, each made of those before it.
_GRAPH = (
    *("inputs", "edges", "origins", "excluded", "noted", "nodes", "things", "judgements", "read", "written"),
    "writers",
)
_BESIDE = {table: stage for stage in STAGES.values() for table in stage.beside}


@lru_cache(maxsize=512)
def statement(name: str) -> tuple[str, frozenset[str]]:
    """Return the text of a statement, by its name as `noun/question`, and the names of its parameters.

    Raises:
        BrokenError: There is none of that name.
    """
    text = _text(name)
    if text is None:
        raise BrokenError(
            f"there is no query `{name}`",
            hint=f"queries of that table: {', '.join(queries(name.split('/', maxsplit=1)[0]))}",
        )
    whole = _EACH.sub(lambda found: f"({_union(found[1])})", text)
    return whole, frozenset(_PARAMETER.findall(_body(whole)))


def queries(noun: str) -> list[str]:
    """Return the names of a noun's own queries, as `noun/question`."""
    return sorted(f"{noun}/{path.stem}" for path in (_SQL / noun).glob("*.sql"))


def views() -> list[str]:
    """Return the views in the order in which they can be made."""
    of_tables = [f"{noun}/{view}" for noun in records.TABLES for view in _VIEWS if _text(f"{noun}/{view}") is not None]
    return [*of_tables, "responses/ways", *queries("inputs"), *(f"lineage/{view}" for view in _GRAPH)]


def _text(name: str) -> str | None:
    """Return what a noun's own file says, or what that of all nouns says of this one; None where neither does."""
    table, _, question = name.partition("/")
    own = _SQL / f"{name}.sql"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    return next(_alike(table, question), None)


def _body(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def _union(part: str) -> str:
    """Return a part of all tables in one query: each has its own, or that of all nouns."""
    parts: list[str] = []
    for table in records.TABLES:
        own = _SQL / table / f"{part}.sql"
        found = [own.read_text(encoding="utf-8")] if own.is_file() else _alike(table, part)
        parts += [_body(text).strip().removesuffix(";") for text in found]
    return "\nUNION ALL\n".join(parts)


def _alike(table: str, question: str) -> Iterator[str]:
    """Yield what the file of all nouns says of one; of a file about edges, once for each of them."""
    path = _ALIKE / f"{question}.sql"
    if not path.is_file() or not (known := _words(table)):
        return
    body = _body(path.read_text(encoding="utf-8"))
    stage, found = STAGES.get(table), set(_WORD.findall(body))
    edges = [_of_edge(stage, edge) for edge in stage.edges] if stage and "noun_relation" in found else [{}]
    for words in ({**known, **edge} for edge in edges):
        if all(words.get(word) for word in found):
            text = _WORD.sub(lambda match, words=words: words[match[0]], body)
            yield _NOUN.sub(rf"\g<1>{table}", text)


def _words(table: str) -> Mapping[str, str]:
    """Return what stands for the words of a table; nothing of one that no declaration names."""
    if table in _BESIDE:
        return {"nouns.noun_subject": f"{table}.{_BESIDE[table].id}"}
    if table in SAID:
        said = f"{table}.{SAID[table]}"
        return {"noun_said": SAID[table], "nouns.noun_said": said, "nouns.noun_words": said}
    return _of_stage(STAGES[table]) if table in STAGES else {}


def _of_stage(stage: Stage) -> Mapping[str, str]:
    method = _columns(stage, [stage.method])
    words = _columns(stage, stage.words)
    return {
        "noun_singular": stage.singular,
        "nouns.noun_id": _columns(stage, [stage.id]),
        "nouns.noun_subject": _columns(stage, [stage.subject]),
        "nouns.noun_input": _columns(stage, [stage.input]),
        "nouns.noun_method": method,
        "nouns.noun_fingerprint": method if stage.is_by_method else "",
        "nouns.noun_published": method if stage.is_by_method else "''",
        "nouns.noun_words": words,
        "nouns.noun_read": words if stage.words_are == "read" else "",
        "nouns.noun_written": words if stage.words_are == "written" else "",
        "nouns.noun_said": "" if stage.words_are else _columns(stage, stage.words[:1]),
        "nouns.noun_telling": _told(stage, stage.telling),
        "nouns.noun_note": _told(stage, stage.note),
    }


def _of_edge(stage: Stage, edge: Edge) -> Mapping[str, str]:
    column, otherwise = _columns(stage, [edge.column]), "TRUE"
    is_list = str(records.schema(stage.noun).field(edge.column).type).startswith("list")
    if edge.unless is not None:
        one, many = (_columns(stage, [name]) for name in edge.unless)
        otherwise = f"{column} IS DISTINCT FROM {one} AND NOT list_contains({many}, {column})"
    return {
        "noun_relation": edge.relation,
        "nouns.noun_parent": f"unnest({column})" if is_list else column,
        "nouns.noun_column": column,
        "nouns.noun_otherwise": otherwise,
    }


def _columns(stage: Stage, names: Sequence[str]) -> str:
    return ", ".join(f"{stage.noun}.{name}" for name in names if name)


def _told(stage: Stage, form: str) -> str:
    """Return SQL for `by {model}`, or for `{text:160}`, of which these are the first characters."""
    parts: list[str] = []
    for words, name, characters, _ in string.Formatter().parse(form):
        parts += [f"'{words}'"] if words else []
        if name:
            column = _columns(stage, [name])
            parts.append(f"left({column}, {int(characters)})" if characters else column)
    return parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})" if parts else ""
