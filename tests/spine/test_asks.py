"""What a program makes: an equal text under a system prompt of its own, and a part of what was said as an answer."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store
from tests.program_runs import Made, answering, of_program, read, run_program
from wellspring.tasks import instructions
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
PROGRAM = """
from wellspring.tasks.contracts.answers import Text

SYSTEM = PAPER = "under"
VERSION, TAKES, ROLES, MAY = 1, "instructions", ("responder",), {{"resemble"}}
MAKES = ("instructions", "responses")


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("answer", Text, text=row["text"])
    made = ask.made.instruction(said, text={text}, history={history}, parents=[row["input_id"]])
    ask.made.answer(said, made, text=said.text.partition(" Query:")[0])
"""
PROMPT = "# answer\n## user\n$text\n\nAnswer in your own way.\n## examples\n" + "```text\nSo. Query: no.\n```\n" * 2
BRIEF = [{"role": "system", "content": "Be brief."}]

pytestmark = pytest.mark.usefixtures("unaudited")


def run_made(
    folder: Path, start: Start, settings: Callable[..., Settings], history: object, text: str = "row['text']"
) -> Made:
    (folder / "under.py").write_text(PROGRAM.format(history=repr(history), text=text), encoding="utf-8")
    (folder / "under.md").write_text(PROMPT, encoding="utf-8")
    with answering("under", lambda *_: None) as model:
        chosen = settings(
            f'plugins=["{folder}"]',
            *of_program("under", "instructions.max_pool_cosine=0.8"),
            models={"responder": model.role("r")},
        )
        return run_program("under", start, chosen)


def test_an_equal_text_is_kept_under_a_system_prompt_that_its_input_has_not(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made = run_made(tmp_path, start, settings, BRIEF)

    assert made.refused == []
    assert len(made["instructions"]) == 6
    assert {row["history"] for row in made["instructions"]} == {json.dumps(BRIEF)}
    assert {row["text"] for row in made["responses"]} == {"So."}


@pytest.mark.parametrize(
    "history", [[], [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "?"}]]
)
def test_an_equal_text_is_a_copy_without_one(
    history: list[Any], start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made = run_made(tmp_path, start, settings, history)

    assert made["instructions"] == []
    assert {reason for _, reason in made.refused} == {"copy_of_demonstration"}


def test_a_text_under_a_system_prompt_alone_may_not_point_at_turns_before_it(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made = run_made(tmp_path, start, settings, BRIEF, "'Explain the table above once more, with a figure.'")

    assert made["instructions"] == []
    assert {reason for _, reason in made.refused} == {"not_self_contained"}


def run_audited(
    folder: Path, start: Start, settings: Callable[..., Settings], body: str, makes: str, *more: str
) -> tuple[Made, dict[str, Any]]:
    """Run a program of this body on the small store; returns what it made, and what the audit of its inputs counts."""
    head = PROGRAM.partition("\n\ndef most_calls")[0].replace('("instructions", "responses")', makes)
    rejection = "from wellspring.tasks.contracts.errors import Rejection\n"
    source = f"{rejection}{head}\n\ndef most_calls(knobs):\n    return 2\n\n\nasync def program(row, ask):\n{body}"
    (folder / "under.py").write_text(source.replace("{{", "{").replace("}}", "}"), encoding="utf-8")
    (folder / "under.md").write_text(PROMPT, encoding="utf-8")
    with start(settings(f'plugins=["{folder}"]', *of_program("under"), *more)) as run:
        instruction_store.fill(run, 6)
        made = read(run, "under", instructions.synthesize(run))
        return made, run.store.query("settled/audit").to_dicts()[0]


def test_what_was_refused_before_the_end_is_recorded_with_the_end(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made, counted = run_audited(
        tmp_path,
        start,
        settings,
        """
    async def branch():
        raise Rejection("of_a_branch", "b")

    ask.made.refused("of_its_own", "a")
    await ask.tried([branch()])
    raise Rejection("its_end", "c")
""",
        '("notes",)',
    )

    ids = sorted({name.partition("#")[0] for name, _ in made.refused})
    ends = [("", "its_end"), ("#1", "of_a_branch"), ("#2", "of_its_own")]
    assert sorted(made.refused) == [(f"{name}{place}", reason) for name in ids for place, reason in ends]
    assert (len(ids), made.receipt.counts.rows_rejected) == (6, 18)
    assert (counted["lost_refusals"], counted["rows_written"]) == (0, 12)


def test_an_answer_to_what_was_drawn_is_of_the_input_that_asked_for_it(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made, counted = run_audited(
        tmp_path,
        start,
        settings,
        """
    other = min(await ask.drawn("instructions", 99), key=lambda one: one["input_id"])
    better, worse = await ask.draws(2, "answer", Text, text=other["text"])
    texts = [f"{number}: {row['input_id']}" for number in range(2)]
    sides = [ask.made.answer(one, other["input_id"], text=text) for one, text in zip((better, worse), texts)]
    ask.made.verdict(sides[0], "first", passed=True)
    ask.made.pair(*sides, "rule")
""",
        '("responses", "preferences", "verdicts")',
    )

    drawn = {row["instruction_id"] for row in made["responses"]}
    assert made.refused == []
    assert [len(made[table]) for table in ("responses", "preferences", "verdicts")] == [12, 6, 6]
    assert len(drawn) <= 2  # the first of all, and for itself the second
    assert (counted["lost_rows"], counted["rows_written"]) == (0, 12)


@pytest.mark.parametrize(
    ("stop", "sent"), [([" Query", "Z"], ["Z", "Y", " Query"]), ([""], None), ("Z", None), ([*"ABCDE"], None)]
)
def test_an_answer_ends_at_the_texts_that_a_program_names_beside_those_of_the_role(
    stop: object, sent: list[str] | None, start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    source = PROGRAM.replace('"answer", Text,', f'"answer", Text, stop={stop!r},').replace(
        '.partition(" Query:")[0]', ""
    )
    (tmp_path / "under.py").write_text(source.format(history=BRIEF, text="row['text']"), encoding="utf-8")
    (tmp_path / "under.md").write_text(PROMPT, encoding="utf-8")
    with answering("under", lambda *_: None) as model:
        roles = {"responder": model.role("r", stop=["Z", "Y"])}
        chosen = settings(f'plugins=["{tmp_path}"]', *of_program("under"), models=roles)
        if sent is None:
            with pytest.raises(BrokenError, match="stop is"):
                run_program("under", start, chosen)
            return
        made = run_program("under", start, chosen)

    assert [body["stop"] for body in model.asked] == [sent] * 6
    assert {row["text"] for row in made["responses"]} == {"So."}


def test_people_that_a_program_above_thought_of_are_a_view(
    start: Start, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    made, counted = run_audited(
        tmp_path,
        start,
        settings,
        """
    people = await ask.drawn("personas", 2)
    [nearest] = await ask.near(people[1]["text"], "personas", 1)
    said = await ask("answer", Text, text=row["text"])
    ask.made.note("met", [*(one["text"] for one in people), nearest["text"]], said)
""",
        '("notes",)',
        'instructions.recipes=["personas", "under"]',
        "instructions.max_pool_cosine=1.01",
    )

    met = [json.loads(row["data"]) for row in made["notes"]]
    assert (made.refused, counted["lost_rows"]) == ([], 0)
    assert len(met) > 6
    assert all(second == near for _, second, near in met)  # of the same words, where it is not the same person
    assert len({first for first, *_ in met}) > 1
    assert {len({*row["parent_ids"]}) for row in made["notes"]} <= {2, 3}
