"""Audit what no audit has passed yet, and write the dashboard: the hourly look at a store."""

from wellspring.flows.jobs import begin, job
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.spine.running import validation


@job
def quality(profile: str = "full", store: str = "ws", overrides: list[str] | None = None) -> None:
    """Audit rows that a killed or failed run left unaudited, and write the pages and metrics anew.

    It asks no model. A store that another run holds is left to that run, which audits and writes pages itself.
    """
    with begin("quality", settings.load(profile, overrides or ()), store) as run:
        for noun in STAGES:
            validation.audit(run, noun, may_be_empty=True)
