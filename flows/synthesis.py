"""Instructions -> responses -> verdicts."""

from wellspring.flows.jobs import begin, job
from wellspring.tasks import instructions, responses, scores, verdicts
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import validation


@job
def synthesis(profile: str = "full", store: str = "ws", overrides: list[str] | None = None) -> None:
    """Write instructions and answers, auditing each table before paying for the next.

    Running it again does only what is left: every stage asks its `pending.sql`.
    """
    with begin("synthesis", settings.load(profile, overrides or ()), store, parts=["synthesis"]) as run:
        run.meet()
        instructions.synthesize(run)
        for noun in ("notes", "rewrites", "instructions"):
            validation.audit(run, noun)
        if run.settings.responses.rationale_from_score:  # who is asked for a rationale depends on how hard it is
            scores.judge(run)
            for noun in ("notes", "scores"):
                validation.audit(run, noun)
        responses.respond(run)
        validation.audit(run, "responses")
        verdicts.check(run)
        validation.audit(run, "verdicts")
