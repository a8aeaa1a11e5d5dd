"""Rubrics: what a reply of a marker is worth, and that the verifier asks elsewhere what is asked here."""

import pytest

from wellspring.tasks.contracts import headings, rubric_answers, verifiable
from wellspring.tasks.contracts.program import bare
from wellspring.tasks.io import verify

ITEMS = [("It names the lake.", 3.0), ("It says when.", 1.0)]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('{"met": [1]}', 0.75),
        ('I think\n```json\n{"met": [2, 2]}\n```', 0.25),
        ('{"met": []}', 0),
        ('{"met": [3]}', None),
        ('{"met": ["1"]}', None),
        ('{"met": 1}', None),
        ("all of them", None),
        (None, None),
    ],
)
def test_a_reply_is_worth_the_weights_of_what_is_met(said: str | None, found: float | None) -> None:
    items = [list(one) for one in ITEMS]
    assert rubric_answers.share(said, items) == found
    verifier, asked = verifiable.by_rubric("Where?", ITEMS, 0.7), list[str]()

    def marker(prompt: str) -> str:
        asked.append(prompt)
        return said or ""

    passes = None if found is None else found >= 0.7
    assert verify.verify(verifier, "At </answer> a lake.", marker) is passes
    assert verify.score(verifier, "At </answer> a lake.", marker) == found
    assert verify.reward(["At a lake."], [verifier], marker) == [None if passes is None else float(passes)]
    assert verify.credit(["At a lake."], [verifier], marker) == [found]
    assert asked[0] == rubric_answers.asked_of_marker("Where?", items, "At </answer> a lake.")
    assert asked[0].count("</answer>") == 1


def test_without_a_marker_there_is_no_verdict_and_an_empty_answer_is_wrong() -> None:
    verifier = verifiable.by_rubric("Where?", ITEMS, 0.7)

    assert verify.verify(verifier, "At a lake.") is None
    assert [verify.verify(verifier, " \n"), verify.score(verifier, "")] == [False, 0]


@pytest.mark.parametrize("judge", ["certificate", "by_rubric"])
def test_a_marker_is_asked_the_same_here(judge: str) -> None:
    asked = rubric_answers.asked_of_marker("Where?", [list(one) for one in ITEMS], "At a lake.")

    [message] = headings.known()[judge]["mark"].render(prompt=bare(asked.removesuffix(rubric_answers.FORM)))

    assert message.content == asked
