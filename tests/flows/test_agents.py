"""What coding agents get: every command of the skill works as it stands, and the MCP server changes nothing."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import wellspring
from tests import hub_server

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "deployments" / "sample"
SKILL = (ROOT / "deployments" / "agents" / "SKILL.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"(?s)```sh\n(.*?)```", SKILL) for line in block.splitlines() if line]
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]  # a process for each command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small store of the sample, built by the skill's own commands."""
    place = tmp_path_factory.mktemp("agents")
    shutil.copy(SAMPLE / "corpus.warc.gz", place / "crawl.warc.gz")
    shutil.copy(SAMPLE / "seeds.jsonl", place / "prompts.jsonl")
    with hub_server.serving() as hub:
        environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "XDG_STATE_HOME"}},
            "HOME": str(place),
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": hub.url,
            "COLUMNS": "200",
            "WELLSPRING_RUNNER": "thread",  # what a small store needs, in a fourth of the time
            "WELLSPRING_EMBEDDINGS__EMBEDDER": "hashing",
        }
        for command in COMMANDS:
            words = [sys.executable, "-m", "wellspring.flows.cli", *command.split()[1:]]
            ended = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, f"{command}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
        assert hub.repos == {}  # a dry run
    return place


def test_the_skill_shows_commands_and_each_of_them_works(folder: Path) -> None:
    named = {command.split()[1] for command in COMMANDS}

    assert all(command.startswith("wellspring ") for command in COMMANDS)
    assert {"build", "status", "trace", "papers", "sign", "verify", "push"} <= named
    assert (folder / "ws" / "exports" / "wellspring-dataset" / "alpaca" / "train.jsonl").is_file()
    assert SKILL.startswith("---\nname: wellspring\ndescription: ")


def asked(store: Path, then: Callable[[Any], Any]) -> Any:
    """Start `wellspring mcp` as an agent's program does, and let its client ask."""
    mcp = pytest.importorskip("mcp")

    async def talk() -> Any:
        words = ["-m", "wellspring.flows.cli", "mcp", "--store", str(store)]
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(store.parent)}
        environment["XDG_STATE_HOME"] = os.environ["XDG_STATE_HOME"]  # whose store it is
        begun = mcp.StdioServerParameters(command=sys.executable, args=words, env=environment)
        async with mcp.stdio_client(begun) as (read, write), mcp.ClientSession(read, write) as session:
            await session.initialize()
            return await then(session)

    return asyncio.run(talk())


def contents(store: Path) -> dict[str, str]:
    """Every file of a store with its digest, but for locks and what SQLite lays beside an open journal."""
    passing = (".lock", "-shm", "-wal")
    files = (path for path in store.rglob("*") if path.is_file() and not path.name.endswith(passing))
    return {str(path.relative_to(store)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_agent_sees_status_rows_traces_and_estimates_and_the_store_stays_as_it_is(folder: Path) -> None:
    store = folder / "ws"
    before = contents(store)
    with wellspring.open(store) as opened:
        expected = opened.rows("instructions")
        tree = opened.trace(expected["instruction_id"][0]).as_dict()
        standing = opened.status()

    async def look(session: Any) -> dict[str, Any]:
        called = {
            "status": {},
            "rows": {"table": "instructions", "limit": 2, "chars": 10},
            "trace": {"target": expected["instruction_id"][0]},
            "estimate": {"only": "synthesis"},
        }
        return {name: await session.call_tool(name, given) for name, given in called.items()} | {
            "tools": await session.list_tools(),
            "wrong": await session.call_tool("rows", {"table": "secrets"}),
        }

    said = asked(store, look)
    rows, texts = said["rows"].structured_content, expected["text"]

    assert {tool.name for tool in said["tools"].tools} == {"status", "trace", "rows", "estimate"}
    assert all(tool.annotations.read_only_hint for tool in said["tools"].tools)
    assert said["status"].structured_content["stages"] == standing["stages"]
    assert said["trace"].structured_content == tree
    assert (rows["of"], len(rows["rows"])) == (expected.height, 2)
    assert [row["instruction_id"] for row in rows["rows"]] == expected["instruction_id"][:2].to_list()
    assert all(
        row["text"] == f"{text[:40]}... ({len(text)} characters)"
        for row, text in zip(rows["rows"], texts, strict=False)
    )
    assert said["estimate"].structured_content["calls"] == 0
    assert said["wrong"].is_error
    assert "there is no table `secrets`" in said["wrong"].content[0].text
    assert contents(store) == before
