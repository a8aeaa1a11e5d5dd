"""Judges that are programs, on a small store: instructions with answers that a test gives, and what the judge made."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tests import instruction_store
from tests.program_runs import answering
from wellspring.tasks import scores
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run

ANSWERED_BY = "answer-1"
AUDITED = ("notes", "verdicts", "scores", "preferences", "settled", "steps")


def of_judge(name: str, *more: str) -> list[str]:
    """Settings by which only this judge gives marks."""
    return [f'scores.judges=["{name}"]', *more]


def fill(run: Run, answers: Sequence[Sequence[str]]) -> list[str]:
    """Put instructions into the store, each with these answers; returns the ids of the instructions."""
    ids = instruction_store.fill(run, len(answers))
    run.store.append("methods", [records.MethodRow("responses", ANSWERED_BY, "answer", "{}", True, run.run_id)])
    for instruction_id, texts in zip(ids, answers, strict=True):
        answer(run, instruction_id, texts)
    return ids


def play(
    name: str,
    settings: Callable[..., Settings],
    start: Callable[[Settings], AbstractContextManager[Run]],
    say: Callable[[str, dict[str, Any]], Any],
    answers: Sequence[str],
    *more: str,
    reference: str | None = None,
    role: str = "judge",
) -> tuple[Mapping[str, list[dict[str, Any]]], str, list[dict[str, Any]]]:
    """Have one instruction judged by a model that says what a test tells it to.

    Returns:
        What the judge has made, by table, the id of the instruction, and what the model was asked.
    """
    with answering(name, say) as model, start(settings(*of_judge(name, *more), models={role: model.role("m")})) as run:
        [instruction] = fill(run, [answers])
        if reference:
            run.store._connection.execute("UPDATE seeds SET response = ?", [reference])
            run.store._connection.execute("UPDATE instructions SET input_id = (SELECT min(seed_id) FROM seeds)")
        return judged(run, name), instruction, model.asked


def play_all(
    name: str,
    settings: Callable[..., Settings],
    start: Callable[[Settings], AbstractContextManager[Run]],
    say: Callable[[str, dict[str, Any]], Any],
    answers: Sequence[Sequence[str]],
    *more: str,
    before: Callable[[Run], object] = lambda _: None,
) -> tuple[Mapping[str, list[dict[str, Any]]], list[str], list[str]]:
    """Have instructions judged, each with these answers; the model plays the judge and the responder.

    Args:
        name: Of the judge.
        settings: The fixture.
        start: The fixture.
        say: As `program_runs.answering` has it.
        answers: Of each instruction.
        more: Settings.
        before: What is done in the store before the judge runs.

    Returns:
        What it made by table, the ids of the instructions, and the text of each request.
    """
    with answering(name, say) as model:
        roles = {role: model.role(f"a-{role}") for role in ("judge", "responder")}
        with start(settings(*of_judge(name, *more), models=roles)) as run:
            ids = fill(run, answers)
            before(run)
            found = judged(run, name)
            asked = ["\n".join(message["content"] for message in body["messages"]) for body in model.asked]
            return found, ids, asked


def totals(found: Mapping[str, list[dict[str, Any]]], instruction: str, number: int) -> list[float | None]:
    """Return the totals of an instruction's answers, in the order in which they were given."""
    of = {row["subject_id"]: row["value"] for row in found["scores"] if row["criterion"] == "total"}
    return [of[id_of(instruction, place)] for place in range(number)]


def notes(found: Mapping[str, list[dict[str, Any]]], kind: str) -> list[Any]:
    """Return what notes of a kind say."""
    return [json.loads(row["data"]) for row in found["notes"] if row["kind"] == kind]


def answer(run: Run, instruction_id: str, texts: Sequence[str], *, first: int = 0) -> None:
    """Answer an instruction, published; the model of an answer is called by its place."""
    rows = [_response(instruction_id, place, text) for place, text in enumerate(texts, start=first)]
    run.store.append("responses", rows)
    instruction_store.publish(run, "responses")


def id_of(instruction_id: str, place: int) -> str:
    """Return the id of an answer."""
    return content_id("response", instruction_id, place)


def _response(instruction_id: str, place: int, text: str) -> records.Response:
    of = (id_of(instruction_id, place), ANSWERED_BY, instruction_id, f"model-{place}", place, text, "stop")
    return records.Response(
        *of, content_id("call", instruction_id, place), "w", None, use="draw" if place else "answer"
    )


def judged(run: Run, name: str) -> Mapping[str, list[dict[str, Any]]]:
    """Have the judge judge what is due, hold all of it against its suites, and return what it has made, by table."""
    counts = scores.judge(run).counts
    for noun in AUDITED:
        validation.audit(run, noun)
    return made(run, name) | {"counts": [vars_of(counts)]}


def vars_of(counts: Any) -> dict[str, Any]:
    """Return the fields of counts."""
    return {field: getattr(counts, field) for field in counts.__slots__}


def made(run: Run, name: str) -> dict[str, list[dict[str, Any]]]:
    """Return what a judge has made, by table."""
    [print_] = [found for found, one in run.store.query("methods/active", stage="scores").rows() if one == name]

    def rows(table: str) -> list[dict[str, Any]]:
        found = run.store._connection.execute(f"SELECT * FROM {table} WHERE fingerprint = ? ORDER BY ALL", [print_])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return {table: rows(table) for table in (*AUDITED, "rejections")}
