"""The answer of one who has read the page: it stands behind a fence, and the instruction stands alone and last."""

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import ResponsesSettings
from wellspring.tasks.recipes import answer_grounded

ROW = {
    "input_id": "i1",
    "text": "How deep may the well be?",
    "document": "It lifts 12 m.\n$5 a day.",
    "domain": "a.example",
}


def test_the_page_stands_behind_a_fence_before_the_instruction_which_stands_alone() -> None:
    system, user = answer_grounded.prompt(ROW, ResponsesSettings(systems={"a.example": "You mend pumps."})).messages

    assert (system.role, user.role, user.content) == ("system", "user", ROW["text"])
    assert system.content.startswith("You mend pumps.")
    assert "\nIt lifts 12 m.\n$5 a day.\n</document " in system.content
    assert "Never mention it" in system.content


def test_a_good_answer_is_kept_as_it_was_written_and_an_empty_one_refused() -> None:
    assert answer_grounded.parse(ROW, " Twelve metres.\n") == {"text": "Twelve metres."}
    with pytest.raises(Rejection) as caught:
        answer_grounded.parse(ROW, " \n")
    assert caught.value.reason == "empty_answer"
