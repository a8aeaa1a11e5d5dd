"""The judges that a profile names, with what each judges and how its marks add up."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, cast

from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import JUDGES, JUDGING, texts
from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.prompting import PromptedMethod, Template

VERSION = 1
Subject = Literal["instruction", "response"]
MARKED_BY = ("judges.loading", "loops")  # what shapes a mark besides its judge: how it adds up, how it is asked again
_WANTED = ("PAPER", "VERSION", "SCHEMA", "CRITERIA", "SUBJECT", "LOWEST", "HIGHEST", "TOTAL", "prompt", "parse")
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


def load_judge(name: str, folders: Sequence[str] = ()) -> Judge:
    """Load one judge that gives marks: of this room, of a plug-in folder, or of an installed package.

    Raises:
        UsageError: There is no such judge, it gives verdicts instead of marks (a checklist, moderation), or its file
            is not whole.
    """
    found = JUDGES.with_all(name, _WANTED, folders)
    if found is None:
        if name in texts(JUDGES.room):
            raise UsageError(
                f"`{name}` gives verdicts, not marks", hint="name it in verdicts.judges instead of scores.judges"
            )
        known = sorted({*JUDGES.names(folders), *JUDGING.names(folders)})
        raise JUDGES.unknown(name, known, f"judges that give marks: {', '.join(known)}")
    module, folder = found
    method = prompting.method(name, module, _template(folder, name))
    return Judge(
        method=method,
        subject=cast("Subject", module.SUBJECT),
        criteria=module.CRITERIA,
        lowest=module.LOWEST,
        highest=module.HIGHEST,
        total=module.TOTAL,
    )


@cache
def _template(folder: Traversable | Path, name: str) -> Template:
    return prompting.template_of(folder / f"{name}.md", f"{name}.md")
