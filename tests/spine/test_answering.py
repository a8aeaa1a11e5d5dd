"""Ways to answer by name: ours, those of a folder, those of an installed package, and what is wrong with one."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import own_answer
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import ANSWERS
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import answering

Make = Callable[..., Settings]


def test_a_way_of_a_folder_is_one_more_and_its_prompt_is_given_its_knobs(settings: Make, tmp_path: Path) -> None:
    plugin = own_answer.written(tmp_path)
    chosen = settings(plugin, "recipes.terse.words=5", "responses.system=Be kind.")

    found = answering.find("terse", chosen)

    assert answering.names(chosen) == {
        "terse": str(tmp_path / "terse.py"),
        "answer": "ours",
        "answer_with_rationale": "ours",
    }
    assert found.changed == {"words": 5, "system": "Be kind."}
    assert [one.content for one in found.method.prompt({"text": "How high?"}, found.settings).messages] == [
        "Be kind. Use 5 words at most.",
        "How high?",
    ]


def test_a_way_without_knobs_is_given_the_section(settings: Make) -> None:
    chosen = settings("responses.draws=2")

    assert answering.find("answer", chosen).settings is chosen.responses


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("ters", "there is no way to answer `ters`", "did you mean terse?"),
        ("answer_grounded", "`answer_grounded` is no value of responses.way", "it is chosen by responses.grounded"),
        ("answer_for_pairs", "`answer_for_pairs` is no value", "it is chosen by preferences.draws"),
        ("keywords", "there is no way to answer `keywords`", "there are: "),
        ("half", "the way to answer `half` is not whole: it has no `SCHEMA`, `parse`", "tasks/recipes/README.md"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(settings: Make, tmp_path: Path, name: str, said: str, hint: str) -> None:
    plugin = own_answer.written(tmp_path)
    half = own_answer.MODULE.replace("VERSION, SCHEMA =", "VERSION, OTHER =").replace("\nparse =", "\nread =")
    own_answer.written(tmp_path, "half", half)

    with pytest.raises(UsageError, match=said) as caught:
        answering.find(name, settings(plugin))

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "knob", "known"),
    [("terse", "recipes.terse.word=5", "words, system"), ("answer", "recipes.answer.k=1", "none")],
)
def test_a_knob_that_is_not_there_is_named(settings: Make, tmp_path: Path, name: str, knob: str, known: str) -> None:
    plugin = own_answer.written(tmp_path)

    with pytest.raises(UsageError, match=knob.partition("=")[0]) as caught:
        answering.find(name, settings(plugin, knob))

    assert f"knobs of {name}: {known};" in caught.value.hint


def test_a_way_of_an_installed_package_is_found(tmp_path: Path) -> None:
    package, info = tmp_path / "their_package", tmp_path / "their_package-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").touch()
    own_answer.written(package)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ANSWERS.group}]\nterse = their_package.terse\n")
    asked = """
        from wellspring.tasks.contracts import settings
        from wellspring.tasks.spine.running import answering
        chosen = settings.load("smoke", ["responses.way=terse"])
        found = answering.find(chosen.responses.way, chosen)
        said = found.method.prompt({"text": "How high?"}, found.settings).messages[0].content
        print(answering.names(chosen)["terse"], said.strip(), sep=": ")
    """

    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(asked)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout == "their_package.terse: Use 20 words at most.\n", ran.stderr[-600:]
