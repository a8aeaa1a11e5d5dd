"""What `wellspring doctor` looks at: what has to be right before a run, each with what to do if it is not."""

import contextlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import casting
from wellspring.tasks.contracts.errors import UsageError, WellspringError
from wellspring.tasks.contracts.settings import Endpoint, Role, Settings
from wellspring.tasks.io import containment, sandbox
from wellspring.tasks.io.corpora import conversations
from wellspring.tasks.io.corpora.own_formats import Own
from wellspring.tasks.io.storage import journal, mounts
from wellspring.tasks.io.storage import store as stores
from wellspring.tasks.io.vectors import encoder
from wellspring.tasks.judges.loading import OF_SEEDS
from wellspring.tasks.spine.running import origin, recipes, runs
from wellspring.tasks.spine.vectors import ceilings, contamination, embedders

LEAST_FREE_BYTES = 2 * 2**30
EARLIEST_YEAR = 2026
NAME_BENCHMARKS = 'name yours in [benchmarks.paths] of the profile, or one that ships: ifeval = "shipped:ifeval"'
SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `is_optional`: a run works without it."""

    what: str
    is_fine: bool
    found: str
    remedy: str = ""
    is_optional: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return asdict(self)


def examine(settings: Settings, directory: str | Path) -> list[Finding]:
    """Look at everything that a run with these settings on this store needs."""
    looks: list[Callable[[], Finding]] = [
        _python,
        _packages,
        _extras,
        _faiss,
        _gpu,
        _sandbox,
        lambda: _disk(Path(directory)),
        lambda: _file_system(Path(directory)),
        lambda: _store(Path(directory)),
        lambda: _journal(Path(directory) / "completions.sqlite"),
        _clock,
        _prefect,
    ]
    return [look() for look in looks] + [
        _embedders(settings),
        _benchmarks(settings),
        *_thresholds(settings),
        *([_seeds(settings)] if settings.seeds.paths else []),
        _cast(settings),
        *_endpoints(settings),
    ]


def _embedders(settings: Settings) -> Finding:
    """Look at who embeds which texts, and whether what that needs is there."""
    said = "; ".join(
        f"{row['texts']}: {row['embedder']}, {row['unset cosines']}" for row in ceilings.in_force(settings)
    )
    try:
        if "encoder" in {embedders.kind(settings.embeddings, noun) for noun in embedders.SPACES}:
            encoder.look()
    except WellspringError as error:
        return Finding("embedders", False, error.message, error.hint)
    is_bare = settings.embeddings.embedder == "auto" and bool(encoder.missing())
    remedy = "an encoder finds what means the same in other words: pip install 'wellspring[encoder]'" if is_bare else ""
    return Finding("embedders", True, said, remedy, is_optional=True)


def _benchmarks(settings: Settings) -> Finding:
    """Look at what must not be in the dataset: whether anything is named, and can be read."""
    try:
        looked_for = contamination.looked_for(settings.benchmarks)
    except WellspringError as error:
        return Finding("benchmarks", False, error.message, error.hint)
    if not looked_for:
        said = "no benchmark is looked for: none is named, and `not_contaminated` is asked of no row"
        return Finding("benchmarks", False, said, NAME_BENCHMARKS, is_optional=True)
    return Finding(
        "benchmarks", True, ", ".join(f"{row['benchmark']} ({row['prompts']} prompts)" for row in looked_for)
    )


def _thresholds(settings: Settings) -> list[Finding]:
    """Say which marks of seven are asked for: nobody measured how good a row with such a mark is."""
    asked: dict[str, float] = {"seeds.min_score": settings.seeds.min_score}
    if OF_SEEDS in settings.scores.judges:
        asked["selections.min_score"] = settings.selections.min_score
    said = ", ".join(f"{name} = {least}" for name, least in asked.items() if least > 0)
    remedy = "look at the marks of your judge on the Quality page before you trust it"
    found = f"{said} of 7: unmeasured, for the criteria are in our words and the judge is yours"
    return [Finding("least marks", True, found, remedy, is_optional=True)] if said else []


def _seeds(settings: Settings) -> Finding:
    """Look at the sets of conversations: whether each can be read, and which columns are taken for what."""
    own, named, said = Own.of_seeds(settings), settings.seeds.columns, list[str]()
    try:
        for path in conversations.files([one for one in settings.seeds.paths if "://" not in one]):
            conversations.make_sure(path, own=own, columns=named)
            told = [f"{ours} is `{name}`" for ours, name in conversations.columns_of(path, own, named).items()]
            said.append(f"{str(path).rpartition('/')[2]}: {', '.join(told) or 'as it is'}")
    except WellspringError as error:
        return Finding("seeds", False, error.message, error.hint)
    remedy = "" if named else "columns that were guessed wrongly: name them by `columns` under [seeds] in the profile"
    return Finding("seeds", True, "; ".join(said), remedy if any("is `" in one for one in said) else "")


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), found, "" if sys.version_info >= (3, 11) else "3.11 or newer")


def _packages() -> Finding:
    found = origin.versions()
    return Finding("packages", True, ", ".join(f"{k} {v}" for k, v in found.items() if k != "python"))


def _extras() -> Finding:
    extras = {"dask": "distributed", "models": "sentence_transformers", "files": "pypdf"}
    found = [name for name, module in extras.items() if importlib.util.find_spec(module) is not None]
    missing = "" if "dask" in found else "for more than one machine: pip install 'wellspring[dask]'"
    return Finding("extras", True, ", ".join(found) or "none", missing, is_optional=True)


def _faiss() -> Finding:
    if importlib.util.find_spec("faiss") is None:
        return Finding("FAISS", False, "not installed", "pip install 'wellspring[cpu]' (or [gpu] with CUDA 12)")
    return Finding("FAISS", True, f"OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', 'not set')}")


def _gpu() -> Finding:
    if importlib.util.find_spec("faiss") is None:
        return Finding("GPU", False, "unknown without FAISS", is_optional=True)
    from wellspring.tasks.io.vectors import index

    count = index.gpus()
    has_driver = shutil.which("nvidia-smi") is not None
    remedy = "pip install 'wellspring[gpu]' in place of [cpu]" if has_driver and not count else ""
    return Finding("GPU", True, f"{count} that FAISS can use" if count else "none; it runs on the CPU", remedy)


def _sandbox() -> Finding:
    """Look at which engines run code of models here; code that none can run gets no verdict."""
    tier = containment.tier()
    remedy = "" if tier.is_there else "code that the first engine lacks gets no verdict; Linux 5.13 or newer runs more"
    return Finding("sandbox", tier.is_there, sandbox.said(), remedy, is_optional=True)


def _disk(directory: Path) -> Finding:
    there = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free
    is_writable = os.access(there, os.W_OK)
    remedy = "" if free > LEAST_FREE_BYTES else "free some space: a full disk stops a run (nothing is lost)"
    return Finding(
        "disk",
        free > LEAST_FREE_BYTES and is_writable,
        f"{free / 2**30:.1f} GiB free at {there}" + ("" if is_writable else ", not writable"),
        remedy or ("" if is_writable else "choose another --store"),
    )


def _file_system(directory: Path) -> Finding:
    said = mounts.said()
    kind = mounts.file_system(directory, said)
    if not kind:
        return Finding("file system", True, "unknown", is_optional=True)
    is_local = not mounts.network(directory, said)
    remedy = (
        "" if is_local else "put the store on a local disk: locks and fsync of network file systems cannot be trusted"
    )
    return Finding("file system", is_local, kind, remedy)


def _store(directory: Path) -> Finding:
    holder = stores.holder(directory)
    if holder is not None:
        said = f"process {holder.get('pid')} on {holder.get('host')} works on it (run {holder.get('owner')})"
        return Finding("store", True, said, "wait for it, or --set wait=true", is_optional=True)
    if not (directory / "wellspring.duckdb").is_file():
        return Finding("store", True, f"none in {directory} yet", "wellspring build", is_optional=True)
    try:
        with stores.Store.read(directory) as store:
            crashed = store.query("runs/crashed").height
    except WellspringError as error:
        return Finding("store", False, error.message, error.hint)
    said = f"opens; {crashed} runs were killed" if crashed else "opens"
    return Finding("store", True, said, "the next run marks them and goes on" if crashed else "")


def _journal(path: Path) -> Finding:
    """Look at the file of paid answers, beside a run that writes it."""
    if not path.is_file():
        return Finding("journal", True, "none yet: no model was asked", is_optional=True)
    with path.open("rb") as file:
        is_whole = file.read(len(SQLITE)) == SQLITE
    if not is_whole:
        remedy = "`wellspring build` saves what can be read of it; what cannot is asked, and paid, again"
        return Finding("journal", False, f"{path} is no SQLite file", f"{remedy}, unless you restore a backup first")
    try:
        stores.refuse_newer(path.parent)
        ended = journal.outcomes(path)
    except WellspringError as error:
        return Finding("journal", False, error.message, error.hint)
    unknown = sum(n for outcome, _, n in ended if outcome == "open")
    said = f"{sum(n for *_, n in ended):,} attempts in {path.stat().st_size / 2**20:,.1f} MiB"
    return Finding("journal", True, said + (f"; {unknown} without an end" if unknown else ""))


def _clock() -> Finding:
    now = datetime.now(UTC)
    is_fine = now.year >= EARLIEST_YEAR and time.monotonic() > 0
    remedy = "" if is_fine else "set the clock: TLS refuses certificates, and runs would be out of order"
    return Finding("clock", is_fine, now.isoformat(timespec="seconds"), remedy)


def _prefect() -> Finding:
    url = os.environ.get("PREFECT_API_URL", "")
    said = url or "no PREFECT_API_URL: builds run without a server"
    return Finding("Prefect", True, said, "" if url else "for schedules: prefect server start", is_optional=True)


def _cast(settings: Settings) -> Finding:
    """Look at who is asked for what: the stand-in must not pass for a real model, nor choose among its rows."""
    try:
        casting.refuse_stand_ins(settings, recipes.roles(settings))
    except UsageError as error:
        return Finding("models", False, error.message, error.hint)
    roles = casting.cast(settings, recipes.roles(settings))
    said = "; ".join([*(f"{name}: {role.model}" for name, role in roles.items()), *recipes.played(settings)])
    is_real = not any(casting.is_stand_in(role.model) for role in roles.values())
    hints = [*([] if is_real else [casting.NOT_FOR_TRAINING]), *recipes.alike(settings)]
    return Finding("models", True, said, " ".join(hints))


def _endpoints(settings: Settings) -> list[Finding]:
    roles = ("generator", "judge", "responder", *settings.models.roles)
    if settings.embeddings.embedder == "endpoint":
        roles += ("embedder",)
    asked: dict[tuple[str, str], Finding] = {}
    for name in roles:
        role = settings.models.by_name[name]
        for endpoint in role.endpoints:
            key = (endpoint.base_url, endpoint.key_env)
            if key not in asked:
                asked[key] = _endpoint(f"{name}: {role.model}", role, endpoint)
    return list(asked.values())


def learned(settings: Settings, directory: Path) -> list[Finding]:
    """Ask each server two short questions, and say what it takes; what is learned is kept where there is a store."""
    from wellspring.tasks.io.models.acquaintance import described
    from wellspring.tasks.io.models.llm import Models

    roles = runs.met_roles(settings)
    if not roles:
        return []
    with contextlib.ExitStack() as stack:
        has_store = (directory / "completions.sqlite").is_file()
        where = directory if has_store else stack.enter_context(tempfile.TemporaryDirectory())
        try:
            known = stack.enter_context(Models(settings, where, "doctor")).meet(roles, again=True)
        except WellspringError as error:
            return [Finding("models", False, error.message, error.hint)]
    return [Finding(name, True, described(ability)) for name, ability in known.items() if ability]


def _endpoint(what: str, role: Role, endpoint: Endpoint) -> Finding:
    if endpoint.base_url == "offline":
        return Finding(what, True, "the offline stand-in, which is extractive and not a language model")
    from wellspring.tasks.io.protocol import servers

    try:
        models = servers.listed_models(role, endpoint)
    except WellspringError as error:
        return Finding(what, False, error.message, error.hint or "check base_url and the key's variable")
    if models is None:
        return Finding(what, True, "answers, and lists no models")
    served = role.model in models
    said = (
        "answers, and serves it"
        if served
        else "answers" + ("" if not models else f", and lists {len(models)} models, but not {role.model}")
    )
    return Finding(what, True, said, "" if served else f"it lists: {', '.join(models[:5])}" if models else "")
