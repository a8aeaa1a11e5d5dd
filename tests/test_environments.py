"""Packages for reinforcement learning: what their library says of an answer is what was said here."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import wellspring
from tests import certified_tasks, judge_runs
from tests.judges.test_certificate import model
from tests.scripted_model import scripted_model
from tests.test_verifiable import CHOSEN, export
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import environments, verify
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
pytestmark = pytest.mark.usefixtures("unaudited")
HOSTILE = [  # never a pass, wherever it runs
    "def evaluate(response):\n    while True:\n        pass",
    "def evaluate(response):\n    return len('x' * 10 ** 9) > 1",
    "def evaluate(response):\n    return evaluate(response)",
    "def evaluate(response):\n    return open('/etc/passwd').read() != ''",
    "import os\ndef evaluate(response):\n    return os.system('true') == 0",
    "import socket\ndef evaluate(response):\n    return socket.create_connection(('127.0.0.1', 80)) is not None",
    "import os\ndef evaluate(response):\n    return bool(os.environ)",
    "def evaluate(response):\n    return 1",
    "def evaluate(response)",
]


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """What the first test makes, and those after it copy."""
    return {}


@pytest.fixture
def dataset(
    made: dict[str, Any],
    settings: Callable[..., Settings],
    start: Start,
    store_dir: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[dict[str, Any]]]:
    """An export with one certified task, and all answers that the store has of it, with what was said here."""
    if not made:
        found = certified_tasks.certify(settings, start, model(), certified_tasks.a_task(), *CHOSEN, after=export)
        [said] = judge_runs.notes(found, "certificate")
        kept = tmp_path_factory.mktemp("made") / "dataset"
        made |= {"answers": said["answers"], "kept": shutil.copytree(store_dir / "exports/wellspring-dataset", kept)}
    return shutil.copytree(made["kept"], tmp_path / "dataset"), made["answers"]


def the_task(dataset: Path) -> dict[str, Any]:
    [line] = (dataset / "tasks" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(line)


def interpreters(library: str) -> list[str]:
    """Return interpreters with a library: those that the environment names, or this one if it has it."""
    named = [one for one in os.environ.get(f"{library.upper()}_PYTHON", "").split(os.pathsep) if one]
    here = [sys.executable] if importlib.util.find_spec(library) else []
    return named or here or pytest.skip(f"{library} is not installed; {library.upper()}_PYTHON names none that has it")


def ask(python: str, script: str, package: Path, given: dict[str, Any], *more: str) -> dict[str, Any]:
    env = os.environ | {"PYTHONPATH": str(package), "NO_KEY": "-", "PYTHONDONTWRITEBYTECODE": "1"}
    driver = Path(__file__).with_name(script)
    ran = subprocess.run(
        [python, str(driver), *more],
        input=json.dumps(given),
        cwd=package,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_a_package_of_verifiers_has_the_tasks_their_door_and_its_contract(
    dataset: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    made = wellspring.environment(dataset[0], tmp_path / "one")

    assert (made["name"], made["tasks"]) == ("wellspring-dataset", {"train": 1})
    told = tomllib.loads((tmp_path / "one" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert verify.ENGINE in told["dependencies"]
    inside, ours = tmp_path / "one" / "wellspring_dataset", dataset[0] / "tasks"
    for name in ("verify.py", "train.jsonl"):
        assert (inside / name).read_bytes() == (ours / name).read_bytes()
    page = (tmp_path / "one" / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"\| (seconds|memory_bytes|network|files) \| (\S+) \|", page)) == {
        "seconds": str(verify.SECONDS),
        "memory_bytes": str(verify.MEMORY_BYTES),
        "network": "no",
        "files": "no",
    }


def test_a_package_can_be_installed(dataset: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    wellspring.environment(dataset[0], tmp_path / "one")
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(tmp_path)!r})"
    ran = subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "one", capture_output=True, check=False)

    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    [wheel] = tmp_path.glob("*.whl")
    assert {"wellspring_dataset/train.jsonl", "wellspring_dataset/verify.py"} <= {*zipfile.ZipFile(wheel).namelist()}


@pytest.mark.parametrize("library", environments.LIBRARIES)
def test_what_is_no_dataset_with_tasks_or_was_changed_is_refused(
    library: str, dataset: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="there is no package for `trl`"):
        wellspring.environment(dataset[0], tmp_path / "one", "trl")
    with pytest.raises(UsageError, match="something lies at"):
        wellspring.environment(dataset[0], tmp_path, library)
    with pytest.raises(UsageError, match="has no tasks"):
        wellspring.environment(tmp_path, tmp_path / "one", library)
    (dataset[0] / "tasks" / "verify.py").write_text("def verify(verifier, response):\n    return True\n")
    with pytest.raises(BrokenError, match=r"tasks/verify\.py"):
        wellspring.environment(dataset[0], tmp_path / "one", library)
    assert not (tmp_path / "one").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_verifiers_says_of_every_answer_in_the_store_what_was_said_here(
    dataset: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    pythons = interpreters("verifiers")
    made, (folder, answers) = wellspring.environment(dataset[0], tmp_path / "one"), dataset
    line = the_task(folder)
    for python in pythons:
        with scripted_model(lambda _: line["reference"]) as server:
            given = {"answers": [one["text"] for one in answers], "hostile": HOSTILE, "server": server.base_url}
            said = ask(python, "foreign_verifiers.py", tmp_path / "one", given, made["name"].replace("-", "_"))

        assert said["answers"] == [one["accepted"] for one in answers]
        assert said["hostile"] == [None] * len(HOSTILE)
        assert [one["content"] for one in said["prompt"]] == [one["content"] for one in line["prompt"]]
        assert said.get("rollout", [1.0]) == [1.0]
        assert said.get("is_valid", True) is True


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nemo_gym_says_of_every_answer_in_the_store_what_was_said_here(
    dataset: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    pythons = interpreters("nemo_gym")
    wellspring.environment(dataset[0], tmp_path / "one", "nemo-gym")
    folder, answers = dataset
    line = the_task(folder)
    for python in pythons:
        given = {"answers": [one["text"] for one in answers], "hostile": HOSTILE}
        said = ask(python, "foreign_gym.py", tmp_path / "one", given)

        assert said["answers"] == [one["accepted"] for one in answers]
        assert said["hostile"] == [None] * len(HOSTILE)
        assert said["sets"] == {"train": "TBD", "example": "TBD"}
        assert said["prompt"] == [{name: one[name] for name in ("role", "content")} for one in line["prompt"]]


@pytest.mark.parametrize("source", HOSTILE)
def test_what_the_contract_forbids_is_never_a_pass(source: str) -> None:
    assert verify.verify(source, "Answer: 12 m") is None
