"""`wellspring recipes`: what can write instructions, from the files themselves, on the terminal and from Python."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import wellspring
from tests import own_answer
from tests.headed import TEXT
from wellspring.flows import cli
from wellspring.tasks.contracts import headings
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.spine.running import recipes

PROGRAM = '''"""Say it again, and answer.

Two steps, with [square brackets].
"""

from pydantic import Field

from wellspring.tasks.contracts.settings import Section

SYSTEM, PAPER, VERSION = "Said Again", "arXiv 0000.00000", 1
TAKES, MAKES, ROLES = "instructions", ("instructions", "responses"), ("generator", "responder")


class Knobs(Section):
    answers: int = Field(default=3, description="answers to each question")


def most_calls(knobs):
    return 1


async def program(row, ask):
    return None
'''


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "said_again.py").write_text(PROGRAM)
    (tmp_path / "said_again.md").write_text(TEXT)
    yield f"plugins={json.dumps([str(tmp_path)])}"
    headings._registered.pop("said_again", None)
    headings._recognised.cache_clear()
    recipes._loaded.cache_clear()


MINE = "said_again"


def said(plugin: str, *words: str) -> str:
    result = CliRunner().invoke(cli.app, ["recipes", "--set", plugin, *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_recipes_of_both_kinds_are_listed_and_no_other_method(mine: str) -> None:
    found = {one["name"]: one for one in json.loads(said(mine, "--json"))}

    assert {*found} >= {"attributed_grounding", "knn_instruct", "ungrounded", "rephrase_and_respond", MINE}
    assert not {*found} & {"keywords", "answer_grounded", "checklist", "seven_criteria"}
    assert found[MINE] == {
        "name": MINE,
        "system": "Said Again",
        "paper": "arXiv 0000.00000",
        "runs": "before answers",
        "takes": "instructions",
        "makes": ["instructions", "responses"],
        "most_calls": 1,
        "real_model": "",
    }
    shape = ("runs", "takes", "makes", "most_calls")
    assert [found["answer"][key] for key in shape] == ["answers", "instructions", ["responses"], 1]
    judge = found["varco_arena"]
    assert (judge["runs"], judge["takes"], judge["most_calls"]) == ("after answers", "answered", 14)
    assert found["attributed_grounding"]["takes"] == "documents"
    assert found["knn_instruct"]["makes"] == ["instructions"]
    assert found["ungrounded"]["system"] == ""  # an ablation is no system


def test_the_table_names_each_with_its_paper(mine: str) -> None:
    lines = said(mine).splitlines()

    assert any(line.startswith(MINE) and "arXiv 0000.00000" in line for line in lines)
    assert any(line.startswith("knn_instruct") and "EMNLP 2024" in line for line in lines)


def test_a_program_shows_its_knobs_prompts_and_examples(mine: str) -> None:
    facts = wellspring.recipes(MINE, overrides=[mine])
    shown = said(mine, MINE)

    assert isinstance(facts, dict)
    assert facts["knobs"] == [{"name": "answers", "default": 3, "description": "answers to each question"}]
    assert facts["roles"] == ["generator", "responder"]
    assert [prompt["heading"] for prompt in facts["prompts"]] == ["clarify", "reply"]
    assert json.loads(said(mine, MINE, "--json")) == facts
    assert facts["example"]["clarify"] == '{"question": "In short: [text.1]"}'
    for part in (
        "Two steps, with [square brackets].",
        "asks: generator, responder",
        "[recipes.said_again]",
        "answers to each question",
    ):
        assert part in shown
    for part in ("# clarify", "Say $text otherwise.", '{"question": "In short: $text.1"}', "## example 2"):
        assert part in shown


def test_a_way_to_answer_shows_its_knobs_and_its_prompt(tmp_path: Path) -> None:
    shown = said(own_answer.written(tmp_path), "terse")

    for part in ("An answer in few words.", "asks: responder", "runs: answers", "[recipes.terse]", "most words of an"):
        assert part in shown
    assert "## system\n\n$system Use $words words at most." in shown


def test_a_prompt_that_the_stand_in_answers_by_names_shows_no_examples() -> None:
    facts = wellspring.recipes("knn_instruct")

    assert isinstance(facts, dict)
    assert facts["roles"] == ["generator", "responder"]
    assert {"k", "neighbours", "rounds"} <= {knob["name"] for knob in facts["knobs"]}
    assert [(one["heading"], one["examples"]) for one in facts["prompts"]] == [("write", [])]
    assert facts["prompts"][0]["user"].startswith("$dialogs")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("knn_instructs", "there is no recipe `knn_instructs`"),
        ("keywords", "`keywords` writes no instructions"),
        ("said_again", "there is no recipe `said_again`"),
    ],
)
def test_a_name_that_no_recipe_has_is_refused_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        wellspring.recipes(name)

    assert ("did you mean knn_instruct" in caught.value.hint) == (name == "knn_instructs")
    assert "`wellspring recipes` lists" in caught.value.hint


def test_a_folder_of_plug_ins_that_is_gone_is_named(mine: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"plug-in folder .*gone is not there"):
        wellspring.recipes(overrides=[f"plugins={json.dumps([str(tmp_path / 'gone')])}"])
    assert wellspring.recipes(overrides=[mine])
