"""A server of files, batch jobs and chats on loopback, for tests: it does what a script says, request by request.

What it did is what counts: `answered` says how often it worked on each text, in jobs and in chats together.
"""

import contextlib
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from wellspring.tasks.io.standin import offline

Line = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """What becomes of one request: `does` it first or not, then answers with a status and a body, or not at all."""

    status: int = 500
    body: Any = None
    does: bool = False
    ends: str = "answer"  # or `cut` in the middle of the real answer, `drop` without any, `hang` for a second


@dataclass
class Job:
    """A job at the server."""

    job_id: str
    file_id: str
    metadata: Mapping[str, str]
    status: str = "validating"
    polls: int = 0
    output: str | None = None
    errors_file: str | None = None
    errors: Any = None
    counts: dict[str, int] = field(default_factory=lambda: {"total": 0, "completed": 0, "failed": 0})

    def shown(self) -> dict[str, Any]:
        """Return it as the protocol shows it."""
        return {
            "id": self.job_id,
            "object": "batch",
            "status": self.status,
            "input_file_id": self.file_id,
            "output_file_id": self.output,
            "error_file_id": self.errors_file,
            "errors": self.errors,
            "metadata": dict(self.metadata),
            "request_counts": self.counts,
        }


class BatchServer:
    """Files, jobs, chats, and how they go wrong.

    `script(method, path)` says what becomes of a request, None for what is right. `fails(lines, size)` gives the errors
    that a job fails with, or None; `results(job, lines)` gives a job's status and its two files, as lines or as bytes.
    """

    def __init__(self) -> None:
        self.script: Callable[[str, str], Act | None] = lambda *_: None
        self.fails: Callable[[list[Line], int], Any] = lambda *_: None
        self.results: Callable[[Job, list[Line]], tuple[str, Any, Any]] = lambda _, lines: ("completed", lines, [])
        self.polls = 1  # before a job is done
        self.page = 100  # jobs in a page of the list
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, Job] = {}
        self.answered: Counter[str] = Counter()
        self.seen: list[tuple[str, str]] = []
        self.size = 0  # of the request's body, for scripts
        self.refused_files = 0
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def sizes(self) -> list[int]:
        """How many calls each job had, in order."""
        return [self.files[job.file_id].count(b"custom_id") for job in self.jobs.values()]

    def does(self, method: str, path: str, query: Mapping[str, list[str]], kind: str, body: bytes) -> tuple[int, Any]:  # noqa: PLR0911 - one a route
        """Do what a request asks."""
        match (method, path.removeprefix("/v1").strip("/").split("/")):
            case ("POST", ["chat", "completions"]):
                return 200, self.chat(json.loads(body))
            case ("POST", ["files"]):
                boundary = re.search(r'boundary="?([^";]+)', kind)
                assert boundary is not None
                part = next(p for p in body.split(b"--" + boundary[1].encode()) if b'name="file"' in p[:400])
                return 200, {"id": self.keep(part.split(b"\r\n\r\n", 1)[1][:-2]), "object": "file"}
            case ("GET", ["files", name, "content"]):
                return (200, self.files[name]) if name in self.files else (404, error("No such File object"))
            case ("POST", ["batches"]):
                asked = json.loads(body)
                job = Job(f"batch_{next(self.numbers)}", asked["input_file_id"], asked.get("metadata") or {})
                self.jobs[job.job_id] = job
                return 200, job.shown()
            case ("GET", ["batches"]):
                return 200, self.listed(query)
            case (_, ["batches", name, *rest]):
                if name not in self.jobs:
                    return 404, error(f"No batch found with id '{name}'")
                if rest:
                    self.cancel(self.jobs[name])
                else:
                    self.advance(self.jobs[name])
                return 200, self.jobs[name].shown()
        return 404, error(f"Invalid URL ({method} {path})")

    def keep(self, content: Any) -> str:
        """Keep a file."""
        name = f"file-{next(self.numbers)}"
        self.files[name] = (
            content if isinstance(content, bytes) else b"\n".join(json.dumps(c).encode() for c in content)
        )
        return name

    def chat(self, body: Mapping[str, Any]) -> Any:
        """Answer a chat, and count it."""
        self.answered[body["messages"][0]["content"]] += 1
        return offline.chat(body)

    def listed(self, query: Mapping[str, list[str]]) -> Any:
        """Show a page of the jobs, newest first."""
        names = list(reversed(self.jobs))
        after = query.get("after", [""])[0]
        names = names[names.index(after) + 1 :] if after in names else names
        shown = [self.jobs[name].shown() for name in names[: self.page]]
        return {"object": "list", "data": shown, "has_more": len(names) > self.page}

    def cancel(self, job: Job) -> None:
        """Stop a job."""
        if job.status in {"validating", "in_progress"}:
            job.status = "cancelled"

    def advance(self, job: Job) -> None:
        """Do a job when it has been asked for often enough."""
        job.polls += 1
        if job.status not in {"validating", "in_progress"} or job.polls < self.polls:
            return
        content = self.files[job.file_id]
        asked = [json.loads(line) for line in content.splitlines()]
        if (errors := self.fails(asked, len(content))) is not None:
            job.status, job.errors = "failed", errors
            return
        lines = [
            {
                "custom_id": one["custom_id"],
                "response": {"status_code": 200, "body": self.chat(one["body"])},
                "error": None,
            }
            for one in asked
        ]
        job.status, output, failed = self.results(job, lines)
        job.output = self.keep(output) if output else None
        job.errors_file = self.keep(failed) if failed else None
        job.counts = {"total": len(lines), "completed": len(lines), "failed": 0}


def error(message: str, code: str = "") -> dict[str, Any]:
    """Return an error as OpenAI words it."""
    return {"error": {"message": message, "code": code or None, "type": "invalid_request_error", "param": None}}


def failure(code: str, message: str, line: int | None = None) -> dict[str, Any]:
    """Return the errors of a job that failed."""
    return {"object": "list", "data": [{"code": code, "message": message, "param": None, "line": line}]}


def _handler(server: BatchServer) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body go separately

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("transfer-encoding") == "chunked":
                body = b"".join(iter(self.chunk, b""))
            with server.lock:
                server.seen.append((self.command, url.path))
                server.size = len(body)
                act = server.script(self.command, url.path)
                server.refused_files += act is not None and url.path.endswith("/files")
                status, said = (act.status, act.body) if act else (0, None)
                if act is None or act.does or act.ends == "cut":
                    kind = self.headers.get("content-type") or ""
                    done = server.does(self.command, url.path, parse_qs(url.query), kind, body)
                    status, said = done if act is None or act.ends == "cut" else (status, said)
            self.end(act, status, said if isinstance(said, bytes) else json.dumps(said).encode())

        def chunk(self) -> bytes:
            size = int(self.rfile.readline(), 16)
            part = self.rfile.read(size)
            self.rfile.readline()
            return part

        def end(self, act: Act | None, status: int, content: bytes) -> None:
            ends = act.ends if act else "answer"
            if ends == "hang":
                time.sleep(1.0)
            if ends in {"hang", "drop"}:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            with contextlib.suppress(ConnectionError):  # the client may have died
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if ends == "cut" else content)
            self.close_connection = ends == "cut"

    return Handler


@contextmanager
def serving() -> Iterator[BatchServer]:
    """Have a server while the block runs."""
    served = BatchServer()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    listening.daemon_threads = True
    listening.block_on_close = False
    served.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        listening.shutdown()
        thread.join(10)
        listening.server_close()
