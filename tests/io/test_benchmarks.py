"""Benchmark files of every shape give their prompts, and one without prompts is an error."""

import json
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.corpora import benchmarks


def test_every_shape_gives_its_prompts(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    rows = [
        {"id": 7, "prompt": "One?"},
        {"question_id": "q", "turns": ["First?", "Second?"]},
        {"instruction": "Do it.", "input": "With this."},
        {"messages": [{"role": "system", "content": "no"}, {"role": "user", "content": "Asked?"}]},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    found = list(benchmarks.read({"mine": str(path)}))

    assert found == [
        ("mine", "7", "One?"),
        ("mine", "q", "First?"),
        ("mine", "q", "Second?"),
        ("mine", "2", "Do it.\nWith this."),
        ("mine", "3", "Asked?"),
    ]


def test_a_file_without_prompts_is_no_protection(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text('{"a": 1}\n')

    with pytest.raises(BrokenError, match="has no prompts"):
        list(benchmarks.read({"mine": str(path)}))
