"""Scores: what judges give, criterion by criterion, and their total; NULL where a judge failed.

Scores never change a row: another choice is another query. A judge that fails, after one repair, writes NULL for every
criterion with the reason, so that it is counted, asked again by `wellspring retry` alone, and not taken for a low mark.

`scores.imports` names judges whose marks were made elsewhere, each with its file. Each file is a method of its own,
named by the digest of the file; a row says its place in it. An id that is not there yet is marked by a later run.

What people said of rows is such a file, too, a person each (`spine/watching/people.py`): the store keeps it.

`scores.computed` names methods over sets (`spine/vectors/over_sets.py`), which run after the judges, on all that is
valid.

A judge is a method with one prompt, or a program file of its own (`contracts/program.py`), which may also make
verdicts, notes and pairs. A judge that is given all answers to an instruction has a group of answers as its input. The
group is a row of `notes`, so that lineage, forgetting and the ledger know what it is made of. Where it is a group no
more, what was said of it leaves.

The marks of seeds are here too, written by the stage `seeds`, which chooses by them.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import in_turns
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import score_files
from wellspring.tasks.io.score_files import Mark
from wellspring.tasks.judges.loading import MARKED_BY, OF_SEEDS, Judge, load_judge
from wellspring.tasks.methods.pages.tokens import cut_tokens
from wellspring.tasks.spine.running import judging
from wellspring.tasks.spine.running.blame import METHOD_ERROR
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.recipes import Recipe
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.vectors import embedders, over_sets
from wellspring.tasks.spine.watching import people
from wellspring.tasks.spine.writing.asks import Asks, Work, given_answers, subjects
from wellspring.tasks.spine.writing.lookups import Reader
from wellspring.tasks.spine.writing.programs import Ask, Program
from wellspring.tasks.spine.writing.repairs import failure
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 2
GROUP = "group of answers"  # the kind of note that a group is; SQL knows it by this
_SAID_OF = ("scores", "verdicts", "preferences", "notes", "settled", "steps")
_OF_PAIRS = {"responses": "responses_for_pairs"}  # what a judge is shown that only pairs are made by
_READS = ("ask.near", "ask.drawn")


@stage("scores")
def judge(run: Run) -> Counts:
    """Have every judge of the profile judge what it has not judged: instructions, and answers where there are some.

    Raises:
        UsageError: A file of scores is not as it should be.
        BrokenError: No id of such a file is in this store.
    """
    settings, names = run.settings, run.settings.judges_of_marks
    judges = [judging.find(name, settings) for name in names]
    prints = {_fingerprint(settings, one): one for one in judges}
    of_seeds = [load_judge(OF_SEEDS)] if settings.seeds.min_score else []
    named = {print_: one.name for print_, one in prints.items()}
    named |= {_fingerprint(settings, one): one.name for one in of_seeds}
    files = {name: (Path(path), score_files.digest(Path(path))) for name, path in settings.scores.imports.items()}
    everyone = (*names, *files, *settings.scores.computed)
    best = {name: judging.best(name, settings) for name in everyone}
    said: dict[str, Any] = {"wide": [name for name, most in best.items() if most is None]}
    said["best"] = {name: most for name, most in best.items() if most is not None}
    digests = {name: {"file": str(path), "sha256": sha256} for name, (path, sha256) in files.items()}
    said |= {"imported": digests} if files else {}
    files |= _of_people(run)
    named |= _named(files)
    described = settings.scores.model_dump() | said
    kept = run.store.query("methods/active", stage="scores").rows()
    run.activate("scores", named | {one: name for one, name in kept if name in settings.scores.computed}, described)
    counts = sum((_of_one(run, one, print_) for print_, one in prints.items()), Counts())
    counts += sum((_imported(run, name, *file) for name, file in files.items()), Counts())
    if settings.scores.computed:
        computed, of_sets = over_sets.scored(run, list(named))
        run.activate("scores", named | computed, described)
        counts += of_sets
    return counts


@stage("scores")
def review(run: Run) -> Counts:
    """Write what people said of rows, and leave all other marks as they are: no judge is asked."""
    files, active = _of_people(run), dict(run.store.query("methods/active", stage="scores").rows())
    others = {print_: name for print_, name in active.items() if not name.startswith(people.HUMAN)}
    run.activate("scores", others | _named(files), run.settings.scores.model_dump() | _described(run))
    return sum((_imported(run, name, *file) for name, file in files.items()), Counts())


def _described(run: Run) -> dict[str, Any]:
    """Return what the methods in force said of themselves: audits read it."""
    said = run.store.query("scores/described")["settings"].to_list()
    return json.loads(said[0]) if said else {}


def _of_people(run: Run) -> dict[str, tuple[Path, str]]:
    return {name: (path, score_files.digest(path)) for name, path in people.places(run.store.path).items()}


def _named(files: Mapping[str, tuple[Path, str]]) -> dict[str, str]:
    return {content_id("imported scores", name, sha256): name for name, (_, sha256) in files.items()}


def _imported(run: Run, name: str, path: Path, sha256: str) -> Counts:
    """Write the marks that a file has of rows that are there, and that have none of it yet."""
    fingerprint, marks = content_id("imported scores", name, sha256), defaultdict[str, list[Mark]](list)
    for mark in score_files.read(path):
        marks[mark.subject_id].append(mark)
    known = dict(run.store.query("scores/subjects", ids=list(marks), fingerprint=fingerprint).rows())
    if not known and not name.startswith(people.HUMAN):
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
    return Counts(rows_in=len(due), rows_out=len(due))  # subjects, as of judges


def _row_of(run: Run, name: str, fingerprint: str, path: Path, mark: Mark) -> records.Score:
    place = f"{path.name}, row {mark.row}"
    reason = f"{mark.reason} ({place})" if mark.reason else place
    return records.Score(mark.subject_id, fingerprint, name, mark.criterion, mark.value, reason, None, run.run_id)


def _of_one(run: Run, one: Judge | Recipe, fingerprint: str) -> Counts:
    by = _by_program if isinstance(one, Recipe) else _judged
    return by(run, one, fingerprint)  # pyright: ignore[reportArgumentType] - each is given its own


def _fingerprint(settings: Settings, one: Judge | Recipe) -> str:
    if isinstance(one, Recipe):
        return _program_fingerprint(settings, one)
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


# By a program


def _program_fingerprint(settings: Settings, program: Recipe) -> str:
    """Identity of a judge that is a program."""
    reads = any(one in program.source for one in _READS)
    near = embedders.described(settings.embeddings, "instructions", "passages") if reads else ""
    shown = settings.scores.document_tokens if program.module.TAKES in {"responses", "references"} else 0
    versions = raised("spine.asks", "spine.lookups", *(("tokens",) if shown else ()), own=VERSION)
    return program.fingerprint(settings, (near, shown), versions)


def _by_program(run: Run, program: Recipe, print_: str) -> Counts:
    """Run a program for all that is due."""
    if program.module.TAKES == "answered":
        _take_out(run, print_)
    above = [name for name, _ in run.store.query("methods/active", stage="instructions").rows()]
    with Reader(run, program, print_, above) as reader:
        work = Work(run, program, print_, reader)

        async def body(row: Row, ask: Ask) -> None:
            shown = _shown(row, run.settings.scores.document_tokens)
            asks = Asks(work, shown, ask)
            try:
                await program.module.program(shown, asks)
            except Rejection as refusal:
                if refusal.reason == METHOD_ERROR:
                    raise
                ask.make("scores", _failed(work, shown, refusal))
                ask.fail(refusal)
                asks.made.hand_refusals(ask, first=1)
            else:
                asks.made.hand_over(ask)
            ask.make("notes", _group(work, shown))

        is_for_pairs = program.name not in run.settings.scores.judges
        takes = _OF_PAIRS.get(program.takes, program.takes) if is_for_pairs else program.takes
        of = ("scores", program.name, takes, print_, program.roles)
        return conduct(run, Program(*of, program.most_calls, body, samples=None))


def _shown(row: Row, tokens: int) -> dict[str, Any]:
    document = row.get("document")
    return dict(row) | ({"document": cut_tokens(document, tokens)} if document else {})


def _failed(work: Work, row: Row, refusal: Rejection) -> list[records.Score]:
    """Return what a judge that failed writes, where it gives totals: NULL, and why."""
    if "scores" not in work.recipe.module.MAKES:
        return []
    names = given_answers(row) or subjects(row)
    said = (work.recipe.name, TOTAL, None, failure(refusal), None, work.run.run_id)
    return [records.Score(name, work.fingerprint, *said) for name in names]


def _group(work: Work, row: Row) -> list[records.Note]:
    """Return the note that an input is which is made of several answers."""
    if "answers" not in row:
        return []
    of = (row["input_id"], work.fingerprint, row["instruction_id"], GROUP, "[]", "", work.run.run_id)
    return [records.Note(*of, parent_ids=list(given_answers(row)))]


def _take_out(run: Run, print_: str) -> None:
    """Take out what was said of groups that are none any more: their instruction has other answers now."""
    gone = run.store.query("notes/of_left_groups", fingerprint=print_)["id"].to_list()
    prints = [print_] * len(gone)
    with run.store.transaction():
        for table in _SAID_OF if gone else ():
            run.store.execute(f"{table}/reopen", ids=gone, fingerprints=prints)
        if gone:
            run.store.execute("rejections/reopen", stage="scores", input_ids=gone, fingerprints=prints)
