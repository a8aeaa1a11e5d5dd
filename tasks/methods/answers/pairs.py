"""A better and a worse answer to one instruction, guarded against pairs that teach length or noise.

Paper: SynthQuestions, step F (five answers at temperature 0.8, best against worst by a reward); the length guard is
Quote-Tuning's (PAPERS E), since rewards favour length (SURPRISES 16). Ours differs from both: where best and worst
fail the guards, the widest pair that passes them is taken, and an instruction without one says why.

A way to pair of a user's own is a file of a plug-in folder, or of a package that names it under `wellspring.pairings`:

    VERSION = 1                          raised when it pairs otherwise
    def pair(draws, settings): ...       -> (chosen, rejected), two of the draws; settings are those of `preferences`

Each draw has response_id, reward and tokens. `Rejection` says why there is no pair.
"""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.plugins import PAIRINGS, Ours

VERSION = 1


class Draw(NamedTuple):
    """An answer, its reward, and its length in tokens."""

    response_id: str
    reward: float
    tokens: int


class Pair(NamedTuple):
    """Two answers, better first, and by how much the reward differs."""

    chosen: Draw
    rejected: Draw
    margin: float


def widest_pair(draws: Sequence[Draw], min_margin: float, max_length_ratio: float) -> Pair:
    """Choose the pair with the widest margin among those that pass both guards; ties by lower ids.

    Args:
        draws: Answers to one instruction whose reward is known.
        min_margin: Least difference of the rewards; a pair must differ even when it is 0.
        max_length_ratio: The longer may be at most this many times the shorter.

    Raises:
        Rejection: `too_few_draws`; `margin_too_small`, of the best and the worst; `length_differs`, of all that pass
        it.
    """
    if len(draws) < 2:  # noqa: PLR2004 - a pair
        raise Rejection("too_few_draws", f"{len(draws)} answers with a reward")
    ordered = sorted(
        permutations(draws, 2), key=lambda p: (p[1].reward - p[0].reward, p[0].response_id, p[1].response_id)
    )
    wide = [(a, b) for a, b in ordered if a.reward - b.reward >= min_margin and a.reward > b.reward]
    if not wide:
        best, worst = ordered[0]
        raise Rejection(
            "margin_too_small", f"{best.reward - worst.reward:g} between best and worst, {min_margin:g} wanted"
        )
    for chosen, rejected in wide:
        if max(chosen.tokens, rejected.tokens) <= max_length_ratio * max(1, min(chosen.tokens, rejected.tokens)):
            return Pair(chosen, rejected, chosen.reward - rejected.reward)
    chosen, rejected = wide[0]
    raise Rejection(
        "length_differs", f"{chosen.tokens} against {rejected.tokens} tokens, ratio {max_length_ratio:g} allowed"
    )


Way = Callable[[Sequence[Draw], Any], Pair]
OURS = Ours[Way]()


@OURS.resting_on("pairs")
def _widest_pair(draws: Sequence[Draw], settings: Any) -> Pair:
    return widest_pair(draws, settings.min_margin, settings.max_length_ratio)


def way(name: str, folders: Sequence[str] = ()) -> tuple[Way, int]:
    """Return a way to pair, and the VERSION of a user's; 0 for ours.

    Raises:
        UsageError: There is none of this name, or its file is not whole.
    """
    if name in OURS:
        return OURS[name], 0
    module = PAIRINGS.theirs(name, folders)

    def pair(draws: Sequence[Draw], settings: Any) -> Pair:
        chosen, rejected = module.pair(draws, settings)
        if chosen == rejected or not {chosen, rejected} <= {*draws}:
            raise ValueError(f"the way to pair `{name}` returned no two of the draws")
        return Pair(chosen, rejected, chosen.reward - rejected.reward)

    return pair, module.VERSION
