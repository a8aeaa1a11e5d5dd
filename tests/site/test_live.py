"""A run while it works, as the served page sees it."""

import json
import re
from pathlib import Path

import pytest

from tests.chromium import BROWSER, opened, served
from wellspring.tasks.io import loopback
from wellspring.tasks.site import live
from wellspring.tasks.spine.watching import stage_status

FACTS = {"out": 2, "rows_per_second": 1.5, "seconds_left": 4.0, "tokens": 9}
STAGES = {
    "documents": {"done": 3, "total": 3, "is_done": True, "facts": {}},
    "responses": {
        "done": 4,
        "total": 10,
        "facts": {"out": 2, "rows_per_second": 1.5, "seconds_left": 4.0, "tokens": 9},
    },
}
WORK = {"run_id": "ab12", "flow": "dataset", "started_at": "2026-03-01T03:00:00", "stages": STAGES}


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store on which a run is at work, as it writes that down itself."""
    stage_status.say_progress(tmp_path, WORK)
    monkeypatch.setattr(stage_status.stores, "holder", lambda _: {"owner": "ab12", "pid": 1})
    return tmp_path


def test_it_says_how_far_each_stage_is_what_is_out_and_how_long_it_takes(working: Path) -> None:
    said = live.now(working)

    assert said["run"] == {"run_id": "ab12", "flow": "dataset", "started_at": "2026-03-01T03:00:00"}
    (one,) = [stage for stage in said["stages"] if not stage["is_done"]]
    assert {key: one[key] for key in ("done", "total", "out", "rate", "left")} == {
        "done": 4,
        "total": 10,
        "out": 2,
        "rate": 1.5,
        "left": 4.0,
    }
    assert one["said"] == "9 tokens"


def test_a_run_that_has_ended_is_not_at_work(tmp_path: Path) -> None:
    stage_status.say_progress(tmp_path, WORK)

    assert live.now(tmp_path) == {"run": None, "stages": [], "answers": []}


@pytest.mark.parametrize(("shows", "text"), [(True, "</script><b>"), (False, "")])
def test_texts_of_answers_are_shown_only_where_the_profile_shows_values(
    working: Path, monkeypatch: pytest.MonkeyPatch, *, shows: bool, text: str
) -> None:
    (working / "settings.json").write_text(json.dumps({"pages": {"show_values": shows}}))
    row = ("judge", "m", "stop", "</script><b>", 3, 0.5)
    monkeypatch.setattr(live.journal, "latest", lambda *_: [row])

    said = live.script_of(working)("live/7")
    found = re.fullmatch(rb'wellspring\.arrived\("live/7",(.*)\);\n', said, re.DOTALL)

    assert found is not None
    assert b"<" not in found[1]
    assert json.loads(found[1])["answers"][0]["text"] == text


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here")
def test_the_page_asks_again_and_again_and_shows_what_a_run_says(working: Path, tmp_path: Path) -> None:
    from wellspring.tasks.io.storage.store import Store
    from wellspring.tasks.site import pages

    with Store.open(tmp_path / "other") as store:
        pages.write_site(store)
        folder = store.pages
    site = loopback.Site(folder, live={live.PLACE: live.script_of(working)})
    with served(site) as port:
        text = opened(f"{site.address(port)}&to=live.html", tmp_path / "browser", 9, milliseconds=6000)

    assert "responses" in text
    assert re.search(r'data-asked="(?!1")\d+"', text)
