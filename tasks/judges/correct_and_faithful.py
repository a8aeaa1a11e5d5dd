"""Whether an answer is right by a reference, and whether all of it stands in its page; by words and by a model.

Paper: Evaluating Correctness and Faithfulness of Instruction-Following Models for Question Answering. Answers of such
models are long, so F1 punishes them for words that do no harm. Correctness is better told by recall (the share of the
reference's words that the answer has) and by a model that sees question, reference and answer. Faithfulness is told by
K-precision (the share of the answer's words that the page has) and by a model that sees the page.

Ours differs. We know the paper from its abstract and from memory. K-precision is a computed check of its own
(`methods/answers/knowledge_precision.py`), so what is added here is recall and both questions to a model. Words of less
than four letters are passed over on both sides, numbers are not. Of a long page those parts are shown that share the
most words with the answer. Marks of code and of a model are not mixed: the total is the mean of what the model said,
`correct` where a reference is known and `faithful` where a page was shown. The paper also asks whether a model declines
where the page holds no answer; that needs false pages.

    "At 230 degrees, for about 45 minutes", reference "45 minutes" -> recall 1, correct 1
"""

from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.evidence import parts_near, words
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Correctness and Faithfulness"
PAPER = "Correctness and Faithfulness of instruction-following models: recall, both questions to a model"
VERSION = 1
TAKES = "responses"
MAKES = ("scores",)
ROLES = ("judge",)
REAL_MODEL = ""
BEST = 1


class Knobs(Section):
    """What a profile can set under `[recipes.correct_and_faithful]`."""

    parts: int = Field(
        default=4, ge=1, le=50, description="most parts of a page that are shown, of 350 words; the paper shows all"
    )


class Verdict(Answered):
    """A yes or no, after what settles it."""

    evidence: Aside
    verdict: Literal["yes", "no"]


def most_calls(_: object) -> int:
    """One by the reference, one by the page."""
    return 2


async def program(row: Row, ask: Ask) -> None:
    """Mark an answer by its reference and by its page, as far as they are there.

    Raises:
        Rejection: `no_reference`, there is neither.
    """
    answer, reference = row["response"], (row["reference"] or "").strip()
    shown: dict[str, Any] = {"instruction": said(row["history"] or "", row["instruction"]), "answer": answer}
    page = "\n\n".join(parts_near(row["document"] or "", answer, ask.knobs.parts))
    asked = {"correct": ask("correct", Verdict, reference=reference, **shown)} if reference else {}
    asked |= {"faithful": ask("faithful", Verdict, page=page, **shown)} if page else {}
    if not asked:
        raise Rejection("no_reference", "no page was shown to who answered, and no reference is known")
    found = dict(zip(asked, await ask.each([*asked.values()]), strict=True))
    marks = {name: float(one.verdict == "yes") for name, one in found.items()}
    for name, mark in marks.items():
        ask.made.score(row["input_id"], name, mark, found[name].evidence, found[name])
    if wanted := words(reference):
        missing = sorted(wanted - words(answer))
        told = f"lacks {' '.join(missing)[:200] or 'nothing'}"
        ask.made.score(row["input_id"], "recall", 1 - len(missing) / len(wanted), told)
    ask.made.score(row["input_id"], TOTAL, sum(marks.values()) / len(marks), " and ".join(marks))
