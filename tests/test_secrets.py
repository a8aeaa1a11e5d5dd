"""Keys, from the environment and from a Prefect Secret block, are used, and are in nothing that a run leaves behind."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from wellspring.tasks.io.standin import fault_kinds, faults

ROOT = Path(__file__).parents[1]
IN_BLOCK, IN_ENVIRONMENT = "sk-canary-block-0123456789abcdef", "sk-canary-environ-0123456789abcdef"

_RUN = """
import os, sys
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from wellspring.flows.cli import app

Secret(value=os.environ.pop("CANARY")).save("wellspring-key", overwrite=True)
try:
    app(sys.argv[1:], standalone_mode=False)
except Exception as error:
    print(type(error).__name__, error, getattr(error, "hint", ""))
with get_client(sync_client=True) as client:
    for artifact in client.read_artifacts():
        print(artifact.key, artifact.type, artifact.data, artifact.description)
    for run in client.read_flow_runs():
        print(run.name, run.state_name, run.state.message, run.parameters)
"""


def build(home: Path, store: Path, url: str, *options: str) -> str:
    """Build under Prefect, its server within the process; returns all that was said."""
    roles = {"generator": "prefect:wellspring-key", "responder": "OPENAI_API_KEY", "judge": "OPENAI_API_KEY"}
    chosen = [
        f'models.{role}.endpoints=[{{base_url="{url}", key_env="{name}", max_concurrency=8}}]'
        for role, name in roles.items()
    ]
    where = ("--profile", "smoke", "--store", str(store), "--set", "limit=4", "--set", "groundings.min_fit=0")
    sets = [part for one in chosen for part in ("--set", one)]
    environment = os.environ | {"PREFECT_HOME": str(home), "CANARY": IN_BLOCK, "OPENAI_API_KEY": IN_ENVIRONMENT}
    command = [sys.executable, "-c", _RUN, "build", "--prefect", *where, *sets, *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    return done.stdout + done.stderr


def left_in(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file as it lies there, and what is in those that are compressed: tables, Parquet, gzip."""
    for path in (p for p in folder.rglob("*") if p.is_file()):
        yield path, path.read_bytes().decode("latin-1")
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                names = connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()
                for (name,) in names:
                    yield path / name, str(connection.sql(f'FROM "{name}"').fetchall())
        elif path.suffix == ".parquet":
            yield path, str(pl.read_parquet(path).rows())
        elif path.suffix == ".gz":
            yield path, gzip.decompress(path.read_bytes()).decode("latin-1")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1300)
def test_keys_are_used_and_are_nowhere_in_what_a_run_under_prefect_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, store = tmp_path / "prefect", tmp_path / "ws"
    said = f"not with keys {IN_BLOCK} or {IN_ENVIRONMENT}"
    monkeypatch.setitem(faults.FAULTS, "echo", fault_kinds.status(400, said, "invalid_request_error"))
    monkeypatch.setitem(faults.FAULTS, "denied", fault_kinds.status(401, said, "invalid_api_key"))

    with faults.running(rates={"echo": 0.2}) as server:
        told = build(home, store, server.url)
    with faults.running(rates={"denied": 1.0}) as denying:
        names = {"generator": "another", "responder": "another", "judge": "a third"}
        sets = [part for role, name in names.items() for part in ("--set", f"models.{role}.model={name}")]
        told += build(home, store, denying.url, *sets)

    everything = list(left_in(tmp_path))
    assert server.keys == {f"Bearer {IN_BLOCK}", f"Bearer {IN_ENVIRONMENT}"}
    assert denying.keys == {f"Bearer {IN_BLOCK}"}
    assert "the server refused the key" in told
    assert any("not with keys *** or ***" in text for _, text in everything)
    assert any(path.name == "prefect.db" for path, _ in everything)
    assert [str(path) for path, text in [(Path("said"), told), *everything] if "sk-canary" in text] == []
    assert "progress-instructions progress 100" in told
