"""Python source to a tree, also where another thread parses at the same moment.

In Python 3.11 parsers in two threads share a count of their depth: where one is interrupted, both may fail with
"AST constructor recursion depth mismatch" on source that is sound (CPython issue 106905, mended in 3.12 and 3.13).
"""

import ast
import threading
from collections.abc import Callable
from typing import TypeVar

TRIES = 5  # a library in another thread parses without our lock
Tree = TypeVar("Tree", ast.Module, ast.Expression)
_ONE_AT_A_TIME = threading.Lock()


def module(source: str) -> ast.Module:
    """Parse a module.

    Raises:
        SyntaxError: It is no Python; ValueError, RecursionError and MemoryError as `ast.parse` raises them.
        SystemError: It failed for another thread each time.
    """
    return _again(lambda: ast.parse(source))


def expression(source: str) -> ast.expr:
    """Parse one expression; raises what `module` does."""
    return _again(lambda: ast.parse(source, mode="eval")).body


def _again(parse: Callable[[], Tree]) -> Tree:
    with _ONE_AT_A_TIME:
        for _ in range(TRIES - 1):
            try:
                return parse()
            except SystemError:
                continue
        return parse()
