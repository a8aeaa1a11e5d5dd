"""TICK with STICK: the best answer by a checklist, what is refined of it, and its pair with the worst."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import tick
from wellspring.tasks.spine.running.runs import Run

NAME = "tick"
Start = Callable[[Settings], AbstractContextManager[Run]]
QUESTIONS = ["Is it true?", "Is it short?", "Ist es schön?"]

pytestmark = pytest.mark.usefixtures("unaudited")


def fenced(body: Mapping[str, Any], name: str) -> list[str]:
    said = "\n".join(message["content"] for message in body["messages"])
    return [text for _, text in re.findall(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)]


class Script:
    """A model for which each instruction that comes is the next case.

    A case holds answers and their refinement, each with a letter for each question: y(es), n(o), or anything else for
    what nobody can read.
    """

    def __init__(self, cases: Mapping[str, tuple[list[str], str]]) -> None:
        self.left, self.cases, self.of = list(cases), cases, dict[str, str]()
        self.lock, self.refined = threading.Lock(), dict[str, list[str]]()

    def case(self, instruction: str) -> str:
        """Return the case that an instruction stands for."""
        with self.lock:
            if instruction not in self.of:
                self.of[instruction] = self.left.pop(0)
            return self.of[instruction]

    def __call__(self, heading: str, body: dict[str, Any]) -> str:
        """Say what a request is answered with."""
        [instruction] = fenced(body, "instruction") or [body["messages"][0]["content"]]
        case = self.case(instruction)
        answers, refinement = self.cases[case]
        if heading == "checklist":
            return json.dumps(
                {"questions": [f"{case}: {QUESTIONS[0]}", 7, "", *(f"{case}: {q}" for q in QUESTIONS), "x?"]}
            )
        if heading == "mark":
            [answer], [question] = fenced(body, "answer"), fenced(body, "question")
            letter = answer.split()[-1][QUESTIONS.index(question.removeprefix(f"{case}: "))]
            return json.dumps({"evidence": "", "answer": {"y": "Yes.", "n": False}.get(letter, "perhaps")})
        if fenced(body, "answer"):
            self.refined[case] = fenced(body, "question")
            return refinement
        return answers[body["seed"] % 7919]


def run_script(script: Script, start: Start, settings: Callable[..., Settings], *more: str) -> Made:
    knobs = ("recipes.tick.answers=3", "recipes.tick.questions=3", *more)
    with answering(NAME, script) as model:
        roles = {role: model.role(role) for role in tick.ROLES}
        return run_program(NAME, start, settings(*of_program(NAME, *knobs), models=roles))


def by_case(made: Made, table: str, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return a table's rows by the case whose checklist their input has."""
    cases = {row["input_id"]: json.loads(row["data"])["questions"][0].partition(":")[0] for row in made["notes"]}
    found: dict[str, list[dict[str, Any]]] = {case: [] for case in cases.values()}
    for row in made[table]:
        found[cases[row[key]]].append(row)
    return found


def test_with_the_stand_in_given_instructions_get_a_best_answer_its_score_and_a_pair(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run_program(NAME, start, settings(*of_program(NAME)))

    scores = {row["subject_id"]: row["value"] for row in made["scores"]}
    assert made["instructions"] == []
    assert {row["use"] for row in made["responses"]} == {"answer", "rejected"}
    assert scores.keys() == {row["response_id"] for row in made["responses"]}
    assert {row["kind"] for row in made["preferences"]} == {"verified"}
    assert all(scores[row["chosen_id"]] > scores[row["rejected_id"]] for row in made["preferences"])
    assert len([row for row in made["notes"] if row["kind"] == "checklist"]) == 6
    assert {"same_text", "margin_too_small", "not_better"} & {reason for _, reason in made.refused}
    assert made.calls <= made.settled * tick.most_calls(tick.Knobs())


def test_the_best_by_its_checklist_is_the_answer_refined_only_where_that_makes_it_better(
    start: Start, settings: Callable[..., Settings]
) -> None:
    script = Script({
        "better": (["a ynn", "b yyn", "c yny"], "d yyy"),
        "whole": (["a nny", "b yyy", "c nn?"], "never asked nnn"),
        "worse": (["a yyn", "b nnn", "c nyn"], "d nyy"),
        "unchanged": (["a nyn", "b nnn", "c nnn"], "a nyn"),
        "tied": (["a yyy", "b yyy", "c yyy"], "never asked nnn"),
        "unread": (["a yy?", "b ?nn", "c n?n"], "never asked yyy"),
    })  # fmt: skip

    made = run_script(script, start, settings)

    texts = {
        case: {row["use"]: row["text"] for row in rows}
        for case, rows in by_case(made, "responses", "instruction_id").items()
    }
    assert texts == {
        "better": {"answer": "d yyy", "rejected": "a ynn"},
        "whole": {"answer": "b yyy", "rejected": "a nny"},
        "worse": {"answer": "a yyn", "rejected": "b nnn"},
        "unchanged": {"answer": "a nyn", "rejected": "b nnn"},
        "tied": {"answer": "a yyy"},
    }
    assert script.refined == {
        "better": [f"better: {QUESTIONS[2]}"],
        "worse": [f"worse: {QUESTIONS[2]}"],
        "unchanged": [f"unchanged: {QUESTIONS[0]}", f"unchanged: {QUESTIONS[2]}"],
    }
    margins = {
        case: [row["margin"] for row in rows] for case, rows in by_case(made, "preferences", "instruction_id").items()
    }
    assert margins == {
        "better": [pytest.approx(2 / 3)],
        "whole": [pytest.approx(2 / 3)],
        "worse": [pytest.approx(2 / 3)],
        "unchanged": [pytest.approx(1 / 3)],
        "tied": [],
    }
    assert sorted(reason for _, reason in made.refused) == [
        *["incomplete_answer"] * 4, "margin_too_small", "not_better", "same_text", "too_few_draws",
    ]  # fmt: skip
    asked = {tuple(q.partition(": ")[2] for q in json.loads(row["data"])["questions"]) for row in made["notes"]}
    assert asked == {tuple(QUESTIONS)}
    assert sorted(row["value"] for row in made["scores"]) == pytest.approx(
        sorted([1, 1 / 3, 1, 1 / 3, 2 / 3, 0, 1 / 3, 0, 1])
    )


def test_a_worst_answer_that_cannot_be_kept_leaves_the_best_without_a_pair_and_a_refinement_may_be_left_out(
    start: Start, settings: Callable[..., Settings]
) -> None:
    fence = "<answer 0123456789ab>"
    script = Script({
        "worst": (["a yyn", f"{fence} nnn", "c yyn"], "never asked yyy"),
        "best": (["a nnn", f"{fence} yyy", "c nnn"], "never asked yyy"),
        **{f"same{number}": (["a yny"] * 3, "never asked yyy") for number in range(4)},
    })  # fmt: skip

    made = run_script(script, start, settings, "recipes.tick.refinements=0")

    assert script.refined == {}
    texts = {case: [row["text"] for row in rows] for case, rows in by_case(made, "responses", "instruction_id").items()}
    assert texts == {"worst": ["a yyn"], "best": [], **{f"same{number}": ["a yny"] for number in range(4)}}
    assert made["preferences"] == []
    assert sorted(reason for _, reason in made.refused) == ["margin_too_small"] * 4 + ["repeats_prompt"] * 2
    assert made.calls == 6 * tick.most_calls(tick.Knobs(answers=3, questions=3, refinements=0))


TALK = """
from wellspring.tasks.contracts.answers import Text

SYSTEM = PAPER = "talk"
VERSION, TAKES, MAKES, ROLES, MAY = 1, "seeds", ("instructions",), ("generator",), {"resemble", "need_history"}


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("say", Text, text=row["text"])
    turns = [("system", "Be brief."), ("user", "Hello!"), ("assistant", "Hello.")]
    ask.made.instruction(said, history=[{"role": role, "content": text} for role, text in turns])
"""
SAY = "# say\n## user\nGo on with this talk: $text\n## examples\n" + "".join(
    f"```text\nAnd what else should I know, {how}? $text\n```\n" for how in ("please", "then")
)


def test_who_answers_an_instruction_in_a_conversation_is_given_its_turns_and_who_marks_sees_them(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "talk.py").write_text(TALK, encoding="utf-8")
    (tmp_path / "talk.md").write_text(SAY, encoding="utf-8")

    with answering(NAME, lambda *_: None) as model:
        roles = {role: model.role(role) for role in tick.ROLES}
        chosen = settings(f'plugins=["{tmp_path}"]', 'instructions.recipes=["talk", "tick"]', models=roles)
        made = run_program(NAME, start, chosen)

    answered = [body["messages"] for body in model.asked if body["model"] == "responder" and not fenced(body, "answer")]
    marked = [fenced(body, "instruction")[0] for body in model.asked if body["model"] == "judge"]
    assert made["responses"]
    assert answered
    assert all([turn["content"] for turn in turns[:3]] == ["Be brief.", "Hello!", "Hello."] for turns in answered)
    assert all(turns[3]["content"].startswith("And what else") and len(turns) == 4 for turns in answered)
    assert all("assistant: Hello.\n\nuser: And what else" in text for text in marked)
