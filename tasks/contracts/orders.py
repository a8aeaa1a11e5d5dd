"""Orders: what settings make a run do outside of its store. They are followed where this user gave them.

A store holds the settings of its latest run, so a stranger's store brings a stranger's wishes: where to send which
key, what to read, whom to tell. The orders of each run that this user begins are noted in the user's own folder, as an
empty file that is named by their digest: a store that was made here goes on without a question, wherever it lies now.
All orders of a run are one note, so nobody can put together a new wish from old ones.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from wellspring.tasks.contracts import casting
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import FROM_ENVIRONMENT, Endpoint, ModelsSettings, Role, Settings

SHOWN, SHOWN_CHARS = 20, 200  # orders of a refusal, and characters of each
_USERINFO = re.compile(r"://[^/@\s]+@")
_noted: set[str] = set()  # in this process: where nothing can be written, what was trusted holds until it ends


def of(settings: Settings) -> dict[str, str]:
    """Return what these settings order, by the name of the setting; nothing where all stays here."""
    paths = {f"sources.corpora.{n}.path": corpus.path for n, corpus in enumerate(settings.sources.corpora)}
    paths |= {f"seeds.paths.{n}": path for n, path in enumerate(settings.seeds.paths)}
    paths |= {f"benchmarks.paths.{name}": path for name, path in settings.benchmarks.paths.items()}
    paths |= {f"scores.imports.{name}": path for name, path in settings.scores.imports.items()}
    paths |= {f"plugins.{n}": path for n, path in enumerate(settings.plugins)}
    found = paths | _endpoint("models", settings.models) | _of_services(settings)
    for name, role in settings.models.by_name.items():
        found |= _of_role(f"models.roles.{name}" if name in settings.models.roles else f"models.{name}", role)
    return {name: _USERINFO.sub("://***@", value) for name, value in found.items()}


def _of_services(settings: Settings) -> dict[str, str]:
    embeddings, groundings = settings.embeddings, settings.groundings
    said = {
        "events.url": settings.events.url,
        "dask_address": settings.dask_address,
        "models.prices": settings.models.prices,
        "groundings.search_url": groundings.search_url,
        "groundings.search_key_env": groundings.search_key_env,
    }
    if embeddings.embedder == "sentence_transformers":
        said |= {"embeddings.model": embeddings.model, "embeddings.revision": embeddings.revision}
    return {name: value for name, value in said.items() if value}


def _of_role(name: str, role: Role) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, endpoint in enumerate(role.endpoints):
        found |= _endpoint(f"{name}.endpoints.{number}", endpoint)
    if found:
        found |= {f"{name}.extra_headers.{key}": value for key, value in role.extra_headers.items()}
        found |= {f"{name}.extra_query.{key}": value for key, value in role.extra_query.items()}
    return found


def _endpoint(name: str, one: Endpoint | ModelsSettings) -> dict[str, str]:
    """Return where a server is, with which key and by which way; the built-in stand-in is no order."""
    if one.base_url == casting.OFFLINE:
        return {}
    return {f"{name}.base_url": one.base_url, f"{name}.key_env": one.key_env, f"{name}.proxy": one.proxy}


def note(orders: Mapping[str, str]) -> bool:
    """Note that this user gave these orders; returns whether later commands will know it, too."""
    _noted.add(_digest(orders))
    try:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / _digest(orders)).touch(mode=0o600)
    except (OSError, RuntimeError):
        return not orders
    return True


def are_noted(orders: Mapping[str, str]) -> bool:
    """Whether this user gave all these orders before, together."""
    if not orders or _digest(orders) in _noted:
        return True
    with suppress(OSError, RuntimeError):
        return (_folder() / _digest(orders)).is_file()
    return False


def note_places(settings: Settings) -> None:
    """Note where this user had corpora and seeds read from, each by itself."""
    for path in (*(corpus.path for corpus in settings.sources.corpora), *settings.seeds.paths):
        if _is_address(path):
            note({"place": _fixed(path)})


def is_known_place(uri: str) -> bool:
    """Whether a file lies on this machine, or where this user had something read from."""
    uri = _outer(uri)
    parts = uri.split("/")
    return not _is_address(uri) or any(are_noted({"place": "/".join(parts[:n])}) for n in range(3, len(parts) + 1))


def _outer(uri: str) -> str:
    """Return where a container lies that a file is in; else where the file lies."""
    return uri.partition("::")[2] if uri.startswith(("zip://", "tar://")) else uri


def _is_address(path: str) -> bool:
    return "://" in path or "::" in path


def _fixed(path: str) -> str:
    """Return what a path says before the part that a glob leaves open."""
    fixed = re.split(r"[*?\[]", path)[0]
    return (fixed if fixed == path else fixed.rpartition("/")[0]).rstrip("/")


def _folder() -> Path:
    """Return where this user's orders are noted: `$XDG_STATE_HOME`, if it is absolute, else below the home folder."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    state = named if named.is_absolute() else Path.home() / ".local" / "state"
    return state / "wellspring" / "orders"


def _digest(orders: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(orders, sort_keys=True).encode()).hexdigest()


def refusal(path: Path, orders: Mapping[str, str]) -> UsageError:
    """Return the refusal of a store's settings, with what they wanted; values that may be secret are not shown."""
    lines = [f"  {_one_line(name)} = {_shown(name, value)}" for name, value in list(orders.items())[:SHOWN]]
    more = [f"  and {len(orders) - SHOWN} more"] * (len(orders) > SHOWN)
    return UsageError(
        f"the settings that came with this store ({path}) want what you did not ask for on this machine:\n"
        + "\n".join(lines + more),
        hint="name a profile of your own (--profile mine.toml); or, if you know who made this store and want all of "
        "that, add --trust-store (build, export, retry, estimate, batches)",
    )


def _shown(name: str, value: str) -> str:
    """Return an order as a person reads it; headers and queries may hold a secret, so only variables are named."""
    is_private = ".extra_" in name and not value.startswith(FROM_ENVIRONMENT)
    return "***" if is_private else repr(_one_line(value))


def _one_line(text: str) -> str:
    said = "".join(c if c.isprintable() else "?" for c in text)
    return said if len(said) <= SHOWN_CHARS else f"{said[:SHOWN_CHARS]}..."
