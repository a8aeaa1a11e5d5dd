"""What is installed: one package of one name, whole, beside whatever else lies around."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("flows", "tasks", "sql", "expectations", "deployments")
FOREIGN = 'raise ImportError("this is the tasks package of somebody else")\n'


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy (the build leaves folders beside the sources), and unpack it as pip would."""
    pytest.importorskip("setuptools", "80", reason="setuptools 80 or later builds the wheel: pip install '.[test]'")
    place = tmp_path_factory.mktemp("package")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, place / "source" / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, place / "source")
    options = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-index")
    command = [sys.executable, "-m", "pip", "wheel", *options, "-w", str(place), str(place / "source")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "site")
    return place / "site"


def run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site), "HOME": str(folder), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_every_folder_with_modules_is_a_package_that_is_installed() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])

    modules = [path for folder in ("flows", "tasks", "expectations") for path in (ROOT / folder).rglob("*.py")]
    found = {".".join(("wellspring", *path.parent.relative_to(ROOT).parts)) for path in modules}

    assert (
        found - {"wellspring.flows.wellspring"} | {"wellspring", "wellspring.sql", "wellspring.deployments"} == listed
    )


@pytest.mark.slow
def test_all_that_is_installed_lies_under_one_name_and_nothing_is_missing(installed: Path) -> None:
    assert sorted(path.name.partition("-")[0] for path in installed.iterdir()) == ["wellspring", "wellspring"]
    for folder in FOLDERS:
        ours = {
            path.relative_to(ROOT)
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and not {"__pycache__", "wellspring"} & set(path.parts[len(ROOT.parts) :])
        }
        there = {path.relative_to(installed / "wellspring") for path in (installed / "wellspring").rglob("*")}
        assert {path for path in ours - there if path.name != "README.md"} == set()
    assert (installed / "wellspring" / "py.typed").is_file()


@pytest.mark.slow
def test_it_is_at_hand_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    asked = run(installed, tmp_path, "-m", "wellspring.flows.cli", "init", "mine.toml")
    checked = run(installed, tmp_path, "-m", "wellspring.flows.cli", "doctor", "--profile", "mine.toml", "--json")

    assert asked.returncode == 0, asked.stderr[-2000:]
    assert checked.returncode == 0, checked.stdout[-2000:]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_builds_in_a_folder_that_has_packages_of_the_same_names(installed: Path, tmp_path: Path) -> None:
    for name in (*FOLDERS, "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FOREIGN, encoding="utf-8")

    said = run(installed, tmp_path, "-c", "import wellspring.tasks.io.storage.store as store; print(store.__file__)")
    built = run(installed, tmp_path, "-m", "wellspring.flows.cli", "build", "--no-prefect", "--set", "limit=3")

    assert said.stdout.startswith(str(installed)), said.stderr
    assert built.returncode == 0, built.stderr[-2000:]
    assert (tmp_path / "ws" / "exports").is_dir()


@pytest.mark.slow
def test_its_schedules_name_flows_that_are_installed(installed: Path, tmp_path: Path) -> None:
    code = "from wellspring.flows import serving; print(len(serving.declared('smoke', 'ws')), serving.__file__)"

    said = run(installed, tmp_path, "-c", code)

    assert said.stdout.split() == ["8", str(installed / "wellspring" / "flows" / "serving.py")], said.stderr[-2000:]


@pytest.mark.slow
def test_help_needs_no_library_of_a_run(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from wellspring.flows import cli; "
        "print(sorted({'numpy', 'polars', 'duckdb', 'prefect', 'openai', 'pyarrow', 'pydantic'} & set(sys.modules)))"
    )

    assert run(installed, tmp_path, "-c", code).stdout.strip() == "[]"
