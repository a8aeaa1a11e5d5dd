"""Rows for people to read, and what they said of them: a sample as a file, marks back as scores, how far they agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wellspring.flows.jobs import begin, job
from wellspring.tasks import scores
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import review_files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import exclusions
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.watching import people

PAGE_CHARS = 20_000


def sample(store: Store, folder: Path, form: str, *, count: int, seed: int, recipe: str | None) -> int:
    """Write rows that no person has looked at, for a tool of review; return how many.

    Args:
        store: The store.
        folder: Where to: a folder that is empty or not there.
        form: `argilla` or `label-studio`.
        count: How many at most.
        seed: Another number takes other rows.
        recipe: Only rows of this recipe.

    Raises:
        UsageError: The folder holds something, or there is no such row.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something already", hint="name a folder that is empty or not there")
    params = {"seed": seed, "most": count, "recipe": recipe, "chars": PAGE_CHARS}
    rows = store.query("exports/to_review", **params).to_dicts()
    if not rows:
        raise UsageError("there is no exported row that no person has looked at", hint="build, or name another recipe")
    if form == "argilla":
        review_files.write_argilla(rows, folder, f"wellspring-{store.path.resolve().name}-{seed}")
    else:
        review_files.write_label_studio(rows, folder)
    return len(rows)


@job
def review(profile: str = "full", store: str = "ws", overrides: list[str] | None = None) -> None:
    """Write marks of people as scores of their own, audit them, and exclude what they say. No model is asked."""
    with begin("review", settings.load(profile, overrides or ()), store) as run:
        scores.review(run)
        validation.audit(run, "scores", may_be_empty=True)
        exclusions.by_marks(run.store)


def marked(store: Path, profile: str, marks: Path, person: str) -> Mapping[str, Any]:
    """Take what a person said from a file, keep it with the store, write it as scores, and exclude what it says.

    Args:
        store: Its directory.
        profile: Settings of the store.
        marks: The file, or a folder that Argilla wrote.
        person: The name, in small letters.

    Returns:
        `new` marks, `agreements` with judges and other people, and `left_out`: what is in quarantine now.

    Raises:
        UsageError: The file has no marks, or the name is none.
    """
    new = people.keep(store, person, review_files.read(marks))
    review.fn(profile, str(store), None)
    with Store.read(store) as opened:
        out = exclusions.excluded(opened)
        return {"new": new, "agreements": people.agreements(opened), "left_out": out}
