"""The journal, killed, torn, filled up and flipped: what was acknowledged stays, what is lost is known."""

import asyncio
import os
import random
import resource
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.storage.journal import Caps, Entry, Journal, Parked, record

FAST_KILLS = 3
KILLS = int(os.environ.get("KILLS", "20"))  # 200 take six minutes: KILLS=200 pytest tests/io/test_journal.py -k many
CONCURRENCY = 32


def entry(number: int, *, cost: int = 0, text: str = "") -> Entry:
    return Entry(f"call {number}", "done", "m", text or f"answer {number}", "stop", 5, 3, 0, cost, 1, 0.1)


async def write(journal: Journal, ended: Entry, reserve: int = 0, **claim: Any) -> None:
    asked = {"role": "generator", "model": "m", "request": "{}", "endpoint": "e", "run_id": "r"} | claim
    attempt = await journal.claim(ended.completion_id, reserve=reserve, **asked)
    if isinstance(attempt, Parked):
        raise attempt.error
    paid = ended.cost_micro_usd
    await journal.finish(attempt, ended, reserve=reserve, paid=paid, status=200, body=b"{}", run_id="r")


def fill(path: Path, numbers: range) -> None:
    journal = Journal(path)

    async def all_of_them() -> None:
        await asyncio.gather(*(write(journal, entry(number)) for number in numbers))

    asyncio.run(all_of_them())
    journal.close()


def test_what_was_written_is_found_by_the_next_process(tmp_path: Path) -> None:
    fill(tmp_path / "j.sqlite", range(1200))

    journal = Journal(tmp_path / "j.sqlite")
    found = journal.lookup([f"call {number}" for number in range(1300)])
    journal.close()

    assert len(found) == 1200
    assert found["call 7"] == entry(7)


def test_writes_are_committed_in_groups(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    commits: list[int] = []
    commit = journal.writer._committed
    journal.writer._committed = lambda c, group: (commits.append(len(group)), commit(c, group))[1]

    async def many() -> None:
        await asyncio.gather(*(write(journal, entry(number)) for number in range(300)))

    asyncio.run(many())
    journal.close()

    assert sum(commits) == 600
    assert len(commits) < 100


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    fill(tmp_path / "j.sqlite", range(1))

    assert (tmp_path / "j.sqlite").stat().st_mode & 0o777 == 0o600


def test_an_attempt_whose_process_died_keeps_its_reservation_as_spent(tmp_path: Path) -> None:
    code = f"""
        import asyncio, os, signal
        from pathlib import Path
        from wellspring.tasks.io.storage.journal import Journal
        journal = Journal(Path({str(tmp_path / "j.sqlite")!r}))
        async def claim():
            await journal.claim("x", role="r", model="m", request="", endpoint="e", run_id="r", reserve=700)
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(claim())
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=60)

    journal = Journal(tmp_path / "j.sqlite")
    outcome = journal.reader.execute("SELECT outcome, cost_micro_usd FROM attempts").fetchall()
    journal.close()

    assert outcome == [("unknown", 700)]
    assert journal.ledger.spent_micro_usd == 700
    assert journal.ledger.sent_calls == 1


class Budget(RuleBasedStateMachine):
    """Claims, settlements, crashes and higher caps in any order: spent and set aside never pass the cap."""

    @initialize()
    def begin(self) -> None:
        """Open a journal with a cap."""
        self.directory = Path(os.environ["WELLSPRING_TEST_TMP"]) / f"{time.monotonic_ns()}"
        self.cap, self.open, self.number = 1000, {}, 0
        self.loop = asyncio.new_event_loop()
        self.journal = Journal(self.directory / "j.sqlite", caps=Caps(self.cap))

    def wait(self, make: Callable[[], Any]) -> Any:
        """Run one write of the journal to its commit."""

        async def run() -> Any:
            return await make()

        return self.loop.run_until_complete(run())

    @rule(reserve=st.integers(0, 400))
    def claim(self, reserve: int) -> None:
        """Send a call, if the cap lets it go."""
        self.number += 1
        asked = {"role": "g", "model": "m", "request": "", "endpoint": "e", "run_id": "r"}
        claimed = self.wait(lambda: self.journal.claim(f"c{self.number}", reserve=reserve, **asked))
        ledger = self.journal.ledger
        if isinstance(claimed, Parked):
            assert ledger.spent_micro_usd + ledger.reserved_micro_usd + reserve > self.cap
        else:
            self.open[claimed] = (f"c{self.number}", reserve)

    @rule(share=st.floats(0, 1), is_answered=st.booleans())
    def settle(self, share: float, is_answered: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        """An answer or a failure comes, for part of what was set aside."""
        if not self.open:
            return
        attempt, (name, reserve) = self.open.popitem()
        paid = int(share * reserve)
        end = Entry(name, "done", "m", "t", "stop", 1, 1, 0, paid, 1, 0.0)
        if is_answered:
            self.wait(
                lambda: self.journal.finish(attempt, end, reserve=reserve, paid=paid, status=200, body=None, run_id="r")
            )
        else:
            self.wait(
                lambda: self.journal.fail(
                    attempt, reserve=reserve, cost=paid, outcome="x", status=None, detail="", body=None
                )
            )

    @rule()
    def crash(self) -> None:
        """The process ends with calls out: they count as spent."""
        reserved = self.journal.ledger.reserved_micro_usd + self.journal.ledger.spent_micro_usd
        self.journal.close()
        self.journal = Journal(self.directory / "j.sqlite", caps=Caps(self.cap))
        self.open = {}

        assert self.journal.ledger.spent_micro_usd == reserved

    @rule()
    def raise_cap(self) -> None:
        """A person allows more."""
        self.cap += 500
        self.journal.caps = Caps(self.cap)

    @invariant()
    def never_passed(self) -> None:
        """Spent and set aside are within the cap."""
        ledger = self.journal.ledger
        assert 0 <= ledger.spent_micro_usd + ledger.reserved_micro_usd <= self.cap
        assert ledger.reserved_micro_usd == sum(reserve for _, reserve in self.open.values())

    def teardown(self) -> None:
        """Close what is open."""
        self.journal.close()
        self.loop.close()


def test_a_budget_is_kept_in_any_order_of_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELLSPRING_TEST_TMP", str(tmp_path))
    Budget.TestCase.settings = hypothesis_settings(max_examples=15, stateful_step_count=15)

    Budget.TestCase().runTest()


@pytest.mark.parametrize(
    ("part", "trials"),
    [("whole", 30), ("wal", 30), *(pytest.param(p, 200, marks=pytest.mark.slow) for p in ("whole", "wal"))],
)
def test_a_torn_or_flipped_journal_opens_and_says_what_is_lost(tmp_path: Path, part: str, trials: int) -> None:
    """P9: of what opens again, every row is one that was written, with its own text."""
    source = tmp_path / "source"
    fill(source / "j.sqlite", range(150))
    if part == "wal":  # a second batch that only the write-ahead file holds
        writer = sqlite3.connect(source / "j.sqlite", isolation_level=None)
        files = _wal_only(source, writer)
    else:
        files = {path.name: path.read_bytes() for path in source.iterdir() if path.name.startswith("j.sqlite")}
    chance = random.Random(trials)
    sizes: list[int] = []

    for trial in range(trials):
        directory = tmp_path / f"{trial}"
        directory.mkdir()
        for name, content in files.items():
            is_target = name.endswith("-wal") if part == "wal" else name == "j.sqlite"
            (directory / name).write_bytes(_mutated(content, chance) if is_target else content)
        found, lost = _read_back(directory / "j.sqlite", 300)
        sizes.append(len(found))
        for number, text in found.items():
            assert text == f"answer {number}", f"trial {trial}"
        if part == "wal":
            assert lost == 0
            assert sorted(found) == list(range(len(found))), f"trial {trial}: not a prefix"

    assert max(sizes) > 100


def _wal_only(source: Path, writer: sqlite3.Connection) -> dict[str, bytes]:
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("PRAGMA journal_mode=WAL")
    for number in range(150, 300):
        record(writer, entry(number), b"{}", "r")
    files = {path.name: path.read_bytes() for path in source.iterdir() if path.name in {"j.sqlite", "j.sqlite-wal"}}
    writer.close()
    return files


def _mutated(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    kind = chance.choice(["cut", "flip", "zero", "zero_tail", "garbage"])
    spoilt = bytearray(content)
    match kind:
        case "cut":
            return bytes(spoilt[:at])
        case "flip":
            spoilt[at] ^= 1 << chance.randrange(8)
        case "zero":
            spoilt[at : at + 512] = bytes(len(spoilt[at : at + 512]))
        case "zero_tail":
            spoilt[at:] = bytes(len(spoilt) - at)
        case _:
            spoilt[at : at + 64] = chance.randbytes(len(spoilt[at : at + 64]))
    return bytes(spoilt)


def _read_back(path: Path, rows: int) -> tuple[dict[int, str], int]:
    """Open a damaged journal as often as a person would run the command again, and read what is there."""
    for _ in range(3):
        journal = Journal(path)
        try:
            found = journal.lookup([f"call {number}" for number in range(rows)])
        except BrokenError:
            continue  # it says so, and the next opening salvages
        finally:
            journal.close()
        return {int(name.split()[1]): ended.text for name, ended in found.items()}, journal.lost_rows
    raise AssertionError("it could not be opened three times in a row")


def test_a_flipped_text_counts_as_lost_and_is_asked_again(tmp_path: Path) -> None:
    fill(tmp_path / "j.sqlite", range(3))
    with sqlite3.connect(tmp_path / "j.sqlite") as connection:
        connection.execute("UPDATE completions SET text = 'answer X' WHERE completion_id = 'call 1'")
    connection.close()

    journal = Journal(tmp_path / "j.sqlite")
    found = journal.lookup(["call 0", "call 1", "call 2"])
    journal.close()

    assert sorted(found) == ["call 0", "call 2"]
    assert journal.lost_rows == 1


_SYNC_FAILS = """
import ctypes, platform, struct
fsync, fdatasync, seccomp = {"x86_64": (74, 75, 317), "aarch64": (82, 83, 277)}[platform.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 1, 0, fsync), (0x15, 0, 1, fdatasync), (0x06, 0, 0, 0x50005), (0x06, 0, 0, 0x7FFF0000)]
program = b"".join(struct.pack("HBBI", *step) for step in steps)  # either call returns EIO, any other is allowed
filter = ctypes.create_string_buffer(program, len(program))
asked = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(filter)))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
if libc.syscall(seccomp, 1, 1, asked):  # for all threads of this process
    sys.exit(77)
"""
_DISK_FULL = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))
"""
_FAILING = """
import asyncio, resource, signal, sys
from pathlib import Path
sys.path.insert(0, TESTS)
from test_journal import entry, write
from wellspring.tasks.io.storage.journal import Journal
journal = Journal(Path(PATH))
async def go(numbers):
    for number in numbers:
        await write(journal, entry(number, text="x" * 2000))
        print(number, flush=True)
asyncio.run(go(range(20)))
FAILURE
try:
    asyncio.run(go(range(20, 1000)))
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
    try:
        asyncio.run(go([9999]))
    except Exception:
        sys.exit(5)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure", [_DISK_FULL.replace("MOST_BYTES", "250_000"), _DISK_FULL.replace("MOST_BYTES", "400_000"), _SYNC_FAILS]
)
def test_a_disk_that_is_full_or_cannot_sync_stops_before_another_call_is_paid(tmp_path: Path, failure: str) -> None:
    """P8: nothing acknowledged is lost, nothing is acknowledged after it, and a disk that works again lets it go on."""
    path = tmp_path / "j.sqlite"
    code = _FAILING.replace("TESTS", repr(str(Path(__file__).parent))).replace("PATH", repr(str(path)))

    done = subprocess.run(
        [sys.executable, "-c", code.replace("FAILURE", failure)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("this kernel lets no process filter its own calls")
    acknowledged = [int(line) for line in done.stdout.split()]

    journal = Journal(path)
    found = journal.lookup([f"call {number}" for number in [*acknowledged, 9999]])
    journal.close()
    assert done.returncode == 5, done.stderr
    assert "could not be written" in done.stderr
    assert len(acknowledged) >= 20
    assert len(found) == len(acknowledged)


_CHILD = """
import os, sys
from pathlib import Path
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.calls import Call
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.io.models.llm import Models

url, store, rows, concurrency = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
endpoint = {"base_url": url, "max_concurrency": concurrency}
chosen = settings.load(None, (), environment={}, extra={"models": {"generator": {"endpoints": [endpoint]}}})
acknowledged = os.open(store / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
with Models(chosen, store, "run") as models:
    print("open", flush=True)
    calls = (Call(str(n), Prompt((Message("user", f"row {n}"),))) for n in range(rows))
    for outcome in models.ask("generator", calls):
        os.write(acknowledged, f"{outcome.completion_id}\\n".encode())
print("done", flush=True)
"""


def kill_until_done(store: Path, url: str, *, rows: int, kills: int, seed: int, longest: float) -> int:
    """Run the child, kill it at random moments so many times, then let it finish; returns the kills that hit."""
    chance = random.Random(seed)
    store.mkdir()
    command = [sys.executable, "-c", _CHILD, url, str(store), str(rows), str(CONCURRENCY)]
    hit = 0
    for turn in range(kills + 1):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        if turn == kills:
            assert child.stdout.read().strip() == "done"
        else:
            threading.Event().wait(chance.uniform(0, longest))
            hit += child.poll() is None
            child.kill()
        child.stdout.close()
        child.wait()
    return hit


def contents(store: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(store / "completions.sqlite")
    query = "SELECT completion_id, state, text, finish_reason, prompt_tokens FROM completions ORDER BY completion_id"
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def check_kills(tmp_path: Path, *, rows: int, kills: int, longest: float, seed: int = 11) -> None:
    with faults.running(latency_seconds=0.02) as calm:
        kill_until_done(tmp_path / "calm", calm.url, rows=rows, kills=0, seed=seed, longest=0)
    with faults.running(latency_seconds=0.02) as server:
        hit = kill_until_done(tmp_path / "killed", server.url, rows=rows, kills=kills, seed=seed, longest=longest)
    acknowledged = set((tmp_path / "killed" / "acknowledged").read_text(encoding="utf-8").split("\n")[:-1])
    recorded = contents(tmp_path / "killed")
    repeats = server.counts["requests"] - rows

    assert hit > 0, f"seed {seed}: no kill hit"
    assert acknowledged <= {row[0] for row in recorded}
    assert 0 <= repeats <= hit * CONCURRENCY, f"seed {seed}: {repeats} calls repeated in {hit} kills"
    assert server.stats()["repeated"] == repeats
    assert recorded == contents(tmp_path / "calm")


@pytest.mark.slow
def test_killed_at_random_moments_it_repeats_only_calls_that_were_out(tmp_path: Path) -> None:
    check_kills(tmp_path, rows=600, kills=FAST_KILLS, longest=0.35)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_many_kills_lose_nothing(tmp_path: Path) -> None:
    check_kills(tmp_path, rows=60 * KILLS, kills=KILLS, longest=0.35)


@pytest.mark.slow
def test_without_the_journal_every_kill_repeats_everything(tmp_path: Path) -> None:
    """The negative control: the same harness, but the record is taken away between two runs."""
    with faults.running(latency_seconds=0.005) as server:
        kill_until_done(tmp_path / "a", server.url, rows=60, kills=0, seed=1, longest=0)
        (tmp_path / "a" / "completions.sqlite").unlink()
        (tmp_path / "a" / "completions.sqlite-wal").unlink(missing_ok=True)
        command = [sys.executable, "-c", _CHILD, server.url, str(tmp_path / "a"), "60", "8"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    assert server.stats()["repeated"] == 60


def test_a_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    code = f"""
        import time
        from pathlib import Path
        from wellspring.tasks.io.storage.journal import Journal
        journal = Journal(Path({str(tmp_path / "j.sqlite")!r}), owner="abc")
        print("held", flush=True)
        time.sleep(60)
    """
    holder = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()

    with pytest.raises(TransientError, match=rf"process {holder.pid} on .* \(run abc\)"):
        Journal(tmp_path / "j.sqlite")
    holder.kill()
    holder.wait()
    holder.stdout.close()
    Journal(tmp_path / "j.sqlite").close()


@pytest.mark.slow
def test_a_second_run_over_many_completions_reads_little(tmp_path: Path) -> None:
    fill(tmp_path / "j.sqlite", range(5000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    journal = Journal(tmp_path / "j.sqlite")
    found = sum(len(journal.lookup([f"call {n}" for n in range(s, s + 500)])) for s in range(0, 5000, 500))
    journal.close()

    assert found == 5000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
