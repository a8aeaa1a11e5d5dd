"""The judges that a profile names, with what each judges and how its marks add up."""

import importlib
from dataclasses import dataclass
from typing import Literal, cast

from tasks.contracts import prompting
from tasks.contracts.errors import UsageError
from tasks.contracts.prompting import PromptedMethod

Subject = Literal["instruction", "response"]


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge that gives marks: its prompt and parser, what it judges, its criteria, and how they make a total."""

    method: PromptedMethod
    subject: Subject
    criteria: tuple[str, ...]
    lowest: int
    highest: int
    total: Literal["sum", "mean"]

    @property
    def name(self) -> str:
        """The judge's name: its module's."""
        return self.method.name

    @property
    def best(self) -> float:
        """The highest total that this judge can give."""
        return float(self.highest * len(self.criteria) if self.total == "sum" else self.highest)

    def totalled(self, values: dict[str, float]) -> float:
        """Add the marks up in the order of the criteria: their sum, or their mean."""
        points = sum(values[criterion] for criterion in self.criteria)
        return points if self.total == "sum" else points / len(self.criteria)


def judge(name: str) -> Judge:
    """Load one judge that gives marks.

    Raises:
        UsageError: There is no such judge, or it gives verdicts instead of marks (a checklist, moderation).
    """
    method = prompting.load("tasks.judges", name)
    module = importlib.import_module(f"tasks.judges.{name}")
    if not hasattr(module, "CRITERIA"):
        raise UsageError(
            f"`{name}` gives verdicts, not marks", hint="name it in verdicts.judges instead of scores.judges"
        )
    return Judge(
        method=method,
        subject=cast("Subject", module.SUBJECT),
        criteria=module.CRITERIA,
        lowest=module.LOWEST,
        highest=module.HIGHEST,
        total=module.TOTAL,
    )
