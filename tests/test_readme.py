"""README's commands, run as they stand, in their order, on the sample: what it says works."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wellspring.tasks.contracts import settings
from wellspring.tasks.io import faults

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"(?s)```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"))
COMMANDS = [line.strip() for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_command_of_readme_works_in_its_order(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deployments" / "sample" / "corpus.warc.gz", tmp_path / "crawl.warc.gz")
    shutil.copy(ROOT / "deployments" / "sample" / "seeds.jsonl", tmp_path / "prompts.jsonl")

    with faults.running() as server:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "none",
        }
        ended = [run(command, tmp_path, environment) for command in COMMANDS]

    assert len(ended) > 12
    assert [(c.args, c.stderr[-600:]) for c in ended if c.returncode] == []
    assert "Nothing was left to do" in ended[1].stdout


def run(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    name, *arguments = shlex.split(command)
    assert name == "wellspring"
    return subprocess.run(
        [sys.executable, "-m", "wellspring.flows.cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def test_the_profile_that_it_shows_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"(?s)```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"))
    (tmp_path / "mine.toml").write_text(shown, encoding="utf-8")

    loaded = settings.load(tmp_path / "mine.toml", (), environment={}).models.generator

    assert loaded.extra_body["chat_template_kwargs"] == {"enable_thinking": False}
    assert loaded.max_concurrency == 4
