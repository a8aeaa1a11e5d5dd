"""An embedding server that says what a test tells it to: on loopback, as a context manager."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

WIDTH = 8
Says = Callable[[list[str]], tuple[int, Any]]


def vector(text: str, width: int = WIDTH) -> list[float]:
    return np.random.default_rng(list(text.encode())).standard_normal(width).tolist()


def answer(texts: list[str], width: int = WIDTH) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": vector(text, width)} for i, text in enumerate(texts)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}}


def refuse(message: str, status: int = 400) -> tuple[int, Any]:
    return status, {"error": {"message": message, "type": "invalid_request_error", "code": None}}


class Embedder:
    """A server on loopback that says what a test tells it to; `asked` holds the texts of each request."""

    def __init__(self) -> None:
        self.says: Says = lambda texts: (200, answer(texts))
        self.asked: list[list[str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.url = ""


@contextmanager
def embedder() -> Iterator[Embedder]:
    server = Embedder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append(body["input"])
            server.bodies.append(body)
            status, said = server.says(body["input"])
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{listening.server_port}/v1"
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
