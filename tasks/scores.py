"""Scores: what judges give, criterion by criterion, and their total; NULL where a judge failed.

Scores never change a row: another choice is another query. A judge that fails, after one repair, writes NULL for every
criterion with the reason, so that it is counted, asked again by `wellspring retry` alone, and not taken for a low mark.

`scores.imports` names judges whose marks were made elsewhere, each with its file. Each file is a method of its own,
named by the digest of the file; a row says its place in it. An id that is not there yet is marked by a later run.

The marks of seeds are here too, written by the stage `seeds`, which chooses by them.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import in_turns
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import score_files
from wellspring.tasks.io.score_files import Mark
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
    """Have every judge of the profile judge what it has not judged: instructions, and answers where there are some.

    Raises:
        UsageError: A file of scores is not as it should be.
        BrokenError: No id of such a file is in this store.
    """
    judges = _judges(run.settings)
    prints = {_fingerprint(run.settings, one): one for one in judges}
    of_seeds = [load_judge(OF_SEEDS)] if run.settings.seeds.min_score else []
    active = prints | {_fingerprint(run.settings, one): one for one in of_seeds}
    files = {name: (Path(path), score_files.digest(Path(path))) for name, path in run.settings.scores.imports.items()}
    named = {print_: one.name for print_, one in active.items()}
    named |= {content_id("imported scores", name, sha256): name for name, (_, sha256) in files.items()}
    digests = {"imported": {name: {"file": str(path), "sha256": sha256} for name, (path, sha256) in files.items()}}
    run.activate("scores", named, run.settings.scores.model_dump() | (digests if files else {}))
    counts = sum((_judged(run, one, print_) for print_, one in prints.items()), Counts())
    return counts + sum((_imported(run, name, *file) for name, file in files.items()), Counts())


def _imported(run: Run, name: str, path: Path, sha256: str) -> Counts:
    """Write the marks that a file has of rows that are there, and that have none of it yet."""
    fingerprint, marks = content_id("imported scores", name, sha256), defaultdict[str, list[Mark]](list)
    for mark in score_files.read(path):
        marks[mark.subject_id].append(mark)
    known = dict(run.store.query("scores/subjects", ids=list(marks), fingerprint=fingerprint).rows())
    if not known:
        raise BrokenError(
            f"no id of {path} is an answer or an instruction of this store",
            hint="its ids are `response_id` or `instruction_id` of this store, as the form `raw` has them",
        )
    if away := len(marks) - len(known):
        run.progress.note(
            f"scores: {away} of {len(marks)} ids of {path} are no rows of this store, and are passed over"
        )
    due = [one for one, is_marked in known.items() if not is_marked]
    rows = [_row_of(run, name, fingerprint, path, mark) for one in due for mark in marks[one]]
    run.store.append("scores", rows)
    return Counts(rows_in=len(due), rows_out=len(rows))


def _row_of(run: Run, name: str, fingerprint: str, path: Path, mark: Mark) -> records.Score:
    place = f"{path.name}, row {mark.row}"
    reason = f"{mark.reason} ({place})" if mark.reason else place
    return records.Score(mark.subject_id, fingerprint, name, mark.criterion, mark.value, reason, None, run.run_id)


def _judges(settings: Settings) -> list[Judge]:
    names = list(settings.scores.judges)
    if settings.preferences.draws and settings.preferences.judge not in {*names, *settings.scores.imports}:
        names.append(settings.preferences.judge)
    return [load_judge(name, settings.plugins) for name in names if name not in settings.scores.imports]


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
