"""Ten nights of a team on a real Prefect server, with a clock that moves: each night's release is that of its inputs.

Each night the schedule of the main job fires at 01:15, and what it exports is released. Nights bring new archives, a
prompt that was edited, a page that was corrected, and mishaps. Beside them a calm store, which was empty, gets the same
inputs in the same order, with nothing between. Both releases have one digest, and nothing is paid for twice.

    pytest -m long -s tests/test_ten_nights.py  (-s shows the log of the nights)
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

import wellspring
from tests import light, nights, own_answer
from tests.met import met
from tests.moved_clock import MovedClock
from tests.old_stores import unpacked
from tests.prefect_server import DEPLOYMENTS, ENDED, Prefect, deployed, kill, until
from wellspring.flows import releasing
from wellspring.flows.dataset import dataset
from wellspring.tasks.io.loopback import Request
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.standin.fault_kinds import Exchange
from wellspring.tasks.io.standin.faults import FaultServer, Profile
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.releases import releases

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3000)]

JOB = "dataset/dataset"
PATIENCE_SECONDS = 900.0  # a night on two cores that others use, too; a test that hangs ends with it
FERRY = "https://notices.example/ferry"
GONE = "https://sourdough-1.example/"
PROFILE = """
plugins = ["own"]
runner = "thread"
threads = 1
sources.corpora = [{{path = "{sample}/corpus.warc.gz", name = "wellspring-sample"}}, {{path = "pages"}}]
seeds = {{paths = ["{sample}/seeds.jsonl", "seeds"], min_score = 0}}
embeddings = {{embedder = "hashing", dimensions = 64}}
scores.judges = []
selections.min_score = 0
responses.way = "terse"
exports.name = "ours"
models.base_url = "{url}"
"""
READER = "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input()"


class Held(FaultServer):
    """The stand-in: it holds back what it would answer after so many requests, until a test lets it go on."""

    def __init__(self) -> None:
        super().__init__(Profile())
        self.most = 10**9

    async def _deliver(self, request: Request, exchange: Exchange, fault: str) -> None:
        number = self.counts["requests"]
        while number > self.most:  # noqa: ASYNC110 - the test lets it go on, from another thread
            await asyncio.sleep(0.05)
        await super()._deliver(request, exchange, fault)

    @contextmanager
    def holding(self, after: int) -> Iterator[Callable[[], bool]]:
        """Answer so many more requests and hold back the others in the block; yields whether it holds one back."""
        self.most = self.counts["requests"] + after
        yield lambda: self.counts["requests"] > self.most
        self.most = 10**9


@dataclass
class Team:
    """Its archives, its seeds, its profile and a prompt of its own; the store of its nights, and a calm one."""

    folder: Path
    prefect: Prefect
    clock: MovedClock
    server: Held
    calm_server: Held
    log: list[dict[str, Any]] = field(default_factory=list)
    _worker: "subprocess.Popen[bytes] | None" = None

    @property
    def store(self) -> Path:
        """The store that the schedule writes."""
        return self.folder / "ws"

    @property
    def calm(self) -> Path:
        """The store that was empty, and gets the same inputs."""
        return self.folder / "calm"

    @property
    def worker(self) -> "subprocess.Popen[bytes]":
        """The worker that runs what is due."""
        assert self._worker is not None
        return self._worker

    def begin_worker(self) -> None:
        """Start a worker."""
        self._worker = self.prefect.worker()

    def passes(self, night: Callable[["Team"], None]) -> None:
        """Let a night pass, and do its inputs in the calm store, too; release both."""
        began = time.monotonic()
        night(self)
        profile, url = str(self.folder / "mine.toml"), f"models.base_url={self.calm_server.url}"
        with light.unaudited(), light.pageless():
            dataset.fn(profile, str(self.calm), [url])
        self.release((night.__doc__ or "").split(";")[0].rstrip("."), began)

    def plain(self) -> None:
        """Let the schedule fire, and the run end."""
        self.ends(self.fires())

    def fires(self) -> str:
        """Move the clock to the next time of the schedule; returns the run that it starts."""
        due = until(self._planned, "planned run", PATIENCE_SECONDS)[0]
        self.clock.to(datetime.fromisoformat(due["expected_start_time"]))
        begun = {"PENDING", "RUNNING", *ENDED}
        until(lambda: self.prefect.ask(f"flow_runs/{due['id']}")["state"]["type"] in begun, "begin", PATIENCE_SECONDS)
        return due["id"]

    def _planned(self) -> list[dict[str, Any]]:
        wanted = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"after_": f"{self.clock.now()}"}}
        of = {"flow_runs": wanted, "deployments": {"name": {"any_": [JOB.partition("/")[2]]}}}
        return self.prefect.runs(**of, sort="EXPECTED_START_TIME_ASC")

    def ends(self, run: str, state: str = "Completed", times: int = 1) -> None:
        """Hold that a run ends in a state."""
        found = until(lambda: self._ended(run, times), f"end of {run}", PATIENCE_SECONDS)
        message = found["state"]["message"]
        assert found["state"]["name"] == state, f"{self.told()}\n{message}\n{self.prefect.states(run)}"

    def _ended(self, run: str, times: int) -> dict[str, Any]:
        found = until(lambda: self.prefect.ask(f"flow_runs/{run}"), f"run {run}")
        is_ended = found["state"]["type"] in ENDED
        return found if is_ended and found["run_count"] >= times else {}

    def release(self, what: str, began: float) -> None:
        """Release the night in both stores, and write it down; the two have to be the same, file by file."""
        name = f"night-{len(self.log) + 1:02}"
        for store in (self.store, self.calm):
            releasing.release(store, name)
        mine, calm = (releases.manifest(store / "releases" / name) for store in (self.store, self.calm))
        lines, before = rows_of(self.store, name), self.log[-1]["lines"] if self.log else set[str]()
        self.log.append(
            {
                "night": len(self.log) + 1,
                "what": what,
                "rows": mine["rows"],
                "new": len(lines - before),
                "gone": len(before - lines),
                "refused": refused(self.store),
                "calls": self.server.counts["requests"] - sum(one["calls"] for one in self.log),
                "calm calls": self.calm_server.counts["requests"] - sum(one["calm calls"] for one in self.log),
                "seconds": round(time.monotonic() - began),
                "digest": mine["digest"][:12],
                "equal": mine["digest"] == calm["digest"],
                "lines": lines,
            }
        )
        files = [{file["path"]: file["sha256"] for file in said["files"]} for said in (mine, calm)]
        assert not sorted(path for path, _ in files[0].items() ^ files[1].items()), self.told()

    def told(self) -> str:
        """Say how the nights went, as a table."""
        columns = [name for name in self.log[0] if name != "lines"] if self.log else []
        rows = [columns, *([str(night[name]) for name in columns] for night in self.log)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(one.ljust(width) for one, width in zip(row, widths, strict=True)) for row in rows)


def rows_of(store: Path, name: str) -> set[str]:
    """Return the lines of a release."""
    paths = (store / "releases" / name).glob("messages/*.jsonl")
    return {line for path in paths for line in path.read_text(encoding="utf-8").splitlines()}


def refused(store: Path) -> int:
    """Return how many inputs a store has refused so far."""
    with Store.read(store) as opened:
        return opened.count("rejections/all")


def opened_page(team: Team, night: int, text: str) -> None:
    """Bring an archive with the page of a ferry, as it was on the day of a night."""
    told = {"url": FERRY, "text": text, "fetched_at": f"2026-01-{night:02}"}
    (team.folder / "pages" / f"ferry-{night}.jsonl").write_text(json.dumps(told) + "\n", encoding="utf-8")


def brings(team: Team, night: int) -> None:
    """Bring two new pages and two new seeds."""
    nights.pages(team.folder / "pages", night, 2)
    nights.seeds(team.folder / "seeds", night, 2)


def upgrade(team: Team) -> None:
    """The store is one that an older version made, from the sample."""
    brings(team, 0)
    team.plain()


def new_archives(team: Team) -> None:
    """New archives lie there."""
    brings(team, 1)
    opened_page(team, 2, "The ferry leaves at ten past seven on weekdays. " * 6 + "On Sundays it stays in the harbour.")
    team.plain()


def says_crashed(team: Team, run: str) -> None:
    """Say as a person that a run is dead, unless it said so itself: else it holds the pool's only slot."""
    state = {"type": "CRASHED", "name": "Crashed", "message": "the machine was off"}
    if until(lambda: team.prefect.ask(f"flow_runs/{run}"), "run")["state"]["type"] not in ENDED:
        until(lambda: team.prefect.ask(f"flow_runs/{run}/set_state", state=state, force=True), "state")


def power_cut(team: Team) -> None:
    """The machine is cut off while calls are out; a person says that the run crashed, and presses Retry."""
    brings(team, 2)
    with team.server.holding(3) as holds:
        run = team.fires()
        until(holds, "call that is held back", PATIENCE_SECONDS)
        kill(team.worker)
    says_crashed(team, run)
    team.begin_worker()
    team.prefect.retry(run)
    team.ends(run, times=2)


def sigterm(team: Team) -> None:
    """The machine is shut down while calls are out; the job is asked for again."""
    brings(team, 3)
    with team.server.holding(3) as holds:
        run = team.fires()
        until(holds, "call that is held back", PATIENCE_SECONDS)
        everyone = [psutil.Process(team.worker.pid), *psutil.Process(team.worker.pid).children(recursive=True)]
        for one in everyone:
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        psutil.wait_procs(everyone, timeout=PATIENCE_SECONDS)
    says_crashed(team, run)
    team.begin_worker()
    team.ends(team.prefect.run(JOB))


def notebook(team: Team) -> None:
    """Somebody has the database open in a notebook; the run parks, and is retried when it is closed."""
    brings(team, 4)
    words = [sys.executable, "-c", READER, str(team.store / "wellspring.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        run = team.fires()
        team.ends(run, "Parked")
    team.prefect.retry(run)
    team.ends(run, times=2)


def prompt_edit(team: Team) -> None:
    """Somebody edits a prompt: all answers are written anew."""
    path = team.folder / "own" / "terse.md"
    path.write_text(path.read_text(encoding="utf-8").replace("words at most.", "words at most, and no list."))
    team.plain()


def corrected_page(team: Team) -> None:
    """A page comes again, from the same address, with a newer text."""
    opened_page(
        team, 7, "The ferry leaves at half past six on weekdays. " * 6 + "On Sundays it leaves at noon instead."
    )
    team.plain()


def forget_and_rebuild(team: Team) -> None:
    """A page is forgotten, and the database is lost."""
    for store in (team.store, team.calm):
        wellspring.forget(store, url=GONE)
    (team.store / "wellspring.duckdb").unlink()
    team.plain()


BACK = "night-05+1"  # which stands for the fifth night's release since a page of it was forgotten


def rollback(team: Team) -> None:
    """A person has rolled back: the night is released, and `current` stays."""
    releasing.rollback(team.store, BACK, "a trial went wrong")
    brings(team, 8)
    team.plain()


def quiet(team: Team) -> None:
    """Nothing is new; the rollback is taken back."""
    assert releases.current(team.store) == BACK
    releasing.forward(team.store, "it was none")
    assert releases.current(team.store) == "night-09"
    team.plain()


NIGHTS = (
    *(upgrade, new_archives, power_cut, sigterm, notebook),
    *(prompt_edit, corrected_page, forget_and_rebuild, rollback, quiet),
)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A team with an old store, a schedule and a worker; the clock stands at some time of today."""
    for name in ("pages", "seeds", "own", "prefect"):
        (tmp_path / name).mkdir()
    own_answer.written(tmp_path / "own")
    unpacked("6154e7a", tmp_path / "ws")
    clock, server, calm_server = MovedClock(tmp_path), Held(), Held()
    profile = tmp_path / "mine.toml"
    with (
        faults.threaded(server),
        faults.threaded(calm_server),
        deployed(tmp_path / "prefect", profile, tmp_path / "ws", **clock.environment) as prefect,
    ):
        profile.write_text(PROFILE.format(sample=DEPLOYMENTS / "sample", url=server.url), encoding="utf-8")
        met(tmp_path / "ws", server.url)
        met(tmp_path / "calm", calm_server.url)
        made = Team(tmp_path, prefect, clock, server, calm_server)
        prefect.type("prefect", "deployment", "schedule", "create", JOB, "--cron", "15 1 * * *", "--timezone", "UTC")
        prefect.ask(f"deployments/{prefect.ask(f'deployments/name/{JOB}')['id']}/resume_deployment", paused=False)
        made.begin_worker()
        yield made
        sys.stdout.write(f"\n{made.told()}\n")


def test_each_night_releases_what_its_inputs_alone_do(team: Team) -> None:
    for night in NIGHTS:
        team.passes(night)

    again = team.server.stats()["repeated"]
    out = journal(team.store, "SELECT count(*) FROM attempts WHERE outcome IS NULL OR outcome = 'unknown'")
    twice = journal(team.store, "SELECT count(*) - count(DISTINCT completion_id) FROM attempts WHERE outcome = 'done'")
    assert [one["equal"] for one in team.log] == [True] * len(NIGHTS)
    assert team.log[-1]["calls"] == team.log[-1]["new"] == team.log[-1]["gone"] == 0
    assert (twice, again <= out) == (0, True), team.told()


def journal(store: Path, query: str) -> int:
    """Ask a journal for a number."""
    with closing(sqlite3.connect(store / "completions.sqlite")) as connection:
        return connection.execute(query).fetchone()[0]
