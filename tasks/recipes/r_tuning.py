"""Questions with known answers teach a model to say what it does not know, by what it gets wrong itself.

Paper: R-Tuning (arXiv 2311.09677). The model that is to be tuned answers a question, and its answer is held against
the known one. In one form the known answer is followed by a sentence that says whether the model was sure: it was if it
was right. In another, one of 16 refusals takes the place of the answer that it did not know. In the unsupervised form
it is sure where several of its answers agree, by their entropy.

Ours differs. All sentences are our own (`r_tuning.jsonl`), and the question's id chooses. A short answer is compared by
its words, and a longer one by a judge. Unsure by entropy is a fixed bound, not the upper half of a set, and there the
most frequent answer stands where none is known. What is known is so of the model in the role `responder` alone: name
the one that is to be tuned, and run again for another. Its own answer is kept as a note.

    {"text": "Who wrote Emma?", "response": "Jane Austen"} -> "Jane Austen. I am sure of this." or "... not sure ..."
"""

import math
from collections import Counter
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.references import agreeing, alike, final
from wellspring.tasks.contracts.settings import Section

SYSTEM = "R-Tuning"
PAPER = "R-Tuning, arXiv 2311.09677: answers that say how sure they are, and refusals of the unknown"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "notes")
ROLES = ("responder", "judge")
MAY = frozenset({"resemble", "repeat"})
REAL_MODEL = ""

MARK_DIGITS = 8  # of an id, by which a sentence is chosen


class Knobs(Section):
    """What a profile can set under `[recipes.r_tuning]`."""

    form: Literal["sure", "refusal", "unsupervised"] = Field(
        default="sure", description="what tells of the unknown: a sentence after the answer, or a refusal in its place"
    )
    samples: int = Field(default=5, ge=2, le=32, description="answers of which the unsupervised form takes the entropy")
    temperature: float = Field(default=0.7, ge=0, le=2, description="of these answers; the others are asked at 0")
    max_entropy: float = Field(
        default=0.5, ge=0, le=1, description="of answers that are sure, of the most there is; in the paper half of them"
    )


def most_calls(knobs: Knobs) -> int:
    """One for each answer, or one and one to compare it."""
    return knobs.samples if knobs.form == "unsupervised" else 2


def entropy(texts: list[str]) -> float:
    """Return the entropy of answers, of the most that so many can have."""
    shares = [count / len(texts) for count in Counter(alike(texts)).values()]
    most = math.log(len(texts)) or 1  # of one alone there is none
    return -sum(share * math.log(share) for share in shares) / most


async def program(row: Row, ask: Ask) -> None:
    """Find out whether the model knows the answer, and make the answer that says so.

    Raises:
        Rejection: `no_reference`, no answer is known; `too_few_draws`; `undecided`, nobody tells if it is right.
    """
    answer, text, is_known = await (_by_entropy if ask.knobs.form == "unsupervised" else _by_reference)(row, ask)
    made = ask.made.instruction(answer, text=row["text"], parents=[row["input_id"]])
    ask.made.note("knowledge", {"known": is_known, "answer": answer.text, "form": ask.knobs.form}, answer)
    if ask.knobs.form == "refusal":
        text = text if is_known else _sentence(row, ask, "refusal")
    else:
        text = f"{text} {_sentence(row, ask, 'sure' if is_known else 'unsure')}"
    ask.made.answer(answer, made, text=text, model="given" if row["response"] else "")


async def _by_reference(row: Row, ask: Ask) -> tuple[Text, str, bool]:
    """Return the model's answer, the known one, and whether they agree."""
    known = row["response"] or ""
    if not known:
        raise Rejection("no_reference", f"no answer is known to: {row['text'][:200]}")
    answer = await ask("answer", Text, temperature=0, question=bare(row["text"]))
    [agrees] = await agreeing(ask, "agree", row["text"], known, [answer], "judge")
    if agrees is None:
        raise Rejection("undecided", f"nobody says whether it is right: {answer.text[:200]}")
    return answer, known, agrees


async def _by_entropy(row: Row, ask: Ask) -> tuple[Text, str, bool]:
    """Return an answer of the model, the known or most frequent one, and whether its answers agree among themselves."""
    number, heat, question = ask.knobs.samples, ask.knobs.temperature, bare(row["text"])
    given = await ask.draws(number, "answer", Text, temperature=heat, question=question)
    if not given:
        raise Rejection("too_few_draws", f"{number} answers, and none is of use: {row['text'][:200]}")
    finals = [final(one.text) or one.text for one in given]
    [(most, _)] = Counter(alike(finals)).most_common(1)
    return given[most], row["response"] or given[most].text, entropy(finals) <= ask.knobs.max_entropy


def _sentence(row: Row, ask: Ask, kind: str) -> str:
    """Return a sentence of a kind, as the question's id says."""
    own = [one["text"] for one in ask.own if one["kind"] == kind]
    return own[int(row["input_id"][:MARK_DIGITS], 16) % len(own)]
