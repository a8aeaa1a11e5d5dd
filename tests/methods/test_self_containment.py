"""An instruction that points at something it does not carry is found out; one that carries it is not."""

import gzip
import json
from pathlib import Path

import pytest

from wellspring.tasks.methods.instructions.self_containment import dangling

PASSAGE = (
    "Cold dough rises slowly and wants twelve to sixteen hours, while dough on the counter needs only two or three."
)


@pytest.mark.parametrize(
    "text",
    [
        "According to the article, why do people sleep badly?",
        "Based on the passage, list three causes of the war.",
        "What does the author say about sleep?",
        "Summarize the text above in two sentences.",
        "Using the table below, compute the mean of column B.",
        "Explain the main argument of this article.",
        "What is the significance of the year 1848 as mentioned above?",
        "Rewrite the following paragraph in a formal tone:",
        "Use the provided document to draft an email.",
        "As described in the document, configure the server for two users.",
        "The passage mentions a treaty. Who signed it?",
        "See the attached file and fix the formulas.",
        "Improve your previous answer.",
        "Which of the figures given in the text above is the largest?",
    ],
)
def test_a_pointer_to_a_passage_that_is_not_there_is_returned(text: str) -> None:
    found = dangling(text)

    assert found
    assert found in text


@pytest.mark.parametrize(
    "text",
    [
        "How long does sourdough prove in the fridge, and how do I know when it is ready?",
        f'Summarize the following passage in one sentence: "{PASSAGE}"',
        f"Here is what my baker says. {PASSAGE}\nRewrite the text above for children.",
        f"According to the passage, how long does cold dough take?\n\n{PASSAGE}",
        "Sort the following list: 9, 4, 7.",
        "Write an article about sourdough. The article should have three sections and end with a recipe.",
        "In the table below, which row is wrong?\n| a | 1 |\n| b | 3 |",
        "Fix the code below:\n```python\nprint(1\n```",
        "My landlord sent me a document to sign by Friday. Which clauses in this document should worry me, in general?",
        "Draft a report for the board. In the report, name two risks.",
    ],
)
def test_an_instruction_that_carries_what_it_points_at_stands_alone(text: str) -> None:
    assert dangling(text) is None


@pytest.mark.slow
@pytest.mark.shared
def test_fewer_than_one_in_a_hundred_human_prompts_is_refused(shared: Path) -> None:
    with gzip.open(shared / "instructions" / "seeds_knn_instruct_a.jsonl.gz") as file:
        prompts = [json.loads(line)["prompt"] for line in file]

    refused = sum(dangling(prompt) is not None for prompt in prompts)

    assert refused < 0.01 * len(prompts)
