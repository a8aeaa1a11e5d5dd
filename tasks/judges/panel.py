"""The judges that a profile names, with what each judges and how its marks add up."""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.prompting import PromptedMethod

VERSION = 1
Subject = Literal["instruction", "response"]
TOTAL = "total"
MARKED_BY = ("judges.panel", "loops")  # what shapes a mark besides its judge: how it adds up, how it is asked again
OF_SEEDS = "seven_criteria"  # the judge whose total decides which seeds are kept


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge that gives marks: its prompt and parser, what it judges, its criteria, and how they make a total."""

    method: PromptedMethod
    subject: Subject
    criteria: tuple[str, ...]
    lowest: float
    highest: float
    total: Literal["sum", "mean"]

    @property
    def name(self) -> str:
        """The judge's name: its module's."""
        return self.method.name

    @property
    def best(self) -> float | None:
        """The highest total that this judge can give; None where it gives any real number."""
        if math.isinf(self.highest):
            return None
        return float(self.highest * len(self.criteria) if self.total == "sum" else self.highest)

    def marked(self, parsed: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
        """Return criterion -> (mark, why) of an answer as it was read, and `total` -> (total, how it was added up)."""
        marks = {name: (parsed["values"][name], parsed["reasons"][name]) for name in self.criteria}
        return marks | {TOTAL: (self.totalled(parsed["values"]), self.total)}

    def totalled(self, values: Mapping[str, float]) -> float:
        """Add the marks up in the order of the criteria: their sum, or their mean."""
        points = sum(values[criterion] for criterion in self.criteria)
        return points if self.total == "sum" else points / len(self.criteria)


def judge(name: str) -> Judge:
    """Load one judge that gives marks.

    Raises:
        UsageError: There is no such judge, or it gives verdicts instead of marks (a checklist, moderation).
    """
    method = prompting.load("wellspring.tasks.judges", name)
    module = importlib.import_module(f"wellspring.tasks.judges.{name}")
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
