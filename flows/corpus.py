"""Sources -> documents -> passages -> vectors."""

from wellspring.flows.jobs import begin, job
from wellspring.tasks import documents, embeddings, passages, sources
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import validation


@job
def corpus(profile: str = "full", store: str = "ws", overrides: list[str] | None = None) -> None:
    """Read web archives into documents, passages and vectors.

    Running it again reads only what is new: every stage asks its `pending.sql`.
    """
    with begin("corpus", settings.load(profile, overrides or ()), store, parts=["corpus"]) as run:
        sources.register(run)
        validation.audit(run, "sources")
        documents.extract(run)
        validation.audit(run, "documents")
        passages.split(run)
        validation.audit(run, "passages")
        embeddings.embed(run, of="passages")
        validation.audit(run, "embeddings")
