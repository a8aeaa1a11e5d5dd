"""Parrot: the last turn of a dialogue is a row, and the worse sides of its pairs are answered from a lost context."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from tests.program_runs import ABOVE, answering, of_program, run_program
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import parrot as recipe
from wellspring.tasks.spine.running.runs import Run

NAME = "parrot"
Start = Callable[[Settings], AbstractContextManager[Run]]
Made = Callable[..., Settings]
WAYS = (
    "And the second, is it of copper?",
    "Does the cheaper one need honey as well?",
    "How long does that take by night train?",
    "Why not the other way round, with slate on top?",
    "Who told you that about the harbour?",
    "Und wieviel kostet das in zł, € oder $? 🦜",
)
WHOLE, UNLEANING, GUESSED_RIGHT, READ_RIGHT, ALIKE, ASKS_AGAIN = range(len(WAYS))
INVENTED = "Which of my aquariums leaks?"
READ_WRONGLY = "Who came up with the first of them?"
OPENED = """[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello, are you there?"},
{"role": "assistant", "content": "Yes."}]"""
OPENS_MD = """# open
## user
Put this in other words: $text
## examples
```json
{"text": "Tell me this, too. $text"}
```
```json
{"text": "One more thing that I would like to know: $text"}
```
"""
OPENS = f"""
from wellspring.tasks.contracts.answers import Answered
SYSTEM, PAPER, VERSION, TAKES, MAKES, ROLES = "A test", "ours", 1, "instructions", ("instructions",), ("generator",)
MAY = ("resemble",)
class Put(Answered):
    text: str
def most_calls(knobs):
    return 1
async def program(row, ask):
    said = await ask("open", Put, text=row["text"])
    ask.made.instruction(said, history={OPENED})
"""

pytestmark = pytest.mark.usefixtures("unaudited")


class Talker:
    """A model that is the person and the assistant; dialogues have numbers, and some of them go wrong.

    `faults` are what it says of a number in place of the usual: a text, or an object.
    """

    def __init__(self, faults: Callable[["Talker", int, str, list[str]], Any] = lambda *_: None) -> None:
        self.first: list[str] = []
        self.faults = faults
        self.asked = Counter[str]()
        self._lock = Lock()

    def __call__(self, heading: str, body: dict[str, Any]) -> str:
        """Say what is said under a heading, which is empty where plain text is asked for."""
        said = [one["content"] for one in body["messages"] if one["role"] != "system"]
        kind = "answer" if not heading else "go_on" if heading in {"go_on", "lean"} else heading
        with self._lock:
            self.asked[heading or "answer"] += 1
            if kind == "answer" and len(said) == 1 and said[0] not in WAYS:
                self.first.append(said[0])
        number = next((n for n, first in enumerate(self.first) if first in said[0]), -1)
        number = next((n for n, way in enumerate(WAYS) if way in said[0]), number)
        found = self.faults(self, number, kind, said) or self._usual(number, kind, said)
        return found if isinstance(found, str) else json.dumps(found)

    def _usual(self, number: int, kind: str, said: list[str]) -> Any:
        turns = said[0].count("\nThe person: ")
        return {
            "answer": f"After {len(said)}, from {said[0]}: {said[-1]}",
            "go_on": {"wants": "more", "message": WAYS[number] + "!" * (turns - 1)},
            "depends": {"missing": "what it is", "needs": "yes"},
            "guess": {"question": INVENTED, "answer": "The small one."},
            "misread": {"mistake": "it", "message": READ_WRONGLY},
        }[kind]


def talked(start: Start, settings: Made, talker: Talker, *knobs: str, **more: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Run the program on six inputs with these knobs; what it made, and what the model was asked."""
    with answering(NAME, talker) as model:
        roles = {"generator": model.role("g"), "responder": model.role("r")}
        chosen = of_program(NAME, "instructions.max_pool_cosine=1.01", *(f"recipes.{NAME}.{knob}" for knob in knobs))
        return run_program(NAME, start, settings(*chosen, models=roles, **more)), model.asked


def reasons(made: Any) -> Counter[str]:
    """Count the reasons of refusals."""
    return Counter(reason for _, reason in made.refused)


def test_dialogues_are_rows_with_their_history_and_worse_answers_stand_in_pairs(start: Start, settings: Made) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME, f"recipes.{NAME}.turns=5")))

    rows = {row["instruction_id"]: row for row in made["instructions"]}
    assert len(rows) == len(made["instructions"]) > 1
    for row in rows.values():
        roles = [turn["role"] for turn in json.loads(row["history"])]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert 1 <= len(roles) // 2 <= 4
        assert row["parent_ids"] == [row["input_id"]]
    uses = {row["response_id"]: row["use"] for row in made["responses"]}
    assert Counter(uses.values())["answer"] == len(rows)
    assert {uses[pair["chosen_id"]] for pair in made["preferences"]} == {"answer"}
    assert {uses[pair["rejected_id"]] for pair in made["preferences"]} == {"rejected"}
    assert {pair["kind"] for pair in made["preferences"]} == {"negative"}
    assert made.settled == 6
    assert reasons(made)["duplicate"]  # an example of the stand-in says the same each time


def test_each_worse_answer_loses_the_context_in_its_own_way_and_one_that_lost_nothing_is_refused(
    start: Start, settings: Made
) -> None:
    def faults(talker: Talker, number: int, kind: str, said: list[str]) -> Any:
        return {
            (UNLEANING, "depends"): {"missing": "", "needs": False},
            (GUESSED_RIGHT, "guess"): {"question": talker.first[number].upper(), "answer": "So."},
            (READ_RIGHT, "misread"): {"mistake": "", "message": f"  {WAYS[READ_RIGHT]}"},
            (ALIKE, "answer"): "Always so." if said[0] == WAYS[ALIKE] or said[-1] == READ_WRONGLY else "",
            (ASKS_AGAIN, "go_on"): {"wants": "", "message": talker.first[number]},
        }.get((number, kind))

    talker = Talker(faults)
    made, _ = talked(start, settings, talker, "turns=2")

    texts = {row["instruction_id"]: row["text"] for row in made["instructions"]}
    answers = {row["response_id"]: row["text"] for row in made["responses"]}
    pairs = defaultdict[str, set[tuple[str, str]]](set)
    for pair in made["preferences"]:
        pairs[texts[pair["instruction_id"]]].add((answers[pair["chosen_id"]], answers[pair["rejected_id"]]))
    good = f"After 3, from {talker.first[WHOLE]}: {WAYS[WHOLE]}"
    assert pairs[WAYS[WHOLE]] == {
        (good, f"After 1, from {WAYS[WHOLE]}: {WAYS[WHOLE]}"),
        (good, f"After 3, from {INVENTED}: {WAYS[WHOLE]}"),
        (good, f"After 3, from {talker.first[WHOLE]}: {READ_WRONGLY}"),
    }
    assert {*texts.values()} == {*WAYS} - {WAYS[ASKS_AGAIN]}
    counted = {n: len(pairs[way]) for n, way in enumerate(WAYS)}
    assert counted == {WHOLE: 3, UNLEANING: 0, GUESSED_RIGHT: 2, READ_RIGHT: 2, ALIKE: 2, ASKS_AGAIN: 0}
    assert reasons(made) == {"no_context_needed": 1, "duplicate": 3, "same_text": 1}


def test_a_dialogue_that_cannot_go_on_ends_where_it_is(start: Start, settings: Made) -> None:
    def faults(_: Talker, number: int, kind: str, said: list[str]) -> Any:
        is_later = (kind == "answer" and len(said) == 5) or said[0].count("The person: ") == 2
        return {
            (UNLEANING, "go_on", True): {"wants": "", "message": WAYS[UNLEANING].upper()},
            (GUESSED_RIGHT, "answer", True): said[1] if len(said) > 1 else "",
            (READ_RIGHT, "go_on", True): "no object",
            (ALIKE, "go_on", True): {"wants": [], "message": "   "},
            (ASKS_AGAIN, "go_on", False): {"wants": None, "messages": []},
        }.get((number, kind, is_later))

    talker = Talker(faults)
    made, asked = talked(start, settings, talker, "turns=3", "fewest_turns=3", "rejected=[]")

    turns = {row["text"]: [turn["content"] for turn in json.loads(row["history"])] for row in made["instructions"]}
    ended = [WAYS[n] for n in (UNLEANING, GUESSED_RIGHT, READ_RIGHT, ALIKE)]
    first = f"After 1, from {talker.first[WHOLE]}: {talker.first[WHOLE]}"
    second = f"After 3, from {talker.first[WHOLE]}: {WAYS[WHOLE]}"
    assert turns.keys() == {*ended, f"{WAYS[WHOLE]}!"}
    assert turns[f"{WAYS[WHOLE]}!"] == [talker.first[WHOLE], first, WAYS[WHOLE], second]
    assert all(len(turns[way]) == 2 for way in ended)
    assert sum(reasons(made).values()) == 5
    assert made["preferences"] == []
    assert {*talker.asked} <= {"answer", "go_on", "lean"}
    person = [
        one for one in asked if one.get("response_format", {}).get("json_schema", {}).get("name") == "parrot-lean"
    ]
    assert person
    assert all("\nThe person: " in one["messages"][1]["content"].split("<turn ", 1)[1] for one in person)


@pytest.mark.parametrize(
    ("turns", "fewest", "lengths"), [(8, 4, {4, 5, 6, 7, 8}), (2, 4, {2}), (3, 2, {2, 3}), (20, 20, {20})]
)
def test_the_id_says_how_many_turns_there_are_and_the_last_leans(turns: int, fewest: int, lengths: set[int]) -> None:
    knobs = recipe.Knobs(turns=turns, fewest_turns=fewest)

    found = [recipe._leanings(content_id(n), knobs) for n in range(400)]

    assert {len(leans) + 1 for leans in found} == lengths
    assert all(leans[-1] for leans in found)
    told = [lean for leans in found for lean in leans[:-1]]
    assert not told or 0.3 < sum(told) / len(told) < 0.45


@pytest.mark.parametrize(
    ("rejected", "most"), [([], 15), (["neglect"], 17), (["misunderstanding"], 18), ([*recipe._LOST], 21)]
)
def test_the_most_calls_are_those_of_the_longest_dialogue(rejected: list[str], most: int) -> None:
    assert recipe.most_calls(recipe.Knobs.model_validate({"rejected": rejected})) == most


def test_a_conversation_that_is_given_goes_on_under_its_own_rules(start: Start, settings: Made, tmp_path: Path) -> None:
    (tmp_path / "opens.md").write_text(OPENS_MD, "utf-8")
    (tmp_path / "opens.py").write_text(OPENS, "utf-8")

    above = f'instructions.recipes=["{ABOVE}", "opens", "{NAME}"]'
    with answering(NAME, lambda heading, _: '{"needs": "yes"}' if heading == "depends" else None) as model:
        more = {"models": {"generator": model.role("g"), "responder": model.role("r")}, "plugins": [str(tmp_path)]}
        made = run_program(NAME, start, settings(*of_program(NAME), above, f"recipes.{NAME}.turns=2", **more))

    rules, *opened = json.loads(OPENED)
    of_given = [row for row in made["instructions"] if json.loads(row["history"])[:3] == [rules, *opened]]
    assert len(of_given) > 1
    answered = [one["messages"] for one in model.asked]
    alone = [[rules, {"role": "user", "content": row["text"]}] for row in of_given]
    assert any(messages in answered for messages in alone)  # context neglected, and its rules kept


def test_a_conversation_with_tools_is_refused() -> None:
    turns = [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]

    with pytest.raises(Rejection, match="unsupported"):
        recipe._opened({"text": "And now?", "history": json.dumps(turns)})
