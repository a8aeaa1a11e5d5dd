"""Verdicts: every answer is checked once; prompted checks are asked one question at a time."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import instruction_store as store
from tests.scripted_model import scripted_model
from wellspring.tasks import exports, responses, selections, verdicts
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings, VerdictsSettings
from wellspring.tasks.io import containment
from wellspring.tasks.io.sandbox import FIRST
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.watching import summaries

Start = Callable[[Settings], AbstractContextManager[Run]]
COMPUTED = {*VerdictsSettings().computed}


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

    assert first == Counts(rows_in=12, rows_out=12)  # each by itself, and each with the others
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

    assert counts.rows_in == 1440
    by_itself = [row for row in found if row["check_name"] != "not_same"]
    assert sorted((row["subject_id"], row["check_name"], row["passed"], row["detail"]) for row in by_itself) == sorted(
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
                verdicts={"required": ["not_contaminated"]},
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
        start(
            settings(models={"responder": model.role("writer")}, verdicts={"checks": ["code_runs"], "required": []})
        ) as run,
    ):
        answered(run)
        verdicts.check(run)
        found = {row["subject_id"]: row["passed"] for row in rows(run)}
        details = {row["detail"] for row in rows(run)}
        texts = {row["id"]: row["response"] for row in run.store.query("exports/raw").to_dicts()}

    engines = {detail.split(": ")[0] for detail in details if not detail.startswith("does not apply")}
    assert f"{FIRST}: ok" in details
    assert engines <= {FIRST, containment.ENGINE}
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
            verdicts={"checks": [], "judges": ["checklist"], "required": []},
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
    assert counts.rows_in == counts.rows_out == 6 + 12
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
        chosen = settings(
            models={"moderator": moderator}, verdicts={"checks": [], "judges": ["moderation"], "required": []}
        )
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
    cases = [{"response": f"One {number}.", "expected": True} for number in range(5)]
    cases += [{"response": f"word {number} " * 9, "expected": False} for number in range(5)]

    def judge(body: dict) -> str:
        user = body["messages"][1]["content"]
        if "pumps" in user or "bread" in user:
            return json.dumps({"functions": [short, short + " and True", wrong, spy], "cases": cases})
        if "tides" in user:
            return json.dumps({"functions": [short], "cases": cases[:1]})
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
                verdicts={"checks": [], "judges": ["verifiers"], "required": []},
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
    believed = {"functions": [short, short + " and True"], "engines": [FIRST]}
    assert [json.loads(row["detail"]) for row in written if row["passed"]] == [believed] * 2
    assert Counter(row["detail"] for row in written if not row["passed"]) == {
        "too_few_verifiers: 1 functions of at least 3": 1,
        '{"functions":[],"engines":[]}': 3,
    }
    assert sorted(row["passed"] for row in verified) == [False, True]
    assert counts == Counts(rows_in=8, rows_out=8, calls=6, prompt_tokens=60, completion_tokens=30)
    assert again == Counts()


def answering(texts: dict[str, str], otherwise: str = "") -> Callable[[dict], str]:
    """A responder that says for each subject what is given, else something of its own about each instruction."""

    def answer(body: dict) -> str:
        asked = body["messages"][-1]["content"]
        subject = next(subject for subject in store.SUBJECTS if subject in asked)
        words = store.SUBJECTS[subject].split()
        own = otherwise or " ".join(random.Random(asked).sample(words, len(words)))
        return next((text for subject, text in texts.items() if subject in asked), own)

    return answer


SELECTABLE = {"scores": {"judges": []}, "selections": {"min_score": 0}}


def chosen(run: Run, count: int = 6) -> tuple[int, dict[str, int]]:
    """How many instructions are selected, and why the others are not."""
    answered(run, count)
    verdicts.check(run)
    store.publish(run, "verdicts")
    kept = selections.select(run).counts.rows_out
    return kept, dict(run.store.query("rejections/of_stage", stage="selections").rows())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("None", "failed_has_substance"),
        ("\u200b\u200c", "failed_has_substance"),
        ("The passage is missing.", "failed_not_refused"),
        ("\u5bf9\u4e0d\u8d77\uff0c\u6211\u65e0\u6cd5\u56de\u7b54\u3002", "failed_not_refused"),
        ("It is hot in here and cold outside. " * 150, "failed_not_looping"),
        ("According to the passage above, the loaf is baked for 45 minutes.", "failed_no_pointer"),
    ],
)
def test_an_answer_that_says_nothing_keeps_its_row_out_and_only_its_own(
    settings: Callable[..., Settings], start: Start, said: str, reason: str
) -> None:
    with (
        scripted_model(answering({"bread": said})) as model,
        start(settings(models={"responder": model.role("writer")}, **SELECTABLE)) as run,
    ):
        kept, refused = chosen(run)

    assert (kept, refused) == (5, {reason: 1})


@pytest.mark.slow
def test_one_answer_for_all_is_selected_for_none_and_one_for_two_is_selected_once(
    settings: Callable[..., Settings], start: Start
) -> None:
    canned = "It depends on many things, so look at each of them with care and ask somebody who knows."
    with (
        scripted_model(answering({}, canned)) as model,
        start(settings(models={"responder": model.role("writer")}, **SELECTABLE)) as run,
    ):
        for_all = chosen(run)
    with (
        scripted_model(answering({"bread": canned, "bees": canned.replace("somebody", "a person")})) as model,
        start(settings(models={"responder": model.role("another")}, **SELECTABLE)) as run,
    ):
        for_two = chosen(run)

    assert for_all == (0, {"failed_not_same": 6})
    assert for_two[0] == 5
    assert for_two[1] == {"failed_not_same": 1}


@pytest.mark.slow
def test_what_a_model_wrote_once_may_answer_several_instructions(
    settings: Callable[..., Settings], start: Start
) -> None:
    canned = "It depends on many things, so look at each of them with care and ask somebody who knows."
    wanted = {"checks": [], "required": ["not_same"]}
    with (
        scripted_model(answering({"bread": canned, "bees": canned})) as m,
        start(settings(models={"responder": m.role("writer")}, verdicts=wanted)) as run,
    ):
        answered(run, 6)
        run.store._connection.execute("UPDATE responses SET completion_id = 'once' WHERE text = ?", [canned])
        verdicts.check(run)
        store.publish(run, "verdicts")
        in_force = run.store.query("exports/checks", required=["not_same"]).to_dicts()

    assert [(row["passed"], row["failed"], row["no_verdict"]) for row in in_force] == [(6, 0, 0)]


@pytest.mark.slow
def test_a_set_that_grew_is_compared_anew_and_one_that_did_not_is_not(
    settings: Callable[..., Settings], start: Start
) -> None:
    canned = "It depends on many things, so look at each of them with care and ask somebody who knows."
    with (
        scripted_model(answering({"work with pumps": canned, "bees": canned.replace("somebody", "a person")})) as m,
        start(
            settings(models={"responder": m.role("writer")}, verdicts={"checks": [], "required": ["not_same"]})
        ) as run,
    ):
        answered(run, 6)
        first = verdicts.check(run).counts
        again = verdicts.check(run).counts
        answered(run, 12)
        grown = verdicts.check(run).counts
        store.publish(run, "verdicts")
        in_force = run.store.query("exports/checks", required=["not_same"]).to_dicts()

    assert (first.rows_in, again.rows_in, grown.rows_in) == (6, 0, 12)
    assert [(row["passed"], row["failed"], row["no_verdict"]) for row in in_force] == [(10, 2, 0)]


@pytest.mark.slow
def test_a_required_check_that_nobody_is_asked_for_selects_nothing_and_the_run_says_so(
    settings: Callable[..., Settings], store_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unasked = settings(verdicts={"required": ["moderation"]}, **SELECTABLE)
    with runs.start("test", unasked, store_dir, may_mix=True) as run:
        kept, refused = chosen(run)
        on_card = run.store.query("exports/checks", required=["moderation"]).to_dicts()
    said = " ".join(capsys.readouterr().err.split())

    assert (kept, refused) == (0, {"unchecked_moderation": 6})
    assert "verdicts.required names moderation" in said
    assert [row["no_verdict"] for row in on_card if row["required"]] == [6]


@pytest.mark.slow
def test_a_required_check_that_does_not_apply_is_no_failure_and_one_that_cannot_say_is_one(
    settings: Callable[..., Settings], start: Start
) -> None:
    texts = {"bread": "Run this:\n\n```python\nimport numpy\n```", "bees": "Run this:\n\n```python\nprint(1 + 1)\n```"}
    required = {"checks": [], "required": ["code_runs", "not_contaminated"]}
    with (
        scripted_model(answering(texts)) as model,
        start(settings(models={"responder": model.role("writer")}, verdicts=required, **SELECTABLE)) as run,
    ):
        kept, refused = chosen(run)
        said = run.store.query("exports/checks", required=required["required"]).to_dicts()
        of_code = run.store.query("verdicts/of_code").row(0)
        [on_card] = exports._engines(run)
        summary = summaries.of_run(run.store)["sandbox"]

    assert (kept, refused) == (5, {"failed_code_runs": 1})
    assert of_code == (2, 1)  # of one nobody could say anything
    assert on_card.startswith("Checks ran code for 2 answers; of 1 no engine could say anything.")
    assert summary in on_card
    assert summary.startswith(FIRST)
    assert {row["check_name"]: (row["does_not_apply"], row["could_not_say"]) for row in said} == {
        "code_runs": (4, 1),
        "not_contaminated": (6, 0),  # the profile names no benchmarks
    }


BRIEF = """
from wellspring.tasks.methods.answers.checks import Outcome, does_not_apply

VERSION = 1


def check(row, settings):
    text = row["response"]
    if "pumps" in row["instruction"]:
        return does_not_apply("about pumps")
    if "bread" in row["instruction"]:
        return 1 / 0
    assert (row["finish_reason"], row["document"]) == ("stop", None)
    return Outcome("bees" not in row["instruction"], "\\ud800 long " * 300)
"""


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    """A check of the user: of six answers it passes three, fails one, does not apply to one, and raises on one."""
    file = tmp_path / "mine" / "brief.py"
    file.parent.mkdir()
    file.write_text(BRIEF)
    return file


def of_brief(found: list[dict]) -> Counter[bool | None]:
    return Counter(row["passed"] for row in found if row["check_name"] == "brief")


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
def test_a_check_of_the_users_says_what_it_says_under_its_name_and_can_be_required(
    settings: Callable[..., Settings], start: Start, brief: Path
) -> None:
    plugged = settings(plugins=[str(brief.parent)], verdicts={"checks": [], "required": ["brief"]}, **SELECTABLE)
    with start(plugged) as run:
        answered(run)
        verdicts.check(run)
        found = rows(run)
        again = verdicts.check(run).counts
        store.publish(run, "verdicts")
        kept = selections.select(run).counts.rows_out
        refused = dict(run.store.query("rejections/of_stage", stage="selections").rows())

    assert of_brief(found) == {True: 3, False: 1, None: 2}
    assert (kept, refused) == (4, {"failed_brief": 2})
    details = {row["passed"]: row["detail"] for row in found if row["detail"].startswith("method_error")}
    assert list(details) == [None]
    assert re.search(r"ZeroDivisionError at \S+brief\.py:12: division by zero", details[None])
    cut = next(row["detail"] for row in found if row["passed"])
    assert (len(cut), cut[:8]) == (500, "\N{REPLACEMENT CHARACTER} long \N{REPLACEMENT CHARACTER}")
    assert again == Counts()


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
def test_a_check_of_the_users_runs_in_workers_and_its_version_makes_answers_due_again(
    settings: Callable[..., Settings], start: Start, brief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "FRAME_ROWS", 6)
    wanted = {"checks": ["brief", "not_refused"], "required": []}
    with start(settings("runner=process", "threads=2", plugins=[str(brief.parent)], verdicts=wanted)) as run:
        answered(run, 12)
        first = verdicts.check(run).counts
        found = rows(run)
        monkeypatch.setattr(verdicts.checks.theirs("brief", run.settings.plugins), "VERSION", 2)
        raised = verdicts.check(run).counts

    assert (first.rows_in, raised.rows_in) == (12, 12)
    assert of_brief(found) == {True: 6, False: 2, None: 4}


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", r"each of the 6 rows of `brief` ended in ZeroDivisionError at \S+brief\.py:5"),
        ("return True", r"brief\.py says True, not \(True, False or None, and a text\)"),
        ("row['response'] = ''", r"each of the 6 rows of `brief` ended in TypeError at \S+brief\.py:5"),
    ],
)
def test_a_check_that_ends_in_the_same_exception_on_every_answer_is_stopped_and_writes_nothing(
    settings: Callable[..., Settings], start: Start, brief: Path, body: str, said: str
) -> None:
    brief.write_text(f"VERSION = 1\n\n\ndef check(row, settings):\n    {body}\n")
    plugged = settings(plugins=[str(brief.parent)], verdicts={"checks": ["brief"], "required": []})
    with start(plugged) as run:
        answered(run)
        with pytest.raises(BrokenError, match=said):
            verdicts.check(run)
        assert not rows(run)
