"""What can be known of a run before anything is read, paid or written: all that is wrong with it, in one error.

Paths, the form of seeds and benchmarks, names of methods, placeholders of prompts, keys, and whether servers answer.
What lies behind a URI is looked at when it is read. A store that has asked a model before may need none, so there a
server is asked by `Run.meet` alone.
"""

import ast
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module, resources, util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wellspring.tasks.contracts import casting, outside, parsing, prompting
from wellspring.tasks.contracts.errors import TransientError, UsageError, WellspringError
from wellspring.tasks.contracts.plugins import CHECKS, JUDGES, JUDGING, RECIPES, WAYS, Kind, texts
from wellspring.tasks.contracts.settings import Endpoint, Role, Settings, VerdictsSettings
from wellspring.tasks.io import score_files
from wellspring.tasks.io.corpora import benchmarks, conversations, corpus_files
from wellspring.tasks.io.corpora.own_formats import Own
from wellspring.tasks.io.protocol import prices
from wellspring.tasks.io.storage import links
from wellspring.tasks.io.vectors import encoder
from wellspring.tasks.methods.answers import pairs
from wellspring.tasks.methods.datasets import own_forms
from wellspring.tasks.methods.pages import quality
from wellspring.tasks.spine.running import answering, judging, recipes

DOOR_SECONDS = 2.0  # for a server to open its door; whether it answers well, `Run.meet` finds out
LEAST_ANSWER_TOKENS = 1024  # of a context, beside the longest prompt
HOSTS_WITH_KEYS = ("openai.com", "azure.com")

Look = Callable[[], object]


def look(settings: Settings, directory: str | Path, parts: Collection[str], *, is_sending: bool = True) -> None:
    """Look at everything that these parts of the main job (corpus, grounding, synthesis, curation) need.

    Args:
        settings: Of the run.
        directory: Its store, which need not be there.
        parts: Of the job.
        is_sending: Whether models will be asked; an estimate asks none.

    Raises:
        BrokenError: Something in the store is a link.
        UsageError: Something is wrong; the message names all of it.
        TransientError: Nothing is, but a server does not answer.
    """
    links.refuse(Path(directory).absolute())
    looks = [lambda: _store(Path(directory)), *_names(settings), *_prompts(), *_files(settings, parts)]
    if "corpus" in parts:
        looks.append(lambda: _some_corpus(settings, Path(directory)))
    faults = [fault for fault in map(_fault, looks) if fault is not None]
    has_asked = (Path(directory) / "completions.sqlite").is_file()
    if is_sending and not settings.replay and not has_asked:
        with ThreadPoolExecutor(16) as pool:  # each may take its seconds
            faults += [fault for fault in pool.map(_fault, _servers(settings, parts)) if fault is not None]
    if faults:
        raise _as_one(faults)


def _fault(one: Look) -> WellspringError | None:
    try:
        one()
    except WellspringError as error:
        return error
    return None


def _as_one(faults: list[WellspringError]) -> WellspringError:
    """Return one error for all: a person's mistake, unless servers that do not answer are all there is."""
    kind = TransientError if all(isinstance(fault, TransientError) for fault in faults) else UsageError
    said = dict.fromkeys((fault.message, fault.hint) for fault in faults)  # roles share servers
    if len(said) == 1:
        return kind(faults[0].message, hint=faults[0].hint)
    lines = [f"  {message}" + (f" ({hint})" if hint else "") for message, hint in said]
    return kind(
        "\n".join((f"{len(said)} things are in the way:", *lines)), hint="nothing was read, asked or written so far"
    )


def _store(directory: Path) -> None:
    """Make sure that the store can be made or written."""
    path = directory.absolute()
    if "?" in str(path) or outside.sound(str(path)) != str(path):
        raise UsageError(
            f"the store cannot be at {str(path)!r}: DuckDB takes no `?` in a path, and none that is not UTF-8",
            hint="choose another --store",
        )
    there = next(place for place in (path, *path.parents) if os.path.lexists(place))
    said = "is no folder" if not there.is_dir() else "" if os.access(there, os.W_OK | os.X_OK) else "cannot be written"
    if said:
        raise UsageError(
            f"the store {path} cannot be made: {there} {said}", hint="choose another --store, or free the place"
        )


def _names(settings: Settings) -> Iterator[Look]:
    """Look at every name of a method that the settings leave open."""
    for name in (*settings.documents.quality, *settings.seeds.quality):
        yield lambda name=name: quality.rules([name])
    for name in settings.instructions.recipes:
        yield lambda name=name: _recipe(name, settings, RECIPES)
    for name in settings.recipes:
        yield lambda name=name: _section(name, settings)
    yield lambda: answering.find(settings.responses.way, settings) and None
    yield from _judges(settings)
    for name in sorted({*settings.verdicts.checks, *settings.verdicts.computed} - {*VerdictsSettings().computed}):
        yield lambda name=name: _plugged(CHECKS, name, settings)
    for name in sorted({*settings.selections.beside}):
        yield lambda name=name: _plugged(WAYS, name, settings)
    for name in (*settings.exports.formats, *settings.exports.also):
        yield lambda name=name: own_forms.find(name, settings.plugins)
    yield lambda: pairs.way(settings.preferences.way, settings.plugins) and None
    yield lambda: Own(settings.formats, settings.plugins).versions and None
    yield lambda: prices.Prices(settings.models.prices)
    is_there = settings.embeddings.embedder == "auto" and not encoder.missing()
    if settings.embeddings.embedder == "encoder" or is_there:
        yield lambda: encoder.look() and None
    if settings.runner == "dask" and util.find_spec("distributed") is None:
        yield _dask


def _judges(settings: Settings) -> Iterator[Look]:
    for name in dict.fromkeys((*settings.judges_of_marks, *sorted(settings.scores.unasked))):
        yield lambda name=name: _judge(name, settings)
    for key in ("weights", "order"):
        name = getattr(settings.exports, key).partition(".")[0]
        if name and name not in {*settings.judges_of_marks, *settings.scores.unasked}:
            yield lambda key=key, name=name: _unmarked(key, name)
    for name in settings.methods:
        yield lambda name=name: judging.over_sets(name, settings)
    for name in sorted({*settings.selections.beside} & {"alike_tags", "alike_steps"} - {*settings.scores.computed}):
        yield lambda name=name: _untagged(name)


def _untagged(name: str) -> None:
    raise UsageError(
        f"the way to select `{name}` needs the tags of the method", hint=f"add `{name}` to scores.computed"
    )


def _unmarked(key: str, name: str) -> None:
    raise UsageError(
        f"`exports.{key}` goes by the marks of `{name}`, and it gives none",
        hint=f"name `{name}` in scores.computed, scores.imports or scores.judges",
    )


def _judge(name: str, settings: Settings) -> None:
    """Look at a judge; imported and computed scores go by names that no judge has."""
    if name in settings.scores.computed:
        judging.over_sets(name, settings)
    if name not in settings.scores.unasked:
        judging.find(name, settings)
        return
    if {name} <= {*settings.scores.imports} & {*settings.scores.computed}:
        raise UsageError(f"`{name}` is imported and computed", hint="give the imported scores a name of their own")
    if name in {**JUDGES.names(settings.plugins), **JUDGING.names(settings.plugins), **texts(JUDGES.room)}:
        section = "imports" if name in settings.scores.imports else "computed"
        raise UsageError(f"`scores.{section}.{name}`: a judge has this name", hint="give the scores another name")


def _recipe(name: str, settings: Settings, kind: Kind) -> None:
    """Look at a recipe: whether it is there, and its knobs are sound."""
    if recipes.find(name, settings, kind) is None:
        raise recipes.unknown(name, sorted(recipes.names(settings)))


def _section(name: str, settings: Settings) -> None:
    """Look at a section of knobs: whose they are, and whether they are sound."""
    if name in answering.names(settings):
        answering.find(name, settings)
    else:
        _recipe(name, settings, recipes.room_of(name, settings))


def _plugged(kind: Kind, name: str, settings: Settings) -> None:
    """Look at a check or a way to select; the methods that ours rest on are heavy, and no default loads them here."""
    module = import_module(kind.room)
    if name not in module.OURS.uses:
        module.theirs(name, settings.plugins)


def _dask() -> None:
    raise UsageError('runner = "dask" needs the extra `dask`', hint="pip install 'wellspring[dask]'")


def _prompts() -> Iterator[Look]:
    """Look at the placeholders of every prompt."""
    programs = {*recipes.names(), *JUDGING.names()}
    for package in ("wellspring.tasks.recipes", "wellspring.tasks.judges"):
        for file in resources.files(package).iterdir():
            if file.name.endswith(".md") and file.name != "README.md" and file.name[:-3] not in programs:
                yield lambda package=package, name=file.name[:-3]: _placeholders(package, name)


@cache
def _placeholders(package: str, name: str) -> None:
    """Fill in a prompt as its module does: by the fields that it names where it calls `render`."""
    module = resources.files(package) / f"{name}.py"
    if not module.is_file():
        raise UsageError(f"{package}.{name} has a prompt and no module", hint=f"add {name}.py, or take {name}.md away")
    for call in ast.walk(parsing.module(module.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "render":
            fields = [keyword.arg for keyword in call.keywords if keyword.arg]
            if len(fields) == len(call.keywords):  # else it fills in what only a row says
                prompting.template(package, name).render(**dict.fromkeys(fields, ""))


def _files(settings: Settings, parts: Collection[str]) -> Iterator[Look]:
    """Look at the files that the parts read: whether they are there, and what seeds and benchmarks look like."""
    if "corpus" in parts:
        for corpus in settings.sources.corpora:
            yield lambda path=corpus.path: None if "://" in path else corpus_files.expand(path)
    if "grounding" in parts:
        yield lambda: _some_seeds(settings)
        for path in settings.seeds.paths:
            yield lambda path=path: None if "://" in path else _seeds(path, settings)
    for name, path in settings.benchmarks.paths.items():
        yield lambda name=name, path=path: None if "://" in path else _benchmark(name, path)
    if "curation" in parts:
        for path in settings.scores.imports.values():
            yield lambda path=path: score_files.read(Path(path)) and None


def _some_corpus(settings: Settings, directory: Path) -> None:
    if not settings.sources.corpora and not (directory / "found").is_dir():  # of a live search
        raise UsageError(
            "the run names no corpus",
            hint="add --corpus PATH (an archive, JSONL, Parquet or a folder), or [[sources.corpora]] in the profile",
        )


def _some_seeds(settings: Settings) -> None:
    if not settings.seeds.paths:
        raise UsageError(
            "no seeds are named", hint="add --seeds prompts.jsonl, or `paths` under [seeds] in the profile"
        )


def _seeds(path: str, settings: Settings) -> None:
    own, columns = Own.of_seeds(settings), settings.seeds.columns
    for one in conversations.files([path]):
        conversations.make_sure(one, own=own, columns=columns)


def _benchmark(name: str, path: str) -> None:
    if not Path(path).is_file():
        raise UsageError(f"benchmark `{name}`: there is no file {path}", hint="correct it in [benchmarks.paths]")
    for _ in benchmarks.read({name: path}):
        return


def _servers(settings: Settings, parts: Collection[str]) -> Iterator[Look]:
    """Look at the servers that are asked: their keys, and whether they open their door."""
    for name, role in casting.cast(settings, recipes.roles(settings)).items():
        if name == "embedder" or set(parts) != {"corpus"}:
            for endpoint in role.endpoints:
                if endpoint.base_url != casting.OFFLINE:
                    yield lambda role=role, endpoint=endpoint: _key(role, endpoint)
                    yield lambda role=role, endpoint=endpoint: _door(role, endpoint)


def _key(role: Role, endpoint: Endpoint) -> None:
    """Miss a key where a variable was named for it, or where everybody needs one; own servers often need none."""
    from wellspring.tasks.io.protocol import servers

    variable, host = endpoint.key_env, urlsplit(servers.address_of(endpoint)).hostname or ""
    is_named = variable not in {"", Endpoint().key_env}
    if not servers.reached(role, endpoint)[1] and (is_named or host.endswith(HOSTS_WITH_KEYS)):
        raise UsageError(
            f"the key of {servers.name_of(endpoint)} is read from {variable or 'no variable'}, which is not set",
            hint=f"set {variable or 'key_env'}, or name another variable in models.key_env",
        )


def _door(role: Role, endpoint: Endpoint) -> None:
    from wellspring.tasks.io.protocol import servers

    try:
        url = urlsplit(servers.reached(role, endpoint)[0])
    except UsageError:
        return  # said by `_key`
    where = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
    try:
        socket.create_connection(where, DOOR_SECONDS).close()
    except OSError as error:
        raise TransientError(
            f"{servers.name_of(endpoint)} does not answer at {where[0]}:{where[1]}: {error.strerror or error}",
            hint="check base_url, check that the server runs, then run the same command",
        ) from error


def narrow(known: Mapping[str, Mapping[str, Any]], settings: Settings) -> Iterator[str]:
    """Say which servers have a context that is less than the longest prompt with a short answer, and what to set.

    Args:
        known: What is known of each server, by its address and the model.
        settings: With `instructions.prompt_tokens`, the bound on a prompt with its demonstrations.
    """
    asked, longest = settings.models.generator.model, settings.instructions.prompt_tokens
    for name, ability in known.items():
        context = ability.get("context", 0)
        if name.endswith(f" {asked}") and 0 < context < longest + LEAST_ANSWER_TOKENS:
            fitting = max(context - LEAST_ANSWER_TOKENS, context // 2)
            yield (
                f"{name}: its context of {context:,} tokens has no room for prompts of {longest:,}: what does not fit"
                f" is refused as too_long; set instructions.prompt_tokens={fitting}, or start it with more"
            )
