"""The reward of a reward model that is served behind the chat protocol: shown a dialog, it answers with numbers.

Paper: SynthQuestions, step F (ArmoRM as the reward of preference pairs). Servers of reward models in chat form take
the dialog as it is, user then assistant, and answer with one number or with named ones
(`helpfulness:3.1,correctness:3.4`), whose mean is the reward here. A reward is any real number, kept in the model's own
unit: only its order within one instruction, and its margin (`preferences.min_margin`, in that unit), are used. Point
`models.judge` at it and set `preferences.judge = "reward_model"`.

One answer: `helpfulness:3.0,correctness:3.5,coherence:3.9`
"""

import math
import re
from statistics import mean
from typing import Any

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Message, Prompt, Row, template

PAPER = "SynthQuestions, arXiv 2506.03968, step F (ArmoRM)"
VERSION = 2
SUBJECT = "response"
CRITERIA = ("reward",)
LOWEST, HIGHEST = -math.inf, math.inf
TOTAL = "mean"
SCHEMA = None

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_ONE = re.compile(rf"\s*({_NUMBER})\s*")
_NAMED = re.compile(rf"\s*\w[\w -]*\s*[:=]\s*({_NUMBER})\s*")


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Show the dialog itself, `row["instruction"]` and `row["response"]`: it is what a reward model was trained on."""
    asked = template("wellspring.tasks.judges", "reward_model").render(instruction=row["instruction"])
    return Prompt((*asked, Message("assistant", row["response"])))


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Read one number, or the mean of named ones.

    Raises:
        Rejection: `unparsable_answer`, it holds anything else; `mark_out_of_range`, it is too large to be a number.
    """
    if one := _ONE.fullmatch(text):
        numbers = [float(one[1])]
    else:
        named = [_NAMED.fullmatch(part) for part in re.split(r"[,\n;]", text.strip())]
        numbers = [float(part[1]) for part in named if part]
        if not numbers or len(numbers) != len(named):
            raise Rejection("unparsable_answer", text[:200])
    reward = mean(numbers)
    if not math.isfinite(reward):
        raise Rejection("mark_out_of_range", f"reward {reward:g} of {text[:100]}")
    return {"values": {"reward": reward}, "reasons": {"reward": " ".join(text.split())[:200]}}
