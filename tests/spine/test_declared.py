"""What the card says of a profile: settings that can change a row, never a place or a server, and steps that ran."""

from collections.abc import Callable

from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.provenance import declared


def test_settings_that_change_rows_are_told_and_places_servers_and_limits_are_not(
    settings: Callable[..., Settings],
) -> None:
    chosen = settings(
        "selections.min_score=3",
        "limit=7",
        "runner=thread",
        "budget.max_cost_usd=5",
        'plugins=["/home/me/mine"]',
        'seeds.paths=["/home/me/seeds.jsonl"]',
        "models.base_url=http://secret.example/v1",
        "recipes.mine.file=/home/me/list.txt",
        "exports.name=other",
    )

    told = {row["setting"]: (row["value"], row["default"]) for row in declared.changed(chosen)}

    assert told["selections.min_score"] == ("3", "5")
    assert told["recipes.mine.file"] == ("(a place)", "None")
    assert not {"limit", "runner", "plugins", "seeds.paths", "exports.name"} & told.keys()
    assert not any("/home" in f"{said}" or "secret.example" in f"{said}" for said in told.items())


def test_a_step_is_said_not_to_have_run_where_a_setting_switched_it_off(settings: Callable[..., Settings]) -> None:
    usual = {row["step"]: row["ran"] for row in declared.steps(settings())}
    off = {
        row["setting"]: row["ran"]
        for row in declared.steps(settings("documents.respect_opt_outs=false", "seeds.deduplicate_cosine=1.01"))
    }

    assert usual["opt-outs of pages and sites respected"] == "yes"
    assert usual["benchmarks looked for"] == "no"
    assert usual["answers moderated"] == "no"
    assert (off["documents.respect_opt_outs"], off["seeds.deduplicate_cosine"]) == ("no", "no")
    assert {row["setting"].split(".")[0] for row in declared.steps(settings())} <= set(Settings.model_fields)
