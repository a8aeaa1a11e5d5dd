"""Scores: what judges give, criterion by criterion, and their total; NULL where a judge failed.

Scores never change a row: another choice is another query. A judge that fails, after one repair, writes NULL for every
criterion with the reason, so that it is counted, never retried by accident, and never mistaken for a low mark.
"""

from typing import Any

from tasks.contracts import records
from tasks.contracts.calls import Answer
from tasks.contracts.prompting import Row
from tasks.contracts.settings import Settings
from tasks.judges.panel import Judge
from tasks.judges.panel import judge as load_judge
from tasks.methods.tokens import BYTES_PER_TOKEN
from tasks.spine.generation import generate
from tasks.spine.runs import Counts, Run, stage

TOTAL = "total"
_ALL_WAYS = ["answer", "answer_with_rationale", "answer_for_pairs"]
_PAIR_WAYS = ["answer_for_pairs"]


@stage("scores")
def judge(run: Run) -> Counts:
    """Have every judge of the profile judge what it has not judged: instructions, and answers where there are some."""
    judges = _judges(run.settings)
    prints = {_fingerprint(run.settings, one): one for one in judges}
    run.activate("scores", {print_: one.name for print_, one in prints.items()}, run.settings.scores.model_dump())
    return sum((_judged(run, one, print_) for print_, one in prints.items()), Counts())


def _judges(settings: Settings) -> list[Judge]:
    names = list(settings.scores.judges)
    if settings.preferences.draws and settings.preferences.judge not in names:
        names.append(settings.preferences.judge)
    return [load_judge(name) for name in names]


def _fingerprint(settings: Settings, one: Judge) -> str:
    role = settings.models.judge
    shown = {"document_tokens": settings.scores.document_tokens} if one.subject == "response" else {}
    return one.method.fingerprint(
        model=role.model,
        temperature=role.temperature,
        top_p=role.top_p,
        max_tokens=role.max_tokens,
        seed=role.seed,
        **shown,
    )


def _judged(run: Run, one: Judge, fingerprint: str) -> Counts:
    def written(
        row: Row, values: dict[str, float | None], reasons: dict[str, str], completion: str | None
    ) -> list[Any]:
        return [
            records.Score(
                row["input_id"], fingerprint, one.name, name, values[name], reasons[name], completion, run.run_id
            )
            for name in (*one.criteria, TOTAL)
        ]

    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[Any]:
        values, total = parsed["values"], one.totalled(parsed["values"])
        return written(row, values | {TOTAL: total}, parsed["reasons"] | {TOTAL: one.total}, answer.completion_id)

    def failed(row: Row, reason: str, detail: str) -> list[Any]:
        names = (*one.criteria, TOTAL)
        return written(row, dict.fromkeys(names), dict.fromkeys(names, f"{reason}: {detail}"[:300]), None)

    wanted = one.name in run.settings.scores.judges
    return generate(
        run,
        stage="scores",
        table="scores",
        role="judge",
        method=one.method,
        fingerprint=fingerprint,
        pending=f"scores/pending_{one.subject}s",
        params={
            "fingerprint": fingerprint,
            "ways": _ALL_WAYS if wanted else _PAIR_WAYS,
            "document_chars": run.settings.scores.document_tokens * BYTES_PER_TOKEN,
        },
        rows=rows,
        settings=run.settings.scores,
        on_failure=failed,
    )
