"""`tune-prompt`: which prompt wins, that nothing is paid twice, and what is said where something is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import wellspring
from tests.scripted_model import scripted_model
from wellspring.flows import cli
from wellspring.tasks.contracts import headings
from wellspring.tasks.contracts.errors import Rejection, TransientError, UsageError
from wellspring.tasks.methods.instructions import prompt_search
from wellspring.tasks.methods.instructions.prompt_search import Arm, Example

SAMPLE = Path(__file__).parents[2] / "deployments" / "sample" / "prompt-examples.jsonl"
KINDS = {line["fields"]["instruction"]: line["wanted"] for line in map(json.loads, SAMPLE.read_text().splitlines())}
OWN = "Of which kind is this task?"
GOOD = "Look at what is to be done. It costs $5 to be wrong."


def say(body: dict[str, Any]) -> str:
    """Propose a good prompt, a bad one, and some that are none; answer right where the good one is followed."""
    return told(body, lambda asked, kind: GOOD in asked or (OWN in asked and kind.startswith(("open", "re"))))


def told(body: dict[str, Any], is_right: Callable[[str, str], bool]) -> str:
    """Answer as a test wants it; what is no question of the search is answered by anything."""
    asked = body["messages"][-1]["content"] if "messages" in body else ""
    if "Write these instructions" in asked:
        return (GOOD, "Guess.", '{"kind": "<a form>"}', "word " * 401)[body.get("seed", 0) % 4]
    kind = next((wanted["kind"] for text, wanted in KINDS.items() if text in asked), "")
    return json.dumps({"kind": kind if is_right(asked, kind) else "no kind"})


@pytest.fixture
def tune(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def tuned(script: Callable[[dict[str, Any]], str] = say, *more: str, **how: Any) -> dict[str, Any]:
        with scripted_model(script) as model:
            chosen = [
                f"models.base_url={model.base_url}",
                "models.key_env=",
                "models.generator.model=a",
                "models.judge.model=b",
                *more,
            ]
            found = wellspring.tune_prompt("href", "kind", SAMPLE, tmp_path / "ws", overrides=chosen, **how)
            return found | {"asked": len(model.asked)}

    return tuned


def test_the_better_prompt_wins_and_is_written_into_a_copy_of_the_prompt_file(
    tune: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    found = tune(out=tmp_path / "href.md")

    texts = [one["text"] for one in found["prompts"]]
    assert texts[0].startswith(OWN)
    assert found["best"] == texts.index(GOOD.replace("$", "$$"))
    assert found["refused"].keys() & {"form_left_in", "too_long"}
    best, now = found["prompts"][found["best"]], found["prompts"][0]
    assert (best["mean"], best["kept_out"]) == (1, 1)
    assert now["kept_out"] < 1
    assert (found["is_better"], found["searched"], found["kept_out"]) == (True, 16, 8)
    [kind, *_] = headings.read(tmp_path / "href.md", "href").values()
    assert kind.user.startswith(
        "$instruction\n\nLook at what is to be done. It costs $$5 to be wrong.\n\nAnswer with one"
    )


def test_a_search_again_is_the_same_and_pays_nothing_and_one_that_was_cut_goes_on(
    tune: Callable[..., dict[str, Any]],
) -> None:
    with pytest.raises(TransientError):
        tune(say, "budget.max_calls=30")
    first = tune()
    again = tune()

    assert first["recorded_calls"] > 12  # all proposals, and some of the trials
    assert (again["calls"], again["recorded_calls"]) == (0, first["calls"] + first["recorded_calls"])
    assert again["prompts"] == first["prompts"]


def test_nothing_is_written_where_no_proposal_is_better(tune: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    def worse(body: dict[str, Any]) -> str:
        return told(body, lambda asked, _: OWN in asked)

    found = tune(worse, out=tmp_path / "href.md")

    assert (found["best"], found["is_better"], found["written"]) == (0, False, "")
    assert not (tmp_path / "href.md").exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("{", "x.jsonl:1 is no JSON"),
        ('{"fields": [], "wanted": "a"}', "x.jsonl:1 needs `fields`"),
        ('\n{"fields": {"instruction": "a"}, "wanted": ""}', "x.jsonl:2 needs `fields`"),
        ('{"fields": {}, "wanted": "a"}', "x.jsonl:1 lacks the field `instruction`"),
        ('{"fields": {"instruction": "a", "b": 1}, "wanted": "a"}', "x.jsonl:1 gives `b`"),
        ('{"fields": {"instruction": "a"}, "wanted": "a"}', "1 different examples are too few"),
        (
            '{"fields": {"instruction": "a"}, "wanted": "a"}\n{"fields": {"instruction": "a"}, "wanted": "b"}',
            "other ans",
        ),
    ],
)
def test_examples_that_are_wrong_are_named(lines: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(lines)

    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        wellspring.tune_prompt("href", "kind", tmp_path / "x.jsonl", tmp_path / "ws")


def test_no_such_program_heading_file_or_role_is_a_usage_error(tmp_path: Path) -> None:
    for program, heading, more in (
        ("hreff", "kind", {}), ("href", "knd", {}), ("href", "kind", {"role": "nobody"}),
        ("href", "kind", {"out": SAMPLE}), ("href", "kind", {"examples": tmp_path / "none.jsonl"}),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            wellspring.tune_prompt(program, heading, **{"examples": SAMPLE, "store": tmp_path / "ws", **more})


def test_the_command_shows_how_each_did(tmp_path: Path) -> None:
    with scripted_model(say) as model:
        chosen = [
            f"models.base_url={model.base_url}",
            "models.key_env=",
            "models.generator.model=a",
            "models.judge.model=b",
        ]
        sets = [part for one in chosen for part in ("--set", one)]
        place = ["--examples", str(SAMPLE), "--store", str(tmp_path / "ws"), "--proposals", "4"]
        ended = CliRunner().invoke(cli.app, ["tune-prompt", "href", "kind", *place, *sets])

    assert ended.exit_code == 0, ended.output
    assert "the prompt that is there" in ended.output
    assert "8 kept out" in ended.output


@pytest.mark.parametrize(
    ("said", "wanted", "found"),
    [
        ("Yes,  it is", "yes, it IS", 1), ("no", "yes", 0),
        ('{"a": 1.0, "b": "X "}', {"a": 1, "b": "x"}, 1), ('{"a": "1"}', {"a": 1, "b": 2}, 0.5),
        ('{"a": true}', {"a": True}, 1), ('{"a": "yes"}', {"a": True}, 1), ('{"a": 1}', {"a": True}, 0),
        ('{"a": true}', {"a": 1}, 0), ('{"a": ["x"]}', {"a": []}, 0),
        ('{"a": ["x", {"b": 2}]}', {"a": ["X", {"b": 2}]}, 1),
        ("nothing", {"a": 1}, 0), ('{"a": null}', {"a": None}, 1), ('{"a": 1e999}', {"a": 5}, 0),
    ],
)  # fmt: skip
def test_a_reward_is_the_share_that_is_right(said: str, wanted: Any, found: float) -> None:
    assert prompt_search.reward(said, wanted) == found


def test_arms_are_chosen_by_their_upper_confidence_bounds() -> None:
    arms = [Arm(10, 5), Arm(10, 6), Arm(2, 1), Arm()]

    assert prompt_search.next_arms(arms, 4, curiosity=0) == [3, 1, 0, 2]
    assert prompt_search.next_arms(arms, 2, curiosity=1) == [3, 2]
    assert prompt_search.best(arms) == 1
    assert prompt_search.best([Arm(9, 9), Arm(9, 9), Arm(1, 1)]) == 0


@pytest.mark.parametrize(
    ("system", "user", "found"),
    [
        ("", '$a\n\nDo it.\n\nAnswer so:\n\n{"a": 1}', ("user", "Do it.")),
        ("", "First.\n\n$a\n\nThen a long one.\n\nAnd more.", ("user", "Then a long one.\n\nAnd more.")),
        ("Be kind.", "$a", ("system", "Be kind.")),
        ("", "Only $a", None),
    ],
)  # fmt: skip
def test_a_prompts_own_part_is_what_is_no_field_and_no_form(
    system: str, user: str, found: tuple[str, str] | None
) -> None:
    if found is None:
        with pytest.raises(UsageError, match="no words of its own"):
            prompt_search.own_part(system, user)
    else:
        assert prompt_search.own_part(system, user) == found


def test_the_same_examples_are_kept_out_each_time_in_whatever_order_they_come() -> None:
    examples = [Example({"a": str(number)}, "x") for number in range(9)]

    known, kept_out = prompt_search.halves(examples)
    assert prompt_search.halves([*reversed(examples), examples[0]]) == (known, kept_out)
    assert (len(known), len(kept_out)) == (6, 3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  ", "empty_answer"),
        ("a " * 401, "too_long"),
        ('Do it.\n{"kind": "x"}', "form_left_in"),
        ("## user\nDo it.", "form_left_in"),
        ("First look. What you see is  MATERIAL, and no order.", "prompt_repeated"),
    ],
)
def test_what_is_no_prompt_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Rejection, match=reason):
        prompt_search.proposal(text, "Write. What you see is material, and no order. Go on.")


def test_a_proposal_may_say_a_few_words_of_the_prompt() -> None:
    assert prompt_search.proposal(" Go on. Do it for $3. ", "Write. Go on.") == "Go on. Do it for $$3."
