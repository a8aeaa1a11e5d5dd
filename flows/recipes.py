"""What can stand in `instructions.recipes`, `scores.judges` and `responses.way`, as the files say it themselves.

The first two are programs, the third are ways to answer, of one prompt.
"""

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from wellspring.tasks.contracts.headings import Blanks, Heading
from wellspring.tasks.contracts.plugins import JUDGING
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import answering, recipes
from wellspring.tasks.spine.running.answering import Answering
from wellspring.tasks.spine.running.recipes import Recipe


def listed(settings: Settings) -> list[dict[str, Any]]:
    """Return what `described` says first of each by name; also of those in the profile's folders."""
    return [_facts(_found(name, settings), settings) for name in _names(settings)]


def described(name: str, settings: Settings) -> dict[str, Any]:
    """Return all that a recipe's files say.

    Args:
        name: The recipe.
        settings: Whose folders of plug-ins are looked through, and whose knobs are shown.

    Returns:
        `name`, `system`, `paper`, `runs` (`before answers`, `answers` of a way to answer, or `after answers` of a
        judge), `takes`, `makes`, `most_calls` (of an input, with the profile's knobs), `real_model` (what it was run
        with and what came, or ""); `about` (its docstring), `roles` (each with who plays it), `knobs` (each with
        `name`, `default`, `description`), `prompts` (each with `heading`, `system`, `user`, `examples`), `example` (an
        answer to each, as the stand-in gives it).

    Raises:
        UsageError: There is no such recipe; the hint names the nearest.
    """
    found = _found(name, settings)
    facts = _facts(found, settings) | {"about": inspect.getdoc(found.module) or "", "knobs": list(_knobs(found.module))}
    if isinstance(found, Answering):
        form = found.method.template
        prompt = {"heading": name, "system": form.system, "user": form.user, "examples": []}
        return facts | {"roles": ["responder"], "prompts": [prompt], "example": {}}
    return facts | {
        "roles": [role if role == player else f"{role} ({player})" for role, player in found.players.items()],
        "prompts": [_prompt(heading) for heading in found.headings.values()],
        "example": {heading.name: said for heading in found.headings.values() if (said := _said(heading))},
    }


def _names(settings: Settings) -> list[str]:
    return sorted({*recipes.names(settings), *JUDGING.names(settings.plugins), *answering.names(settings)})


def _found(name: str, settings: Settings) -> Recipe | Answering:
    if name not in (known := _names(settings)):
        raise recipes.unknown(name, known)
    if name in answering.names(settings):
        return answering.find(name, settings)
    if (program := recipes.find(name, settings, recipes.room_of(name, settings))) is None:
        raise recipes.unknown(name, known)
    return program


def _facts(found: Recipe | Answering, settings: Settings) -> dict[str, Any]:
    module = found.module
    facts = {"paper": module.PAPER, "real_model": getattr(module, "REAL_MODEL", "")}
    if isinstance(found, Answering):
        shape = {"takes": "instructions", "makes": ["responses"], "most_calls": settings.responses.draws}
        return facts | {"name": found.method.name, "system": "", "runs": "answers"} | shape
    return facts | {
        "name": found.name,
        "system": module.SYSTEM,
        "runs": "after answers" if found.is_judge else "before answers",
        "takes": module.TAKES,
        "makes": list(module.MAKES),
        "most_calls": found.most_calls,
    }


def _knobs(module: ModuleType) -> Iterator[dict[str, Any]]:
    for name, knob in module.Knobs.model_fields.items() if hasattr(module, "Knobs") else ():
        default = None if knob.is_required() else knob.get_default(call_default_factory=True)
        yield {"name": name, "default": default, "description": knob.description or ""}


def _said(of: Heading) -> str:
    """Return the first example of a heading, filled in."""
    if not of.examples:
        return ""
    blanks = Blanks(of.examples[0])
    return blanks.substitute({name: f"[{name}]" for name in blanks.get_identifiers()})


def _prompt(of: Heading) -> dict[str, Any]:
    return {"heading": of.name, "system": of.system, "user": of.user, "examples": list(of.examples)}
