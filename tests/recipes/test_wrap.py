"""WRAP: pages are cut at sentences, said again in styles in turn, and what lost its piece is refused."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import instruction_store
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes.wrap import Asked, Knobs, Said, most_calls
from wellspring.tasks.spine.running.runs import Run

NAME = "wrap"
Start = Callable[[Settings], AbstractContextManager[Run]]

pytestmark = pytest.mark.usefixtures("unaudited")


def knobs(*more: str) -> list[str]:
    return of_program(NAME, *(f"recipes.{NAME}.{one}" for one in more))


def scripted(start: Start, settings: Callable[..., Settings], say: Callable[[str, str], object], *more: str) -> Made:
    """Run the program on a model that says of a heading and the text between the fences what a test tells it to."""

    def script(heading: str, body: dict[str, Any]) -> str:
        piece = body["messages"][-1]["content"].split("\n", 1)[1].split("\n</text", 1)[0]
        return json.dumps(say(heading, piece), ensure_ascii=False)

    with answering(NAME, script) as model:
        return run_program(NAME, start, settings(*knobs(*more), models={"generator": model.role("g")}))


def reworded(heading: str, piece: str) -> object:
    if heading == "question_answer":
        return {"pairs": [{"question": "What of it?", "answer": piece}, {"question": "No more?", "answer": "No."}]}
    return {"text": f"In the {heading} style: {piece}"}


def test_the_stand_in_makes_texts_in_every_style_and_some_that_are_refused(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*knobs("styles_of_piece=4")))

    assert {row["style"] for row in made["rewrites"]} == {"easy", "medium", "hard", "question_answer"}
    assert {"too_short", "copy_of_document"} & {reason for _, reason in made.refused}
    assert len(made["rewrites"]) + len(made.refused) == made.calls == 24
    assert made.settled == 6


def test_what_cannot_be_kept_or_came_before_for_the_page_is_refused_and_takes_no_other_text_with_it(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(heading: str, piece: str) -> object:
        said = {"easy": f"{piece}\x07", "medium": f"All the same: {piece}", "hard": f"ALL THE SAME:\n{piece}"}
        return {"text": said[heading]} if heading in said else reworded(heading, piece)

    made = scripted(start, settings, say, "styles_of_piece=4")

    assert Counter(reason for _, reason in made.refused) == {"control_characters": 6, "same_text": 6}
    assert len({row["document_id"] for row in made["rewrites"]}) == 6
    texts = [row["text"] for row in made["rewrites"] if row["style"] == "question_answer"]
    assert len(texts) == 6
    assert len(made["rewrites"]) == 12
    assert all(text.startswith("Question: What of it?\nAnswer: ") for text in texts)
    assert all(text.endswith("\n\nQuestion: No more?\nAnswer: No.") for text in texts)


def test_pieces_take_turns_at_the_styles_and_what_is_beyond_the_most_or_empty_is_refused(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(instruction_store.SUBJECTS, "pumps", " ".join(f"Pump {n} lifts water." for n in range(40)))
    monkeypatch.setitem(instruction_store.SUBJECTS, "bread", " \n")
    made = scripted(start, settings, reworded, 'styles=["easy", "hard", "easy"]', "piece_tokens=50", "pieces=2")

    of_page = dict[str, set[str]]()
    for row in made["rewrites"]:
        of_page.setdefault(row["document_id"], set()).add(row["style"])
    assert sorted(map(len, of_page.values())) == [1, 1, 1, 1, 2]
    assert set().union(*of_page.values()) == {"easy", "hard"}
    assert len(made["rewrites"]) == made.calls == 6
    assert {reason for _, reason in made.refused} == {"too_long", "empty_text"}


@pytest.mark.parametrize(
    ("form", "said", "reason"),
    [
        (Asked, '{"pairs": []}', "incomplete_answer"),
        (Asked, '{"pairs": [{"question": "Why?"}, 7]}', "incomplete_answer"),
        (Asked, '{"pairs": "none"}', "incomplete_answer"),
        (Said, '{"text": " "}', "incomplete_answer"),
        (Said, "no", "unparsable_answer"),
    ],
)
def test_an_answer_without_a_text_is_refused(form: type[Answered], said: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        form.read(said)

    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("chosen", "most"), [(Knobs(), 8), (Knobs(styles_of_piece=4, pieces=3), 12), (Knobs(styles=("easy",) * 3), 8)]
)
def test_the_most_calls_are_one_for_each_piece_in_each_of_its_styles(chosen: Knobs, most: int) -> None:
    assert most_calls(chosen) == most
