"""A message that was cut off, that lost its text, or that is a blank form is told from a whole one."""

import gzip
import json
from pathlib import Path

import pytest

from wellspring.tasks.methods.instructions.completeness import incomplete


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Write a story about a dragon and", "cut_off"),
        ("List the differences between", "cut_off"),
        ("CREATE TABLE jobs (", "cut_off"),
        ("Summarize the following text:", "input_missing"),
        ("Can you translate the text below into Korean?", "input_missing"),
        ("Fix this code:", "input_missing"),
        ("Translate to French: [insert text here]", "blanks_not_filled"),
        ("Write a poem about {{topic}} in {{style}}", "blanks_not_filled"),
        ("I will give you ${Topic:cats} and you write", "blanks_not_filled"),
    ],
)
def test_an_incomplete_message_says_how(text: str, reason: str) -> None:
    found = incomplete(text)

    assert found is not None
    assert found[0] == reason
    assert found[1] in text


@pytest.mark.parametrize(
    "text",
    [
        "hi",
        "Which of these is a fruit?\nOptions:\n- apple\n- chair\nAnswer:",
        "Summarize the following text:\n\nCold dough rises slowly.",
        "What does `${name}` mean in bash?; echo ${name};",
        "How do I do that",
        "Explain what this is for.",
    ],
)
def test_a_whole_message_is_left_alone(text: str) -> None:
    assert incomplete(text) is None


@pytest.mark.shared
def test_fewer_than_one_in_a_hundred_cleaned_human_prompts_is_called_incomplete(shared: Path) -> None:
    with gzip.open(shared / "instructions" / "seeds_knn_instruct_a.jsonl.gz") as file:
        prompts = [json.loads(line)["prompt"] for line in file]

    refused = sum(incomplete(prompt) is not None for prompt in prompts)

    assert refused < 0.01 * len(prompts)
