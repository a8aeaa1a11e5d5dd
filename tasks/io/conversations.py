"""Conversation sets: JSONL, Parquet and gzip files of many shapes, read to first user turns and their answers.

Shapes: `{"prompt"}`, `{"instruction", "input"}` (also Dolly's `context` and Self-Instruct's `instances`), chat
`messages`, ShareGPT `conversations`, WildChat and LMSYS `conversation`, Arena pairs (`conversation_a`, `winner`), OASST
trees (`prompt` with `replies`) and OASST flat messages (`parent_id`), prompts.chat rows (`act`, `prompt`).

A line that cannot be used is yielded as a Rejection in its place, and reading goes on: lines in = turns + rejections.
Nothing is trusted: a line is read up to a cap and no further, nesting may be too deep, a file may end in its middle.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.contracts.errors import BrokenError, Rejection

MAX_LINE_BYTES = 16 * 2**20
BATCH_ROWS = 512
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"
_CHATS = ("messages", "conversations", "conversation", "conversation_a")
_TEXTS = ("prompt", "instruction", "question", "query")
_INPUTS = ("input", "context")
_ANSWERS = ("response", "output", "completion", "answer")
_USERS = frozenset({"user", "human", "prompter"})
_ASSISTANTS = frozenset({"assistant", "gpt", "chatgpt", "bing", "bard", "model", "bot"})
_NO_INPUT = frozenset({"", "<noinput>", "no input", "n/a", "none"})
LOOKED_FOR = (*_CHATS, *_TEXTS, "text with parent_id")
_NO_FIELD = "no_usable_field"


@dataclass(frozen=True, slots=True)
class Turn:
    """The first user turn of a conversation, and the answer it got (None when it got none)."""

    text: str
    response: str | None


Item = tuple[int, Turn | Rejection]


def read(path: Path, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Item]:
    """Yield each line (row) of a conversation set with its number, from 1: a turn, or why it is refused.

    Args:
        path: A JSONL or Parquet file, gzipped or not; what it is is read off its first bytes, not its name.
        max_line_bytes: A line that inflates past this is refused, and skipped without being held.

    Raises:
        BrokenError: The file is missing, is neither JSONL nor Parquet, is empty, or no line of it has a usable field;
            the message names the fields it has and those that were looked for.
    """
    usable = 0
    fields: set[str] = set()
    lines = 0
    for line, record in _records(path, max_line_bytes):
        lines = line
        try:
            if isinstance(record, Rejection):
                raise record
            fields.update(str(key) for key in record) if len(fields) < 50 else None  # noqa: PLR2004 - a message's worth
            turn = first_turn(record)
        except Rejection as refused:
            yield line, refused
        else:
            usable += 1
            yield line, turn
    if not usable:
        raise _nothing_usable(path, lines, fields)


def _nothing_usable(path: Path, lines: int, fields: set[str]) -> BrokenError:
    looked_for = f"fields looked for: {', '.join(LOOKED_FOR)}"
    if not lines:
        return BrokenError(f"{path} is empty", hint="give a file with one JSON object a line, or a Parquet file")
    if not fields:
        return BrokenError(
            f"none of the {lines} lines of {path} is a JSON object", hint=f"one object a line; {looked_for}"
        )
    return BrokenError(
        f"none of the {lines} lines of {path} has an instruction; its fields: {', '.join(sorted(fields))}",
        hint=f"rename the field that holds the instruction; {looked_for}",
    )


def _records(path: Path, max_line_bytes: int) -> Iterator[tuple[int, Mapping[str, Any] | Rejection]]:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise BrokenError(f"{path} cannot be read: {error.strerror}", hint="check the path given to --seeds") from error
    if head == _PARQUET_MAGIC:
        yield from _parquet_rows(path)
        return
    with path.open("rb") as stored:
        file: IO[bytes] = gzip.GzipFile(fileobj=stored) if head[:2] == _GZIP_MAGIC else stored  # pyright: ignore[reportAssignmentType]
        yield from _json_lines(file, max_line_bytes)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with pq.ParquetFile(path) as file:
            wanted = [n for n in file.schema_arrow.names if n in _COLUMNS] or file.schema_arrow.names
            line = 0
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    line += 1
                    yield line, row
    except (pa.ArrowException, OSError) as error:
        raise BrokenError(
            f"{path} is a damaged Parquet file: {str(error).splitlines()[0]}", hint="fetch it again; compare its size"
        ) from error


_COLUMNS = frozenset(
    {*_CHATS, *_TEXTS, *_INPUTS, *_ANSWERS, "instances", "winner", "conversation_b", "text", "role", "parent_id"}
)


def _json_lines(file: IO[bytes], max_line_bytes: int) -> Iterator[tuple[int, Mapping[str, Any] | Rejection]]:
    line = 0
    while True:
        line += 1
        try:
            raw = file.readline(max_line_bytes + 1)
            size = len(raw)
            oversize = size > max_line_bytes and not raw.endswith(b"\n")
            while oversize and raw and not raw.endswith(b"\n"):
                raw = file.readline(2**20)
                size += len(raw)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield line, Rejection("damaged_file", f"the compressed stream ends in its middle: {error}")
            return
        if not raw and not size:
            return
        if oversize:
            yield line, Rejection("oversize_line", f"{size} bytes, at most {max_line_bytes}")
        elif raw.strip():
            yield line, _parsed(raw)
        else:
            yield line, Rejection("empty_line")


def _parsed(raw: bytes) -> Mapping[str, Any] | Rejection:
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Rejection("damaged_line", f"not UTF-8 at byte {error.start}")
    except (ValueError, RecursionError) as error:
        return Rejection("damaged_line", f"not JSON: {error}")
    if not isinstance(value, dict):
        return Rejection("damaged_line", f"a JSON {type(value).__name__}, not an object")
    return value


def first_turn(record: Mapping[str, Any]) -> Turn:
    """Return the first user turn of one record of any known shape, and its answer.

    Raises:
        Rejection: `no_usable_field`, none of the fields looked for holds anything; `no_user_turn`, a conversation
            without a user; `starts_with_answer`, what the user said first is lost; `not_a_first_turn`, a reply in a
            tree's flat form; `empty_text`.
    """
    for key in _CHATS:
        if isinstance(record.get(key), Sequence) and not isinstance(record[key], str | bytes):
            turns: Any = record[key]
            if key == "conversation_a" and record.get("winner") == "model_b":
                turns = record.get("conversation_b") or turns
            return _chat(turns)
    if "parent_id" in record and "text" in record:
        if record["parent_id"] is not None:
            raise Rejection("not_a_first_turn", f"parent_id {record['parent_id']}")
        return Turn(_text(record["text"]), None)
    for key in _TEXTS:
        value: Any = record.get(key)
        if isinstance(value, Mapping) and "text" in value:
            return _tree(value)
        if isinstance(value, list):
            return _chat(value)
        if isinstance(value, str):
            return _task(value, record)
    raise Rejection(_NO_FIELD, f"has {', '.join(sorted(str(key) for key in record)) or 'nothing'}")


def _chat(turns: Sequence[Any]) -> Turn:
    spoken = [(_role(turn), _content(turn)) for turn in turns if isinstance(turn, Mapping)]
    spoken = [(role, content) for role, content in spoken if role in _USERS or role in _ASSISTANTS]
    if not any(role in _USERS for role, _ in spoken):
        raise Rejection("no_user_turn", f"{len(turns)} turns")
    if spoken[0][0] in _ASSISTANTS:
        raise Rejection("starts_with_answer", _cleaned(spoken[0][1])[:200])
    answer = spoken[1][1] if len(spoken) > 1 and spoken[1][0] in _ASSISTANTS else None
    return Turn(_text(spoken[0][1]), _answer(answer))


def _role(turn: Mapping[str, Any]) -> str:
    return str(turn.get("role") or turn.get("from") or "").lower()


def _content(turn: Mapping[str, Any]) -> str:
    content = turn.get("content", turn.get("value"))
    if isinstance(content, list):  # parts: [{"type": "text", "text": ...}]
        content = "\n".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _tree(root: Mapping[str, Any]) -> Turn:
    replies = [r for r in root.get("replies") or () if isinstance(r, Mapping) and not r.get("deleted")]
    replies.sort(key=lambda reply: rank if isinstance(rank := reply.get("rank"), int) else len(replies))
    return Turn(_text(root["text"]), _answer(replies[0].get("text")) if replies else None)


def _task(text: str, record: Mapping[str, Any]) -> Turn:
    instances = record.get("instances")
    fields = instances[0] if isinstance(instances, list) and instances and isinstance(instances[0], Mapping) else record
    given = next((fields[key] for key in _INPUTS if isinstance(fields.get(key), str)), "")
    whole = _text(text)
    if given.strip().lower() not in _NO_INPUT:
        whole = f"{whole}\n\n{_cleaned(given)}"
    return Turn(whole, _answer(next((fields[key] for key in _ANSWERS if fields.get(key)), None)))


def _cleaned(text: str) -> str:
    """Replace what no store or file can hold: NUL, and surrogates without their other half."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def _text(value: Any) -> str:
    text = _cleaned(value) if isinstance(value, str) else ""
    if not text:
        raise Rejection("empty_text")
    return text


def _answer(value: Any) -> str | None:
    return (_cleaned(value) or None) if isinstance(value, str) else None
