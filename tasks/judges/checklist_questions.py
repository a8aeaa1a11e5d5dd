"""Yes-or-no questions that an answer to one instruction has to pass, written before any answer is seen.

Paper: TICK (arXiv 2410.03608): a checklist for each instruction, each question then answered in its own call
(`checklist`). Ours differs: between 2 and 8 questions (in TICK the number of items weights the score unseen), and
questions about what cannot be read off a text are ruled out in the prompt (its judge passes claims of such acts).

One answer: `{"questions": ["Does the answer name a pump for each of the two wells?", "Is the total below 400 euros?"]}`
"""

from typing import Any, cast

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, json_object, template

PAPER = "TICK, arXiv 2410.03608"
VERSION = 3
SUBJECT = "instruction"
FEWEST, MOST = 2, 8
SCHEMA = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}, "minItems": FEWEST, "maxItems": MOST}},
    "required": ["questions"],
    "additionalProperties": False,
}


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Ask for the checklist of one instruction (`row["text"]`)."""
    messages = template("wellspring.tasks.judges", "checklist_questions").render(
        instruction=fenced("instruction", row["text"])
    )
    return Prompt(messages, SCHEMA, "checklist_questions")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Read the questions: distinct, ended with a question mark, at most eight.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, fewer than two questions are left.
    """
    found = json_object(text, required=("questions",))["questions"]
    lines = cast("list[Any]", found) if isinstance(found, list) else []
    asked = [" ".join(line.split()) for line in lines if isinstance(line, str)]
    questions = list(dict.fromkeys(question for question in asked if question.endswith(("?", "\uff1f"))))[:MOST]
    if len(questions) < FEWEST:
        raise Rejection("incomplete_answer", f"{len(questions)} questions of at least {FEWEST}")
    return {"questions": questions}
