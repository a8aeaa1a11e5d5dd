"""Rerun what was refused, and nothing else: refusals are taken back, so that their inputs are due again."""

from tasks.contracts import records
from tasks.contracts.errors import UsageError
from tasks.io import replies
from tasks.spine.blame import METHOD_ERROR
from tasks.spine.generation import ask_anew
from tasks.spine.runs import Run

# What another try may change: the server's state, or what a model says when it is asked again.
SERVERS = ("rate_limited", "server_error", "timeout", "connection", "malformed_answer", "expired")
COMPUTED = ("sources", "documents", "passages", "embeddings", "selections", "exports")
JUDGED = (*SERVERS, "content_filter", "refusal", "unparsable_answer")  # of a seed: its other reasons are computed


def reopen(run: Run, *, stage: str | None = None, reason: str | None = None, run_id: str | None = None) -> int:
    """Take refusals back, in the store and in the journal, and return how many.

    Args:
        run: The run that will ask again.
        stage: Only those of this stage.
        reason: Only those of this reason; without it (and without `stage` and `run_id`) those that a server caused, or
            an exception.
        run_id: Only those of this run; the beginning of its id will do.

    Raises:
        UsageError: The stage computes: it would refuse the same again. Or there is no such stage, or run.
    """
    if stage in COMPUTED:
        raise UsageError(
            f"`{stage}` asks no model: what it refused it would refuse again",
            hint="change the setting that refuses it (another fingerprint makes all its inputs due); "
            "shards that broke are due anyway",
        )
    is_open = stage is None and reason is None and run_id is None
    reasons = [reason] if reason else [*SERVERS, METHOD_ERROR] if is_open else None
    chosen = run.store.query("rejections/chosen", stage=stage, reasons=reasons, run_id=run_id)
    if chosen.is_empty():
        _expect(run, "stage", stage, list(records.TABLES))
        _expect(run, "run", run_id, run.store.query("runs/all")["run_id"].to_list())
    chosen = chosen.filter(~chosen["stage"].is_in(list(COMPUTED)))
    chosen = chosen.filter((chosen["stage"] != "seeds") | chosen["reason"].is_in(list(JUDGED)))
    for name in sorted(set(chosen["reason"].to_list()) & replies.REASONS.keys()):
        run.models.journal.reopen(name)
    if not is_open:  # named by a person, who wants another answer and not the recorded one read again
        ask_anew(run, chosen["detail"].to_list())
    taken = 0
    for name, why in sorted(set(chosen["stage", "reason"].rows())):
        taken += run.store.execute("rejections/reopen", stage=name, reasons=[why], run_id=run_id)
    run.progress.note(f"retry: {taken} refusals are due again")
    return taken


def _expect(run: Run, what: str, name: str | None, known: list[str]) -> None:
    if name and not any(one.startswith(name) for one in known):
        raise UsageError(f"there is no {what} `{name}`", hint=f"wellspring status --store {run.store.path}")
