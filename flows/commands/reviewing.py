"""The command with which people review rows."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import wellspring
from wellspring.flows import terminal
from wellspring.flows.commands.options import STORE, JsonOption, ProfileOption, StoreOption, TrustOption


class Tool(StrEnum):
    """Tools of review whose files are written."""

    argilla = "argilla"
    label_studio = "label-studio"


def review(
    *,
    store: StoreOption = STORE,
    to: Annotated[Path | None, typer.Option(help="Write a sample of rows into this new folder.")] = None,
    tool: Annotated[Tool, typer.Option("--for", help="The tool that reads the sample.")] = Tool.argilla,
    count: Annotated[int, typer.Option(min=1, help="How many rows the sample has at most.")] = 50,
    seed: Annotated[int, typer.Option(help="Another number takes other rows.")] = 0,
    recipe: Annotated[str | None, typer.Option(help="Only rows of this recipe.")] = None,
    marks: Annotated[
        Path | None, typer.Option(help="Read marks: of a page, of Argilla (a folder), or of Label Studio (JSON).")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who gave the marks, in small letters.")] = None,
    profile: ProfileOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have people review rows: write a sample for a tool, or read the marks back as scores of their own.

    Without --to and --marks it shows how far people agree with judges and with each other. A person's marks are scores
    of the judge `human:NAME`. They never change a row, and the card of the next export shows the agreement. A row that
    a person marks as one to exclude is left out of the next export, until `wellspring include` brings it back. The
    sample holds texts of rows and pages, whatever `pages.show_values` says: it goes only where you put it.
    """
    sampling: dict[str, Any] = {"to": to, "tool": tool.value, "count": count, "seed": seed, "recipe": recipe}
    found = wellspring.review(store, marks=marks, by=by, profile=profile, trust_store=trust, **sampling)
    if as_json:
        terminal.as_json(found)
        return
    if to is not None:
        terminal.say(f"{found['rows']} rows in {to}")
    if marks is not None:
        terminal.say(f"{found['new']} new marks of {by}")
        if own := sum(one["reason"].startswith(f"human:{by}: ") for one in found["left_out"]):
            terminal.hint(f"{own} of {by} are left out of the next export; `wellspring excluded` lists them")
    if to is None:
        columns = {"person": "left", "judge": "left", "rows": "right", "agree": "right", "kappa": "right"}
        rows = [(one["person"], one["judge"], one["rows"], one["agree"], one["kappa"]) for one in found["agreements"]]
        terminal.table("how far people agree with judges, on rows that both marked", columns, rows)
