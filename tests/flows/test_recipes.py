"""`wellspring recipes`: what can write instructions, from the files themselves, on the terminal and from Python."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import wellspring
from tests.headed import TEXT
from wellspring.flows import cli
from wellspring.tasks.contracts import headings
from wellspring.tasks.contracts.errors import UsageError

PROGRAM = '''"""Say it again, and answer.

Two steps, with [square brackets].
"""

from pydantic import Field

from wellspring.tasks.contracts.settings import Section

SYSTEM, PAPER, VERSION = "Said Again", "arXiv 0000.00000", 1
TAKES, MAKES, ROLES = "instructions", ("instructions", "responses"), ("generator", "responder")


class Knobs(Section):
    answers: int = Field(default=3, description="answers to each question")
'''


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "said_again.py").write_text(PROGRAM)
    (tmp_path / "said_again.md").write_text(TEXT)
    headings.register("said_again", headings.read(tmp_path / "said_again.md", "said_again"))
    yield "said_again"
    del headings._registered["said_again"]
    headings._recognised.cache_clear()


def said(*words: str) -> str:
    result = CliRunner().invoke(cli.app, ["recipes", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_recipes_of_both_kinds_are_listed_and_no_other_method(mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = {"checklist": headings.known()[mine]}
    monkeypatch.setattr(headings, "_in_rooms", lambda: judge)
    found = {one["name"]: one for one in json.loads(said("--json"))}

    assert {*found} == {"attributed_grounding", "knn_instruct", "ungrounded", mine}
    assert found[mine] == {
        "name": mine,
        "system": "Said Again",
        "paper": "arXiv 0000.00000",
        "takes": "instructions",
        "makes": ["instructions", "responses"],
    }
    assert found["attributed_grounding"]["takes"] == "documents"
    assert found["knn_instruct"]["makes"] == ["instructions"]
    assert found["ungrounded"]["system"].startswith("The paper's ablation: a message")


def test_the_table_names_each_with_its_paper(mine: str) -> None:
    lines = said().splitlines()

    assert any(line.startswith(mine) and "arXiv 0000.00000" in line for line in lines)
    assert any(line.startswith("knn_instruct") and "EMNLP 2024" in line for line in lines)


def test_a_program_shows_its_knobs_prompts_and_examples(mine: str) -> None:
    facts = wellspring.recipes(mine)
    shown = said(mine)

    assert isinstance(facts, dict)
    assert facts["knobs"] == [{"name": "answers", "default": 3, "description": "answers to each question"}]
    assert facts["roles"] == ["generator", "responder"]
    assert [prompt["heading"] for prompt in facts["prompts"]] == ["clarify", "reply"]
    assert json.loads(said(mine, "--json")) == facts
    for part in (
        "Two steps, with [square brackets].",
        "asks: generator, responder",
        "[recipes.said_again]",
        "answers to each question",
    ):
        assert part in shown
    for part in ("# clarify", "Say $text otherwise.", '{"question": "In short: $text.1"}', "## example 2"):
        assert part in shown


def test_a_method_of_one_prompt_shows_it() -> None:
    facts = wellspring.recipes("knn_instruct")

    assert isinstance(facts, dict)
    assert (facts["roles"], facts["knobs"]) == (["generator"], [])
    assert [(one["heading"], one["examples"]) for one in facts["prompts"]] == [("knn_instruct", [])]
    assert facts["prompts"][0]["user"].startswith("$dialogs")


@pytest.mark.parametrize("name", ["knn_instructs", "keywords", "said_again"])
def test_a_name_that_no_recipe_has_is_refused_with_the_nearest(name: str) -> None:
    with pytest.raises(UsageError, match=f"there is no recipe `{name}`") as caught:
        wellspring.recipes(name)

    assert ("did you mean `knn_instruct`?" in caught.value.hint) == (name == "knn_instructs")
    assert "`wellspring recipes` lists" in caught.value.hint


def test_a_program_whose_file_is_gone_is_named(mine: str, tmp_path: Path) -> None:
    (tmp_path / f"{mine}.py").unlink()

    with pytest.raises(UsageError, match=r"said_again\.py is not there"):
        wellspring.recipes()
