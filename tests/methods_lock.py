"""The lock of all code that shapes rows: `tests/data/methods.lock`, a line a module with name, VERSION and digest.

    python -m tests.methods_lock                            # after a VERSION was raised, or a module came or went
    python -m tests.methods_lock --same-rows methods.words  # its code changed, and no row can come out otherwise

A digest is of what a module does: its syntax tree without docstrings, comments, layout and VERSION; the files that it
reads; and what it takes, directly or not, from `contracts`, `recipes` and `judges`. A computed method that it uses has
a line of its own: stages name all of them in their fingerprints (`tasks/spine/running/identity.py`).

A module is named by its room and its file (`methods.quality`), whatever sub-room it lies in: a move changes no line.
"""

import ast
import hashlib
import json
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TASKS = Path(__file__).parents[1] / "tasks"
LOCK = Path(__file__).parent / "data" / "methods.lock"
LOCKED_ROOMS = ("", "methods", "recipes", "judges", "spine")
SAME_ROWS = "same-rows"
_PURE = ("methods", "recipes", "judges", "contracts")
_FOLLOWED = ("recipes", "judges", "contracts")
_IN_FINGERPRINTS = "contracts.settings"  # by their values
_RENEW = "python -m tests.methods_lock"

Symbol = tuple[str, str]  # module, and a name in it


class Line(NamedTuple):
    """What the lock says of a module; `note` is `same-rows` where its code changed under this VERSION."""

    version: int
    digest: str
    note: str = ""


@dataclass(frozen=True)
class Source:
    """A module as it is written: its tree, what its names are bound by, and where imported names come from."""

    name: str
    tree: ast.Module
    bound: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Symbol] = field(default_factory=dict)


def read(name: str, text: str | None = None) -> Source:
    """Read a module of `tasks`, such as `methods.quality`, or a text that stands for it."""
    return source(name, ast.parse(path_of(name).read_text(encoding="utf-8") if text is None else text))


def source(name: str, tree: ast.Module) -> Source:
    """Look a tree through for what its names are."""
    found = Source(name, tree)
    for statement in tree.body:
        for bound in _bound(statement):
            found.bound.setdefault(bound, []).append(statement)
    for statement in tree.body:
        for table in _entered(statement) & found.bound.keys():
            found.bound[table].append(statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("wellspring.tasks."):
            place = (node.module or "").removeprefix("wellspring.tasks").lstrip(".")
            for alias in node.names:
                module = f"{place}.{alias.name}".lstrip(".")
                symbol = (_name(module), "") if _file(module).is_file() else (_name(place), alias.name)
                found.imported[alias.asname or alias.name] = symbol
    return found


_read = cache(read)


def _file(module: str) -> Path:
    return TASKS.joinpath(*module.split(".")).with_suffix(".py")


def _name(module: str) -> str:
    """Return the name in the lock of a module, whose sub-room is left out."""
    room, *inside = module.split(".")
    return ".".join((room, *inside[-1:]))


def path_of(name: str) -> Path:
    """Return the file of a module by its name in the lock: in its room, or in a sub-room."""
    room, _, stem = name.rpartition(".")
    return next((TASKS / room).glob(f"*/{stem}.py") if room else iter(()), _file(name))


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set()
    nodes = list(ast.walk(statement))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _entered(statement: ast.stmt) -> set[str]:
    """Return the tables that a function enters itself in, by a decorator such as `@TABLE.resting_on(...)`."""
    called = [one.func for one in getattr(statement, "decorator_list", ()) if isinstance(one, ast.Call)]
    on = [one.value for one in called if isinstance(one, ast.Attribute)]
    return {one.id for one in on if isinstance(one, ast.Name)}


def used(of: Source, statements: Iterable[ast.AST]) -> set[Symbol]:
    """Return the names of our modules that these statements rest on.

    What they are annotated with does not count, but in a class of another class, whose fields it may read by.
    """
    found: set[Symbol] = set()
    for node in _walked(statements):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module, symbol = of.imported.get(node.value.id, ("", "-"))
            if module and not symbol:
                found.add((module, node.attr))
        elif isinstance(node, ast.Name) and of.imported.get(node.id, ("", ""))[1]:
            found.add(of.imported[node.id])
        elif isinstance(node, ast.Name) and node.id in of.bound:
            found.add((of.name, node.id))
    return found


def _walked(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    due = list(statements)
    while due:
        node = due.pop()
        yield node
        if isinstance(node, ast.ClassDef) and node.bases:
            due += [field.annotation for field in node.body if isinstance(field, ast.AnnAssign)]
        for name, value in ast.iter_fields(node):
            if name not in {"annotation", "returns"}:
                due += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]


def reached(of: Source, rooms: Collection[str]) -> set[Symbol]:
    """Return all names in modules of these rooms that a module rests on, directly or not."""
    found: set[Symbol] = set()
    due = used(of, of.tree.body)
    while due:
        module, symbol = one = due.pop()
        if one in found or module == of.name or _room(module) not in rooms or module == _IN_FINGERPRINTS:
            continue
        found.add(one)
        other = _read(module)
        due |= used(other, other.bound.get(symbol, ()))
    return found


def _room(module: str) -> str:
    return module.rpartition(".")[0]


def digest(of: Source) -> str:
    """Return the digest of what a module does."""
    parts = [_shape(of.tree), sorted([bound, *symbol] for bound, symbol in of.imported.items())]
    if _room(of.name) in _PURE:
        for module, symbol in sorted(reached(of, _FOLLOWED)):
            parts.append([module, symbol, [_shape(one) for one in _read(module).bound.get(symbol, ())]])
        parts += _files(of)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def _shape(node: Any) -> Any:
    """Return a part of a tree as lists; what has no say in what it does is left out, and what is empty, too.

    An import of ours is left out as well: the digest says apart what a module imports, without the place of a file.
    """
    if isinstance(node, list):
        return [_shape(one) for one in node if not _is_silent(one)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, _shape(value)) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return [type(node).__name__, *fields]


def _is_silent(node: Any) -> bool:
    if isinstance(node, ast.ImportFrom):
        return f"{node.module}.".startswith("wellspring.tasks.")
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return _version_of(node) is not None


def _version_of(node: Any) -> int | None:
    is_said = isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["VERSION"]
    found = node.value.value if is_said and isinstance(node.value, ast.Constant) else None
    return found if isinstance(found, int) else None


def _files(of: Source) -> list[Any]:
    """Return what lies beside a module and is read by it: of its name, or named in it."""
    path = path_of(of.name)
    named = {node.value for node in ast.walk(of.tree) if isinstance(node, ast.Constant)}
    files = sorted(file for file in path.parent.glob("[a-z]*.*") if file.suffix in {".toml", ".md", ".txt", ".json"})
    return [[file.name, _content(file)] for file in files if file.stem == path.stem or file.name in named]


def _content(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    return json.dumps(tomllib.loads(text), default=str) if file.suffix == ".toml" else text


def version(name: str) -> int | None:
    """Return the VERSION of a module; None where it has none."""
    return next((found for node in _read(name).tree.body if (found := _version_of(node)) is not None), None)


def names() -> list[str]:
    """Return the modules that have a VERSION, by their room and their file."""
    paths = [path for room in LOCKED_ROOMS for path in (TASKS / room).glob("**/[a-z]*.py" if room else "[a-z]*.py")]
    found = [_name(".".join(path.relative_to(TASKS).with_suffix("").parts)) for path in paths]
    return sorted(name for name in found if version(name) is not None)


def current() -> dict[str, Line]:
    """Return the lock as it would be of the code that is here."""
    return {name: Line(version(name) or 0, digest(_read(name))) for name in names()}


def locked(path: Path = LOCK) -> dict[str, Line]:
    """Read the lock."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    return {name: Line(int(version), digest, *note) for name, version, digest, *note in lines}


def problems(was: Mapping[str, Line], now: Mapping[str, Line]) -> dict[str, str]:
    """Return what is wrong with each module that changed under its VERSION, and what to do."""
    found: dict[str, str] = {}
    for name in now.keys() & was.keys():
        path, old = path_of(name).relative_to(TASKS.parent), was[name].version
        if now[name].version < old:
            found[name] = (
                f"{path}: its VERSION was {old} and is {now[name].version} now, under which other rows may stand in "
                f"stores. Raise it to {old + 1}, then run `{_RENEW}`"
            )
        elif now[name].version == old and now[name].digest != was[name].digest:
            found[name] = (
                f"{path}, a file that it reads or a function that it takes from another module has changed, and its "
                f"VERSION is still {old}: rows that the old code made would count as rows of the new.\nIf any row "
                f"can come out otherwise, set VERSION = {old + 1} in it and run `{_RENEW}`.\nIf none can, run "
                f"`{_RENEW} --same-rows {name}`; its line then says `{SAME_ROWS}`, for whoever reviews the change"
            )
    return dict(sorted(found.items()))


def renewed(was: Mapping[str, Line], now: Mapping[str, Line], same_rows: Collection[str]) -> dict[str, Line]:
    """Return the lock that says what the code is.

    Args:
        was: The lock.
        now: The code.
        same_rows: Modules whose code changed, and whose rows cannot.

    Raises:
        ValueError: A module changed under its VERSION and is not in `same_rows`, or is there and did not change.
    """
    changed = problems(was, now)
    wrong = [said for name, said in changed.items() if name not in same_rows or now[name].version < was[name].version]
    wrong += [f"{name} has not changed under its VERSION: leave it out" for name in same_rows if name not in changed]
    if wrong:
        raise ValueError("\n\n".join(wrong))
    noted = {name for name, line in now.items() if name in was and was[name].note and line.version == was[name].version}
    return {name: line._replace(note=SAME_ROWS * (name in noted | {*same_rows})) for name, line in now.items()}


def main(arguments: list[str], path: Path = LOCK) -> int:
    """Write the lock anew, or say why not."""
    same_rows = arguments[1:]
    if arguments and (arguments[0] != "--same-rows" or not same_rows):
        print(f"usage: {_RENEW} [--same-rows NAME ...]", file=sys.stderr)  # noqa: T201 - a command
        return 2
    try:
        lines = renewed(locked(path), current(), same_rows)
    except ValueError as error:
        print(f"the lock is as it was.\n\n{error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    said = (" ".join(str(part) for part in (name, *line) if part != "") for name, line in sorted(lines.items()))
    path.write_text("".join(f"{line}\n" for line in said), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
