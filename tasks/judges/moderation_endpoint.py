"""Which hazards a moderation endpoint (`POST /v1/moderations`) sees in a text, which is sent as it is.

Paper: SynthQuestions, step E (Llama-Guard-3 flags 4.32% of its instructions). The model door asks the endpoint where
`models.moderator.api = "moderations"`, and records its one result as the answer; the categories and their scores are
the endpoint's own, so they are kept as it names them. `flagged` decides, at the endpoint's threshold.

One answer: `{"flagged": true, "categories": {"violence": true, "hate": false}, "category_scores": {"violence": 0.91}}`
"""

from typing import Any, cast

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, json_object, template

PAPER = "SynthQuestions, arXiv 2506.03968, moderation"
VERSION = 1
SUBJECT = "any"
SCHEMA = None


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Hand over `row["text"]`, and nothing of ours: every word that is sent is moderated."""
    return Prompt(template("wellspring.tasks.judges", "moderation_endpoint").render(text=row["text"]))


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Read the result.

    Returns:
        `passed`, it is not flagged, and `detail`: the categories that hold, each with its score where there is one.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, `flagged` is no truth value or the categories are no table.
    """
    result = json_object(text, required=("flagged", "categories"))
    flagged, categories = result["flagged"], result["categories"]
    if not isinstance(flagged, bool) or not isinstance(categories, dict):
        raise Rejection("incomplete_answer", text[:200])
    told: Any = result.get("category_scores")
    scores = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    named = sorted(name for name, holds in cast("dict[str, Any]", categories).items() if holds is True)
    known = {name: score for name in named if (score := outside.number(scores.get(name))) is not None}
    said = [f"{name} {known[name]:.2f}" if name in known else name for name in named]
    return {"passed": not flagged, "detail": ", ".join(said) or "none"}
