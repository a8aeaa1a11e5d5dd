"""What is published, by noun, method and run: a store goes on from wherever it was left, and exports the right rows."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests import nights
from tests.exported import digests
from wellspring.flows.dataset import dataset
from wellspring.tasks import exports
from wellspring.tasks.contracts.errors import BrokenError, WellspringError
from wellspring.tasks.io import datasets
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import runs, validation

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("pageless")]

NAME = "wellspring-sample"
SMALL = ("runner=thread", "threads=1", "limit=4", "embeddings.dimensions=64", "pages.show_values=false")
NOUNS = (  # in the order of their first audits
    *("sources", "documents", "passages", "embeddings", "seeds", "groundings", "instructions", "responses"),
    *("verdicts", "scores", "selections", "exports"),
)
Build = Callable[..., None]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A corpus and seeds, as settings name them."""
    return nights.inputs(tmp_path_factory.mktemp("inputs"), 1)


@pytest.fixture
def build(inputs: list[str], store_dir: Path) -> Build:
    """Run a build, or a part, on the test's store."""

    def run(*chosen: str, only: str | None = None) -> None:
        dataset.fn("smoke", str(store_dir), [*inputs, *SMALL, *chosen], only)

    return run


@pytest.fixture(scope="module")
def uncut(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that one build made, and nothing disturbed."""
    store = tmp_path_factory.mktemp("uncut") / "ws"
    dataset.fn("smoke", str(store), [*inputs, *SMALL])
    return store


@pytest.fixture
def built(uncut: Path, store_dir: Path) -> None:
    """The test's store is one that was built, as if by its own first build."""
    shutil.copytree(uncut, store_dir)


def exported(store: Path) -> dict[str, str]:
    """The files of the export, each with its digest."""
    return digests(store / "exports" / NAME)


def forms(store: Path) -> set[str]:
    return {path.name for path in (store / "exports" / NAME).iterdir() if path.is_dir()}


def state(store: Path) -> list[tuple[Any, ...]]:
    """The tables that later stages see, by their rows' ids."""
    with duckdb.connect(str(store / "wellspring.duckdb"), read_only=True) as connection:
        return connection.execute(
            "SELECT 'export', path, row_id, line FROM valid_exports"
            " UNION ALL SELECT 'selection', policy, instruction_id, rank FROM valid_selections ORDER BY ALL"
        ).fetchall()


@pytest.mark.usefixtures("built", "unaudited")
def test_the_commands_of_readme_in_its_order_leave_a_store_that_goes_on(build: Build, store_dir: Path) -> None:
    first = exported(store_dir)
    build('exports.also=["sharegpt"]', only="curation")
    build()
    build("selections.min_score=6", "selections.controls=1")
    build()
    last = exported(store_dir)

    assert forms(store_dir) == {"messages", "sharegpt"}
    assert {path: digest for path, digest in last.items() if path.startswith("messages/")} == {
        path: digest for path, digest in first.items() if path.startswith("messages/")
    }


@pytest.mark.usefixtures("built", "unaudited")
def test_settings_there_and_back_export_what_they_exported(build: Build, store_dir: Path) -> None:
    first, rows = exported(store_dir), state(store_dir)
    for chosen in (("exports.license=mit", "selections.controls=1"), ("scores.judges=[]", "verdicts.required=[]")):
        build(*chosen)
        build()

        assert (exported(store_dir), state(store_dir)) == (first, rows), chosen


@pytest.mark.usefixtures("built", "unaudited")
def test_a_form_is_added_kept_and_dropped_when_only_others_are_wanted(build: Build, store_dir: Path) -> None:
    build('exports.also=["alpaca"]', only="curation")
    build('exports.also=["sharegpt"]', only="curation")
    both = forms(store_dir)
    build('exports.formats=["raw"]', "exports.added=drop", only="curation")
    alone = forms(store_dir)
    build()

    assert both == {"messages", "alpaca", "sharegpt"}
    assert alone == {"raw"}
    assert forms(store_dir) == {"messages"}


@pytest.mark.usefixtures("built", "unaudited")
def test_a_form_that_was_added_outlives_the_database(build: Build, store_dir: Path) -> None:
    build('exports.also=["sharegpt"]', only="curation")
    first = exported(store_dir)
    (store_dir / "wellspring.duckdb").unlink()
    build()

    assert (forms(store_dir), exported(store_dir)) == ({"messages", "sharegpt"}, first)


@pytest.mark.usefixtures("built", "unaudited")
@pytest.mark.parametrize("lost", ["exports", f"exports/{NAME}/messages", f"exports/{NAME}/manifest.json"])
def test_lost_files_are_written_again(build: Build, store_dir: Path, lost: str) -> None:
    first = exported(store_dir)
    path = store_dir / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    build()

    assert exported(store_dir) == first


def test_a_run_that_died_between_writing_and_its_audit_is_finished_by_the_next(
    build: Build, store_dir: Path, uncut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit, audited = validation.audit, list[str]()

    def dies(run: runs.Run, of: str, **options: Any) -> None:
        if of == noun:
            raise KeyboardInterrupt
        audit(run, of, **options)
        audited.append(of)

    for noun, before in zip(NOUNS, (None, *NOUNS[:-1]), strict=True):
        audited.clear()
        with monkeypatch.context() as patched:
            patched.setattr(validation, "audit", dies)
            with pytest.raises(KeyboardInterrupt):
                build()
        assert (unpublished(store_dir, noun) > 0, before in {None, *audited}) == (True, True), noun
        assert before is None or not unpublished(store_dir, before), before
    assert not (store_dir / "exports" / NAME).exists()
    build()

    assert exported(store_dir) == exported(uncut)
    assert state(store_dir) == state(uncut)


def unpublished(store: Path, noun: str) -> int:
    with Store.read(store) as opened:
        return opened.count(f"{noun}/unpublished")


def test_a_run_that_broke_its_audit_stops_no_later_one_under_other_settings(
    build: Build, store_dir: Path, uncut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wellspring.tasks.io import suites

    check = suites.check

    def broken(of: str, *arguments: Any) -> list[Any]:
        found = check(of, *arguments)
        return [found[0].__class__(*_failed(found[0]))] if of == noun else found

    for turn, noun in enumerate(NOUNS):
        with monkeypatch.context() as patched:
            patched.setattr(suites, "check", broken)
            with pytest.raises(BrokenError, match=f"^`{noun}` breaks 1"):
                build(f"exports.license={('mit', 'apache-2.0')[turn % 2]}")
        assert not (store_dir / "exports" / NAME).exists()
    build()

    assert exported(store_dir) == exported(uncut)
    assert state(store_dir) == state(uncut)


def _failed(result: Any) -> tuple[Any, ...]:
    values = {name: getattr(result, name) for name in result.__slots__}
    return tuple((values | {"success": False, "severity": "fail"}).values())


@pytest.mark.usefixtures("built")
def test_files_are_put_in_place_only_after_the_gate(
    build: Build, store_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = exported(store_dir)
    with monkeypatch.context() as patched:
        patched.setattr(validation, "_broken", lambda *_, **__: BrokenError("no"))
        patched.setattr(exports, "VERSION", 99)
        audit = validation.audit

        def refused(run: runs.Run, of: str, **options: Any) -> None:
            audit(run, of, **options)
            if of == "exports":
                raise BrokenError("an expectation does not hold")

        patched.setattr(validation, "audit", refused)
        with pytest.raises(WellspringError):
            build()
        waiting = datasets.staged(store_dir / "exports" / NAME).is_dir()
    assert exported(store_dir) == first
    assert waiting
    build()

    assert exported(store_dir) == first
    assert not datasets.staged(store_dir / "exports" / NAME).exists()


@pytest.mark.usefixtures("built")
def test_publications_name_the_method_and_an_idle_build_changes_none(build: Build, store_dir: Path) -> None:
    with Store.read(store_dir) as store:
        before = store.query("publications/all").rows()
    build()
    with Store.read(store_dir) as store:
        after = store.query("publications/all").rows()

    assert after == before
    assert all(
        fingerprint for noun, fingerprint, _ in before if noun not in {"sources", "completions", "settled", "steps"}
    )
