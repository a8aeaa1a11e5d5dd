"""Plug-ins without prompts: of a folder, of an installed package, and those that are not whole."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import CHECKS, PAIRINGS, WAYS, Kind

BODY = {
    CHECKS: "def check(row, settings):\n    return True, ''\n",
    WAYS: "def choose(pool, size):\n    return [0]\n",
    PAIRINGS: "def pair(draws, settings):\n    return draws[:2]\n",
}


@pytest.mark.parametrize("kind", BODY, ids=lambda kind: kind.function)
def test_a_file_of_a_folder_is_one_more_and_ours_come_first(kind: Kind, tmp_path: Path) -> None:
    ours = list(kind.names())[-1]
    for name in ("mine", ours):
        (tmp_path / f"{name}.py").write_text(f"VERSION = 7\n{BODY[kind]}")
    (tmp_path / "other.py").write_text("VERSION = 1\n")

    found = kind.names([str(tmp_path)])

    assert {name: where for name, where in found.items() if where != "ours"} == {"mine": str(tmp_path / "mine.py")}
    assert kind.theirs("mine", [str(tmp_path)]).VERSION == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no `VERSION` that is a whole number"),
        ("VERSION = '1'\n", "has no `VERSION` that is a whole number"),
        ("VERSION = 1\ndel {function}\n", "it has no function `{function}`"),
        ("VERSION = 1\ndef {function}(one):\n    return one\n", "`{function}` does not take two things"),
        ("VERSION = 1\n(\n", "cannot be loaded: SyntaxError in line 4"),
    ],
)
@pytest.mark.parametrize("kind", BODY, ids=lambda kind: kind.function)
def test_what_a_file_lacks_is_named(kind: Kind, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.py").write_text(BODY[kind] + text.replace("{function}", kind.function))

    with pytest.raises(UsageError, match=said.replace("{function}", kind.function)) as caught:
        kind.theirs("mine", [str(tmp_path)])

    assert str(tmp_path / "mine.py") in caught.value.message


def installed(folder: Path, **bodies: str) -> None:
    """Lay a package into a folder as pip does; it names a module for the group of each keyword."""
    package = folder / "their_package"
    info = folder / "their_package-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").touch()
    for module, body in bodies.items():
        (package / f"{module}.py").write_text(body)
    groups = [f"[wellspring.{module}]\ntheirs = their_package.{module}\n" for module in bodies]
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(groups))


def asked_with(folder: Path, text: str) -> str:
    """What a process says that has the packages of a folder; the end of its complaint, if it dies."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(Path(__file__).parents[2])])},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout or ran.stderr[-600:]


def test_those_of_an_installed_package_are_found(tmp_path: Path) -> None:
    installed(
        tmp_path,
        checks=f"VERSION = 3\n{BODY[CHECKS]}",
        ways=f"VERSION = 3\n{BODY[WAYS]}",
        pairings=f"VERSION = 3\n{BODY[PAIRINGS]}",
    )
    asked = """
        from wellspring.tasks.contracts.plugins import CHECKS, WAYS
        from wellspring.tasks.methods.answers import checks, pairs; from wellspring.tasks.methods.vectors import choices
        print(CHECKS.names()["theirs"], checks.checks(["theirs"])["theirs"]({}, None))
        print(WAYS.names()["theirs"], choices.theirs("theirs").choose(None, 1))
        print(pairs.way("theirs")[1])
    """

    said = "their_package.checks Outcome(passed=True, detail='')\ntheir_package.ways [0]\n3\n"
    assert asked_with(tmp_path, asked) == said


def test_installed_packages_are_read_once_until_one_comes(tmp_path: Path) -> None:
    installed(tmp_path, checks=f"VERSION = 3\n{BODY[CHECKS]}")
    (later := tmp_path / "later").mkdir()
    installed(later, ways=f"VERSION = 3\n{BODY[WAYS]}")
    asked = f"""
        import os
        from importlib import metadata
        from wellspring.tasks.contracts.plugins import CHECKS, WAYS
        CHECKS.names(), WAYS.names()
        read, reads = metadata.entry_points, []
        metadata.entry_points = lambda **chosen: reads.append(chosen) or read(**chosen)
        print(*("theirs" in kind.names() for kind in (CHECKS, WAYS)), len(reads))
        for name in ("their_package", "their_package-1.0.dist-info"):
            os.rename(f"{later}/{{name}}", f"{tmp_path}/{{name.replace('their', 'another')}}")
        print(*("theirs" in kind.names() for kind in (CHECKS, WAYS)), len(reads))
    """

    assert asked_with(tmp_path, asked) == "True False 0\nTrue True 1\n"


def test_a_package_that_cannot_be_loaded_is_named_with_the_reason(tmp_path: Path) -> None:
    installed(tmp_path, checks="import a_module_that_is_not_there\n")
    asked = """
        from wellspring.tasks.contracts.errors import UsageError
        from wellspring.tasks.methods.answers import checks
        try:
            checks.checks(["theirs"])
        except UsageError as error:
            print(error.message, error.hint, sep="|")
    """

    assert asked_with(tmp_path, asked) == (
        "the check `theirs` of the package their-package cannot be loaded: ModuleNotFoundError: No module named "
        "'a_module_that_is_not_there'|mend or reinstall their-package, or uninstall it\n"
    )


@pytest.mark.parametrize(
    "named",
    [
        {"verdicts": {"checks": ["strange"]}},
        {"selections": {"beside": ["strange"]}},
        {"responses": {"way": "strange"}},
    ],
    ids=str,
)
def test_a_store_from_elsewhere_brings_none(tmp_path: Path, named: dict[str, object]) -> None:
    for kind, body in BODY.items():
        (tmp_path / f"strange_{kind.function}.py").write_text(f"VERSION = 1\n{body}")
    kept = tmp_path / "ws" / "settings.json"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"plugins": [str(tmp_path)], **named}))

    with pytest.raises(UsageError, match=r"plugins\.0"):
        settings_.load(str(kept), environment={})


@pytest.mark.parametrize("setting", ["verdicts.checks", "verdicts.required", "selections.beside"])
@pytest.mark.parametrize("name", ["../up", "a/b", "", ".."])
def test_a_name_leads_to_no_other_folder(setting: str, name: str) -> None:
    with pytest.raises(UsageError, match=setting):
        settings_.load(None, [f"{setting}={json.dumps([name])}"], environment={})
