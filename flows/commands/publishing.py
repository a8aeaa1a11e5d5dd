"""Commands about a finished dataset: what its papers say, its tasks as packages, who signed it, where it is put."""

from pathlib import Path
from typing import Annotated, Any

import typer

import wellspring
from wellspring.flows import terminal
from wellspring.flows.commands.options import JsonOption
from wellspring.tasks.contracts.errors import BrokenError

KeyOption = Annotated[str, typer.Option("--key", help="The public key of who signed it: ed25519:..., or FILE.pub.")]
AddressArgument = Annotated[str, typer.Argument(help="hf://ORG/NAME, or hf://ORG/NAME@REVISION.")]
FolderArgument = Annotated[Path, typer.Argument(help="The folder of an export or of a release.")]
SHOWN_CHARS = 110


def papers(
    folder: FolderArgument,
    reference: Annotated[
        str | None, typer.Argument(help="A sentence of the summary, such as 2.3-4, to list its rows.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what the papers of a dataset say, or list the rows that one of their sentences counts.

    Every export has papers beside its files: training_summary.md (the public summary of training content after the EU
    AI Act; the .json file says the same to programs), opt_outs.jsonl (each opt-out that was found, what said so, and
    what was done), croissant.json (Croissant 1.1 with RAI fields) and evidence.parquet (the rows behind each sentence).

    Without REFERENCE this lists the sentences of the summary: reference, number of rows, text. With one it lists these
    rows: kind, id, key. `wellspring trace ID` follows such an id to its page. Sentences about settings, and those that
    the provider fills in (exports.publisher), count no rows.
    """
    if reference is None:
        said = wellspring.papers(folder)
        if as_json:
            terminal.as_json(said)
            return
        rows = [(one["ref"], one["rows"] or "", one["text"][:SHOWN_CHARS]) for one in said]
        terminal.table("what the summary says", {"ref": "left", "rows": "right", "sentence": "left"}, rows)
        return
    found = wellspring.papers(folder, reference)
    if as_json:
        terminal.as_json(found)
        return
    listed = [(row["kind"], row["id"], row["key"]) for row in found]
    terminal.table(f"rows of {reference}", {"kind": "left", "id": "left", "key": "left"}, listed)


def environment(
    folder: FolderArgument,
    to: Annotated[Path, typer.Argument(help="A new folder.")],
    *,
    library: Annotated[str, typer.Option("--for", help="verifiers or nemo-gym.")] = "verifiers",
    as_json: JsonOption = False,
) -> None:
    """Write the tasks of a dataset as a package that reinforcement learning takes environments from.

    FOLDER has the form `tasks`. The package has all it needs: the tasks, the verifier's door, what the library wants,
    and its sandbox contract. For `verifiers` it is a Python package: `pip install TO`. For `nemo-gym` it is a resources
    server. No store and no network is needed. A folder that is not as its manifest says is refused.
    """
    made = wellspring.environment(folder, to, library)
    if as_json:
        terminal.as_json(made)
        return
    terminal.table("tasks", {"split": "left", "tasks": "right"}, list(made["tasks"].items()))
    terminal.say(f"{to}: {made['name']} for {made['library']}, {len(made['files'])} files")


def keys(
    file: Annotated[Path, typer.Argument(help="A new file for the private key.")], *, as_json: JsonOption = False
) -> None:
    """Make a pair of keys to sign datasets with.

    The private key is written to FILE, which you alone may read. Keep it: who has it signs in your name. The public key
    is written to FILE.pub and printed. Give it to those who get your datasets.
    """
    from wellspring.tasks.io import signatures

    public = signatures.make_keys(file)
    if as_json:
        terminal.as_json({"public_key": public, "private_key_file": str(file)})
    else:
        terminal.say(public)


def sign(
    folder: FolderArgument,
    *,
    key: Annotated[Path, typer.Option("--key", help="Your private key, made by `wellspring keys`.")],
    as_json: JsonOption = False,
) -> None:
    """Sign a dataset: vouch for its manifest, and so for each of its files.

    Wellspring first compares each file with the manifest. Then it writes manifest.sig beside it. Whoever has your
    public key can check the folder with `wellspring verify`, without a network. An export that is written anew has to
    be signed anew.
    """
    public = wellspring.sign(folder, key)
    if as_json:
        terminal.as_json({"public_key": public})
    else:
        terminal.say(f"signed by {public}")


def verify(folder: FolderArgument, *, key: KeyOption, as_json: JsonOption = False) -> None:
    """Check a signed dataset: whether every file is as its signer left it, and nothing was added or taken away.

    It needs the folder and the public key alone: no store, no network. Each thing that is wrong is named: a file that
    was changed, is missing, was added or is a link; a manifest that was changed; a signature by another key. The exit
    code is 1 then.
    """
    found = wellspring.verify(folder, key)
    if as_json:
        terminal.as_json({"is_whole": not found, "findings": found})
        if found:
            raise typer.Exit(1)
        return
    if found:
        said = "; ".join(f"{one['path']} {one['what']}" for one in found)
        raise BrokenError(f"{folder} is not as it was signed: {said}", hint="get it again from who signed it")
    terminal.say(f"{folder} is as it was signed")


def push(
    address: AddressArgument,
    folder: FolderArgument,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; show what would be sent.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Make a new dataset public; else it is private.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Publish a dataset on the Hugging Face Hub: one commit that makes it there what it is in the folder.

    The token is read from the environment (HF_TOKEN) and is written nowhere. HF_ENDPOINT names another server. Files
    that are there already are not sent again; files that the folder does not have are removed. A folder that is not as
    its manifest says is refused, and so is a card whose header the Hub does not take. Needs the extra `hub`.
    """
    _say(wellspring.push(address, folder, private=not public, dry_run=dry_run), as_json=as_json, is_dry=dry_run)


def pull(
    address: AddressArgument,
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Fetch a dataset from the Hugging Face Hub into a new folder, byte for byte.

    What came is compared with its manifest. If a file differs, nothing is put into the folder. Use `wellspring verify`
    to see who signed it. HF_TOKEN is needed for private datasets only. To build from a dataset of the Hub without a
    copy, give its address to `wellspring build`: --seeds hf://ORG/NAME/FILE. Needs the extra `hub`.
    """
    _say(wellspring.pull(address, folder), as_json=as_json)


def _say(facts: dict[str, Any], *, as_json: bool, is_dry: bool = False) -> None:
    if as_json:
        terminal.as_json(facts)
        return
    files = [*((path, "written") for path in facts["added"]), *((path, "removed") for path in facts["removed"])]
    terminal.table("files", {"path": "left", "what": "left"}, files)
    end = "nothing was sent" if is_dry else f"commit {facts['commit']}" if facts["commit"] else "nothing to do"
    terminal.say(f"{facts['to']}: {facts['bytes']:,} bytes, {facts['unchanged']} files unchanged; {end}")
