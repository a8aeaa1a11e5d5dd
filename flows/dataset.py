"""The main job: corpus, grounding, synthesis and curation, end to end."""

from wellspring.flows import building
from wellspring.flows.corpus import corpus
from wellspring.flows.curation import curation
from wellspring.flows.grounding import grounding
from wellspring.flows.jobs import begin, job
from wellspring.flows.synthesis import synthesis
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs

PARTS = {"corpus": corpus, "grounding": grounding, "synthesis": synthesis, "curation": curation}


@job
def dataset(
    profile: str = "full", store: str = "ws", overrides: list[str] | None = None, only: str | None = None
) -> None:
    """Make a dataset from web archives: the four parts in one run, or the one that is named.

    Running it again does only what is left, and asks no model for what was answered.
    """
    parts = building.parts(only)
    with begin(only or "dataset", settings.load(profile, overrides or ()), store, parts=parts) as run:
        if only != "corpus":
            run.meet()
        for part in parts:
            runs.called(PARTS[part])(profile, store, overrides)
