"""Judges by name: programs, which look at what was answered, and methods that give marks (`judges/loading.py`).

Methods over sets are here, too: they ask nobody, and their scores are chosen by like those of judges.
"""

from types import ModuleType
from typing import NamedTuple

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import JUDGING, SETS
from wellspring.tasks.contracts.settings import Section, Settings
from wellspring.tasks.judges import loading
from wellspring.tasks.judges.loading import Judge
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.recipes import Recipe

TABLES = ("instructions", "origins", "responses", "shown", "scores", "verdicts", "notes", "tags")
VECTORS = {  # each with the table of its texts, and the columns with their ids and their words
    "instruction_vectors": ("instructions", "subject_id", "text"),
    "response_vectors": ("responses", "subject_id", "text"),
    "reference_vectors": ("responses", "subject_id", "reference"),
    "tag_vectors": ("tags", "tag", "tag"),
}
TEXTS = ("text_vectors", "text_counts")  # of the texts that the method's `texts` names
QUOTES = "response_quotes"
SUBJECTS = ("instruction", "response")


class OverSets(NamedTuple):
    """A method over sets: its name, its file, and its knobs."""

    name: str
    module: ModuleType
    knobs: Section


def over_sets(name: str, settings: Settings) -> OverSets:
    """Return a method over sets.

    Raises:
        UsageError: There is none of this name, its file is not whole, or a knob is not as it should be.
    """
    module = SETS.whole(name, settings.plugins)
    takes, subject = getattr(module, "TAKES", ()), getattr(module, "SUBJECT", "")
    known = (*TABLES, *VECTORS, *TEXTS, QUOTES)
    is_whole = isinstance(takes, tuple) and takes and {*takes} <= {*known} and subject in SUBJECTS
    if not is_whole or ({*takes} & {*TEXTS} and not callable(getattr(module, "texts", None))):
        raise UsageError(
            f"{module.__file__} is no whole method over sets: it has no `TAKES` with tables, or no `SUBJECT`",
            hint=f"TAKES holds some of {', '.join(known)}; SUBJECT is {' or '.join(SUBJECTS)}; "
            f"one that takes {' or '.join(TEXTS)} has a function `texts`",
        )
    return OverSets(name, module, recipes.knobs(f"methods.{name}", module, settings))


def all_over_sets(settings: Settings) -> list[OverSets]:
    """Return every method over sets that a profile can name.

    Raises:
        UsageError: A file is not whole, or a knob is not as it should be.
    """
    return [over_sets(name, settings) for name in sorted(SETS.names(settings.plugins))]


def find(name: str, settings: Settings) -> Judge | Recipe:
    """Return a judge that gives marks, or a program.

    Raises:
        UsageError: There is none of this name, or its file is not whole.
    """
    return recipes.find(name, settings, JUDGING) or loading.load_judge(name, settings.plugins)


def best(name: str, settings: Settings) -> float | None:
    """Return the highest total that a judge can give; None where it gives any number, or no model is asked.

    Raises:
        UsageError: There is none of this name.
    """
    if name in settings.scores.unasked:
        return None
    one = find(name, settings)
    return one.best if isinstance(one, Judge) else getattr(one.module, "BEST", None)


def of_instructions(settings: Settings) -> str:
    """Return the judge whose total is the score of an instruction: the first that judges these; "" without one.

    Raises:
        UsageError: The profile names a judge that is not there.
    """
    return next((name for name in settings.scores.judges if _is_of_instructions(name, settings)), "")


def _is_of_instructions(name: str, settings: Settings) -> bool:
    if name in settings.scores.imports:
        return True
    if name in settings.scores.computed:
        return over_sets(name, settings).module.SUBJECT == "instruction"
    one = find(name, settings)
    if isinstance(one, Judge):
        return one.subject == "instruction"
    return one.module.TAKES == "instructions" and "scores" in one.module.MAKES


def gives_marks(settings: Settings) -> bool:
    """Whether a judge of the profile makes scores; others make verdicts, notes or pairs alone.

    Raises:
        UsageError: The profile names a judge that is not there.
    """
    found = (find(name, settings) for name in settings.judges_of_marks)
    return bool(settings.scores.imports) or any(isinstance(one, Judge) or "scores" in one.module.MAKES for one in found)
