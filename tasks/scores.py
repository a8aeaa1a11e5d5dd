"""Scores: what judges give, criterion by criterion, and their total; NULL where a judge failed.

Scores never change a row: another choice is another query. A judge that fails, after one repair, writes NULL for every
criterion with the reason, so that it is counted, asked again by `wellspring retry` alone, and not taken for a low mark.

The marks of seeds are here too, written by the stage `seeds`, which chooses by them.
"""

from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import in_turns
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges.loading import MARKED_BY, OF_SEEDS, TOTAL, Judge
from wellspring.tasks.judges.loading import judge as load_judge
from wellspring.tasks.methods.pages.tokens import cut_tokens
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.writing.programs import Ask, Program
from wellspring.tasks.spine.writing.repairs import failure
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 2


@stage("scores")
def judge(run: Run) -> Counts:
    """Have every judge of the profile judge what it has not judged: instructions, and answers where there are some."""
    judges = _judges(run.settings)
    prints = {_fingerprint(run.settings, one): one for one in judges}
    of_seeds = [load_judge(OF_SEEDS)] if run.settings.seeds.min_score else []
    active = prints | {_fingerprint(run.settings, one): one for one in of_seeds}
    run.activate("scores", {print_: one.name for print_, one in active.items()}, run.settings.scores.model_dump())
    return sum((_judged(run, one, print_) for print_, one in prints.items()), Counts())


def _judges(settings: Settings) -> list[Judge]:
    names = list(settings.scores.judges)
    if settings.preferences.draws and settings.preferences.judge not in names:
        names.append(settings.preferences.judge)
    return [load_judge(name, settings.plugins) for name in names]


def _fingerprint(settings: Settings, one: Judge) -> str:
    if one.subject != "response":  # also marks of seeds, which the stage `seeds` names by the same
        return one.method.fingerprint(**settings.models.judge.asked, **raised(*MARKED_BY))
    shown = {"document_tokens": settings.scores.document_tokens}
    return one.method.fingerprint(**settings.models.judge.asked, **shown, **raised(*MARKED_BY, "tokens", own=VERSION))


def _judged(run: Run, one: Judge, fingerprint: str) -> Counts:
    tokens = run.settings.scores.document_tokens

    async def body(row: Row, ask: Ask) -> None:
        def score(criterion: str, mark: float | None, why: str, completion: str | None) -> records.Score:
            return records.Score(row["input_id"], fingerprint, one.name, criterion, mark, why, completion, run.run_id)

        def read(parsed: dict[str, Any], answer: Answer) -> list[records.Score]:
            return [score(name, *marked, answer.completion_id) for name, marked in one.marked(parsed).items()]

        def failed(refusal: Rejection) -> list[records.Score]:
            return [score(name, None, failure(refusal), None) for name in (*one.criteria, TOTAL)]

        document = row.get("document")  # only where it was shown to who answered
        shown = in_turns(row, "instruction" if one.subject == "response" else "text")
        shown |= {"document": cut_tokens(document, tokens)} if document else {}
        await ask.judge("scores", failed, one.method, shown, role="judge", settings=run.settings.scores, read=read)

    is_for_pairs = one.name not in run.settings.scores.judges
    takes = "responses_for_pairs" if is_for_pairs and one.subject == "response" else f"{one.subject}s"
    return conduct(run, Program("scores", one.name, takes, fingerprint, ("judge",), 1, body))
