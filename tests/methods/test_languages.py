"""Languages are told apart on prose, on menus and on two words."""

import gzip
import json
from pathlib import Path

import pytest

from wellspring.tasks.methods.pages.languages import identify


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write a short poem about autumn.", "en"),
        ("Explain recursion", "en"),
        ("Schreibe ein Gedicht über den Herbst.", "de"),
        ("Wie spät ist es?", "de"),
        ("Écris un poème sur la mer", "fr"),
        ("Расскажи мне сказку про лису", "ru"),
        ("写一首关于秋天的诗", "zh"),
        ("秋についての短い詩を書いてください", "ja"),
        ("가을에 대한 짧은 시를 써 주세요", "ko"),
        ("اكتب قصيدة قصيرة عن الخريف", "ar"),
    ],
)
def test_short_prompts_are_told_apart(text: str, language: str) -> None:
    assert identify(text) == language


@pytest.mark.parametrize("text", ["", "   ", "12 345,67", "!?", "\x00"])
def test_a_text_without_letters_is_undetermined(text: str) -> None:
    assert identify(text) == "und"


@pytest.mark.slow
@pytest.mark.shared
def test_human_prompts_in_english_are_english(shared: Path) -> None:
    with gzip.open(shared / "instructions/seeds_knn_instruct_a.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [identify(json.loads(line)["prompt"]) for line in lines]

    assert found.count("en") >= 0.998 * len(found)
