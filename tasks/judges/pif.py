"""The share of an instruction's checkable demands that each answer follows, told by code; and by how many samples.

Paper: MMMT-IF. Answers are held to the demands that stand anywhere in a conversation and that code can check. PIF
(programmatic instruction following) is the share of them that an answer follows. Several answers are sampled for each
item: PIF-N-K says whether at least K of N follow all.

Ours differs. We know the paper from a short note and from memory. It has pictures and demands of its own, with checks
that people wrote; here a model finds the demands in an instruction with the turns before it, and writes a function for
each. Such a function is believed only if it passes a text that keeps to the demand and fails one that breaks it, both
by the same model. The samples are the answers that are there (`responses`, `preferences.draws`). The note says how many
there are and how many follow all, so PIF-N-K holds for each K up to that. What a function says nothing about is left
out of that answer's share.

    "In two sentences, without the letter z" -> 2 functions; an answer of three sentences without z has 0.5
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "MMMT-IF"
PAPER = "MMMT-IF: PIF and PIF-N-K, on text; the functions are a model's"
VERSION = 1
TAKES = "answered"
MAKES = ("scores", "notes")
ROLES = ("judge",)
REAL_MODEL = ""
BEST = 1
MOST = 12


class Knobs(Section):
    """What a profile can set under `[recipes.pif]`."""

    demands: int = Field(default=8, ge=1, le=MOST, description="most demands of an instruction; the paper has up to 6")


class Demand(Answered):
    """A demand on the form of an answer, a function that checks it, and a text on either side."""

    demand: str
    function: str
    keeps: str
    breaks: str


class Demands(Answered):
    """All demands that code can check; often there are none."""

    demands: list[Demand] = Field(max_length=MOST)


class Checked(NamedTuple):
    """A demand, what its function says of each answer, and the engines that ran it."""

    demand: str
    said: Sequence[bool | None]
    engines: Sequence[str]


def most_calls(_: object) -> int:
    """One."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Have the checks written, try them, and hold each answer to them.

    Raises:
        Rejection: `not_checkable`, the instruction has no demand that code can check, or no check is sound;
            `undecided`, the checks say nothing of any answer.
    """
    asked = said(row["history"] or "", row["text"])
    answers: list[dict[str, Any]] = json.loads(row["answers"])
    found = await ask("demands", Demands, instruction=asked, most=ask.knobs.demands)
    by_function = {one.function: one for one in found.demands[: ask.knobs.demands][::-1]}
    different = [*by_function.values()][::-1]
    checks = await ask.tried([_checked(ask, one, [a["text"] for a in answers]) for one in different])
    sound = [one for one in checks if one]
    if not sound:
        raise Rejection("not_checkable", f"{len(found.demands)} demands, and no sound check of one")
    shares = {answer["response_id"]: _share(sound, place) for place, answer in enumerate(answers)}
    told = {name: share for name, (share, _) in shares.items() if share is not None}
    if not told:
        raise Rejection("undecided", f"{len(sound)} checks say nothing of {len(answers)} answers")
    for name, share in told.items():
        ask.made.score(name, TOTAL, share, shares[name][1], found)
    followed = sum(share == 1 for share in told.values())
    said_of = {"samples": len(told), "follow_all": followed, "mean": sum(told.values()) / len(told)}
    ask.made.note("pif", {**said_of, "demands": [one.demand for one in sound]}, found)


async def _checked(ask: Ask, one: Demand, texts: Sequence[str]) -> Checked:
    """Try a function on its two texts, and then on the answers.

    Raises:
        Rejection: `unsound_check`, it does not tell them apart.
    """
    ran = await ask.run([one.function], [one.keeps, one.breaks, *texts])
    keeps, breaks, *rest = ran[0]
    if keeps is not True or breaks is not False:
        raise Rejection("unsound_check", f"{keeps} of what keeps to it, {breaks} of what breaks it: {one.demand[:200]}")
    return Checked(one.demand, rest, ran.engines)


def _share(checks: Sequence[Checked], place: int) -> tuple[float | None, str]:
    """Return the share of demands that an answer follows, and those that it does not, with what ran the checks."""
    told = [(one, one.said[place]) for one in checks if one.said[place] is not None]
    if not told:
        return None, ""
    broken = "; ".join(one.demand for one, is_kept in told if not is_kept)
    engines = ", ".join(sorted({engine for one in checks for engine in one.engines}))
    return sum(bool(is_kept) for _, is_kept in told) / len(told), f"breaks: {broken or 'none'} ({engines})"
