"""Preferences: best against worst under guards, confirmed in both orders, every refusal with its reason."""

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import instruction_store as store
from tests.scripted_model import scripted_model
from wellspring.tasks import preferences, responses, scores
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.settings import PreferencesSettings, Settings
from wellspring.tasks.judges.response_quality import CRITERIA
from wellspring.tasks.methods.answers.pairs import Draw, way
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
PAIRS = {"draws": 3, "min_margin": 1.0, "max_length_ratio": 3.0}


def writer(body: dict) -> str:
    """Answers of quality 2, 5 and 8 by draw; those on trains are alike, those on bees differ in length tenfold."""
    text = body["messages"][-1]["content"]
    draw = int(body.get("seed") or 0) % 3
    quality = 5 if "trains" in text else (2, 5, 8)[draw]
    return f"Answer of quality {quality}." + (" And so on, at length." * 40 * (quality == 8) if "bees" in text else "")


def judge(body: dict) -> str:
    """Marks by the quality that the answer states; in pairs the higher one wins, but on roofs always the first."""
    user = body["messages"][1]["content"]
    stated = [int(n) for n in re.findall(r"Answer of quality (\d)", user)]
    if "Compare the two answers" in user:
        winner = "first" if "roofs" in user or stated[0] > stated[1] else "second"
        return json.dumps({"evidence": "Stated.", "winner": winner})
    marks: dict[str, object] = {}
    for name in CRITERIA:
        marks |= {f"{name}_analysis": "Stated.", name: stated[0]}
    return json.dumps(marks)


def paired(run: Run) -> Counts:
    """Answer, judge and pair six instructions, one of each subject."""
    store.fill(run, 6)
    for noun, stage in (("responses", responses.respond), ("scores", scores.judge)):
        stage(run)
        store.publish(run, noun)
    return preferences.pair(run).counts


def refusals(run: Run) -> dict[str, int]:
    """Rows refused by reason."""
    return dict(run.store.query("rejections/of_stage", stage="preferences").rows())


def test_without_draws_there_are_no_pairs(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings()) as run:
        counts = paired(run)

    assert counts == Counts()


@pytest.mark.slow
def test_best_and_worst_are_paired_and_what_fails_a_guard_says_which(
    settings: Callable[..., Settings], start: Start
) -> None:
    with scripted_model(writer) as answers, scripted_model(judge) as marks:
        models = {"responder": answers.role("writer"), "judge": marks.role("other")}
        with start(settings(models=models, scores={"judges": []}, preferences=PAIRS)) as run:
            counts = paired(run)
            found = run.store.query("preferences/unpublished").to_dicts()
            refused = refusals(run)
            again = preferences.pair(run).counts
            draws = run.store.query("exports/raw").to_dicts()

    texts = {row["id"]: row["response"] for row in draws}
    assert Counter(row["margin"] for row in found) == {6.0: 4, 3.0: 1}  # on bees the best is too long: the next best
    assert all(texts[row["rejected_id"]] == "Answer of quality 2." for row in found)
    assert refused == {"margin_too_small": 1}
    assert counts == Counts(rows_in=6, rows_out=5, rows_rejected=1)
    assert again == Counts()
    assert len(draws) == 6 * (1 + 3)  # all draws are kept


@pytest.mark.slow
def test_a_pair_that_turns_with_the_order_is_a_tie_and_counted(settings: Callable[..., Settings], start: Start) -> None:
    with scripted_model(writer) as answers, scripted_model(judge) as marks:
        models = {"responder": answers.role("writer"), "judge": marks.role("other")}
        chosen = settings(models=models, scores={"judges": []}, preferences=PAIRS | {"both_orders": True})
        with start(chosen) as run:
            counts = paired(run)
            refused = refusals(run)
            asked = [body for body in marks.asked if "Compare the two answers" in body["messages"][1]["content"]]
            known = run.store.query("completions/watermark")["sequence"][0]
            again = preferences.pair(run).counts

    assert counts == Counts(rows_in=6, rows_out=4, rows_rejected=2, calls=10, prompt_tokens=100, completion_tokens=50)
    assert refused == {"inconsistent_pair": 1, "margin_too_small": 1}
    assert len(asked) == 10
    assert known >= 10
    assert again == Counts()


@pytest.mark.slow
def test_a_judge_that_fails_in_one_order_leaves_no_pair(settings: Callable[..., Settings], start: Start) -> None:
    def stumbling(body: dict) -> str:
        user = body["messages"][1]["content"]
        if "Compare the two answers" not in user:
            return judge(body)
        stated = re.findall(r"Answer of quality (\d)", user)
        said = json.dumps({"evidence": "Stated.", "winner": "first"})
        return said if stated[0] > stated[1] else "Hard to say."

    with scripted_model(writer) as answers, scripted_model(stumbling) as marks:
        models = {"responder": answers.role("writer"), "judge": marks.role("other")}
        chosen = settings(models=models, scores={"judges": []}, preferences=PAIRS | {"both_orders": True})
        with start(chosen) as run:
            counts = paired(run)
            refused = refusals(run)

    assert counts.rows_out == 0
    assert refused == {"judge_failed": 5, "margin_too_small": 1}


@pytest.mark.slow
def test_a_reward_model_behind_the_protocol_gives_the_reward(settings: Callable[..., Settings], start: Start) -> None:
    def reward(body: dict) -> str:
        return re.findall(r"Answer of quality (\d)", body["messages"][-1]["content"])[0]

    with scripted_model(writer) as answers, scripted_model(reward) as rewards:
        models = {"responder": answers.role("writer"), "judge": rewards.role("reward-model")}
        chosen = settings(models=models, scores={"judges": []}, preferences=PAIRS | {"judge": "reward_model"})
        with start(chosen) as run:
            counts = paired(run)

    assert (counts.rows_out, counts.rows_rejected) == (5, 1)
    assert {body["messages"][-1]["role"] for body in rewards.asked} == {"assistant"}


@pytest.mark.slow
def test_draws_that_nobody_has_judged_wait(settings: Callable[..., Settings], start: Start) -> None:
    with start(settings("preferences.draws=2", "preferences.min_margin=0")) as run:
        store.fill(run, 6)
        responses.respond(run)
        store.publish(run, "responses")
        counts = preferences.pair(run).counts

    assert counts == Counts()


MINE = """
from wellspring.tasks.contracts.errors import Rejection
VERSION = 1

def pair(draws, settings):
    if len({draw.reward for draw in draws}) < 2:
        raise Rejection("all_alike", "no two rewards")
    best, *_, worst = sorted(draws, key=lambda draw: -draw.reward)
    return (best, best) if settings.min_margin == 9 else (worst, best)
"""


def test_a_way_to_pair_of_ones_own_is_looked_up_and_held_to_two_of_the_draws(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    draws = [Draw("a", 2.0, 10), Draw("b", 8.0, 10), Draw("c", 5.0, 10)]
    pair, version = way("mine", [str(tmp_path)])
    chosen = PreferencesSettings()

    assert version == 1
    assert pair(draws, chosen) == (draws[0], draws[1], -6.0)
    with pytest.raises(Rejection, match="no two rewards"):
        pair(draws[:1] * 2, chosen)
    with pytest.raises(ValueError, match="no two of the draws"):
        pair(draws, PreferencesSettings(min_margin=9))
    with pytest.raises(UsageError, match="there is no way to pair `widest`") as caught:
        way("widest", [str(tmp_path)])
    assert "did you mean widest_pair" in caught.value.hint


@pytest.mark.slow
def test_a_way_to_pair_of_ones_own_makes_the_pairs_of_a_run(
    settings: Callable[..., Settings], start: Start, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    with scripted_model(writer) as model, scripted_model(judge) as judging:
        models = {"responder": model.role("w", temperature=0.8), "judge": judging.role("j", temperature=0.0)}
        mine = settings(
            models=models, preferences=PAIRS | {"way": "mine"}, plugins=[str(tmp_path)], scores={"judges": []}
        )
        with start(mine) as run:
            store.fill(run, 6)
            responses.respond(run)
            store.publish(run, "responses")
            scores.judge(run)
            store.publish(run, "scores")
            first, second = preferences.pair(run).counts, preferences.pair(run).counts
            margins = run.store._connection.execute("SELECT margin FROM preferences").fetchall()
            [reason] = run.store._connection.execute(
                "SELECT reason FROM rejections WHERE stage = 'preferences'"
            ).fetchall()

    assert (first.rows_out, first.rows_rejected, second) == (5, 1, Counts())
    assert {margin for (margin,) in margins} == {-6.0}
    assert reason == ("all_alike",)
