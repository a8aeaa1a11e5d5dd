"""folktexts: risks are shares of letters over both orders and of digits, in an order that the answer decides."""

import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.likelihoods import Place
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import folktexts
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "folktexts"
GOOD = ("All of it is right.", "It does all of it.", "Nothing bad comes of it.")

pytestmark = pytest.mark.usefixtures("unaudited")


def wrote(token: str, **shares: float) -> dict[str, Any]:
    likely = [{"token": one.removeprefix("d"), "logprob": math.log(share)} for one, share in shares.items()]
    return {
        "content": token,
        "logprobs": {"content": [{"token": token, "logprob": math.log(0.01), "top_logprobs": likely}]},
    }


def letter(body: dict[str, Any], texts: tuple[str, ...]) -> str:
    named = "|".join(map(re.escape, texts))
    return re.findall(rf"^([A-C])\. (?:{named})$", body["messages"][-1]["content"], re.MULTILINE)[0]


def is_number(body: dict[str, Any]) -> bool:
    return "one digit" in body["messages"][-1]["content"]


def test_a_risk_is_the_mean_of_both_orders_and_the_total_is_what_is_left(
    settings: Callable[..., Settings], start: Start
) -> None:
    def say(_: str, body: dict[str, Any]) -> dict[str, Any]:
        if is_number(body):
            return wrote("4", d4=0.49, d9=0.5)
        good = letter(body, GOOD)
        other = "B" if good == "A" else "A"
        return wrote(good, **{good: 0.6 if good == "A" else 0.9, other: 0.4 if good == "A" else 0.1, "the": 0.2})

    found, _, asked = judge_runs.play(NAME, settings, start, say, ["Ölwechsel."], "recipes.folktexts.numbers=true")

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert len(asked) == 9 == folktexts.most_calls(folktexts.Knobs())
    first, second = 0.4 / 1.0, 0.1 / 1.0
    assert marks["wrong"] == pytest.approx((first + second) / 2, abs=0.01)
    assert marks["wrong_by_number"] == pytest.approx((4 * 0.5 + 9 * 0.5) / 9, abs=0.02)
    risks = [marks[risk] for risk in ("wrong", "incomplete", "harmful")]
    assert marks["total"] == pytest.approx(1 - sum(risks) / 3)
    assert marks["incomplete"] < 0.5


def test_a_model_that_likes_the_first_letter_says_nothing_of_two_choices(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, _, asked = judge_runs.play(
        NAME, settings, start, lambda *_: wrote("A", A=0.99), ["Yes."], "recipes.folktexts.numbers=false"
    )

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert len(asked) == 6
    assert (marks["wrong"], marks["harmful"]) == (0.5, 0.5)
    assert set(marks) == {"wrong", "incomplete", "harmful", "total"}


@pytest.mark.parametrize(
    ("said", "reason"),
    [("A", "no_logprobs"), (wrote("Neither", Neither=0.9, A=0.1), "no_choice")],
)
def test_without_a_letter_there_is_no_risk_and_the_reason_is_told(
    settings: Callable[..., Settings], start: Start, said: Any, reason: str
) -> None:
    found, _, _ = judge_runs.play(
        NAME, settings, start, lambda *_: dict(said) if isinstance(said, dict) else said, ["Yes."]
    )

    assert [(row["criterion"], row["value"]) for row in found["scores"]] == [("total", None)]
    assert [row["reason"] for row in found["rejections"]] == [reason]


def test_the_order_of_choices_is_another_one_for_another_answer() -> None:
    question = {"risk": "r", "choices": [{"text": f"c{n}", "value": n} for n in range(3)]}

    orders = {tuple(one["text"] for one in folktexts.ordered(question, f"{n:020x}")) for n in range(60)}

    assert len(orders) == 6
    assert folktexts.ordered(question, "a") == folktexts.ordered(question, "a")


def test_only_the_letter_that_comes_first_is_a_choice() -> None:
    said = [Place(token, -0.1) for token in (" ", "(", "B", ")", " a", " part")]

    assert [place.token for place in folktexts.opening(said)] == ["B"]
    assert folktexts.opening([Place(" ", -0.1)]) == folktexts.opening([]) == []
