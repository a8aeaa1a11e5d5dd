"""Which of several pages is of most use for a task: one listwise judgement, made over several orders of the pages.

Paper: "Are Large Language Models Good at Utility Judgments?" (arXiv 2403.19216): use differs from relevance, listwise
judgements are best, and several shuffled orders are aggregated. Ours asks for one page instead of a set, lets the model
say that none helps, and counts votes; SynthQuestions takes the first hit of its search.

    {"text": "How do I keep my starter alive ...", "pages": ["Sourdough ...", "Yeast ..."]}
    -> {"best": 1}
"""

from typing import Any

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, json_object, template

PAPER = "Utility judgments, arXiv 2403.19216; SynthQuestions, arXiv 2506.03968, step B.2"
VERSION = 2
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"comparison": {"type": "string"}, "best": {"type": "integer", "minimum": 0}},
    "required": ["comparison", "best"],
    "additionalProperties": False,
}


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask which of `row["pages"]`, excerpts in the order in which they are shown, helps most with `row["text"]`."""
    pages = [f"Page {number}:\n\n{fenced('page', text)}" for number, text in enumerate(row["pages"], start=1)]
    messages = template("wellspring.tasks.recipes", "choice").render(
        task="The task:\n\n" + fenced("task", row["text"]), pages="\n\n".join(pages)
    )
    return Prompt(messages, SCHEMA, "choice")


def parse(row: Row, text: str) -> dict[str, Any]:
    """Return the number of the page, from 1; 0 is none.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, no whole number; `choice_out_of_range`.
    """
    best: Any = json_object(text, ("best",))["best"]
    number = outside.whole(best)
    if number is None:
        raise Rejection("incomplete_answer", f"`best` is {outside.shown(best)}")
    if not 0 <= number <= len(row["pages"]):
        raise Rejection("choice_out_of_range", f"{number} of {len(row['pages'])} pages")
    return {"best": number}
