"""What an instruction wants, in open tags; how many there are says how complex it is.

Paper: InsTag (arXiv 2308.07074). A model tags the intentions of each query in words of its own, and explains each tag.
The number of tags of a query is its complexity. Normalised, they tell how much of all that people want a set covers.

Ours differs. Our prompt is from memory: the repository holds no code. The turns before an instruction are shown, and
its tags are those of its last message. A tag is written small, with spaces, and counts once; one of more than six words
is a sentence and is refused. What needs all rows together (frequencies, tags that mean the same, sampling by coverage)
is no work for a judge, and is not here.

    "Plan a week of vegan meals, as a table" -> meal planning, vegan diet, table format: a complexity of 3
"""

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row

SYSTEM = "InsTag"
PAPER = "InsTag, arXiv 2308.07074: tags with explanations, complexity; normalised elsewhere"
VERSION = 1
TAKES = "instructions"
MAKES = ("notes", "scores")
ROLES = ("judge",)
REAL_MODEL = ""
MOST_WORDS = 6


class Tag(Answered):
    """One thing that the instruction wants."""

    tag: str
    explanation: Aside


class Tags(Answered):
    """All that the instruction wants."""

    tags: list[Tag] = Field(max_length=30)


def most_calls(_: object) -> int:
    """One."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Tag the instruction, and count its tags.

    Raises:
        Rejection: `no_tags`, there is none of use.
    """
    answer = await ask("tag", Tags, instruction=said(row["history"] or "", row["text"]))
    explained = dict[str, str]()
    for one in answer.tags:
        tag = " ".join(one.tag.casefold().replace("_", " ").replace("-", " ").strip(" .#").split())
        if not 0 < len(tag.split()) <= MOST_WORDS:
            ask.made.refused("not_a_tag", one.tag[:200])
        else:
            explained.setdefault(tag, one.explanation)
    if not explained:
        raise Rejection("no_tags", f"{len(answer.tags)} were written, and none is of use")
    ask.made.note("tags", [{"tag": tag, "explanation": why} for tag, why in explained.items()], answer)
    ask.made.score(row["input_id"], TOTAL, len(explained), ", ".join(explained), answer)
