"""Which code made a row: the commit of a checkout of ours, and never that of a repository around it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wellspring.tasks.spine.running import origin

ROOT = Path(__file__).parents[2]
OURS = '[project]\nname = "wellspring"\n'
THEIRS = '[project]\nname = "shop"\n'
CODE = [
    f"tasks/{name}.py"
    for name in (
        "__init__",
        "contracts/__init__",
        "contracts/blas",
        "spine/__init__",
        "spine/running/__init__",
        "spine/running/origin",
    )
]
ALL, ONLY = ".", "pyproject.toml"  # what of it git keeps
INSTALLED = ".venv/lib/python3.11/site-packages"


def git(folder: Path, *arguments: str) -> str:
    person = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *person, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit_of(package: Path, **environment: str) -> str:
    """Return what the code in a folder says of itself, imported as `wellspring.tasks`."""
    links = package / "links" / "wellspring"
    links.mkdir(parents=True, exist_ok=True)
    (links / "tasks").unlink(missing_ok=True)
    (links / "tasks").symlink_to(package / "tasks")
    asked = [sys.executable, "-c", "from wellspring.tasks.spine.running import origin; print(origin.commit())"]
    known = os.environ | {"PYTHONPATH": str(links.parent)} | environment
    return subprocess.run(asked, cwd=package, env=known, capture_output=True, text=True, check=True).stdout.strip()


def repository(root: Path, pyproject: str, place: str, tracked: str) -> Path:
    """Make a repository with a copy of our code in it; returns the folder of the copy."""
    package = root / place
    for name in CODE:
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, package / name)
    (root / "pyproject.toml").write_text(pyproject)
    git(root, "init", "--quiet")
    git(root, "add", "--force", tracked)
    git(root, "commit", "--quiet", "--message", "One")
    return package


@pytest.mark.parametrize(
    ("pyproject", "place", "tracked"),
    [
        (THEIRS, INSTALLED, ONLY),
        (THEIRS, INSTALLED, ALL),
        (THEIRS, "vendor/wellspring", ALL),
        (THEIRS, ".", ALL),
        (OURS, INSTALLED, ONLY),
        (OURS, INSTALLED, ALL),
        (OURS, ".", ONLY),
        ("no TOML", ".", ALL),
    ],
)
def test_the_commit_of_a_repository_around_our_code_is_not_recorded_as_ours(
    tmp_path: Path, pyproject: str, place: str, tracked: str
) -> None:
    package = repository(tmp_path, pyproject, place, tracked)

    assert commit_of(package) == origin.versions()["wellspring"]


def test_a_vendored_copy_with_its_own_project_file_has_the_version_too(tmp_path: Path) -> None:
    package = repository(tmp_path, THEIRS, "vendor/wellspring", ALL)
    (package / "pyproject.toml").write_text(OURS)

    assert commit_of(package) == origin.versions()["wellspring"]


def test_a_checkout_of_ours_has_its_commit_also_in_a_hook_of_another_repository(tmp_path: Path) -> None:
    package = repository(tmp_path / "ours", OURS, ".", ALL)
    repository(tmp_path / "theirs", THEIRS, ".", ALL)

    said = commit_of(package, GIT_DIR=str(tmp_path / "theirs" / ".git"))

    assert said == git(package, "rev-parse", "HEAD")
