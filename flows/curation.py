"""Scores -> selections -> preferences -> exports."""

from wellspring.flows.jobs import begin, job
from wellspring.tasks import embeddings, exports, preferences, scores, selections
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import validation


@job
def curation(profile: str = "full", store: str = "ws", overrides: list[str] | None = None) -> None:
    """Judge the instructions, choose among them, pair their answers, and write the files that trainers read.

    Scores never change a row, so another choice is another query: judging is paid once.
    """
    with begin("curation", settings.load(profile, overrides or ()), store, parts=["curation"]) as run:
        run.meet()
        scores.judge(run)
        for noun in ("notes", "verdicts", "scores"):
            validation.audit(run, noun)
        embeddings.embed(run, of="instructions")
        validation.audit(run, "embeddings")
        selections.select(run)
        validation.audit(run, "selections")
        preferences.pair(run)
        validation.audit(run, "preferences")
        for noun in ("completions", "settled", "steps"):
            validation.audit(run, noun)
        exports.export(run)
        validation.audit(run, "exports")
        exports.put_in_place(run)
