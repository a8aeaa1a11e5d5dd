"""A live search endpoint: `GET url?q=<keywords>&k=<most>` gives JSON, `{"results": [{"url", "title", "text"}, ...]}`.

The one thing that is connected to is the endpoint that the profile names: the addresses in its results are names for
their texts and are never fetched, redirects are not followed, no proxy of the environment is used. What it sends is
capped, timed, and believed only as far as it has the form. Who wants another engine puts a few lines in front of it.
"""

import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError

MAX_ANSWER_BYTES = 4 * 2**20
TOTAL_SECONDS = 30.0
READ_BYTES = 2**16
_OWN_FAULT = range(400, 500)
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was found: its address, its title, and its main text as the endpoint gives it."""

    url: str
    title: str
    text: str


class _Refuse(urllib.request.HTTPRedirectHandler):
    """Redirects are not followed: they would lead to where the profile did not."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse."""
        return


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Refuse)


def search(url: str, query: str, most: int, key_env: str = "") -> list[Page]:
    """Return at most `most` pages for a query, best first; results without an http(s) address or a text are left out.

    Args:
        url: The endpoint.
        query: Keywords.
        most: Pages.
        key_env: Environment variable with a bearer token; empty for none.

    Raises:
        UsageError: The address is not http or https.
        TransientError: It does not answer, is too busy, or takes too long.
        BrokenError: It refuses the request, or answers something else than was agreed.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"groundings.search_url is {url!r}", hint="give an http or https address")
    asked = urllib.parse.urlencode({"q": query, "k": most})
    address = parts._replace(query=f"{parts.query}&{asked}" if parts.query else asked, fragment="").geturl()
    request = urllib.request.Request(address, headers=_headers(key_env))  # noqa: S310 - the scheme was looked at
    return _pages(_answered(request, parts.hostname), most, parts.hostname)


def _headers(key_env: str) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "wellspring"}
    if key_env and (key := os.environ.get(key_env)):
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _answered(request: urllib.request.Request, host: str) -> bytes:
    deadline = time.monotonic() + TOTAL_SECONDS
    content = bytearray()
    try:
        with _OPENER.open(request, timeout=TOTAL_SECONDS) as response:
            while part := response.read1(READ_BYTES):
                content += part
                if len(content) > MAX_ANSWER_BYTES:
                    raise BrokenError(
                        f"{host} answers a search with over {MAX_ANSWER_BYTES} bytes", hint="send less text"
                    )
                if time.monotonic() > deadline:
                    raise TransientError(
                        f"{host} takes over {TOTAL_SECONDS:.0f} s for a search", hint="run it again later"
                    )
    except urllib.error.HTTPError as error:
        if error.code in _OWN_FAULT and error.code != _TOO_MANY:
            raise BrokenError(
                f"{host} refuses a search: HTTP {error.code}", hint="check groundings.search_url and its key"
            ) from None
        raise TransientError(f"{host} fails a search: HTTP {error.code}", hint="run it again later") from None
    except (OSError, ValueError) as error:
        raise TransientError(
            f"{host} cannot be searched: {error}", hint="run it again later, or unset groundings.search_url"
        ) from error
    return bytes(content)


def _pages(content: bytes, most: int, host: str) -> list[Page]:
    try:
        answer: Any = outside.loads(content)
    except ValueError:
        answer = None
    results: Any = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise BrokenError(
            f"{host} answers a search with no `results`", hint='the form is {"results": [{"url", "title", "text"}]}'
        )
    pages = [page for result in cast("list[Any]", results) if (page := _page(result)) is not None]
    return pages[:most]


def _page(result: Any) -> Page | None:
    if not isinstance(result, Mapping):
        return None
    url, title, text = (_text(result.get(name)) for name in ("url", "title", "text"))
    is_page = urllib.parse.urlsplit(url).scheme in {"http", "https"} if url else False
    return Page(url, title, text) if is_page and text.strip() else None


def _text(value: Any) -> str:
    return outside.sound(value) if isinstance(value, str) else ""
