"""Rerunning what was refused: exactly that is asked again, and nothing that was answered."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks import documents, passages, seeds, sources
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.protocol import answers
from wellspring.tasks.io.storage.journal import Entry
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.writing import repairs

Start = Callable[[Settings], AbstractContextManager[Run]]

REFUSED = [
    ("responses", "i1", "timeout"),
    ("responses", "i2", "content_filter"),
    ("instructions", "d1", "unparsable_answer"),
    ("instructions", "d2", "rate_limited"),
    ("instructions", "d3", "forgotten"),
    ("documents", "r1", "too_short"),
    ("seeds", "s1", "server_error"),
    ("seeds", "s2", "too_long"),
]


def refuse(run: Run) -> None:
    rows = [records.RejectionRow(s, i, "f", reason, "", "earlier" if i == "i2" else "r") for s, i, reason in REFUSED]
    run.store.append("rejections", rows)
    for _, id_, reason in REFUSED:
        if reason in answers.REASONS:
            run.models.journal.end(Entry(id_, reason, "m", "", "", 0, 0, 0, 0, 3, 0.1), run.run_id)


def left(run: Run) -> set[str]:
    return set(run.store.query("rejections/all")["input_id"].to_list())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ({}, {"i1", "d2", "s1"}),
        ({"reason": "unparsable_answer"}, {"d1"}),
        ({"stage": "responses"}, {"i1", "i2"}),
        ({"run_id": "earlier"}, {"i2"}),
        ({"run_id": "earl", "stage": "responses"}, {"i2"}),
        ({"stage": "responses", "reason": "content_filter"}, {"i2"}),
        ({"reason": "too_short"}, set()),
        ({"stage": "seeds"}, {"s1"}),
        ({"stage": "instructions"}, {"d1", "d2"}),
    ],
)
def test_what_is_named_is_due_again_and_nothing_else(
    start: Start, settings: Any, chosen: dict[str, str], taken: set[str]
) -> None:
    with start(settings()) as run:
        refuse(run)
        count = retrying.reopen(run, **chosen)
        ids = {id_ for _, id_, _ in REFUSED}

        assert ids - left(run) == taken
        assert count == len(taken)


def test_a_refused_call_can_be_asked_again_and_an_answered_one_is_kept(start: Start, settings: Any) -> None:
    with start(settings()) as run:
        refuse(run)
        run.models.journal.end(Entry("answered", "done", "m", "yes", "stop", 1, 1, 0, 0, 1, 0.1), run.run_id)
        retrying.reopen(run)
        found = run.models.journal.lookup(["i1", "i2", "d2", "answered"])

        assert set(found) == {"i2", "answered"}


@pytest.mark.parametrize("name", ["stage", "run_id"])
def test_a_stage_or_run_that_there_is_not_is_named_and_not_retried_in_silence(
    start: Start, settings: Any, name: str
) -> None:
    with start(settings()) as run, pytest.raises(UsageError, match=f"no {name.partition('_')[0]} `unheard_of`"):
        retrying.reopen(run, **{name: "unheard_of"})


def test_a_reason_for_which_nothing_was_refused_is_no_fault(start: Start, settings: Any) -> None:
    with start(settings()) as run:
        assert retrying.reopen(run, reason="unparsable_answer", run_id=run.run_id[:8]) == 0


@pytest.mark.slow
def test_a_retry_that_names_nothing_and_finds_nothing_says_what_could_be_named(
    start: Start, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(settings()) as run:
        refuse(run)
        notes: list[str] = []
        monkeypatch.setattr(run.progress, "note", notes.append)
        retrying.reopen(run)
        first = " ".join(notes)
        notes.clear()
        retrying.reopen(run)

    assert "by --reason" not in first  # a server had refused some
    assert "by --reason: " in " ".join(notes)
    assert "unparsable_answer" in " ".join(notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reason", "said"),
    [("unparsable_anwser", "did you mean unparsable_answer"), ("too_short", "was computed"), ("never", "for `never`")],
)
def test_a_reason_for_which_nothing_is_due_again_is_not_passed_over_in_silence(
    start: Start, settings: Any, monkeypatch: pytest.MonkeyPatch, reason: str, said: str
) -> None:
    with start(settings()) as run:
        refuse(run)
        notes: list[str] = []
        monkeypatch.setattr(run.progress, "note", notes.append)

        assert retrying.reopen(run, reason=reason) == 0
        assert any(said in note for note in notes)


def test_a_stage_that_computes_is_not_retried_but_told_what_to_do(start: Start, settings: Any) -> None:
    with start(settings()) as run, pytest.raises(UsageError, match="would refuse again") as caught:
        retrying.reopen(run, stage="documents")

    assert "change the setting" in caught.value.hint


NULLS = [
    records.Verdict("a1", "judge", "moderation", None, "timeout: 60 s", None, "earlier"),
    records.Verdict("a2", "judge", "moderation", None, "unparsable_answer: hm", None, "r"),
    records.Verdict("a3", "judge", "moderation", False, "unparsable_answer: as the page says", None, "r"),
    records.Verdict("a4", "judge", "verifiers", None, "[]", None, "r"),
    records.Verdict("a5", "computed", "code_runs", None, "unsupported: numpy", None, "r"),
    records.Score("s1", "judge", "seven_criteria", "clarity", None, "server_error: 500", None, "r"),
    records.Score("s1", "judge", "seven_criteria", "total", None, "server_error: 500", None, "r"),
    records.Score("s2", "judge", "seven_criteria", "total", 0.0, "sum", None, "r"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ({}, {"a1", "s1"}),
        ({"stage": "verdicts"}, {"a1", "a2"}),
        ({"stage": "scores"}, {"s1"}),
        ({"reason": "unparsable_answer"}, {"a2"}),
        ({"run_id": "earl"}, {"a1"}),
        ({"stage": "responses"}, set()),
    ],
)
def test_judgements_that_failed_are_due_again_and_what_a_check_could_not_say_is_not(
    start: Start, settings: Any, chosen: dict[str, str], taken: set[str]
) -> None:
    with start(settings()) as run:
        run.activate("verdicts", {"judge": "moderation", "computed": "checks"})
        for table, kind in (("verdicts", records.Verdict), ("scores", records.Score)):
            run.store.append(table, [row for row in NULLS if isinstance(row, kind)])
        count = retrying.reopen(run, **chosen)
        left = [run.store.query(f"{table}/unpublished")["subject_id"].to_list() for table in ("verdicts", "scores")]

    assert {row.subject_id for row in NULLS} - {*left[0], *left[1]} == taken
    assert count == len(taken)


def test_what_a_judge_was_read_from_stays_at_the_end_of_a_long_reason() -> None:
    said = repairs.failure(Rejection("unparsable_answer", f"{'blah ' * 100}[{'a' * 20}]"))

    assert len(said) == 300
    assert said.endswith(f" [{'a' * 20}]")
    assert repairs.failure(Rejection("refusal", "no")) == "refusal: no"


PAGES = (
    "The kettle stood on the stove for an hour before anyone thought of it, and the bottom had turned blue by then.",
    "Bread wants time more than flour: a slow dough of one night tastes of more than a quick one of two hours.",
    "Two boats were lost in the harbour last winter, and the pilots have asked for a light on the northern pier.",
)
METHODS = {
    "documents": (documents.page_text, "public"),
    "passages": (passages.spans, "split"),
    "seeds": (seeds, "identify"),
}


def read(opened: AbstractContextManager[Run], **reopened: str) -> tuple[int, dict[str, list[Any]]]:
    """Do all that is computed here; return how many refusals were taken back before, and what the store holds then."""
    asked = {"documents": "document_id", "passages": "passage_id", "seeds": "seed_id", "rejections": "input_id, reason"}
    with opened as run:
        taken = retrying.reopen(run, **reopened) if reopened else 0
        sources.register(run)
        for noun, step in (("documents", documents.extract), ("passages", passages.split), ("seeds", seeds.ingest)):
            step(run)
            validation.audit(run, noun)
        rows = {
            table: run.store._connection.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()
            for table, columns in asked.items()
        }
    return taken, rows


@pytest.fixture
def corpus(tmp_path: Path, settings: Any) -> Settings:
    """Settings that name pages and seeds; among both are a repeat and one that is refused for itself."""
    pages = [{"url": f"http://site.example/{n}", "text": text} for n, text in enumerate(PAGES)]
    asked = [{"prompt": f"Why is it said that {text}"} for text in PAGES]
    for name, rows in {"pages": [*pages, pages[0], {"text": ""}], "seeds": [*asked, asked[0], {"prompt": ""}]}.items():
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    sources_ = {"corpora": [{"path": str(tmp_path / "pages.jsonl")}]}
    named = {"sources": sources_, "seeds": {"paths": [str(tmp_path / "seeds.jsonl")], "min_score": 0}}
    return settings("runner=thread", "documents.min_tokens=5", "documents.quality=[]", **named)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "by"), [("documents", "reason"), ("passages", "stage"), ("seeds", "reason")])
def test_a_row_on_which_a_method_raised_is_due_again_and_what_is_there_beside_it_is_not(
    tmp_path: Path, start: Start, corpus: Settings, monkeypatch: pytest.MonkeyPatch, stage: str, by: str
) -> None:
    module, name = METHODS[stage]
    works = getattr(module, name)

    def raises(*args: Any) -> Any:
        if args[0].endswith("/2") or "Two boats" in args[0]:
            raise IndexError("no such place")
        return works(*args)

    monkeypatch.setattr(passages, "SHARD_DOCUMENTS", 1)  # a shard that is split goes to a process, which has the method
    with monkeypatch.context() as broken:
        broken.setattr(module, name, raises)
        _, before = read(start(corpus))
    taken, after = read(start(corpus), **{by: "method_error" if by == "reason" else stage})
    _, whole = read(runs.start("test", corpus, tmp_path / "whole", quiet=True, may_mix=True))

    assert [reason for _, reason in before["rejections"]].count("method_error") == 1
    assert taken == 1
    assert len(whole["passages"]) == len(whole["seeds"]) == len(PAGES)
    assert after == whole
