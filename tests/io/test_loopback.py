"""Servers on loopback: who is answered, how much is taken, and how long a silent connection stays. On the wire."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import served
from wellspring.tasks.io import loopback
from wellspring.tasks.io.loopback import Patience, Site
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.standin.faults import FaultServer, Profile

HASTY = Patience(idle=0.3, body=0.3)
PAGE = "<p>page</p>"
KEY = "a-key-of-a-test"
COOKIE = f"Cookie: wellspring-80={KEY}"
LIVE = {"live": lambda name: f"said({name})".encode()}


def site(folder: Path, patience: Patience = loopback.PATIENT) -> contextlib.AbstractContextManager[int]:
    """Serve a site of a known key; gives its port."""
    return served(Site(folder, patience, LIVE, KEY))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    around = tmp_path_factory.mktemp("around")
    folder = around / "pages"
    (folder / "runs").mkdir(parents=True)
    (folder / "empty").mkdir()
    for place in ("index.html", "runs/index.html", ".hidden", "site.js"):
        (folder / place).write_text(PAGE)
    (around / "private").write_text("private")
    (folder / "link").symlink_to(around / "private")
    (folder / "up").symlink_to(around)
    return folder


@pytest.fixture(scope="module")
def patient(pages: Path) -> Iterator[int]:
    """A site as it is served to people."""
    with site(pages) as number:
        yield number


@pytest.fixture(scope="module", params=["site", "stand-in"])
def port(request: pytest.FixtureRequest, pages: Path) -> Iterator[int]:
    """Each of our servers, that waits for nobody."""
    if request.param == "site":
        with site(pages, HASTY) as number:
            yield number
    else:
        server = FaultServer(Profile())
        server.patience = HASTY
        with faults.threaded(server):
            yield server.port


def said(port: int, text: str | bytes, *, ends: bool = True) -> str:
    """Send bytes as they are; returns all that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode())
            if ends:
                client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(65536):
                answer += piece
    return answer.decode("latin-1")


def got(port: int, path: str, *headers: str, host: str = "127.0.0.1", method: str = "GET", cookie: str = COOKIE) -> str:
    lines = "".join(f"{line}\n" for line in (f"Host: {host}", "Connection: close", cookie, *headers) if line)
    return said(port, f"{method} {path} HTTP/1.1\n{lines}\n")


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "LOCALHOST:9", "[::1]:8000", "a.localhost", "127.9.9.9"])
def test_the_names_of_this_machine_are_answered(port: int, host: str) -> None:
    assert " 421 " not in got(port, "/v1/models", host=host)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "["]
)
def test_other_names_are_turned_away(port: int, host: str) -> None:
    assert got(port, "/", host=host).startswith("HTTP/1.1 421 ")


def test_a_request_without_a_host_is_turned_away(port: int) -> None:
    assert said(port, "GET / HTTP/1.0\n\n").startswith("HTTP/1.1 421 ")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1@evil.example"]
)
def test_pages_of_others_are_turned_away(port: int, origin: str) -> None:
    assert got(port, "/v1/models", f"Origin: {origin}").startswith("HTTP/1.1 403 ")
    assert " 403 " not in got(port, "/v1/models", "Origin: http://127.0.0.1")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (f"X: {'x' * 70_000}", 431),
        (f"X: {'x' * 2_000_000}", 431),
        ("Content-Length: 99999999999", 413),
        ("Content-Length: 1e3", 400),
        ("Content-Length: -5", 400),
        (f"Content-Length: {'9' * 5000}", 413),
        ("Transfer-Encoding: chunked", 411),
    ],
)
def test_what_is_too_large_or_has_no_length_is_turned_away(port: int, headers: str, status: int) -> None:
    assert got(port, "/v1/chat/completions", headers, method="POST").startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    "sent", ["", "GET / HT", "GET / HTTP/1.1\nHost: localhost\n", "POST /v1/models HTTP/1.1\nHost: localhost\nContent-"]
)
def test_a_connection_that_does_not_get_on_is_closed(port: int, sent: str) -> None:
    assert said(port, sent, ends=False) == ""


def test_a_head_that_drips_is_hung_up_on(port: int) -> None:
    dripped = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, contextlib.suppress(ConnectionError):
        client.settimeout(0.05)
        while dripped < 2000:
            client.sendall(b"x")
            dripped += 1
            with contextlib.suppress(TimeoutError):
                if client.recv(1) == b"":
                    break

    assert dripped < 2000


@pytest.mark.parametrize(
    "path",
    [
        *("/../private", "/%2e%2e/private", "/..%2fprivate", "/runs/../../private", "//../private", "/..\\private"),
        *("/link", "/up/private", "/up/", "/.hidden", "/empty/", "/nowhere", "/%00", f"/{'x' * 5000}", "/index.html/"),
    ],
)
def test_a_site_is_the_files_below_its_folder(patient: int, path: str) -> None:
    answer = got(patient, path)

    assert answer.startswith("HTTP/1.1 404 ")
    assert "private" not in answer


def test_a_site_is_looked_at_page_by_page(patient: int) -> None:
    first, inner, script = (got(patient, path) for path in ("/?q=1", "/runs/", "/site.js"))
    moved = got(patient, "//runs")
    head = got(patient, "/", method="HEAD")
    changed = got(patient, "/", method="DELETE")

    assert first.startswith("HTTP/1.1 200 ")
    assert "text/html; charset=utf-8" in first
    assert "nosniff" in first
    assert all(answer.endswith(PAGE) for answer in (first, inner, script))
    assert "Location: /runs/\r\n" in moved
    assert head.endswith("\r\n\r\n")
    assert changed.startswith("HTTP/1.1 405 ")


@pytest.mark.parametrize("path", ["/", "/site.js", "/runs/index.html", "/live/1.js", "/nowhere"])
@pytest.mark.parametrize("cookie", ["", "Cookie: wellspring-80=", "Cookie: wellspring-81=a-key-of-a-test", "Cookie: x"])
def test_without_its_key_a_site_shows_nothing(patient: int, path: str, cookie: str) -> None:
    answer = got(patient, path, cookie=cookie)

    assert answer.startswith("HTTP/1.1 403 ")
    assert PAGE not in answer
    assert "said(" not in answer


def test_the_address_with_the_key_opens_the_site_once_and_a_cookie_from_then_on(patient: int) -> None:
    opens = got(patient, f"/?key={KEY}", cookie="", host="127.0.0.1:8400")
    aside = got(patient, f"/?key={KEY}&to=//evil.example/x.html", cookie="")
    wrong = got(patient, f"/?key={KEY}x", cookie="", host="127.0.0.1:8400")
    said = next(line for line in opens.splitlines() if line.startswith("Set-Cookie: "))
    kept = f"Cookie: other=1; {said.removeprefix('Set-Cookie: ').partition(';')[0]}"

    assert opens.startswith("HTTP/1.1 303 ")
    assert "Location: /index.html" in aside
    assert "Location: /index.html\n" in opens.replace("\r", "")
    assert said.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert wrong.startswith("HTTP/1.1 403 ")
    assert got(patient, "/", cookie=kept, host="127.0.0.1:8400").startswith("HTTP/1.1 200 ")
    assert got(patient, "/", cookie=kept, host="127.0.0.1:8401").startswith("HTTP/1.1 403 ")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_of_another_site_asks_for_is_refused_even_with_the_cookie(patient: int, site: str) -> None:
    for path in ("/site.js", "/live/1.js", "/"):
        assert got(patient, path, f"Sec-Fetch-Site: {site}").startswith("HTTP/1.1 403 ")
    assert got(patient, "/site.js", "Sec-Fetch-Site: same-origin").startswith("HTTP/1.1 200 ")


def test_what_is_live_is_made_when_it_is_asked_for_and_nobody_may_frame_it(patient: int) -> None:
    answer = got(patient, "/live/17.js")

    assert answer.endswith("said(live/17)")
    assert "Access-Control" not in answer
    for header in ("X-Frame-Options: SAMEORIGIN", "Cross-Origin-Resource-Policy: same-origin", "nosniff"):
        assert header in answer
