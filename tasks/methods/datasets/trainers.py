"""What trainers read beside the files of a dataset: `dataset_info.json` of LLaMA-Factory, `axolotl.yaml` of Axolotl.

Only forms that such a trainer reads as they are stand there. LLaMA-Factory takes `messages`, `sharegpt` and `alpaca`:
its preferences want one turn a side, where ours have a list. Axolotl takes `messages`, `alpaca` and `stepwise`.
Put the entries of the first into the file of that name in LLaMA-Factory's data folder; include the second in a
configuration, with `base_model` and the rest of it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

VERSION = 1
ENDING = ".jsonl"
NAMES = ("dataset_info.json", "axolotl.yaml")
_LLAMA_FACTORY: Mapping[str, dict[str, Any]] = {
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    },
    "sharegpt": {"formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system"}},
    "alpaca": {
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system"},
    },
}
_WHERE_THERE = ("history", "tools")  # columns that some datasets have
_AXOLOTL: Mapping[str, dict[str, str]] = {
    "messages": {"type": "chat_template", "field_messages": "messages"},
    "alpaca": {"type": "alpaca"},
    "stepwise": {"type": "stepwise_supervised"},
}


class Described(Protocol):
    """A file of a dataset."""

    @property
    def path(self) -> str:
        """Return its path in the dataset."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """Return the columns of a table."""
        ...


def manifests(name: str, files: Iterable[Described]) -> dict[str, str]:
    """Return the files for trainers, by their names; none where no form is one that they read.

    Args:
        name: Of the dataset.
        files: Of it, in their order.
    """
    tables = [(file, *file.path.removesuffix(ENDING).split("/")) for file in files if file.path.endswith(ENDING)]
    known = [(file, *of) for file, *of in tables if len(of) == len(("form", "split"))]
    info = {
        f"{name}_{form}_{split}": _llama_factory(file, _LLAMA_FACTORY[form])
        for file, form, split in known
        if form in _LLAMA_FACTORY
    }
    lists: dict[str, list[dict[str, str]]] = {"train": [], "validation": []}
    for file, form, split in known:
        if form in _AXOLOTL:
            lists[split].append({"path": file.path, "ds_type": "json", **_AXOLOTL[form]})
    of_llama_factory, of_axolotl = NAMES
    found = {of_llama_factory: json.dumps(info, indent=2) + "\n"} if info else {}
    return found | ({of_axolotl: _yaml(lists)} if any(lists.values()) else {})


def _llama_factory(file: Described, entry: Mapping[str, Any]) -> dict[str, Any]:
    more = {name: name for name in _WHERE_THERE if name in file.columns}
    return {"file_name": file.path, **entry, "columns": entry["columns"] | more}


def _yaml(lists: Mapping[str, list[dict[str, str]]]) -> str:
    lines: list[str] = []
    for key, side in (("datasets", "train"), ("test_datasets", "validation")):
        lines += [f"{key}:"] if lists[side] else []
        for one in lists[side]:
            lines += [f"{'  - ' if i == 0 else '    '}{name}: {value}" for i, (name, value) in enumerate(one.items())]
    return "\n".join(lines) + "\n"
