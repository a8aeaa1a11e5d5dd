"""What several commands take, and how it becomes a profile and overrides."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wellspring.tasks.contracts.errors import BrokenError, UsageError


class Part(StrEnum):
    """A part of the main job."""

    corpus = "corpus"
    grounding = "grounding"
    synthesis = "synthesis"
    curation = "curation"


StoreOption = Annotated[
    Path, typer.Option("--store", help="The store: a directory with everything a run knows.", envvar="WELLSPRING_STORE")
]
ProfileOption = Annotated[
    str | None, typer.Option(help="smoke, full, or a TOML file of your own (`wellspring init` writes one).")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, as key=value; a dotted key reaches into a section. Again for more."),
]
CorpusOption = Annotated[
    list[str] | None, typer.Option(help="A WARC, WET, JSONL, Parquet, a folder of pages, or a URI. Again for more.")
]
SeedsOption = Annotated[list[str] | None, typer.Option(help="Human instructions: JSONL or Parquet. Again for more.")]
OnlyOption = Annotated[Part | None, typer.Option(help="One part of the job.")]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-store", help="Take over what the store's own settings want: endpoints, keys, paths, addresses."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Facts as JSON on stdout; an error, too.")]
PageOption = Annotated[str | None, typer.Option("--url", help="A page.")]
SiteOption = Annotated[str | None, typer.Option("--domain", help="A site.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="A corpus file: its id or URI.")]

STORE = Path("ws")


def profile(named: str | None, corpora: list[str] | None, seeds: list[str] | None, *, trust: bool = False) -> str:
    """Return the profile that is named; the sample's is for those who name nothing of their own."""
    return _trusted(named or ("defaults" if corpora or seeds else "smoke"), trust=trust)


def profile_of(store: Path, named: str | None, *, trust: bool = False) -> str:
    """Return the profile that is named, or the settings of the store's latest run.

    Raises:
        BrokenError: None is named, and there is no store; or something in it is a link.
    """
    from wellspring.tasks.contracts.settings import KEPT
    from wellspring.tasks.io import links

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


def overrides(
    corpora: list[str] | None, seeds: list[str] | None, chosen: list[str] | None, *, replay: bool = False
) -> list[str]:
    """Say the options as `key=value`, so that a flow gets one kind of thing, from the shell or from Prefect."""
    said: list[str] = []
    if corpora:
        said.append("sources.corpora=[" + ", ".join(f"{{path = {_toml(_absolute(c))}}}" for c in corpora) + "]")
    if seeds:
        said.append("seeds.paths=[" + ", ".join(_toml(_absolute(s)) for s in seeds) + "]")
    if replay:
        said.append("replay=true")
    return said + list(chosen or ())


def _toml(text: str) -> str:
    """Return a text as TOML has it: as JSON, but for pairs of surrogates, which it does not know, and DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _absolute(path: str) -> str:
    """A path means the same when the settings are used again from another directory.

    Raises:
        UsageError: Its name is no UTF-8, so that it cannot be written down.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the name {path!r} is not UTF-8, and cannot be written down", hint="rename it, or name the folder it is in"
        ) from None
    return path if "://" in path else str(Path(path).absolute())
