"""Passages end where a thought ends, stay within their budget, and lose nothing."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.pages.spans import sentences, split
from wellspring.tasks.methods.pages.tokens import count_tokens

PROSE = st.text(alphabet=st.sampled_from("ab. \n!?。日é'\"-#1😀"), max_size=400)


@given(PROSE, st.integers(2, 40))  # a character of PROSE costs two at most
def test_spans_are_in_order_within_budget_and_lose_nothing_but_blanks(text: str, max_tokens: int) -> None:
    spans = split(text, max_tokens)

    assert all(count_tokens(text[a:b]) <= max_tokens for a, b in spans)
    assert all(text[a:b] == text[a:b].strip() and a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(spans))
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())


def test_a_span_ends_at_a_sentence_where_it_can() -> None:
    text = "The first sentence is here. The second one, by Dr. A. Smith, costs 3.5! Is the third a question? Yes."

    found = [text[a:b] for a, b in split(text, 19)]

    assert found == [
        "The first sentence is here. The second one, by Dr. A. Smith, costs 3.5!",
        "Is the third a question? Yes.",
    ]


def test_a_paragraph_is_kept_whole_where_it_fits() -> None:
    text = "# Title\n\nOne short paragraph. Of two sentences.\n\nAnother paragraph that is of about that size too."

    assert [text[a:b] for a, b in split(text, 15)] == [
        "# Title\n\nOne short paragraph. Of two sentences.",
        "Another paragraph that is of about that size too.",
    ]


def test_chinese_sentences_end_without_a_blank() -> None:
    text = "今天天气很好。我们去公园吧!你想去吗?好的。"

    assert [text[a:b] for a, b in sentences(text)] == ["今天天气很好。", "我们去公园吧!你想去吗?好的。"]


def test_closing_quotes_belong_to_the_sentence_before() -> None:
    text = 'He said "no." Then he left.'

    assert [text[a:b] for a, b in sentences(text)] == ['He said "no."', "Then he left."]


def test_a_text_without_blanks_is_cut_between_characters() -> None:
    assert split("x" * 10, 1) == [(0, 4), (4, 8), (8, 10)]


def test_a_blank_text_has_no_spans() -> None:
    assert split(" \n\t ", 5) == []
