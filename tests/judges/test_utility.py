"""Utility judgments: pages in several orders, votes of those that were read, and no page that only few orders name."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests import judge_runs
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges import utility
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "utility"
PUMPS, BREAD = (content_id("document", subject) for subject in ("pumps", "bread"))

pytestmark = pytest.mark.usefixtures("unaudited")


def numbers(body: dict[str, Any]) -> dict[str, int]:
    """Return at which place each page is shown, by a word of it."""
    text = next(one["content"] for one in body["messages"] if one["role"] == "user")
    shown = re.findall(r"Page (\d+)\s+(\w+)", text)
    return {title.lower(): int(number) for number, title in shown}


def judged(
    settings: Any, start: Start, say: Callable[[int, dict[str, int]], list[int]], *more: str, pages: bool = True
) -> tuple[Any, list[str]]:
    """Name pages by how many orders came before, and where each page is shown."""
    seen: dict[str, int] = {}

    def answer(_: str, body: dict[str, Any]) -> str:
        place = seen.setdefault(str(body["messages"][1]), len(seen))
        return json.dumps({"draft": "x", "useful": say(place, numbers(body))})

    def put(run: Run) -> None:
        if not pages:
            run.store._connection.execute("UPDATE instructions SET document_id = NULL")
            run.store._connection.execute("DELETE FROM documents")

    found, _, asked = judge_runs.play_all(NAME, settings, start, answer, [["Yes."]], *more, before=put)
    return found, asked


def votes(found: Any) -> tuple[dict[str, int], list[str], int]:
    [said] = [json.loads(row["data"]) for row in found["notes"] if row["kind"] == "useful pages"]
    return {page: n for page, n in said["votes"].items() if n}, said["useful"], said["orders"]


def test_a_page_is_of_use_if_most_orders_name_it_wherever_it_stands(
    settings: Callable[..., Settings], start: Start
) -> None:
    found, asked = judged(settings, start, lambda n, at: [at["pumps"], at["bread"]] if n == 0 else [at["pumps"]])

    assert votes(found) == ({PUMPS: 3, BREAD: 1}, [PUMPS], 3)
    [verdict] = found["verdicts"]
    assert (verdict["check_name"], verdict["passed"], verdict["detail"]) == ("utility", True, f'["{PUMPS}"]')
    assert len(asked) == 3
    assert len({tuple(re.findall(r"Page \d+\s+\w+", one)) for one in asked}) == 3
    assert all(one.count("</page") == 5 for one in asked)


def test_a_page_that_half_of_the_orders_name_is_not_of_use(settings: Callable[..., Settings], start: Start) -> None:
    found, _ = judged(settings, start, lambda n, at: [at["pumps"]] * n, "recipes.utility.orders=2")

    assert votes(found) == ({PUMPS: 1}, [], 2)
    assert [(row["passed"], row["detail"]) for row in found["verdicts"]] == [(False, "none of 5 pages")]


def test_an_order_with_a_number_that_is_no_page_is_left_out(settings: Callable[..., Settings], start: Start) -> None:
    found, _ = judged(settings, start, lambda n, at: [6] if n == 0 else [0] if n == 1 else [at["bread"]] * 2)

    assert votes(found) == ({BREAD: 1}, [BREAD], 1)
    assert [row["reason"] for row in found["rejections"]] == ["choice_out_of_range"] * 2


@pytest.mark.parametrize(("pages", "reason", "calls"), [(True, "too_few_draws", 3), (False, "no_document_found", 0)])
def test_without_a_judgement_or_a_page_there_is_no_verdict(
    settings: Callable[..., Settings], start: Start, *, pages: bool, reason: str, calls: int
) -> None:
    found, asked = judged(settings, start, lambda *_: [99], pages=pages)

    assert (found["verdicts"], found["scores"]) == ([], [])
    assert reason in {row["reason"] for row in found["rejections"]}
    assert len(asked) == calls


def test_orders_come_from_the_input_and_not_from_how_the_pages_came() -> None:
    pages = [f"page-{n}" for n in range(5)]

    assert utility.shuffled("a", pages, 0) == utility.shuffled("a", pages[::-1], 0)
    assert len({utility.shuffled("a", pages, n) for n in range(3)}) == 3
    assert utility.shuffled("a", pages, 0) != utility.shuffled("b", pages, 0)
