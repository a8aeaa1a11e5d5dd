"""Bad input, at the command line: each ends in a message that says what and what next, and the store stays whole."""

import http.server
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wellspring.tasks.io.storage.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "deployments" / "sample"
SMOKE = ("--profile", "smoke", "--set", "limit=4")
SEEDS = '{"prompt": "How do I keep a sourdough starter alive during three weeks of holidays?"}\n'


def build(
    store: Path, *arguments: str, before: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wellspring.flows.cli", "build", "--store", str(store), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=200,
        preexec_fn=before,
        env={"PATH": os.environ["PATH"], "HOME": str(store.parent), "COLUMNS": "200", **environment},
    )


def test_a_file_that_is_not_an_archive_is_refused_and_named(tmp_path: Path) -> None:
    bad = tmp_path / "holiday.warc.gz"
    bad.write_bytes(b"\x89PNG not an archive at all" * 100)

    result = build(tmp_path / "ws", "--corpus", str(bad), "--only", "corpus")

    assert result.returncode == 1
    assert "documents` is empty" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    result = build(tmp_path / "ws", "--corpus", str(tmp_path / "empty"), "--only", "corpus")

    assert result.returncode == 2
    assert str(tmp_path / "empty") in result.stderr
    assert "hint:" in result.stderr


def test_seeds_without_a_usable_field_say_which_fields_they_have(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text('{"colour": "blue"}\n')

    result = build(tmp_path / "ws", *SMOKE, "--seeds", str(seeds))

    assert result.returncode == 2
    assert "colour" in result.stderr
    assert "prompt" in result.stderr


def test_fewer_seeds_than_k_is_said_before_anything_is_deduced_and_better_seeds_go_on(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text(SEEDS)

    first = build(tmp_path / "ws", *SMOKE, "--seeds", str(seeds))
    again = build(tmp_path / "ws", *SMOKE)

    assert first.returncode == 1
    assert "k = 2" in first.stderr
    assert again.returncode == 0
    assert "train.jsonl" in again.stdout


class _Unauthorised(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        said = b'{"error": {"message": "Incorrect API key provided: sk-canary-0123456789", "code": "invalid_api_key"}}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST  # noqa: N815 - the name the server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def unauthorised() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Unauthorised) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def test_an_endpoint_that_refuses_the_key_is_named_without_the_key_and_the_store_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "ws"
    with unauthorised() as url:
        refused = build(store, *SMOKE, "--set", f"models.base_url={url}", OPENAI_API_KEY="sk-canary-0123456789")
    again = build(store, *SMOKE)

    everything = b"".join(p.read_bytes() for p in store.rglob("*") if p.is_file())
    assert refused.returncode in {1, 3}
    assert url in refused.stderr
    assert "OPENAI_API_KEY" in refused.stderr
    assert "canary" not in refused.stderr + refused.stdout
    assert b"canary" not in everything
    assert again.returncode == 0


def test_an_endpoint_that_is_not_there_parks_the_run(tmp_path: Path) -> None:
    result = build(tmp_path / "ws", *SMOKE, "--set", "models.base_url=http://127.0.0.1:9/v1")

    assert result.returncode == 3
    assert "127.0.0.1:9" in result.stderr
    assert "hint:" in result.stderr


def test_a_store_that_is_open_in_another_process_is_left_to_it(tmp_path: Path) -> None:
    with Store.open(tmp_path / "ws", owner="busy"):
        result = build(tmp_path / "ws")

    assert result.returncode == 3
    assert f"process {os.getpid()}" in result.stderr


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "ws"

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    full = build(store, *SMOKE, before=small_files)
    again = build(store, *SMOKE)

    assert full.returncode == 1
    assert "hint:" in full.stderr
    assert again.returncode == 0
    assert "train.jsonl" in again.stdout
