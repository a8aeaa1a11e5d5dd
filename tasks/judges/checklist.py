"""One question of a checklist put to one answer: evidence first, then yes or no.

Paper: TICK (arXiv 2410.03608): one call for each question; the share of yes is the score. Ours differs: the evidence
comes before the verdict, and an answer that cannot be read is NULL and leaves the share undefined, not lower.

One answer: `{"evidence": "The table lists both wells with a pump each.", "answer": "yes"}`
"""

from typing import Annotated, Any, Literal

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, template
from wellspring.tasks.judges.grading import argued

PAPER = "TICK, arXiv 2410.03608"
VERSION = 3
SUBJECT = "response"


class Verdict(Answered):
    """Whether an answer passes one question."""

    evidence: Annotated[str, argued("answer")]
    answer: Literal["yes", "no"]


SCHEMA = Verdict.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Put `row["question"]` to `row["response"]`, the answer to `row["instruction"]`."""
    messages = template("wellspring.tasks.judges", "checklist").render(
        instruction=fenced("instruction", row["instruction"]),
        answer=fenced("answer", row["response"]),
        question=fenced("question", row["question"]),
    )
    return Prompt(messages, SCHEMA, "checklist")


def parse(row: Row, text: str) -> dict[str, Any]:
    """Return `passed`, and as `detail` the question and the evidence; raises what `Answered.read` does."""
    said = Verdict.read(text, template("wellspring.tasks.judges", "checklist"), first=("answer",))
    return {"passed": said.answer == "yes", "detail": f"{row['question']} {said.evidence}"}
