"""What a person is after, and the words to search for it with.

Paper: SynthQuestions (arXiv 2506.03968), attribution, first step. Ours differs: five examples of our own, the message
behind a fence, a schema for the answer, and more than five keywords are cut to five instead of failing.

    {"text": "my pandas groupby drops the rows where region is NaN, how do i keep them"}
    -> {"intention": "Keep rows whose grouping key is missing ...", "keywords": ["pandas groupby dropna", ...]}
"""

from typing import Annotated, Any, cast

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Read
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, Template, fenced, is_placeholder, template

PAPER = "SynthQuestions, arXiv 2506.03968, step B.1"
VERSION = 4


def _keywords(said: Row, name: str, form: Template | None) -> list[str]:
    listed: Any = said[name]
    words = cast("list[Any]", listed) if isinstance(listed, list) else str(listed).split(",")
    given = list(dict.fromkeys(word.strip() for word in words if isinstance(word, str) and word.strip()))
    keywords = [word for word in given if not is_placeholder(word, form)]
    if not keywords:
        raise Rejection("placeholder" if given else "incomplete_answer", f"no keywords in {listed!r}"[:200])
    return keywords


class Keywords(Answered):
    """What a person is after."""

    intention: str
    keywords: Annotated[list[str], Field(min_length=1, max_length=5), Read(_keywords)]
    """To search with, no two alike."""


SCHEMA = Keywords.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - all prompted methods have this form
    """Ask for the intention and the keywords of `row["text"]`, a seed."""
    return Prompt(
        template("wellspring.tasks.recipes", "keywords").render(message=fenced("message", row["text"])),
        SCHEMA,
        "keywords",
    )


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - all prompted methods have this form
    """Return `intention` and `keywords` (one to five); raises what `Answered.read` does."""
    form = template("wellspring.tasks.recipes", "keywords")
    return Keywords.read(text, form, first=("keywords",)).model_dump()
