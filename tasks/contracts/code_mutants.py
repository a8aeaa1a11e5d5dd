r"""Code changed by rule: programs that do the same, and programs that are wrong in one place.

    mutants("def f(x):\n    return x + 1\n", "f") -> [Mutant("operator", "def f(x):\n    return x - 1"), ...]

A change that makes no difference to what a function gives is no mutant: who has a sandbox tells these apart.
"""

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wellspring.tasks.contracts import parsing
from wellspring.tasks.contracts.variants import Mutant

_SWAPS: Mapping[type[ast.AST], type[Any]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
STUBS = ("None", "0", "1", "''", "[]", "{}", "False", "True")
_HOSTS = (ast.BinOp, ast.AugAssign, ast.BoolOp, ast.Compare)


def has_function(source: str, function: str) -> bool:
    """Return whether a source is Python that defines a function of this name."""
    try:
        tree = parsing.module(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        return False
    return any(isinstance(one, ast.FunctionDef) and one.name == function for one in tree.body)


def stubs(source: str, function: str) -> list[str]:
    """Return the source with a function that does nothing: it gives a constant, or one of its arguments."""
    tree = parsing.module(source)
    names = [one.arg for one in _function(tree, function).args.args]
    return [_with_body(tree, function, [_returning(value)]) for value in (*STUBS, *names)]


def same(source: str, function: str) -> list[str]:
    """Return sources that do the same: written anew, after another name, and called through another function."""
    tree = parsing.module(source)
    plain = ast.unparse(tree)
    inner = copy.deepcopy(tree)
    for node in ast.walk(inner):
        if isinstance(node, ast.FunctionDef | ast.Name):
            field = "name" if isinstance(node, ast.FunctionDef) else "id"
            setattr(node, field, f"{function}_inner" if getattr(node, field) == function else getattr(node, field))
    through = f"{ast.unparse(inner)}\n\ndef {function}(*given):\n    return {function}_inner(*given)"
    return [plain, f"UNUSED = 0\n\n{plain}", through]


def mutants(source: str, function: str, most: int) -> list[Mutant]:
    """Return sources that are wrong in one place, each once.

    Args:
        source: Python that defines the function.
        function: What is called.
        most: So many of a kind, spread over the source.

    Returns:
        Kind and source: `operator`, `off_by_one`, `negated`, `early_return`, `prints`.
    """
    tree, plain = parsing.module(source), ast.unparse(parsing.module(source))
    found = dict.fromkeys(one for one in _changed(tree, function) if one.text != plain)
    kinds = dict.fromkeys(one.kind for one in found)
    return [one for kind in kinds for one in _spread([some for some in found if some.kind == kind], most)]


def _spread(found: Sequence[Mutant], most: int) -> list[Mutant]:
    step = max(len(found) / most, 1)
    return [found[int(number * step)] for number in range(min(most, len(found)))]


def _changed(tree: ast.Module, function: str) -> Iterator[Mutant]:
    for at, node in enumerate(ast.walk(tree)):
        if isinstance(node, _HOSTS):
            yield from _swapped(tree, at, node)
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            for other in (node.value + 1, node.value - 1):
                yield Mutant("off_by_one", _with(tree, at, "value", other))
        elif isinstance(node, ast.If | ast.While | ast.IfExp):
            test = ast.UnaryOp(op=ast.Not(), operand=copy.deepcopy(node.test))
            yield Mutant("negated", _with(tree, at, "test", test))
        elif isinstance(node, ast.Return) and node.value is not None:
            yield Mutant("prints", _printing(tree, at))
    yield from _early(tree, function)


def _swapped(tree: ast.Module, at: int, node: Any) -> Iterator[Mutant]:
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            if other := _SWAPS.get(type(op)):
                ops = [other() if number == place else one for number, one in enumerate(node.ops)]
                yield Mutant("operator", _with(tree, at, "ops", ops))
    elif other := _SWAPS.get(type(node.op)):  # pyright: ignore[reportUnknownArgumentType] - of any class with one
        yield Mutant("operator", _with(tree, at, "op", other()))


def _early(tree: ast.Module, function: str) -> Iterator[Mutant]:
    """Yield the function with an end before each of its statements but the first, and at the end of a loop's turn."""
    of = _function(tree, function)
    names = {node.id for node in ast.walk(of) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    given = [node.value for node in ast.walk(of) if isinstance(node, ast.Return)]
    value = next((one.id for one in given if isinstance(one, ast.Name) and one.id in names), "None")
    for place in range(1, len(of.body)):
        yield Mutant("early_return", _with_body(tree, function, [*of.body[:place], _returning("None")]))
    for at, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.For | ast.While):
            yield Mutant("early_return", _with(tree, at, "body", [*node.body, _returning(value)]))


def _function(tree: ast.Module, function: str) -> ast.FunctionDef:
    return next(one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == function)


def _returning(value: str) -> ast.stmt:
    return ast.Return(value=ast.Name(id=value, ctx=ast.Load()))


def _with(tree: ast.Module, at: int, field: str, value: Any) -> str:
    """Return the source with a field of one node changed."""
    other = copy.deepcopy(tree)
    setattr(list(ast.walk(other))[at], field, value)
    return ast.unparse(ast.fix_missing_locations(other))


def _with_body(tree: ast.Module, function: str, body: list[ast.stmt]) -> str:
    other = copy.deepcopy(tree)
    _function(other, function).body = body
    return ast.unparse(ast.fix_missing_locations(other))


def _printing(tree: ast.Module, at: int) -> str:
    other = copy.deepcopy(tree)
    told: Any = list(ast.walk(other))[at]
    call = ast.Call(func=ast.Name(id="print", ctx=ast.Load()), args=[told.value], keywords=[])
    told.value = call
    return ast.unparse(ast.fix_missing_locations(other))
