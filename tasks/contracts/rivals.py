"""Several answers to one instruction that a judge holds against each other, two at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id

_POINTS = {"first": 1.0, "second": 0.0, "tie": 0.5}


@dataclass(frozen=True, slots=True)
class Rival:
    """An answer to the instruction: its id, its text, who wrote it and what for."""

    id: str
    text: str
    model: str
    use: str


def drawn(row: Row, most: int | None, key: str) -> list[Rival]:
    """Return the answers in the order of their lots, whatever order they came in.

    Args:
        row: Of `answered`.
        most: So many are left; None leaves all.
        key: Of the lots; another one gives another order.
    """
    answers = [Rival(one["response_id"], one["text"], one["model"], one["use"]) for one in json.loads(row["answers"])]
    return sorted(answers, key=lambda one: content_id(key, row["input_id"], one.id))[:most]


def meetings(row: Row, ask: Ask, most: int, key: str) -> list[tuple[Rival, Rival]]:
    """Return every two of the answers that say different things; where there are none, that is recorded.

    Args:
        row: Of `answered`.
        ask: As the program has it.
        most: So many of the answers meet.
        key: Of their lots: who is drawn earlier comes first in a meeting.
    """
    met = [two for two in combinations(drawn(row, most, key), 2) if two[0].text != two[1].text]
    if not met:
        ask.made.refused("too_few_answers", "nothing differs: two answers of different texts are needed")
    return met


def points(verdicts: Sequence[str]) -> float | None:
    """Return what an answer has of a meeting that was judged in both orders.

    Args:
        verdicts: first, second or tie; where it was shown first, then where it was shown second.

    Returns:
        1 where it won, 0 where it lost, 0.5 for a tie; None where the two orders differ.
    """
    one, other = (_POINTS[verdict] for verdict in verdicts)
    return one if one == 1 - other else None
