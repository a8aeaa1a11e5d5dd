"""Seeded errors: copies of an answer with one known error each, which judges see, and no file has."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store, judge_runs
from tests.program_cases import fenced, reasons, uses
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.datasets.card import Facts, card
from wellspring.tasks.recipes import seeded_errors
from wellspring.tasks.recipes.seeded_errors import spoiled
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
ALL = "recipes.seeded_errors.one_in=1"
SAID = "Boil it for 40 minutes. The bridge near Basel is always older than the one in Trier. Ask the town hall."
MAKER = "seeds-1"
ASIDE = "Old maps show coasts. Sailors paid for them."

pytestmark = pytest.mark.usefixtures("unaudited")


def test_each_rule_puts_in_its_one_error() -> None:
    assert spoiled(SAID, ASIDE) == {
        "number": SAID.replace("40", "45"),
        "negation": SAID.replace("is always", "is not always"),
        "opposite": SAID.replace("minutes", "hours"),
        "names": SAID.replace("Basel", "*").replace("Trier", "Basel").replace("*", "Trier"),
        "omission": "Boil it for 40 minutes.  Ask the town hall.",
        "addition": SAID.replace("Ask", "Old maps show coasts. Ask"),
        "order": "Boil it for 40 minutes. bridge The Basel near always is than older one the Trier. in"
        " Ask the town hall.",
        "repetition": f"{SAID} Boil it for 40 minutes. Boil it for 40 minutes.",
        "cut": SAID[: len(SAID) * 2 // 3],
        "spelling": SAID.replace("minutes", "miuntes"),
        "refusal": "I am not able to help with this request.",
        "off_topic": ASIDE,
    }


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            "雨の日は家にいます。本を三冊読みます。",
            {"omission", "addition", "repetition", "cut", "spelling", "refusal", "off_topic"},
        ),
        ("Yes", {"addition", "cut", "refusal", "off_topic"}),
        ("1. Wash it\n2. Dry it", {"omission", "addition", "order", "repetition", "cut", "refusal", "off_topic"}),
        ("", {"addition", "refusal", "off_topic"}),
    ],
)
def test_a_rule_that_finds_no_place_makes_no_copy(text: str, kinds: set[str]) -> None:
    assert spoiled(text, ASIDE).keys() == kinds


def test_an_answer_and_its_copies_are_probes_with_a_note_each(start: Start, settings: Callable[..., Settings]) -> None:
    def say(_: str, body: dict[str, Any]) -> Any:
        return {"content": SAID, "finish_reason": "length"} if "bees" in body["messages"][-1]["content"] else SAID

    with answering("seeded_errors", say) as model:
        roles = {"responder": model.role("m")}
        made = run_program("seeded_errors", start, settings(*of_program("seeded_errors", ALL), models=roles))

    texts = {row["response_id"]: row["text"] for row in made["responses"]}
    notes = [json.loads(row["data"]) for row in made["notes"]]
    assert {*uses(made).values()} == {"probe"}
    assert {*reasons(made)} == {"cut_off"}
    assert not made["instructions"]
    assert not made["preferences"]
    assert len(notes) == 4 * len({note["good"] for note in notes})
    assert {texts[note["good"]] for note in notes} == {SAID}
    assert len({note["error"] for note in notes}) > 4
    asides = [one["text"] for one in map(json.loads, _own())]
    assert all(texts[note["bad"]] in {spoiled(SAID, one)[note["error"]] for one in asides} for note in notes)


def test_one_instruction_in_so_many_is_used(start: Start, settings: Callable[..., Settings]) -> None:
    made = run_program("seeded_errors", start, settings(*of_program("seeded_errors", "recipes.seeded_errors.one_in=5")))

    left = [reason for _, reason in made.refused]
    assert {*left} == {"not_in_mix"}
    assert 0 < made.calls == made.settled - len(left) < made.settled
    assert {row["use"] for row in made["responses"]} == {"probe"}


def test_judges_see_probes_apart_from_answers_and_the_card_names_who_misses_them(
    start: Start, settings: Callable[..., Settings]
) -> None:
    """The judge likes what is long: it finds what was left out, and takes what was added for better."""

    def say(_: str, body: dict[str, Any]) -> str:
        first, second = (len(text) for name in ("first", "second") for text in fenced(body, name))
        return json.dumps({"comparison": "x", "better": "first" if first > second else "second"})

    with answering("varco_arena", say) as model:
        chosen = settings(*judge_runs.of_judge("varco_arena"), models={"judge": model.role("a-judge")})
        with start(chosen) as run:
            ids = judge_runs.fill(run, [["A short answer.", "Another, and a longer answer."]] * 12)
            run.store.append(
                "methods", [records.MethodRow("instructions", MAKER, "seeded_errors", "{}", True, run.run_id)]
            )
            probed = [_probed(run, one, ("omission", "addition")[at % 2]) for at, one in enumerate(ids)]
            found = judge_runs.judged(run, "varco_arena")
            rows = run.store.query("exports/seeded", required=[]).to_dicts()
            answers = {one for pair in probed for one in pair}
            compared = {*run.store.query("verdicts/answers")["input_id"]}
            of_sets = {*run.store.query("sets/responses")["subject_id"]}

    assert answers <= {row["subject_id"] for row in found["scores"]}
    assert len(found["preferences"]) == 12
    assert not answers & {row[side] for row in found["preferences"] for side in ("chosen_id", "rejected_id")}
    assert not answers & (compared | of_sets)
    assert len(compared) == 24
    assert [(row["error"], row["pairs"], row["found"], row["turned"]) for row in rows] == [
        ("addition", 6, 0, 6),
        ("omission", 6, 6, 0),
    ]
    said = card(Facts("x", "other", [], [], [], [], [], [], {}, seeded=rows))
    assert "**No better than a coin**: `varco_arena` (addition)." in said


def _probed(run: Run, instruction: str, error: str) -> tuple[str, str]:
    """Put a good answer and one with an error into the store; each error stands at an instruction's own pair."""
    good = "Boil it for 40 minutes. Then let it stand."
    texts = (good, good[:22] if error == "omission" else f"{good} Old maps show coasts.")
    ids = [content_id("probe", instruction, error, text) for text in texts]
    rows = [
        records.Response(one, MAKER, instruction, "m", 0, text, "stop", "c", "w", None, "probe")
        for one, text in zip(ids, texts, strict=True)
    ]
    run.store.append("responses", rows)
    instruction_store.publish(run, "responses")
    data = json.dumps({"good": ids[0], "bad": ids[1], "error": error})
    run.store.append("notes", [records.Note(f"n{ids[1]}", MAKER, instruction, "seeded", data, "c", "w", [])])
    instruction_store.publish(run, "notes")
    return ids[0], ids[1]


def _own() -> list[str]:
    return (Path(seeded_errors.__file__).parent / "seeded_errors.jsonl").read_text(encoding="utf-8").splitlines()
