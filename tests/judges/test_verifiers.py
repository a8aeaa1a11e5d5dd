"""Verifiers written for an instruction: prompt, parser, and what real models answered when asked for such."""

import gzip
import json
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import fenced
from wellspring.tasks.contracts.settings import VerdictsSettings
from wellspring.tasks.judges import verifiers

ROW = {"text": "Answer in at most fifty words."}
CODE = "def evaluate(response):\n    return len(response.split()) <= 50"


def test_the_prompt_carries_the_whole_instruction() -> None:
    prompt = verifiers.prompt(ROW, VerdictsSettings(least_functions=4, least_cases=11))

    assert fenced("instruction", ROW["text"]) in prompt.messages[-1].content
    assert "Write 4 functions" in prompt.messages[0].content
    assert "write 11 cases" in prompt.messages[0].content


def test_functions_and_cases_are_read_once_each_and_expected_verdicts_also_as_text() -> None:
    said = {
        "functions": [CODE, CODE, "x = 1"],
        "cases": [{"response": "Few.", "expected": "True"}, {"input": "w " * 60, "output": False}, {"response": 3}],
    }

    parsed = verifiers.parse(ROW, json.dumps(said))

    assert parsed == {"functions": [CODE], "cases": [("Few.", True), ("w " * 60, False)]}


def test_two_empty_lists_say_that_there_is_nothing_to_check() -> None:
    assert verifiers.parse(ROW, '{"functions": [], "cases": []}') == {"functions": [], "cases": []}


@pytest.mark.parametrize(
    "answer",
    [
        {"functions": [CODE], "cases": []},
        {"functions": ["print(1)"], "cases": [{"response": "a", "expected": True}]},
        {"functions": [CODE]},
    ],
)
def test_functions_that_cannot_be_tried_fail(answer: dict[str, object]) -> None:
    with pytest.raises(Rejection) as caught:
        verifiers.parse(ROW, json.dumps(answer))

    assert caught.value.reason == "incomplete_answer"


@pytest.mark.shared
def test_raw_completions_of_a_real_model_are_read_once_its_keys_are_ours(shared: Path) -> None:
    """AutoIF's recorded completions name one function `func`; the JSON around it is as the model wrote it."""
    with gzip.open(shared / "verifiers" / "autoif_raw_completions.jsonl.gz", "rt", encoding="utf-8") as lines:
        completions = [text for line in lines for text in json.loads(line)["gpt-answer"]]
    outcomes = []
    for text in completions:
        try:
            found = verifiers.parse(ROW, text.replace('"func":', '"functions":'))
            outcomes.append(len(found["cases"]))
        except Rejection as refused:
            outcomes.append(refused.reason)

    assert len(completions) >= 5
    assert set(outcomes) <= {*range(21), "unparsable_answer", "incomplete_answer"}
