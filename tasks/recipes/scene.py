"""Who would come from this page to this message, and what the message is made of.

Paper: SynthQuestions (arXiv 2506.03968), attribution, third step: scene and query compositions in one call with four
worked examples. Ours differs: examples of our own that rest on their pages, fences, and a schema for the answer.

    {"text": "Two savings plans: ...", "document_text": "Compound growth. ..."}
    -> {"scene": "A choir's treasurer ...", "ability": ..., "knowledge": ..., "output": ..., "extra_information": ...}
"""

from typing import Annotated, Any

from wellspring.tasks.contracts.answers import Answered, Read
from wellspring.tasks.contracts.prompting import Prompt, Row, Template, fenced, template, text_field

PAPER = "SynthQuestions, arXiv 2506.03968, step B.3"
VERSION = 4
NOTHING = ("none", "n/a", "nothing")  # that the message brings along


def _extra(said: Row, name: str, form: Template | None) -> str:
    extra: Any = said.get(name)
    if not extra or (isinstance(extra, str) and extra.strip(" .").lower() in NOTHING):
        return extra or ""
    return text_field({"extra": extra}, "extra", form)


class Compositions(Answered):
    """What a message is made of."""

    ability: str
    """What has to be done."""
    knowledge: str
    """What has to be known for it."""
    output: str
    """What would settle it."""
    extra_information: Annotated[str, Read(_extra)]
    """What the message brings along; may be empty, or "none"."""


class Scene(Answered):
    """Who would come from a page to a message."""

    scene: str
    query_compositions: Compositions


SCHEMA = Scene.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask for the scene between `row["document_text"]`, already cut to its budget, and the seed `row["text"]`."""
    messages = template("wellspring.tasks.recipes", "scene").render(
        document=fenced("document", row["document_text"]), message=fenced("message", row["text"])
    )
    return Prompt(messages, SCHEMA, "scene")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return the scene and the four compositions; raises what `Answered.read` does."""
    answer = Scene.read(text, template("wellspring.tasks.recipes", "scene"))
    return {"scene": answer.scene, **answer.query_compositions.model_dump()}
