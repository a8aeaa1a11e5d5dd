"""The card: its header reads as YAML, its tables as Markdown, and it says who wrote the dataset."""

from dataclasses import replace

import pytest
import yaml

from wellspring.tasks.methods.datasets.card import Facts, card

FACTS = Facts(
    name="sample",
    license="cc0-1.0",
    languages=["en"],
    tables=[
        {"path": "messages/train", "form": "messages", "split": "train", "rows": 1200},
        {"path": "messages/validation", "form": "messages", "split": "validation", "rows": 12},
        {"path": "dpo/train", "form": "dpo", "split": "train", "rows": 5},
    ],
    recipes=[{"recipe": "knn_instruct", "rows": 1212}],
    models=[
        {"role": "generator", "model": "some-model", "served": "some-model-0613", "rows": 1212},
        {"role": "judge", "model": "some-judge", "served": "", "rows": 3},
    ],
    methods=[{"stage": "scores", "name": "seven_criteria", "fingerprint": "abc"}],
    sources=[{"name": "a | b <i>", "license": None}],
    choice={"min_score": 5},
    measures=[{"part": "all", "mtld": 71.23456}, {"part": "random_0", "mtld": None}],
    lengths=[{"tokens": "8 to 15", "all": 3, "random_0": 4}],
    seeds=[{"label": "conversations read", "here": 2029, "paper": 1_920_000}],
)


def test_the_header_names_every_form_and_split_with_its_file() -> None:
    header = yaml.safe_load(card(FACTS).split("---\n")[1])

    assert header["license"] == "cc0-1.0"
    assert header["size_categories"] == ["1K<n<10K"]
    assert header["configs"][0] == {
        "config_name": "messages",
        "data_files": [
            {"split": "train", "path": "messages/train.parquet"},
            {"split": "validation", "path": "messages/validation.parquet"},
        ],
    }
    assert [config["config_name"] for config in header["configs"]] == ["messages", "dpo"]


def test_measures_stand_side_by_side_for_each_part() -> None:
    assert "| aspect | measure | all | random_0 |\n|---|---|---|---|\n| diversity | mtld | 71.23 | - |" in card(FACTS)


def test_histograms_and_the_funnel_of_seeds_are_tables_and_what_is_not_there_has_no_heading() -> None:
    written = card(FACTS)

    assert "## Instructions by tokens\n\n| tokens | all | random_0 |\n|---|---|---|\n| 8 to 15 | 3 | 4 |" in written
    assert "| conversations read | 2029 | 1920000 |" in written
    assert "## Instructions by score" not in written


def test_it_says_which_benchmarks_were_looked_for_and_plainly_where_none_was() -> None:
    looked_for = [{"benchmark": "ifeval", "prompts": 541, "looked for by": "words"}]

    assert "**No benchmark was looked for**" in card(FACTS)
    assert "**No benchmark was looked for**" in card(Facts("none", "other", [], [], [], [], [], [], {}))
    assert "| ifeval | 541 | words |" in card(replace(FACTS, benchmarks=looked_for))
    assert "No benchmark was" not in card(replace(FACTS, benchmarks=looked_for))


def test_it_says_that_the_least_mark_is_unmeasured_where_one_is_asked_for() -> None:
    assert "`min_score` is a guess" in card(FACTS)
    assert "`min_score` is a guess" not in card(replace(FACTS, choice={"min_score": 0}))


def test_cells_cannot_break_the_table_or_the_page() -> None:
    assert "| a \\| b &lt;i> | - |" in card(FACTS)


@pytest.mark.parametrize(
    ("role", "model", "served", "said"),
    [
        ("generator", "offline-extractive", "", "**Not written by a language model.**"),
        ("responder", "offline-extractive", "", "answered as `offline-extractive`"),
        ("generator", "gpt-4.1", "offline-extractive", "wrote instructions as `offline-extractive`"),
        ("judge", "gpt-4.1", "offline-judge", "**Not judged by a language model.**"),
        ("moderator", "offline-judge", "", "moderated as `offline-judge`"),
    ],
)
def test_it_says_plainly_in_which_part_the_stand_in_had_a_hand(role: str, model: str, served: str, said: str) -> None:
    facts = replace(FACTS, models=[*FACTS.models, {"role": role, "model": model, "served": served, "rows": 3}])

    assert said in card(facts)
    assert "do not train on them" in card(facts)


def test_it_names_models_as_they_were_asked_for_and_beside_that_as_they_answered() -> None:
    written = card(FACTS)

    assert "language model.**" not in written
    assert "Instructions and answers written by `some-model`." in written
    assert "| role | model | served | rows |" in written
    assert "| generator | some-model | some-model-0613 | 1212 |" in written


@pytest.mark.parametrize("license_", ["cc-by-4.0", "a: b", "no", "x\ny: z", '"', "# none"])
def test_a_licence_of_any_form_is_one_value_of_the_header(license_: str) -> None:
    assert yaml.safe_load(card(replace(FACTS, license=license_)).split("---\n")[1])["license"] == license_


def test_an_empty_dataset_has_a_card_too() -> None:
    empty = Facts("none", "other", [], [], [], [], [], [], {})

    assert "written by nobody" in card(empty)
    assert yaml.safe_load(card(empty).split("---\n")[1])["license"] == "other"


def test_it_shows_the_settings_that_are_not_usual_and_each_step_that_did_not_run() -> None:
    settings = [{"setting": "selections.min_score", "value": "3", "default": "5"}]
    steps = [{"step": "benchmarks looked for", "ran": "no", "setting": "benchmarks.paths"}]

    written = card(replace(FACTS, settings=settings, steps=steps))

    assert "| setting | value | default |\n|---|---|---|\n| selections.min_score | 3 | 5 |" in written
    assert "| benchmarks looked for | no | benchmarks.paths |" in written
    assert "## Settings" not in card(FACTS)
