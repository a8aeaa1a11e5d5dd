"""Make what was refused due again, and run the main job: what `wellspring retry` and the daily deployment do."""

from wellspring.flows.dataset import PARTS, dataset
from wellspring.flows.jobs import begin, job
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.running import runs


@job
def retry(
    profile: str = "full",
    store: str = "ws",
    overrides: list[str] | None = None,
    stage: str | None = None,
    reason: str | None = None,
    run_id: str | None = None,
) -> None:
    """Reopen refusals of a stage, a reason or a run, and do what is due. What was answered is never asked again.

    Without any of the three it reopens only what a server refused; broken shards and killed runs are due anyway.
    """
    chosen = settings.load(profile, overrides or ())
    with begin("retry", chosen, store, parts=PARTS) as run:
        run.meet()
        retrying.reopen(run, stage=stage, reason=reason, run_id=run_id)
        runs.called(dataset)(profile, store, overrides)
