"""A disk that is full while a store is opened: named with the way out, and once there is space it opens as if never."""

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import BrokenError, WellspringError
from wellspring.tasks.contracts.records import Publication
from wellspring.tasks.io.storage import journal_file
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import JOURNAL, Store

OPEN: dict[str, Callable[[Path], object]] = {
    "database": lambda store: Store.open(store).close(),
    "journal": lambda store: Journal(store / JOURNAL).close(),
}
SIZES = (0, 100, 20_000)

ON_A_SMALL_DISK = """
import json, subprocess, sys
from pathlib import Path
from tests.io.test_full_disk import OPEN, told
place = Path(sys.argv[1])
for size in ("4k", "8k", "16k", "64k", "300k"):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", place], capture_output=True).returncode:
        sys.exit(77)
    full = {what: told(OPEN[what], place / "ws") for what in ("database", "journal")}
    subprocess.run(["mount", "-o", "remount,size=10m", place], check=True)
    freed = {what: told(OPEN[what], place / "ws") for what in ("database", "journal")}
    subprocess.run(["umount", place], check=True)
    print(json.dumps([full, freed]))
"""


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size; Python ignores the signal."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def told(do: Callable[[Path], object], store: Path) -> list[str]:
    """What an error on purpose says, and its way out; any other fails the test."""
    try:
        do(store)
    except WellspringError as error:
        return [error.message, error.hint]
    return []


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was opened before, with a row."""
    store = tmp_path_factory.mktemp("ready") / "ws"
    with Store.open(store) as opened:
        opened.append("publications", [Publication("documents", "p", "r")])
    Journal(store / JOURNAL).close()
    return store


@pytest.mark.slow
@pytest.mark.parametrize("what", OPEN)
@pytest.mark.parametrize("before", ["nothing", "a store"])
def test_a_store_that_finds_no_space_says_so_and_opens_when_there_is_some(
    ready: Path, tmp_path: Path, what: str, before: str
) -> None:
    said = list[str]()
    for size in SIZES:
        store = tmp_path / str(size)
        store.mkdir()
        if before == "a store":
            shutil.copytree(ready, store, dirs_exist_ok=True)
        with no_file_beyond(size):
            said += told(OPEN[what], store)
        for one in OPEN.values():
            assert told(one, store) == [], size
        assert not list(store.glob("*.damaged*")), size
        with Store.open(store) as opened:
            assert opened.count("publications/all") == (before == "a store")

    assert all("free space" in hint for hint in said[1::2])
    assert all(str(tmp_path) in message for message in said[::2])
    assert said


def test_a_damaged_journal_that_finds_no_space_to_be_saved_is_saved_later(ready: Path, tmp_path: Path) -> None:
    shutil.copytree(ready, tmp_path / "ws")
    path = tmp_path / "ws" / JOURNAL
    path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])

    with no_file_beyond(10_000), pytest.raises(BrokenError) as caught:
        journal_file.mended(path, owner="a test")

    assert "free space" in caught.value.hint
    assert "was damaged" in journal_file.mended(path, owner="a test")


@pytest.mark.slow
def test_a_real_disk_without_space_is_named_too(tmp_path: Path) -> None:
    """A small disk in memory, which only root may mount; nobody else sees it."""
    code = [sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path)]
    try:
        done = subprocess.run(["unshare", "--mount", *code], capture_output=True, text=True, check=False, timeout=120)
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here")
    if done.returncode in {1, 77} and not done.stdout and "Traceback" not in done.stderr:
        pytest.skip("this user may mount no disk here")

    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert all("free space" in said[1] for full, _ in seen for said in full.values() if said)
    assert {what for full, _ in seen for what, said in full.items() if said} == {"database", "journal"}
    assert all(freed == {"database": [], "journal": []} for _, freed in seen)
