"""Okapi: ranked answers in the seed's language, as it brings them or as a model gives them, and pairs of two orders."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, draw, fenced, reasons, uses
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.corpora import conversations
from wellspring.tasks.recipes import okapi

pytestmark = pytest.mark.usefixtures("unaudited")

BEST, GOOD, BAD = "It is the best of all.", "It is a good one.", "It is a bad one."
GIVEN = {
    "pumps": [BEST, GOOD, BAD],
    "bread": [BEST, BAD, GOOD],
    "tides": [BEST, "Es ist gut.", BAD],
    "bees": [BAD, BEST],
}


@pytest.fixture
def ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seeds of the store bring ranked answers."""

    def seed(line: int, subject: str, source_id: str, of: Callable[..., records.Seed] = instruction_store._seed) -> Any:
        if subject not in GIVEN:
            return of(line, subject, source_id)
        turn = {"role": "assistant", "content": GIVEN[subject][0], "ranked": GIVEN[subject][1:]}
        more = {"response": GIVEN[subject][0], "turns": json.dumps([turn])}
        return dataclasses.replace(of(line, subject, source_id), **more)

    monkeypatch.setattr(instruction_store, "_seed", seed)


def say(heading: str, body: dict[str, Any]) -> str:
    """Rank by what the answers say of themselves; of roofs always in the order in which they stand."""
    if heading != "rank":
        return [BEST, GOOD, BAD, f" {GOOD.upper()}"][draw(body)]
    shown = [one.partition(": ")[2] for one in fenced(body, "answer")]
    told = " ".join(fenced(body, "instruction"))
    places = range(1, len(shown) + 1)
    by = {BEST: 0, GOOD: 1, BAD: 2}
    order = [*places] if "roofs" in told else sorted(places, key=lambda at: by.get(shown[at - 1], 1))
    order = [*places][:-1] if "trains" in told else order
    foreign = [at for at in places if shown[at - 1].startswith("Es ")]
    return json.dumps({"reason": "x", "order": order, "other_language": foreign})


@pytest.mark.usefixtures("ranked")
def test_pairs_are_those_that_both_orders_agree_on(start: Start, settings: Callable[..., Settings]) -> None:
    with answering("okapi", say) as model:
        roles = {role: model.role(role) for role in okapi.ROLES}
        made = run_program("okapi", start, settings(*of_program("okapi"), models=roles))

    of = {
        row["instruction_id"]: re.findall("pumps|bread|tides|bees|roofs|trains", row["text"])[0]
        for row in made["instructions"]
    }
    found: dict[str, set[tuple[str, str]]] = {}
    texts = {row["response_id"]: row["text"] for row in made["responses"]}
    for row in made["preferences"]:
        found.setdefault(of[row["instruction_id"]], set()).add((texts[row["chosen_id"]], texts[row["rejected_id"]]))
    assert found["pumps"] == {(BEST, GOOD), (BEST, BAD), (GOOD, BAD)}
    assert found["bread"] == {(BEST, BAD), (BEST, GOOD)}  # the judge turns the others round
    assert found["tides"] == {(BEST, BAD)}  # one answer is in another language
    assert "bees" not in found  # the judge has the opposite order
    assert (BEST, BAD) not in found.get("roofs", set())  # in the second order the bad one stands first
    assert {"undecided", "not_compared", "other_language", "duplicate"} <= {*reasons(made)}
    assert {row["model"] for row in made["responses"] if of[row["instruction_id"]] in GIVEN} == {"given"}
    assert uses(made)[BEST] == "answer"
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert max(row["margin"] for row in made["preferences"]) == 2


def test_with_the_stand_in_seeds_get_answers_and_pairs(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("okapi", start, settings(*of_program("okapi")))

    assert {"answer", "rejected"} <= {row["use"] for row in made["responses"]}, made.refused
    assert made["preferences"]
    assert made.calls <= made.settled * okapi.most_calls(okapi.Knobs())


@pytest.mark.parametrize(
    ("record", "answers"),
    [
        ({"prompt": "Why?", "ranked": ["So.", "Thus.", "So.", ""]}, ["So.", "Thus."]),
        ({"prompt": "Why?", "ranked": [{"text": "b", "rank": 2}, {"response": "a", "rank": 1}]}, ["a", "b"]),
        ({"prompt": "Why?", "ranked": [{"text": "b", "rank": 2}, {"text": "a"}]}, ["b", "a"]),
        ({"prompt": "Why?", "ranked": [7, None, {"text": 7}], "response": "r"}, ["r"]),
        ({"prompt": "Why?", "ranked": "a", "response": "r"}, ["r"]),
    ],
)
def test_ranked_answers_of_a_line_are_its_answer_and_what_is_worse(
    tmp_path: Path, record: dict[str, Any], answers: list[str]
) -> None:
    path = tmp_path / "ranked.jsonl"
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")

    [(_, turn)] = conversations.read(path)

    assert isinstance(turn, conversations.Turn)
    [said] = json.loads(turn.later)
    assert [turn.response, *said.get("ranked", [])] == answers
    assert said["content"] == answers[0]


def test_a_profile_names_the_column_of_ranked_answers(tmp_path: Path) -> None:
    path = tmp_path / "ranked.jsonl"
    path.write_text(json.dumps({"question": "Why?", "outputs": ["a", "b"]}) + "\n", encoding="utf-8")

    [(_, turn)] = conversations.read(path, columns={"ranked": "outputs"})

    assert isinstance(turn, conversations.Turn)
    assert (turn.response, json.loads(turn.later)[0]["ranked"]) == ("a", ["b"])
