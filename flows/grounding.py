"""Seeds -> groundings: real instructions, traced to documents."""

from wellspring.flows.corpus import corpus
from wellspring.flows.jobs import begin, job
from wellspring.tasks import embeddings, groundings, seeds
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.writing import knn_pool


@job
def grounding(profile: str = "full", store: str = "ws", overrides: list[str] | None = None) -> None:
    """Read human instructions and trace each to a document, a user and a motivation (attribution).

    Pages that a live search finds (where the profile names one) become documents first, by the same stages as any
    other page. Running it again asks only for seeds that have no grounding and no rejection yet.
    """
    with begin("grounding", settings.load(profile, overrides or ()), store, parts=["grounding"]) as run:
        run.meet()
        seeds.ingest(run)
        validation.audit(run, "seeds")
        embeddings.embed(run, of="seeds")
        validation.audit(run, "embeddings")
        if "synthesis" in run.parts:
            knn_pool.refuse_small(run)
        groundings.collect(run)
        if run.found_pages:
            runs.called(corpus)(profile, store, overrides)
        groundings.attribute(run)
        validation.audit(run, "groundings")
