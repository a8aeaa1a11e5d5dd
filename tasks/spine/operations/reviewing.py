"""What can be seen of a program file without running it: its examples, chance and clocks in it, what it catches.

Each finding is a line of text that begins with its place, such as `x.py:12`.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from wellspring.tasks.contracts import parsing
from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.headings import Blanks, Heading
from wellspring.tasks.spine.running.recipes import Recipe

_SAMPLES = ("What matters about a well that was dug by hand?", "1")  # put into the blanks of an example, in turn
_OUTSIDE = frozenset(
    {
        "aiohttp",
        "asyncio",
        "concurrent",
        "duckdb",
        "glob",
        "http",
        "httpx",
        "httpx2",
        "io",
        "multiprocessing",
        "openai",
        "os",
        "pathlib",
        "polars",
        "queue",
        "random",
        "requests",
        "secrets",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    }
)
_OURS_OUTSIDE = ("wellspring.tasks.io", "wellspring.tasks.spine", "wellspring.flows", "numpy.random")
_CLOCKS = frozenset({"now", "utcnow", "today"})
_FILES = frozenset({"open", "input", "exec", "eval", "__import__"})
_ALL = frozenset({"Exception", "BaseException"})
_ORDERED_BY = frozenset({"list", "tuple", "enumerate", "iter", "join", "zip", "map", "extend"})

_ORDER_FREE = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum"})


def source(recipe: Recipe) -> tuple[ast.Module, str]:
    """Return a program's tree, and the name of its file."""
    file = str(recipe.module.__file__)
    with open(file, encoding="utf-8") as text:  # noqa: PTH123 - one line
        return parsing.module(text.read()), f"{recipe.name}.py"


def forms(recipe: Recipe) -> dict[str, type[Answered] | type[Text]]:
    """Return the class that each heading is asked with, where both are written out in the file."""
    tree, _ = source(recipe)
    return {heading: form for heading, form in _asked(tree, recipe.module) if heading in recipe.headings}


def unread_examples(recipe: Recipe) -> Iterator[str]:
    """Yield where an example is not read by the class that the program asks it with, or all of a heading are alike."""
    asked = forms(recipe)
    for heading in recipe.headings.values():
        where = f"{recipe.name}.md: `# {heading.name}`"
        if len({*heading.examples}) == 1:
            yield f"{where}: all its examples are alike"
        form = asked.get(heading.name)
        for number, example in enumerate(heading.examples, start=1):
            if form is not None and (fault := _fault(form, heading, example)):
                yield f"{where}: example {number} is not read as {form.__name__}: {fault}"


def _asked(tree: ast.Module, module: ModuleType) -> Iterator[tuple[str, type[Answered] | type[Text]]]:
    """Yield what is asked by which class, where both are written out."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        at = int(isinstance(call.func, ast.Attribute) and call.func.attr == "draws")
        said, *rest = call.args[at : at + 2] or [None]
        form = rest[0] if rest else next((one.value for one in call.keywords if one.arg == "form"), None)
        found = getattr(module, form.id, None) if isinstance(form, ast.Name) else None
        if not (isinstance(said, ast.Constant) and isinstance(said.value, str)):
            continue
        if isinstance(found, type) and issubclass(found, Answered | Text):
            yield said.value, found


def _fault(form: type[Answered] | type[Text], heading: Heading, example: str) -> str:
    """Return why an example is not read, or nothing; its blanks may be texts or numbers."""
    faults = list[str]()
    blanks = Blanks(example)
    for sample in _SAMPLES:
        text = blanks.substitute(dict.fromkeys(blanks.get_identifiers(), sample))
        try:
            form.read(text, heading) if issubclass(form, Answered) else Text.read(text)
        except Rejection as refusal:
            faults.append(f"{refusal.reason}, {refusal.detail}".rstrip(", "))
        else:
            return ""
    return faults[0]


def undetermined(recipe: Recipe) -> Iterator[str]:
    """Yield where a program may come another way when it is started again: clocks, chance, files, wide `except`s."""
    tree, file = source(recipe)
    for node in ast.walk(tree):
        for said in _seen(node):
            yield f"{file}:{getattr(node, 'lineno', 1)}: {said}"


def _seen(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from _imported(one.name for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from _imported([node.module or "", *(f"{node.module}.{one.name}" for one in node.names)])
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in {"np", "numpy"} and node.attr == "random":
            yield "it draws by chance: `ask.drawn` draws, and records it"
        if node.value.id in {"datetime", "date"} and node.attr in _CLOCKS:
            yield f"it reads the clock: `{node.value.id}.{node.attr}`"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FILES:
        yield f"it calls `{node.func.id}`"
    elif isinstance(node, ast.Try):
        yield from _caught(node)


def _imported(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name in _OUTSIDE or name.startswith((*(f"{one}." for one in _OUTSIDE), *_OURS_OUTSIDE)):
            yield f"it imports `{name}`: `ask` gives all that is not in its row"


def _caught(node: ast.Try) -> Iterator[str]:
    """Say which handlers around an ask catch all."""
    if any(isinstance(one, ast.Await) for part in node.body for one in ast.walk(part)):
        for handler in node.handlers:
            if handler.type is None or _ALL & {one.id for one in ast.walk(handler.type) if isinstance(one, ast.Name)}:
                yield f"line {handler.lineno} catches all, a budget that is used up, too: catch `Rejection`"


def unordered(recipe: Recipe) -> Iterator[str]:
    """Yield where the order of a set, or a hash, decides: both differ from process to process."""
    tree, file = source(recipe)
    named = {target.id for node in ast.walk(tree) for target in _bound_to_sets(node)}

    free = {one for node in ast.walk(tree) for one in _without_order(node)}

    def is_set(node: ast.AST) -> bool:
        return _makes_set(node) or (isinstance(node, ast.Name) and node.id in named)

    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"hash", "id"}:
            yield f"{file}:{node.lineno}: `{node.func.id}` differs from process to process"
        for looped in _looped(node) if node not in free else ():
            if is_set(looped):
                yield f"{file}:{getattr(looped, 'lineno', 1)}: a set has no order of its own: sort it"


def _makes_set(node: ast.AST) -> bool:
    made_by = node.func if isinstance(node, ast.Call) else None
    is_called = isinstance(made_by, ast.Name) and made_by.id in {"set", "frozenset"}
    return is_called or isinstance(node, ast.Set | ast.SetComp)


def _bound_to_sets(node: ast.AST) -> list[ast.Name]:
    if isinstance(node, ast.Assign) and _makes_set(node.value):
        return [target for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and node.value is not None and _makes_set(node.value):
        return [node.target] if isinstance(node.target, ast.Name) else []
    return []


def _without_order(node: ast.AST) -> list[ast.comprehension]:
    """Return the loops of a node whose order does not tell in what they make."""
    if isinstance(node, ast.SetComp):
        return node.generators
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ORDER_FREE:
        return [one for arg in node.args if isinstance(arg, ast.GeneratorExp | ast.ListComp) for one in arg.generators]
    return []


def _looped(node: ast.AST) -> list[ast.expr]:
    """Return what a node goes through in its order."""
    if isinstance(node, ast.For | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Starred):
        return [node.value]
    if isinstance(node, ast.Call):
        of: Callable[..., str] = lambda one: getattr(one, "id", getattr(one, "attr", ""))  # noqa: E731
        return node.args if of(node.func) in _ORDERED_BY else []
    return []
