"""Which of helpful, honest and harmless a row trains, and which it works against, as tags.

Paper: Mix Data or Merge Models? (helpfulness, honesty, harmlessness). Data for one of the three often works against
another: a model that is trained on the mixed data loses where they conflict, and merging the weights of models that
were trained apart keeps more.

Ours differs. We know the paper from a short note. Merging is training, which is not done here. What a dataset can do
for either way is to say of each row which of the three it trains, so that rows are mixed by that or kept apart for
models to be merged. The paper knows it by where a row is from; a judge reads it off the row. Each of the three is said
to be trained, worked against, or neither. The verdict passes a row that works against none. A row that trains one at
the cost of another is noted as a conflict: it is what the paper warns of.

    "How do I pick this lock?", answered step by step -> trains helpful, against harmless: a conflict
"""

from typing import Literal

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row

SYSTEM = "Mix Data or Merge Models"
PAPER = "Mix Data or Merge Models?: rows by helpful, honest, harmless; nothing is merged here"
VERSION = 1
TAKES = "responses"
MAKES = ("notes", "verdicts")
ROLES = ("judge",)
REAL_MODEL = ""

AIMS = ("helpful", "honest", "harmless")
Effect = Literal["trains", "against", "neither"]


class Effects(Answered):
    """What a model that learns from the row learns of each aim."""

    evidence: Aside
    helpful: Effect
    honest: Effect
    harmless: Effect


def most_calls(_: object) -> int:
    """One."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Say of each aim what the row does to it."""
    instruction = said(row["history"] or "", row["instruction"])
    effects = await ask("effects", Effects, instruction=instruction, answer=row["response"])
    trains, against = ([aim for aim in AIMS if getattr(effects, aim) == effect] for effect in ("trains", "against"))
    ask.made.note("aims", {"trains": trains, "against": against, "is_conflict": bool(trains and against)}, effects)
    told = f"trains {' '.join(trains) or 'none'}; against {' '.join(against) or 'none'}: {effects.evidence}"
    ask.made.verdict(row["input_id"], "three_h", passed=not against, detail=told, answer=effects)
