"""A URL that someone else wrote reaches the public internet or nothing: a canary on loopback is never connected to."""

import socket
import threading
from collections.abc import Iterator

import pytest

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.corpora import web


class Canary:
    """A server on loopback that counts connections, and can answer."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret") -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.answer = answer
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Answer whoever connects, until it is closed."""
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.connections += 1
                connection.recv(4096)
                connection.sendall(self.answer)

    def close(self) -> None:
        """Stop."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.fixture
def canary() -> Iterator[Canary]:
    server = Canary()
    yield server
    server.close()


HOSTS = [
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
    ),
    *("localhost", "LOCALHOST", "localhost.", "0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[fe80::1%25lo]"),
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "192.0.2.1", "[2001:db8::1]", "[2001::1]", "[::ffff:0:127.0.0.1]"),
    *("\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127\u30020\u30020\u30021"),  # digits in circles, ideographic stops
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_name_of_this_machine_or_network_is_connected_to(canary: Canary, host: str) -> None:
    with pytest.raises(Rejection) as refusal:
        web.fetch(f"http://{host}:{canary.port}/", seconds=2)

    assert refusal.value.reason in {"url_refused", "url_failed"}
    assert canary.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://site.example/",
            "gopher://127.0.0.1:8080/_x",
            "dict://127.0.0.1:8080/",
            "data:text/html,x",
        ),
        *(
            "javascript:alert(1)",
            "//127.0.0.1:8080/",
            "127.0.0.1:8080",
            "",
            " ",
            "http://",
            "http:///path",
            "http://[::1",
        ),
        *(
            "http://user:pass@site.example/",
            "http://site.example@127.0.0.1:8080/",
            "http://127.0.0.1:8080\\@site.example/",
        ),
        *(
            "http://site.example:22/",
            "http://site.example:99999/",
            "http://site.example:abc/",
            "http://a..b/",
            "http://\u0000/",
        ),
        *(
            "http://site.example/a b",
            "http://site.example/a\tb",
            "https://site.example:25/",
            "jar:http://127.0.0.1:8080/!/",
        ),
    ],
)
def test_no_other_scheme_port_or_shape_is_fetched(canary: Canary, url: str) -> None:
    with pytest.raises(Rejection):
        web.fetch(url.replace("8080", str(canary.port)), seconds=2, resolver=lambda _host, _port: ["127.0.0.1"])

    assert canary.connections == 0


def test_a_name_with_one_private_address_among_public_ones_is_refused(canary: Canary) -> None:
    with pytest.raises(Rejection, match="not on the public internet"):
        web.fetch(f"http://site.example:{canary.port}/", resolver=lambda _host, _port: ["93.184.216.34", "127.0.0.1"])

    assert canary.connections == 0


def test_a_redirect_is_checked_like_a_first_address(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    location = f"http://127.0.0.1:{canary.port}/next"
    canary.answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    monkeypatch.setattr(web, "is_public", lambda address: address == "127.0.0.1" and not asked)
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        if host != "site.example":
            asked.append(host)
        return ["127.0.0.1"]

    with pytest.raises(Rejection, match="not on the public internet"):
        web.fetch(f"http://site.example:{canary.port}/", resolver=resolver)

    assert canary.connections == 1  # the first, which this test let through


def test_the_address_that_was_checked_is_connected_to_and_not_the_name_again(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "is_public", lambda _address: True)
    resolved: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        resolved.append(host)
        return ["127.0.0.1"] if len(resolved) == 1 else ["10.0.0.1"]

    answer = web.fetch(f"http://site.example:{canary.port}/a", resolver=rebinding)

    assert (answer.status, answer.body, resolved) == (200, b"secret", ["site.example"])


def test_an_answer_over_the_limit_is_refused(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "is_public", lambda _address: True)
    canary.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000

    with pytest.raises(Rejection, match="too_large"):
        web.fetch(f"http://site.example:{canary.port}/", max_bytes=1000, resolver=lambda _host, _port: ["127.0.0.1"])
