"""Packages of exported tasks for the libraries that reinforcement learning takes environments from.

`write` reads the form `tasks` of an export, a release or a pulled folder, and no store. What it writes is whole: the
tasks, their `verify.py` as it lies in the folder, to the byte, and the library's own files. Their text lies in
`deployments/environments/`; nothing of it runs here.

| library | what is written | read by |
|---|---|---|
| `verifiers` | a package with `load_environment`, and a taskset | verifiers 0.2, and 0.4 on |
| `nemo-gym` | a resources server with its configuration, data and test | NeMo Gym 0.4 on |
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import files, signatures

LIBRARIES = ("verifiers", "nemo-gym")
FORM, VERIFY = "tasks", "verify.py"
SPLITS = ("train", "validation", "evaluation")
EXAMPLES = 5  # what NeMo Gym wants in `example.jsonl`
_TEXTS = Path(__file__).parents[2] / "deployments" / "environments"
_LICENCES = {  # the names that NeMo Gym takes; of another it wants "TBD"
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "cc-by-4.0": "Creative Commons Attribution 4.0 International",
    "cc-by-sa-4.0": "Creative Commons Attribution-ShareAlike 4.0 International",
}
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Tasks:
    """The tasks of a folder, by split, and the words that the library's files are filled with."""

    folder: Path
    splits: Mapping[str, Sequence[Row]]
    words: Mapping[str, str]

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.splits.values() for row in rows]


def write(folder: Path, to: Path, library: str) -> dict[str, Any]:
    """Write a package of the tasks of a dataset.

    Args:
        folder: An export, a release, or what `pull` fetched, with the form `tasks`.
        to: A new folder.
        library: One of `LIBRARIES`.

    Returns:
        `name`, `library`, `tasks` (by split) and `files`, paths in `to`.

    Raises:
        UsageError: The library is unknown, something lies at `to`, or the folder has no tasks.
        BrokenError: The folder is not as its manifest says.
    """
    if library not in LIBRARIES:
        raise UsageError(f"there is no package for `{library}`", hint=f"libraries: {', '.join(LIBRARIES)}")
    if to.exists():
        raise UsageError(f"something lies at {to}", hint="name a new folder")
    tasks = _read(folder)
    with files.replacing(to) as partial:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for path, data in (_verifiers if library == "verifiers" else _nemo_gym)(tasks):
            (partial / path).parent.mkdir(parents=True, exist_ok=True)
            (partial / path).write_bytes(data)
    written = sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file())
    counts = {split: len(rows) for split, rows in tasks.splits.items()}
    return {"name": tasks.words["name"], "library": library, "tasks": counts, "files": written}


def _read(folder: Path) -> _Tasks:
    """Read what a folder holds.

    Raises:
        UsageError: It has no tasks.
        BrokenError: It is not as its manifest says.
    """
    found = {split: folder / FORM / f"{split}.jsonl" for split in SPLITS}
    splits = {split: _lines(path) for split, path in found.items() if path.is_file()}
    if not splits or not (folder / FORM / VERIFY).is_file():
        raise UsageError(
            f"{folder} has no tasks", hint="export the form `tasks` (exports.formats), and judge with `certificate`"
        )
    signatures.refuse_damaged(folder)
    manifest = json.loads((folder / signatures.MANIFEST).read_bytes())
    return _Tasks(folder, splits, _words(manifest, [row for rows in splits.values() for row in rows]))


def _lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _words(manifest: Row, rows: Sequence[Row]) -> dict[str, str]:
    name = _NOT_A_NAME.sub("-", manifest["name"].lower()).strip("-")
    name = name if name[:1].isalpha() else f"tasks-{name}".rstrip("-")
    sandbox = json.loads(rows[0]["sandbox"])
    kinds = sorted(Counter(row["kind"] for row in rows).items())
    return {
        "name": name,
        "module": name.replace("-", "_"),
        "version": f"0.1.0+{manifest['fingerprint'][:12]}",
        "tasks": str(len(rows)),
        "kinds": "\n".join(["| kind | tasks |", "|---|---|", *(f"| {kind} | {number} |" for kind, number in kinds)]),
        "monty": sandbox["engine"].removeprefix("pydantic-monty=="),
        "domain": "knowledge",
        "licence": _LICENCES.get(manifest["license"].lower(), "TBD"),
        "contract": _contract(sandbox, manifest["license"]),
    }


def _contract(sandbox: Row, licence: str) -> str:
    """Say what a verifier needs wherever it runs, and what it cannot reach."""
    allowed = [f"| {name} | {'yes' if sandbox[name] else 'no'} |" for name in sandbox if sandbox[name] in {True, False}]
    bounds = [f"| {name} | {sandbox[name]} |" for name in sandbox if sandbox[name] not in {True, False}]
    return "\n".join([
        "## Sandbox contract",
        "",
        f"`verify.py` needs Python 3.11 and `{sandbox['engine']}`, and no other file. A model may have written a",
        "verifier, and a model writes the answer. Neither runs in the trainer's process. `verify.py` gives both this:",
        "",
        "| what | |",
        "|---|---|",
        *bounds,
        *allowed,
        "",
        "An error and a limit are no verdict. They are never a pass.",
        "",
        f"Licence of the tasks: {licence}. Prompts may quote pages: see the dataset's card.",
    ])  # fmt: skip


def _text(path: str, words: Mapping[str, str]) -> bytes:
    return Template((_TEXTS / path).read_text(encoding="utf-8")).substitute(words).encode()


def _verifiers(tasks: _Tasks) -> Iterator[tuple[str, bytes]]:
    """Give each file of a package of `verifiers`."""
    yield "pyproject.toml", _text("verifiers/pyproject.txt", tasks.words)
    yield "README.md", _text("verifiers/README.md", tasks.words)
    module = tasks.words["module"]
    for file in sorted((_TEXTS / "verifiers" / "package").glob("*.py")):
        yield f"{module}/{file.name}", file.read_bytes()
    yield f"{module}/{VERIFY}", (tasks.folder / FORM / VERIFY).read_bytes()
    for split in tasks.splits:
        yield f"{module}/{split}.jsonl", (tasks.folder / FORM / f"{split}.jsonl").read_bytes()


def _nemo_gym(tasks: _Tasks) -> Iterator[tuple[str, bytes]]:
    """Give each file of a resources server of NeMo Gym."""
    module, texts = tasks.words["module"], _TEXTS / "nemo_gym"
    data = {**tasks.splits, "example": tasks.rows[:EXAMPLES]}
    sets = "\n".join(_data_set(module, split, tasks.words["licence"]) for split in data)
    for name in ("README.md", "requirements.txt"):
        yield name, _text(f"nemo_gym/{name}", tasks.words)
    yield f"configs/{module}.yaml", _text("nemo_gym/config.yaml", {**tasks.words, "datasets": sets})
    yield "app.py", (texts / "app.py").read_bytes()
    yield "tests/test_app.py", (texts / "test_app.py").read_bytes()
    yield VERIFY, (tasks.folder / FORM / VERIFY).read_bytes()
    for split, rows in data.items():
        lines = [json.dumps(_of_gym(row, module), ensure_ascii=False) for row in rows]
        yield f"data/{split}.jsonl", "".join(f"{line}\n" for line in lines).encode()


def _data_set(module: str, split: str, licence: str) -> str:
    path = f"resources_servers/{module}/data/{split}.jsonl"
    kind = "validation" if split == "evaluation" else split  # NeMo Gym has no third
    return f"      - name: {split}\n        type: {kind}\n        jsonl_fpath: {path}\n        license: {licence}"


def _of_gym(row: Row, module: str) -> dict[str, Any]:
    """Return a task as a row of NeMo Gym."""
    asked = [{"role": turn["role"], "content": turn["content"]} for turn in row["prompt"]]
    return {
        "responses_create_params": {"input": asked},
        "verifier_metadata": {name: row[name] for name in ("id", "kind", "verifier")},
        "reference": row["reference"],
        "agent_ref": {"type": "responses_api_agents", "name": f"{module}_simple_agent"},
    }
