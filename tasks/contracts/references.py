r"""Answers held against a known one: the final answer that a text names, and whether two say the same.

final("6 times 7 is 42.\n#### 42") -> "42"
says("They lay forty-two eggs, that is 42 in all.", "42") -> True
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.program import Ask

SHORT_WORDS = 5  # an answer of so many words is a final one

_NAMED = (
    re.compile(r"####\s*([^\n]+)"),
    re.compile(r"\\boxed\{([^{}\n]+)\}"),
    re.compile(r"(?i)\banswer\s+is:?\s+([^\n]+?)\.?\s*\Z"),
)
_NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?")
_MARKS = re.compile(r"[\W_]+")


class Agreed(Answered):
    """Whether an answer says what a known answer says."""

    difference: Aside
    agrees: Literal["yes", "no"]


def final(text: str) -> str | None:
    """Return the final answer that a text names, the last one; None where it names none."""
    for pattern in _NAMED:
        if found := pattern.findall(text):
            return str(found[-1]).strip()
    return text.strip() if 0 < len(text.split()) <= SHORT_WORDS else None


def is_same(one: str, other: str) -> bool:
    """Whether two final answers are the same: by value where each has one number, else by letters and digits."""
    numbers = [_numbers(text) for text in (one, other)]
    if all(len(found) == 1 for found in numbers):
        return abs(numbers[0][0] - numbers[1][0]) <= 1e-6 * max(1, abs(numbers[0][0]))
    plain = [_MARKS.sub("", text.casefold()) for text in (one, other)]
    return bool(plain[0]) and plain[0] == plain[1]


def says(text: str, known: str) -> bool:
    """Whether a text says a short known answer: its one number, or its words, one after the other."""
    if len(number := _numbers(known)) == 1:
        return any(abs(found - number[0]) <= 1e-6 * max(1, abs(number[0])) for found in _numbers(text))
    wanted, said = (_MARKS.sub(" ", one.casefold()).strip() for one in (known, text))
    return bool(wanted) and f" {wanted} " in f" {said} "


def alike(answers: Sequence[str]) -> list[int]:
    """Return for each final answer the place of the first that is the same: answers of one place say one thing."""
    return [next(at for at, other in enumerate(answers) if one == other or is_same(one, other)) for one in answers]


async def agreeing(
    ask: Ask, heading: str, question: str, known: str, answers: Sequence[Text], role: str
) -> list[bool | None]:
    """Say which answers agree with a known one: where that is short by its words, else by asking.

    Args:
        ask: What the program asks with.
        heading: Of its prompt with the fields `question`, `known` and `answer`, read as `Agreed`.
        question: What was answered.
        known: The known answer.
        answers: Those to look at; equal ones are asked about once.
        role: Whom to ask.

    Returns:
        For each answer whether it agrees; None where that was not said.
    """
    if short := final(known):
        return [says(final(one.text) or one.text, short) for one in answers]
    texts = list(dict.fromkeys(one.text for one in answers))
    given: dict[str, Any] = {"question": question, "known": known}
    found = await ask.tried([ask(heading, Agreed, role=role, answer=text, **given) for text in texts])
    agrees = {text: one and one.agrees == "yes" for text, one in zip(texts, found, strict=True)}
    return [agrees[one.text] for one in answers]


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]
