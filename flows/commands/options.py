"""What several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from wellspring import Part

StoreOption = Annotated[
    Path,
    typer.Option("--store", help="The store: the folder with everything that runs know.", envvar="WELLSPRING_STORE"),
]
ProfileOption = Annotated[
    str | None, typer.Option(help="Settings: smoke, full, or a TOML file (`wellspring init` writes one).")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="One setting, such as limit=200 or exports.name=mine. Repeat it for more."),
]
CorpusOption = Annotated[
    list[str] | None,
    typer.Option(help="Pages: WARC, ARC, WET, JSONL, Parquet, a folder, a glob or a URI. Repeat it for more."),
]
SeedsOption = Annotated[
    list[str] | None, typer.Option(help="Instructions that people wrote: JSONL or Parquet. Repeat it for more.")
]
OnlyOption = Annotated[Part | None, typer.Option(help="Do only one part of the job.")]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-store", help="Accept the servers, keys, paths and addresses in the settings of a store from elsewhere."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the facts as JSON on stdout, and an error, too.")]
PageOption = Annotated[str | None, typer.Option("--url", help="A page, by its address.")]
SiteOption = Annotated[str | None, typer.Option("--domain", help="A site, such as example.org.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="A corpus file, by its id or URI.")]

STORE = Path("ws")
