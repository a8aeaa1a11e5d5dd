"""What a person is after, and the words to search for it with.

Paper: SynthQuestions (arXiv 2506.03968), attribution, first step. Ours differs: five examples of our own, the message
behind a fence, a schema for the answer, and more than five keywords are cut to five instead of failing.

    {"text": "my pandas groupby drops the rows where region is NaN, how do i keep them"}
    -> {"intention": "Keep rows whose grouping key is missing ...", "keywords": ["pandas groupby dropna", ...]}
"""

from typing import Any, cast

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, is_placeholder, json_object, template, text_field

PAPER = "SynthQuestions, arXiv 2506.03968, step B.1"
VERSION = 4
MAX_KEYWORDS = 5
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "intention": {"type": "string"},
        "keywords": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_KEYWORDS},
    },
    "required": ["intention", "keywords"],
    "additionalProperties": False,
}


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask for the intention and the keywords of `row["text"]`, a seed."""
    return Prompt(
        template("wellspring.tasks.recipes", "keywords").render(message=fenced("message", row["text"])),
        SCHEMA,
        "keywords",
    )


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return `intention` and `keywords` (one to five, no two alike).

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, no intention or no keywords; `placeholder`.
    """
    answer = json_object(text, ("intention", "keywords"))
    listed: Any = answer["keywords"]
    words = cast("list[Any]", listed) if isinstance(listed, list) else str(listed).split(",")
    form = template("wellspring.tasks.recipes", "keywords")
    said = list(dict.fromkeys(word.strip() for word in words if isinstance(word, str) and word.strip()))
    keywords = [word for word in said if not is_placeholder(word, form)]
    if not keywords:
        raise Rejection("placeholder" if said else "incomplete_answer", f"no keywords in {listed!r}"[:200])
    return {"intention": text_field(answer, "intention", form), "keywords": keywords[:MAX_KEYWORDS]}
