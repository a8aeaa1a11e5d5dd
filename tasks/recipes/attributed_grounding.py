"""A document becomes the message of someone to whom its matter is a problem.

Paper: SynthQuestions (arXiv 2506.03968), synthesis: thought, scene, query compositions and query in one call, with
demonstrations drawn from attributed seeds. Ours differs: the judge's criteria are told only when the profile says so
(the paper always tells them, so its score measures compliance), the JSON form shown is valid, documents are cut by
tokens, and everything that is not ours stands behind fences.

    {"text": "Compound growth. An amount P that grows ...", "demonstrations": [{"document_text", "scene", "text", ...}]}
    -> {"text": "Two savings plans: A pays 3.1 % ...", "scene": ..., "ability": ..., ...}
"""

import json
from typing import Any

from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, json_object, language, template, text_field
from wellspring.tasks.recipes.scene import COMPOSITIONS, COMPOSITIONS_SCHEMA, compositions

PAPER = "SynthQuestions, arXiv 2506.03968, step C"
VERSION = 4
INPUTS = "documents"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "thought": {"type": "string"},
        "scene": {"type": "string"},
        "query_compositions": COMPOSITIONS_SCHEMA,
        "query": {"type": "string"},
    },
    "required": ["thought", "scene", "query_compositions", "query"],
    "additionalProperties": False,
}
THOUGHT = (
    "Who works with the matter of this page has to {ability}. That asks for {knowledge}, which is where it gets hard. "
    "What would settle it is {output}."
)
CRITERIA = """
The message will be judged by these questions; meet as many as the scene allows.

- Does it ask for something definite?
- Does the answer need knowledge of a field?
- Does it have several parts or limits that bear on each other?
- Does it need a problem to be solved, and not only facts?
- Does it leave room for an original answer?
- Does it demand that technical detail is right?
- Does it come from something that people really do?
"""


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask for the message of someone to whom the matter of `row["text"]` is a problem.

    Args:
        row: `text` and `title` of the document, cut to its budget; `demonstrations`: groundings with their seed's
            `text` and their document's `document_text`, packed into the budget.
        settings: `InstructionsSettings`; of them what the message is checked by is told, too: its languages, the words
            of its own that go with a passage.
    """
    examples = [_example(number, shown) for number, shown in enumerate(row.get("demonstrations") or (), start=1)]
    title = row.get("title")
    messages = template("wellspring.tasks.recipes", "attributed_grounding").render(
        criteria=CRITERIA if settings.criteria_told else "",
        own_words=str(settings.min_own_words),
        language=language(settings.languages, "the language of the page"),
        demonstrations="".join(examples),
        document="The page:\n\n" + fenced("document", f"{title}\n\n{row['text']}" if title else row["text"]),
    )
    return Prompt(messages, SCHEMA, "attributed_grounding")


def _example(number: int, shown: Row) -> str:
    parts = {name: shown[name] for name in COMPOSITIONS}
    thought = THOUGHT.format(**parts)
    answer = {"thought": thought, "scene": shown["scene"], "query_compositions": parts, "query": shown["text"]}
    page = fenced("example_page", shown["document_text"])
    written = fenced("example_answer", json.dumps(answer, ensure_ascii=False))
    return f"Example {number}. Its page:\n\n{page}\n\n{written}\n\n"


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return the message as `text`, with its scene and compositions.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, the message, the scene or a composition is missing;
            `placeholder`, one of them is the form's.
    """
    answer = json_object(text, ("scene", "query_compositions", "query"))
    form = template("wellspring.tasks.recipes", "attributed_grounding")
    texts = {"text": text_field(answer, "query", form), "scene": text_field(answer, "scene", form)}
    return texts | compositions(answer, form)
