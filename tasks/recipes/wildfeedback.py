"""Answers that a person was not content with, below answers that go by what the person turned out to want.

Paper: WildFeedback (arXiv 2408.15549). In conversations with people, each later message of a person is held against 18
rubrics: nine of content, nine of discontent. Where a message shows discontent, what the person wants is inferred from
the conversation up to it. The message before is answered again with these preferences as system prompt; that answer
is preferred to the one that met discontent.

Ours differs. The rubrics are our own (`wildfeedback.jsonl`); the paper's nine and nine are as we remember them. Of a
conversation the first answer that met discontent is taken. Signs of content are kept as notes. The text of the worse
side is the conversation's own, so no model of ours is named for it.

    {"text": "Name a cake.", "turns": [..."Chocolate.", ..."No, without eggs!"]} -> a cake without eggs, above that one
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Turn, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "WildFeedback"
PAPER = "WildFeedback, arXiv 2408.15549: signals of content and discontent, preferences, answers by them"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "notes")
ROLES = ("judge", "responder")
MAY = frozenset({"resemble", "repeat", "need_history"})
REAL_MODEL = ""

RULES = "You help the person who writes to you."


class Knobs(Section):
    """What a profile can set under `[recipes.wildfeedback]`."""

    messages: int = Field(default=4, ge=1, le=32, description="later messages of a person that are looked at")


class Signals(Answered):
    """Names of the rubrics that a message meets."""

    signals: list[str] = Field(max_length=18)


class Wants(Answered):
    """What a person wants of answers."""

    preferences: list[str] = Field(min_length=1, max_length=8)


@dataclass(frozen=True, slots=True)
class Reaction:
    """An answer of a conversation, by the place of its turn, and what the next message shows."""

    place: int
    said: Signals
    kinds: Mapping[str, str]  # of content or discontent, by the names of the rubrics that are met


def most_calls(knobs: Knobs) -> int:
    """One for each message that is looked at, one for what the person wants, one for the answer."""
    return knobs.messages + 2


async def program(row: Row, ask: Ask) -> None:
    """Find the first answer that a person was not content with, and have its message answered as the person wants.

    Raises:
        Rejection: `no_feedback`, the person never wrote again; `unsupported`.
    """
    talk = _talk(row)
    places = [at for at in range(1, len(talk) - 1) if _roles(talk[at : at + 2]) == ["assistant", "user"]]
    if not places:
        raise Rejection("no_feedback", f"nothing was written after the answer to: {row['text'][:200]}")
    found = await ask.tried([_reaction(ask, talk, at) for at in places[: ask.knobs.messages]])
    met = [one for one in found if one and one.kinds]
    for one in met:
        ask.made.note("signals", {"turn": one.place, "signals": sorted(one.kinds)}, one.said)
    bad = next((one for one in met if "discontent" in one.kinds.values()), None)
    if bad is None:
        ask.made.refused("nothing_failed", f"no message of {len(found)} shows discontent: {row['text'][:200]}")
    else:
        await _mended(row, ask, talk, bad)


def _talk(row: Row) -> list[Turn]:
    """Return the turns of a conversation from its first message on.

    Raises:
        Rejection: `unsupported`: a tool was called in it, or a turn has no text.
    """
    turns: list[dict[str, Any]] = json.loads(row["turns"]) if row["turns"] else []
    if any(turn.get("tool_calls") or not turn.get("content") or turn["role"] == "tool" for turn in turns):
        raise Rejection("unsupported", "a tool was called in this conversation, or a turn has no text")
    return [Turn(role="user", content=row["text"]), *(Turn(role=one["role"], content=one["content"]) for one in turns)]


def _roles(turns: Sequence[Turn]) -> list[str]:
    return [turn["role"] for turn in turns]


def _shown(turns: Sequence[Turn]) -> list[str]:
    return [f"{'The person' if turn['role'] == 'user' else 'The assistant'}: {turn['content']}" for turn in turns]


async def _reaction(ask: Ask, talk: Sequence[Turn], place: int) -> Reaction:
    """Hold the message after an answer against the rubrics; names that are none of theirs are passed over."""
    rubrics = "\n".join(f"- {one['name']}: {one['rubric']}" for one in ask.own)
    said = await ask(
        "signals", Signals, rubrics=ours(rubrics), turns=_shown(talk[: place + 1]), message=talk[place + 1]["content"]
    )
    kinds = {str(one["name"]): str(one["kind"]) for one in ask.own if one["name"] in said.signals}
    return Reaction(place, said, kinds)


async def _mended(row: Row, ask: Ask, talk: Sequence[Turn], bad: Reaction) -> None:
    """Infer what the person wants, have the message answered by that, and make the pair.

    Raises:
        Rejection: `unsupported`.
    """
    before, asked = list(talk[: bad.place - 1]), talk[bad.place - 1]
    if asked["role"] != "user":
        raise Rejection("unsupported", f"no message before the answer: {row['text'][:200]}")
    wants = await ask("preferences", Wants, turns=_shown(talk[: bad.place + 2]), signals=sorted(bad.kinds))
    note = ask.made.note("preferences", wants.preferences, wants)
    answer = await ask(
        "answer",
        Text,
        role="responder",
        history=before,
        rules=bare(row["system"] or RULES),
        preferences=wants.preferences,
        question=bare(asked["content"]),
    )
    history = [Turn(role="system", content=row["system"]), *before] if row["system"] else before
    made = ask.made.instruction(bad.said, text=asked["content"], history=history, parents=[row["input_id"], note])
    chosen = ask.made.answer(answer, made)
    rejected = ask.made.answer(bad.said, made, text=talk[bad.place]["content"], model="given", use="rejected")
    if chosen and rejected:
        ask.made.pair(chosen, rejected, "refined")
