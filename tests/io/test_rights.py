"""Several accounts share a store where its folder says so; else it is its owner's, and what is private stays so."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.storage import journal_file, rights
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import Store

ROOT = Path(__file__).parents[2]
TEAM, ANNA, BEN, EVE = 40_000, 40_001, 40_002, 40_003


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """Live by the umask that most people have."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return the rights of each file and folder, as `ls` shows them."""
    return {str(path.relative_to(folder)): stat.filemode(path.stat().st_mode) for path in sorted(folder.rglob("*"))}


def filled(folder: Path) -> Path:
    """Make a store with its journal."""
    with Store.open(folder) as store:
        store.share("run")
        (store.exports / "one").mkdir()
        (store.exports / "one" / "train.jsonl").write_text("{}")
        Journal(folder / "completions.sqlite", owner="test").close()
    return folder


def test_journal_and_locks_are_their_owners_alone_unless_the_folder_is_shared(tmp_path: Path) -> None:
    own = modes(filled(tmp_path / "own"))
    rights.share(tmp_path / "team")
    team = modes(filled(tmp_path / "team"))

    private = ["completions.lock", "completions.sqlite", "wellspring.lock"]
    assert [own[name] for name in private] == ["-rw-------"] * 3
    assert own["exports/one/train.jsonl"] == "-rw-r--r--"
    assert len(own) == len(team)
    assert {mode for name, mode in team.items() if mode[0] == "-"} == {"-rw-rw----"}
    assert {mode for name, mode in team.items() if mode[0] == "d"} == {"drwxrws---"}


def test_a_store_that_is_shared_later_is_shared_with_all_that_is_in_it(tmp_path: Path) -> None:
    store = filled(tmp_path / "ws")
    (store / "read-only").write_text("released")
    (store / "read-only").chmod(0o444)

    rights.share(store)

    found = modes(store)
    assert found.pop("read-only") == "-r--r-----"
    assert set(found.values()) == {"-rw-rw----", "drwxrws---"}
    assert stat.filemode(store.stat().st_mode) == "drwxrws---"


def test_the_umask_is_as_it_was_once_the_last_shared_store_is_closed(tmp_path: Path) -> None:
    for name in ("one", "other"):
        rights.share(tmp_path / name)
    with Store.open(tmp_path / "one"), Store.open(tmp_path / "other"):
        pass
    with pytest.raises(BrokenError):
        Store.read(tmp_path / "nowhere")

    assert os.umask(0o022) == 0o022


def test_a_journal_that_was_saved_from_damage_is_for_whom_it_was_before(tmp_path: Path) -> None:
    rights.share(tmp_path / "ws")
    path = filled(tmp_path / "ws") / "completions.sqlite"
    path.write_bytes(path.read_bytes()[:5000])

    journal_file.mended(path, owner="test")

    assert stat.filemode(path.stat().st_mode) == "-rw-rw----"


IN_REACH = """
mkdir -p "$1/python" && mount --bind "$2" "$1/python" && mount -t tmpfs -o mode=755 none "$3" && mkdir -p "$2" &&
mount --bind "$1/python" "$2" && shift 3 && exec "$@"
"""  # Python may lie in the home of root: for this process there is nothing else there


def hidden(path: Path) -> Path | None:
    """Return the first folder on a path that others may not enter."""
    return next((one for one in [*reversed(path.parents), path] if not one.stat().st_mode & stat.S_IXOTH), None)


@pytest.fixture
def office() -> Iterator[Path]:
    """A folder that all accounts may enter, with a store of the team's; it lies outside of the home of who tests."""
    if os.geteuid() or not (shutil.which("setpriv") and shutil.which("unshare")):
        pytest.skip("two accounts need root, setpriv and unshare")
    folder = Path(tempfile.mkdtemp(prefix="wellspring-office-"))
    folder.chmod(0o755)
    for name, uid in (("anna", ANNA), ("ben", BEN), ("eve", EVE)):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, uid, uid)
    (folder / "ws").mkdir()
    os.chown(folder / "ws", ANNA, TEAM)
    yield folder
    shutil.rmtree(folder)


def does(office: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Let an account type a command: all but Eve are of the team."""
    uid = {"anna": ANNA, "ben": BEN, "eve": EVE}[name]
    groups = f"--groups={TEAM}" if name != "eve" else "--clear-groups"
    command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", groups, *words]
    base = Path(sys.base_prefix)
    if place := hidden(base):
        command = ["unshare", "--mount", "sh", "-c", IN_REACH, "sh", str(office), str(base), str(place), *command]
    environment = {"PATH": os.environ["PATH"], "HOME": str(office / name), "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=office, env=environment, capture_output=True, text=True, check=False)


def types(office: Path, name: str, *words: str) -> str:
    """Let an account type a command of ours, which has to end well."""
    done = does(office, name, sys.executable, "-m", "wellspring.flows.cli", *words, "--store", str(office / "ws"))
    assert done.returncode == 0, f"{name}: {' '.join(words)}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_accounts_of_a_team_build_release_and_forget_in_turn_and_a_third_sees_nothing(office: Path) -> None:
    settings = ("runner=process", "threads=2", "scores.judges=[]", "selections.min_score=0")
    chosen = ["--profile", "smoke", *(word for one in settings for word in ("--set", one))]
    probe = does(office, "anna", sys.executable, "-c", "print('in reach')")
    if probe.stdout != "in reach\n":
        pytest.skip(f"other accounts cannot run this Python: {probe.stderr[-300:]}")

    types(office, "anna", "build", *chosen, "--set", "limit=4", "--set", 'rights="group"')
    types(office, "ben", "build", *chosen, "--set", "limit=6")
    types(office, "ben", "release", "v1")
    types(office, "anna", "forget", "--domain", "northpeg.example")
    types(office, "anna", "build", *chosen, "--set", "limit=6")
    types(office, "anna", "release", "v2")
    said = types(office, "ben", "status")
    eve = [does(office, "eve", "cat", str(office / "ws" / name)) for name in ("settings.json", "completions.sqlite")]

    found = {stat.filemode(path.stat().st_mode) for path in (office / "ws").rglob("*")}
    owners = {path.stat().st_uid for path in (office / "ws").rglob("*")}
    groups = {path.stat().st_gid for path in (office / "ws").rglob("*")}
    assert "done" in said
    assert owners == {ANNA, BEN}
    assert groups == {TEAM}
    assert found == {"-rw-rw----", "-r--r-----", "drwxrws---"}
    assert [one.returncode for one in eve] == [1, 1]
