"""A random walk through the command line: whatever was done before, a store says how it is, goes on, and exports right.

    WALKS=20 WALK=100 pytest tests/test_walk.py  (twenty of twelve steps, from seed 100 on; else three of six)
    WALK_AS=processes pytest tests/test_walk.py  (each command as a process of its own)
    WALK_WHOLE=1 pytest tests/test_walk.py  (what runs here is audited and writes its pages, in twice the time)

What brings something in (pages of a night, a form, a page that is forgotten) is done again in an empty store, in the
same order and with nothing between. After each step both export the same bytes, and the server was asked nothing twice.
"""

import math
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import typer

from tests import light
from tests.old_stores import OLD
from tests.walking import FRESH, Alone, Walk, differences, take
from wellspring.flows import cli
from wellspring.tasks.io.standin import faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

HERE, PROCESSES = "here", "processes"
FIRST, WALKS, AS = int(os.environ.get("WALK", "0")), os.environ.get("WALKS"), os.environ.get("WALK_AS", HERE)
CHOSEN = [(seed, AS) for seed in range(FIRST, FIRST + int(WALKS or 1))]
RUNS = (
    CHOSEN
    if WALKS or AS != HERE
    else [pytest.param(FIRST + n, how, marks=pytest.mark.long) for n, how in enumerate((HERE, HERE, PROCESSES))]
)
STEPS, NIGHTS = 12 if WALKS else 6, 3
FORMS = ("alpaca", "sharegpt")
DISK_MB = 160
OF_NO_STORE = {
    "check-plugin",
    "init",
    "recipes",
    "tune-prompt",  # makes no row
    "serve",
    "offline-model",
    "mcp",
    *("papers", "keys", "sign", "verify", "push", "pull", "environment"),  # of a folder
}  # they touch none, or serve until they are stopped
KEPT = {"completions.sqlite", "completions.sqlite-wal", "completions.sqlite-shm"}  # what was paid is in no other place
LOCKS = {"completions.lock", "wellspring.lock"}
ELSEWHERE = ("selections.controls=1", "exports.license=mit", "verdicts.required=[]", "seed=7")
MOST_SECONDS, MOST_CALLS = 20.0, 30  # until a kill
UNTOLD = ("README.md", "manifest.json")  # the card says who served each answer; older answers do not tell
_READER = "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input()"


def _is_there(walk: Walk, *names: str) -> bool:
    return all((walk.store / name).is_file() for name in ("wellspring.duckdb", *names))


def _looks(*words: str) -> Callable[[Walk], object]:
    return lambda walk: walk.run(*words, expect=(0,) if _is_there(walk) else (1,))


def _night(walk: Walk) -> None:
    walk.settle()
    if walk.nights < NIGHTS and not walk.origin:
        take(walk, "night", str(walk.nights))
    walk.build()


def _form(walk: Walk) -> None:
    if not _is_there(walk, "settings.json") or not walk.is_home:
        walk.build()
    form = walk.chance.choice(FORMS)
    walk.run("export", "--format", form)
    take(walk, "form", form)
    walk.build()


def _forget(walk: Walk) -> None:
    walk.settle()
    ours = ["https://sourdough-0.example/", "https://knee surgery-0.example/"]
    page = walk.chance.choice(["northpeg.example"] if walk.origin else ours)
    if ("forget", page) in walk.brought or not _is_there(walk):
        walk.run("forget", "--domain" if walk.origin else "--url", page, expect=(0, 2) if _is_there(walk) else (1,))
    else:
        take(walk, "forget", page)
    walk.build()


def _due(walk: Walk) -> list[str]:
    """See to it that a build has calls to make: a night, or another seed; returns the settings that it needs."""
    walk.settle()
    if walk.nights < NIGHTS and not walk.origin:
        take(walk, "night", str(walk.nights))
        return []
    return [f"seed={walk.chance.randint(8, 99)}"]


def _cut(walk: Walk) -> None:
    chosen = _due(walk)
    walk.build(*chosen, f"budget.max_calls={walk.sent + walk.chance.randint(0, MOST_CALLS)}", expect=(0, 3))


def _kill(walk: Walk) -> None:
    chosen = _due(walk)
    if walk.chance.random() < 0.3:
        walk.kill(*chosen, calls=math.inf, seconds=walk.chance.uniform(0, MOST_SECONDS))
    else:
        walk.kill(*chosen, calls=walk.chance.randint(1, MOST_CALLS))


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


@contextmanager
def _filled(folder: Path, left: int) -> Iterator[None]:
    """Fill the file system of a folder, but for so many bytes."""
    ballast = folder.parent / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(folder).free - left))
    yield
    ballast.unlink()


def _full(walk: Walk) -> None:
    chosen = _due(walk)
    if walk.has_disk:
        with _filled(walk.store, walk.chance.choice([0, 4096, 50_000, 300_000, 1_000_000, 3_000_000])):
            walk.build(*chosen, expect=(0, 1))
    else:
        walk.build(*chosen, expect=(0, 1), before=_small_files)


def _reader(walk: Walk) -> None:
    if not _is_there(walk):
        walk.build()
    words = [sys.executable, "-c", _READER, str(walk.store / "wellspring.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        if walk.chance.random() < 0.5:
            walk.run("status", expect=(0, 3))
        else:
            walk.run("build", *walk.options(), expect=(3,))


def _lose(walk: Walk) -> None:
    if walk.chance.random() < 0.5:
        lost = walk.store / walk.chance.choice(["exports", "indexes", "pages", "wellspring.duckdb", "shards"])
    else:
        files = sorted(path for path in walk.store.rglob("*") if path.is_file() and path.name not in KEPT | LOCKS)
        lost = walk.chance.choice(files)
    if lost.is_dir():
        shutil.rmtree(lost)
    else:
        lost.unlink(missing_ok=True)
    walk.said.append(f"lost {lost.relative_to(walk.store)}")
    walk.is_home, walk.has_lost = False, True


def _trace(walk: Walk) -> None:
    files = sorted(walk.store.glob("exports/*/messages/*.jsonl"))
    if files and _is_there(walk):
        walk.run("trace", f"{files[0]}:1", expect=(0,) if walk.is_home else (0, 1))


def _release(walk: Walk) -> None:
    """Release what is exported; it is refused where that is not as it was written, or was excluded."""
    name = f"v{walk.chance.randint(1, 3)}"
    walk.run("release", name, expect=(0, 1, 2))
    walk.is_released()


def _rollback(walk: Walk) -> None:
    names = walk.is_released()
    if names:
        walk.run("rollback", walk.chance.choice(names))
        assert walk.is_released()
        walk.run("release", "--forward")


def _diff(walk: Walk) -> None:
    names = walk.is_released()
    if len(names) > 1:
        walk.run("diff", *walk.chance.sample(names, 2))


def _exclude(walk: Walk) -> None:
    """Leave a row out of an export, and bring it back; what is forgotten meanwhile stays away."""
    rows = walk.exported_ids()
    if not rows or not walk.is_home:
        walk.run("excluded", expect=(0,) if _is_there(walk) else (1,))
        return
    row = walk.chance.choice(rows)
    walk.run("exclude", row, "--reason", "on a walk")
    walk.build()
    assert row not in walk.exported_ids(), walk.tale(f"{row} is exported, though it is left out")
    walk.run("include", row)
    walk.build()


MOVES: dict[str, Callable[[Walk], object]] = {
    "build": lambda walk: walk.build(),
    "night": _night,
    "export": _form,
    "forget": _forget,
    "elsewhere": lambda walk: walk.build(walk.chance.choice(ELSEWHERE)),
    "cut": _cut,
    "kill": _kill,
    "full": _full,
    "reader": _reader,
    "lose": _lose,
    "retry": lambda walk: walk.build(command="retry"),
    "trace": _trace,
    "impact": _looks("impact", "--model", "offline-extractive"),
    "status": _looks("status"),
    "dashboard": _looks("dashboard"),
    "estimate": lambda walk: walk.run("estimate", *walk.options()),
    "doctor": lambda walk: walk.run("doctor", "--profile", "smoke", expect=(int(walk.has_disk),)),  # it is a small one
    "release": _release,
    "releases": _looks("releases"),
    "diff": _diff,
    "rollback": _rollback,
    "exclude": _exclude,
    "include": lambda walk: walk.run("include", "--all", expect=(0,) if _is_there(walk) else (1,)),
    "excluded": _looks("excluded"),
    "review": _looks("review"),
    "batches": lambda walk: walk.run("batches"),
}


def test_the_walk_knows_every_command() -> None:
    commands = set(typer.main.get_group(cli.app).commands)

    assert commands - OF_NO_STORE <= MOVES.keys()


@pytest.fixture(autouse=True)
def _light() -> Iterator[None]:
    with ExitStack() as left_out:
        if not os.environ.get("WALK_WHOLE"):
            left_out.enter_context(light.unaudited())
            left_out.enter_context(light.pageless())
        yield


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    """Where the inputs of all walks are done again."""
    with faults.running() as server:
        yield Alone(tmp_path_factory.mktemp("alone"), server)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path | None]:
    """A small file system that a test may fill, where this user can have one."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = shutil.which("mount")
    asked = [mount, "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(where)] if mount else ["false"]
    is_mounted = subprocess.run(asked, capture_output=True, check=False).returncode == 0
    yield where if is_mounted else None
    if is_mounted:
        subprocess.run(["umount", "-l", str(where)], check=True)


def _same(walk: Walk, alone: Alone) -> None:
    """Hold what a walk exports against what its inputs alone do."""
    differ = differences(walk.store / "exports", alone.exported(walk), but=UNTOLD if walk.origin else ())
    assert not differ, walk.tale(f"exported otherwise: {differ}")


@pytest.mark.parametrize(("seed", "runs_as"), RUNS)
def test_after_each_step_the_export_is_that_of_the_inputs_alone_and_nothing_was_paid_twice(
    seed: int, runs_as: str, tmp_path: Path, disk: Path | None, alone: Alone
) -> None:
    chance = random.Random(seed)
    origin = chance.choice([FRESH, FRESH, FRESH, *OLD])
    with faults.running(latency_seconds=0.02) as server:
        walk = Walk(
            (disk or tmp_path) / "ws", alone.folder, server, chance, origin, runs_as == PROCESSES, disk is not None
        )
        walk.begin()
        for name in (*chance.choices(sorted(MOVES), k=STEPS), "build"):
            MOVES[name](walk)
            walk.pays_once()
            if walk.is_home:
                _same(walk, alone)
