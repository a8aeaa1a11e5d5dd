"""How likely an answer has each of some faults: a question with choices, of which every letter's probability counts.

Paper: folktexts, evaluating language models as risk scores (arXiv 2407.14614). A question about a row of data is asked
with lettered choices, and the risk is the probability of the letter of the one, of that of all letters. Each question
is asked with the choices in both orders, and the mean is taken, since small models like the first letter. A second way
asks for the probability as a number, and reads it from the digits' probabilities.

Ours differs. A row is an answer to an instruction, and the questions are about its faults (`folktexts.jsonl`, our own);
a choice has a value from 0 (no risk) to 1, so there may be more than two. The first order is drawn by a hash of the
answer and the question, the second is that one backwards. The number is one digit from 0 to 9, a ninth each. The
risks by choices decide: the total is 1 less their mean, and the risks by number stand beside them. Their calibration is
measured where labels are known; a judge sees no other rows.

    "A" at 0.7 where it is `some of it is wrong`, then at 0.1 where it is not, "B" at 0.9 -> risk 0.8
"""

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.likelihoods import Place, choice, expected_digit
from wellspring.tasks.contracts.program import TOTAL, Ask, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section

SYSTEM = "folktexts"
PAPER = "folktexts, arXiv 2407.14614"
VERSION = 1
TAKES = "responses"
MAKES = ("scores",)
ROLES = ("judge",)
BEST = 1
REAL_MODEL = ""
LIKELIEST = 20  # tokens at each place, the most that servers give
LETTERS = "ABCDEFGH"
QUESTIONS = 3  # in `folktexts.jsonl`

_SAYS = re.compile(r"\w")


class Knobs(Section):
    """What a profile can set under `[recipes.folktexts]`."""

    numbers: bool = Field(default=True, description="whether each risk is asked for as a number, too, as in the paper")


def most_calls(knobs: Knobs) -> int:
    """Both orders of each question, and its number."""
    return QUESTIONS * (2 + knobs.numbers)


async def program(row: Row, ask: Ask) -> None:
    """Ask each question in both orders, and for its number.

    Raises:
        Rejection: `no_logprobs`, the server gave none; `no_choice`, the answer begins with no letter of a choice;
            `no_number`.
    """
    shown = {"instruction": said(row["history"] or "", row["instruction"]), "answer": row["response"]}
    risks = await ask.each([_risk(ask, row["input_id"], question, shown) for question in ask.own])
    ask.made.score(row["input_id"], TOTAL, 1 - fmean(risks), "1 less the mean risk by choices")


async def _risk(ask: Ask, input_id: str, question: Mapping[str, Any], shown: Mapping[str, Any]) -> float:
    """Mark the risk of one fault by choices, and by number; return the former."""
    order = ordered(question, input_id)
    orders = [_chosen(ask, question, choices, shown) for choices in (order, order[::-1])]
    found = await ask.each(orders)
    ask.made.score(input_id, question["risk"], fmean(risk for risk, _ in found), "mean of both orders", found[0][1])
    if ask.knobs.numbers:
        number = await ask("number", Text, logprobs=LIKELIEST, fault=ours(question["fault"]), **shown)
        value = expected_digit(number.logprobs) / 9
        ask.made.score(input_id, f"{question['risk']}_by_number", value, f"wrote {number.text[:20]}", number)
    return fmean(risk for risk, _ in found)


async def _chosen(
    ask: Ask, question: Mapping[str, Any], choices: Sequence[Mapping[str, Any]], shown: Mapping[str, Any]
) -> tuple[float, Text]:
    """Return the risk as the choices stand in this order, and what was answered."""
    listed = "\n".join(f"{letter}. {one['text']}" for letter, one in zip(LETTERS, choices, strict=False))
    asked: dict[str, Any] = {"question": ours(question["question"]), "choices": ours(listed)}
    answer = await ask("choose", Text, logprobs=LIKELIEST, **asked, **shown)
    shares = choice(opening(answer.logprobs), LETTERS[: len(choices)])
    return sum(one["value"] * shares[letter] for letter, one in zip(LETTERS, choices, strict=False)), answer


def ordered(question: Mapping[str, Any], input_id: str) -> list[Mapping[str, Any]]:
    """Return the choices of a question in the order of their lots, another one for each input."""
    return sorted(question["choices"], key=lambda one: content_id("choice", input_id, question["risk"], one["text"]))


def opening(answer: Sequence[Place]) -> Sequence[Place]:
    """Return the places of an answer up to the first that says anything: a letter later on is a word of its prose."""
    first = next((n for n, place in enumerate(answer) if _SAYS.search(place.token)), -1)
    return answer[first : first + 1]
