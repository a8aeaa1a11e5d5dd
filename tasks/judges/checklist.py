"""One question of a checklist put to one answer: evidence first, then yes or no.

Paper: TICK (arXiv 2410.03608): one call for each question; the share of yes is the score. Ours differs: the evidence
comes before the verdict, and an answer that cannot be read is NULL and leaves the share undefined, not lower.

One answer: `{"evidence": "The table lists both wells with a pump each.", "answer": "yes"}`
"""

from typing import Any

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, json_object, template
from wellspring.tasks.judges.marks import argument

PAPER = "TICK, arXiv 2410.03608"
VERSION = 3
SUBJECT = "response"
SCHEMA = {
    "type": "object",
    "properties": {"evidence": {"type": "string"}, "answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["evidence", "answer"],
    "additionalProperties": False,
}


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Put `row["question"]` to `row["response"]`, the answer to `row["instruction"]`."""
    messages = template("wellspring.tasks.judges", "checklist").render(
        instruction=fenced("instruction", row["instruction"]),
        answer=fenced("answer", row["response"]),
        question=fenced("question", row["question"]),
    )
    return Prompt(messages, SCHEMA, "checklist")


def parse(row: Row, text: str) -> dict[str, Any]:
    """Read the verdict.

    Returns:
        `passed`, and `detail`: the question and the evidence.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, it is neither yes nor no or has no evidence.
    """
    answer = json_object(text, required=("answer",))
    said = str(answer["answer"]).strip().lower().rstrip(".")
    if answer["answer"] is True or answer["answer"] is False:
        said = "yes" if answer["answer"] else "no"
    if said not in {"yes", "no"}:
        raise Rejection("incomplete_answer", f"neither yes nor no: {outside.shown(answer['answer'])}")
    evidence = argument(answer.get("evidence"), "answer", template("wellspring.tasks.judges", "checklist"))
    return {"passed": said == "yes", "detail": f"{row['question']} {evidence}"}
