"""Rows into sequences of a length for training, each with the mix of the whole.

Paper: Mixture-of-Instructions (arXiv 2404.18410) packs a sequence from rows of all domains in equal shares, and masks
attention between them; packing that leaves one domain for the end makes a model worse at the others.

Ours differs. No row is repeated, so equal shares would leave the last sequences to the largest group. Instead the next
row is always of the group of which the least was taken yet, as a share of all its tokens: then each group ends with the
last sequence. A row that does not fit waits, and one of the next `WINDOW` rows of its group may go before it. A row
that is longer than a sequence has one of its own. The order within a group is that of a hash of the ids. Masks are made
by who trains. O(rows x (groups + WINDOW)).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import xxhash

VERSION = 1
SYSTEM = "Mixture-of-Instructions"
WINDOW = 64


class Part(NamedTuple):
    """A row of a dataset: its id, the group by which sequences are balanced, and its tokens."""

    id: str
    group: str
    tokens: int


def packed(parts: Iterable[Part], length: int) -> list[list[Part]]:
    """Put rows into sequences; the same rows give the same ones, in whatever order they come.

    Args:
        parts: The rows; each has an id of its own.
        length: Tokens of a sequence.

    Returns:
        The sequences in the order in which they are to be trained on, each with its rows.
    """
    queues = _queues(parts)
    whole = {group: max(sum(part.tokens for part in queue), 1) for group, queue in queues.items()}
    taken, found = dict.fromkeys(queues, 0), list[list[Part]]()
    while queues:
        sequence, room, closed = list[Part](), length, set[str]()
        while group := min(queues.keys() - closed, key=lambda one: (taken[one] / whole[one], one), default=""):
            place = _first(queues[group], room, takes_any=not sequence)
            if place is None:
                closed.add(group)
                continue
            part = queues[group].pop(place)
            sequence.append(part)
            room, taken[group] = room - part.tokens, taken[group] + part.tokens
            if not queues[group]:
                del queues[group]
        found.append(sequence)
    return found


def _queues(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """Return the rows of each group, the first of them last; a group without a name has one."""
    queues = defaultdict[str, list[Part]](list)
    for part in parts:
        queues[part.group or "-"].append(part)
    for queue in queues.values():
        queue.sort(key=lambda part: (xxhash.xxh64_intdigest(part.id.encode()), part.id), reverse=True)
    return dict(queues)


def _first(queue: list[Part], room: int, *, takes_any: bool) -> int | None:
    """Return the place of the first row that fits; None where none of the next does."""
    if takes_any:
        return len(queue) - 1
    near = range(len(queue) - 1, max(len(queue) - 1 - WINDOW, -1), -1)
    return next((place for place in near if queue[place].tokens <= room), None)
