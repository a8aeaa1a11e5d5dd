"""README's commands and lines of Python, run as they stand, in their order, on the sample: what it says works.

Also what can be known of a page without running it: that its links lead somewhere, that a cell of a table holds a
phrase, that a word of the glossary is used.
"""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import program_runs
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.standin import faults
from wellspring.tasks.methods.datasets import formats
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.writing.asks import Asks, Making

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?s)```sh\n(.*?)```", README)
FROM_PYTHON, DATASETS, TRL, RECIPE, MORE = re.findall(r"(?s)```python\n(.*?)```", README)
(PROMPTS,) = re.findall(r"(?s)````md\n(.*?)````", README)
COMMANDS = [line.strip() for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.strip()]


SAMPLE = ROOT / "deployments" / "sample"
PAGES = ["README.md", ".github/CONTRIBUTING.md", "flows/README.md"]
PAGES += [f"deployments/{name}.md" for name in ("README", "GLOSSARY", "FIGURES")]
PAGES += sorted(str(page.relative_to(ROOT)) for page in (ROOT / "tasks").glob("*/README.md"))
PAGES += ["sql/README.md", "expectations/README.md"]
GLOSSARY = (ROOT / "deployments" / "GLOSSARY.md").read_text(encoding="utf-8")
LONGEST_CELL_CHARS = 90


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the sample under the names that README gives to a user's own files."""
    shutil.copy(SAMPLE / "corpus.warc.gz", tmp_path / "crawl.warc.gz")
    shutil.copy(SAMPLE / "seeds.jsonl", tmp_path / "prompts.jsonl")
    shutil.copy(SAMPLE / "prompt-examples.jsonl", tmp_path)
    write_recipe(tmp_path / "recipes")
    return tmp_path


def write_recipe(place: Path) -> None:
    """Write the recipe that it shows, as it stands there, into a folder."""
    place.mkdir()
    (place / "harder.py").write_text(RECIPE, encoding="utf-8")
    (place / "harder.md").write_text(PROMPTS, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_command_of_readme_works_in_its_order(folder: Path) -> None:

    with faults.running() as server:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "none",
        }
        ended = [run(command, folder, environment) for command in COMMANDS]

    assert len(ended) > 12
    assert [(c.args, c.stderr[-600:]) for c in ended if c.returncode] == []
    assert "Nothing was left to do" in ended[1].stdout


@pytest.mark.usefixtures("unaudited")
def test_the_recipe_that_it_shows_is_short_and_writes(
    tmp_path: Path, start: Callable[[Settings], AbstractContextManager[Run]], settings: Callable[..., Settings]
) -> None:
    write_recipe(tmp_path / "recipes")
    plugin = f"plugins={json.dumps([str(tmp_path / 'recipes')])}"

    made = program_runs.run_program("harder", start, settings(*program_runs.of_program("harder", plugin)))

    assert len(RECIPE.splitlines()) < 30
    names = {node.attr for node in ast.walk(ast.parse(MORE)) if isinstance(node, ast.Attribute)}
    assert names - {"text"} <= {*vars(Making), *vars(Asks)}
    assert len(made["instructions"]) == len(made["responses"]) > 0
    assert made.settled == 6


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


def script(lines: str, folder: Path) -> str:
    """Run lines of Python as a newcomer does, from a file, and return what they print."""
    (folder / "lines.py").write_text(lines, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "HF_HOME": str(folder), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "lines.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-800:]
    return ran.stdout


@pytest.mark.slow
@pytest.mark.long
def test_its_python_works_on_the_sample(folder: Path) -> None:
    said, loaded = script(FROM_PYTHON, folder), script(DATASETS, folder)

    assert "train.jsonl" in said
    assert "not_a_page" in said
    assert "record of source" in said
    assert loaded.startswith("[{'role': 'user'")


@pytest.mark.slow
def test_datasets_reads_the_file_that_it_names(tmp_path: Path) -> None:
    named = re.findall(r'data_files="([^"]+)"', DATASETS)[0]
    row = dict.fromkeys(["recipe", "url", "license", "score"]) | {"response_id": "1", "text": "Why?", "response": "So."}
    ((_, line),) = formats.OURS["messages"].lines(row | {"system": "", "model": "m", "instruction_model": "m"})
    (tmp_path / named).parent.mkdir(parents=True)
    (tmp_path / named).write_text(json.dumps(line) + "\n", encoding="utf-8")

    said = script(DATASETS, tmp_path)

    assert said.startswith("[{'role': 'user', 'content': 'Why?'}")


def test_the_forms_that_trl_is_given_have_the_columns_that_it_asks_for() -> None:
    asked = {"SFTTrainer": {"messages"}, "DPOTrainer": {"prompt", "chosen", "rejected"}}
    asked["KTOTrainer"] = {"prompt", "completion", "label"}

    given = dict(re.findall(r"`(\w+Trainer)` the form `(\w+)`", README))

    assert given.keys() == asked.keys()
    assert all(asked[trainer] <= set(formats.OURS[form].columns().names) for trainer, form in given.items())
    compile(DATASETS + TRL, "README.md", "exec")


def test_llama_factory_is_told_columns_that_the_form_has() -> None:
    (shown,) = [block for block in re.findall(r"(?s)```json\n(.*?)```", README) if "file_name" in block]
    entry = json.loads(shown)["wellspring"]

    columns = set(formats.OURS[entry["formatting"]].columns().names)

    assert set(entry["columns"].values()) <= columns
    assert entry["file_name"].endswith(".jsonl")


def test_the_seed_and_the_row_that_it_shows_are_of_the_sample() -> None:
    (shown,) = [block for block in re.findall(r"(?s)```json\n(.*?)```", README) if "synthetic" in block]
    seed, row = shown.split("\n\n")

    assert seed in (SAMPLE / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    assert list(json.loads(row)) == formats.OURS["messages"].columns().names


@pytest.mark.parametrize("page", PAGES)
def test_a_cell_of_a_table_holds_a_phrase(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()

    cells = [cell.strip() for line in lines if line.startswith("|") for cell in line.strip("|").split(" | ")]

    assert [cell for cell in cells if len(cell) > LONGEST_CELL_CHARS] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_to_files_that_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    named = re.findall(r"`((?:tasks|flows|deployments|sql|tests|expectations)/[\w/.]+)`", text)

    gone = [name for name in links if not ((ROOT / page).parent / name).exists()]
    gone += [name for name in named if not re.search(r"\b(x|mine)\b|_x\.|_mine\.", name) and not (ROOT / name).exists()]

    assert gone == []


def test_every_word_of_the_glossary_is_used_and_stands_in_its_order() -> None:
    words = re.findall(r"(?m)^- \*\*(.+?)\*\*: ", GLOSSARY)
    pages = [page for page in ROOT.glob("**/*.md") if page.name != "GLOSSARY.md" and ".venv" not in page.parts]
    told = [*pages, *(ROOT / "flows").rglob("*.py")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in told).lower()

    assert words == sorted(set(words))
    assert [word for word in words if not re.search(rf"\b{re.escape(word.lower())}", text)] == []


def test_the_licence_is_whole_and_goes_with_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    ((path,), name) = declared["license-files"], declared["license"]
    text = (ROOT / path).read_text(encoding="utf-8")

    assert name == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.slow
def test_the_profile_that_it_shows_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"(?s)```toml\n(.*?)```", README)
    (tmp_path / "mine.toml").write_text(shown, encoding="utf-8")

    loaded = settings_.load(tmp_path / "mine.toml", (), environment={}).models.generator

    assert loaded.extra_body["chat_template_kwargs"] == {"enable_thinking": False}
    assert loaded.max_concurrency == 4
