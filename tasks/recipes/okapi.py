"""Answers to a seed in its own language, best first: as people ranked them, or as a model ranks them twice.

Paper: Okapi (arXiv 2307.16039). Instructions are put into 26 languages; a model gives four answers to each, and another
ranks them, being asked twice so that its order is consistent. Answers and ranks train a reward model in each language,
and that one the model.

Ours differs. A seed stays in its language: `translate` puts it into others. Where it brings ranked answers (the field
`ranked`, the best first, or with a `rank` each), these are used, and the judge ranks them once: a pair counts where
both orders agree. Else the responder gives the answers, and the judge ranks them in two orders. Answers in another
language than the seed are left out first. The reward model is the trainer's.

    {"prompt": "¿Por qué flota el hielo?", "ranked": ["Porque ...", "No sé."]} -> the first above the second
"""

import json
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Use, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import differing
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Okapi"
PAPER = "Okapi, arXiv 2307.16039: ranked answers in many languages"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "notes")
ROLES = ("responder", "judge")
MAY = frozenset({"resemble", "repeat"})
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.okapi]`."""

    answers: int = Field(default=4, ge=2, le=8, description="answers that are ranked, as in the paper")


class Ranking(Answered):
    """Numbers of answers, the best first, and the language that each is in."""

    reason: Aside
    order: list[int]
    other_language: list[int]


class Given(NamedTuple):
    """An answer: its text, and what said it; of one that the seed brought that is None."""

    text: str
    source: Text | None


def most_calls(knobs: Knobs) -> int:
    """One for each answer, and two to rank them."""
    return knobs.answers + 2


async def program(row: Row, ask: Ask) -> None:
    """Have answers to a seed ranked, and keep the pairs that both orders agree on.

    Raises:
        Rejection: `too_few_draws`, fewer than two answers; `not_compared`, the judge gives no order; `undecided`, the
            orders agree on no pair.
    """
    answers = _ranked_before(row)[: ask.knobs.answers]
    is_given = len(answers) > 1
    if not is_given:
        drawn = await ask.draws(ask.knobs.answers, "answer", Text, instruction=bare(row["text"]))
        answers = [Given(one.text, one) for one in differing(ask.made, drawn, text=lambda one: one.text)]
    if len(answers) < 2:  # noqa: PLR2004 - a pair
        raise Rejection("too_few_draws", f"{len(answers)} different answers to: {row['text'][:200]}")
    first = int(row["input_id"][:8], 16) % len(answers)
    turns = [first] if is_given else [first, first + len(answers) // 2]
    rankings = await ask.each([_ranked(ask, row, answers, place) for place in turns])
    orders = [[*range(len(answers))]] * is_given + [order for order, _, _ in rankings]
    foreign = set[int].union(*(found for _, found, _ in rankings))
    for at in sorted(foreign):
        ask.made.refused("other_language", f"not {row['language']}: {answers[at].text[:200]}")
    agreed = [
        two for two in combinations(orders[0], 2) if all(order.index(two[0]) < order.index(two[1]) for order in orders)
    ]
    _keep(ask, row, answers, [two for two in agreed if not foreign & {*two}], rankings[0][2])


def _ranked_before(row: Row) -> list[Given]:
    """Return the answers that a seed brings, the best first."""
    turns = json.loads(row["turns"] or "[]")
    others: list[str] = turns[0].get("ranked", []) if turns else []
    return [Given(text, None) for text in dict.fromkeys([row["response"] or "", *others]) if text]


async def _ranked(ask: Ask, row: Row, answers: Sequence[Given], place: int) -> tuple[list[int], set[int], Ranking]:
    """Return the judge's order of the answers and those in another language, by their places, with what it said.

    Raises:
        Rejection: `not_compared`, a number is missing, there twice, or of no answer.
    """
    shown = [(place + step) % len(answers) for step in range(len(answers))]
    numbered = [f"{number}: {answers[at].text}" for number, at in enumerate(shown, start=1)]
    said = await ask("rank", Ranking, role="judge", instruction=row["text"], answers=numbered)
    if sorted(said.order) != list(range(1, len(shown) + 1)) or not {*said.other_language} <= {*said.order}:
        raise Rejection("not_compared", f"no order of {len(shown)} answers: {str(said.order)[:100]}")
    return [shown[one - 1] for one in said.order], {shown[one - 1] for one in said.other_language}, said


def _keep(ask: Ask, row: Row, answers: Sequence[Given], agreed: Sequence[tuple[int, int]], by: Ranking) -> None:
    """Make the seed, its answers and their pairs; the margin is the number of pairs that lie between two answers.

    Raises:
        Rejection: `undecided`.
    """
    if not agreed:
        raise Rejection("undecided", f"the orders of {len(answers)} answers agree on no two")
    lost = {worse for _, worse in agreed}
    wins = {at: sum(better == at for better, _ in agreed) for at in range(len(answers))}
    made = ask.made.instruction(answers[0].source or by, text=row["text"], parents=[row["input_id"]])
    kept: dict[int, Made | None] = {}
    for at in sorted({at for two in agreed for at in two}, key=lambda at: (-wins[at], at)):
        one = answers[at]
        use: Use = "answer" if at not in lost else "draw" if wins[at] else "rejected"
        kept[at] = ask.made.answer(one.source or by, made, text=one.text, model="" if one.source else "given", use=use)
    ask.made.note("ranking", {"wins": [wins[at] for at in range(len(answers))], "given": not answers[0].source}, by)
    for better, worse in agreed:
        if (chosen := kept[better]) and (rejected := kept[worse]):
            ask.made.pair(chosen, rejected, "verified", margin=max(wins[better] - wins[worse], 1))
