"""Seven questions to an instruction, each argued and then marked 0 or 1, all in one call.

Paper: SynthQuestions (arXiv 2506.03968), steps A6 and D; the criteria are Arena-Hard's, the wording is ours.
Ours differs: the answer must hold all of these criteria and no other counts (the paper's code trusts whatever keys come
back), a mark needs its argument, and an answer that cannot be read is NULL (0.77% of the paper's scores are 0 and
0.001% are 1: failures seem to have been counted as 0). The judge is another model than the writer, since the writer may
have been told the criteria.

One answer, shortened: `{"specificity_analysis": "It names the pump and the budget.", "specificity": 1, ...}`
"""

from typing import Any

from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, template
from wellspring.tasks.judges.grading import graded

PAPER = "SynthQuestions, arXiv 2506.03968, step D (criteria of Arena-Hard)"
VERSION = 4
SUBJECT = "instruction"
CRITERIA = (
    "specificity",
    "domain_knowledge",
    "complexity",
    "problem_solving",
    "creativity",
    "technical_accuracy",
    "real_world_application",
)
LOWEST, HIGHEST = 0, 1
TOTAL = "sum"
Marks = graded(CRITERIA, LOWEST, HIGHEST)
SCHEMA = Marks.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Ask for all seven marks of one instruction (`row["text"]`)."""
    messages = template("wellspring.tasks.judges", "seven_criteria").render(
        instruction=fenced("instruction", row["text"])
    )
    return Prompt(messages, SCHEMA, "seven_criteria")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Return the seven marks and their arguments; raises what `Answered.read` does."""
    return Marks.read(text, template("wellspring.tasks.judges", "seven_criteria")).columns()
