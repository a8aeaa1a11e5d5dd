"""The search endpoint: what has the form is taken, the rest is left out or named, nothing else is connected to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError
from wellspring.tasks.io.corpora import search
from wellspring.tasks.io.corpora.search import Page

Reply = Callable[[str], tuple[int, bytes, dict[str, str]]]


@contextmanager
def endpoint(reply: Reply) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve `reply(path)` -> status, body, headers on loopback; yields the address and what was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({"path": self.path, "headers": dict(self.headers)})
            status, body, headers = reply(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/find", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _json(value: Any) -> Reply:
    return lambda _: (200, json.dumps(value).encode(), {})


@pytest.mark.slow
def test_results_with_an_address_and_a_text_are_pages_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCH_KEY", "s3cret")
    results = [
        {"url": "https://a.example/x", "title": "A", "text": "Rye \ud83d dough."},
        {"url": "file:///etc/passwd", "title": "B", "text": "root"},
        {"url": "https://c.example", "text": " "},
        "nothing",
        {"url": "https://d.example", "title": 3, "text": "Tides."},
        {"url": "https://e.example", "title": "E", "text": "One too many."},
    ]
    with endpoint(_json({"results": results})) as (url, asked):
        pages = search.search(f"{url}?lang=en", "rye & dough", 2, "SEARCH_KEY")

    assert pages == [Page("https://a.example/x", "A", "Rye \ufffd dough."), Page("https://d.example", "", "Tides.")]
    assert asked[0]["path"] == "/find?lang=en&q=rye+%26+dough&k=2"
    assert asked[0]["headers"]["Authorization"] == "Bearer s3cret"


@pytest.mark.slow
def test_a_redirect_is_not_followed() -> None:
    def moved(path: str) -> tuple[int, bytes, dict[str, str]]:
        return (302, b"", {"Location": "/elsewhere"}) if path.startswith("/find") else (200, b'{"results": []}', {})

    with endpoint(moved) as (url, asked), pytest.raises(TransientError, match="HTTP 302"):
        search.search(url, "rye", 3)

    assert len(asked) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        ((200, b"<html>", {}), BrokenError, "no `results`"),
        ((200, b'{"results": {"url": 1}}', {}), BrokenError, "no `results`"),
        ((200, b"[" * 100_000, {}), BrokenError, "no `results`"),
        ((401, b"", {}), BrokenError, "HTTP 401"),
        ((429, b"", {}), TransientError, "HTTP 429"),
        ((503, b"", {}), TransientError, "HTTP 503"),
        ((200, b" " * (search.MAX_ANSWER_BYTES + 1), {}), BrokenError, "over"),
    ],
)
def test_what_was_not_agreed_is_named(
    reply: tuple[int, bytes, dict[str, str]], error: type[Exception], says: str
) -> None:
    with endpoint(lambda _: reply) as (url, _), pytest.raises(error, match=says):
        search.search(url, "rye", 3)


@pytest.mark.slow
def test_an_endpoint_that_is_not_there_parks_the_run() -> None:
    with endpoint(_json({})) as (url, _):
        pass

    with pytest.raises(TransientError, match="cannot be searched"):
        search.search(url, "rye", 3)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example", "not an address", "http://"])
def test_only_http_is_asked(url: str) -> None:
    with pytest.raises(UsageError):
        search.search(url, "rye", 3)
