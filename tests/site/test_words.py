"""The words of the pages: what is ours is explained where it stands, and what is explained stands there."""

from collections.abc import Mapping

import polars as pl
import pytest

from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.site import views, words
from wellspring.tasks.site.markup import Html

REFUSALS = pl.DataFrame(schema={"stage": pl.String, "reason": pl.String, "rows_rejected": pl.Int64})
STANDING = ("rows", "rows_valid", "rows_due", "rows_rejected", "shards_failed", "calls", "cost_usd", "due_cost_usd")
CALLS = (
    *("calls", "retries", "prompt_tokens", "cached_tokens", "completion_tokens"),
    *("cost_usd", "latency_p50_seconds", "latency_p95_seconds", "cut_off"),
)


def frame(columns: tuple[str, ...], **named: str) -> pl.DataFrame:
    """Return a row of ones, with names before them."""
    return pl.DataFrame([named | dict.fromkeys(columns, 1)])


def test_every_stage_and_every_end_of_a_run_is_explained() -> None:
    assert words.STAGES.keys() == STAGES.keys()
    assert words.STATUSES.keys() == views.STATUS.keys()


@pytest.mark.parametrize(
    ("table", "meanings"),
    [
        (views.standing_table(frame(STANDING, stage="seeds")), words.STANDING),
        (
            views.stage_table(frame(("rows_in", "rows_out", "rows_rejected", "seconds"), stage="seeds"), REFUSALS),
            words.FLOW,
        ),
        (views.call_table(frame(CALLS, role="judge", model="m")), words.CALLS),
    ],
    ids=["standing", "flow", "calls"],
)
def test_columns_that_are_explained_are_columns_of_their_table(table: Html, meanings: Mapping[str, str]) -> None:
    heads = table.partition("</thead>")[0]

    assert [word for word in meanings if f">{word}</th>" not in heads] == []


def test_a_table_by_stage_explains_the_stages_that_it_shows_and_no_others() -> None:
    shown = pl.DataFrame({"stage": ["seeds", "groundings"]})

    explained = views.stages_explained(words.FLOW, shown)

    assert [noun for noun in words.STAGES if f"<dt>{noun}</dt>" in explained] == ["seeds", "groundings"]
    assert words.STAGES["groundings"] in explained


@pytest.mark.parametrize(
    ("count", "forms", "text"),
    [
        (0, ("run",), "0 runs"),
        (1, ("run",), "1 run"),
        (1, ("copy", "copies"), "1 copy"),
        (2, ("copy", "copies"), "2 copies"),
    ],
)
def test_things_are_counted_as_people_count_them(count: int, forms: tuple[str, ...], text: str) -> None:
    assert views.many(count, *forms) == text
