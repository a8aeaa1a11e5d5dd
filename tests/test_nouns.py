"""What a program of the stage `instructions` makes in other nouns: in force, audited, exported and forgotten."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store, program_rows
from tests.program_rows import DOCUMENT, NOUNS, OTHER, PRINT, SEED, TEXT, TURNS, id_of
from tests.scripted_model import scripted_model
from tests.test_preferences import PAIRS, judge
from wellspring.tasks import preferences, responses, scores, verdicts
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.operations import retrying
from wellspring.tasks.spine.provenance import forgetting, lineage
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors.contamination import CHECK

Start = Callable[[Settings], AbstractContextManager[Run]]
SAID = "Mine hums and lifts nothing."


@pytest.fixture
def filled(settings: Callable[..., Settings], start: Start) -> Iterator[Run]:
    """A run on a store that has a program's rows, which no audit has passed yet."""
    with start(settings("verdicts.required=[]")) as run:
        instruction_store.fill(run, 6)
        program_rows.fill(run)
        yield run


def in_force(run: Run) -> dict[str, int]:
    """How many rows of the program later stages see, by noun."""
    query = "SELECT count(*) FROM valid_{} WHERE fingerprint = ?"
    found = {noun: run.store._connection.execute(query.format(noun), [PRINT]).fetchone() for noun in NOUNS}
    return {noun: row[0] for noun, row in found.items() if row}


def ids(run: Run, view: str) -> set[str]:
    return {row[0] for row in run.store._connection.execute(f"SELECT input_id FROM inputs_{view}").fetchall()}


def test_rows_of_all_nouns_pass_their_audits_and_are_in_force_with_their_program(filled: Run) -> None:
    for noun in (*NOUNS, "settled"):
        validation.audit(filled, noun)
    before = in_force(filled)
    for noun in NOUNS:
        if noun != "instructions":
            filled.activate(noun, {})
    beside = in_force(filled)
    of_stages = {row["stage"] for row in filled.store.query("methods/rows").to_dicts() if row["fingerprint"] == PRINT}
    filled.activate("instructions", {"knn_instruct-1": "knn_instruct"})

    failed = filled.store.query("validations/all").filter(success=False, severity="fail")
    assert failed.is_empty()
    assert before == beside == dict.fromkeys(NOUNS, 1) | {"instructions": 2, "responses": 2}
    assert of_stages == {"instructions"}
    assert in_force(filled) == dict.fromkeys(NOUNS, 0)


def test_rows_of_a_program_that_was_given_up_are_not_audited(filled: Run) -> None:
    filled.activate("instructions", {"knn_instruct-1": "knn_instruct"})

    assert {noun: filled.store.count(f"{noun}/unpublished") for noun in NOUNS} == dict.fromkeys(NOUNS, 0)


@pytest.mark.parametrize(
    ("noun", "spoilt"),
    [
        ("notes", "input_id = '00000000000000000000'"),
        ("notes", "completion_id = 'none'"),
        ("rewrites", "document_id = '00000000000000000000'"),
        ("responses", "use = 'other'"),
        ("preferences", "kind = 'other'"),
        ("preferences", "chosen_id = '', rejected_id = ''"),
        ("preferences", "chosen_id = '', kind = 'reward'"),
        ("preferences", "rejected_id = '00000000000000000000'"),
        ("instructions", "weight = -0.5"),
        ("instructions", "parent_ids = ['00000000000000000000']"),
    ],
)
def test_what_hangs_on_nothing_or_has_an_unknown_use_fails_its_audit(filled: Run, noun: str, spoilt: str) -> None:
    filled.store._connection.execute(f"UPDATE {noun} SET {spoilt} WHERE fingerprint = ?", [PRINT])

    with pytest.raises(validation.BrokenError, match=f"`{noun}` breaks"):
        validation.audit(filled, noun)


def test_the_counts_of_the_stages_of_judges_are_not_disturbed(filled: Run) -> None:
    program_rows.publish(filled)
    responses.respond(filled)
    instruction_store.publish(filled, "responses")
    verdicts.check(filled)
    scores.judge(filled)
    filled.store._connection.execute("DELETE FROM publications WHERE noun IN ('verdicts', 'scores')")

    of_run: dict[str, Any] = {"run_id": filled.run_id, "fingerprint": None}
    found = [filled.store.query(f"{noun}/audit", **of_run) for noun in ("verdicts", "scores")]

    assert [one["unaccounted"][0] for one in found] == [0, 0]


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ("seeds", {"rewrites": 1, "instructions": 0, "notes": 0, "responses": 0}),
        ("documents", {"rewrites": 0, "instructions": 2, "notes": 1, "responses": 2}),
    ],
)
def test_a_note_leaves_with_its_input_and_a_rewrite_with_its_page(filled: Run, gone: str, left: dict[str, int]) -> None:
    program_rows.publish(filled)
    column, of = {"seeds": ("seed_id", SEED), "documents": ("document_id", DOCUMENT)}[gone]

    filled.store._connection.execute(f"UPDATE {gone} SET fingerprint = 'old' WHERE {column} = ?", [of])

    found = in_force(filled)
    assert {noun: found[noun] for noun in left} == left


def test_what_was_written_for_a_rewrite_leaves_with_its_page(filled: Run) -> None:
    filled.store._connection.execute(
        "UPDATE instructions SET input_id = ? WHERE instruction_id = ?", [id_of("rewrite"), id_of("other")]
    )
    program_rows.publish(filled)
    both = in_force(filled)["instructions"]

    filled.store._connection.execute("UPDATE documents SET fingerprint = 'old' WHERE document_id = ?", [DOCUMENT])

    assert (both, in_force(filled)["instructions"]) == (2, 1)


def test_an_instruction_that_its_program_answered_is_not_due_and_another_is(filled: Run) -> None:
    views = ("answer", "answer_grounded", "answer_with_rationale", "answer_for_pairs")
    instruction_store.publish(filled, "instructions")  # the response waits for its audit

    due = {view: ids(filled, view) for view in views}
    filled.store._connection.execute("UPDATE responses SET use = 'draw' WHERE use = 'answer'")

    assert id_of("told") not in set().union(*due.values())
    assert {view for view in views if id_of("other") in due[view]} == {"answer", "answer_for_pairs"}
    assert len(due["answer_for_pairs"]) == 7
    assert id_of("told") in ids(filled, "answer")


def test_who_answers_is_asked_with_the_earlier_turns(settings: Callable[..., Settings], start: Start) -> None:
    with scripted_model(lambda _: "Follow the arrow.") as model:
        chosen = settings(
            "preferences.draws=2", models={"responder": model.role("writer")}, responses={"system": "Be brief."}
        )
        with start(chosen) as run:
            instruction_store.fill(run, 1)
            program_rows.fill(run, use="draw")
            instruction_store.publish(run, "instructions")
            responses.respond(run)
            uses = dict(run.store._connection.execute("SELECT use, count(*) FROM responses GROUP BY use").fetchall())

    turns = [{"role": turn["role"], "content": turn["content"]} for turn in TURNS]
    told = [body["messages"] for body in model.asked if body["messages"][-1]["content"] == TEXT]
    other = [body["messages"] for body in model.asked if body["messages"][-1]["content"] == OTHER]
    assert told == [[*turns, {"role": "user", "content": TEXT}]] * 3
    assert other == [[{"role": "system", "content": "Be brief."}, {"role": "user", "content": OTHER}]] * 3
    assert uses == {"answer": 3, "draw": 7, "rejected": 1}


def test_a_rejected_response_is_not_checked_judged_or_compared(filled: Run) -> None:
    program_rows.publish(filled)
    of_checks = filled.store.query("verdicts/pending", fingerprint="")["input_id"].to_list()
    of_set = filled.store.query("verdicts/answers")["input_id"].to_list()
    size = filled.store.query("verdicts/set")["answers"][0]
    never = filled.store.query("exports/checks", required=["turns", "never"]).to_dicts()

    assert of_checks == of_set == [id_of("good")]
    assert size == 1
    assert ids(filled, "responses") == {id_of("good")}
    assert id_of("bad") not in ids(filled, "texts")
    assert [row["no_verdict"] for row in never] == [1, 0]
    assert id_of("told") in ids(filled, "answered")
    filled.store._connection.execute("UPDATE responses SET use = 'rejected'")
    assert id_of("told") not in ids(filled, "answered")


def test_a_checklist_is_put_to_answers_alone_and_draws_are_what_pairs_are_made_of(filled: Run) -> None:
    filled.activate("verdicts", {"c": "checklist_questions", "v": "verifiers"})
    for print_, detail in {"c": '["Does it turn?"]', "v": '{"functions": [""], "engines": []}'}.items():
        said = records.Verdict(id_of("told"), print_, print_, True, detail, None, filled.run_id)
        filled.store.append("verdicts", [said])
    program_rows.publish(filled)

    def asked() -> list[set[str]]:
        verified = filled.store.query("verdicts/pending_verified", fingerprint="", verifiers="v")["input_id"].to_list()
        return [ids(filled, "questions"), set(verified), ids(filled, "responses_for_pairs")]

    found, none = asked(), filled.store.query("rows/all", view="inputs_pairs").height
    filled.store._connection.execute("UPDATE responses SET use = 'draw' WHERE use = 'answer'")

    assert found == [{id_of("good")}, {id_of("good")}, set()]
    assert none == 0
    assert asked() == [set(), {id_of("good")}, {id_of("good")}]


def test_retry_takes_nothing_back_that_a_program_could_not_say(filled: Run) -> None:
    program_rows.publish(filled)

    assert retrying.reopen(filled, reason="unsure") == 0
    assert {noun: in_force(filled)[noun] for noun in ("verdicts", "scores")} == {"verdicts": 1, "scores": 1}


def test_a_trace_of_a_programs_answer_shows_the_calls_of_its_input(filled: Run) -> None:
    found = filled.store.query("steps/of_things", ids=[id_of("good"), id_of("note")]).select("id", "heading").rows()

    assert sorted(found) == sorted([(id_of("good"), "mend"), (id_of("note"), "mend")])
    assert {node.kind for node in lineage.trace(filled.store, id_of("other")).walk()} >= {"note", "rewrite", "seed"}


@pytest.mark.parametrize("thing", ["good", "told", "note"])
def test_an_input_is_due_again_where_something_that_was_made_of_it_is_forgotten(filled: Run, thing: str) -> None:
    for table in ("settled", "steps"):
        filled.store.execute(f"{table}/forget", ids=[id_of(thing)])

    left = filled.store._connection.execute("SELECT input_id FROM settled WHERE fingerprint = ?", [PRINT]).fetchall()
    assert left == [(DOCUMENT,)]
    assert not filled.store._connection.execute("SELECT * FROM steps WHERE fingerprint = ?", [PRINT]).fetchall()


def test_a_forgotten_page_takes_its_rewrite_and_what_was_shown_it(filled: Run) -> None:
    program_rows.publish(filled)

    receipt = forgetting.forget(filled.store, url="https://pumps.example/page")

    assert (receipt.rows["rewrites"], receipt.rows["notes"]) == (1, 0)
    assert (receipt.descendants_left, receipt.texts_left) == (0, 0)
    assert in_force(filled)["instructions"] == 1


FORMS = 'exports.formats=["messages", "dpo", "raw"]'


@pytest.mark.parametrize(
    ("kind", "failing", "pairs"),
    [("verified", "bad", 1), ("verified", "good", 0), ("reward", "bad", 0), ("reward", "", 1)],
)
def test_a_rejected_response_is_the_worse_side_of_a_pair_and_never_an_answer(
    settings: Callable[..., Settings], start: Start, kind: str, failing: str, pairs: int
) -> None:
    chosen = settings(FORMS, "scores.judges=[]", 'verdicts.required=["not_refused"]')
    with start(chosen) as run:
        instruction_store.fill(run, 6)
        folder = program_rows.exported(run, kind=kind, failing=failing)

    def lines(form: str) -> list[dict[str, Any]]:
        path = folder / form / "train.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []

    assert [row["id"] for row in lines("messages")] == [id_of("good")] * (failing != "good")
    assert len(lines("dpo")) == pairs
    assert {row["id"] for row in lines("raw")} == {id_of("good"), id_of("bad")}
    assert {(row["way"], row["use"]) for row in lines("raw")} == {("mends", "answer"), ("mends", "rejected")}


def test_whoever_judges_is_shown_the_turns_before_an_instruction(
    settings: Callable[..., Settings], start: Start
) -> None:
    with scripted_model(lambda _: "Hard to say.") as model:
        chosen = settings(
            'verdicts.judges=["moderation", "checklist", "verifiers"]',
            'scores.judges=["seven_criteria", "response_quality"]',
            models={"judge": model.role("judge", attempts=1)},
        )
        with start(chosen) as run:
            instruction_store.fill(run, 1)
            program_rows.fill(run)
            program_rows.publish(run)
            verdicts.check(run)
            scores.judge(run)
            asked = list(model.asked)
            run.store._connection.execute(
                "UPDATE verdicts SET passed = true, detail = ? WHERE check_name = 'checklist_questions'", ['["Turns?"]']
            )
            verdicts.check(run)

    shown = [body["messages"] for body in asked if TEXT in str(body)]
    others = [body["messages"] for body in model.asked if TEXT not in str(body)]
    put = [body["messages"] for body in model.asked[len(asked) :]]
    assert len({str(messages[:2]) for messages in shown}) == 5  # moderation, checklist, verifiers, both judges
    assert len({str(messages[:2]) for messages in put}) == 1
    assert all(f"user: {SAID}" in str(messages) and f"user: {TEXT}" in str(messages) for messages in (*shown, *put))
    assert others
    assert not any(SAID in str(messages) or "user: " in str(messages) for messages in others)


def test_who_compares_two_answers_is_shown_the_turns_before(settings: Callable[..., Settings], start: Start) -> None:
    with scripted_model(judge) as marks:
        chosen = settings(
            models={"judge": marks.role("other")}, scores={"judges": []}, preferences=PAIRS | {"both_orders": True}
        )
        with start(chosen) as run:
            instruction_store.fill(run, 1)
            program_rows.fill(run, use="draw")
            for name, quality in {"good": 8, "bad": 2}.items():
                run.store._connection.execute(
                    "UPDATE responses SET use = 'draw', text = ? WHERE response_id = ?",
                    [f"Answer of quality {quality}.", id_of(name)],
                )
            program_rows.publish(run)
            scores.judge(run)
            instruction_store.publish(run, "scores")
            counts = preferences.pair(run).counts

    compared = [body for body in marks.asked if "Compare the two answers" in str(body)]
    assert counts.rows_out == 1
    assert len(compared) == 2
    assert all(f"user: {SAID}" in str(body) for body in compared)


def test_checks_look_at_the_turns_before_an_instruction(settings: Callable[..., Settings], tmp_path: Path) -> None:
    question = "How many sheep are in the pen after the dog has brought them all back from the hill?"
    (tmp_path / "bench.jsonl").write_text(json.dumps({"question": question}) + "\n")
    chosen = settings(f'benchmarks.paths={{mine = "{tmp_path / "bench.jsonl"}"}}', f'verdicts.checks=["{CHECK}"]')
    row = {"input_id": "r", "instruction": TEXT, "response": "By its arrow.", "finish_reason": "stop"}
    turns = {"": True, json.dumps([{"role": "user", "content": question}]): False}

    found = [verdicts.checked([row | {"history": said}], chosen.verdicts, chosen.benchmarks) for said in turns]

    assert [{one[1]: one[2] for one in said}[CHECK] for said in found] == list(turns.values())
