"""Model calls: ours beside plain AsyncOpenAI and an aiohttp floor, in one run; kills, 429s, faults, a million answers.

Run as `python -m tests.bench.completions [rows] [part ...] [--peers NAME=PYTHON,...]`; the parts are in `PARTS`. A
peer is a script in `tests/bench/peers`, run by the interpreter that has its library. Each measurement is a process of
its own, so that peak memory is its own too; the server is another process on loopback.
"""

import asyncio
import collections
import contextlib
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CONCURRENCY = 64
ROUNDS = 3
PARTS = ("speed", "programs", "limits", "slots", "faults", "overhead", "kills", "batch", "million")
PEERS = Path(__file__).parent / "peers"
PEER_SECONDS = 240  # a peer that takes longer is given up
TEXT = "Tell me what a person who lives by a river has to know about floods, and what to do first. " * 8 + "River {}."


@contextlib.contextmanager
def serving(profile: str) -> Iterator[str]:
    """Serve a fault profile from a process of its own."""
    code = (
        "import asyncio, sys; from wellspring.tasks.io.standin import faults\n"
        "server = faults.FaultServer(faults.profile(sys.argv[1]))\n"
        "async def go():\n"
        "    async with server.listening() as listening:\n"
        "        print(server.url, flush=True); await listening.serve_forever()\n"
        "asyncio.run(go())"
    )
    server = subprocess.Popen([sys.executable, "-c", code, profile], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def stats(url: str) -> dict[str, Any]:
    """Return what the server counted."""
    import urllib.request

    with urllib.request.urlopen(url.replace("/v1", "/stats")) as answer:
        return json.loads(answer.read())


def peak_mb() -> float:
    """Return the most memory this process had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(url: str, rows: int, directory: str, **options: Any) -> dict[str, Any]:
    """Ask through the model door: durable before and after each call."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.contracts.calls import Call
    from wellspring.tasks.contracts.prompting import Message, Prompt
    from wellspring.tasks.io.models.llm import Models

    endpoint = {"base_url": url, "max_concurrency": options.pop("concurrency", CONCURRENCY)}
    endpoint |= {"retry_after": options.pop("retry_after", "auto")}
    role = {"endpoints": [endpoint], "total_seconds": 3.0, "first_byte_seconds": 2.0} | options
    chosen = settings.load(None, (), environment={}, extra={"models": {"generator": role}})
    calls = (Call(str(n), Prompt((Message("user", TEXT.format(n)),))) for n in range(rows))
    ends: collections.Counter[str] = collections.Counter()
    with Models(chosen, directory, "bench") as models:
        started = time.perf_counter()
        for outcome in models.ask("generator", calls):
            ends[getattr(outcome, "reason", "answered")] += 1
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_mb": peak_mb(), "ends": dict(ends)}


def programmed(url: str, rows: int, directory: str, **options: Any) -> dict[str, Any]:
    """Ask as a stage does: a program for each row, its answer a row, settled with its steps, all in the database."""
    from tests.spine.test_generation import fill, instruction
    from tests.spine.test_runner import SAY
    from wellspring.tasks.contracts import records, settings
    from wellspring.tasks.spine.running import runs
    from wellspring.tasks.spine.writing.programs import Program
    from wellspring.tasks.spine.writing.runner import conduct

    async def body(row: Any, ask: Any) -> None:
        found = await ask(SAY, {"said": TEXT.format(row["input_id"])}, role="generator")
        ask.make("scores", [records.Score(row["input_id"], "p", "p", "c", 1.0, found["text"], None, run.run_id)])

    endpoint = {"base_url": url, "max_concurrency": options.get("concurrency", CONCURRENCY)}
    chosen = settings.load(None, (), environment={}, extra={"models": {"generator": {"endpoints": [endpoint]}}})
    with runs.start("bench", chosen, f"{directory}/ws", quiet=True, may_mix=True, has_readers=False) as run:
        fill(run, [instruction(number) for number in range(rows)])
        run.activate("scores", {"p": "p"})
        before, started = peak_mb(), time.perf_counter()
        counts = conduct(run, Program("scores", "p", "instructions", "p", ("generator",), 1, body))
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_mb": peak_mb(), "before_mb": before, "ends": {"answered": counts.rows_out}}


async def _gathered(one: Callable[[int], Any], rows: int) -> float:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def held(number: int) -> None:
        async with slots:
            await one(number)

    started = time.perf_counter()
    await asyncio.gather(*(held(number) for number in range(rows)))
    return time.perf_counter() - started


def plain(url: str, rows: int, _: str, *, with_aiohttp: bool = False) -> dict[str, Any]:
    """Gather over AsyncOpenAI as its documentation shows it: nothing is durable."""
    import openai

    async def go() -> float:
        http_client = openai.DefaultAioHttpClient() if with_aiohttp else None
        async with openai.AsyncOpenAI(api_key="none", base_url=url, http_client=http_client) as client:

            async def one(number: int) -> None:
                message: Any = {"role": "user", "content": TEXT.format(number)}
                await client.chat.completions.create(model="m", messages=[message])

            return await _gathered(one, rows)

    return {"seconds": asyncio.run(go()), "peak_mb": peak_mb(), "ends": {"answered": rows}}


def plain_aiohttp(url: str, rows: int, directory: str) -> dict[str, Any]:
    """As `plain`, with the SDK's aiohttp transport."""
    return plain(url, rows, directory, with_aiohttp=True)


def floor(url: str, rows: int, _: str) -> dict[str, Any]:
    """Post with aiohttp and nothing else: what the machine can do."""
    import aiohttp

    async def go() -> float:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

            async def one(number: int) -> None:
                body = {"model": "m", "messages": [{"role": "user", "content": TEXT.format(number)}]}
                async with session.post(f"{url}/chat/completions", json=body) as answer:
                    await answer.json()

            return await _gathered(one, rows)

    return {"seconds": asyncio.run(go()), "peak_mb": peak_mb(), "ends": {"answered": rows}}


def measured(name: str, url: str, rows: int, directory: str | None = None, **options: Any) -> dict[str, Any]:
    """Run one of the functions above in a process of its own."""
    with contextlib.ExitStack() as stack:
        directory = directory or stack.enter_context(tempfile.TemporaryDirectory())
        command = [sys.executable, "-m", "tests.bench.completions", "--one", name, url, str(rows), directory]
        done = subprocess.run([*command, json.dumps(options)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peer(name: str, python: str, url: str, rows: int) -> dict[str, Any] | str:
    """Run a peer's script in its own interpreter; returns what it measured, or in a word why it did not."""
    script = PEERS / f"{name}.py"
    if not script.is_file():
        return f"there is no {script}"
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(script), url, str(rows), folder, TEXT]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PEER_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return type(error).__name__
    shown = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    return json.loads(shown[-1]) if shown else (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:120]


def table(title: str, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print a table."""
    print(f"\n{title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(f'{v:,.2f}' if isinstance(v, float) else str(v) for v in row)} |")


def speed(rows: int, peers: dict[str, str]) -> None:
    """Zero-latency calls, best of three: rows/s and peak memory beside the peers."""
    best: dict[str, dict[str, Any]] = {}
    absent: dict[str, str] = {
        path.stem: "not named by --peers" for path in PEERS.glob("*.py") if path.stem not in peers
    }
    with serving("fixed=true") as url:
        for turn in range(ROUNDS):
            found = {
                name: measured(name, url, rows) for name in ("plain", "plain_aiohttp", "floor", "ours", "programmed")
            }
            for name, python in peers.items() if turn == 0 else ():  # once: they take minutes
                match peer(name, python, url, rows):
                    case str(problem):
                        absent[name] = problem
                    case result:
                        found[name] = result
            for name, one in found.items():
                best[name] = min(one, best.get(name, one), key=lambda each: each["seconds"])
    base = best["plain"]["seconds"]
    shown = {
        "plain": "AsyncOpenAI gather, nothing durable",
        "plain_aiohttp": "the same with DefaultAioHttpClient",
        "floor": "aiohttp gather (floor)",
        "ours": "ours, durable before and after each call",
        "programmed": "a program for each row, settled in the database",
    }
    lines = [
        (shown.get(n, f"{n} with its cache"), rows / f["seconds"], base / f["seconds"], f["peak_mb"], f["ends"])
        for n, f in best.items()
    ]
    title = f"{rows:,} zero-latency calls, {CONCURRENCY} at once, best of {ROUNDS} (peers: one)"
    table(title, ("client", "rows/s", "ratio", "peak MB", "ends"), lines)
    for name, why in sorted(absent.items()):
        print(f"absent: {name} ({why})")


def limits(_: int) -> None:
    """1,000 rows at 100 ms with and without 5% of 429, and by whom `Retry-After` is kept."""
    seconds: dict[str, float] = {}
    lines = []
    hinted = "latency_seconds=0.1,http_429_retry_after=0.05,retry_after_seconds="
    for name, profile, retry_after in (
        ("none", "latency_seconds=0.1", "auto"),
        ("5% of 429", "latency_seconds=0.1,http_429=0.05", "auto"),
        *((f"5%, Retry-After 0.1 s, kept by {whom}", f"{hinted}0.1", whom) for whom in ("auto", "call", "endpoint")),
        *((f"5%, Retry-After 1 s, kept by {whom}", f"{hinted}1.0", whom) for whom in ("auto", "call")),
    ):
        with serving(profile) as url:
            found = [measured("ours", url, 1000, retry_after=retry_after)["seconds"] for _ in range(ROUNDS)]
            counted = stats(url)
        seconds[name] = min(found)
        early = f"{counted['too_early'] / counted['requests']:.1%}"
        lines.append((name, seconds[name], seconds[name] / seconds["none"], counted["requests"] / ROUNDS, early))
    header = ("429", "seconds", "ratio", "calls sent", "of them before Retry-After ended")
    table("1,000 rows, 100 ms a call", header, lines)


def one_slot(_: int) -> None:
    """24 rows on a server that works on one call at a time: how much longer than the calls alone, at two deadlines."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.contracts.calls import Call
    from wellspring.tasks.contracts.prompting import Message, Prompt
    from wellspring.tasks.io.models.llm import Models
    from wellspring.tasks.io.standin import quirks

    rows, lines = 24, []
    for each, deadline, is_met in itertools.product((0.25, 1.0), (12, 3), (True, False)):
        role = {"generator": {"total_seconds": deadline * each}}
        with quirks.running(f"slots=1,seconds={each}") as server, tempfile.TemporaryDirectory() as folder:
            chosen = settings.load(None, [f"models.base_url={server.url}"], environment={}, extra={"models": role})
            with Models(chosen, folder, "bench") as models:
                if is_met:
                    models.meet(["generator"])
                calls = (Call(str(n), Prompt((Message("user", TEXT.format(n)),))) for n in range(rows))
                began = time.perf_counter()
                ends = collections.Counter(getattr(o, "reason", "answered") for o in models.ask("generator", calls))
                ratio = (time.perf_counter() - began) / (rows * each)
            counted = server.stats()
        lines.append((each, f"1:{deadline}", is_met, dict(ends), ratio, counted["worked_for_nobody"]))
    header = ("seconds a call", "of the deadline", "met before", "ends", "times the ideal time", "worked for nobody")
    table(f"{rows} rows, one slot", header, lines)


def faulty(_: int) -> None:
    """1,000 rows against 30% of faults of 28 kinds."""
    with serving("mixed") as url:
        found = measured("ours", url, 1000, total_seconds=1.5, first_byte_seconds=1.0)
        sent = stats(url)["requests"]
    ends = ", ".join(f"{count} {end}" for end, count in sorted(found["ends"].items()))
    lines = [(ends, sum(found["ends"].values()), sent / 1000, found["seconds"], found["peak_mb"])]
    table("1,000 rows, 30% of requests spoilt in 28 ways", ("ends", "rows", "calls a row", "seconds", "peak MB"), lines)


def programs(rows: int) -> None:
    """The model door bare and through the runner, in turn; and 2,000 inputs that are open at once."""
    with serving("fixed=true") as url:
        pairs = [(measured("ours", url, rows), measured("programmed", url, rows)) for _ in range(ROUNDS)]
    lines = [(rows / bare["seconds"], rows / run["seconds"], bare["seconds"] / run["seconds"]) for bare, run in pairs]
    table(f"{rows:,} zero-latency calls, {CONCURRENCY} at once", ("bare, rows/s", "programs, rows/s", "ratio"), lines)
    with serving("fixed=true,latency_seconds=1.0") as url:
        few, many = (measured("programmed", url, 4000, concurrency=at_once) for at_once in (64, 2000))
    told = [(n, one["seconds"], one["before_mb"], one["peak_mb"]) for n, one in ((64, few), (2000, many))]
    table("4,000 calls of a second", ("open at once", "seconds", "MB before", "peak MB"), told)


def overhead(_: int) -> None:
    """The same calls at 500/s with the journal synced to disk, and with a journal in memory."""
    found: dict[str, list[float]] = collections.defaultdict(list)
    with serving("fixed=true,latency_seconds=0.1") as url:
        for _ in range(ROUNDS):
            found["synced"].append(measured("ours", url, 3000, concurrency=62)["seconds"])
            found["in memory"].append(measured("in_memory", url, 3000, concurrency=62)["seconds"])
    best = {name: min(values) for name, values in found.items()}
    share = best["synced"] / best["in memory"] - 1
    lines = [(name, 3000 / value, value) for name, value in best.items()]
    table("3,000 calls of 100 ms, 62 at once", ("journal", "calls/s", "seconds"), lines)
    print(f"\njournal overhead: {share:.1%} of wall time")


def in_memory(url: str, rows: int, directory: str, **options: Any) -> dict[str, Any]:
    """As `ours`, with a journal that is nowhere synced and writes nothing: what durability is compared with."""
    from wellspring.tasks.io.storage import journal
    from wellspring.tasks.io.storage.journal_writer import Write, Writer

    class Nowhere(Writer):
        """Tells every caller at once that it is written."""

        def put(self, write: Write) -> "asyncio.Future[Any]":
            future = asyncio.get_running_loop().create_future()
            future.set_result(1)
            del write
            return future

    journal.Writer = Nowhere
    return ours(url, rows, directory, **options)


def kills(_: int) -> None:
    """Kill -9 at random moments, 100 at once; the server counts what is paid twice."""
    import random
    import signal

    lines = []
    chance = random.Random(7)
    with serving("fixed=true,latency_seconds=0.05") as url, tempfile.TemporaryDirectory() as directory:
        rows, hit = 6000, 0
        command = [sys.executable, "-m", "tests.bench.completions", "--one", "ours", url, str(rows), directory]
        for _ in range(10):
            child = subprocess.Popen([*command, json.dumps({"concurrency": 100})], stdout=subprocess.DEVNULL)
            time.sleep(chance.uniform(1.0, 2.5))
            hit += child.poll() is None
            child.send_signal(signal.SIGKILL)
            child.wait()
        measured("ours", url, rows, directory, concurrency=100)
        repeats = stats(url)["requests"] - rows
        lines.append((rows, hit, repeats, repeats / max(hit, 1), 100 * hit))
    table("kill -9, 100 calls at once", ("rows", "kills", "paid twice", "a kill", "allowed"), lines)


def batched(url: str, rows: int, directory: str) -> dict[str, Any]:
    """Ask for all rows by batch jobs and wait for them, as a stage does: what a job is out for is asked for again."""
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.contracts.calls import Call
    from wellspring.tasks.contracts.prompting import Message, Prompt
    from wellspring.tasks.io.models.llm import Models

    role = {"endpoints": [{"base_url": url}], "mode": "batch", "batch_wait_seconds": 600.0, "batch_poll_seconds": 0.5}
    role |= {"batch_requests": 50_000}
    chosen = settings.load(None, (), environment={}, extra={"models": {"generator": role}})
    started = time.perf_counter()
    with Models(chosen, directory, "bench") as models:
        left, answered = [""], 0
        while left:
            left.clear()
            calls = (Call(str(n), Prompt((Message("user", TEXT.format(n)),))) for n in range(rows))
            answered = sum(1 for _ in models.ask("generator", calls, lambda call: left.append(call.input_id)))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak_mb": peak_mb(), "ends": {"answered": answered}}


def batch(_: int) -> None:
    """One batch job of 1,000 and of 50,000 calls: its file goes up, and its results come down, in parts."""
    lines = []
    with serving("none") as url:
        for rows in (1_000, 50_000):
            found = measured("batched", url, rows)
            lines.append((rows, rows * len(TEXT) / 2**20, found["seconds"], found["peak_mb"], found["ends"]))
    table("a batch job", ("calls", "MB of prompts", "seconds", "peak MB", "ends"), lines)


def million(_: int) -> None:
    """A journal of a million answers: how long a second run takes to find them all."""
    import sqlite3

    from wellspring.tasks.contracts.calls import Call
    from wellspring.tasks.contracts.prompting import Message, Prompt
    from wellspring.tasks.contracts.settings import Role
    from wellspring.tasks.io.protocol.requests import identity
    from wellspring.tasks.io.storage.journal import Entry, Journal, record

    rows = 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "completions.sqlite"
        Journal(path).close()
        connection = sqlite3.connect(path, isolation_level=None)
        started = time.perf_counter()
        connection.execute("BEGIN")
        answer = "An answer of some length about floods. " * 10
        for number in range(rows):
            key = identity(Role(), Call("", Prompt((Message("user", TEXT.format(number)),))))
            record(connection, Entry(key, "done", "m", answer, "stop", 200, 100, 0, 0, 1, 0.1), None, "bench")
        connection.execute("COMMIT")
        connection.close()
        filled = time.perf_counter() - started
        size = path.stat().st_size / 2**20
        found = measured("ours", "http://127.0.0.1:9/v1", rows, directory)
    lines = [(rows, size, filled, found["ends"].get("answered", 0), found["seconds"], found["peak_mb"])]
    table("a second run", ("recorded", "journal MB", "filled in s", "found", "seconds", "peak MB"), lines)


def main() -> None:
    """Measure what was asked for, or one thing in this process."""
    if sys.argv[1:2] == ["--one"]:
        name, url, rows, directory, options = sys.argv[2:7]
        print(json.dumps(globals()[name](url, int(rows), directory, **json.loads(options))))
        return
    arguments = [text for text in sys.argv[1:] if "=" not in text and text != "--peers"]
    peers = dict(part.split("=", 1) for text in sys.argv[1:] if "=" in text for part in text.split(","))
    rows = next((int(text) for text in arguments if text.isdigit()), 5000)
    for part in [text for text in arguments if not text.isdigit()] or PARTS:
        if part == "speed":
            speed(rows, peers)
        else:
            {"faults": faulty, "slots": one_slot}.get(part, globals().get(part))(rows)


if __name__ == "__main__":
    main()
