"""SPaR: what is kept and refused at each turn of its way from a seed to a pair of nearly the same text."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.instruction_store import SUBJECTS
from tests.program_runs import Made, answering, of_program, run_program
from tests.scripted_model import ScriptedModel
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import spar
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.runs import Run

NAME = "spar"
Start = Callable[[Settings], AbstractContextManager[Run]]
ALONE = 'instructions.recipes=["spar"]'
SEEDS = {subject: content_id("seed", f"What should I know about {subject}?") for subject in SUBJECTS}

pytestmark = pytest.mark.usefixtures("unaudited")


def subject_of(body: Mapping[str, Any]) -> str:
    return next(name for name in SUBJECTS if f"about {name}" in said_in(body))


def said_in(body: Mapping[str, Any]) -> str:
    return "\n".join(message["content"] for message in body["messages"])


def fenced(body: Mapping[str, Any], name: str) -> str:
    found = re.search(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said_in(body), re.DOTALL)
    return found[2] if found else ""


class Script:
    """A model that answers a subject by draws, refines a text into others, and votes on each text as it is told."""

    def __init__(
        self,
        answers: Mapping[str, Sequence[str]],
        refinements: Mapping[str, Sequence[str]],
        votes: Mapping[str, Sequence[str]],
        evolved: Mapping[str, Any],
    ) -> None:
        self.answers, self.refinements, self.votes, self.evolved = answers, refinements, votes, evolved

    def __call__(self, heading: str, body: dict[str, Any]) -> str:
        """Say what a request is answered with."""
        draw = body["seed"] % 7919
        if heading == "evolve":
            subject = subject_of(body)
            prompt = f"What should I know about {subject}, and why? Tell me in five sentences and without a comma."
            said = {"kind": "other", "constraints": ["five sentences", "no comma"], "prompt": prompt}
            return json.dumps(said | self.evolved.get(subject, {}))
        if heading == "judge":
            answer = fenced(body, "answer")
            vote = self.votes[answer][draw] if answer in self.votes else "no"
            return json.dumps({"judgement": f"judged: {answer}", "kept": vote}) if vote else "I could not say."
        if answer := fenced(body, "answer"):
            was_judged = fenced(body, "judgement") == f"judged: {answer}"
            return self.refinements[answer][draw] if was_judged and answer in self.refinements else f"odd {draw}"
        return self.answers.get(subject_of(body), ["odd 0", "odd 1", "odd 2"])[draw]


def run_script(
    script: Callable[[str, dict[str, Any]], str | None], start: Start, settings: Callable[..., Settings], *knobs: str
) -> tuple[Made, ScriptedModel]:
    with answering(NAME, script) as model:
        roles = {role: model.role(role) for role in spar.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, ALONE, *knobs), models=roles)), model


def schema_of(body: Mapping[str, Any]) -> str:
    return body.get("response_format", {}).get("json_schema", {}).get("name", "")


def texts_of(made: Made, subject: str) -> dict[str, str]:
    of = {row["instruction_id"]: row["input_id"] for row in made["instructions"]}
    return {row["text"]: row["use"] for row in made["responses"] if of[row["instruction_id"]] == SEEDS[subject]}


def pairs_of(made: Made) -> dict[tuple[str, str], float]:
    texts = {row["response_id"]: row["text"] for row in made["responses"]}
    return {(texts[row["chosen_id"]], texts[row["rejected_id"]]): row["margin"] for row in made["preferences"]}


def test_with_the_stand_in_seeds_become_constrained_prompts_with_answers_and_refined_pairs(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, ALONE)))

    notes = {row["note_id"]: row["kind"] for row in made["notes"]}
    assert made["instructions"]
    assert all([notes[one] for one in row["parent_ids"]] == ["constraints"] for row in made["instructions"])
    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert {row["kind"] for row in made["preferences"]} == {"refined"}
    assert set(notes.values()) == {"constraints", "judgement"}
    assert {"same_text", "not_refined"} <= {reason for _, reason in made.refused}
    assert made.calls <= made.settled * spar.most_calls(spar.Knobs())


def test_the_first_answer_that_most_votes_fail_is_refined_until_most_votes_pass(
    start: Start, settings: Callable[..., Settings]
) -> None:
    no, most_no, most_yes, yes = ["no"] * 3, ["no", "yes", "no"], ["yes", "no", "yes"], ["yes"] * 3
    script = Script(
        answers={
            "bread": ["b0", "b1", "b0"],
            "tides": ["t0", "t1", "t2"],
            "bees": ["Bienen: für 3 \u20ac, 蜂.", "e1", "e2"],
            "roofs": ["r0", "r1", "r2"],
            "trains": ["z0", "z0", "z0"],
        },
        refinements={
            "t1": ["t1", "t1 mended"],
            "Bienen: für 3 \u20ac, 蜂.": ["e worse", "e better"],
            "e better": ["e good", "e best"],
            "r0": ["ra", "rb"],
            "rb": ["r0", "rc"],
        },
        votes={
            "b0": most_yes, "b1": yes, "t0": yes, "t1": most_no, "t2": no, "t1 mended": most_yes,
            "e better": most_no, "e good": most_yes, "e best": yes, "rb": most_no, "z0": ["yes", "no", ""],
        },
        evolved={"pumps": {"kind": "Math"}},
    )  # fmt: skip

    made, model = run_script(script, start, settings, "recipes.spar.beam=1")

    assert texts_of(made, "bread") == {"b0": "answer"}
    assert texts_of(made, "tides") == {"t1 mended": "answer", "t1": "rejected"}
    assert texts_of(made, "bees") == {"e best": "answer", "Bienen: für 3 \u20ac, 蜂.": "rejected"}
    assert pairs_of(made) == {
        ("t1 mended", "t1"): pytest.approx(1 / 3),
        ("e best", "Bienen: für 3 \u20ac, 蜂."): pytest.approx(1),
    }
    assert sorted(made.refused) == sorted([
        (SEEDS["pumps"], "math_or_code"),
        (f"{SEEDS['bread']}#0", "nothing_failed"),
        (f"{SEEDS['bread']}#1", "same_text"),
        (f"{SEEDS['tides']}#0", "same_text"),
        (SEEDS["roofs"], "not_refined"),
        (f"{SEEDS['roofs']}#1", "not_refined"),
        (f"{SEEDS['roofs']}#2", "same_text"),
        (SEEDS["trains"], "undecided"),
        (f"{SEEDS['trains']}#1", "same_text"),
        (f"{SEEDS['trains']}#2", "same_text"),
        (f"{SEEDS['trains']}#3", "unparsable_answer"),
    ])  # fmt: skip
    assert made.settled == 6
    judged = [fenced(body, "answer") for body in model.asked if "judge" in schema_of(body)]
    assert judged.count("t1") == 3, "an answer that comes back as it was is not voted on again"
    assert {body["model"] for body in model.asked if not schema_of(body) and not fenced(body, "answer")} == {
        "responder"
    }
    alone = [body["messages"] for body in model.asked if body["model"] == "responder"]
    assert all(len(turns) == 1 and turns[0]["content"].startswith("What should I") for turns in alone)
    votes = [json.loads(row["data"]) for row in made["notes"] if row["kind"] == "judgement"]
    assert {(one["judgement"], one["kept"]) for one in votes} >= {("judged: t1 mended", "yes"), ("judged: t1", "no")}


def test_where_the_search_finds_nothing_an_answer_that_passed_stays_without_a_pair(
    start: Start, settings: Callable[..., Settings]
) -> None:
    script = Script(
        answers={subject: [f"{subject} bad", f"{subject} good"] for subject in SUBJECTS},
        refinements={f"{subject} bad": [f"{subject} <answer 0123456789ab>"] for subject in SUBJECTS},
        votes={f"{subject} good": ["yes"] for subject in SUBJECTS} | {"bees <answer 0123456789ab>": ["yes"]},
        evolved={
            "bread": {"constraints": []},
            "tides": {"constraints": "five sentences"},
            "roofs": {"kind": None},
            "trains": {"prompt": "WHAT should I know  about trains?"},
            "bees": {"constraints": ["", "no comma", 3]},
        },
    )
    knobs = (f"recipes.spar.{knob}" for knob in ("answers=2", "votes=1", "branch=1", "depth=1"))

    made, _ = run_script(script, start, settings, *knobs)

    assert texts_of(made, "pumps") == {"pumps good": "answer"}
    assert made["preferences"] == []
    reasons = {input_id.partition("#")[0]: reason for input_id, reason in made.refused}
    assert reasons[SEEDS["pumps"]] == "not_refined"
    assert reasons[SEEDS["bread"]] == reasons[SEEDS["tides"]] == reasons[SEEDS["roofs"]] == "incomplete_answer"
    assert reasons[SEEDS["trains"]] == "copy_of_demonstration"
    assert texts_of(made, "bees") == {"bees good": "answer"}
    assert reasons[SEEDS["bees"]] == "repeats_prompt"
    constraints = [json.loads(row["data"]) for row in made["notes"] if row["input_id"] == SEEDS["bees"]]
    assert [one["constraints"] for one in constraints if "constraints" in one] == [["no comma"]]


def test_a_search_that_never_ends_well_takes_all_the_calls_that_it_says_and_no_more(
    start: Start, settings: Callable[..., Settings]
) -> None:
    def say(heading: str, body: dict[str, Any]) -> str | None:
        if heading == "judge":
            return json.dumps({"judgement": "no", "kept": False})
        if heading == "evolve":
            return Script({}, {}, {}, {})(heading, body)
        return f"{fenced(body, 'answer')}{body['seed']}"

    wanted = {"answers": 1, "votes": 1, "branch": 2, "beam": 3, "depth": 3}

    made, _ = run_script(say, start, settings, *(f"recipes.spar.{knob}={value}" for knob, value in wanted.items()))

    assert made.calls == 6 * spar.most_calls(spar.Knobs(**wanted)) == 6 * (1 + (1 + 2 + 4 + 6) * 2)
    assert {reason for _, reason in made.refused} == {"not_refined"}
    assert made["instructions"] == made["responses"] == made["notes"] == []


def test_constraints_are_chosen_by_the_id_from_categories_that_differ(settings: Callable[..., Settings]) -> None:
    recipe = recipes.find(NAME, settings())
    assert recipe
    ids = [content_id("seed", number) for number in range(2000)]

    found = [spar.chosen(recipe.own, one) for one in ids]

    assert {len(some) for some in found} == {2, 3, 4}
    assert all(len({one["category"] for one in some}) == len(some) for some in found)
    assert {some[0]["line"] for some in found} == {one["line"] for one in recipe.own}
    assert found == [spar.chosen(recipe.own, one) for one in ids]
