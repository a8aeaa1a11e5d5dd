"""What a server of ours on loopback takes: requests that are meant for it, whole, of bounded size, in bounded time.

Any page in a browser can send requests to this machine, and a name that is resolved to it (DNS rebinding) lets the page
read the answers. So the Host has to be this machine's, and an Origin the server's own. Whoever sends nothing, or a head
byte by byte, is hung up on. A site is files below one folder: no listing, no way up, no link.

A page of somebody else may also embed our files as scripts, and another account of this machine may ask for them. So a
site has a key: the address that its owner opens names it once, and a cookie that no other site's request carries holds
it from then on.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import mimetypes
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from wellspring.tasks.contracts.errors import BrokenError

HEAD_BYTES, BODY_BYTES, PIECE_BYTES = 2**16, 2**28, 2**16
LINGER_SECONDS = 1.0  # for what a client still sends when it was refused, so that it can read why


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until a connection is dropped: that asks nothing; whose body does not come, or answer is not read."""

    idle: float = 75.0
    body: float = 300.0


PATIENT = Patience()


class Request(NamedTuple):
    """A request as it came; names of headers are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_for_a_model(self) -> bool:
        """Whether a model is asked for something."""
        return self.path.endswith(("/chat/completions", "/embeddings"))


class RefusedError(Exception):
    """A request that is not answered: its status, and why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def opened(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Return a listening socket; port 0 is any free one.

    Raises:
        BrokenError: The port is taken.
    """
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise BrokenError(
            f"port {port} cannot be opened: {error.strerror}", hint="choose another --port, or 0"
        ) from None


async def received(
    reader: asyncio.StreamReader, patience: Patience = PATIENT, *, is_local: bool = True, most: int = BODY_BYTES
) -> Request:
    """Read a request.

    Args:
        reader: Of its connection.
        patience: How long it may take.
        is_local: Whether only this machine is served, under its own names.
        most: Bytes of its body at most.

    Raises:
        RefusedError: It is meant for somebody else, comes from a page of somebody else, or is too large.
        TimeoutError: It did not come.
        ValueError: It is no HTTP.
    """
    try:
        async with asyncio.timeout(patience.idle):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        head = b" " * (HEAD_BYTES + 1)
    if len(head) > HEAD_BYTES:
        raise RefusedError(431, f"a head of more than {HEAD_BYTES} bytes")
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    path, _, query = target.partition("?")
    if is_local:
        _refuse_strange(headers)
    size = _size(headers, most)
    async with asyncio.timeout(patience.body):
        return Request(method, path, query, headers, await reader.readexactly(size))


def _refuse_strange(headers: dict[str, str]) -> None:
    host, origin = headers.get("host", ""), headers.get("origin")
    if not _is_this_machine(host):
        raise RefusedError(421, "this server is on loopback, and answers under the names of this machine alone")
    if origin is not None and urlsplit(origin).netloc != host:
        raise RefusedError(403, "this server answers no page of somebody else")


def _is_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    return False


def _size(headers: dict[str, str], most: int) -> int:
    if "transfer-encoding" in headers:
        raise RefusedError(411, "the length of a body has to be said")
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit()):
        raise RefusedError(400, "Content-Length is no number")
    if len(said) > len(str(most)) or int(said) > most:
        raise RefusedError(413, f"a body of more than {most} bytes")
    return int(said)


async def turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refused: RefusedError) -> None:
    """Say why a request is refused, and let what is still being sent run out for a moment."""
    body = refused.words.encode()
    head = f"HTTP/1.1 {refused.status} X\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
    with contextlib.suppress(OSError, TimeoutError):
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(PIECE_BYTES):
                pass


class Site:
    """A folder of files, to be looked at by whoever has its key.

    Attributes:
        folder: The files.
        patience: How long a connection may take.
        live: What is made when it is asked for, by the folder of its address: a function that returns a script.
        key: What the address has to name once; a new one, if none is given.
    """

    def __init__(
        self,
        folder: Path,
        patience: Patience = PATIENT,
        live: Mapping[str, Callable[[str], bytes]] | None = None,
        key: str = "",
    ) -> None:
        self.folder, self.patience, self.live = folder, patience, dict(live or {})
        self.key = key or secrets.token_urlsafe(24)

    def address(self, port: int) -> str:
        """Return the address that opens the site."""
        return f"http://127.0.0.1:{port}/?key={self.key}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until it is over."""
        try:
            while True:
                request = await received(reader, self.patience, most=0)
                await self._answer(request, writer)
                if request.headers.get("connection", "").lower() == "close":
                    return
        except RefusedError as refused:
            await turn_away(reader, writer, refused)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            return  # the client is gone, too slow, or speaks no HTTP
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.method not in {"GET", "HEAD"}:
            raise RefusedError(405, "a site is only looked at")
        if self._is_key(request):
            cookie = f"{_cookie(request)}={self.key}; Path=/; HttpOnly; SameSite=Strict"
            await self._send(writer, f"303 X\r\nLocation: {_page(request)}\r\nSet-Cookie: {cookie}", "text/plain", b"")
            return
        self._refuse_without_key(request)
        name, _, rest = request.path.removeprefix("/").partition("/")
        if name in self.live:
            said = await asyncio.to_thread(self.live[name], f"{name}/{rest.removesuffix('.js')}")
            await self._send(writer, "200 X", "text/javascript; charset=utf-8", said)
            return
        place = self.found(request.path)
        if place.is_dir():
            await self._send(writer, f"301 X\r\nLocation: {self._address(place)}", "text/plain", b"")
            return
        kind = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
        kind += "; charset=utf-8" if kind.startswith("text/") else ""
        await self._send(writer, "200 X", kind, place.read_bytes(), is_head=request.method == "HEAD")

    def _is_key(self, request: Request) -> bool:
        """Whether a request opens the site: at its beginning, with its key."""
        said = parse_qs(request.query).get("key", [""])[0]
        return request.path == "/" and hmac.compare_digest(said.encode(), self.key.encode())

    def _refuse_without_key(self, request: Request) -> None:
        """Refuse who has no key, and what a page of another site asks for in the name of who has one.

        Raises:
            RefusedError: It is so.
        """
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            raise RefusedError(403, "this server answers no page of somebody else")
        held = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        own = [value for name, _, value in held if name == _cookie(request)]
        if not any(hmac.compare_digest(value.encode(), self.key.encode()) for value in own):
            raise RefusedError(403, "open the address with its key, as `wellspring dashboard --serve` printed it")

    def found(self, path: str) -> Path:
        """Return the file that a path names, or a folder that is named without its last slash.

        Raises:
            RefusedError: There is none, or it is not below the site's folder.
        """
        said = unquote(path)
        parts = [part for part in said.split("/") if part]
        place = self.folder.joinpath(*parts)
        with contextlib.suppress(OSError, ValueError):
            is_below = not any(part.startswith(".") or "\\" in part for part in parts)
            if is_below and not any(self.folder.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts))):
                whole = place / "index.html" if said.endswith("/") else place
                if (whole.is_file() and not whole.is_symlink()) or (place.is_dir() and not said.endswith("/")):
                    return whole
        raise RefusedError(404, "there is no such page")

    def _address(self, folder: Path) -> str:
        return "/" + "".join(f"{quote(part)}/" for part in folder.relative_to(self.folder).parts)

    async def _send(
        self, writer: asyncio.StreamWriter, status: str, kind: str, body: bytes, *, is_head: bool = False
    ) -> None:
        more = "X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-cache"
        more += "\r\nX-Frame-Options: SAMEORIGIN\r\nReferrer-Policy: no-referrer"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n\r\n".encode()
        )
        for start in range(0, 0 if is_head else len(body), PIECE_BYTES):
            writer.write(body[start : start + PIECE_BYTES])
            async with asyncio.timeout(self.patience.body):
                await writer.drain()


_PAGE = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*\.html")


def _page(request: Request) -> str:
    """Return where who opens the site goes on to: the page that `to` names, or the first."""
    named = parse_qs(request.query).get("to", [""])[0]
    return f"/{named}" if _PAGE.fullmatch(named) else "/index.html"


def _cookie(request: Request) -> str:
    """Return the name of the cookie: browsers keep cookies of a machine, whatever the port."""
    return f"wellspring-{urlsplit('//' + request.headers['host']).port or 80}"


async def served(site: Site, listening: socket.socket) -> None:
    """Serve a site on an open socket until it is stopped."""
    async with await asyncio.start_server(site.serve, limit=HEAD_BYTES, sock=listening) as server:
        await server.serve_forever()
