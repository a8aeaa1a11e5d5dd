"""What a store's status is made of: its tables, and the methods of this code under the store's latest settings."""

from collections.abc import Mapping
from typing import Any

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.storage.store import Store


def status(store: Store, run: str | None = None) -> dict[str, Any]:
    """Return what is done, due, refused, failed and running in each stage; or what each stage did in one run.

    Returns:
        The facts of `stage_status.of_store`, and `unknown`: why this code cannot say what its methods make due.
        That is empty where it can.
        Of a run, the facts of `summaries.of_run`.

    Raises:
        UsageError: No run, or more than one, has such an id.
    """
    from wellspring.tasks.spine.watching import stage_status, summaries

    if run is not None:
        return summaries.of_run(store, run)
    work = stage_status.at_work_now(store.path)
    methods, unknown = _methods(store)
    return stage_status.of_store(store, methods, work) | {"unknown": unknown}


def _methods(store: Store) -> tuple[Mapping[str, Mapping[str, str]], str]:
    """Return the methods of this code under the settings of the store's latest run, and why they are not known.

    There are none before there was a run, and none for settings of a store from elsewhere, which are not followed.
    """
    if not (store.path / "settings.json").is_file():
        return {}, ""
    from wellspring.flows import choices
    from wellspring.tasks import documents, groundings, instructions, passages, responses, scores, seeds, verdicts
    from wellspring.tasks.contracts import settings
    from wellspring.tasks.spine.watching import stage_status

    asked = (
        *(documents.extract, passages.split, seeds.ingest, groundings.attribute, instructions.synthesize),
        *(responses.respond, verdicts.check, scores.judge),
    )
    try:
        chosen = settings.load(choices.profile_of(store.path, None))
        return stage_status.methods(store, chosen, [stage.__wrapped__ for stage in asked]), ""
    except BrokenError as error:
        return {}, error.message
