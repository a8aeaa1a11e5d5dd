"""Model calls: ours beside plain AsyncOpenAI and an aiohttp floor, in one run; kills, 429s, faults, a million answers.

Run as `python -m tests.bench.completions [rows] [part ...]`; the parts are in `PARTS`. Each measurement is a process of
its own, so that peak memory is its own too; the server is another process on loopback.
"""

import asyncio
import collections
import contextlib
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
PARTS = ("speed", "limits", "faults", "overhead", "kills", "million")
TEXT = "Tell me what a person who lives by a river has to know about floods, and what to do first. " * 8 + "River {}."


@contextlib.contextmanager
def serving(profile: str) -> Iterator[str]:
    """Serve a fault profile from a process of its own."""
    code = (
        "import asyncio, sys; from tasks.io import faults\n"
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
    from tasks.contracts import settings
    from tasks.contracts.calls import Call
    from tasks.contracts.prompting import Message, Prompt
    from tasks.io.llm import Models

    endpoint = {"base_url": url, "max_concurrency": options.pop("concurrency", CONCURRENCY)}
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


def table(title: str, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print a table."""
    print(f"\n{title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(f'{v:,.2f}' if isinstance(v, float) else str(v) for v in row)} |")


def speed(rows: int) -> None:
    """Zero-latency calls, best of three: rows/s and peak memory beside the peers."""
    best: dict[str, dict[str, Any]] = {}
    with serving("fixed=true") as url:
        for _ in range(ROUNDS):
            for name in ("plain", "plain_aiohttp", "floor", "ours"):
                found = measured(name, url, rows)
                if name not in best or found["seconds"] < best[name]["seconds"]:
                    best[name] = found
    base = best["plain"]["seconds"]
    shown = {
        "plain": "AsyncOpenAI gather, nothing durable",
        "plain_aiohttp": "the same with DefaultAioHttpClient",
        "floor": "aiohttp gather (floor)",
        "ours": "ours, durable before and after each call",
    }
    lines = [(shown[n], rows / f["seconds"], base / f["seconds"], f["peak_mb"]) for n, f in best.items()]
    table(
        f"{rows:,} zero-latency calls, {CONCURRENCY} at once, best of {ROUNDS}",
        ("client", "rows/s", "ratio", "peak MB"),
        lines,
    )


def limits(_: int) -> None:
    """1,000 rows at 100 ms with and without 5% of 429."""
    seconds: dict[str, float] = {}
    lines = []
    for name, profile in {
        "none": "latency_seconds=0.1",
        "5% of 429": "latency_seconds=0.1,http_429=0.05",
        "5% of 429, Retry-After 0.1 s": "latency_seconds=0.1,http_429_retry_after=0.05,retry_after_seconds=0.1",
    }.items():
        with serving(profile) as url:
            found = [measured("ours", url, 1000)["seconds"] for _ in range(ROUNDS)]
            counted = stats(url)
        seconds[name] = min(found)
        lines.append(
            (name, seconds[name], seconds[name] / seconds["none"], counted["requests"] / ROUNDS, counted["too_early"])
        )
    table(
        "1,000 rows, 100 ms a call", ("429", "seconds", "ratio", "calls sent", "sent before Retry-After ended"), lines
    )


def faulty(_: int) -> None:
    """1,000 rows against 30% of faults of 28 kinds."""
    with serving("mixed") as url:
        found = measured("ours", url, 1000, total_seconds=1.5, first_byte_seconds=1.0)
        sent = stats(url)["requests"]
    ends = ", ".join(f"{count} {end}" for end, count in sorted(found["ends"].items()))
    lines = [(ends, sum(found["ends"].values()), sent / 1000, found["seconds"], found["peak_mb"])]
    table("1,000 rows, 30% of requests spoilt in 28 ways", ("ends", "rows", "calls a row", "seconds", "peak MB"), lines)


def overhead(_: int) -> None:
    """The same calls at 500/s with the journal synced to disk, and with a journal in memory."""
    found: dict[str, list[float]] = collections.defaultdict(list)
    with serving("fixed=true,latency_seconds=0.1") as url:
        for _ in range(ROUNDS):
            found["synced"].append(measured("ours", url, 3000, concurrency=52)["seconds"])
            found["in memory"].append(measured("in_memory", url, 3000, concurrency=52)["seconds"])
    best = {name: min(values) for name, values in found.items()}
    share = best["synced"] / best["in memory"] - 1
    lines = [(name, 3000 / value, value) for name, value in best.items()]
    table("3,000 calls of 100 ms, 52 at once", ("journal", "calls/s", "seconds"), lines)
    print(f"\njournal overhead: {share:.1%} of wall time")


def in_memory(url: str, rows: int, directory: str, **options: Any) -> dict[str, Any]:
    """As `ours`, with a journal that is nowhere synced and writes nothing: what durability is compared with."""
    from tasks.io import journal

    class Nowhere(journal.Writer):
        """Tells every caller at once that it is written."""

        def put(self, write: journal.Write) -> "asyncio.Future[Any]":
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


def million(_: int) -> None:
    """A journal of a million answers: how long a second run takes to find them all."""
    import sqlite3

    from tasks.contracts.calls import Call
    from tasks.contracts.prompting import Message, Prompt
    from tasks.contracts.settings import Role
    from tasks.io.forms import identity
    from tasks.io.journal import Entry, Journal, record

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
    rows = next((int(text) for text in sys.argv[1:] if text.isdigit()), 5000)
    named = [text for text in sys.argv[1:] if not text.isdigit()] or list(PARTS)
    for part in named:
        {"faults": faulty}.get(part, globals().get(part, None))(rows)


if __name__ == "__main__":
    main()
