"""A model that says what a test tells it to: an OpenAI-compatible HTTP server on loopback, as a context manager."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[dict[str, Any]], str | dict[str, Any]]


class ScriptedModel:
    """What the server was asked so far, and where it listens."""

    def __init__(self, base_url: str, asked: list[dict[str, Any]]) -> None:
        self.base_url = base_url
        self.asked = asked

    def role(self, name: str, **more: Any) -> dict[str, Any]:
        """Settings of a role that asks this model."""
        return {"model": name, "endpoints": [{"base_url": self.base_url, "key_env": ""}], **more}


def _completion(body: dict[str, Any], said: Any, finish_reason: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": said, "refusal": None}
    logprobs = None
    if isinstance(said, dict):
        logprobs = said.pop("logprobs", None)
        finish_reason, model = said.pop("finish_reason", finish_reason), said.pop("model", body["model"])
        message, body = message | {"content": ""} | said, body | {"model": model}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": logprobs}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def _moderation(body: dict[str, Any], said: Any) -> dict[str, Any]:
    return {"id": "modr-1", "model": body["model"], "results": [said]}


@contextmanager
def scripted_model(script: Script, finish_reason: str = "stop") -> Iterator[ScriptedModel]:
    """Serve chat completions whose text is `script(body)`, or moderations whose result it is, if it is no text.

    A mapping is a message of a chat completion; `finish_reason`, `model` and `logprobs` stand beside its fields.

    `asked` holds every body, in the order of arrival; a script that raises `ConnectionError` is a server that is busy.
    """
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            try:
                status, said = 200, script(body)
            except ConnectionError:
                status, said = 503, ""
            completion = self.path == "/v1/chat/completions"
            content = json.dumps(
                _completion(body, said, finish_reason) if completion else _moderation(body, said)
            ).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield ScriptedModel(f"http://127.0.0.1:{server.server_port}/v1", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
