"""Whether a scene rests on its page: evidence first, then yes or no.

Paper: AlignScore and "Evaluating Correctness and Faithfulness of Instruction-Following Models for Question Answering"
measure whether a text is supported by another; SynthQuestions (arXiv 2506.03968) names hallucination as a limit and
does not look for it. Ours is a judge's reading beside the share of words (`groundings.min_support`).

    {"document_text": "Rye dough is sticky ...", "scene": "A baker ...", "knowledge": "starches of rye"}
    -> {"supported": True, "evidence": "Stickiness and starches stand on the page."}
"""

from typing import Any

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, template

PAPER = "Correctness and faithfulness of instruction following QA, TACL 2024; SynthQuestions, arXiv 2506.03968, limits"
VERSION = 3


class Support(Answered):
    """Whether a scene rests on its page."""

    evidence: str
    supported: bool


SCHEMA = Support.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask whether `row["scene"]` and `row["knowledge"]` rest on `row["document_text"]`."""
    messages = template("wellspring.tasks.recipes", "support").render(
        document="The page:\n\n" + fenced("document", row["document_text"]),
        scene="The scene:\n\n" + fenced("scene", f"{row['scene']}\n\nKnowledge: {row['knowledge']}"),
    )
    return Prompt(messages, SCHEMA, "support")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return `supported` and its `evidence`; raises what `Answered.read` does."""
    form = template("wellspring.tasks.recipes", "support")
    return Support.read(text, form, first=("supported",)).model_dump()
