"""What comes after a run: its outcome is written, and now its pages are drawn, which change nothing of it."""

from collections.abc import Sequence

from wellspring.tasks.contracts import records
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import pages
from wellspring.tasks.site.attempts import Attempts, Unwritten
from wellspring.tasks.spine.running.runs import Run, in_flow
from wellspring.tasks.spine.watching import marts

STAGE = "pages"  # of their rows in `failures`
MOST_SAID = 8  # pages that are named; more are counted


def show(run: Run) -> None:
    """Draw the pages of a run's store; each one that cannot be written is a warning, and a row of `failures`."""
    unwritten = _shortened(drawn(run.store))
    for one in unwritten:
        run.progress.note(warning(run.store, one))
    said = [records.Failure(STAGE, one.page, "", one.error, run.run_id) for one in unwritten]
    run.store.append("failures", said)
    _link(run)


def drawn(store: Store) -> list[Unwritten]:
    """Draw the site in turn with others, and return what could not be written: all of it, if its turn never came."""
    attempts = Attempts()
    with attempts.at("every page"), marts.alone(store.path):
        return pages.write_site(store)
    return attempts.unwritten


def warning(store: Store, one: Unwritten) -> str:
    """Say what could not be written, why, and what draws it again."""
    again = f"`wellspring dashboard --store {store.path}` draws it again"
    return f"warning: the page {one.page} could not be written: {one.error}; {again}"


def _shortened(unwritten: Sequence[Unwritten]) -> list[Unwritten]:
    """Name the first of them and count the others: what stops the pages of all runs stops thousands."""
    others = unwritten[MOST_SAID:]
    counted = [Unwritten(f"{others[0].page} (and {len(others) - 1} more)", others[0].error)] if others else []
    return [*unwritten[:MOST_SAID], *counted]


def _link(run: Run) -> None:
    """Link the run's page where Prefect's UI shows it; where nobody serves pages, say where the file is."""
    page = pages.of_run(run.store, run.run_id)
    if not (in_flow() and page.is_file()):
        return
    from prefect.artifacts import create_link_artifact, create_markdown_artifact

    key, said = f"{run.label}-run-page", f"The page of run {run.run_id}"
    if url := run.settings.pages.url:
        address = f"{url.rstrip('/')}/{page.relative_to(run.store.pages).as_posix()}"
        create_link_artifact(address, key=key, description=said)
    else:
        text = f"`{page}` on the worker; set `pages.url` to have a link here"
        create_markdown_artifact(text, key=key, description=said)
