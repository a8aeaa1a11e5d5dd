"""What several commands take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
