"""Reading a corpus, killed at random moments or done by other workers, gives the rows of an uninterrupted run.

`WELLSPRING_KILLS=50` runs a longer campaign.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from wellspring.tasks import documents, sources
from wellspring.tasks.contracts import settings as settings_of
from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import runs

SHARD_BYTES = 20_000  # a few pages
KILLS = int(os.environ.get("WELLSPRING_KILLS", "4"))
READ = """
import sys
from tests.test_interrupted_corpora import read
read(sys.argv[1], sys.argv[2], "process")
"""
COLUMNS = {
    "documents": ("document_id", "fingerprint", "record_offset", "url", "text", "duplicate_of"),
    "rejections": ("input_id", "fingerprint", "reason", "detail"),
    "duplicates": ("document_id", "duplicate_of", "similarity"),
}


def read(corpus: str, store: str, runner: str) -> None:
    """Read a corpus into a store, in shards of a few pages."""
    chosen = settings_of.load(
        None,
        [f"runner={runner}", "threads=2"],
        environment={},
        extra={"sources": {"corpora": [{"path": corpus}]}},
    )
    with mock.patch.object(documents, "SHARD_BYTES", SHARD_BYTES), runs.start("test", chosen, store, quiet=True) as run:
        sources.register(run)
        documents.extract(run)


def rows(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    with Store.read(store) as opened:
        return {
            table: sorted(opened.query(f"{table}/all").select(columns).rows(), key=str)
            for table, columns in COLUMNS.items()
        }


@pytest.fixture(scope="module")
def uninterrupted(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    store = tmp_path_factory.mktemp("whole")
    read(str(shared / "warc/dolma_sample0000.warc.gz"), str(store), "thread")
    return rows(store)


@pytest.mark.slow
@pytest.mark.shared
def test_a_run_killed_at_random_moments_ends_as_an_uninterrupted_one(
    shared: Path, tmp_path: Path, uninterrupted: dict[str, list[tuple[Any, ...]]]
) -> None:
    corpus, store = str(shared / "warc/dolma_sample0000.warc.gz"), tmp_path / "store"
    dice = random.Random(7)
    for _ in range(KILLS):
        reading = subprocess.Popen([sys.executable, "-c", READ, corpus, str(store)], start_new_session=True)
        time.sleep(dice.uniform(0.5, 4.0))
        os.killpg(reading.pid, signal.SIGKILL)
        reading.wait()
    read(corpus, str(store), "thread")

    parts = corpus_files.look(corpus).extent // SHARD_BYTES + 1
    with Store.read(store) as opened:
        read_once = len(opened.query("shards/done", stage=documents.PARTS, fingerprint=_print(opened)))
    assert rows(store) == uninterrupted
    assert read_once == parts


def _print(store: Store) -> str:
    return str(store.query("methods/active", stage="documents")["fingerprint"][0])


@pytest.mark.slow
@pytest.mark.shared
def test_dask_reads_what_processes_read(
    shared: Path, tmp_path: Path, uninterrupted: dict[str, list[tuple[Any, ...]]]
) -> None:
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")

    read(str(shared / "warc/dolma_sample0000.warc.gz"), str(tmp_path), "dask")

    assert rows(tmp_path) == uninterrupted
