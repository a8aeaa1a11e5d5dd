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

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, language, template
from wellspring.tasks.recipes.scene import Compositions

PAPER = "SynthQuestions, arXiv 2506.03968, step C"
VERSION = 4
INPUTS = "documents"
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


class Grounded(Answered):
    """The message of someone to whom the matter of a page is a problem."""

    thought: Aside
    scene: str
    """Who writes, and why."""
    query_compositions: Compositions
    query: str
    """The message itself."""


SCHEMA = Grounded.identity()


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
    parts = {name: shown[name] for name in Compositions.model_fields}
    thought = THOUGHT.format(**parts)
    answer = {"thought": thought, "scene": shown["scene"], "query_compositions": parts, "query": shown["text"]}
    page = fenced("example_page", shown["document_text"])
    written = fenced("example_answer", json.dumps(answer, ensure_ascii=False))
    return f"Example {number}. Its page:\n\n{page}\n\n{written}\n\n"


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return the message as `text`, with its scene and compositions; raises what `Answered.read` does."""
    form = template("wellspring.tasks.recipes", "attributed_grounding")
    answer = Grounded.read(text, form, first=("query",))
    return {"text": answer.query, "scene": answer.scene, **answer.query_compositions.model_dump()}
