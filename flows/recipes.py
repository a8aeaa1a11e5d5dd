"""What can stand in `instructions.recipes`: methods of one prompt, and programs with headings, as their files say."""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from wellspring.tasks.contracts.headings import Heading
from wellspring.tasks.contracts.plugins import RECIPES
from wellspring.tasks.contracts.prompting import Template, template
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import recipes


def listed(settings: Settings) -> list[dict[str, Any]]:
    """Return each recipe by name: `name`, `system`, `paper`, `takes`, `makes`; also those of the profile's folders."""
    return [_facts(name, _files(name, settings)[0]) for name in _names(settings)]


def described(name: str, settings: Settings) -> dict[str, Any]:
    """Return all that a recipe's files say.

    Args:
        name: The recipe.
        settings: Whose folders of plug-ins are looked through, and whose knobs are shown.

    Returns:
        What `listed` says of it, and `about` (its docstring), `roles` (whom it asks), `knobs` (each with `name`,
        `default`, `description`) and `prompts` (each with `heading`, `system`, `user`, `examples`).

    Raises:
        UsageError: There is no such recipe; the hint names the nearest.
    """
    if name not in (known := _names(settings)):
        raise recipes.unknown(name, known)
    module, prompts = _files(name, settings)
    return _facts(name, module) | {
        "about": inspect.getdoc(module) or "",
        "roles": list(getattr(module, "ROLES", ("generator",))),
        "knobs": list(_knobs(module)),
        "prompts": [_prompt(heading, of) for heading, of in prompts.items()],
    }


def _names(settings: Settings) -> list[str]:
    return sorted({*recipes.names(settings), *recipes.methods()})


def _files(name: str, settings: Settings) -> tuple[ModuleType, Mapping[str, Template]]:
    """Return the module of a recipe, and its prompts."""
    if program := recipes.find(name, settings):
        return program.module, program.headings
    return importlib.import_module(f"{RECIPES.room}.{name}"), {name: template(RECIPES.room, name)}


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


def _prompt(heading: str, of: Template) -> dict[str, Any]:
    examples = list(of.examples) if isinstance(of, Heading) else []
    return {"heading": heading, "system": of.system, "user": of.user, "examples": examples}
