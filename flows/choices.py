"""What a person chose, as `key=value` texts: flows get the same from the shell, from Python and from Prefect."""

import json
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.errors import BrokenError, UsageError


def profile(named: str | None, corpora: Iterable[Any], seeds: Iterable[Any], *, trust: bool = False) -> str:
    """Return the profile that is named; the sample's is for those who name nothing of their own."""
    return _trusted(named or ("defaults" if list(corpora) or list(seeds) else "smoke"), trust=trust)


def profile_of(store: Path, named: str | None, *, trust: bool = False) -> str:
    """Return the profile that is named, or the settings of the store's latest run.

    Raises:
        BrokenError: None is named, and there is no store; or something in it is a link.
    """
    from wellspring.tasks.contracts.settings import KEPT
    from wellspring.tasks.io.storage import links

    links.refuse(store)
    kept = store / KEPT
    if named is None and not kept.is_file():
        raise BrokenError(f"there is no store in {store}", hint=f"make one with: wellspring build --store {store}")
    return _trusted(named or str(kept), trust=trust)


def _trusted(profile: str, *, trust: bool) -> str:
    if trust:
        from wellspring.tasks.contracts import settings

        settings.trust(profile)
    return profile


def overrides(corpora: Iterable[Any], seeds: Iterable[Any], *, replay: bool = False) -> list[str]:
    """Say corpora, seeds and whether only recorded answers count."""
    paths, lists = [_absolute(c) for c in corpora], [_absolute(s) for s in seeds]
    said = [f"sources.corpora={_toml([{'path': path} for path in paths])}"] if paths else []
    said += [f"seeds.paths={_toml(lists)}"] if lists else []
    return [*said, "replay=true"] if replay else said


def refuse_part(only: str | None) -> None:
    """Refuse a part of the job where rows are wanted: they are accepted at the end of all parts.

    Raises:
        UsageError: A part is named.
    """
    if only:
        raise UsageError(f"rows cannot be wanted of the part `{only}` alone", hint="leave out --only, or --want")


def of_values(values: Mapping[str, Any]) -> list[str]:
    """Say settings that are given as Python values: sections as mappings, `limit=200, models={"generator": {...}}`.

    Raises:
        UsageError: A value has no form in a profile, such as None or an object.
    """
    from wellspring.tasks.contracts.settings import Settings

    return list(_said(values, Settings, ""))


def _said(values: Mapping[str, Any], section: Any, before: str) -> Iterator[str]:
    from pydantic import BaseModel

    for name, value in values.items():
        key = f"{before}{name}"
        field = getattr(section, "model_fields", {}).get(name)
        of = field.annotation if field is not None else None
        if isinstance(value, Mapping) and isinstance(of, type) and issubclass(of, BaseModel):
            yield from _said(value, of, f"{key}.")
        else:
            yield f"{key}={_toml(value, key)}"


def _toml(value: Any, key: str = "") -> str:
    """Return a value as TOML has it: texts as JSON, but for pairs of surrogates, which it does not know, and DEL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | PathLike):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(str(name))} = {_toml(one, key)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one, key) for one in value) + "]"
    raise UsageError(
        f"`{key}` cannot be {value!r}",
        hint="give a text, a number, True, False, a list or a mapping; or leave it out",
    )


def _absolute(path: Any) -> str:
    """A path means the same when the settings are used again from another directory.

    Raises:
        UsageError: Its name is no UTF-8, so that it cannot be written down.
    """
    said = str(path)
    try:
        said.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the name {said!r} is not UTF-8, and cannot be written down", hint="rename it, or name the folder it is in"
        ) from None
    return said if "://" in said else str(Path(said).absolute())
