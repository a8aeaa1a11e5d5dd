"""The answers to one instruction in a tournament: a bracket drawn for it, one match less than there are answers.

Paper: Varco Arena, also Arena-Lite (EMNLP 2025). There is no reference answer and no anchor. For each prompt the
outputs are put into a random single-elimination bracket, and of N outputs N - 1 matches are judged. The matches of all
prompts together rank the models.

Ours differs. The bracket is drawn by a hash of the group and of each answer, and not by chance, so that it is the same
wherever it is played again. Each match is judged in both orders. Only where both name the same answer is it won, and
makes a pair; else the answer that was drawn first goes on. An answer's total is the number of matches that it won. The
models are told apart by the pairs, and by the notes of kind `match`, which name them.

    four answers -> three matches: the winner has 2, the loser of the final 1, the others 0, and there are 3 pairs
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.rivals import Rival, drawn
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Varco Arena"
PAPER = "Varco Arena (Arena-Lite), EMNLP 2025"
VERSION = 1
TAKES = "answered"
MAKES = ("scores", "preferences", "notes")
ROLES = ("judge",)
BEST = 4  # matches to the end of the largest bracket


class Knobs(Section):
    """What a profile can set under `[recipes.varco_arena]`."""

    answers: int = Field(
        default=8, ge=2, le=16, description="the most answers of an instruction that are in its bracket"
    )


class Match(Answered):
    """Which of two answers is better."""

    comparison: Aside
    better: Literal["first", "second", "neither"]


def most_calls(knobs: Knobs) -> int:
    """Two for each match, of which there is one less than answers."""
    return 2 * (knobs.answers - 1)


async def program(row: Row, ask: Ask) -> None:
    """Play the bracket round by round, and keep who won.

    Raises:
        Rejection: `no_match_decided`, no match was won.
    """
    players = drawn(row, ask.knobs.answers, "bracket")
    if len(players) == 1:
        ask.made.refused("too_few_answers", "a bracket needs two answers")
        return
    won = {player.id: 0 for player in players}
    left = players
    while len(left) > 1:
        matches = list(zip(left[::2], left[1::2], strict=False))
        found = await ask.tried([_match(ask, row, *match) for match in matches])
        winners = [winner or first for winner, (first, _) in zip(found, matches, strict=True)]
        for winner in filter(None, found):
            won[winner.id] += 1
        left = [*winners, *left[2 * len(matches) :]]
    if not any(won.values()):
        raise Rejection("no_match_decided", f"{len(players)} answers, and no match was won in both orders")
    for player in players:
        ask.made.score(player.id, TOTAL, won[player.id], "matches won")


async def _match(ask: Ask, row: Row, one: Rival, other: Rival) -> Rival | None:
    """Have a match judged in both orders; None where nobody won it.

    Raises:
        Rejection: An order has no answer of use.
    """
    if one.text == other.text:
        return None
    verdicts = await ask.each([_judged(ask, row, (one, other)), _judged(ask, row, (other, one))])
    winners = [winner for winner, _ in verdicts]
    if winners[0] is None or winners[0] != winners[1]:
        return None
    loser = other if winners[0] == one else one
    ask.made.pair(winners[0].id, loser.id, "verified")
    ask.made.note("match", {"won": winners[0].model, "lost": loser.model}, verdicts[0][1])
    return winners[0]


async def _judged(ask: Ask, row: Row, sides: Sequence[Rival]) -> tuple[Rival | None, Match]:
    """Return who is better as the two are shown in this order, and what was answered."""
    instruction = said(row.get("history") or "", row["text"])
    match = await ask("match", Match, instruction=instruction, first=sides[0].text, second=sides[1].text)
    return {"first": sides[0], "second": sides[1], "neither": None}[match.better], match
