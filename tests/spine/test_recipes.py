"""Recipes by name: of the room, of a folder of one's own, of a package; what is said of those that are not whole."""

import json
import os
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store
from tests.program_runs import answering, of_program, run_program
from wellspring.flows.commands import upkeep
from wellspring.tasks import instructions, verdicts
from wellspring.tasks.contracts import orders
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import RECIPES
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.sandbox import FIRST
from wellspring.tasks.spine.running import preflight, recipes, validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
MakeSettings = Callable[..., Settings]

HEAD = """
from wellspring.recipe import Answered, Field, Section, Text, bare

SYSTEM, PAPER, VERSION = "Mine", "ours", 1
TAKES, MAKES, ROLES = "instructions", ("instructions", "responses"), ("generator",)


class Question(Answered):
    question: str


def most_calls(knobs):
    return 6
"""
BODY = """
async def program(row, ask):
    said = await ask("write", Question, text=row["text"])
    ask.made.instruction(said, "question", parents=[row["input_id"]])
"""
PROMPTS = """
# write

## user

$text

Write another question as {"question": "<the question>"}.

## examples

```json
{"question": "How should I go about $words when I have two days and little money for it?"}
```

```json
{"question": "What goes wrong first with $words, and how do people notice that?"}
```
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for plug-ins; each test has one of its own, and names its files by itself."""
    made = tmp_path / "plugins"
    made.mkdir()
    return made


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    yield
    recipes._loaded.cache_clear()


def write(folder: Path, name: str, body: str = BODY, prompts: str = PROMPTS, head: str = HEAD) -> str:
    (folder / f"{name}.py").write_text(head + textwrap.dedent(body), encoding="utf-8")
    (folder / f"{name}.md").write_text(prompts, encoding="utf-8")
    return f"plugins={json.dumps([str(folder)])}"


@pytest.mark.usefixtures("unaudited")
def test_a_recipe_of_a_folder_writes_under_its_name(folder: Path, start: Start, settings: MakeSettings) -> None:
    plugin = write(folder, "mine")

    made = run_program("mine", start, settings(*of_program("mine", plugin)))

    assert {row["recipe"] for row in made["instructions"]} == {"mine"}
    assert made.settled == 6


def test_a_recipe_of_an_installed_package_is_found(tmp_path: Path) -> None:
    package = tmp_path / "site" / "their_package"
    package.mkdir(parents=True)
    write(package, "theirs")
    (package / "__init__.py").touch()
    info = tmp_path / "site" / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{RECIPES.group}]\ntheirs = their_package.theirs\n")
    asked = """
        from wellspring.tasks.contracts import settings
        from wellspring.tasks.spine.running import recipes
        chosen = settings.load("smoke", ['instructions.recipes=["theirs"]'])
        print(recipes.names(chosen)["theirs"], recipes.find("theirs", chosen).most_calls)
    """

    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(asked)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2])])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout == "their_package.theirs 6\n", ran.stderr[-600:]


def test_ours_comes_before_a_file_of_the_same_name(folder: Path, settings: MakeSettings) -> None:
    plugin = write(folder, "rephrase_and_respond")

    found = recipes.find("rephrase_and_respond", settings(plugin))

    assert found is not None
    assert found.module.SYSTEM == "Rephrase and Respond"


@pytest.mark.parametrize(
    ("name", "parts", "said"),
    [
        ("a_head", {"head": HEAD.replace("VERSION", "VERSON")}, "it has no `VERSION`"),
        ("a_view", {"head": HEAD.replace('"instructions", (', '"pages", (')}, "TAKES is `pages`"),
        ("a_pool", {"head": HEAD.replace('"instructions", (', '"pool", (')}, "Knobs is no `PoolSettings`"),
        ("a_noun", {"head": HEAD.replace('"responses")', '"answers")')}, "MAKES holds `answers`"),
        ("a_plain", {"body": BODY.replace("async def", "def").replace("await ", "")}, "is no `async def`"),
        ("a_word", {"body": BODY.replace('"write"', '"wrte"')}, "no heading `# wrte`"),
        ("a_field", {"body": BODY.replace("text=row", "txt=row")}, "a_field.py does not fit a_field.md: line"),
        ("a_syntax", {"body": "async def program(row, ask:\n"}, "SyntaxError in line"),
        ("a_name", {"body": "import nothing_of_that_name\n" + BODY}, "ModuleNotFoundError"),
        ("a_prompt", {"prompts": "# write\n\n## user\n\nWrite a question about $text\n"}, "no `## examples`"),
    ],
)
def test_what_a_file_lacks_is_named_before_anything_runs(
    folder: Path, settings: MakeSettings, name: str, parts: dict[str, str], said: str
) -> None:
    chosen = settings(write(folder, name, **parts), f'instructions.recipes=["{name}"]')

    with pytest.raises(UsageError) as caught:
        preflight.look(chosen, folder.parent / "ws", ["synthesis"])

    assert said in caught.value.message


def test_a_list_that_is_no_list_of_objects_is_named_with_its_line(folder: Path, settings: MakeSettings) -> None:
    plugin = write(folder, "listed")
    (folder / "listed.jsonl").write_text('{"kind": "length"}\n\n["no object"]\n', encoding="utf-8")

    with pytest.raises(UsageError, match=r"listed\.jsonl:3 is no JSON object"):
        recipes.find("listed", settings(plugin))


@pytest.mark.parametrize(
    ("chosen", "said", "hint"),
    [
        ('instructions.recipes=["knn_instrct"]', "there is no recipe `knn_instrct`", "did you mean knn_instruct"),
        ('instructions.recipes=["scene"]', "`scene` writes no instructions", "wellspring recipes"),
        ("recipes.rephrase_and_respond.answer=2", "`recipes.rephrase_and_respond.answer`", "answers"),
        ("recipes.rephrase_and_respond.answers=0", "greater than or equal to 1", "answers"),
        ("recipes.rephrase.answers=1", "there is no recipe `rephrase`", "rephrase_and_respond"),
    ],
)
def test_a_name_or_a_knob_that_is_not_there_is_wrong_usage(
    settings: MakeSettings, tmp_path: Path, chosen: str, said: str, hint: str
) -> None:
    wanted = settings('instructions.recipes=["attributed_grounding", "rephrase_and_respond"]', chosen)

    with pytest.raises(UsageError) as caught:
        preflight.look(wanted, tmp_path / "ws", ["synthesis"])

    assert said in caught.value.message
    assert hint in f"{caught.value.message} {caught.value.hint}"


KNOBS = """

class Knobs(Section):
    "How it asks."

    more: int = Field(default=2, ge=0, description="how many")
"""


def test_init_shows_the_knobs_of_the_plug_ins_that_a_profile_names(folder: Path, tmp_path: Path) -> None:
    write(folder, "knobbed", head=HEAD + KNOBS)
    write(folder, "bare")
    profile, made = tmp_path / "mine.toml", tmp_path / "new.toml"
    profile.write_text('plugins = ["plugins"]\n')

    upkeep.init(made, profile=str(profile))
    text = made.read_text(encoding="utf-8")
    switched = text.replace("# more = 2", "more = 3")
    made.write_text(switched, encoding="utf-8")

    assert "# How it asks.\n[recipes.knobbed]\n# more = 2  # how many\n" in text
    assert "recipes.bare" not in text
    again = recipes.find("knobbed", settings_.load(str(made), environment={}))
    assert again is not None
    assert again.knobs.model_dump() == {"more": 3}


def test_the_stand_in_of_another_process_knows_the_examples_of_a_profiles_plug_ins(
    folder: Path, tmp_path: Path
) -> None:
    write(folder, "served")
    profile = tmp_path / "mine.toml"
    profile.write_text('plugins = ["plugins"]\n')
    code = f"from wellspring.flows.commands import upkeep; upkeep.offline_model(port=0, profile={str(profile)!r})"
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "A question of pumps.\n\nWrite another question as ..."}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "served-write", "schema": {"type": "object", "properties": {"question": {}}}},
        },
    }
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        request = urllib.request.Request(
            f"{url}/chat/completions", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            said = json.loads(answer.read())["choices"][0]["message"]["content"]
        server.terminate()

    assert json.loads(said)["question"].startswith(("How should I go about ", "What goes wrong first with "))


def test_a_store_from_elsewhere_brings_no_code(tmp_path: Path, folder: Path) -> None:
    write(folder, "strange")
    kept = tmp_path / "ws" / "settings.json"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"plugins": [str(folder)], "instructions": {"recipes": ["strange"]}}))

    with pytest.raises(UsageError) as caught:
        settings_.load(str(kept), environment={})

    assert "plugins.0" in caught.value.message
    assert orders.of(settings_.load(None, [f"plugins={json.dumps([str(folder)])}"], environment={}))


@pytest.mark.usefixtures("unaudited")
def test_a_changed_prompt_or_knob_makes_inputs_due_again_and_a_default_that_is_named_does_not(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    knobs = HEAD + "\n\nclass Knobs(Section):\n    more: int = Field(default=0, ge=0)\n"
    plugin = write(folder, "knobbed", head=knobs)
    run_program("knobbed", start, settings(*of_program("knobbed", plugin)))

    named = run_program(
        "knobbed", start, settings(*of_program("knobbed", plugin, "recipes.knobbed.more=0")), is_first=False
    )
    turned = run_program(
        "knobbed", start, settings(*of_program("knobbed", plugin, "recipes.knobbed.more=1")), is_first=False
    )

    assert named.receipt.counts.rows_in == 0
    assert turned.receipt.counts.rows_in == 6
    assert turned.receipt.counts.calls == 0  # the same is asked, and was answered


@pytest.mark.usefixtures("unaudited")
def test_a_file_that_changed_under_its_version_is_named_and_what_it_made_stands(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    plugin = write(folder, "changing")
    run_program("changing", start, settings(*of_program("changing", plugin)))
    recipes._loaded.cache_clear()
    for name in [name for name in sys.modules if name.endswith("_changing")]:
        del sys.modules[name]
    write(folder, "changing", BODY.replace("parents=[row", "parents=2 * [row"))
    said: list[str] = []

    with start(settings(*of_program("changing", plugin))) as run:
        run.progress.note = said.append  # pyright: ignore[reportAttributeAccessIssue] - what a terminal is told
        counts = instructions.synthesize(run).counts

    assert counts.rows_in == 0
    assert [one for one in said if "changing.py has changed" in one and "raise VERSION" in one]


@pytest.mark.usefixtures("unaudited")
def test_what_a_program_draws_and_finds_near_is_recorded_and_never_itself(
    folder: Path, start: Start, settings: MakeSettings, store_dir: Path
) -> None:
    body = """
        async def program(row, ask):
            drawn = await ask.drawn("seeds", 2, "a")
            near = await ask.near(row["text"], "seeds", 2)
            beside = await ask.near(row["text"], "instructions", 9)
            shown = [one["text"] for one in [*drawn, *near]]
            said = await ask("write", Question, text=" / ".join(shown))
            ask.made.instruction(said, "question")  # its parents are all that it was shown
    """
    plugin = write(folder, "drawing", body)

    made = run_program("drawing", start, settings(*of_program("drawing", plugin)))

    inputs = [row["input_id"] for row in made["instructions"]]
    assert len(inputs) == 6
    for row in made["instructions"]:
        seeds, beside = row["parent_ids"][:-5], row["parent_ids"][-5:]
        assert 2 <= len({*seeds}) == len(seeds) <= 4  # drawn and near may be the same
        assert {*beside} == {*inputs} - {row["input_id"]}  # all that the recipe above made, but its own input
    (store_dir / "wellspring.duckdb").unlink()
    again = run_program("drawing", start, settings(*of_program("drawing", plugin), "replay=true"))
    assert again["instructions"] == made["instructions"]


@pytest.mark.usefixtures("unaudited")
def test_functions_of_a_model_run_in_the_sandbox_and_what_they_said_is_recorded(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    body = """
        async def program(row, ask):
            said = await ask("write", Question, text=row["text"])
            functions = ["def evaluate(response): return len(response) > 3", "import os; os.remove('/')", "1 +"]
            ran = await ask.run(functions, ["long enough", "no"])
            assert ran == [[True, False], [None, None], [None, None]], ran
            assert [engine[:5] for engine in ran.engines][-1] == "monty", ran.engines
            ask.made.instruction(said, "question")
    """
    plugin = write(folder, "running", body)

    made = run_program("running", start, settings(*of_program("running", plugin)))

    assert len(made["instructions"]) == 6


@pytest.mark.usefixtures("unaudited")
def test_a_program_runs_code_with_calls_and_its_tests_check_the_answers_outside_the_sandbox(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    body = """
        class Coded(Answered):
            question: str
            code: str

        async def program(row, ask):
            said = await ask("write", Coded, text=row["text"])
            calls = [{"function": "double", "arguments": [n]} for n in (2, 3)]
            ran = await ask.execute("def double(n): return 2 * n", calls)
            assert (ran.outcome, ran.values, ran.engine[:5]) == ("ok", [4, 6], "monty"), ran
            broken = await ask.execute("def double(n): return 2 * n", [{"command": "ls"}])
            assert (broken.outcome, broken.values) == ("error", []), broken
            note = ask.made.note("tests", {"calls": calls, "expected": [4, 6]}, said)
            ask.made.answer(said, ask.made.instruction(said, "question", parents=[note]), "code")
    """

    def say(_: str, request: dict[str, Any]) -> str:
        words = request["messages"][-1]["content"].split()[3:6]
        code = "```python\ndef double(n):\n    return n + n\n```"
        return json.dumps({"question": f"Which function doubles what {' '.join(words)} gives?", "code": code})

    head = HEAD.replace('"responses")', '"responses", "notes")')
    plugin, checked = write(folder, "coding", body, head=head), {"checks": ["code_passes"], "required": []}
    with answering("coding", say) as model:
        role = {"generator": model.role("g")}
        chosen = settings(*of_program("coding", plugin), models=role, verdicts=checked)
        made = run_program("coding", start, chosen)
    with start(chosen) as run:
        for noun in ("instructions", "responses", "notes"):
            validation.audit(run, noun)
        rows = run.store.query("verdicts/pending", fingerprint="none").to_dicts()
    ours = [row for row in rows if row["tests"]]

    def said(response: str) -> tuple[bool | None, str]:
        row = ours[0] | {"response": response}
        [(_, _, passed, detail)] = verdicts.checked([row], chosen.verdicts, chosen.benchmarks)
        return passed, detail.removeprefix(f"{FIRST}: ")

    assert len(made["notes"]) == 6
    assert len(ours) >= 5
    assert said(ours[0]["response"]) == (True, "2 of 2 calls give what they should")
    assert said(ours[0]["response"].replace("n + n", "n * n")) == (False, "1 of 2 calls give what they should")
    assert said("```python\nimport numpy\n```")[0] is None
    assert said("```python\ndef other(n): return n\n```")[0] is False
    assert said("Two times the number.") == (False, "no Python")


@pytest.mark.usefixtures("unaudited")
def test_draws_that_are_refused_and_branches_that_end_are_recorded_and_the_rest_stands(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    body = """
        async def program(row, ask):
            said = await ask("write", Question, text=row["text"])
            made = ask.made.instruction(said, "question")
            found = await ask.draws(2, "write", Question, text="again")
            assert len(found) == 1, found

            ask.made.refused("not_this_one", "for a reason")
            assert await ask.tried([short(ask)]) == [None]

        async def short(ask):
            first = await ask("write", Question, text="in the branch")
            ask.made.instruction(first, "question")  # taken back with its branch
            said = await ask("write", Question, text="short")
            ask.made.instruction(said, "question")
    """

    def say(_: str, request: dict[str, Any]) -> str | None:
        text = " ".join(message["content"] for message in request["messages"])
        if ">\nagain\n<" in text:
            return '{"question": "One that is long enough to be kept, I hope?"}' if request["seed"] == 0 else "{}"
        return '{"question": "Hm?"}' if ">\nshort\n<" in text else None

    with answering("branching", say) as model:
        role = {"generator": model.role("g", seed=0)}
        made = run_program(
            "branching", start, settings(*of_program("branching", write(folder, "branching", body)), models=role)
        )

    assert len(made["instructions"]) == made.settled == 6
    reasons = [reason for _, reason in made.refused]
    assert {*reasons} == {"incomplete_answer", "not_this_one", "too_short"}
    assert len(reasons) == 18


@pytest.mark.usefixtures("unaudited")
def test_what_a_model_says_of_our_prompt_is_no_row(folder: Path, start: Start, settings: MakeSettings) -> None:
    """As a small real model did: the form's place left in a message, and words of the second try."""
    plugin = write(folder, "leaking")
    echoed = iter(
        ["How so? <the question>", "Answer the same request again. Return only what was asked for, in the form?"]
    )

    def say(_: str, __: dict[str, Any]) -> str:
        return json.dumps(
            {"question": next(echoed, "Answer the same request again. Return only what was asked for, in?")}
        )

    with answering("leaking", say) as model:
        made = run_program(
            "leaking", start, settings(*of_program("leaking", plugin), models={"generator": model.role("g")})
        )

    assert made["instructions"] == []
    assert {reason for _, reason in made.refused} <= {"repeats_prompt", "placeholder"}
    assert "repeats_prompt" in {reason for _, reason in made.refused}


@pytest.mark.usefixtures("unaudited")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('for _ in range(7):\n        await ask("write", Question, text=row["text"])', "asks more than the 6 calls"),
        ('ask.made.note("kind", 1, await ask("write", Question, text=row["text"]))', "makes notes, which MAKES"),
        ('await ask("write", Question, role="judge", text=row["text"])', "asks the judge, whom ROLES"),
        ('await ask("write", Question, text={"a": 1})', "is a dict: give a text"),
        (
            'ask.made.instruction(Question(question="Made up here, not by a model?"), "question")',
            "no answer that `ask`",
        ),
        *(
            (f"ask.made.pair({sides}, {kind!r})", said)
            for sides, kind, said in (
                ("None, None", "negative", "a pair has neither side"),
                ("None, None", "better", "a pair's kind is `better`, not verified or refined"),
                ('type("Other", (), {"id": "r", "text": ""})(), None', "rule", "no response that was made here"),
            )
        ),
        *(
            (
                f'ask.made.instruction(await ask("write", Question, text=row["text"]), "question", weight={weight})',
                said,
            )
            for weight, said in (
                ("-1", "weight is -1, not a number from 0 on"),
                ("float('nan')", "weight is nan"),
                ("float('inf')", "weight is inf"),
                ("True", "weight is True"),
                ("'2'", "weight is '2'"),
            )
        ),
    ],
)
def test_a_program_that_breaks_a_rule_is_stopped_as_broken_and_its_line_named(
    folder: Path, start: Start, settings: MakeSettings, body: str, said: str
) -> None:
    name = f"rule_{abs(hash(body)) % 10**6}"
    plugin = write(folder, name, f"async def program(row, ask):\n    {body}\n")

    with pytest.raises(Exception, match="ended in") as caught:
        run_program(name, start, settings(*of_program(name, plugin)))

    assert said in str(caught.value)
    assert f"{name}.py" in str(caught.value)


@pytest.mark.usefixtures("unaudited")
def test_each_round_of_a_program_is_given_what_it_made_before_and_one_more_leaves_these_as_they_are(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    plugin = write(folder, "again", head=HEAD + '\n\nclass Knobs(Section):\n    turns: int = 1\n\n\nROUNDS = "turns"\n')
    chosen = of_program("again", plugin, "instructions.max_pool_cosine=1.01")

    def rows(run: Run) -> dict[str, tuple[int, str]]:
        asked = "SELECT instruction_id, round, input_id FROM instructions WHERE recipe = 'again'"
        return {name: (number, given) for name, number, given in run.store._connection.execute(asked).fetchall()}

    with start(settings(*chosen)) as run:
        instruction_store.fill(run, 6)
        instructions.synthesize(run)
        first = rows(run)
    with start(settings(*chosen, "recipes.again.turns=2")) as run:
        counts = instructions.synthesize(run).counts
        both = rows(run)

    given = [one for number, one in both.values() if number == 2]
    assert {number for number, _ in first.values()} == {1}
    assert first.items() <= both.items()
    assert counts.rows_in == 6 + len(first)
    assert first.keys() & {*given}
    assert not first.keys() & {one for number, one in both.values() if number == 1}


KEEPS = """
async def program(row, ask):
    def keep(said):
        if "again" in said.question:
            raise Rejection("placeholder", "it is the form's")
        ask.made.instruction(said, "question")

    await ask.draws(2, "write", Question, keep=keep, text=row["text"])
"""


@pytest.mark.usefixtures("unaudited")
def test_a_draw_that_cannot_be_kept_is_asked_once_more_for_its_form_and_else_refused_alone(
    folder: Path, start: Start, settings: MakeSettings
) -> None:
    head = HEAD.replace("Field,", "Field, Rejection,")
    plugin = write(folder, "keeping", KEEPS, head=head.replace('("instructions", "responses")', '("instructions",)'))
    good = [f"How long does bread number {n} keep in a cellar in June?" for n in range(99)]
    said = iter(["Say it again, please?", "Why?", *good])

    with answering("keeping", lambda *_: json.dumps({"question": next(said)})) as model:
        role = model.role("writer", endpoints=[{"base_url": model.base_url, "key_env": "", "max_concurrency": 1}])
        chosen = settings(
            *of_program("keeping", plugin, "instructions.max_pool_cosine=1.01"), models={"generator": role}
        )
        made = run_program("keeping", start, chosen)

    assert len(made["instructions"]) == 11
    assert [reason for _, reason in made.refused] == ["too_short"]
    assert made.calls == 13
