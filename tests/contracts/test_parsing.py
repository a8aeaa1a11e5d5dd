"""Source is parsed also where another thread parses at the same moment."""

import ast

import pytest

from wellspring.tasks.contracts import parsing


@pytest.mark.parametrize("fails", [1, parsing.TRIES - 1])
def test_what_fails_for_another_thread_is_parsed_again(monkeypatch: pytest.MonkeyPatch, fails: int) -> None:
    real, left = ast.parse, [SystemError("AST constructor recursion depth mismatch (before=186, after=234)")] * fails

    def parse(source: str, mode: str = "exec") -> ast.AST:
        if left:
            raise left.pop()
        return real(source, mode=mode)

    monkeypatch.setattr(ast, "parse", parse)

    assert ast.unparse(parsing.module("x = 1")) == "x = 1"
    assert ast.unparse(parsing.expression("1+2")) == "1 + 2"


def test_what_is_no_python_is_said_at_once() -> None:
    with pytest.raises(SyntaxError):
        parsing.module("x = = 1")
