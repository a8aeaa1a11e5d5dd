"""Who would come from this page to this message, and what the message is made of.

Paper: SynthQuestions (arXiv 2506.03968), attribution, third step: scene and query compositions in one call with four
worked examples. Ours differs: examples of our own that rest on their pages, fences, and a schema for the answer.

    {"text": "Two savings plans: ...", "document_text": "Compound growth. ..."}
    -> {"scene": "A choir's treasurer ...", "ability": ..., "knowledge": ..., "output": ..., "extra_information": ...}
"""

from typing import Any

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, Template, fenced, json_object, template, text_field

PAPER = "SynthQuestions, arXiv 2506.03968, step B.3"
VERSION = 4
COMPOSITIONS = ("ability", "knowledge", "output", "extra_information")
NOTHING = ("none", "n/a", "nothing")  # that the message brings along
COMPOSITIONS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in COMPOSITIONS},
    "required": list(COMPOSITIONS),
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"scene": {"type": "string"}, "query_compositions": COMPOSITIONS_SCHEMA},
    "required": ["scene", "query_compositions"],
    "additionalProperties": False,
}


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask for the scene between `row["document_text"]`, already cut to its budget, and the seed `row["text"]`."""
    messages = template("wellspring.tasks.recipes", "scene").render(
        document=fenced("document", row["document_text"]), message=fenced("message", row["text"])
    )
    return Prompt(messages, SCHEMA, "scene")


def compositions(answer: dict[str, Any], form: Template) -> dict[str, str]:
    """Return the four query compositions of an answer; `extra_information` may be empty or "none".

    Raises:
        Rejection: `incomplete_answer`, one of the others is missing; `placeholder`, one is the form's.
    """
    found: Any = answer.get("query_compositions")
    if not isinstance(found, dict):
        raise Rejection("incomplete_answer", "`query_compositions` is not an object")
    parts = {name: text_field(found, name, form) for name in COMPOSITIONS[:-1]}  # pyright: ignore[reportUnknownArgumentType]
    extra: Any = found.get("extra_information")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not extra or (isinstance(extra, str) and extra.strip(" .").lower() in NOTHING):
        return {**parts, "extra_information": extra or ""}
    return {**parts, "extra_information": text_field({"extra": extra}, "extra", form)}


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return the scene and the four compositions.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, the scene or a composition is missing; `placeholder`.
    """
    answer = json_object(text, ("scene", "query_compositions"))
    form = template("wellspring.tasks.recipes", "scene")
    return {"scene": text_field(answer, "scene", form), **compositions(answer, form)}
