"""No two programs share six lines of code: what several need stands once, in `tasks/contracts`."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = [path for room in ("recipes", "judges") for path in sorted((ROOT / "tasks" / room).glob("*.py"))]
LINES = 6


def code(text: str) -> list[str]:
    """Return the lines of a module without imports, docstrings, fields, constants such as VERSION, and gaps."""
    left_out = {number for node in ast.walk(ast.parse(text)) for number in _left_out(node)}
    lines = enumerate(text.splitlines(), start=1)
    return [line.strip() for number, line in lines if number not in left_out and line.strip()]


def _left_out(node: ast.AST) -> Iterator[int]:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_told = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper() and not node.col_offset
    is_field = isinstance(node, ast.AnnAssign) and node.value is None
    if is_text or is_told or is_field or isinstance(node, ast.Import | ast.ImportFrom):
        yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)  # pyright: ignore[reportAttributeAccessIssue]


def shared(texts: dict[str, str]) -> dict[str, set[str]]:
    """Return the runs of six lines that stand in more than one module, with the names of these."""
    found = defaultdict[str, set[str]](set)
    for name, text in texts.items():
        lines = code(text)
        for start in range(len(lines) - LINES + 1):
            found["\n".join(lines[start : start + LINES])].add(name)
    return {lines: names for lines, names in found.items() if len(names) > 1}


def test_no_two_programs_share_six_lines() -> None:
    assert shared({path.stem: path.read_text(encoding="utf-8") for path in ROOMS}) == {}


def test_six_lines_are_found_wherever_they_stand_and_five_are_none() -> None:
    six = "x = f(0)\nx = f(1)\n\nx = f(2)\nx = f(3)\nx = f(4)\nx = f(5)\n"
    found = shared({"a": f'"""A."""\nVERSION = 1\n{six}', "b": f"import re\n{six}VERSION = 2\n"})

    assert [*found.values()] == [{"a", "b"}]
    assert shared({"a": six, "b": six.replace("x = f(5)", "y = 0")}) == {}
