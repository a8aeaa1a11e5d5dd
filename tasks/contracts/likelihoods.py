"""How likely a model found what it wrote: the tokens of an answer, each with its likeliest others, and what they tell.

A program asks for them by `ask(..., logprobs=5)` and has them as `answer.logprobs`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wellspring.tasks.contracts.errors import Rejection


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an answer: its token, the log-probability of that, and the likeliest tokens with theirs."""

    token: str
    logprob: float
    likely: tuple[tuple[str, float], ...] = ()

    def merged(self, name: Callable[[str], str]) -> dict[str, float]:
        """Return what each name has of the probability: `7` and ` 7` may have one name; what has none is left out."""
        found: dict[str, float] = {}
        for token, logprob in {self.token: self.logprob, **dict(self.likely)}.items():
            if named := name(token):
                found[named] = found.get(named, 0.0) + math.exp(logprob)
        return found


def places(said: str) -> tuple[Place, ...]:
    """Read what an answer's record says (`calls.Answer.logprobs`); nothing where there is none."""
    rows: list[tuple[str, float, list[tuple[str, float]]]] = json.loads(said) if said else []
    return tuple(Place(token, logprob, tuple((one, p) for one, p in likely)) for token, logprob, likely in rows)


def expected_digit(answer: Sequence[Place]) -> float:
    """Return the sum of digit times probability over 0 to 9, at the place that holds the number.

    It is the last place whose token is one digit. The digits that are among the likely ones have all the probability.

    Args:
        answer: The places of an answer.

    Raises:
        Rejection: `no_number`, no token is a digit.
    """
    shares = _shares(answer, _digit)
    if not shares:
        raise Rejection("no_number", f"no token is a digit: {_text(answer)[:200]}")
    return sum(int(digit) * share for digit, share in sorted(shares.items()))


def choice(answer: Sequence[Place], words: Sequence[str]) -> Mapping[str, float]:
    """Return the probability of each of some words, at the last place whose token begins one of them.

    The words have all the probability between them. No word may begin with a whole other one.

    Args:
        answer: The places of an answer.
        words: Such as yes and no; capitals and white space do not matter.

    Raises:
        Rejection: `no_choice`, no token begins one of them.
    """

    def word(token: str) -> str:
        begun = [one for one in words if (said := token.strip().lower()) and one.lower().startswith(said)]
        return begun[0] if len(begun) == 1 else ""

    shares = _shares(answer, word)
    if not shares:
        raise Rejection("no_choice", f"no token begins {' or '.join(words)}: {_text(answer)[:200]}")
    return {one: shares.get(one, 0.0) for one in words}


def _shares(answer: Sequence[Place], name: Callable[[str], str]) -> dict[str, float]:
    """Return the shares of names at the last place whose token has one."""
    last = next((place for place in reversed(answer) if name(place.token)), None)
    found = last.merged(name) if last else {}
    whole = math.fsum(found.values())
    return {one: share / whole for one, share in found.items()} if whole else {}


def _digit(token: str) -> str:
    said = token.strip()
    return said if len(said) == 1 and said in "0123456789" else ""


def _text(answer: Sequence[Place]) -> str:
    return "".join(place.token for place in answer)
