"""Benchmark files, as prompts to look for: JSONL (compressed or not) or Parquet, one prompt a row or a turn."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.corpora import corpus_files

MAX_ROW_BYTES = 2**22
FIELDS = ("prompt", "instruction", "question", "turns", "query", "messages", "conversations", "text", "input")


def read(paths: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield (benchmark, row id, prompt) of every file; each turn of a dialogue is a prompt.

    Args:
        paths: Name -> file.

    Raises:
        BrokenError: A file is not there, or has no prompts: a benchmark that is not looked for is no protection.
    """
    for name, path in sorted(paths.items()):
        file = corpus_files.look(path)
        count = 0
        for number, fields in enumerate(_rows(path, file)):
            row_id = str(fields.get("id") or fields.get("question_id") or fields.get("key") or number)
            for prompt in _prompts(fields):
                count += 1
                yield name, row_id, prompt
        if not count:
            raise BrokenError(
                f"benchmark `{name}` ({path}) has no prompts", hint=f"a row needs one of: {', '.join(FIELDS)}"
            )


def _rows(path: str, file: corpus_files.File) -> Iterator[Mapping[str, Any]]:
    if file.kind not in {"jsonl", "parquet"}:
        raise BrokenError(f"{path} is {file.kind}, no benchmark", hint="give JSONL or Parquet, one prompt a row")
    for item in corpus_files.objects(path, file.kind, 0, file.extent, MAX_ROW_BYTES):
        if isinstance(item, corpus_files.Damage):
            raise BrokenError(
                f"{path} at {item.offset}: {item.reason}, {item.detail}", hint="repair the benchmark file"
            )
        yield item.fields


def _prompts(fields: Mapping[str, Any]) -> Iterator[str]:
    value = next((fields[key] for key in FIELDS if fields.get(key)), None)
    if isinstance(value, str):
        extra = fields.get("input") if "instruction" in fields else None
        yield f"{value}\n{extra}" if isinstance(extra, str) and extra else value
    for turn in cast("list[Any]", value) if isinstance(value, list) else []:
        if isinstance(turn, str):
            yield turn
        elif isinstance(turn, dict):
            said = cast("dict[str, Any]", turn)
            if said.get("role", said.get("from", "user")) in {"user", "human"}:
                yield str(said.get("content") or said.get("value") or "")
