"""A Prefect server of a test's own, what is typed against it, and who is called when something is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[1]
DEPLOYMENTS = ROOT / "deployments"
ANSWER_SECONDS = 120.0  # a server that shares two cores with a worker and its run may take its time
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def free_port() -> int:
    """Return a port of loopback that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds: Callable[[], Any], what: str, seconds: float = 600) -> Any:
    """Wait until something holds, and return it; the limit only ends a test that hangs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.5)
    raise AssertionError(f"still no {what}")


class Pager(ThreadingHTTPServer):
    """Who is called when something is wrong: a webhook on loopback."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        super().__init__(("127.0.0.1", 0), self._Handler)
        Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        self.shutdown()
        self.server_close()

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server: Any = self.server
            server.calls.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""


class Prefect:
    """A Prefect server, and the commands that are typed against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "WELLSPRING_"))} | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "WELLSPRING_HOME": str(ROOT),
        }

    def begin(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a process that goes on until the end."""
        log = (self.folder / f"{Path(command[0]).name}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.processes.append(process)
        return process

    def worker(self) -> "subprocess.Popen[bytes]":
        """Start a worker of the pool."""
        return self.begin("prefect", "worker", "start", "--pool", "wellspring", "--type", "process")

    def type(self, *command: str, code: int = 0) -> str:
        """Run a command to its end, which must be a good one, or the one that is expected; returns what it said."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == code, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if code else "")

    def ask(self, path: str, **body: Any) -> Any:
        """Ask the server's API."""
        url = f"http://127.0.0.1:{self.port}/api/{path}"
        is_post = body or path.endswith(("filter", "deployment"))
        answer = httpx.request(
            "POST" if is_post else "GET", url, json=body if is_post else None, timeout=ANSWER_SECONDS
        )
        return answer.json() if answer.is_success and answer.content else None

    def runs(self, **of: Any) -> list[dict[str, Any]]:
        """Return flow runs of some kind."""
        return self.ask("flow_runs/filter", **of) or []

    def unschedule(self, deployment: str) -> None:
        """Take a deployment's schedules away, and the runs that they made; what runs is waited for."""
        self.type("prefect", "deployment", "schedule", "clear", "-y", deployment)

        def is_quiet() -> bool:
            unended = {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}
            left = self.runs(flow_runs=unended, deployments={"name": {"any_": [deployment.split("/")[1]]}})
            for run in left:
                if run["state"]["type"] == "SCHEDULED":
                    httpx.delete(f"http://127.0.0.1:{self.port}/api/flow_runs/{run['id']}", timeout=ANSWER_SECONDS)
            return not left

        until(is_quiet, "quiet")

    @contextmanager
    def automated(self, text: str) -> Iterator[None]:
        """Have automations for as long as the block runs: on a busy machine they end what is only slow."""
        path = self.folder / "automations.yaml"
        path.write_text(text, encoding="utf-8")
        self.type("prefect", "automation", "create", "--from-file", str(path))
        try:
            yield
        finally:
            for one in until(lambda: self.ask("automations/filter"), "automations"):
                httpx.delete(f"http://127.0.0.1:{self.port}/api/automations/{one['id']}", timeout=ANSWER_SECONDS)

    def run(self, deployment: str, **parameters: Any) -> str:
        """Ask for a run of a deployment, now; returns its id."""
        found = until(lambda: self.ask(f"deployments/name/{deployment}"), deployment)["id"]
        once = {"parameters": parameters, "idempotency_key": uuid4().hex}  # a busy server may refuse, or answer late
        return until(lambda: self.ask(f"deployments/{found}/create_flow_run", **once), f"run of {deployment}")["id"]

    def state(self, run: str) -> str:
        """Return the name of a run's state."""
        return until(lambda: self.ask(f"flow_runs/{run}"), f"run {run}")["state"]["name"]

    def states(self, run: str) -> list[str]:
        """Return the names of the states that a run was in, in order."""
        history = until(lambda: self.ask(f"flow_run_states/?flow_run_id={run}"), f"states of {run}")
        return [state["name"] for state in sorted(history, key=lambda state: state["timestamp"])]

    def tasks(self, run: str, state: str) -> list[str]:
        """Return the names of the tasks in a state, of a run and of the runs in it."""
        found = self.ask("task_runs/filter", task_runs={"state": {"type": {"any_": [state]}}})
        inner = self.runs(flow_runs={"parent_flow_run_id": {"any_": [run]}})
        within = {run, *(one["id"] for one in inner)}
        return [task["name"] for task in found if task["flow_run_id"] in within]

    def retry(self, run: str) -> None:
        """Press Retry on the page of a run: what Prefect's UI then asks of the server."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        answer = self.ask(f"flow_runs/{run}/set_state", state=state, force=False)
        assert answer["status"] == "ACCEPT", answer

    def ended(self, run: str, times: int = 1) -> str:
        """Wait until a run has ended for the n-th time; returns the name of its state."""

        def holds() -> str:
            found = until(lambda: self.ask(f"flow_runs/{run}"), f"run {run}")
            is_ended = found["state"]["type"] in ENDED and found["run_count"] >= times
            return found["state"]["name"] if is_ended else ""

        return until(holds, f"end of the run {run}")

    def is_up(self) -> bool:
        """Whether the server answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/health", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def comes_up(self) -> bool:
        """Wait for the server, which was started first; False where it ended, or is too slow to be of use."""
        with suppress(AssertionError):
            until(lambda: self.is_up() or self.processes[0].poll() is not None, "Prefect server")
        return self.is_up()

    def last_words(self) -> str:
        """Return the end of what the server said."""
        return next(self.folder.glob("*-0.log")).read_text(encoding="utf-8", errors="replace")[-500:]

    def end(self) -> None:
        """Stop everything that was started here."""
        for process in reversed(self.processes):
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop a process that was started in a session of its own, and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all that it started, as `kill -9` does: nobody hears of it."""
    all_of_it = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for one in all_of_it:
        one.kill()
    psutil.wait_procs(all_of_it, timeout=30)
    process.wait()


@contextmanager
def deployed(folder: Path, profile: Path, store: Path, **environment: str) -> Iterator[Prefect]:
    """Yield a server with what `prefect.yaml` says; schedules are paused, so that only what a test asks for runs.

    Args:
        folder: For what the server keeps, and for its logs.
        profile: Whose deployments they are.
        store: Likewise.
        environment: More of it, for all that is started.
    """
    server = Prefect(folder)
    server.environment |= {"WELLSPRING_PROFILE": str(profile), "WELLSPRING_STORE": str(store)} | environment
    try:
        server.begin("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(server.port))
        if not server.comes_up():
            pytest.skip(f"no Prefect server starts here: {server.last_words()}")
        server.type("prefect", "work-pool", "create", "wellspring", "--type", "process")
        server.type("prefect", "work-pool", "set-concurrency-limit", "wellspring", "1")
        server.type("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS / "prefect.yaml"))
        for deployment in server.ask("deployments/filter"):
            server.ask(f"deployments/{deployment['id']}/pause_deployment", paused=True)
        yield server
    finally:
        server.end()


@contextmanager
def holding(store: Path) -> Iterator[None]:
    """Hold a store as another run does that is at work."""
    code = (
        "import sys; from wellspring.tasks.contracts import settings; from wellspring.tasks.spine.running import runs\n"
        "with runs.start('corpus', settings.load(), sys.argv[1], quiet=True):\n"
        "    print('at work', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout
    assert holder.stdin
    assert holder.stdout.readline() == b"at work\n"
    try:
        yield
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
