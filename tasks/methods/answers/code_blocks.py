"""The fenced code of an answer, and whether it parses. Nothing here runs it (tasks/io/sandbox.py does)."""

import json
import re
import tomllib
import warnings
from collections.abc import Callable
from typing import NamedTuple

from wellspring.tasks.contracts import parsing

VERSION = 1
MOST_CHARS = 100_000  # a parser gets no more than this of a text that we did not write

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+#.-]*)([^\n]*)$", re.MULTILINE)


class CodeBlock(NamedTuple):
    """A fenced block: its language in lower case (empty when it names none) and its code."""

    language: str
    code: str


def code_blocks(text: str) -> list[CodeBlock]:
    """Return the closed fenced blocks of a text, in order."""
    found, opening = list[CodeBlock](), None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif not fence[1] and not fence[2].strip(" \t"):
            found.append(CodeBlock(opening[1].lower(), text[opening.end() + 1 : fence.start()]))
            opening = None
    return found


def _python(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a parser's opinion of an escape in somebody's string is not ours to show
        if "\0" in code:  # a ValueError up to Python 3.11.3
            raise SyntaxError("source code string cannot contain null bytes")
        parsing.module(code)


_PARSERS: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("python", "py", "python3"), _python),
    **dict.fromkeys(("json",), json.loads),
    **dict.fromkeys(("toml",), tomllib.loads),
}


def syntax_error(block: CodeBlock) -> str | None:
    """Return what is wrong with a block's syntax, "" if nothing is, None if we cannot parse its language.

    A Python session (`>>> `) and a JSON block with an ellipsis are illustrations, not code: None.
    """
    parser = _PARSERS.get(block.language)
    if parser is None or len(block.code) > MOST_CHARS or re.search(r"(?m)^\s*>>> |\.\.\.\s*[,}\]]", block.code):
        return None
    try:
        parser(block.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"[:200]
    return ""
