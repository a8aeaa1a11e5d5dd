"""An answer marked from 0 to 9 by one digit, of which every digit's probability counts.

Paper: Self-Judge (nusnlp/Self-J). A model is asked for a digit. The score of an answer is the sum of digit times
probability over the digits 0 to 9, and not the digit that was written. A model that is shown a reference answer
judges better than one that is not, and the first teaches the second.

Ours differs. Where a reference is known (the answer of the seed that the instruction was written for), both are asked:
the marks `by_reference` and `alone` are what the second can be trained on, and the former is the total. The paper
blends its mark by the reference with a cosine between the two answers; a judge here asks models and embeds nothing, so
that is left out. Of the tokens that the server names, all but digits are left out, and the digits are made to sum to 1.

    "7", with 7 at 0.6, 8 at 0.3 and 6 at 0.1 -> 7.2
"""

from typing import Any

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.likelihoods import expected_digit
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row

SYSTEM = "Self-Judge"
PAPER = "Self-Judge, nusnlp/Self-J"
VERSION = 1
TAKES = "responses"
MAKES = ("scores",)
ROLES = ("judge",)
BEST = 9
LIKELIEST = 20  # tokens at each place, the most that servers give: all ten digits are among them


def most_calls(_: object) -> int:
    """One without the reference, one with it."""
    return 2


async def program(row: Row, ask: Ask) -> None:
    """Mark the answer alone, and by the reference where there is one.

    Raises:
        Rejection: `no_logprobs`, the server gave none; `no_number`, the model wrote no digit.
    """
    shown: dict[str, Any] = {"instruction": said(row["history"] or "", row["instruction"]), "answer": row["response"]}
    marks = {"alone": ask("alone", Text, logprobs=LIKELIEST, **shown)}
    if row["reference"]:
        marks["by_reference"] = ask("by_reference", Text, logprobs=LIKELIEST, reference=row["reference"], **shown)
    found = dict(zip(marks, await ask.each(list(marks.values())), strict=True))
    for name, mark in found.items():
        ask.made.score(row["input_id"], name, expected_digit(mark.logprobs), f"wrote {mark.text[:20]}", mark)
    decisive = list(found.values())[-1]
    ask.made.score(row["input_id"], TOTAL, expected_digit(decisive.logprobs), list(found)[-1], decisive)
