"""An answer marked 1 to 10 on four points, each argued first; the mean is the reward from which pairs are made.

Paper: FairEval's evidence-first judgement on a scale of 10 (i-Eval/FairEval) in the score form, which is the one that
stays consistent (92.75% against 61.5% for a Likert form, PORTIA). Ours differs: one call instead of three at
temperature 1, four named points instead of one, and no fallback when an answer cannot be read (theirs divides by zero).

One answer, shortened: `{"following_analysis": "Lists three of the five steps.", "following": 6, ...}`
"""

from typing import Any

from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, template
from wellspring.tasks.judges.grading import graded

PAPER = "FairEval (evidence before score), PORTIA (score form)"
VERSION = 4
SUBJECT = "response"
CRITERIA = ("following", "correctness", "helpfulness", "clarity")
LOWEST, HIGHEST = 1, 10
TOTAL = "mean"
Marks = graded(CRITERIA, LOWEST, HIGHEST)
SCHEMA = Marks.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Ask for the four marks of one answer (`row["response"]` to `row["instruction"]`, `row["document"]` or None)."""
    messages = template("wellspring.tasks.judges", "response_quality").render(
        instruction=fenced("instruction", row["instruction"]),
        answer=fenced("answer", row["response"]),
        source=fenced("source", row["document"]) if row.get("document") else "There is no source for this one.",
    )
    return Prompt(messages, SCHEMA, "response_quality")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Return the four marks and their arguments; raises what `Answered.read` does."""
    return Marks.read(text, template("wellspring.tasks.judges", "response_quality")).columns()
