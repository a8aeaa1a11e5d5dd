"""A run's outcome comes first: what becomes of its pages changes neither its error nor its exit code."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import light, nights, page_store
from wellspring.flows import jobs, terminal
from wellspring.flows.commands import looking, upkeep
from wellspring.flows.dataset import dataset
from wellspring.flows.retry import retry
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.site import charts, dashboard, ending, markup, pages, run_page
from wellspring.tasks.spine.operations import estimating
from wellspring.tasks.spine.watching import marts, stage_status, summaries

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end

SMALL = (*nights.SMALL, "limit=2", 'instructions.recipes=["attributed_grounding"]', "selections.min_score=0")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [*nights.inputs(tmp_path_factory.mktemp("inputs"), 1), *SMALL]


@pytest.fixture(scope="module")
def finished(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that a build made, with its pages."""
    store = tmp_path_factory.mktemp("finished") / "ws"
    with light.unaudited():
        dataset.fn("smoke", str(store), inputs)
    return store


@pytest.fixture
def store(finished: Path, store_dir: Path) -> Path:
    shutil.copytree(finished, store_dir)
    return store_dir


def in_the_way(place: str, *, is_file: bool = False) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Put a folder where a page should be, or a file where a folder should be: root cannot write there either."""

    def block(store: Path, _: pytest.MonkeyPatch) -> None:
        path = store / place
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.touch() if is_file else (path / "x").mkdir(parents=True)

    return block


def raising(module: Any, name: str, error: Exception) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """Have a function of the site meet what nobody thought of."""

    def fail(*_: object, **__: object) -> Any:
        raise error

    return lambda _, patched: patched.setattr(module, name, fail)


def saying(module: Any, name: str, text: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda _, patched: patched.setattr(module, name, lambda *_, **__: [markup.Html(text)])


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
WAYS = {  # what breaks, the pages that are named for it, and the words of the error
    "the folder is a file": (
        in_the_way("pages", is_file=True),
        {"assets", "marts", "runs/", "index.html"},
        "Not a directory",
    ),
    "the lock is a folder": (in_the_way("pages.lock"), {"every page"}, "cannot be written: Is a directory"),
    "a page is a folder": (in_the_way("pages/funnel.html"), {"funnel.html"}, "IsADirectoryError"),
    "the marts are a file": (in_the_way("pages/marts", is_file=True), {"marts"}, "FileExistsError"),
    "runs are a file": (in_the_way("pages/runs", is_file=True), {"runs", "runs/"}, "NotADirectoryError"),
    "a chart divides by nothing": (raising(charts, "share_bar", ZeroDivisionError("by 0")), {"corpus.html"}, "by 0"),
    "a chart is given odd data": (raising(dashboard, "spend", ValueError("odd")), {"spend.html"}, "ValueError"),
    "a page of a run breaks": (raising(run_page, "body", KeyError("gone")), {"runs/"}, "KeyError"),
    "half a character": (saying(dashboard, "quality", "half \ud800"), {"quality.html"}, "UnicodeEncodeError"),
    "the disk is full": (raising(pages, "_write_text", NO_SPACE), {"index.html", "dataset.html"}, "No space left"),
    "a query breaks": (raising(marts, "read", BrokenError("it is damaged")), {"every page"}, "it is damaged"),
}


def ended(run: Callable[[], object]) -> int:
    """Return the exit code that the command line has for how this ends."""
    try:
        with terminal.told():
            run()
    except SystemExit as left:
        return int(str(left.code))
    return 0


def begin(store: Path, error: Exception | None = None) -> None:
    """Run as flows do, and end so."""
    with jobs.begin("quality", settings_.load("smoke", SMALL), str(store)):
        if error is not None:
            raise error


def latest(store: Path) -> tuple[str, str | None, dict[str, str]]:
    """Return how the latest run ended, its error, and the pages that it could not write."""
    with Store.read(store) as opened:
        run = opened.query("runs/latest").to_dicts()[0]
        return run["status"], run["error"], dict(opened.query("failures/pages", run_id=run["run_id"]).rows())


def named(wanted: set[str], pages_: Collection[str]) -> bool:
    """Whether each is named; of the page of a run only the folder is known."""
    return all(any(page == one or (one == "runs/" and page.startswith(one)) for page in pages_) for one in wanted)


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_is_done_is_done_whatever_becomes_of_its_pages(
    way: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    block, wanted, words = WAYS[way]
    block(store, monkeypatch)

    code = ended(lambda: begin(store))
    said = capsys.readouterr().err
    status, error, unwritten = latest(store)

    assert (code, status, error) == (0, "done", None)
    assert named(wanted, unwritten)
    assert any(words in one for one in unwritten.values())
    assert all(f"the page {page} could not be written: " in said for page in unwritten)
    assert f"`wellspring dashboard --store {store}`" in said


@pytest.mark.parametrize("way", ["the folder is a file", "a chart divides by nothing"])
@pytest.mark.parametrize(
    ("error", "code", "status"),
    [(BrokenError("an audit"), 1, "failed"), (TransientError("the budget"), 3, "parked")],
)
def test_what_ended_a_run_is_said_and_not_what_became_of_its_pages(
    way: str,
    error: Exception,
    code: int,
    status: str,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    WAYS[way][0](store, monkeypatch)

    left = ended(lambda: begin(store, error))
    said = capsys.readouterr().err

    assert (left, *latest(store)[:2]) == (code, status, str(error))
    assert f"{type(error).__name__}: {error}" in said
    assert said.index("warning: the page") < said.index(type(error).__name__ + ": ")


@pytest.mark.usefixtures("unaudited")
@pytest.mark.parametrize(
    ("chosen", "code", "status", "words"),
    [
        ((), 0, "done", ""),
        (('instructions.recipes=["knn_instruct"]',), 1, "failed", "the pool holds 2 seeds"),
        (("limit=4", "budget.max_calls=1"), 3, "parked", "budget.max_calls = 1 is reached"),
    ],
)
def test_a_build_whose_pages_lie_behind_a_file_ends_as_it_would(
    chosen: Sequence[str],
    code: int,
    status: str,
    words: str,
    store: Path,
    inputs: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_the_way("pages", is_file=True)(store, pytest.MonkeyPatch())

    left = ended(lambda: dataset.fn("smoke", str(store), [*inputs, *chosen]))
    said = capsys.readouterr().err

    assert (left, latest(store)[0]) == (code, status)
    assert words in (latest(store)[1] or "")
    assert words in said
    assert "warning: the page" in said


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
@pytest.mark.parametrize("job", [dataset, retry], ids=lambda job: job.name)
def test_too_few_seeds_are_told_before_anything_is_paid_for(
    job: Any, store_dir: Path, inputs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    left = ended(lambda: job.fn("smoke", str(store_dir), [*inputs, 'instructions.recipes=["knn_instruct"]']))

    assert left == 1
    assert "the pool holds 2 seeds" in capsys.readouterr().err
    with Store.read(store_dir) as opened:
        assert opened.count("completions/by_role", role="generator") == 0


@pytest.mark.parametrize(("error", "outcome"), [(None, ("done", "COMPLETE")), (BrokenError("x"), ("failed", "FAIL"))])
def test_the_outcome_is_written_before_the_first_page(
    error: Exception | None, outcome: tuple[str, str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[tuple[str, str]]()

    def look(opened: Store) -> None:
        run = opened.query("runs/latest").to_dicts()[0]
        events = (opened.events / f"{run['run_id']}.jsonl").read_text(encoding="ascii").splitlines()
        found.append((run["status"], json.loads(events[-1])["eventType"]))

    monkeypatch.setattr(pages, "_assets", look)

    ended(lambda: begin(store, error))

    assert found == [outcome]


def test_a_page_that_fails_leaves_the_other_pages_as_they_would_be(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole" / store.name  # pages say what their store is called
    shutil.copytree(store, whole)
    for folder in (store, whole):
        shutil.rmtree(folder / "pages")
    assert ended(lambda: draw(whole)) == 0
    raising(dashboard, "spend", ValueError("odd"))(store, monkeypatch)

    ended(lambda: draw(store))

    assert files_of(whole) - files_of(store) == {"spend.html"}
    assert files_of(store) <= files_of(whole)
    assert (store / "pages" / "index.html").read_bytes() == (whole / "pages" / "index.html").read_bytes()


def files_of(store: Path) -> set[str]:
    return {str(path.relative_to(store / "pages")) for path in (store / "pages").rglob("*") if path.is_file()}


def draw(store: Path) -> None:
    looking.dashboard(store=store)


def test_a_dashboard_that_is_asked_for_fails_and_names_what_it_could_not_draw(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(store / "pages")
    raising(dashboard, "spend", ValueError("odd"))(store, monkeypatch)
    in_the_way("pages/corpus.html")(store, monkeypatch)

    code = ended(lambda: draw(store))
    said = capsys.readouterr().err

    assert code == 1
    assert "2 pages could not be written, all others are" in said
    assert "spend.html (ValueError at tests/site/test_ending.py:" in said
    assert "corpus.html (IsADirectoryError" in said
    assert {"index.html", "compare.html", "rows/index.html"} <= files_of(store)


def test_the_next_run_draws_what_the_last_one_could_not(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(store / "pages")
    with pytest.MonkeyPatch.context() as patched:
        raising(dashboard, "spend", ValueError("odd"))(store, patched)
        begin(store)
    assert latest(store)[2].keys() == {"spend.html"}
    assert not (store / "pages" / "spend.html").exists()
    capsys.readouterr()

    begin(store)

    assert latest(store)[2] == {}
    assert "warning" not in capsys.readouterr().err
    assert (store / "pages" / "spend.html").is_file()


def test_marks_that_were_damaged_have_pages_drawn_again(store: Path) -> None:
    for mark in ("runs/values", "rows/digest"):
        (store / "pages" / mark).write_bytes(b"\xff\x00")

    begin(store)

    assert latest(store)[2] == {}
    assert (store / "pages" / "runs" / "values").read_bytes() == b"hidden"


@pytest.mark.usefixtures("unaudited")
def test_a_portrait_that_could_not_be_kept_is_drawn_by_the_next_build(
    store: Path, inputs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    in_the_way("pages", is_file=True)(store, pytest.MonkeyPatch())
    chosen = [*inputs, 'exports.also=["alpaca"]']
    assert ended(lambda: dataset.fn("smoke", str(store), chosen, "curation")) == 0
    assert "the portrait of the dataset could not be kept" in capsys.readouterr().err
    (store / "pages").unlink()

    dataset.fn("smoke", str(store), chosen, "curation")

    assert "Measures" in (store / "pages" / "dataset.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_drawn_anew_does_not_go_on_quoting_rows(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "pages" / "runs" / "values").write_text("shown", encoding="ascii")  # as if the last profile showed them
    raising(dashboard, "quality", ValueError("odd"))(store, monkeypatch)

    begin(store)

    assert not (store / "pages" / "quality.html").exists()
    assert (store / "pages" / "funnel.html").is_file()


def test_pages_that_fail_are_no_broken_shards_and_do_not_flood(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(store) as opened:
        before = stage_status.stages(opened)
        row = opened.query("runs/latest").to_dicts()[0]
        rows = [records.RunRow(**(row | {"run_id": f"{n:020}", "flow": "corpus"})) for n in range(30)]
        opened.append("runs", rows)
    raising(run_page, "body", KeyError("gone"))(store, monkeypatch)
    shutil.rmtree(store / "pages" / "runs")

    begin(store)
    said = capsys.readouterr().err

    assert said.count("warning: the page") == ending.MOST_SAID + 1
    assert " more) could not be written" in said
    with Store.read(store) as opened:
        health = opened.query("marts/health").to_dicts()[0]
        assert (health["broken_shards"], health["queued"]) == (0, 0)
        assert opened.query("failures/due").is_empty()
        assert stage_status.stages(opened)["shards_failed"].to_list() == before["shards_failed"].to_list()
        assert len(summaries.of_run(opened)["unwritten"]) == ending.MOST_SAID + 1


@pytest.mark.parametrize("way", ["the folder is a file", "a chart divides by nothing"])
def test_what_is_forgotten_is_forgotten_whatever_becomes_of_the_pages(
    way: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    WAYS[way][0](store, monkeypatch)
    url = f"https://{next(iter(page_store.PAGES))}-0.example/"

    code = ended(lambda: upkeep.forget(store=store, url=url, as_json=True))
    said = capsys.readouterr()

    assert code == 0
    assert json.loads(said.out)["descendants_left"] == 0
    assert "could not be written" in said.err


def test_an_estimate_draws_no_pages(inputs: list[str], store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[Store]()
    monkeypatch.setattr(ending, "drawn", lambda opened: drawn.append(opened) or [])

    chosen = settings_.load("smoke", inputs)
    found = estimating.estimate(
        chosen, store, lambda run: dataset.fn("smoke", str(run.store.path), inputs, "synthesis")
    )

    assert found["calls"] == 0
    assert drawn == []
