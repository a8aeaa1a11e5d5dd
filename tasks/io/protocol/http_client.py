"""The wire under the OpenAI client: aiohttp with deadlines and a cap on bytes; no compression, redirects, environment.

It is the `http_client` of `openai.AsyncOpenAI`. It stands in for httpx2's client where that one is slow (it merges,
copies and parses headers and URLs for every call) or lenient (a timeout counts from byte to byte, so a dripping server
holds a call for ever; 300 KB of gzip become 900 MB; a redirect re-posts a prompt to whoever it names).
"""

import asyncio
import contextlib
import ipaddress
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
import httpx2
import yarl

from wellspring.tasks.contracts.errors import UsageError

READ_BYTES = 64 * 1024
_IDENTITY = {"identity", ""}


class HttpError(Exception):
    """A call that got no whole answer. `was_sent`: the server may have worked on it, and billed it."""

    def __init__(self, outcome: str, detail: str, *, was_sent: bool) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, in seconds, and how large its answer may be, in bytes."""

    connect_seconds: float
    first_byte_seconds: float
    total_seconds: float
    max_answer_bytes: int


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Return the TLS settings of all endpoints; made once, it takes 10-30 ms."""
    return httpx2.create_ssl_context()


def proxy_of(address: str, chosen: str) -> str | None:
    """Return the proxy through which an address is asked; None for none. A server on this machine has none.

    Args:
        address: Of the server.
        chosen: `environment` (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, in either case), `none`, or a proxy's URL.

    Raises:
        UsageError: The proxy is none that speaks HTTP.
    """
    url = yarl.URL(address)
    if chosen == "none" or not url.host or _is_loopback(url.host):
        return None
    found = chosen
    if chosen == "environment":
        proxies = urllib.request.getproxies_environment()
        where = f"{url.host}:{url.port}"
        bypassed: Any = getattr(urllib.request, "proxy_bypass_environment")  # noqa: B009 - its stub does not know it
        is_direct = any(bypassed(name, proxies) for name in (url.host, where))
        found = "" if is_direct else proxies.get(url.scheme) or proxies.get("all", "")
    if not found:
        return None
    proxy = yarl.URL(found if "://" in found else f"http://{found}")
    if proxy.scheme not in {"http", "https"} or not proxy.host:
        raise UsageError(
            f"the proxy for {url.host} is `{proxy.scheme}://{proxy.host or ''}`, which is not an HTTP proxy",
            hint="set HTTPS_PROXY to one that is, or go around it: NO_PROXY, or models.proxy = none",
        )
    return str(proxy)


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


@lru_cache(maxsize=64)
def _url(url: str) -> tuple[httpx2.URL, yarl.URL]:
    return httpx2.URL(url), yarl.URL(url)


class HttpClient(httpx2.AsyncClient):
    """The HTTP client of one endpoint: a session of kept-alive connections, or an ASGI app in this process."""

    def __init__(
        self, limits: Limits, connections: int, app: Callable[..., Any] | None = None, proxy: str | None = None
    ) -> None:
        super().__init__(transport=httpx2.ASGITransport(app=app or _nobody), trust_env=False)
        self.limits = limits
        self.proxy = proxy
        self.connections = connections
        self.app = app
        self.session: aiohttp.ClientSession | None = None

    def build_request(
        self, method: str, url: Any, *, files: Any = None, content: Any = None, **parts: Any
    ) -> httpx2.Request:
        """Build a request the short way where it has a ready body; uploads and queries go the long way."""
        if files or parts.get("params") or content is None:
            return super().build_request(method, url, files=files, content=content, **parts)
        return httpx2.Request(method, _url(str(url))[0], headers=parts.get("headers"), content=content)

    async def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        """Send one request and read its whole answer, within the limits; a streamed one is read as it comes.

        Raises:
            HttpError: No whole answer came: connection, timeout, answer_too_large or encoded_answer.
        """
        until = asyncio.get_running_loop().time() + self.limits.total_seconds
        if stream and not self.app:
            with self.told():
                async with asyncio.timeout_at(until):
                    response = await self._exchange(request)
            parts = _Parts(self, response, until)
            return httpx2.Response(response.status, headers=list(response.raw_headers), stream=parts, request=request)
        with self.told():
            async with asyncio.timeout_at(until):
                status, headers, body = await (self._call(request) if self.app else self._read(request))
        return httpx2.Response(status, headers=headers, content=body, request=request)

    async def _exchange(self, request: httpx2.Request) -> aiohttp.ClientResponse:
        """Send a request, its body as it is or in parts, and return when the answer begins."""
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=self.connections, ssl=tls(), ttl_dns_cache=60)
            self.session = aiohttp.ClientSession(connector=connector, trust_env=False, auto_decompress=False)
        limits = self.limits
        timeout = aiohttp.ClientTimeout(sock_connect=limits.connect_seconds, sock_read=limits.first_byte_seconds)
        dropped = {"host", "connection"} | ({"content-length"} if _is_read(request) else set())
        headers = {key: value for key, value in request.headers.items() if key not in dropped}
        headers["accept-encoding"] = "identity"
        return await self.session.request(
            request.method,
            _url(str(request.url))[1],
            data=(request.content or None) if _is_read(request) else request.stream,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
            proxy=self.proxy,
        )

    async def _read(self, request: httpx2.Request) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        async with await self._exchange(request) as response:
            parts = [part async for part in self.parts(response)]
            return response.status, list(response.raw_headers), parts[0] if len(parts) == 1 else b"".join(parts)

    async def parts(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield an answer's body as it comes, as far as the limit."""
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in _IDENTITY:
            raise HttpError("encoded_answer", f"Content-Encoding: {encoding[:40]} was not asked for", was_sent=True)
        size = 0
        async for part in response.content.iter_chunked(READ_BYTES):
            size += len(part)
            if size > self.limits.max_answer_bytes:
                response.close()
                raise HttpError("answer_too_large", f"more than {self.limits.max_answer_bytes} bytes", was_sent=True)
            yield part

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Say in one word what went wrong, and whether the server may have worked on it."""
        limits = self.limits
        try:
            yield
        except aiohttp.ConnectionTimeoutError as error:
            raise HttpError("connection", f"no connection in {limits.connect_seconds:g} s", was_sent=False) from error
        except aiohttp.ServerTimeoutError as error:
            raise HttpError("timeout", f"nothing came for {limits.first_byte_seconds:g} s", was_sent=True) from error
        except TimeoutError:
            raise HttpError("timeout", f"no whole answer in {limits.total_seconds:g} s", was_sent=True) from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise HttpError("certificate", str(error.certificate_error)[:200], was_sent=False) from error
        except aiohttp.ClientConnectorSSLError as error:
            said = f"no TLS connection ({error.os_error}); a server without TLS is asked by http://"
            raise HttpError("connection", said[:300], was_sent=False) from error
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            proxy = yarl.URL(self.proxy or "")
            said = f"the proxy {proxy.host}:{proxy.port} does not let it through ({getattr(error, 'status', error)})"
            raise HttpError("connection", said[:300], was_sent=False) from error
        except aiohttp.ClientConnectorError as error:
            said = f"cannot connect: {error.os_error.strerror or error}"
            raise HttpError("connection", said, was_sent=False) from error
        except (aiohttp.ClientError, ConnectionError, ValueError) as error:
            raise HttpError("connection", f"{type(error).__name__}: {str(error)[:200]}", was_sent=True) from error

    async def _call(self, request: httpx2.Request) -> tuple[int, Any, bytes]:
        """Hand the request to the ASGI app, and take its answer, without a socket between them."""
        await request.aread()
        sent: list[Mapping[str, Any]] = []

        async def receive() -> Mapping[str, Any]:
            return {"type": "http.request", "body": request.content, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(key.lower(), value) for key, value in request.headers.raw],
            "server": ("offline", 80),
            "client": ("127.0.0.1", 0),
        }
        assert self.app is not None  # noqa: S101 - `send` chose this way
        await self.app(scope, receive, send)
        head, *rest = sent
        return head["status"], head.get("headers", []), b"".join(part.get("body", b"") for part in rest)

    async def aclose(self) -> None:
        """Close the connections."""
        if self.session is not None:
            await self.session.close()
        await super().aclose()


class _Parts(httpx2.AsyncByteStream):
    """The body of a streamed answer, under the same deadline and cap as any other."""

    def __init__(self, wire: HttpClient, response: aiohttp.ClientResponse, until: float) -> None:
        self.wire, self.response, self.until = wire, response, until

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = self.wire.parts(self.response)
        while True:
            with self.wire.told():
                async with asyncio.timeout_at(self.until):
                    part = await anext(parts, None)
            if part is None:
                return
            yield part

    async def aclose(self) -> None:
        self.response.close()


def _is_read(request: httpx2.Request) -> bool:
    return hasattr(request, "_content")


async def _nobody(*_: Any) -> None:
    """Stand where httpx2 wants a transport; `send` never reaches it."""
    raise NotImplementedError
