"""`wellspring check-plugin`: a sound program file is green, and each check is red for a file that breaks its rule."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import wellspring
from wellspring.flows import checking, cli
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.spine.operations import trial_inputs

pytestmark = pytest.mark.slow

SOUND = '''"""A question about a seed's subject, and two answers, of which the shorter one is the worse."""

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row

SYSTEM, PAPER, VERSION = "Mine", "none", 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "notes")
ROLES = ("generator", "responder")


class Asked(Answered):
    question: str


def most_calls(knobs: object) -> int:
    return 3


async def program(row: Row, ask: Ask) -> None:
    said = await ask("write", Asked, text=row["text"])
    made = ask.made.instruction(said, "question")
    ask.made.note("subject", {"of": row["input_id"]}, said)
    first, second = await ask.draws(2, "reply", Text, role="responder", question=bare(made.text))
    worse, better = sorted((first, second), key=lambda one: (len(one.text), one.text))
    chosen, rejected = ask.made.answer(better, made), ask.made.answer(worse, made, use="rejected")
    ask.made.pair(chosen, rejected, "rule")
'''
PROMPTS = """# write

## system

You write questions about what people ask. You never answer.

## user

$text

Write one question about the same subject, from somebody else.

## examples

```json
{"question": "I have to explain $words to my class tomorrow. Which two examples would you choose, and in which order?"}
```

```json
{"question": "Please write a plan of four steps for a beginner who wants to learn about $words in one weekend."}
```

# reply

## user

$question

## examples

```text
Start with $words. Then write down what changed.
```

```text
There are three ways, and the second is the best one for $words, since it asks for nothing that a beginner lacks.
```
"""
# What a process knows that outlives a module.
EVERYWHERE = (
    'import sys\n\nSEEN = sys.modules.setdefault("of_a_test_plugin", type(sys)("of_a_test_plugin")).__dict__\n\n'
)
CLASS = "class Asked(Answered):"
ASK = '    said = await ask("write", Asked, text=row["text"])\n'
ASK_BY = '    said = await ask("write", Asked, text=f"{row[\'text\']} {number}")\n'
LAST = '    ask.made.pair(chosen, rejected, "rule")\n'


def changed(folder: Path, *changes: tuple[str, str], prompts: tuple[str, str] = ("", "")) -> Path:
    """Write the sound file with some of its text in another form."""
    code = SOUND
    for old, new in changes:
        assert old in code
        code = code.replace(old, new, 1)
    assert prompts[0] in PROMPTS
    (folder / "mine.py").write_text(code, encoding="utf-8")
    (folder / "mine.md").write_text(PROMPTS.replace(*prompts, 1), encoding="utf-8")
    return folder / "mine.py"


def said(found: dict[str, Any], *states: str) -> dict[str, str]:
    return {one["name"]: one["said"] for one in found["checks"] if one["state"] in states}


def test_a_sound_file_is_green_and_the_store_it_was_tried_in_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    found = CliRunner().invoke(cli.app, ["check-plugin", str(changed(tmp_path)), "--json"])

    facts = json.loads(found.output)
    assert said(facts, "red", "warning", "not run") == {}
    assert [one["number"] for one in facts["checks"]] == list(range(1, 14))
    assert found.exit_code == 0
    assert facts["calls"] == 28
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mine.md", "mine.py"]


WHOLE = ("## user\n\n$question", "## user\n\n$query")
RANKED = [
    (CLASS, f"RANKS = {{}}\n\n\n{CLASS}"),
    (ASK, f'    number = RANKS.setdefault(row["input_id"], len(RANKS))\n{ASK_BY}'),
]
STARTED = [
    (CLASS, f"STARTS = []\n\n\n{CLASS}"),
    (ASK, f'    STARTS.append(row["input_id"])\n    number = STARTS.count(row["input_id"])\n{ASK_BY}'),
]
UNFINISHED = [
    (CLASS, EVERYWHERE + CLASS),
    (ASK, f'    number = int(row["input_id"] in SEEN)\n{ASK_BY}'),
    ("    first, second", '    SEEN[row["input_id"]] = 1\n    first, second'),
    (LAST, f'{LAST}    del SEEN[row["input_id"]]\n'),
]
COUNTED = [
    (CLASS, EVERYWHERE + CLASS),
    (ASK, f'    number = SEEN[row["input_id"]] = SEEN.get(row["input_id"], 0) + 1\n{ASK_BY}'),
]
VERSIONED = [(CLASS, f'{EVERYWHERE}SEEN["n"] = VERSION = SEEN.get("n", 0) + 1\n\n\n{CLASS}')]
ARRIVED = [
    (CLASS, f"CAME = {{}}\n\n\n{CLASS}"),
    ("question=bare(made.text)", 'question=bare(f"{made.text} {CAME.setdefault(made.id, len(CAME))}")'),
]
QUOTED = [
    ('    ask.made.note("subject", {"of": row["input_id"]}, said)\n', ""),
    (LAST, f'{LAST}    ask.made.note("others", {[one[3] for one in trial_inputs._INPUTS]!r}, said)\n'),
]
CAUGHT = (ASK, f"    try:\n    {ASK}    except Exception:\n        return\n")
CHANCE = ("from wellspring", "import random\n\nfrom wellspring")
LOOPED = (LAST, f'{LAST}    for _ in {{"a", "b"}}:\n        pass\n')
BROKEN = [
    ("whole", [], ('{"question": "Please', '{"query": "Please'), "example 2 is not read as Asked", {"whole"}),
    ("whole", [], WHOLE, "does not fit mine.md", {"whole"}),
    ("runs", [(ASK, f'{ASK}    row["" if "🐝" in row["text"] else "text"]\n')], None, "KeyError at ", {"runs"}),
    ("runs", [(LAST, "")], None, "MAKES names preferences", {"runs"}),
    ("most_calls", [("return 3", "return 2")], None, "it asks more than the 2 calls", {"most_calls"}),
    ("twice", VERSIONED, None, "its identity is another one", {"twice"}),
    ("shuffled", ARRIVED, None, "answers in another order (the last first)", None),
    ("shuffled", [LOOPED], None, "mine.py:29: a set has no order", {"shuffled"}),
    ("crash", UNFINISHED, None, "killed", {"crash", "batch", "budget"}),
    ("replay", COUNTED, None, "is not recorded", None),
    ("batch", STARTED, None, "it asks other calls each time", {"batch"}),
    ("budget", RANKED, None, "stopped after 14 calls", {"budget"}),
    ("forget", QUOTED, None, "a row of notes that does not name it has its words", {"forget"}),
    ("determinism", [CHANCE], None, "mine.py:3: it imports `random`", {"determinism"}),
    ("determinism", [CAUGHT], None, "line 24 catches all", {"determinism"}),
    ("answers", [(', use="rejected"', "")], None, "is the rejected side of a pair (rule)", {"answers"}),
]  # fmt: skip


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program of another test kept in the process is not there: tests come in any order."""
    monkeypatch.delitem(sys.modules, "of_a_test_plugin", raising=False)


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize(("check", "changes", "prompts", "words", "red"), BROKEN)
def test_each_check_is_red_for_a_file_that_breaks_its_rule(
    tmp_path: Path,
    check: str,
    changes: list[tuple[str, str]],
    prompts: tuple[str, str] | None,
    words: str,
    red: set[str] | None,
) -> None:
    found = wellspring.check_plugin(changed(tmp_path, *changes, prompts=prompts or ("", "")))

    told = said(found, "red")
    assert words in told[check]
    assert str(tmp_path.parent) not in told[check]
    assert red is None or told.keys() == red
    assert not found["is_sound"]


def test_a_bound_that_says_too_much_is_a_warning_and_a_red_check_is_exit_code_1(tmp_path: Path) -> None:
    file = changed(tmp_path, ("return 3", "return 31"), ("import Row", "import Row\nimport time"))

    ended = CliRunner().invoke(cli.app, ["check-plugin", str(file)])

    assert " 3 most_calls  warning  `most_calls` says 31, and no input asked more than 3" in ended.output
    assert "11 determinism red  mine.py:6: it imports `time`" in ended.output
    assert ended.exit_code == 1


@pytest.mark.parametrize("name", ["no_such_program", "nowhere/mine.py", "rephrase_and_respond.py"])
def test_what_is_no_program_is_a_usage_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path).rename("rephrase_and_respond.py")

    with pytest.raises(UsageError, match=r"no recipe|is not there|of ours already"):
        wellspring.check_plugin(name)


JUDGE = """
from wellspring.recipe import Text

SYSTEM, PAPER, VERSION = "none", "none", 1
TAKES, MAKES, ROLES = "references", ("scores", "verdicts"), ("judge",)


def most_calls(knobs):
    return 1


async def program(row, ask):
    said = await ask("compare", Text, answer=row["response"], reference=row["reference"])
    ask.made.score(row["input_id"], "words", min(10, len(said.text.split())), answer=said)
    ask.made.verdict(row["input_id"], "is_said", passed=bool(said.text), answer=said)
"""
COMPARED = """# compare

## user

$answer

$reference

Say in one sentence in what the two differ.

## examples

```text
Only the one speaks of $words.
```

```text
They differ in nothing that matters.
```
"""


def test_a_judge_in_a_folder_is_tried_on_answers(tmp_path: Path) -> None:
    (tmp_path / "compares.py").write_text(JUDGE)
    (tmp_path / "compares.md").write_text(COMPARED)

    found = wellspring.check_plugin(str(tmp_path / "compares.py"))

    assert {one["name"]: one["said"] for one in found["checks"] if one["state"] != "green"} == {}
    assert found["calls"] == 27  # eight seeds have an answer, and each instruction three


def test_what_a_pair_answers_does_not_rest_on_its_worse_side() -> None:
    rows: dict[str, list[dict[str, Any]]] = {noun: [] for noun in checking.NOUNS}
    rows["responses"] = [
        {"response_id": "better", "instruction_id": "own"},
        {"response_id": "worse", "instruction_id": "drawn"},
    ]
    rows["preferences"] = [{"instruction_id": "own", "chosen_id": "better", "rejected_id": "worse"}]

    assert checking._resting_on(rows, {"drawn"}) == {"drawn", "worse"}
