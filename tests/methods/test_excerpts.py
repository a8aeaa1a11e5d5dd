"""Of a page the part is shown that a text rests on, whole paragraphs within the budget."""

from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.instructions.excerpts import part
from wellspring.tasks.methods.pages.tokens import count_tokens

FILLER = "The shop opens at nine and closes at six. Parking is behind the house, and dogs stay outside. "
MATTER = "Rye dough needs more water than wheat. A sour keeps its crumb from turning to glue in the oven."


def test_the_paragraph_that_a_scene_rests_on_is_shown_wherever_it_stands() -> None:
    for place in range(6):
        paragraphs = [FILLER * 3 for _ in range(6)]
        paragraphs[place] = MATTER

        shown = part("\n\n".join(paragraphs), "A baker asks why rye dough sticks and what a sour does to it.", 90)

        assert MATTER in shown
        assert count_tokens(shown) <= 90


def test_a_page_without_paragraphs_is_cut_at_its_sentences() -> None:
    shown = part(FILLER * 12 + MATTER + " " + FILLER * 12, "rye dough, sour, crumb", 60)

    assert MATTER in shown
    assert shown[0].isupper()


def test_a_chinese_page_is_cut_at_its_full_stops() -> None:
    filler = "\u5546\u5e97\u4e5d\u70b9\u5f00\u95e8\u516d\u70b9\u5173\u95e8\u3002" * 30
    matter = "\u9ed1\u9ea6\u9762\u56e2\u6bd4\u5c0f\u9ea6\u9700\u8981\u66f4\u591a\u7684\u6c34\u3002"

    assert matter in part(filler + matter + filler, "\u9ed1\u9ea6\u9762\u56e2\u9700\u8981\u591a\u5c11\u6c34", 60)


def test_what_fits_is_shown_whole_and_what_nothing_speaks_for_from_its_beginning() -> None:
    assert part(MATTER, "tides", 100) == MATTER
    assert part(f"First of all.\n\n{FILLER * 9}", "tides", 40).startswith("First of all.")


@given(st.text("ab. \n\u3002", max_size=400), st.text("ab ", max_size=20), st.integers(1, 30))
def test_the_budget_holds_for_any_text(text: str, about: str, tokens: int) -> None:
    shown = part(text, about, tokens)

    assert count_tokens(shown) <= tokens or shown == ""
    assert shown in text
