"""Half a page: where it is parted, what goes on with it, and what is no continuation."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_cases import Start, fenced, reasons
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import half_page
from wellspring.tasks.recipes.half_page import halved

pytestmark = pytest.mark.usefixtures("unaudited")

KNOBS = ("recipes.half_page.least_words=8",)


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("One two three four. Five six seven eight.", ("One two three four.", "Five six seven eight.")),
        ("A line\nand another", ("A line", "and another")),
        ("雨の日は家にいます", ("雨の日は", "家にいます")),
        ("x", ("", "x")),
        ("", ("", "")),
    ],
)
def test_a_piece_is_parted_at_a_blank_before_its_middle(text: str, halves: tuple[str, str]) -> None:
    assert halved(text, 400) == halves


def test_only_the_first_piece_of_a_long_page_is_halved() -> None:
    sentence = "The ferry has run since before the war. "

    half, rest = halved(sentence * 400, 50)

    assert 2 <= len(half) / len(sentence) <= 4
    assert f"{half} {rest}" == (sentence * 400)[: len(half) + 1 + len(rest)]


def test_a_half_is_kept_as_it_stands_with_its_continuation(start: Start, settings: Callable[..., Settings]) -> None:
    def say(_: str, body: dict[str, Any]) -> str:
        [half] = fenced(body, "half")
        subject = next(one for one, page in SUBJECTS.items() if page.startswith(half[:30]))
        whole = SUBJECTS[subject]
        return {"bees": half, "roofs": f" {whole[len(half) :]}".upper()}.get(subject, f"and so on, with {subject}.")

    with answering("half_page", say) as model:
        made = run_program(
            "half_page", start, settings(*of_program("half_page", *KNOBS), models={"responder": model.role("m")})
        )

    texts = {row["instruction_id"]: row["text"] for row in made["instructions"]}
    pages = {halved(page, 400)[0]: subject for subject, page in SUBJECTS.items()}
    assert {pages[text] for text in texts.values()} == {"pumps", "bread", "tides", "trains"}
    assert {row["text"] for row in made["responses"]} == {f"and so on, with {pages[one]}." for one in texts.values()}
    assert {row["use"] for row in made["responses"]} == {"answer"}
    assert all(row["document_id"] for row in made["instructions"])
    assert reasons(made) == ["same_text", "same_text"]


def test_a_half_of_few_words_is_left_out_unpaid(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("half_page", start, settings(*of_program("half_page", "recipes.half_page.least_words=9")))

    assert {"too_short"} <= {*reasons(made)}
    assert made.calls == made.settled - reasons(made).count("too_short")
    assert made.calls <= made.settled * half_page.most_calls(half_page.Knobs())
