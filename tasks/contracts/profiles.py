"""A profile as text: every setting with its default, what it means and what it may be, ready to edit.

Written from `settings.Settings` itself, so it cannot fall behind it.
"""

import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from wellspring.tasks.contracts.plugins import Kind
from wellspring.tasks.contracts.settings import Settings

_OPENING = """\
# A Wellspring profile. Every setting is here at its default, commented out: take the `# ` away from what you change.
# Use it with:  wellspring build --profile THIS_FILE
# Later wins: this file < WELLSPRING_SECTION__KEY in the environment < --set section.key=value.
# Paths are relative to this file. API keys are never in a profile: a role names the variable that holds its key.
"""

_EXAMPLES = """
# What to read: as many of these as there are corpora.
# [[sources.corpora]]
# path = "crawl/*.warc.gz"      # a file, a glob, a folder, or a URI (s3://, gs://, https://)
# name = "my-crawl"
# license = "CC-BY-4.0"

# Who answers: one server for all roles is `base_url` under [models] below. A role may have servers of its own, which
# share its load by weight and stand in for each other:
# [[models.judge.endpoints]]
# base_url = "http://127.0.0.1:8000/v1"   # vLLM, llama.cpp or Ollama on this machine
# weight = 2
# requests_per_minute = 600
"""


_BARE = re.compile(r"[A-Za-z0-9_-]+")  # a key that TOML reads without quotes


def commented(plugins: Sequence[str] = (), knobs: Mapping[str, BaseModel] | None = None) -> str:
    """Return the text of a profile that holds every setting at its default, as comments.

    Args:
        plugins: Folders of plug-ins: the one setting that is set.
        knobs: Name of a table, such as `recipes.mine` or `methods.r3` -> the knobs in it.
    """
    lines = [_OPENING]
    defaults = Settings()
    fields = Settings.model_fields.items()
    lines += [_line(name, field, getattr(defaults, name)) for name, field in fields if not _is_section(field)]
    lines += [f"plugins = {_toml(list(plugins))}"] if plugins else []
    lines.append(_EXAMPLES)
    for name, own in (knobs or {}).items():
        lines += _table(name, own)
    for name, field in fields:
        if _is_section(field):
            lines += _table(name, getattr(defaults, name))
    return "\n".join(lines) + "\n"


def _table(name: str, defaults: BaseModel) -> list[str]:
    about = (type(defaults).__doc__ or "").strip().partition("\n")[0]
    lines = ["", f"# {about}", f"[{name}]"]
    inner: list[str] = []
    for key, field in type(defaults).model_fields.items():
        if _is_section(field):
            inner += _table(f"{name}.{key}", getattr(defaults, key))
        elif key not in ("corpora", "endpoints"):  # lists of tables: shown as examples above
            lines.append(_line(key, field, getattr(defaults, key)))
    return lines + inner


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _line(key: str, field: FieldInfo, default: Any) -> str:
    value = "" if default is None else _toml(default)
    plugged = [name for kind in field.metadata if isinstance(kind, Kind) for name in kind.names()]
    options = plugged or _options(field.annotation)
    why = "; ".join(part for part in (field.description, f"one of {', '.join(options)}" if options else "") if part)
    return f"# {key} = {value}" + (f"  # {why}" if why else "")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        named = {k if _BARE.fullmatch(k) else json.dumps(k): v for k, v in typing.cast("dict[str, Any]", value).items()}
        return f"{{{', '.join(f'{k} = {_toml(v)}' for k, v in named.items())}}}"
    if isinstance(value, Enum):
        value = value.value
    return json.dumps(value, ensure_ascii=False)


def _options(kind: Any) -> list[str]:
    if typing.get_origin(kind) is typing.Literal:
        return [str(option) for option in typing.get_args(kind)]
    if typing.get_origin(kind) in (tuple, types.UnionType):
        return [option for inner in typing.get_args(kind) for option in _options(inner)]
    return []
