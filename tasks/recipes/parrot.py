"""A dialogue of several turns, and answers to its last turn that lost the context, as the worse sides of pairs.

Paper: Parrot (arXiv 2310.07301). A model that asks as people do (Parrot-Ask) and one that answers take turns, from a
first question that is given. Then context-aware preference optimization (CaPO): for questions that lean on earlier
turns, an answer each that neglects the context, hallucinates it, and misunderstands it.

Ours differs. Parrot-Ask was trained on the user turns of 70K dialogues; here a model is told to be the person, and six
turns in sixteen, and the last, are told to lean on what was said (the paper counts 3.42 of 8.71). We have read what
the three kinds are and not how they were made: ours leave the context out, invent another, and misread the question.
The same responder writes them as writes the good answer, so that only the context tells them apart. Nobody compares
the two sides, as in the paper. A dialogue that cannot go on ends where it is. Its last turn is the row, the others are
its history, and a turn that repeats another is refused.

    {"text": "Which roof for a shed?"} -> "And how much is the second one?", after two turns: the answer, three worse
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import content, opened
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Turn, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Parrot"
PAPER = "Parrot, arXiv 2310.07301: dialogues by a model that asks, and CaPO's three kinds of worse answers"
VERSION = 1
TAKES = "instructions"
MAKES = ("instructions", "responses", "preferences")
ROLES = ("generator", "responder")
REAL_MODEL = "SmolLM2 of 135M parameters, 3 inputs: 2 dialogues of 2 to 3 turns with 6 pairs, poor"
MAY = frozenset({"need_history", "resemble"})
LEANING_OF_SIXTEEN = 6  # turns that are told to lean on earlier ones

Kind = Literal["neglect", "hallucination", "misunderstanding"]
Lost = Callable[[Ask, Sequence[Turn], str], Coroutine[Any, Any, Text]]


class Knobs(Section):
    """What a profile can set under `[recipes.parrot]`."""

    turns: int = Field(default=8, ge=2, le=20, description="questions of the longest dialogue (the paper: 8.71 mean)")
    fewest_turns: int = Field(default=4, ge=2, description="of the shortest; the id of its input says how many one has")
    rejected: tuple[Kind, ...] = Field(
        default=("neglect", "hallucination", "misunderstanding"),
        max_length=3,
        description="kinds of worse answers to a last question that leans on the context; none for dialogues alone",
    )


class Said(Answered):
    """What the person writes next."""

    wants: Aside
    message: str


class Leaning(Answered):
    """Whether a message can be understood alone."""

    missing: Aside
    needs: bool


class Guessed(Answered):
    """A conversation that was never held."""

    question: str
    answer: str


class Misread(Answered):
    """A message, as somebody takes it who mixes up what was said."""

    mistake: Aside
    message: str


def most_calls(knobs: Knobs) -> int:
    """An answer a turn, a question for each but the first, whether the last leans, and what each kind costs."""
    return 2 * knobs.turns - 1 + bool(knobs.rejected) + sum(_LOST[kind][0] for kind in knobs.rejected)


async def program(row: Row, ask: Ask) -> None:
    """Hold the dialogue, keep its last turn with its answer, and pair that with answers that lost the context."""
    context, question = _opened(row)
    said: Said | None = None
    answer = await _answer(ask, context, question)
    for leans in _leanings(row["input_id"], ask.knobs):
        before = [*context, *_exchange(question, answer.text)]
        [more] = await ask.tried([_gone_on(ask, before, leans=leans)])
        if more is None:
            break
        said, answer = more
        context, question = before, said.message
    if said is None:
        return
    made = ask.made.instruction(said, "message", parents=[row["input_id"]], history=context)
    chosen = ask.made.answer(answer, made)
    if chosen is not None and ask.knobs.rejected:
        await _pair(ask, context, made, chosen)


def _opened(row: Row) -> tuple[list[Turn], str]:
    """Return the turns before the given question, and the question.

    Raises:
        Rejection: `unsupported`: a tool was called in them.
    """
    system, turns = opened(row.get("history") or "", "")
    if any(turn["role"] == "tool" or turn.get("tool_calls") for turn in turns):
        raise Rejection("unsupported", "a tool was called in this conversation, and nobody here has one")
    before = [Turn(role=turn["role"], content=content(turn)) for turn in turns]
    return ([Turn(role="system", content=system), *before] if system else before), row["text"]


def _leanings(input_id: str, knobs: Knobs) -> list[bool]:
    """Return for each question after the first whether it is told to lean on the context; the last always is."""
    fewest = min(knobs.fewest_turns, knobs.turns)
    more = fewest - 1 + int(input_id[:8], 16) % (knobs.turns - fewest + 1)
    marks = (int(input_id[turn % len(input_id)], 16) for turn in range(more - 1))
    return [*(mark < LEANING_OF_SIXTEEN for mark in marks), True]


async def _gone_on(ask: Ask, before: Sequence[Turn], *, leans: bool) -> tuple[Said, Text]:
    """Have the person write once more, and be answered."""
    turns = _shown(before)
    said = await (ask("lean", Said, turns=turns) if leans else ask("go_on", Said, turns=turns))
    _refuse_repeated(said.message, before)
    answer = await _answer(ask, before, said.message)
    _refuse_repeated(answer.text, before)
    return said, answer


async def _answer(ask: Ask, context: Sequence[Turn], question: str) -> Text:
    return await ask("answer", Text, role="responder", history=context, question=bare(question))


async def _pair(ask: Ask, context: Sequence[Turn], made: Made, chosen: Made) -> None:
    """Have the question answered by somebody who lost the context, in each way that is wanted."""
    leaning = await ask("depends", Leaning, turns=_shown(context), message=made.text)
    if not leaning.needs:
        ask.made.refused("no_context_needed", f"answered as well without the turns before it: {made.text[:200]}")
        return
    texts = {chosen.text}
    for lost in await ask.tried([_LOST[kind][1](ask, context, made.text) for kind in ask.knobs.rejected]):
        if lost is not None and lost.text in texts:
            ask.made.refused("same_text", f"two answers to one question say the same: {lost.text[:200]}")
        elif lost is not None and (rejected := ask.made.answer(lost, made, use="rejected")):
            texts.add(lost.text)
            ask.made.pair(chosen, rejected, "negative")


async def _neglected(ask: Ask, context: Sequence[Turn], question: str) -> Text:
    return await _answer(ask, _system(context), question)


async def _hallucinated(ask: Ask, context: Sequence[Turn], question: str) -> Text:
    guess = await ask("guess", Guessed, message=question)
    _refuse_repeated(guess.question, context)
    return await _answer(ask, [*_system(context), *_exchange(guess.question, guess.answer)], question)


async def _misunderstood(ask: Ask, context: Sequence[Turn], question: str) -> Text:
    misread = await ask("misread", Misread, turns=_shown(context), message=question)
    _refuse_repeated(misread.message, [*context, Turn(role="user", content=question)])
    return await _answer(ask, context, misread.message)


_LOST: dict[Kind, tuple[int, Lost]] = {  # calls of each, and the way
    "neglect": (1, _neglected),
    "hallucination": (2, _hallucinated),
    "misunderstanding": (2, _misunderstood),
}


def _exchange(question: str, answer: str) -> tuple[Turn, Turn]:
    return Turn(role="user", content=question), Turn(role="assistant", content=answer)


def _system(context: Sequence[Turn]) -> list[Turn]:
    return [turn for turn in context if turn["role"] == "system"]


def _shown(context: Sequence[Turn]) -> list[str]:
    """Return turns as texts that say who speaks."""
    return [f"{_SPEAKERS[turn['role']]}: {turn['content']}" for turn in context]


_SPEAKERS = {"system": "Rules of the conversation", "user": "The person", "assistant": "The assistant"}


def _refuse_repeated(text: str, turns: Sequence[Turn]) -> None:
    """Return when a text says something new.

    Raises:
        Rejection: `duplicate`: a turn says the same.
    """
    if _same(text) in {_same(turn["content"]) for turn in turns}:
        raise Rejection("duplicate", f"a turn says the same: {text[:200]}")


def _same(text: str) -> str:
    return " ".join(text.casefold().split())
