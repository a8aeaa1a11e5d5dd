"""What can stand in `instructions.recipes`: methods of one prompt, and programs with headings, as their files say."""

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from wellspring.tasks.contracts import headings
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.headings import Heading
from wellspring.tasks.contracts.prompting import Template, template

ROOM, JUDGES = headings.ROOMS


def listed() -> list[dict[str, Any]]:
    """Return each recipe by name: `name`, `system`, `paper`, `takes`, `makes`."""
    return [_facts(name, _module(name)) for name in _names()]


def described(name: str) -> dict[str, Any]:
    """Return all that a recipe's files say.

    Args:
        name: The recipe.

    Returns:
        What `listed` says of it, and `about` (its docstring), `roles` (whom it asks), `knobs` (each with `name`,
        `default`, `description`) and `prompts` (each with `heading`, `system`, `user`, `examples`).

    Raises:
        UsageError: There is no such recipe; the hint names the nearest.
    """
    if name not in (known := _names()):
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        guess = f"did you mean {' or '.join(f'`{one}`' for one in near)}? " if near else ""
        raise UsageError(f"there is no recipe `{name}`", hint=f"{guess}`wellspring recipes` lists those there are")
    module = _module(name)
    return _facts(name, module) | {
        "about": inspect.getdoc(module) or "",
        "roles": list(getattr(module, "ROLES", ("generator",))),
        "knobs": list(_knobs(module)),
        "prompts": [_prompt(heading, of) for heading, of in _prompts(name).items()],
    }


def _names() -> list[str]:
    """Return the names of all recipes; of our room those that say what they take, and all that are registered."""
    known = headings.known().keys() - set(_files(JUDGES))
    return sorted(known | {name for name in _files(ROOM) if hasattr(_module(name), "INPUTS")})


@cache
def _files(room: str) -> list[str]:
    return [file.name[:-3] for file in resources.files(room).iterdir() if re.fullmatch(r"[a-z]\w*\.md", file.name)]


def _module(name: str) -> ModuleType:
    """Return the module of a recipe: of our room, else the file beside its prompts.

    Raises:
        UsageError: There is no such file.
    """
    if name in _files(ROOM):
        return importlib.import_module(f"{ROOM}.{name}")
    file = Path(str(headings.known()[name].file)).with_suffix(".py")
    loaded = (one for one in list(sys.modules.values()) if getattr(one, "__file__", None) == str(file))
    return next(loaded, None) or _loaded(file)


def _loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"wellspring_recipe_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"{file} is not there", hint="a program is a Python file with its prompts beside it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _facts(name: str, module: ModuleType) -> dict[str, Any]:
    first = " ".join((inspect.getdoc(module) or "").partition("\n\n")[0].split())
    return {
        "name": name,
        "system": getattr(module, "SYSTEM", re.split(r"(?<=[.?!])\s", first)[0]),
        "paper": module.PAPER,
        "takes": getattr(module, "TAKES", None) or module.INPUTS,
        "makes": list(getattr(module, "MAKES", ("instructions",))),
    }


def _knobs(module: ModuleType) -> Iterator[dict[str, Any]]:
    for name, knob in module.Knobs.model_fields.items() if hasattr(module, "Knobs") else ():
        default = None if knob.is_required() else knob.get_default(call_default_factory=True)
        yield {"name": name, "default": default, "description": knob.description or ""}


def _prompts(name: str) -> Mapping[str, Template]:
    return headings.known().get(name) or {name: template(ROOM, name)}


def _prompt(heading: str, of: Template) -> dict[str, Any]:
    examples = list(of.examples) if isinstance(of, Heading) else []
    return {"heading": heading, "system": of.system, "user": of.user, "examples": examples}
