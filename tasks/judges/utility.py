"""Which pages help to answer an instruction: sets are named over several orders of the pages, and the votes counted.

Paper: "Are Large Language Models Good at Utility Judgments?" (arXiv 2403.19216). Use differs from relevance: a page may
be about the matter and not help. A model drafts an answer from the pages and names those that are of use. Naming a set
from the whole list is best of the forms that were tried. As the order of the list matters, the list is shown in several
shuffled orders, and the judgements are put together (k-sampling).

Ours differs. How many orders, and how they are put together, is not in the released code: ours are 3, and a page is of
use if more than half of the orders that were read name it. The orders come from a hash. The pages are those nearest to
the instruction in the store, where the paper has a retriever. `recipes/choice.py` asks for one page in the same way,
for seeds. The verdict passes an instruction that a page helps with; the note has the votes of each page.

    five pages, three orders: page 2 is named in all, page 5 in one -> page 2 is of use
"""

import json
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.evidence import parts_near
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Utility judgments"
PAPER = "Utility judgments, arXiv 2403.19216: listwise sets, k-sampling; orders and votes are ours"
VERSION = 1
TAKES = "instructions"
MAKES = ("verdicts", "notes")
ROLES = ("judge",)
REAL_MODEL = ""
ALL_TOKENS = 1000  # of a page that is shown, about


class Knobs(Section):
    """What a profile can set under `[recipes.utility]`."""

    pages: int = Field(default=5, ge=1, le=20, description="pages that are shown, nearest first; the paper has 10")
    orders: int = Field(default=3, ge=1, le=15, description="shuffled orders in which they are shown")


class Useful(Answered):
    """A draft of the answer, and the numbers of the pages that it needs."""

    draft: Aside
    useful: list[int] = Field(max_length=20)


def most_calls(knobs: Knobs) -> int:
    """One for each order."""
    return knobs.orders


async def program(row: Row, ask: Ask) -> None:
    """Show the pages in several orders, and count who is named.

    Raises:
        Rejection: `no_document_found`, there is no page; `too_few_draws`, no order was judged.
    """
    near = await ask.near(row["text"], "documents", ask.knobs.pages)
    pages = {one["input_id"]: _excerpt(one["title"], one["text"], row["text"]) for one in near}
    if not pages:
        raise Rejection("no_document_found", "the store has no page")
    asked = said(row["history"] or "", row["text"])
    orders = dict.fromkeys(shuffled(row["input_id"], [*pages], number) for number in range(ask.knobs.orders))
    judged = [one for one in await ask.tried([_named(ask, asked, pages, order) for order in orders]) if one]
    if not judged:
        raise Rejection("too_few_draws", f"none of {len(orders)} orders was judged")
    votes = Counter(page for _, named in judged for page in named)
    useful = [page for page in pages if votes[page] > len(judged) / 2]
    found = {"orders": len(judged), "votes": {page: votes[page] for page in pages}, "useful": useful}
    ask.made.note("useful pages", found, judged[0][0])
    told = json.dumps(useful) if useful else f"none of {len(pages)} pages"
    ask.made.verdict(row["input_id"], "utility", passed=bool(useful), detail=told, answer=judged[0][0])


def shuffled(input_id: str, pages: Sequence[str], number: int) -> tuple[str, ...]:
    """Return the pages in an order that the input and a number decide."""
    return tuple(sorted(pages, key=lambda page: content_id("order", input_id, page, number)))


def _excerpt(title: str | None, text: str, wanted: str) -> str:
    return "\n\n".join(filter(None, (title, *parts_near(text, wanted, 2, ALL_TOKENS // 2))))


async def _named(ask: Ask, asked: str, pages: dict[str, str], order: Sequence[str]) -> tuple[Useful, set[str]]:
    """Have the useful pages named as they stand in this order.

    Raises:
        Rejection: `choice_out_of_range`, a number is no page's.
    """
    shown = [f"Page {number}\n\n{pages[page]}" for number, page in enumerate(order, start=1)]
    answer = await ask("useful", Useful, instruction=asked, pages=shown)
    if wrong := [number for number in answer.useful if not 1 <= number <= len(order)]:
        raise Rejection("choice_out_of_range", f"{wrong[0]} of {len(order)} pages")
    return answer, {order[number - 1] for number in answer.useful}
