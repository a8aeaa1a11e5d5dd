"""Verdicts: every answer is checked once; prompted checks are asked one question at a time."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tasks import responses, selections, verdicts
from tasks.contracts.settings import Settings
from tasks.spine.runs import Counts, Run
from tests import instruction_store as store
from tests.scripted_model import scripted_model

Start = Callable[[Settings], AbstractContextManager[Run]]
COMPUTED = {"not_refused", "not_truncated", "no_marks", "knowledge_precision", "numbers", "code_parses"}


def answered(run: Run, count: int = 6) -> None:
    """Answer `count` instructions."""
    store.fill(run, count)
    responses.respond(run)
    store.publish(run, "responses")


def rows(run: Run) -> list[dict]:
    """The verdicts that no audit has passed yet."""
    return run.store.query("verdicts/unpublished").to_dicts()


@pytest.mark.slow
def test_every_answer_gets_every_computed_check_once(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings()) as run:
        answered(run)
        first = verdicts.check(run).counts
        found = rows(run)
        again = verdicts.check(run).counts

    assert first == Counts(rows_in=6, rows_out=6)
    assert again == Counts()
    assert Counter(row["check_name"] for row in found) == dict.fromkeys(COMPUTED, 6)


@pytest.mark.slow
def test_many_answers_are_checked_in_workers_with_the_same_verdicts(
    settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings("responses.draws=30", "runner=thread", "threads=2")) as run:
        answered(run, 24)
        counts = verdicts.check(run).counts
        found = rows(run)
        by_hand = verdicts.checked(
            run.store.query("verdicts/pending", fingerprint="none").to_dicts(),
            run.settings.verdicts,
            run.settings.benchmarks,
        )

    assert counts.rows_in == 720
    assert sorted((row["subject_id"], row["check_name"], row["passed"], row["detail"]) for row in found) == sorted(
        by_hand
    )


@pytest.mark.slow
def test_refusals_and_truncations_are_recorded_and_keep_an_answer_from_being_selected(
    settings: Callable[..., Settings], start: Start
) -> None:
    with (
        scripted_model(lambda _: "I'm sorry, but I can't help with that.") as model,
        start(
            settings(models={"responder": model.role("writer")}, scores={"judges": []}, selections={"min_score": 0})
        ) as run,
    ):
        answered(run)
        verdicts.check(run)
        failed = Counter(row["check_name"] for row in rows(run) if row["passed"] is False)
        store.publish(run, "verdicts")
        counts = selections.select(run).counts
        refused = dict(run.store.query("rejections/of_stage", stage="selections").rows())

    assert failed["not_refused"] == 6
    assert counts.rows_out == 0
    assert refused == {"failed_not_refused": 6}


@pytest.mark.slow
def test_an_answer_that_repeats_a_benchmark_is_found_and_not_selected(
    settings: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    question = "A train leaves the harbour at nine with forty seven passengers, six dogs and a crate of copper nails."
    (tmp_path / "bench.jsonl").write_text(json.dumps({"prompt": question}) + "\n")

    def writer(body: dict) -> str:
        return f"As they ask: {question}" if "trains" in body["messages"][-1]["content"] else "A short answer."

    with (
        scripted_model(writer) as model,
        start(
            settings(
                models={"responder": model.role("writer")},
                benchmarks={"paths": {"quiz": str(tmp_path / "bench.jsonl")}},
                scores={"judges": []},
                selections={"min_score": 0},
            )
        ) as run,
    ):
        answered(run)
        verdicts.check(run)
        failed = [row for row in rows(run) if row["passed"] is False and row["check_name"] == "not_contaminated"]
        store.publish(run, "verdicts")
        selections.select(run)
        refused = dict(run.store.query("rejections/of_stage", stage="selections").rows())

    assert len(failed) == 1
    assert "quiz" in failed[0]["detail"]
    assert refused == {"failed_not_contaminated": 1}


@pytest.mark.slow
@pytest.mark.parametrize(("grounded", "said"), [("false", {None}), ("true", {True, None})])
def test_an_answer_is_held_to_its_page_only_where_it_was_shown(
    grounded: str, said: set[bool | None], settings: Callable[..., Settings], start: Start
) -> None:
    with start(settings(f"responses.grounded={grounded}")) as run:
        answered(run)
        verdicts.check(run)
        found = rows(run)

    assert {row["passed"] for row in found if row["check_name"] == "knowledge_precision"} == said
    assert ({row["passed"] for row in found if row["check_name"] == "numbers"} == {None}) == (grounded == "false")


@pytest.mark.slow
def test_another_threshold_checks_anew(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings()) as run:
        answered(run)
        verdicts.check(run)
    with start(settings("verdicts.min_knowledge_precision=0.99")) as run:
        again = verdicts.check(run).counts

    assert again.rows_in == 6


@pytest.mark.slow
def test_python_in_an_answer_is_run_in_the_sandbox_and_nowhere_else(
    settings: Callable[..., Settings], start: Start
) -> None:
    said = {
        "pumps": "```python\nx = 1\n```\nand then\n```python\nprint(x + 1)\n```",
        "bread": "```python\nprint(y)\n```",
        "tides": "```python\nimport numpy\n```",
        "bees": "No code.",
        "roofs": "```python\nwhile True:\n    pass\n```",
        "trains": "```python\nopen('/tmp/was-here', 'w').write('x')\n```",
    }

    def writer(body: dict) -> str:
        return next(text for subject, text in said.items() if subject in body["messages"][-1]["content"])

    with (
        scripted_model(writer) as model,
        start(settings(models={"responder": model.role("writer")}, verdicts={"checks": ["code_runs"]})) as run,
    ):
        answered(run)
        verdicts.check(run)
        found = {row["subject_id"]: row["passed"] for row in rows(run)}
        texts = {row["id"]: row["response"] for row in run.store.query("exports/raw").to_dicts()}

    by_text = {texts[id_]: passed for id_, passed in found.items()}
    expected = {"pumps": True, "bread": False, "tides": None, "bees": None, "roofs": False, "trains": None}
    assert {subject: by_text[text] for subject, text in said.items()} == expected
    assert not Path("/tmp/was-here").exists()


def by_name(body: dict) -> str:
    """A judge that writes two questions, says yes to the first, and rambles about the second."""
    user = body["messages"][1]["content"]
    if "Write the checklist" in user:
        return json.dumps({"questions": ["Is it on topic?", "Does it name three?"]})
    if "Does it name three?" in user:
        return "Hard to say."
    return json.dumps({"evidence": "It is.", "answer": "yes"})


@pytest.mark.slow
def test_a_checklist_is_written_once_per_instruction_and_put_to_each_answer_question_by_question(
    settings: Callable[..., Settings], start: Start
) -> None:
    with scripted_model(by_name) as model:
        chosen = settings(
            models={"judge": model.role("other")},
            verdicts={"checks": [], "judges": ["checklist"]},
            responses={"draws": 2},
        )
        with start(chosen) as run:
            answered(run)
            counts = verdicts.check(run).counts
            found = rows(run)
            again = verdicts.check(run).counts

    passed = Counter((row["check_name"], row["passed"]) for row in found)
    assert passed == {("checklist_questions", True): 6, ("checklist.1", True): 12, ("checklist.2", None): 12}
    assert all(row["detail"].startswith("unparsable_answer") for row in found if row["passed"] is None)
    assert counts.rows_in == counts.rows_out == 6 + 12 + 12
    assert again == Counts()


@pytest.mark.slow
def test_moderation_looks_at_instructions_and_answers_and_refuses_what_it_flags_when_required(
    settings: Callable[..., Settings], start: Start
) -> None:
    def judge(body: dict) -> str:
        if "bees" in body["messages"][1]["content"]:
            return json.dumps({"analysis": "A dose.", "categories": ["specialised_advice"]})
        if "roofs" in body["messages"][1]["content"]:
            return "?"
        return json.dumps({"analysis": "Harmless.", "categories": []})

    with scripted_model(judge) as model:
        chosen = {"models": {"judge": model.role("other")}, "scores": {"judges": []}, "selections": {"min_score": 0}}
        required = {"checks": [], "judges": ["moderation"], "required": ["moderation"]}
        with start(settings(**chosen, verdicts=required)) as run:
            answered(run)
            counts = verdicts.check(run).counts
            store.publish(run, "verdicts")
            kept = selections.select(run).counts
            refused = dict(run.store.query("rejections/of_stage", stage="selections").rows())
        with start(settings(**chosen, verdicts=required | {"required": []})) as run:
            verdicts.check(run)
            store.publish(run, "verdicts")
            tagged = selections.select(run).counts

    assert counts.rows_in == 12
    assert refused == {"failed_moderation": 2}  # one flagged, and one that the judge could not say is harmless
    assert (kept.rows_out, tagged.rows_out) == (4, 6)


@pytest.mark.slow
def test_a_moderation_endpoint_is_asked_once_for_each_text_and_outlives_its_faults(
    settings: Callable[..., Settings], start: Start
) -> None:
    busy = iter([True] * 3)

    def flag(body: dict) -> dict:
        if next(busy, False):
            raise ConnectionError
        found = "bees" in body["input"]
        return {"flagged": found, "categories": {"self-harm": found}, "category_scores": {"self-harm": 0.75}}

    with scripted_model(flag) as server:
        moderator = server.role("m", api="moderations")
        chosen = settings(models={"moderator": moderator}, verdicts={"checks": [], "judges": ["moderation"]})
        with start(chosen) as run:
            answered(run)
            first = verdicts.check(run).counts
            written = rows(run)
            recorded = run.store.count("completions/by_role", role="moderator")
        with start(chosen) as run:
            second = verdicts.check(run).counts

    assert (first.rows_in, first.rows_out, first.calls) == (12, 12, 12)
    assert {(row["passed"], row["detail"]) for row in written} == {(True, "none"), (False, "self-harm 0.75")}
    assert all(set(body) == {"model", "input"} for body in server.asked)
    assert len(server.asked) == 12 + 3  # each text once, and once more for each fault
    assert recorded == 12
    assert second.rows_in == 0


@pytest.mark.slow
def test_verifiers_are_written_tried_on_each_other_and_put_to_each_answer(
    settings: Callable[..., Settings], start: Start
) -> None:
    short = "def evaluate(response):\n    return len(response.split()) <= 5"
    wrong = "def evaluate(response):\n    return len(response.split()) > 5"
    spy = "def evaluate(response):\n    return open('/etc/passwd').read() == response"
    cases = [{"response": "One two.", "expected": True}, {"response": "word " * 9, "expected": False}]

    def judge(body: dict) -> str:
        user = body["messages"][1]["content"]
        if "pumps" in user or "bread" in user:
            return json.dumps({"functions": [short, short + " and True", wrong, spy], "cases": cases})
        return json.dumps({"functions": [], "cases": []})

    def writer(body: dict) -> str:
        return (
            "As short as asked." if "pumps" in body["messages"][-1]["content"] else "Far longer than it was asked for."
        )

    with (
        scripted_model(judge) as judges,
        scripted_model(writer) as answers,
        start(
            settings(
                models={"judge": judges.role("other"), "responder": answers.role("writer")},
                verdicts={"checks": [], "judges": ["verifiers"]},
            )
        ) as run,
    ):
        answered(run)
        counts = verdicts.check(run).counts
        found = rows(run)
        again = verdicts.check(run).counts

    written = [row for row in found if row["check_name"] == "verifiers"]
    verified = [row for row in found if row["check_name"] == "verified"]
    assert Counter(row["passed"] for row in written) == {True: 2, None: 4}
    assert all(json.loads(row["detail"]) == [short, short + " and True"] for row in written if row["passed"])
    assert sorted(row["passed"] for row in verified) == [False, True]
    assert counts == Counts(rows_in=8, rows_out=8, calls=6, prompt_tokens=60, completion_tokens=30)
    assert again == Counts()
