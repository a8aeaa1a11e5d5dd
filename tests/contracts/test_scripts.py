"""A word is what blanks part, or a letter with its marks where no blanks are."""

import pytest

from wellspring.tasks.contracts import scripts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two words, 3 more", ["two", "words", "3", "more"]),
        ("中文GPU入门2024年", ["中", "文", "GPU", "入", "门", "2024", "年"]),
        ("々がカー", ["々", "が", "カ", "ー"]),
        ("한국어를", ["한", "국", "어", "를"]),
        ("ที่ดี", ["ที่", "ดี"]),
        ("ພາສາລາວ", ["ພ", "າ", "ສ", "າ", "ລ", "າ", "ວ"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្", "មែ", "រ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("so\u00adft hy\u200bphen", ["so\u00adft", "hy\u200bphen"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("\u0301 _ \u200b", []),
    ],
)
def test_a_word_is_decided_by_its_script(text: str, words: list[str]) -> None:
    assert scripts.WORD.findall(text) == words


def test_what_nobody_sees_is_no_part_of_a_text() -> None:
    assert scripts.seen("so\u00adft \u200fhy\u200bphen\ufe0f") == "soft hyphen"


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("two words", 1),
        ("中文和一个 word", 2),
        ("ひらがなです", 3),
        ("한국어를 배워요", 3),
        ("ภาษาไทย", 4),
        ("", 1),
        ("中 three plain words", 1),
    ],
)
def test_how_many_letters_say_as_much_as_a_word(text: str, scale: int) -> None:
    assert scripts.scale([scripts.letters_in_word(word) for word in scripts.WORD.findall(text)]) == scale
