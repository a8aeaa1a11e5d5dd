"""The answer to a question with a known one: with its reasons where the question is hard, and alone where it is easy.

Paper: Rationales Are Not Silver Bullets (arXiv 2505.24147). A model writes a rationale for a question, which is kept
only if its final answer is the label, after at most ten tries. How sure a model is of a question is the share of the
most frequent of ten sampled answers. Rationales help in proportion to how hard a task is, and hurt on easy ones.

Ours differs. The paper measures whole tasks and trains on both forms; here each question is told hard or easy by ten
answers without a rationale: easy is what the model is sure of, and right. How sure and whether right are kept as a note
for each question, with its bin of ten, so that calibration (ECE) can be summed up over a set. A try that failed has a
reason and is no row; what cannot be read is no answer. A label that stands in a longer answer is read out by a judge.

    {"text": "What is 17 * 23?", "response": "391"} -> hard: "17 * 20 is 340 ... The answer is: 391"; easy: "391"
"""

from collections import Counter

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.references import alike, final, is_same
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Rationales Are Not Silver Bullets"
PAPER = "Rationales Are Not Silver Bullets, arXiv 2505.24147"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "notes")
ROLES = ("responder", "generator", "judge")
MAY = frozenset({"resemble", "repeat"})
REAL_MODEL = ""

BINS = 10


class Knobs(Section):
    """What a profile can set under `[recipes.rationales]`."""

    samples: int = Field(default=10, ge=1, le=32, description="answers that tell how sure a model is; as the paper")
    tries: int = Field(
        default=10, ge=1, le=32, description="rationales of which one must come to the label; as the paper"
    )
    easy: float = Field(
        default=0.8, ge=0, le=1, description="how sure of the right answer a model is on an easy question"
    )
    temperature: float = Field(default=1.0, ge=0, le=2, description="of the answers, which must differ")


class Short(Answered):
    """A final answer alone."""

    answer: str


class Rationale(Answered):
    """Reasons and the final answer that they come to."""

    steps: str
    answer: str

    @property
    def text(self) -> str:
        """Both, as they are read."""
        return f"{self.steps}\n\nThe answer is: {self.answer}"


class Label(Answered):
    """The final answer that stands in a text, if one does."""

    label: str | None


def most_calls(knobs: Knobs) -> int:
    """One for the label, and one for each answer and each try."""
    return 1 + knobs.samples + knobs.tries


def sure(answers: list[str]) -> tuple[str, float]:
    """Return the most frequent answer, the first of several, and its share."""
    [(most, count)] = Counter(alike(answers)).most_common(1)
    return answers[most], count / len(answers)


async def program(row: Row, ask: Ask) -> None:
    """Tell a question hard or easy, and have it answered so.

    Raises:
        Rejection: `no_reference`, no label is known; `too_few_draws`, no answer can be read; `no_right_answer`, no
            rationale comes to the label.
    """
    label = await _label(row, ask)
    number, heat = ask.knobs.samples, ask.knobs.temperature
    given = await ask.draws(number, "short", Short, role="responder", temperature=heat, question=row["text"])
    if not given:
        raise Rejection("too_few_draws", f"none of {ask.knobs.samples} answers can be read: {row['text'][:200]}")
    answer, share = sure([one.answer for one in given])
    is_right = is_same(answer, label)
    is_easy = is_right and share >= ask.knobs.easy
    best = next(one for one in given if one.answer == answer) if is_easy else await _rationale(row, ask, label)
    made = ask.made.instruction(best, text=row["text"], parents=[row["input_id"]])
    ask.made.answer(best, made, "answer" if isinstance(best, Short) else "text")
    told = {"share": round(share, 4), "bin": min(BINS - 1, int(share * BINS)), "right": is_right, "hard": not is_easy}
    ask.made.note("confidence", told, given[0])


async def _label(row: Row, ask: Ask) -> str:
    """Return the label of a seed.

    Raises:
        Rejection: `no_reference`.
    """
    text = row["response"] or ""
    label = final(text)
    if text and label is None:
        label = (await ask("label", Label, role="judge", question=row["text"], answer=text)).label
    if not label:
        raise Rejection("no_reference", f"no final answer is known to: {row['text'][:200]}")
    return label


async def _rationale(row: Row, ask: Ask, label: str) -> Rationale:
    """Try until a rationale comes to the label.

    Raises:
        Rejection: `no_right_answer`.
    """
    for number in range(1, ask.knobs.tries + 1):
        [found] = await ask.tried([ask("rationale", Rationale, role="generator", question=row["text"], number=number)])
        if found and is_same(found.answer, label):
            return found
        if found:
            ask.made.refused("wrong_answer", f"{found.answer[:100]} for {label[:100]}: {found.steps[:200]}")
    raise Rejection("no_right_answer", f"{ask.knobs.tries} rationales, and none comes to {label[:100]}")
