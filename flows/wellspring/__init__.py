"""Wellspring makes instruction data from web archives: grounded, audited, traceable to the byte.

    import wellspring

    built = wellspring.build(store="ws")              # the sample, with no key and no GPU
    built = wellspring.build(corpus="crawl.warc.gz", seeds="prompts.jsonl", store="ws", limit=200)

    with wellspring.open("ws") as store:
        store.rows("instructions")                    # a Polars frame of the rows in force
        store.refused("instructions")                 # what was refused, each with its reason
        print(store.trace(built.example_id))          # from a row back to the bytes of its page

Everything here is what the command line calls: the same options, the same words, the same errors. A second `build` does
only what is left and pays for nothing twice. `import wellspring` itself loads nothing and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import polars as pl

    from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError, WellspringError
    from wellspring.tasks.io.storage.store import Store
    from wellspring.tasks.spine.provenance.lineage import Impact, Node

__all__ = [
    "BrokenError",
    "Built",
    "Opened",
    "TransientError",
    "UsageError",
    "WellspringError",
    "build",
    "check_plugin",
    "diff",
    "environment",
    "estimate",
    "exclude",
    "excluded",
    "export",
    "forget",
    "include",
    "open",
    "papers",
    "pull",
    "push",
    "recipes",
    "release",
    "releases",
    "retry",
    "review",
    "rollback",
    "sign",
    "tune_prompt",
    "verify",
]
_ERRORS = ("BrokenError", "TransientError", "UsageError", "WellspringError")

Place = str | PathLike[str]
Places = Place | Sequence[Place] | None
Part = Literal["corpus", "grounding", "synthesis", "curation"]


def __getattr__(name: str) -> Any:
    """Load the errors when they are first named."""
    if name in _ERRORS:
        from wellspring.tasks.contracts import errors

        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Built:
    """What a build did. `facts` is what `wellspring build --json` prints."""

    store: Path
    facts: Mapping[str, Any] = field(repr=False)

    @property
    def run_id(self) -> str:
        """The run."""
        return self.facts["run_id"]

    @property
    def is_idle(self) -> bool:
        """Whether nothing was left to do: no row was due, no model was asked."""
        return self.facts["is_idle"]

    @property
    def files(self) -> list[Path]:
        """The exported files that are in place."""
        return [Path(file["path"]) for file in self.facts["files"]]

    @property
    def example_id(self) -> str:
        """An id to `trace`: of an exported row, else of a document, else empty."""
        return self.facts["example_id"]

    @property
    def stages(self) -> "pl.DataFrame":
        """One row a stage: rows in, out and refused, calls, cost in USD (None if unknown), seconds, reasons."""
        import polars as pl

        rows = [row | {"reasons": _counted(row["reasons"])} for row in self.facts["stages"]]
        return pl.DataFrame(rows, infer_schema_length=None)


def _say(line: str) -> None:
    from wellspring.flows import terminal

    terminal.hint(line)


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def build(
    corpus: Places = None,
    seeds: Places = None,
    store: Place = "ws",
    *,
    profile: Place | None = None,
    only: Part | None = None,
    replay: bool = False,
    want: int | None = None,
    by: Literal["recipe", "topic"] | None = None,
    prefect: bool | None = None,
    trust_store: bool = False,
    overrides: Sequence[str] = (),
    **settings: Any,
) -> Built:
    """Make a dataset from web archives, or go on with one.

    Args:
        corpus: WARC, WET, JSONL, Parquet, a folder of pages, or URIs; one or several.
        seeds: Human instructions, JSONL or Parquet; one or several.
        store: The directory with everything that a run knows. It is made where there is none.
        profile: `smoke`, `full`, or a TOML file. By default the sample's, if neither corpus nor seeds are named.
        only: One part of the job.
        replay: Answer from recorded completions only; send nothing.
        want: Build in rounds, each with more inputs, until so many rows are accepted, or inputs or budget are used up.
            `facts["want"]` says what was missing.
        by: Count the wanted rows by `recipe` or `topic`: so many of each.
        prefect: Run as a Prefect flow. By default where PREFECT_API_URL is set.
        trust_store: Take over what the store's own settings want: endpoints, keys, paths, addresses.
        overrides: Settings as `--set` takes them, such as `"models.generator.model=gpt-4.1"`.
        settings: Settings as values; a section is a mapping: `limit=200, models={"generator": {"model": "gpt-4.1"}}`.

    Raises:
        UsageError: Something that was given is wrong; nothing was started.
        TransientError: The run was parked (budget, quota, rate limit, a busy store): build again later.
        BrokenError: A person has to act; what was done is kept.
    """
    from wellspring.flows import building, choices

    corpora, lists = _listed(corpus), _listed(seeds)
    said = [*choices.overrides(corpora, lists, replay=replay), *choices.of_values(settings), *overrides]
    named = choices.profile(_text(profile), corpora, lists, trust=trust_store)
    if want is None:
        return Built(Path(store), building.build(named, Path(store), said, only=only, prefect=prefect))
    choices.refuse_part(only)
    return Built(Path(store), building.want(named, Path(store), said, want, by=by, prefect=prefect, say=_say))


def export(
    formats: str | Sequence[str] = (),
    store: Place = "ws",
    *,
    only: bool = False,
    since: str | None = None,
    profile: Place | None = None,
    trust_store: bool = False,
    overrides: Sequence[str] = (),
    **settings: Any,
) -> Built:
    """Write the dataset's files in more forms, beside those that are there; asks no model for what is there.

    Args:
        formats: Forms by name, such as messages, dpo or raw, or one of your own.
        store: The store.
        only: Only these forms; those that are there are taken away.
        since: A release. What is new or changed since then is written, too, in a folder beside the dataset; `facts`
            has it under `since`.
        profile: By default the settings of the store's latest run.
        trust_store: As for `build`.
        overrides: As for `build`.
        settings: As for `build`.

    Raises:
        UsageError: A form is unknown, or there is no such release.
        BrokenError: There is no store.
    """
    from wellspring.flows import building, choices, releasing

    said = building.forms([formats] if isinstance(formats, str) else list(formats), only=only)
    said += [*choices.of_values(settings), *overrides]
    named = choices.profile_of(Path(store), _text(profile), trust=trust_store)
    if since is not None:
        releasing.known(Path(store), since)
    facts = building.build(named, Path(store), said, only="curation", prefect=None)
    return Built(Path(store), facts if since is None else facts | {"since": releasing.since(Path(store), since)})


def release(
    name: str | None = None,
    store: Place = "ws",
    *,
    forward: bool = False,
    reason: str = "asked",
    key: Place | None = None,
) -> dict[str, Any]:
    """Freeze what is exported as a release: files, card, manifest and lineage, which never change.

    `STORE/releases/current` leads to it from then on, unless somebody rolled back.

    Args:
        name: Of the release, such as `v1.0`. It may be left out with `forward`.
        store: The store.
        forward: First take a rollback back: `current` follows new releases again.
        reason: Why `forward`; it lies with the journal.
        key: The file of a private key: the release is signed with it, as `sign` does.

    Returns:
        `name`, `folder`, `dataset`, `made_at`, `rows`, `files`, `bytes`, `digest`, `is_current`, `is_signed`,
        `is_whole`, `reissue_of`; with `key` also `public_key`; of a release that is made also `was_there` (the same
        one was made before) and `held_at` (the release that `current` stays at, or empty).

    Raises:
        UsageError: No release may be named so, or another one has the name; or the key is none: then none is made.
        BrokenError: Nothing is exported, or its files are not as they were written.
        TransientError: A run works on the store.
    """
    from wellspring.flows import releasing
    from wellspring.tasks.contracts.errors import UsageError
    from wellspring.tasks.io import signatures

    if name is None and not forward:
        raise UsageError("the release has no name", hint="such as: wellspring release v1.0")
    if name is None and key is not None:
        raise UsageError("a release is signed when it is made", hint="for one that is there: wellspring sign FOLDER")
    if key is not None:
        signatures.public(Path(key))
    moved = releasing.forward(Path(store), reason) if forward else {}
    if name is None:
        return moved
    made = releasing.release(Path(store), name)
    return made | {"is_signed": True, "public_key": sign(made["folder"], key)} if key else made


def releases(store: Place = "ws") -> list[dict[str, Any]]:
    """List the releases of a store, the oldest first.

    Args:
        store: The store.

    Returns:
        What `release` returns, for each; `is_held` says that somebody rolled back to it.

    Raises:
        BrokenError: There is no store.
    """
    from wellspring.flows import releasing

    return releasing.listed(Path(store))


def diff(
    a: str, b: str = "now", store: Place = "ws", *, profile: Place | None = None, trust_store: bool = False
) -> dict[str, Any]:
    """Say what differs between two releases, and why. Rows are matched by input and place, not by their ids.

    Args:
        a: A release, or `now`: what an export would give. That is rehearsed on a copy, and sends nothing.
        b: Likewise.
        store: The store.
        profile: The settings for `now`; by default those of the store's latest run.
        trust_store: As for `build`.

    Returns:
        `a` and `b` (name, digest, rows), `rows` (added, removed, changed, same), `why` (of each of the three, how many
        for which reason), `forms`, `settings` and `measures` side by side, `is_same`, and `changes`: a dict for each
        row that differs.

    Raises:
        UsageError: There is no such release.
        BrokenError: What an export would give is not known before a build.
    """
    from wellspring.flows import choices, releasing

    is_now = "now" in (a, b)
    named = choices.profile_of(Path(store), _text(profile), trust=trust_store) if is_now else ""
    return releasing.diff(Path(store), a, b, named)


def rollback(name: str, store: Place = "ws", *, reason: str = "asked") -> dict[str, Any]:
    """Have `STORE/releases/current` lead to an earlier release, and stay there until `release(forward=True)`.

    Args:
        name: The release.
        store: The store.
        reason: Why; it lies with the journal.

    Returns:
        As `release` does, and `before`: the release that was current.

    Raises:
        UsageError: There is no such release.
        BrokenError: It is damaged.
        TransientError: A run works on the store.
    """
    from wellspring.flows import releasing

    return releasing.rollback(Path(store), name, reason)


def exclude(
    ids: str | Sequence[str] = (), store: Place = "ws", *, where: str = "", reason: str = "asked"
) -> dict[str, Any]:
    """Leave rows, pages or anything else out of the next export, with all that rests on it. Nothing is deleted.

    Args:
        ids: Of anything; the beginning of an id is enough, and so is FILE:LINE of an export.
        store: The store.
        where: A condition on exported columns, such as `score < 5 and url contains 'forum'`. The rows that meet it now
            are named, each by its id.
        reason: Why; the card says it.

    Returns:
        `named` (ids that are new in quarantine), `already` (those that were in it), and `left_out`: what is in
        quarantine now, as `excluded` returns it.

    Raises:
        UsageError: Nothing is named, an id names nothing, the condition is none, or no exported row meets it.
        TransientError: A run works on the store.
    """
    from wellspring.flows import releasing

    return releasing.exclude(Path(store), [ids] if isinstance(ids, str) else list(ids), where, reason)


def include(
    ids: str | Sequence[str] = (), store: Place = "ws", *, everything: bool = False, reason: str = "asked"
) -> dict[str, Any]:
    """Take something out of quarantine: the next export has it again.

    Args:
        ids: As `excluded` lists them; the beginning is enough.
        store: The store.
        everything: All that is in quarantine.
        reason: Why.

    Returns:
        As `exclude` does.

    Raises:
        UsageError: Nothing is named, or an id is not in quarantine.
        TransientError: A run works on the store.
    """
    from wellspring.flows import releasing

    named = [ids] if isinstance(ids, str) else list(ids)
    return releasing.include(Path(store), named, reason, everything=everything)


def excluded(store: Place = "ws") -> list[dict[str, Any]]:
    """List what is in quarantine.

    Args:
        store: The store.

    Returns:
        A dict for each id: `id`, `reason`, and how many `instructions`, `answers` and `rewrites` rest on it.

    Raises:
        BrokenError: There is no store.
    """
    from wellspring.flows import releasing

    return releasing.excluded(Path(store))


def retry(
    store: Place = "ws",
    *,
    stage: str | None = None,
    reason: str | None = None,
    run: str | None = None,
    profile: Place | None = None,
    trust_store: bool = False,
    overrides: Sequence[str] = (),
    **settings: Any,
) -> Built:
    """Ask again for what was refused, and finish what broke; nothing that was answered is paid again.

    Args:
        store: The store.
        stage: Only what this stage refused.
        reason: Only what was refused for this.
        run: Only what this run refused.
        profile: By default the settings of the store's latest run.
        trust_store: As for `build`.
        overrides: As for `build`.
        settings: As for `build`.

    Raises:
        BrokenError: There is no store; or a person has to act.
        TransientError: The run was parked: try again later.
    """
    from wellspring.flows import building, choices

    named = choices.profile_of(Path(store), _text(profile), trust=trust_store)
    said = [*choices.of_values(settings), *overrides]
    return Built(Path(store), building.retry(named, Path(store), said, stage=stage, reason=reason, run=run))


def review(
    store: Place = "ws",
    *,
    to: Place | None = None,
    tool: Literal["argilla", "label-studio"] = "argilla",
    count: int = 50,
    seed: int = 0,
    recipe: str | None = None,
    marks: Place | None = None,
    by: str | None = None,
    profile: Place | None = None,
    trust_store: bool = False,
) -> dict[str, Any]:
    """Have people review rows: write a sample for a tool, or read marks back as scores of the judge `human:<by>`.

    A row that is marked `exclude` is left out of the next export, as `exclude` does, with the person's name.

    Args:
        store: The store.
        to: A new folder for a sample.
        tool: Who reads the sample.
        count: How many rows it has at most.
        seed: Another number takes other rows.
        recipe: Only rows of this recipe.
        marks: What came back: a file, or a folder of Argilla.
        by: Who gave the marks.
        profile: By default the settings of the store's latest run.
        trust_store: As for `build`.

    Returns:
        `rows` of a sample; or `new` marks and what is `left_out` now, as `excluded` returns it; and `agreements` of
        people with judges, where no sample was asked for.

    Raises:
        UsageError: Both are asked for, marks have no name beside them, or a file is not as it should be.
    """
    from wellspring.flows import choices, reviewing
    from wellspring.tasks.contracts.errors import UsageError
    from wellspring.tasks.io.storage.store import Store
    from wellspring.tasks.spine.watching import people

    if (to is not None and marks is not None) or (marks is None) != (by is None):
        raise UsageError("a review writes a sample, or reads marks of somebody", hint="give --to; or --marks and --by")
    if marks is not None and by is not None:
        named = choices.profile_of(Path(store), _text(profile), trust=trust_store)
        return dict(reviewing.marked(Path(store), named, Path(marks), by))
    with Store.read(Path(store)) as opened:
        if to is None:
            return {"agreements": people.agreements(opened)}
        return {"rows": reviewing.sample(opened, Path(to), tool, count=count, seed=seed, recipe=recipe)}


def estimate(
    corpus: Places = None,
    seeds: Places = None,
    store: Place = "ws",
    *,
    profile: Place | None = None,
    only: Part | None = None,
    pilot: int | None = None,
    want: int | None = None,
    by: Literal["recipe", "topic"] | None = None,
    trust_store: bool = False,
    overrides: Sequence[str] = (),
    **settings: Any,
) -> dict[str, Any]:
    """Say what a build would ask and cost, by stage, before anything is sent: rehearsed on a copy of the store.

    Args:
        corpus: As for `build`, like all the others.
        seeds: As for `build`.
        store: As for `build`.
        profile: As for `build`.
        only: As for `build`.
        pilot: Ask about so many inputs of each program first, and pay for them; what they took is gone by.
        want: Also say what so many accepted rows will probably cost, by the acceptance so far.
        by: As for `build`.
        trust_store: As for `build`.
        overrides: As for `build`.
        settings: As for `build`.

    Returns:
        `stages` (a dict each), `calls`, `recorded_calls`, `cost_usd` (None where a price is unknown), `seconds`,
        `unpriced` (models without a price), `stopped` (why the rehearsal ended early, or empty). With `want` a dict of
        that name: `accepted`, `missing`, `acceptance` (rows an input), `inputs`, `calls`, `cost_usd`; None where it is
        not known.

    Raises:
        UsageError: Something that was given is wrong.
    """
    from wellspring.flows import building, choices

    corpora, lists = _listed(corpus), _listed(seeds)
    said = [*choices.overrides(corpora, lists), *choices.of_values(settings), *overrides]
    named = choices.profile(_text(profile), corpora, lists, trust=trust_store)
    return building.estimate(named, Path(store), said, only=only, pilot=pilot, want=want, by=by)


def check_plugin(plugin: Place, *, profile: Place | None = None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Check a program file in a small store of its own, with the stand-in for a model; nothing is sent.

    Args:
        plugin: The file, or the name of a program.
        profile: Whose plug-in folders and knobs count; nothing else of it does.
        overrides: Settings as `--set` takes them, such as `"recipes.autoif.draws=2"`.

    Returns:
        `name`, `file`, `checks` (a dict each: `number`, `name`, `state`, `said`), `is_sound`, `calls`, `seconds`. A
        state is `green`, `red`, `warning`, or `not run` where another check is red.

    Raises:
        UsageError: There is no such file or program.
    """
    from wellspring.flows import checking

    return checking.check(str(plugin), _text(profile), list(overrides))


def tune_prompt(
    program: str,
    heading: str,
    examples: Place,
    store: Place = "ws",
    *,
    profile: Place | None = None,
    overrides: Sequence[str] = (),
    role: str = "",
    out: Place | None = None,
    trust_store: bool = False,
    say: "Callable[[str], None]" = lambda _: None,
    **search: int,
) -> dict[str, Any]:
    """Search for a prompt that does better on labelled examples than the one that is there.

    Args:
        program: The name of a program.
        heading: Which of its prompts.
        examples: A JSON Lines file: `{"fields": {...}, "wanted": ...}` a line; `wanted` is an object or a text.
        store: In whose journal answers are recorded.
        profile: As the command line takes it.
        overrides: Settings as `--set` takes them.
        role: Whose model answers; without it whom the program asks.
        out: Where the prompt file goes with the better prompt in its place; it is written where that is better on the
            examples that were kept out.
        trust_store: Whether the store's own profile may name servers and plug-ins.
        say: Is told how far it is.
        search: `groups`, `examples`, `proposals`, `rounds`, `arms`, `samples`, as the command line has them.

    Returns:
        `prompts` (a dict each: `text`, `tried`, `mean`, `kept_out`; the first is the one that is there), `best` (the
        place of the winner), `is_better`, `searched` and `kept_out` (examples), `refused` (proposals by reason),
        `calls`, `recorded_calls`, `written`.

    Raises:
        UsageError: Something that was given is wrong.
        TransientError: The budget is used up, or a server does not answer; the same call goes on later.
    """
    from wellspring.flows import choices, tuning
    from wellspring.tasks.contracts.settings import KEPT
    from wellspring.tasks.io.storage import links

    links.refuse(Path(store))
    is_new = profile is None and not (Path(store) / KEPT).is_file()
    named = None if is_new else choices.profile_of(Path(store), _text(profile), trust=trust_store)
    how: dict[str, Any] = {"role": role, "out": None if out is None else Path(out), "search": search, "say": say}
    return tuning.tune(program, heading, Path(examples), Path(store), named, list(overrides), **how)


def forget(
    store: Place = "ws",
    *,
    url: str | None = None,
    domain: str | None = None,
    source: str | None = None,
    policy: Literal["drop", "remake"] = "drop",
    near_copies: Literal["remove", "name"] = "remove",
    reason: str = "asked",
) -> dict[str, Any]:
    """Take a page, site or corpus out with everything made from it, for good.

    Args:
        store: The store.
        url: A page.
        domain: A site.
        source: A corpus file: its id or URI.
        policy: What becomes of rows that were only shown it.
        near_copies: Whether near copies on other pages go, too, or stay and are named in the receipt.
        reason: Why, for the tombstone.

    Returns:
        A receipt that was checked: what was looked for, and what was taken out of which table; and `unwritten`, a
        warning for each page of the dashboard that could not be drawn anew.

    Raises:
        UsageError: Nothing, or more than one thing, is named.
        TransientError: A run works on the store.
    """
    from wellspring.flows import forgetting

    what: dict[str, Any] = {"url": url, "domain": domain, "source": source}
    return forgetting.forget(Path(store), what, {"policy": policy, "near_copies": near_copies, "reason": reason})


def papers(folder: Place, reference: str | None = None) -> list[dict[str, Any]]:
    """Say what the papers of a dataset state, or list the rows that one of their sentences counts.

    Args:
        folder: An export or a release.
        reference: A sentence of the summary, such as `2.3-4`. By default all sentences are listed.

    Returns:
        A dict for each sentence (`ref`, `section`, `title`, `text`, `basis`, `evidence`, `rows`, `setting`), or for
        each row (`claim`, `key`, `kind`, `id`, `size`, `moment`, `detail`).

    Raises:
        UsageError: There is no such sentence, or it counts no rows.
        BrokenError: The folder has no papers.
    """
    from wellspring.tasks.spine.releases import papers as found

    return found.statements(Path(folder)) if reference is None else found.rows(Path(folder), reference).to_dicts()


def environment(folder: Place, to: Place, library: str = "verifiers") -> dict[str, Any]:
    """Write the tasks of a dataset as a package for reinforcement learning; it needs no store and no network.

    Args:
        folder: An export or a release with the form `tasks`.
        to: A new folder.
        library: `verifiers` or `nemo-gym`.

    Returns:
        `name`, `library`, `tasks` (by split) and `files`.

    Raises:
        UsageError: There is no such library, something lies at `to`, or the folder has no tasks.
        BrokenError: The folder is not as its manifest says.
    """
    from wellspring.tasks.io import environments

    return environments.write(Path(folder), Path(to), library)


def sign(folder: Place, key: Place) -> str:
    """Sign the manifest of a dataset, after a look at each file that it names.

    Args:
        folder: An export or a release; `manifest.sig` is written into it.
        key: The file of a private key, as `wellspring keys FILE` makes it.

    Returns:
        The public key, for `verify`.

    Raises:
        UsageError: The key is none, or others may read it.
        BrokenError: A file is not as the manifest says.
    """
    from wellspring.tasks.io import signatures

    return signatures.sign(Path(folder), Path(key))


def verify(folder: Place, key: str) -> list[dict[str, str]]:
    """Look for whatever is changed, missing or added in a signed dataset; it needs no store and no network.

    Args:
        folder: An export or a release.
        key: The public key of who signed it, or a file that holds it.

    Returns:
        A dict for each thing that is wrong: `path` and `what`. Nothing where all is as it was signed.

    Raises:
        UsageError: The key is none.
    """
    from wellspring.tasks.io import signatures

    return [one.as_dict() for one in signatures.verify(Path(folder), str(key))]


def push(address: str, folder: Place, *, private: bool = True, dry_run: bool = False) -> dict[str, Any]:
    """Make a dataset of the Hugging Face Hub what a folder is, in one commit. The token is HF_TOKEN.

    Args:
        address: `hf://org/name`.
        folder: An export or a release.
        private: Whether a dataset that is made now is private.
        dry_run: Send nothing; say what would be sent.

    Returns:
        `to`, `revision`, `added`, `removed` (paths), `unchanged` (how many), `bytes`, `commit`.

    Raises:
        UsageError: The address, the token or the card is refused.
        BrokenError: A file is not as the manifest says.
        TransientError: The Hub does not answer.
    """
    from wellspring.tasks.io.protocol import hub

    return hub.push(Path(folder), address, is_private=private, is_dry=dry_run).as_dict()


def pull(address: str, folder: Place) -> dict[str, Any]:
    """Fetch a dataset of the Hugging Face Hub into a new folder, byte for byte, and hold it to its manifest.

    Args:
        address: `hf://org/name`, or `hf://org/name@REVISION`.
        folder: A new folder.

    Returns:
        As `push`: what was fetched is `added`.

    Raises:
        UsageError: There is no such dataset, or something lies at `folder`.
        BrokenError: What came is not what its manifest says.
        TransientError: The Hub does not answer.
    """
    from wellspring.tasks.io.protocol import hub

    return hub.pull(address, Path(folder)).as_dict()


def recipes(
    name: str | None = None, *, profile: Place | None = None, overrides: Sequence[str] = ()
) -> list[dict[str, Any]] | dict[str, Any]:
    """Say what can stand in `instructions.recipes`, `scores.judges` and `responses.way`, or all that one's files say.

    Args:
        name: A recipe. By default all are listed.
        profile: Whose folders of plug-ins are looked through, too.
        overrides: Settings as `key=value`, such as `plugins=["recipes"]`.

    Returns:
        A dict for each: `name`, `system`, `paper`, `runs` (before or after answers, or `answers`), `takes`, `makes`,
        `most_calls`, `real_model`. Of one this dict, and its docstring (`about`), whom it asks (`roles`), its `knobs`,
        its `prompts` with the stand-in's `examples`, and an `example` answer to each.

    Raises:
        UsageError: There is no such recipe.
    """
    from wellspring.flows import recipes as found
    from wellspring.tasks.contracts import settings

    chosen = settings.load(None if profile is None else str(profile), overrides)
    return found.listed(chosen) if name is None else found.described(name, chosen)


class Opened:
    """A store to look at, also while a run works on it: as it was when it was opened. A context manager."""

    def __init__(self, store: "Store") -> None:
        """Take a store that was opened to read; `wellspring.open` does."""
        self._store = store

    def __repr__(self) -> str:
        """Name its place."""
        return f"wellspring.open({str(self._store.path)!r})"

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._store.path

    @property
    def as_of(self) -> "datetime | None":
        """When what is seen was so, in UTC."""
        return None if self._store.snapshot is None else self._store.snapshot.taken_at

    @property
    def tables(self) -> list[str]:
        """What `rows` knows."""
        from wellspring.tasks.spine.watching import frames

        return frames.tables()

    def rows(self, table: str) -> "pl.DataFrame":
        """Return the rows of a table that are in force: audited, published, of the methods that are asked for now.

        Args:
            table: `documents`, `instructions`, `responses`, `verdicts`, `exports` ...: see `tables`.

        Raises:
            UsageError: There is no such table; the message names those that come near.
        """
        from wellspring.tasks.spine.watching import frames

        return frames.rows(self._store, table)

    def refused(self, stage: str | None = None, reason: str | None = None) -> "pl.DataFrame":
        """Return what the methods in force refused: stage, input_id, reason, detail, run_id.

        Args:
            stage: Only of this stage.
            reason: Only for this reason.
        """
        from wellspring.tasks.spine.watching import frames

        return frames.refused(self._store, stage, reason)

    def trace(self, target: str) -> "Node":
        """Follow a row back to the bytes it came from.

        Args:
            target: An id (or its beginning) of any row, or of what was refused, or `FILE:LINE` of an export.

        Returns:
            A tree: kind, id, relation, facts, children. `str` draws it; `as_dict` is for JSON.

        Raises:
            UsageError: Nothing, or more than one thing, is meant.
        """
        from wellspring.tasks.spine.provenance import lineage

        return lineage.trace(self._store, target)

    def record(self, target: str, corpus: Places = None) -> bytes:
        """Return the bytes of the page that a row was made from, or of the record that was refused.

        Args:
            target: As for `trace`.
            corpus: Where the archive lies now, if it moved: files, folders or URIs.

        Raises:
            UsageError: It was made without a page.
            BrokenError: The archive is gone, or has changed since it was read.
        """
        from wellspring.tasks.spine.provenance import lineage

        return lineage.record_of(self._store, target, [str(place) for place in _listed(corpus)])

    def impact(self, **start: str | None) -> "Impact":
        """Say what depends on one thing: `url`, `domain`, `source`, `document`, `seed`, `prompt` or `model`.

        Raises:
            UsageError: Nothing, or more than one thing, is named.
        """
        from wellspring.tasks.spine.provenance import lineage

        return lineage.impact(self._store, **start)

    def status(self, run: str | None = None) -> dict[str, Any]:
        """Say what is done, due, refused, failed and running in each stage; or what each stage did in one run.

        Args:
            run: A run's id, or its beginning.
        """
        from wellspring.flows import looking

        return looking.status(self._store, run)

    def close(self) -> None:
        """Let go of it."""
        self._store.close()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        self.close()


def open(store: Place = "ws") -> Opened:  # noqa: A001 - read as `wellspring.open`
    """Open a store to look at it. It is left as it is; a run may work on it meanwhile.

    Raises:
        BrokenError: There is no store.
        UsageError: A newer Wellspring wrote it.
    """
    from wellspring.tasks.io.storage.store import Store

    return Opened(Store.read(Path(store)))


def _listed(places: Places) -> list[Place]:
    if places is None:
        return []
    return [places] if isinstance(places, str | PathLike) else list(places)


def _text(profile: Place | None) -> str | None:
    return None if profile is None else str(profile)
