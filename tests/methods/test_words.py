"""What a word is."""

from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.vectors.words import words


def test_words_are_lower_case_without_stop_words_and_plurals() -> None:
    assert words("The Wings of 3 flying Bodies, and gas_boss!") == ["wing", "3", "flying", "body", "gas", "boss"]


def test_scripts_without_spaces_are_cut_into_pairs() -> None:
    assert words("東京都 GPU入門") == ["東京", "京都", "gpu", "入門"]
    assert words("ที่ดีมาก 서울은") == ["ที่ดี", "ดีม", "มา", "าก", "서울", "울은"]


def test_marks_and_unseen_characters_part_no_word() -> None:
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    assert words("hyphen\u00adated") == words("hyphenated")


def test_stop_words_are_kept_on_request() -> None:
    assert words("who are you", keep_stop_words=True) == ["who", "are", "you"]
    assert words("who are you") == []


def test_accents_are_kept_and_widths_are_folded() -> None:
    assert words("\u00c9clair \uff27\uff30\uff35") == ["\u00e9clair", "gpu"]


@given(st.text())
def test_any_text_is_cut_the_same_way_twice_and_never_into_nothing(text: str) -> None:
    found = words(text)

    assert found == words(text)
    assert all(found)
