"""How far an answer says what its page says: each sentence is held to parts of the page, by the probability of a yes.

Paper: AlignScore (yuh-zha/AlignScore). The context is cut into chunks of about 350 words and the claim into sentences.
Each sentence is held to each chunk by a model with three classes: aligned, contradicted, neutral. A sentence's score is
the highest probability of `aligned` over the chunks; the claim's is the mean over its sentences.

Ours differs. The paper trains a model of 355M parameters on seven tasks; here a language model writes yes, no or
neither, and the probability of its yes is taken, not the word. A sentence meets only the chunks that share the most
words with it, as many as a knob says. An answer to which no page was shown is held to the reference, if there is one:
a sentence that a short reference leaves open then counts as not aligned. No mark is given if one of them failed, since
the mean would be of another claim. The reason names the sentence that is aligned the least.

    "It lifts 12 metres. It is blue." -> 0.98 and 0.03 by the page: 0.505
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import Field

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.evidence import claims, parts_near
from wellspring.tasks.contracts.likelihoods import choice
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "AlignScore"
PAPER = "AlignScore, yuh-zha/AlignScore: max over chunks, mean over sentences, three classes"
VERSION = 1
TAKES = "responses"
MAKES = ("scores",)
ROLES = ("judge",)
REAL_MODEL = ""
BEST = 1
LIKELIEST = 20
CLASSES = ("yes", "no", "neither")


class Knobs(Section):
    """What a profile can set under `[recipes.alignscore]`."""

    sentences: int = Field(
        default=12, ge=1, le=200, description="most sentences of an answer that are looked at; the paper looks at all"
    )
    chunks: int = Field(
        default=3, ge=1, le=100, description="chunks that a sentence is held to, those most like it; in the paper all"
    )


class Held(NamedTuple):
    """A sentence, and how probable each class is by the chunk that supports it best; with that answer."""

    claim: str
    classes: Mapping[str, float]
    answer: Text


def most_calls(knobs: Knobs) -> int:
    """One for each sentence and chunk."""
    return knobs.sentences * knobs.chunks


async def program(row: Row, ask: Ask) -> None:
    """Hold each sentence of an answer to its page, or to its reference.

    Raises:
        Rejection: `no_reference`, there is nothing to hold it to; `empty_text`, it says nothing; `no_logprobs`, the
            server gave none; `no_choice`, the model wrote none of the words.
    """
    context = (row["document"] or row["reference"] or "").strip()
    said, most = claims(row["response"]), ask.knobs.sentences
    if not context:
        raise Rejection("no_reference", "no page was shown to who answered, and no reference is known")
    if not said:
        raise Rejection("empty_text", f"no sentence: {row['response'][:200]}")
    if len(said) > most:
        ask.made.refused("too_long", f"sentences {most + 1} to {len(said)} are more than are looked at")
    found = await ask.each([_held(ask, context, claim) for claim in said[:most]])
    least = min(found, key=lambda one: one.classes["yes"])
    mean = sum(one.classes["yes"] for one in found) / len(found)
    ask.made.score(row["input_id"], TOTAL, mean, _told(least), least.answer)


async def _held(ask: Ask, context: str, claim: str) -> Held:
    """Hold a sentence to the chunks that are most like it."""
    chunks = parts_near(context, claim, ask.knobs.chunks)
    marks = await ask.each([ask("hold", Text, logprobs=LIKELIEST, context=chunk, claim=claim) for chunk in chunks])
    found = [Held(claim, choice(mark.logprobs, CLASSES), mark) for mark in marks]
    return max(found, key=lambda one: one.classes["yes"])


def _told(held: Held) -> str:
    classes = ", ".join(f"{name} {held.classes[name]:.2f}" for name in CLASSES)
    return f"least: {classes}: {held.claim[:200]}"
