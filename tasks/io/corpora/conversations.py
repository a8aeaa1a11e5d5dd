"""Conversation sets of many shapes, read to first user turns and the turns about them.

Files are of all the formats that corpora have (`corpus_files.py`): JSONL, Parquet, CSV, Arrow, a JSON array; plain text
is an instruction a line. Columns may have any names: a profile says which are which, and common ones are guessed.

Shapes: `{"prompt"}`, `{"instruction", "input"}` (also Dolly's `context` and Self-Instruct's `instances`), chat
`messages`, ShareGPT `conversations`, WildChat and LMSYS `conversation`, Arena pairs (`conversation_a`, `winner`), OASST
trees (`prompt` with `replies`) and OASST flat messages (`parent_id`), prompts.chat rows (`act`, `prompt`). Beside any
of them may stand `system` or `system_prompt`, and `tools` or `functions`; beside one message `ranked`, its answers with
the best first, or each with its `rank`.

A line that cannot be used is yielded as a Rejection in its place, and reading goes on: lines in = turns + rejections.
Nothing is trusted: a line is read up to a cap and no further, nesting may be too deep, a file may end in its middle.
"""

import itertools
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wellspring.tasks.contracts import charsets, outside
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.io.corpora import corpus_files, own_formats, streams, turns, unpacking
from wellspring.tasks.io.corpora.own_formats import NONE, Own
from wellspring.tasks.io.corpora.streams import Place
from wellspring.tasks.io.corpora.turns import ASSISTANTS, USERS, cleaned

MAX_LINE_BYTES = 16 * 2**20
MOST_FIELDS = 50  # that a message names
Columns = Mapping[Any, str]  # a field of ours -> the name that it has in a file
_CHATS = ("messages", "conversations", "conversation", "conversation_a")
_TEXTS = ("prompt", "instruction", "question", "query")
_INPUTS = ("input", "context")
_ANSWERS = ("response", "output", "completion", "answer")
_SYSTEMS = ("system", "system_prompt")
_TOOLS = ("tools", "functions")
_NO_INPUT = frozenset({"", "<noinput>", "no input", "n/a", "none"})
_ALIASES = {  # names that sets give to fields of ours, in lower case and without marks
    "messages": ("chat", "dialog", "dialogue", "turns", "chatmessages"),
    "prompt": (
        *("instructions", "questions", "questiontext", "inputtext", "usermessage", "usermsg", "userprompt", "user"),
        *("human", "task", "request", "message", "problem", "inputs", "source", "src", "q", "frage", "input"),
        *("prompt", "instruction", "question", "query", "prompttext", "text"),
    ),
    "response": (
        *("responses", "answers", "answertext", "outputtext", "assistantmessage", "assistant", "bot", "gpt", "reply"),
        *("target", "targets", "solution", "outputs", "a", "response", "output", "completion", "answer"),
    ),
    "system": ("systemprompt", "system", "systemmessage"),
}
LOOKED_FOR = (*_CHATS, *_TEXTS, "text with parent_id")


@dataclass(frozen=True, slots=True)
class Turn:
    """The first user turn of a conversation, and what stands about it.

    Attributes:
        text: What the user says first.
        response: The answer it got; None where it got none.
        system: What stands before it; '' where nothing does.
        later: The turns after it, whole, as a JSON list; '' where there are none.
        tools: The tools that are offered, as a JSON list; '' where there are none.
    """

    text: str
    response: str | None
    system: str = ""
    later: str = ""
    tools: str = ""


Item = tuple[int, Turn | Rejection]


def files(paths: Sequence[str]) -> list[Place]:
    """Return the files of conversation sets: of a folder all that it holds, such as those of `save_to_disk`.

    Raises:
        BrokenError: A folder holds none.
    """
    every = [file for path in paths for file in (corpus_files.expand(path) if Path(path).is_dir() else [path])]
    return [streams.place_of(file) for file in every]


def read(
    path: Place,
    first: int = 1,
    last: int | None = None,
    max_line_bytes: int = MAX_LINE_BYTES,
    own: Own = NONE,
    columns: Columns = MappingProxyType({}),
) -> Iterator[Item]:
    """Yield lines (rows, records) of a conversation set with their numbers, from 1: a turn, or why it is refused.

    Args:
        path: A file of any format; what it is is read off its first bytes, where these tell.
        first: The first line wanted; those before are passed over unparsed.
        last: The last line wanted; None reads to the end.
        max_line_bytes: A line that inflates past this is refused, and skipped without being held.
        own: Formats of the user's; they come before ours.
        columns: A field of ours -> the name that it has in the file.

    Raises:
        BrokenError: The file is missing, or is a damaged Parquet file.
    """
    for line, record in _records(path, max_line_bytes, first, last, own):
        try:
            if isinstance(record, Rejection):
                raise record
            turn = first_turn(renamed(record, columns))
        except Rejection as refused:
            yield line, refused
        else:
            yield line, turn


def renamed(record: Mapping[str, Any], columns: Columns = MappingProxyType({})) -> Mapping[str, Any]:
    """Return a record under the names of ours: as `columns` says, or as they can be guessed where it has none of them.

    Args:
        record: A line or a row.
        columns: A field of ours -> the name that it has.
    """
    if columns:
        return {**record, **{ours: record[theirs] for ours, theirs in columns.items() if theirs in record}}
    return {**record, **{ours: record[theirs] for ours, theirs in guessed([str(key) for key in record]).items()}}


def guessed(names: Sequence[str]) -> dict[str, str]:
    """Return a field of ours -> the column that may hold it; empty where one of ours is there under its own name."""
    if any(name in {*_CHATS, *_TEXTS, "text"} for name in names):
        return {}
    known = {re.sub(r"[^a-z]", "", name.lower()): name for name in reversed(names)}
    found = {ours: next((known[one] for one in theirs if one in known), "") for ours, theirs in _ALIASES.items()}
    return {ours: theirs for ours, theirs in found.items() if theirs} if found["prompt"] or found["messages"] else {}


def columns_of(path: Place, own: Own = NONE, columns: Columns = MappingProxyType({})) -> dict[str, str]:
    """Return which columns of a file are read as fields of ours under other names, as its first record shows.

    Raises:
        BrokenError: The file is missing, or is a damaged Parquet file.
    """
    for _, record in _records(path, MAX_LINE_BYTES, own=own):
        if not isinstance(record, Rejection):
            return {ours: theirs for ours, theirs in columns.items() if theirs in record} or guessed(list(record))
    return {}


def survey(
    path: Place, max_line_bytes: int = MAX_LINE_BYTES, own: Own = NONE, columns: Columns = MappingProxyType({})
) -> int:
    """Return how many lines (rows) a conversation set has, after making sure that it is one.

    Raises:
        BrokenError: As `make_sure` says.
    """
    make_sure(path, max_line_bytes, own, columns)
    return _count(path, max_line_bytes, own)


def make_sure(
    path: Place, max_line_bytes: int = MAX_LINE_BYTES, own: Own = NONE, columns: Columns = MappingProxyType({})
) -> None:
    """Make sure that a file is a conversation set; it is read up to its first line of use.

    Raises:
        BrokenError: The file is missing, is empty, or no line of it has a usable field; the message names the fields
            it has and those that were looked for.
    """
    fields: set[str] = set()
    lines = 0
    for line, record in _records(path, max_line_bytes, own=own):
        lines = line
        if isinstance(record, Rejection):
            continue
        if len(fields) < MOST_FIELDS:
            fields.update(str(key) for key in record)
        if _is_usable(renamed(record, columns)):
            return
    raise _nothing_usable(path, lines, fields)


def _is_usable(record: Mapping[str, Any]) -> bool:
    try:
        first_turn(record)
    except Rejection:
        return False
    return True


def _count(path: Place, max_line_bytes: int, own: Own) -> int:
    """Count without parsing; where a compressed stream ends in its middle, that end is a line, too."""
    kind = _kind(path, own)
    if kind == "parquet":
        with streams.stored(path) as stored, pq.ParquetFile(stored) as file:
            return file.metadata.num_rows
    if _is_format(kind):
        return sum(1 for _ in own.records(kind, str(path), 0, sys.maxsize, max_line_bytes))
    return max((line for line, _ in _lines(path, max_line_bytes)), default=0)


def _kind(path: Place, own: Own) -> str:
    try:
        with streams.stored(path):
            return corpus_files.kind_of(str(path), own)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise BrokenError(f"{str(path)!r} cannot be read: {error}", hint="check the path given to --seeds") from error


def _is_format(kind: str) -> bool:
    return kind not in {*corpus_files.OURS, corpus_files.UNKNOWN}


def _nothing_usable(path: Place, lines: int, fields: set[str]) -> BrokenError:
    looked_for = f"fields looked for: {', '.join(LOOKED_FOR)}"
    if not lines:
        return BrokenError(f"{path} is empty", hint="give a file with one JSON object a line, or a Parquet file")
    if not fields:
        return BrokenError(
            f"none of the {lines} lines of {path} is a JSON object", hint=f"one object a line; {looked_for}"
        )
    return BrokenError(
        f"none of the {lines} lines of {path} has an instruction; its fields: {', '.join(sorted(fields))}",
        hint=f'name the field that holds it: columns = {{prompt = "..."}} under [seeds] in the profile; {looked_for}',
    )


def _records(
    path: Place, max_line_bytes: int, first: int = 1, last: int | None = None, own: Own = NONE
) -> Iterator[tuple[int, Mapping[str, Any] | Rejection]]:
    end, kind = sys.maxsize if last is None else last, _kind(path, own)
    if kind == "parquet":
        yield from _parquet_rows(path, first, end)
    elif _is_format(kind):
        found = enumerate(own.records(kind, str(path), 0, sys.maxsize, max_line_bytes), start=1)
        yield from ((line, one.fields) for line, one in found if first <= line <= end)
    else:
        reading = _asking(path) if kind == "text" else _parsed
        for line, raw in _ranged(path, max_line_bytes, first, end):
            yield line, raw if isinstance(raw, Rejection) else reading(raw)


def _parquet_rows(path: Place, first: int, end: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with streams.stored(path) as stored, pq.ParquetFile(stored) as file:
            names = file.schema_arrow.names
            is_ours = any(name in {*_CHATS, *_TEXTS, "text"} for name in names)
            wanted = [n for n in names if n in _COLUMNS] if is_ours else names
            if why := unpacking.bomb(file, wanted):
                raise BrokenError(f"{path} unpacks to what no machine can hold: {why}", hint="take it out of the seeds")
            line = 0
            for batch in (
                one for group in range(file.num_row_groups) for one in unpacking.batches(file, group, wanted)
            ):
                if line + batch.num_rows >= first:
                    yield from ((n, row) for n, row in enumerate(unpacking.rows(batch), line + 1) if first <= n <= end)
                line += batch.num_rows
                if line >= end:
                    return
    except (pa.ArrowException, OSError) as error:
        raise BrokenError(
            f"{path} is a damaged Parquet file: {str(error).splitlines()[0]}", hint="fetch it again; compare its size"
        ) from error


_COLUMNS = frozenset(
    {
        *(*_CHATS, *_TEXTS, *_INPUTS, *_ANSWERS, *_SYSTEMS, *_TOOLS),
        *("ranked", "instances", "winner", "conversation_b", "text", "role", "parent_id"),
    }
)


class _Left(threading.local):
    """A file of lines that this thread read a range of, the line after that, and what comes from there on."""

    last: tuple[str, int, Iterator[tuple[int, bytes | Rejection]]] | None = None


_left = _Left()


def _ranged(path: Place, max_line_bytes: int, first: int, end: int) -> Iterator[tuple[int, bytes | Rejection]]:
    """Yield a range of lines; a thread that read the range before goes on where that ended."""
    state = streams.state(str(path))
    now, (known, at, rest) = f"{max_line_bytes} {state}", _left.last or ("", 0, iter(()))
    _left.last = None
    if known != now or at > first:
        rest = _lines(path, max_line_bytes)
    for line, raw in rest:
        if line > end:
            _left.last = (now, end + 1, itertools.chain([(line, raw)], rest)) if state else None
            return
        if line >= first:
            yield line, raw


def _lines(path: Place, max_line_bytes: int) -> Iterator[tuple[int, bytes | Rejection]]:
    line = 0
    for _, length, raw in corpus_files.lines(str(path), 0, sys.maxsize, max_line_bytes):
        line += raw if isinstance(raw, int) else 1
        if isinstance(raw, int):
            yield line, Rejection("repeated_line", f"{raw} more of the line before, up to this one")
        elif isinstance(raw, Rejection) and raw.reason == "too_large":
            yield line, Rejection("oversize_line", f"{length} bytes, at most {max_line_bytes}")
        elif isinstance(raw, Rejection):
            yield line, Rejection("damaged_file", f"the compressed stream ends in its middle: {raw.detail}")
        else:
            yield line, raw if raw.strip() else Rejection("empty_line")


def _asking(path: Place) -> Callable[[bytes], Mapping[str, Any] | Rejection]:
    """Return how a line of a plain text is read: it is an instruction, in the charset of the file."""
    _, codec = charsets.decode(own_formats.beginning(str(path)), "text/plain")
    if codec.startswith(("utf-16", "utf-32")):
        return lambda _: Rejection("damaged_line", f"the file is in {codec}: save it as UTF-8")
    return lambda raw: {"prompt": raw.decode(codec, "replace").lstrip("\ufeff")}


def _parsed(raw: bytes) -> Mapping[str, Any] | Rejection:
    try:
        value = outside.loads(raw)
    except UnicodeDecodeError as error:
        return Rejection("damaged_line", f"not UTF-8 at byte {error.start}")
    except json.JSONDecodeError as error:
        return Rejection("damaged_line", f"not JSON: {error.msg.removesuffix(' at')}, at character {error.pos + 1}")
    except ValueError as error:
        return Rejection("damaged_line", f"not JSON: {error}")
    if not isinstance(value, dict):
        return Rejection("damaged_line", f"a JSON {type(value).__name__}, not an object")
    return value


def first_turn(record: Mapping[str, Any]) -> Turn:
    """Return the first user turn of one record of any known shape, and what stands about it.

    Raises:
        Rejection: `no_usable_field`, none of the fields looked for holds anything; `no_user_turn`, a conversation
            without a user; `starts_with_answer`, what the user said first is lost; `not_a_first_turn`, a reply in a
            tree's flat form; `empty_text`; `oversize_line`, the other turns are longer than a line may be.
    """
    for key in _CHATS:
        if isinstance(record.get(key), Sequence) and not isinstance(record[key], str | bytes):
            chat: Any = record[key]
            if key == "conversation_a" and record.get("winner") == "model_b":
                chat = record.get("conversation_b") or chat
            return _chat(record, chat)
    if "parent_id" in record and "text" in record:
        if record["parent_id"] is not None:
            raise Rejection("not_a_first_turn", f"parent_id {record['parent_id']}")
        return _whole(record, _text(record["text"]), None)
    for key in _TEXTS:
        value: Any = record.get(key)
        if isinstance(value, Mapping) and "text" in value:
            return _tree(record, value)
        if isinstance(value, list):
            return _chat(record, value, _answers(record))
        if isinstance(value, str):
            return _task(record, value)
    raise Rejection("no_usable_field", f"has {', '.join(sorted(str(key) for key in record)) or 'nothing'}")


def _whole(
    record: Mapping[str, Any], text: str, response: str | None, before: Sequence[Any] = (), after: Sequence[Any] = ()
) -> Turn:
    """Put what stands before and after a first user turn beside it."""
    system = turns.system([record.get(name) for name in _SYSTEMS], before)
    later = turns.dumped(turns.kept(after))
    tools = turns.dumped([one for name in _TOOLS for one in turns.listed(record.get(name))])
    if (size := len(system) + len(later) + len(tools)) > MAX_LINE_BYTES:
        raise Rejection("oversize_line", f"{size} characters beside its first turn, at most {MAX_LINE_BYTES}")
    return Turn(text, response, system, later, tools)


def _chat(record: Mapping[str, Any], chat: Any, answers: Sequence[Any] = ()) -> Turn:
    listed: Sequence[Any] = chat if isinstance(chat, Sequence) and not isinstance(chat, str | bytes) else ()
    named = [(place, turns.role(turn), turn) for place, turn in enumerate(listed) if isinstance(turn, Mapping)]
    spoken = [one for one in named if one[1] in USERS or one[1] in ASSISTANTS]
    if not any(role in USERS for _, role, _ in spoken):
        raise Rejection("no_user_turn", f"{len(listed)} turns")
    first, role, turn = spoken[0]
    if role in ASSISTANTS:
        raise Rejection("starts_with_answer", cleaned(_content(turn))[:200])
    answer = _content(spoken[1][2]) if len(spoken) > 1 and spoken[1][1] in ASSISTANTS else None
    return _whole(record, _text(_content(turn)), _answer(answer), listed[:first], [*listed[first + 1 :], *answers])


def _content(turn: Mapping[str, Any]) -> str:
    content = turn.get("content", turn.get("value"))
    if isinstance(content, list):  # parts: [{"type": "text", "text": ...}]
        content = "\n".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _tree(record: Mapping[str, Any], root: Mapping[str, Any]) -> Turn:
    """Go down a tree by the best reply to each message."""
    later: list[Mapping[str, Any]] = []
    reply = _best(root)
    while reply is not None:
        later.append(reply)
        reply = _best(reply)
    answer = _answer(later[0].get("text")) if later else None
    told = [
        {"role": ("assistant", "user")[place % 2]} | {name: one[name] for name in ("role", "text") if one.get(name)}
        for place, one in enumerate(later)
    ]
    return _whole(record, _text(root["text"]), answer, after=told)


def _best(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    given = message.get("replies")
    found = [r for r in given if isinstance(r, Mapping) and not r.get("deleted")] if isinstance(given, list) else []
    ranked = lambda reply: rank if isinstance(rank := reply.get("rank"), int) else len(found)  # noqa: E731
    return min(found, key=ranked, default=None)


def _task(record: Mapping[str, Any], text: str) -> Turn:
    instances = record.get("instances")
    fields = instances[0] if isinstance(instances, list) and instances and isinstance(instances[0], Mapping) else record
    given = next((fields[key] for key in _INPUTS if isinstance(fields.get(key), str)), "")
    whole = _text(text)
    if given.strip().lower() not in _NO_INPUT:
        whole = f"{whole}\n\n{cleaned(given)}"
    if ranked := _ranked(record.get("ranked")):
        turn = {"role": "assistant", "content": ranked[0], turns.RANKED: ranked[1:]}
        return _whole(record, whole, ranked[0], after=[turn])
    answer = _answer(next((fields[key] for key in _ANSWERS if fields.get(key)), None))
    return _whole(record, whole, answer, after=_answers(fields))


def _ranked(value: Any) -> list[str]:
    """Return answers, the best first: in the order they stand in, or by the `rank` that each of them has."""
    listed: list[Any] = value if isinstance(value, list) else []
    if all(isinstance(one, Mapping) and isinstance(one.get("rank"), int | float) for one in listed):
        listed = sorted(listed, key=lambda one: one["rank"])
    texts = (
        next((one[key] for key in (*_ANSWERS, "text", "content") if one.get(key)), "")
        if isinstance(one, Mapping)
        else one
        for one in listed
    )
    return list(dict.fromkeys(filter(None, (cleaned(one) for one in texts if isinstance(one, str)))))


def _answers(fields: Mapping[str, Any]) -> list[Any]:
    """Return the turns that a field of an answer holds: a list of turns, or one."""
    value = next((fields[key] for key in _ANSWERS if fields.get(key)), None)
    if isinstance(value, list) and all(isinstance(one, Mapping) and turns.role(one) for one in value):
        return value
    return [{"role": "assistant", "content": value}]


def _text(value: Any) -> str:
    text = cleaned(value) if isinstance(value, str) else ""
    if not text:
        raise Rejection("empty_text")
    return text


def _answer(value: Any) -> str | None:
    return (cleaned(value) or None) if isinstance(value, str) else None
