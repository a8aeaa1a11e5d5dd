"""What can stand in `instructions.recipes` and `scores.judges`, as files say: programs, and recipes of one prompt."""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from wellspring.tasks.contracts.headings import Blanks, Heading
from wellspring.tasks.contracts.plugins import JUDGING, RECIPES
from wellspring.tasks.contracts.prompting import Template, template
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.recipes import Recipe


def listed(settings: Settings) -> list[dict[str, Any]]:
    """Return what `described` says first of each by name; also of those in the profile's folders."""
    return [_facts(name, settings, _files(name, settings)[0]) for name in _names(settings)]


def described(name: str, settings: Settings) -> dict[str, Any]:
    """Return all that a recipe's files say.

    Args:
        name: The recipe.
        settings: Whose folders of plug-ins are looked through, and whose knobs are shown.

    Returns:
        `name`, `system`, `paper`, `runs` (`before answers`, or `after answers` of a judge), `takes`, `makes`,
        `most_calls` (of an input, with the profile's knobs), `real_model` (what it was run with and what came, or "");
        `about` (its docstring), `roles` (each with who plays it), `knobs` (each with `name`, `default`, `description`),
        `prompts` (each with `heading`, `system`, `user`, `examples`), `example` (an answer to each, as the stand-in
        gives it).

    Raises:
        UsageError: There is no such recipe; the hint names the nearest.
    """
    if name not in (known := _names(settings)):
        raise recipes.unknown(name, known)
    module, prompts = _files(name, settings)
    program = _program(name, settings)
    players = program.players if program else {"generator": "generator"}
    return _facts(name, settings, module) | {
        "about": inspect.getdoc(module) or "",
        "roles": [role if role == player else f"{role} ({player})" for role, player in players.items()],
        "knobs": list(_knobs(module)),
        "prompts": [_prompt(heading, of) for heading, of in prompts.items()],
        "example": {heading: said for heading, of in prompts.items() if (said := _said(of))},
    }


def _names(settings: Settings) -> list[str]:
    return sorted({*recipes.names(settings), *recipes.methods(), *JUDGING.names(settings.plugins)})


def _program(name: str, settings: Settings) -> Recipe | None:
    if name in recipes.methods():
        return None
    return recipes.find(name, settings, recipes.room_of(name, settings))


def _files(name: str, settings: Settings) -> tuple[ModuleType, Mapping[str, Template]]:
    """Return the module of a recipe, and its prompts."""
    if program := _program(name, settings):
        return program.module, program.headings
    return importlib.import_module(f"{RECIPES.room}.{name}"), {name: template(RECIPES.room, name)}


def _facts(name: str, settings: Settings, module: ModuleType) -> dict[str, Any]:
    program = _program(name, settings)
    first = " ".join((inspect.getdoc(module) or "").partition("\n\n")[0].split())
    return {
        "name": name,
        "system": getattr(module, "SYSTEM", re.split(r"(?<=[.?!])\s", first)[0]),
        "paper": module.PAPER,
        "runs": "after answers" if program and program.is_judge else "before answers",
        "takes": getattr(module, "TAKES", None) or module.INPUTS,
        "makes": list(getattr(module, "MAKES", ("instructions",))),
        "most_calls": program.most_calls if program else 1,
        "real_model": getattr(module, "REAL_MODEL", ""),
    }


def _knobs(module: ModuleType) -> Iterator[dict[str, Any]]:
    for name, knob in module.Knobs.model_fields.items() if hasattr(module, "Knobs") else ():
        default = None if knob.is_required() else knob.get_default(call_default_factory=True)
        yield {"name": name, "default": default, "description": knob.description or ""}


def _said(of: Template) -> str:
    """Return the first example of a heading, filled in."""
    if not isinstance(of, Heading) or not of.examples:
        return ""
    blanks = Blanks(of.examples[0])
    return blanks.substitute({name: f"[{name}]" for name in blanks.get_identifiers()})


def _prompt(heading: str, of: Template) -> dict[str, Any]:
    examples = list(of.examples) if isinstance(of, Heading) else []
    return {"heading": heading, "system": of.system, "user": of.user, "examples": examples}
