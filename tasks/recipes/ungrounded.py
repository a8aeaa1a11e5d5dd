"""The paper's ablation: a message written after other messages only, with no document.

Paper: SynthQuestions (arXiv 2506.03968), ablation "no grounding". `instructions.grounded = false` puts it in the place
of `attributed_grounding`: the documents then only say how many messages are written, one for each, and no row claims to
come from one.
"""

from typing import Any

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, language, template
from wellspring.tasks.recipes.attributed_grounding import CRITERIA
from wellspring.tasks.recipes.scene import Compositions

PAPER = "SynthQuestions, arXiv 2506.03968, ablation without grounding"
VERSION = 4
INPUTS = "documents"


class Ungrounded(Answered):
    """One more message, of a person who is named by no page."""

    scene: str
    query_compositions: Compositions
    query: str
    """The message itself."""


SCHEMA = Ungrounded.identity()


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask for one more message beside those of `row["demonstrations"]`; `row["input_id"]` tells the calls apart."""
    shown = [fenced("example", demonstration["text"]) for demonstration in row.get("demonstrations") or ()]
    messages = template("wellspring.tasks.recipes", "ungrounded").render(
        criteria=CRITERIA if settings.criteria_told else "",
        demonstrations="\n\n".join(shown),
        language=language(settings.languages, "the language of the examples"),
        number=str(int(row["input_id"][:6], 16)),
    )
    return Prompt(messages, SCHEMA, "ungrounded")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return the message as `text`, with its scene and compositions; raises what `Answered.read` does."""
    answer = Ungrounded.read(text, template("wellspring.tasks.recipes", "ungrounded"), first=("query",))
    return {"text": answer.query, "scene": answer.scene, **answer.query_compositions.model_dump()}
