"""Which of several pages is of most use for a task: one listwise judgement, made over several orders of the pages.

Paper: "Are Large Language Models Good at Utility Judgments?" (arXiv 2403.19216): use differs from relevance, listwise
judgements are best, and several shuffled orders are aggregated. Ours asks for one page instead of a set, lets the model
say that none helps, and counts votes; SynthQuestions takes the first hit of its search.

    {"text": "How do I keep my starter alive ...", "pages": ["Sourdough ...", "Yeast ..."]}
    -> {"best": 1}
"""

from typing import Annotated, Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, template

PAPER = "Utility judgments, arXiv 2403.19216; SynthQuestions, arXiv 2506.03968, step B.2"
VERSION = 2


class Choice(Answered):
    """Which page helps most with a task."""

    comparison: Aside
    best: Annotated[int, Field(json_schema_extra={"minimum": 0})]
    """Its number, from 1; 0 is none of them."""


SCHEMA = Choice.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask which of `row["pages"]`, excerpts in the order in which they are shown, helps most with `row["text"]`."""
    pages = [f"Page {number}:\n\n{fenced('page', text)}" for number, text in enumerate(row["pages"], start=1)]
    messages = template("wellspring.tasks.recipes", "choice").render(
        task="The task:\n\n" + fenced("task", row["text"]), pages="\n\n".join(pages)
    )
    return Prompt(messages, SCHEMA, "choice")


def parse(row: Row, text: str) -> dict[str, Any]:
    """Return the number of the page; raises what `Answered.read` does, and `choice_out_of_range`."""
    best = Choice.read(text).best
    if not 0 <= best <= len(row["pages"]):
        raise Rejection("choice_out_of_range", f"{best} of {len(row['pages'])} pages")
    return {"best": best}
