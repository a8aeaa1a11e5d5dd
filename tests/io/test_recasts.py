"""Tables recast as requests: a small made table in the form of each set, by mappings and templates alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks import seeds
from wellspring.tasks.contracts.settings import Recast, SeedsSettings, Settings
from wellspring.tasks.io.corpora import conversations, recasts
from wellspring.tasks.io.corpora.conversations import Turn
from wellspring.tasks.io.corpora.own_formats import Own

SETS: dict[str, tuple[Recast, dict[str, Any], list[tuple[str, str]]]] = {  # by form: recast, row, what it becomes
    "biomedical": (
        Recast(files="*", prompts=("Which {type}s does this name? {text}",), response="{names}"),
        {"text": "Aspirin with ibuprofen.", "type": "drug", "names": ["aspirin", "ibuprofen"]},
        [("Which drugs does this name? Aspirin with ibuprofen.", "aspirin, ibuprofen")],
    ),
    "meds_ins": (
        Recast(files="*", prompts=("{Definition}\n\n{input}",), response="{output}", each="Instances"),
        {"Definition": "Name the illness.", "Instances": [{"input": f"Case {i}", "output": f"{i}"} for i in (1, 2)]},
        [("Name the illness.\n\nCase 1", "1"), ("Name the illness.\n\nCase 2", "2")],
    ),
    "trial_instruct": (
        Recast(
            files="*", prompts=("May this patient join? {patient}",), response="{fits}",
            when={"task": "matching"}, labels={"fits": {"0": "No.", "1": "Yes."}},
        ),
        {"task": "matching", "patient": "A man of 70.", "fits": 1},
        [("May this patient join? A man of 70.", "Yes.")],
    ),
    "eshop_instruct": (
        Recast(files="*", prompts=("Sort {title} into one of: {kinds}.",), response="{kind}", system="You run a shop."),
        {"title": "a kettle", "kinds": ["kitchen", "garden"], "kind": "kitchen"},
        [("Sort a kettle into one of: kitchen, garden.", "kitchen")],
    ),
    "deplain": (
        Recast(files="*", prompts=("Schreibe einfacher: {original}",), response="{simple}"),
        {"original": "Die Frist endet mit Ablauf des Monats.", "simple": "Sie haben bis zum Monatsende Zeit."},
        [("Schreibe einfacher: Die Frist endet mit Ablauf des Monats.", "Sie haben bis zum Monatsende Zeit.")],
    ),
    "arxiv_edits": (
        Recast(
            files="*", prompts=("Revise for {intention}: {before}",), response="{after}",
            labels={"intention": {"simplify": "simpler words"}},
        ),
        {"before": "We utilise it.", "after": "We use it.", "intention": "simplify"},
        [("Revise for simpler words: We utilise it.", "We use it.")],
    ),
    "entity_cs": (
        Recast(
            files="*", prompts=("Say this in English alone: {switched}",), response="{sentence}",
            switch={"text": "sentence", "list": "entities", "find": "en", "by": "de"},
        ),
        {
            "sentence": "Vienna lies on the Danube, not on the Danube Canal.",
            "entities": [
                {"en": "Danube", "de": "Donau"}, {"en": "Danube Canal", "de": "Donaukanal"}, {"en": "Rome", "de": ""},
            ],
        },
        [("Say this in English alone: Vienna lies on the Donau, not on the Donaukanal.",
          "Vienna lies on the Danube, not on the Danube Canal.")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_a_row_of_each_set_becomes_what_its_mapping_says(name: str, tmp_path: Path) -> None:
    by, row, wanted = SETS[name]
    path = tmp_path / f"{name}.jsonl"
    path.write_text(json.dumps(row))
    found = [turn for _, turn in conversations.read(path, own=Own(recasts={name: by}))]

    assert [(turn.text, turn.response) for turn in found if isinstance(turn, Turn)] == wanted
    assert {turn.system for turn in found if isinstance(turn, Turn)} == {by.system}


def test_rows_that_lack_a_cell_are_refused_and_other_rows_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("task,patient,fits\nmatching,A man.,0\nmatching,,1\nsummary,A child.,1\n")
    own = Own(recasts={"a": SETS["trial_instruct"][0], "b": Recast(files="other.csv", prompts=("{patient}",))})
    first, second = (turn for _, turn in conversations.read(path, own=own))

    assert isinstance(first, Turn)
    assert (first.text, first.response) == ("May this patient join? A man.", "No.")
    assert "lacks" in str(second)
    assert conversations.survey(path, own=own) == 2


@pytest.mark.parametrize(
    ("verbalizer", "rule", "said"),
    [
        ("natural", '"bad" for bad, "good" for good', "good"),
        ("neutral", '"foo" for bad, "bar" for good', "bar"),
        ("unnatural", '"good" for bad, "bad" for good', "bad"),
    ],
)
def test_a_verbalizer_has_its_word_for_each_label_and_says_which(verbalizer: Any, rule: str, said: str) -> None:
    labels = {"label": {"0": "bad", "1": "good"}}
    by = Recast(
        files="*", prompts=("Is it good? {rule} {text}",), response="{said}", labels=labels, verbalize="label",
        verbalizer=verbalizer,
    )  # fmt: skip

    made = {"prompt": f"Is it good? Answer with one word: {rule}. Fun.", "response": said}
    assert list(recasts.recast(by, {"text": "Fun.", "label": 1})) == [made]
    assert list(recasts.recast(by, {"text": "Fun.", "label": 7})) == [{"lacks": "rule"}]


def test_a_row_keeps_its_template_and_all_are_used() -> None:
    by = Recast(files="*", prompts=("One {a}", "Two {a}", "Three {a}"))
    found = [next(recasts.recast(by, {"a": str(i)}))["prompt"] for i in range(60)]

    assert found == [next(recasts.recast(by, {"a": str(i)}))["prompt"] for i in range(60)]
    assert {text.split()[0] for text in found} == {"One", "Two", "Three"}


def test_a_profile_without_recasts_reads_as_ever_and_a_half_switch_is_wrong() -> None:
    other = Settings(seeds=SeedsSettings(recasts={"a": SETS["deplain"][0]}))

    assert Own.of_seeds(Settings()).recasts == {}
    assert Own.of_seeds(other).recasts.keys() == {"a"}
    assert seeds._reading(Settings()) != seeds._reading(other)
    with pytest.raises(ValueError, match="`switch` names"):
        Recast(files="*", prompts=("x",), switch={"text": "a"})
