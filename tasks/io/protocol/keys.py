"""Keys of endpoints: read when a client is made, kept out of everything that is written.

A key is never a setting. A role names where its key is: an environment variable, or `prefect:NAME`, a Prefect Secret
block. Whatever a server says is scrubbed before it is stored or shown, because some servers echo the key (a 401 does).
"""

import base64
import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import FROM_ENVIRONMENT

SHOWN = "***"
MIN_SECRET_CHARS = 6  # shorter ones would take words out of ordinary text
_KEY_LIKE = re.compile(r"\b(?:sk|rk|pk|hf|gsk|key)[-_][A-Za-z0-9_-]{8,}|(?i:bearer)\s+[A-Za-z0-9._~+/-]{8,}=*")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def key_of(name: str) -> str:
    """Return the key that `name` stands for; empty if the variable is not set (own servers often need none).

    Blanks and line ends around it are dropped: files and copied texts have them.

    Raises:
        UsageError: There is no such Prefect Secret block, or the key cannot be sent.
    """
    key = _key_of(name).strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(
            f"the key in {name} holds a blank, a line break or a letter outside ASCII, and cannot be sent",
            hint=f"set {name} again, to the key alone",
        )
    return key


def filled(values: Mapping[str, str], setting: str, scrub: Callable[[str], None]) -> dict[str, str]:
    """Return headers or a query with `env:NAME` read from the environment; what is read is told to `scrub`.

    Raises:
        UsageError: The variable is not set.
    """
    found = dict(values)
    for name, said in values.items():
        if said.startswith(FROM_ENVIRONMENT):
            variable = said.removeprefix(FROM_ENVIRONMENT)
            found[name] = key_of(variable)
            if not found[name]:
                hint = f"set it, or take `{name}` out of {setting}"
                raise UsageError(f"{setting}.{name} is read from {variable}, which is not set", hint=hint)
            scrub(found[name])
    return found


def _key_of(name: str) -> str:
    if not name.startswith("prefect:"):
        return os.environ.get(name, "")
    from prefect.blocks.system import Secret

    block = name.removeprefix("prefect:")
    try:
        loaded: Any = Secret.load(block, _sync=True)  # pyright: ignore[reportCallIssue] - sync by request
        return str(loaded.get())
    except ValueError:
        raise UsageError(
            f"there is no Prefect Secret block `{block}`",
            hint="make one in the Prefect UI (Blocks, Secret), or name an environment variable in key_env",
        ) from None


def without_userinfo(url: str) -> str:
    """Return a URL without the name and password that may stand in it."""
    return _USERINFO.sub(SHOWN, url)


def apart(url: str) -> tuple[str, str, str]:
    """Return a URL without name and password, the password, and the header `Authorization` that says both, if any."""
    parts = urlsplit(url)
    said, is_there, host = parts.netloc.rpartition("@")
    if not is_there:
        return url, "", ""
    name, _, password = (unquote(part) for part in said.partition(":"))
    sent = base64.b64encode(f"{name}:{password}".encode()).decode()
    return parts._replace(netloc=host).geturl(), password, f"Basic {sent}"


class Scrubber:
    """Takes secrets out of text: the keys it was told, and whatever looks like one."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Take this one out from now on."""
        if len(secret) >= MIN_SECRET_CHARS:
            self.secrets.add(secret)

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, SHOWN)
        return _USERINFO.sub(SHOWN, _KEY_LIKE.sub(SHOWN, text))
