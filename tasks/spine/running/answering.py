"""Ways to answer an instruction, by name: ours, and those of a user's own (`contracts/plugins.py`)."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import ANSWERS
from wellspring.tasks.contracts.prompting import PromptedMethod
from wellspring.tasks.contracts.settings import Section, Settings
from wellspring.tasks.spine.running import blame, recipes

_WANTED = ("PAPER", "VERSION", "SCHEMA", "prompt", "parse")
_CHOSEN_BY = {"answer_grounded": "responses.grounded", "answer_for_pairs": "preferences.draws"}


@dataclass(frozen=True, slots=True)
class Answering:
    """A way to answer.

    Attributes:
        method: Its prompt and its parser.
        module: Its file.
        settings: What its prompt is given beside a row: its knobs where it has some, else the section `responses`.
        changed: The knobs that are not as the file has them.
    """

    method: PromptedMethod
    module: ModuleType
    settings: Section
    changed: dict[str, Any]


def names(settings: Settings) -> dict[str, str]:
    """Return every way that can be named, and where it is from: `ours`, a file, or an installed package."""
    return ANSWERS.names(settings.plugins)


def find(name: str, settings: Settings) -> Answering:
    """Return the way of this name with its knobs.

    Raises:
        UsageError: There is none, another setting chooses it, its file is not whole, or a knob is not as it should be.
    """
    if name in _CHOSEN_BY:
        raise UsageError(f"`{name}` is no value of responses.way", hint=f"it is chosen by {_CHOSEN_BY[name]}")
    if (found := ANSWERS.with_all(name, _WANTED, settings.plugins)) is None:
        known = list(names(settings))
        raise ANSWERS.unknown(name, known, f"there are: {', '.join(known)}")
    module, folder = found
    blame.programs.add(str(Path(str(module.__file__)).absolute()))
    method = prompting.method(name, module, prompting.template_of(folder / f"{name}.md", f"{name}.md"))
    knobs = recipes.knobs(f"recipes.{name}", module, settings, settings.responses)
    given = knobs if hasattr(module, "Knobs") else settings.responses
    return Answering(method, module, given, knobs.model_dump(mode="json", exclude_defaults=True))
