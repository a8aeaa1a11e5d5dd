"""Fetching a URL that someone else wrote: http and https to public addresses, and nowhere else.

A URL in a page, a seed or an answer may point at our own network. So the name is resolved first, every address it has
is checked against our own list (Python's `is_global` says yes to `64:ff9b::7f00:1`, which is 127.0.0.1), the connection
goes to the address that was checked and not to the name again, and each redirect starts over. Proxies and credentials
of the environment are not used. (A corpus's own URI is typed by whoever runs us, and is opened by fsspec: streams.py.)
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from wellspring.tasks.contracts.errors import Rejection

MAX_BYTES = 16 * 2**20
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
UNPRIVILEGED = 1024  # ports below it are mail, shells and databases of the system
PORTS = {"http": 80, "https": 443}

# Blocks that are not the public internet (IANA special-purpose registries), and those that embed other addresses.
_DENIED = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.ip_network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16")
)

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: the URL it came from in the end, its status, headers (lower case) and body, as sent."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet's; what cannot be read is not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        return ip in _PUBLIC_V6 and not any(ip in block for block in _DENIED_V6)
    return not any(ip in block for block in _DENIED)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def fetch(url: str, seconds: float = 20.0, max_bytes: int = MAX_BYTES, resolver: Resolve = resolve) -> Fetched:
    """Fetch a URL that is not trusted.

    Args:
        url: http or https.
        seconds: Deadline for everything: names, redirects, the last byte.
        max_bytes: Most bytes of a body; no content coding is asked for, and none is undone.
        resolver: Host and port -> addresses.

    Raises:
        Rejection: `url_refused` (scheme, port, credentials, an address that is not public), `url_failed` (network, too
            many redirects, too slow), `too_large`.
    """
    deadline = time.monotonic() + seconds
    for _ in range(MAX_REDIRECTS + 1):
        answer = _fetch_one(url, deadline, max_bytes, resolver)
        location = answer.headers.get("location")
        if answer.status not in REDIRECTS or not location:
            return answer
        url = urljoin(url, location)
    raise Rejection("url_failed", f"more than {MAX_REDIRECTS} redirects, the last to {url[:300]}")


def _fetch_one(url: str, deadline: float, max_bytes: int, resolver: Resolve) -> Fetched:
    scheme, host, port, path = _parsed(url)
    address = _checked(host, port, resolver)
    connection = http.client.HTTPConnection(host, port, timeout=_left(deadline))
    try:
        raw = socket.create_connection((address, port), timeout=_left(deadline))
        connection.sock = (
            ssl.create_default_context().wrap_socket(raw, server_hostname=host) if scheme == "https" else raw
        )
        headers = {"User-Agent": "wellspring", "Accept-Encoding": "identity", "Connection": "close"}
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = _body(response, connection, deadline, max_bytes)
        return Fetched(url, response.status, {k.lower(): v for k, v in response.getheaders()}, body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Rejection("url_failed", f"{host}: {error}") from error
    finally:
        connection.close()


def _parsed(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url.strip())
        port = parts.port or PORTS.get(parts.scheme, 0)
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except (ValueError, UnicodeError) as error:
        raise Rejection("url_refused", f"{url[:300]!r}: {error}") from error
    if (
        parts.scheme not in PORTS
        or not host
        or "@" in parts.netloc
        or (port not in PORTS.values() and port < UNPRIVILEGED)
    ):
        raise Rejection("url_refused", f"{url[:300]!r}: only http and https, without credentials, on their usual ports")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(char <= " " or char == "\x7f" for char in path):
        raise Rejection("url_refused", f"{url[:300]!r}: blanks or controls in its path")
    return parts.scheme, host, port, path.encode("ascii", "ignore").decode("ascii")


def _checked(host: str, port: int, resolver: Resolve) -> str:
    """Return an address to connect to; all that the name has must be public, or it is meant to deceive."""
    try:
        addresses = list(resolver(host, port))
    except (OSError, UnicodeError) as error:
        raise Rejection("url_failed", f"{host}: {error}") from error
    private = [address for address in addresses if not is_public(address)]
    if private or not addresses:
        raise Rejection("url_refused", f"{host} is {', '.join(private) or 'nowhere'}: not on the public internet")
    return addresses[0]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Rejection("url_failed", "the deadline passed")
    return left


def _body(
    response: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float, max_bytes: int
) -> bytes:
    body = bytearray()
    while True:
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))
        _left(deadline)
        piece = response.read1(min(2**16, max_bytes + 1 - len(body)))
        if not piece:
            return bytes(body)
        body += piece
        if len(body) > max_bytes:
            raise Rejection("too_large", f"more than {max_bytes} bytes")
