"""Judges by name: programs, which look at what was answered, and methods that give marks (`judges/loading.py`)."""

from wellspring.tasks.contracts.plugins import JUDGING
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import loading
from wellspring.tasks.judges.loading import Judge
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.recipes import Recipe


def find(name: str, settings: Settings) -> Judge | Recipe:
    """Return a judge that gives marks, or a program.

    Raises:
        UsageError: There is none of this name, or its file is not whole.
    """
    return recipes.find(name, settings, JUDGING) or loading.load_judge(name, settings.plugins)


def best(name: str, settings: Settings) -> float | None:
    """Return the highest total that a judge can give; None where it gives any number, or was asked elsewhere.

    Raises:
        UsageError: There is none of this name.
    """
    if name in settings.scores.imports:
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
