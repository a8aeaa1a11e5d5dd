"""Marks of a thought or of a chat template: found where a model left them, not where a text talks about them."""

import time
import tomllib
from pathlib import Path

import pytest

from wellspring.tasks.methods.instructions.thought_marks import mark

TEXTS = tomllib.loads((Path(__file__).parents[1] / "data" / "thought_marks.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", TEXTS["tuned"]["holds"])
def test_a_mark_that_a_model_left_is_found(text: str) -> None:
    found = mark(text)

    assert found is not None
    assert found.partition("`")[2].partition("`")[0] in text


@pytest.mark.parametrize("text", TEXTS["tuned"]["clean"])
def test_a_text_about_marks_passes(text: str) -> None:
    assert mark(text) is None


def test_precision_and_recall_hold_on_what_was_kept_aside() -> None:
    for part, texts in TEXTS.items():
        hits = sum(mark(text) is not None for text in texts["holds"])
        wrong = sum(mark(text) is not None for text in texts["clean"])
        recall, precision = hits / len(texts["holds"]), hits / (hits + wrong)
        counts = f"{len(texts['holds'])} with marks, {len(texts['clean'])} without"
        print(f"thought marks, {part}: recall {recall:.2f}, precision {precision:.2f} ({counts})")  # noqa: T201 - a figure

        assert recall >= 0.9
        assert precision >= 0.9


@pytest.mark.parametrize("mark_", ["<think>", "</think>", "<|im_end|>", "[/INST]", "</s>", "<end_of_turn>", "◁/think▷"])
def test_a_mark_passes_in_code_and_in_quotes_and_not_bare(mark_: str) -> None:
    assert mark(f"The tag {mark_} stands there.") is not None
    assert mark(f"{mark_}\n\nPrune it in late winter.") is not None
    assert mark(f"The tag `{mark_}` stands there.") is None
    assert mark(f'The tag "{mark_}" stands there.') is None
    assert mark(f"So:\n\n```\n{mark_}\n```\n\nThat is it.") is None


def test_quotes_and_ticks_of_other_things_hide_no_mark() -> None:
    assert mark('A 5" pipe fits.</think>Take the 6" pipe.') is not None
    assert mark("It's done</think>, and that's it.") is not None
    assert mark("A tick ` here</think> and ` there") is not None
    assert mark("```\nan open block</think>\nPrune it.") is not None


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    started = time.process_time()
    for part in ("<", "`a ", "``` \n", '"a ', "    <x\n\n", "Here is my thought process:\n", "[", "<s>", "'"):
        mark(part * (200_000 // len(part)))

    assert time.process_time() - started < 10
