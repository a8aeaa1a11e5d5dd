"""Preflight: what is wrong with a run is said before anything is read, all of it at once."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

from wellspring.flows.dataset import PARTS
from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.errors import TransientError, UsageError
from wellspring.tasks.contracts.settings import Settings, load
from wellspring.tasks.io.standin import faults
from wellspring.tasks.spine.running import preflight, runs

Make = Callable[..., Settings]
SAMPLE = Path(__file__).parents[2] / "deployments" / "sample"


@pytest.fixture
def good(tmp_path: Path) -> dict[str, object]:
    """Settings of a run in whose way is nothing."""
    (tmp_path / "seeds.jsonl").write_text('{"prompt": "How does a river cut its valley?"}\n')
    (tmp_path / "pages.jsonl").write_text('{"text": "A river cuts its valley."}\n')
    (tmp_path / "asked.jsonl").write_text('{"question": "What is a valley?"}\n')
    return {
        "sources": {"corpora": [{"path": str(tmp_path / "pages.jsonl")}]},
        "seeds": {"paths": [str(tmp_path / "seeds.jsonl")]},
        "benchmarks": {"paths": {"mine": str(tmp_path / "asked.jsonl")}},
    }


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a server that is not there: its port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def test_nothing_is_in_the_way_of_a_good_run(good: dict[str, object], settings: Make, tmp_path: Path) -> None:
    preflight.look(settings(**good), tmp_path / "ws", list(PARTS))
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (['sources.corpora=[{path="{tmp}/no.warc"}]'], "there is no corpus at {tmp}/no.warc"),
        (["sources.corpora=[]"], "the run names no corpus"),
        (['seeds.paths=["{tmp}/no.jsonl"]'], "{tmp}/no.jsonl"),
        (['seeds.paths=["{tmp}/colours.jsonl"]'], "its fields: colour"),
        (["seeds.paths=[]"], "no seeds are named"),
        (['benchmarks.paths={gone="{tmp}/no.jsonl"}'], "benchmark `gone`"),
        (['benchmarks.paths={odd="{tmp}/colours.jsonl"}'], "benchmark `odd`"),
        (['documents.quality=["c5"]'], "`c5`"),
        (['instructions.recipes=["knn"]'], "`knn`"),
        (["exports.weights=camels.weight"], "the marks of `camels`"),
        (['instructions.recipes=["scene"]'], "`scene` writes no instructions"),
        (['scores.judges=["moderation"]'], "`moderation` gives verdicts"),
        (['verdicts.checks=["not_loping"]'], "there is no check `not_loping`"),
        (['verdicts.required=["moderatoin"]'], "there is no check `moderatoin`"),
        (['verdicts.checks=["moderation"]'], "`moderation` is asked of a model"),
        (['selections.beside=["centre"]'], "there is no way to select `centre`"),
        (["preferences.draws=2", "preferences.judge=best"], "`best`"),
        (["responses.way=answr"], "there is no way to answer `answr`"),
        (["recipes.answer.words=5"], "`recipes.answer.words`"),
        (["models.prices={tmp}/no.toml"], "the price table {tmp}/no.toml"),
        (["models.base_url=https://api.openai.com/v1", "models.proxy=none"], "OPENAI_API_KEY, which is not set"),
        (["models.base_url=http://127.0.0.1:1/v1", "models.key_env=MINE"], "MINE, which is not set"),
    ],
)
def test_each_mistake_is_named_and_is_wrong_usage(
    good: dict[str, object],
    settings: Make,
    tmp_path: Path,
    overrides: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preflight, "DOOR_SECONDS", 0.2)
    (tmp_path / "colours.jsonl").write_text('{"colour": "blue"}\n')
    chosen = settings(*(one.replace("{tmp}", str(tmp_path)) for one in overrides), **good)

    with pytest.raises(UsageError) as caught, runs.start("dataset", chosen, tmp_path / "ws", parts=list(PARTS)):
        pytest.fail("it began")

    assert said.replace("{tmp}", str(tmp_path)) in caught.value.message
    assert caught.value.exit_code == 2
    assert not (tmp_path / "ws").exists()


def test_all_mistakes_are_named_at_once_beside_a_server_that_is_not_there(
    good: dict[str, object], settings: Make, tmp_path: Path, nobody: str
) -> None:
    (tmp_path / "file").write_text("")
    wrong = ("documents.quality=['c5']", "scores.judges=['moderatoin']", f"models.base_url={nobody}")

    with pytest.raises(UsageError) as caught:
        preflight.look(settings(*wrong, **good), tmp_path / "file" / "ws", list(PARTS))

    assert all(part in caught.value.message for part in ("4 things", "`c5`", "`moderatoin`", nobody, "is no folder"))


def test_a_server_that_is_not_there_parks_the_run_and_one_that_is_lets_it_begin(
    good: dict[str, object], settings: Make, tmp_path: Path, nobody: str
) -> None:
    with pytest.raises(TransientError, match="does not answer") as caught:
        preflight.look(settings(f"models.base_url={nobody}", **good), tmp_path / "ws", list(PARTS))
    assert nobody in caught.value.message

    preflight.look(settings(f"models.base_url={nobody}", **good), tmp_path / "ws", ["corpus"])  # asks nobody
    preflight.look(settings(f"models.base_url={nobody}", "replay=true", **good), tmp_path / "ws", list(PARTS))
    with faults.running() as server:
        preflight.look(settings(f"models.base_url={server.url}", **good), tmp_path / "ws", list(PARTS))


def test_a_part_needs_only_what_it_reads(settings: Make, tmp_path: Path) -> None:
    preflight.look(settings(), tmp_path / "ws", ["curation"])


@pytest.mark.parametrize("name", ["keywords", "scene", "answer"])
def test_a_typo_in_a_placeholder_of_a_prompt_is_named_with_its_line(
    good: dict[str, object], settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    room = tmp_path / "recipes"
    room.mkdir()
    for file in resources.files("wellspring.tasks.recipes").iterdir():
        if file.is_file():
            (room / file.name).write_bytes(file.read_bytes())
    mistyped = (room / f"{name}.md").read_text() + "\n$page\n"
    (room / f"{name}.md").write_text(mistyped)
    files = resources.files
    monkeypatch.setattr(
        resources, "files", lambda package: room if package == "wellspring.tasks.recipes" else files(package)
    )
    prompting.template.cache_clear()
    preflight._placeholders.cache_clear()

    try:
        with pytest.raises(UsageError, match=rf"{name}\.md:{mistyped.count(chr(10))} names `\$page`"):
            preflight.look(settings(**good), tmp_path / "ws", list(PARTS))
    finally:
        prompting.template.cache_clear()


HEAVY = {"prefect", "great_expectations", "polars", "duckdb", "faiss", "openai", "scipy", "sklearn", "numba"}
SAID = """
import sys
from wellspring.flows import cli
try:
    cli.main()
finally:
    print(*sys.modules, file=sys.stdout)
"""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("build --corpus {tmp}/no.warc --seeds {tmp}/seeds.jsonl", "there is no corpus at {tmp}/no.warc"),
        ("build --corpus {tmp}/pages.jsonl --seeds {tmp}/no.jsonl --no-prefect", "{tmp}/no.jsonl"),
        ("build --corpus {tmp}/pages.jsonl --seeds {tmp}/seeds.jsonl --prefect --store {tmp}/seeds.jsonl", "no folder"),
        ("estimate --corpus {tmp}/no.warc --seeds {tmp}/seeds.jsonl", "there is no corpus at {tmp}/no.warc"),
    ],
)
def test_a_wrong_path_is_said_before_anything_heavy_is_loaded(
    good: dict[str, object], tmp_path: Path, typed: str, said: str
) -> None:
    assert good  # its files lie in tmp_path
    command = [word.replace("{tmp}", str(tmp_path)) for word in typed.split()]

    done = subprocess.run(
        [sys.executable, "-c", SAID, *command], cwd=SAMPLE.parents[1], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2, done.stderr
    assert said.replace("{tmp}", str(tmp_path)) in " ".join(done.stderr.split())
    assert not HEAVY & set(done.stdout.split())


def test_a_context_that_is_too_small_for_the_longest_prompt_is_named_with_the_setting() -> None:
    chosen = load(None, ("models.generator.model=small", "instructions.prompt_tokens=7500"), environment={})
    known = {
        "http://a small": {"context": 4096},
        "http://b small": {"context": 32768},
        "http://c other": {"context": 9},
    }

    (said,) = preflight.narrow(known, chosen)

    assert said.startswith("http://a small: its context of 4,096 tokens")
    assert "instructions.prompt_tokens=3072" in said
    assert not list(preflight.narrow({"http://a small": {}}, chosen))
