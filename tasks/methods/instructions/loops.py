"""Does a text end in a loop: the same words again and again, as small and over-quantised models get stuck in them?"""

import re

VERSION = 1
TAIL_CHARS = 1200  # of the text: where it stops is where it loops
LEAST_TIMES = 4
LEAST_CHARS = 80  # that the repetitions fill: a short refrain is none
_LOOP = re.compile(r"(.{1,240}?)\1{3,}.{0,240}\Z", re.DOTALL)


def is_loop(text: str) -> bool:
    """Whether the last part of a text is one piece, repeated.

    Args:
        text: An answer; of a long one its last `TAIL_CHARS` are looked at.
    """
    tail = text[-TAIL_CHARS:]
    found = _LOOP.search(tail)
    if found is None:
        return False
    piece = found[1]
    times = 0
    rest = tail[found.start() :]
    while rest.startswith(piece):
        times, rest = times + 1, rest[len(piece) :]
    is_cut = piece.startswith(rest) or not rest.strip()  # the last one may be cut off in its middle
    return times >= LEAST_TIMES and times * len(piece) >= LEAST_CHARS and is_cut
