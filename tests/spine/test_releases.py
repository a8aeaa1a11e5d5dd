"""Releases: whole or not at all, the same for the same rows, and never with what was forgotten or excluded."""

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import wellspring
from tests import instruction_store
from tests.exported import digests
from tests.old_stores import OLD, ROOT, unpacked
from tests.test_exports import APART, NAME, again, lines
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io import signatures
from wellspring.tasks.io.storage import links
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import exclusions, forgetting
from wellspring.tasks.spine.releases import decisions, differences, holdings, news, releases
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Run

pytestmark = pytest.mark.slow
SET = [APART, "groundings.min_fit=0", "embeddings.embedder=hashing", "selections.controls=1"]
PAGE = "https://bread.example/page"


def build(store: Path, *overrides: str, is_new: bool = False) -> None:
    chosen = settings_.load(None, [*SET, *overrides], {})
    with runs.start("test", chosen, store, quiet=True, may_mix=True, has_readers=False) as run:
        if is_new:
            instruction_store.fill(run)
            run.store.append("steps", [*_steps(run)])
        again(run)


def _steps(run: Run) -> Iterator[records.Step]:
    """Each instruction at a place of its own: two of one page are told apart by it."""
    for place, row in enumerate(run.store.query("releases/made").iter_rows(named=True)):
        call = instruction_store.call_of(run, row["id"])
        yield records.Step(
            row["input_id"], row["fingerprint"], str(place), "write", "generator", call, instruction_store.WRITER
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was built, and copied by each test."""
    folder = tmp_path_factory.mktemp("made") / "ws"
    build(folder, is_new=True)
    return folder


@pytest.fixture(scope="module")
def changed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store with a release v1, built again since with a threshold that fewer rows pass."""
    folder = Path(shutil.copytree(made, tmp_path_factory.mktemp("changed") / "ws"))
    with Store.open(folder) as store:
        releases.make(store, "v1")
    build(folder, "selections.min_score=6")
    return folder


@pytest.fixture
def ws(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ws", symlinks=True))


@pytest.fixture
def fewer(changed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(changed, tmp_path / "fewer", symlinks=True))


@pytest.fixture
def store(ws: Path) -> Iterator[Store]:
    with Store.open(ws, owner="test") as opened:
        yield opened


def exported(store: Path) -> list[dict[str, Any]]:
    return lines(store / "exports" / NAME / "messages" / "train.jsonl")


def held(store: Path, name: str = "current") -> list[dict[str, Any]]:
    return lines(store / "releases" / name / "messages" / "train.jsonl")


def compared(store: Path, a: str, b: str) -> dict[str, Any]:
    return differences.between(differences.of_release(store, a), differences.of_release(store, b))


def test_a_release_holds_the_export_as_it_is_and_the_link_leads_to_it(store: Store) -> None:
    found = releases.make(store, "v1")
    folder = store.path / "releases" / "v1"
    said = json.loads((folder / "manifest.json").read_text())
    before = {k: v for k, v in digests(store.exports / NAME).items() if k != "manifest.json"}

    assert {k: v for k, v in digests(folder).items() if k in before} == before
    assert held(store.path) == exported(store.path)
    assert (found["is_current"], found["is_whole"], found["rows"]) == (True, True, len(exported(store.path)))
    assert {file["path"]: file["sha256"] for file in said["files"]} | {
        "manifest.json": digests(folder)["manifest.json"]
    } == digests(folder)
    assert said["settings"]["selections"]["controls"] == 1
    assert said["measures"][0]["part"] == "all"
    assert str(store.path) not in (folder / "manifest.json").read_text()
    assert all(not path.stat().st_mode & 0o222 for path in folder.rglob("*") if path.is_file())


def test_the_same_store_released_twice_has_the_same_digest_and_another_export_another(fewer: Path) -> None:
    first = releases.described(fewer, "v1")
    with Store.open(fewer) as store:
        second, third = releases.make(store, "v2"), releases.make(store, "v3")
        once_more = releases.make(store, "v2")
        with pytest.raises(UsageError, match="is there already, and holds something else"):
            releases.make(store, "v1")

    assert first["digest"] != second["digest"] == third["digest"]
    assert once_more["was_there"]
    assert releases.names(fewer) == ["v1", "v2", "v3"]


def test_lineage_goes_from_each_row_to_its_page_and_its_call_and_holds_no_text(store: Store) -> None:
    releases.make(store, "v1")
    folder = store.path / "releases" / "v1"
    rows, edges = holdings.read(folder, "rows"), holdings.read(folder, "edges")
    pages = holdings.read(folder, "pages")
    texts = {row["messages"][-1]["content"] for row in exported(store.path)}

    for row_id, document_id in rows.select("row_id", "document_id").iter_rows():
        assert not document_id or row_id in holdings.below(edges, [document_id])
    assert set(rows["document_id"]) - {""} <= set(pages["document_id"])
    said = "".join(str(pq.read_table(path).to_pylist()) for path in (folder / "lineage").glob("*.parquet"))
    assert not [text for text in texts if text[:60] in said]


def test_a_page_that_an_older_method_read_from_elsewhere_leaves_the_release_as_it_is(store: Store) -> None:
    first = releases.make(store, "v1")
    sources = store.query("sources/all").to_dicts()
    older = {
        row["source_id"]: replace(records.Source(**row), source_id=f"0{n}", license="0")
        for n, row in enumerate(sources)
    }
    documents = [
        replace(records.Document(**row), fingerprint="0", source_id=older[row["source_id"]].source_id, domain="0")
        for row in store.query("documents/all").to_dicts()
    ]
    store.append("sources", [*older.values()])
    store.append("documents", documents)

    assert documents
    assert releases.make(store, "v2")["digest"] == first["digest"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../v1", "a/b", "-v", "v.", "now", "Current", "v1+1", "v" * 65, "v\n1", "vé", "a b", "/v"]
)
def test_a_name_that_is_a_path_or_means_something_else_is_refused(store: Store, name: str) -> None:
    before = digests(store.exports)
    with pytest.raises(UsageError, match="cannot be named"):
        releases.make(store, name)
    with pytest.raises(UsageError, match="there is no release"):
        releases.find(store.path, name)

    assert digests(store.exports) == before
    assert not (store.path / "releases").exists()


def test_a_name_that_differs_in_capitals_only_is_refused(store: Store) -> None:
    releases.make(store, "v1")

    with pytest.raises(UsageError, match="`v1` is there already"):
        releases.make(store, "V1")


def test_files_that_are_not_as_they_were_exported_are_not_released(store: Store) -> None:
    path = store.exports / NAME / "messages" / "train.jsonl"
    path.write_bytes(path.read_bytes().replace(b"assistant", b"assistent", 1))

    with pytest.raises(BrokenError, match="are not as they were exported"):
        releases.make(store, "v1")
    assert not releases.names(store.path)


def test_a_release_that_was_changed_is_listed_as_damaged_and_nobody_goes_back_to_it(store: Store) -> None:
    releases.make(store, "v1")
    path = store.path / "releases" / "v1" / "README.md"
    path.chmod(0o644)
    path.write_text("changed")

    assert [one["is_whole"] for one in releases.listed(store.path)] == [False]
    with pytest.raises(BrokenError, match="is damaged"):
        releases.rollback(store, "v1", "")


def test_a_signed_release_is_whole_can_be_gone_back_to_and_is_issued_again_unsigned(ws: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    signatures.make_keys(tmp_path / "key")

    first = wellspring.release("v1", ws, key=tmp_path / "key")
    wellspring.release("v2", ws)
    back = wellspring.rollback("v1", ws)
    again = wellspring.release("v1", ws, key=tmp_path / "key")
    states = {one["name"]: (one["is_signed"], one["is_whole"]) for one in wellspring.releases(ws)}
    found = wellspring.verify(first["folder"], first["public_key"])
    wellspring.forget(ws, url=PAGE)

    assert states == {"v1": (True, True), "v2": (False, True)}
    assert (found, back["is_current"], again["was_there"]) == ([], True, True)
    assert [(one["name"], one["is_signed"], one["is_whole"]) for one in wellspring.releases(ws)] == [
        ("v1+1", False, True),
        ("v2+1", False, True),
    ]


def test_with_a_key_that_is_none_no_release_is_made(ws: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography")
    (tmp_path / "key").write_text("no key")
    (tmp_path / "key").chmod(0o600)

    with pytest.raises(UsageError, match="no private ed25519 key"):
        wellspring.release("v1", ws, key=tmp_path / "key")
    assert wellspring.releases(ws) == []


@pytest.mark.parametrize(
    "said", [b"{", b"[]", b'{"files": 3}', b'{"files": [{"path": "../../x"}], "digest": []}', b"[" * 99]
)
def test_a_manifest_from_elsewhere_may_say_anything(store: Store, said: bytes) -> None:
    releases.make(store, "v1")
    path = store.path / "releases" / "v1" / "manifest.json"
    path.chmod(0o644)
    path.write_bytes(said)

    assert [(one["name"], one["is_whole"]) for one in releases.listed(store.path)] == [("v1", False)]


@pytest.mark.parametrize("target", ["../exports", "/tmp", "../../elsewhere", ".v1.part"])
def test_the_link_may_lead_to_a_folder_beside_it_and_to_nothing_else(ws: Path, target: str) -> None:
    with Store.open(ws) as store:
        releases.make(store, "v1")
    links.refuse(ws)
    link = ws / "releases" / "current"
    link.unlink()
    link.symlink_to(target)

    with pytest.raises(BrokenError, match="these are links"):
        links.refuse(ws)


def test_going_back_holds_against_new_releases_until_it_is_lifted(fewer: Path) -> None:
    with Store.open(fewer) as store:
        releases.make(store, "v2")
        releases.rollback(store, "v1", "v2 is too small")
        third = releases.make(store, "v3")
        stays = releases.current(fewer)
        lifted = releases.forward(store, "good again")
        fourth = releases.make(store, "v4")

    assert (third["held_at"], third["is_current"], stays) == ("v1", False, "v1")
    assert (lifted["name"], lifted["before"]) == ("v3", "v1")
    assert fourth["is_current"]


def test_rows_that_a_threshold_keeps_out_are_removed_for_it_and_come_back_for_it(fewer: Path) -> None:
    with Store.open(fewer) as store:
        releases.make(store, "v2")
    gone, back = compared(fewer, "v1", "v2"), compared(fewer, "v2", "v1")

    assert gone["rows"]["removed"] == len(held(fewer, "v1")) - len(held(fewer, "v2")) > 0
    assert gone["why"] == {"added": {}, "removed": {"threshold": gone["rows"]["removed"]}, "changed": {}}
    assert back["why"]["added"] == {"no longer: threshold": gone["rows"]["removed"]}
    assert gone["settings"] == [{"setting": "selections.min_score", "a": 5, "b": 6}]
    assert {one["measure"]: (one["a"], one["b"]) for one in gone["measures"]}["rows"] == (
        len(held(fewer, "v1")),
        len(held(fewer, "v2")),
    )


def test_excluded_rows_are_out_of_the_next_export_and_come_back(ws: Path) -> None:
    before = exported(ws)
    with Store.open(ws) as store:
        releases.make(store, "v1")
        exclusions.exclude(store, [before[0]["id"]], reason="wrong | answer")
        with pytest.raises(BrokenError, match="1 exported lines rest on what was excluded"):
            releases.make(store, "v2")
    build(ws)
    without = exported(ws)
    card = (ws / "exports" / NAME / "README.md").read_text()
    with Store.open(ws) as store:
        releases.make(store, "v2")
        exclusions.include(store, [before[0]["id"][:8]])
    build(ws)

    assert {row["id"] for row in without} == {row["id"] for row in before[1:]}
    assert "## Excluded" in card
    assert "wrong \\| answer" in card
    assert exported(ws) == before
    assert compared(ws, "v1", "v2")["why"]["removed"] == {"excluded": 1}
    assert compared(ws, "v1", "v2")["rows"] == {"added": 0, "removed": 1, "changed": 0, "same": len(before) - 1}


def test_with_a_page_all_that_rests_on_it_is_left_out_of_every_form_and_of_the_controls(ws: Path) -> None:
    everything = 'exports.formats=["messages", "raw"]'
    build(ws, everything, "exports.with_controls=true", "selections.min_score=0")
    gone = {row["id"] for row in exported(ws) if row["url"] == PAGE}
    with Store.open(ws) as store:
        page = store.query("lineage/by_url", value=PAGE)["id"].to_list()
        exclusions.exclude(store, page, reason="a page that is wrong")
    build(ws, everything, "exports.with_controls=true", "selections.min_score=0")

    left = {row["id"] for path in (ws / "exports" / NAME).rglob("*.jsonl") for row in lines(path)}
    assert gone
    assert left
    assert not gone & left
    assert PAGE not in {row.get("url") for row in exported(ws)}


def test_what_was_decided_survives_the_loss_of_the_database(ws: Path) -> None:
    with Store.open(ws) as store:
        releases.make(store, "v1")
        releases.make(store, "v2")
        exclusions.exclude(store, [exported(ws)[0]["id"], exported(ws)[1]["id"]], reason="wrong")
        exclusions.include(store, [exported(ws)[1]["id"]])
        releases.rollback(store, "v1", "")
    for path in ws.glob("wellspring.duckdb*"):
        path.unlink()
    with Store.open(ws) as store:
        left = [row["id"] for row in exclusions.excluded(store)]
        stays = decisions.held_at(store)

    assert left == [exported(ws)[0]["id"]]
    assert stays == releases.current(ws) == "v1"


@functools.lru_cache(maxsize=1)
def _forgotten_text() -> str:
    from tests.instruction_store import SUBJECTS

    return SUBJECTS["bread"][:48]


def test_a_forgotten_page_has_the_releases_that_held_it_issued_again_without_it(ws: Path) -> None:
    with Store.open(ws) as store:
        first = releases.make(store, "v1")
        releases.make(store, "v2")
        releases.rollback(store, "v1", "")
        gone = {row["id"] for row in held(ws, "v1") if row["url"] == PAGE}
        receipt = forgetting.forget(store, url=PAGE)
    after = compared(ws, "v1", "v1+1")

    assert gone
    assert releases.names(ws) == ["v1+1", "v2+1"]
    assert not gone & {row["id"] for row in held(ws, "v1+1")}
    assert [row for row in held(ws, "v1+1") if row["url"] == PAGE] == []
    assert _forgotten_text().encode() not in b"".join(p.read_bytes() for p in ws.rglob("*") if p.is_file())
    assert releases.current(ws) == "v1+1"
    assert all(one["is_whole"] for one in releases.listed(ws))
    assert len(receipt.releases_reissued) == 2
    assert (set(after["why"]["removed"]), after["rows"]["added"], after["rows"]["changed"]) == ({"forgotten"}, 0, 0)
    assert after["rows"]["removed"] >= len(gone)
    parquet = pq.read_table(ws / "releases" / "v1+1" / "messages" / "train.parquet").to_pylist()
    assert [row["id"] for row in parquet] == [row["id"] for row in held(ws, "v1+1")]
    assert first["digest"] not in {one["digest"] for one in releases.listed(ws)}


def test_a_release_that_rests_on_nothing_of_it_stays_as_it_is(ws: Path) -> None:
    with Store.open(ws) as store:
        page = store.query("lineage/by_url", value=PAGE)["id"].to_list()
        shown = [row["id"] for row in exported(ws) if row["url"] is None]
        exclusions.exclude(store, [*page, *shown], reason="wrong")
    build(ws)
    with Store.open(ws) as store:
        releases.make(store, "v1")
        before = digests(ws / "releases")
        forgetting.forget(store, url=PAGE)

    assert digests(ws / "releases") == before


def test_a_release_that_is_issued_again_twice_is_known_by_each_name_that_it_had(ws: Path) -> None:
    with Store.open(ws) as store:
        releases.make(store, "v1")
        forgetting.forget(store, url=PAGE)
        left = len(held(ws))
        forgetting.forget(store, url=next(row["url"] for row in held(ws) if row["url"]))
        with pytest.raises(UsageError, match=r"`v1` was issued again as `v1\+2`"):
            releases.make(store, "v1")
    first, second = compared(ws, "v1", "current"), compared(ws, "v1+1", "current")

    assert releases.names(ws) == ["v1+2"]
    assert (first["a"]["name"], second["rows"]["same"]) == ("v1", len(held(ws)))
    assert second["why"]["removed"] == {"forgotten": left - len(held(ws))}
    assert first["rows"]["removed"] > second["rows"]["removed"] > 0
    assert releases.find(ws, "current").name == "v1+2"
    with pytest.raises(UsageError) as refused:
        releases.find(ws, "v1+1")
    assert "issued again without it as v1+2" in refused.value.hint


@pytest.mark.parametrize("how", ["torn", "missing"])
def test_nothing_is_forgotten_while_it_is_not_known_what_a_release_holds(store: Store, how: str) -> None:
    releases.make(store, "v1")
    path = store.path / "releases" / "v1" / "lineage" / "pages.parquet"
    path.chmod(0o644)
    path.write_bytes(b"PAR1 torn") if how == "torn" else path.unlink()

    with pytest.raises(BrokenError, match=r"pages\.parquet cannot be read"):
        forgetting.forget(store, url=PAGE)
    assert store.query("tombstones/all").is_empty()


def test_a_page_that_only_a_release_knows_can_be_forgotten_still(ws: Path) -> None:
    with Store.open(ws) as store:
        releases.make(store, "v1")
    for path in ws.glob("wellspring.duckdb*"):
        path.unlink()
    with Store.open(ws) as store:
        receipt = forgetting.forget(store, url=PAGE)
        with pytest.raises(UsageError, match="no url"):
            forgetting.forget(store, url="https://nobody.example/")

    assert len(receipt.releases_reissued) == 1
    assert [row for row in held(ws, "v1+1") if row["url"] == PAGE] == []


DYING = """
import sys
from pathlib import Path
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import forgetting
from wellspring.tasks.spine.releases import releases
import os, shutil
left = int(sys.argv[2])
def counted(function):
    def dies(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return function(*args, **kwargs)
    return dies
steps = {shutil: ("copyfile", "rmtree", "move"), Path: ("mkdir", "chmod", "replace", "symlink_to", "write_bytes")}
for owner, names in steps.items():
    for name in names:
        setattr(owner, name, counted(getattr(owner, name)))
with Store.open(sys.argv[1]) as store:
    print("open", flush=True)
    left = int(sys.argv[2])
    if sys.argv[3] == "release":
        releases.make(store, "v2")
    else:
        forgetting.forget(store, url=sys.argv[3])
"""


def killed(store: Path, what: str, after: int) -> bool:
    """Run a release or a forgetting in a process that dies after so many steps at the disk; False if it ended."""
    done = subprocess.run([sys.executable, "-c", DYING, str(store), str(after), what], cwd=ROOT, check=False)
    assert done.returncode in {0, 9}
    return done.returncode == 9


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_release_that_is_killed_at_any_step_leaves_the_old_one_or_the_new_whole(fewer: Path, tmp_path: Path) -> None:
    old = releases.described(fewer, "v1")
    after, seen = 0, set[str]()
    while True:
        mine = Path(shutil.copytree(fewer, tmp_path / f"at-{after}", symlinks=True))
        is_killed = killed(mine, "release", after)
        found = {one["name"]: one for one in releases.listed(mine)}
        seen.add(releases.current(mine))
        assert all(one["is_whole"] for one in found.values()), after
        assert found["v1"]["digest"] == old["digest"]
        assert releases.current(mine) in found
        with Store.open(mine) as store:
            assert releases.make(store, "v2")["is_current"]
        assert not [path for path in (mine / "releases").iterdir() if path.name.startswith(".")]
        shutil.rmtree(mine)
        if not is_killed:
            break
        after += 1 if after < 2 else 9

    assert after > 10
    assert seen == {"v1", "v2"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("after", [24, *(pytest.param(n, marks=pytest.mark.long) for n in (0, 9, 28, 30, 31))])
def test_a_forgetting_that_is_killed_among_releases_is_finished_by_the_same_command(ws: Path, after: int) -> None:
    with Store.open(ws) as store:
        releases.make(store, "v1")
    killed(ws, PAGE, after)
    current = releases.current(ws)
    with Store.open(ws) as store:
        forgetting.forget(store, url=PAGE)

    assert current in {"v1", "v1+1"}
    assert releases.names(ws) == ["v1+1"]
    assert releases.current(ws) == "v1+1"
    assert releases.listed(ws)[0]["is_whole"]


@pytest.mark.parametrize("name", OLD)
def test_a_store_of_an_older_version_can_be_released(name: str, tmp_path: Path) -> None:
    old = unpacked(name, tmp_path / "ws")
    with Store.open(old) as store:
        found = releases.make(store, "v1")

    rows = lines(old / "exports" / "wellspring-sample" / "messages" / "train.jsonl")
    assert (found["is_whole"], found["rows"]) == (True, len(rows))
    assert lines(old / "releases" / "current" / "messages" / "train.jsonl") == rows


def test_since_a_release_only_what_is_new_is_written_and_what_went_is_named(fewer: Path) -> None:
    with Store.open(fewer) as store:
        releases.make(store, "v2")
        exclusions.exclude(store, [exported(fewer)[0]["id"]])
    gone, known = exported(fewer)[0]["id"], {row["id"] for row in exported(fewer)}
    build(fewer)
    with Store.open(fewer) as store:
        source, place = store.exports / NAME, fewer.parent / "held"
        place.mkdir()
        holdings.hold(store, source, place)
        now = differences.side(place, NAME, {"name": NAME})
        said = news.write(store, source, differences.of_release(fewer, "v2"), now)
    folder = fewer / "exports" / f"{NAME}.since-v2"
    new = lines(folder / "messages" / "train.jsonl")

    assert {row["id"] for row in new} == {row["id"] for row in exported(fewer)} - known
    assert said["rows"]["added"] == len(new) > 0
    assert pq.read_table(folder / "messages" / "train.parquet")["id"].to_pylist() == [row["id"] for row in new]
    assert lines(folder / "removed.jsonl") == [{"id": gone, "why": "excluded"}]
    with Store.open(fewer) as store:
        forgetting.forget(store, url=PAGE)
    assert not folder.exists()


def test_going_back_forgetting_and_making_the_database_anew_come_to_the_same_releases(fewer: Path) -> None:
    ws = fewer
    with Store.open(ws) as store:
        releases.make(store, "v2")
        releases.rollback(store, "v1", "")
    build(ws)
    with Store.open(ws) as store:
        forgetting.forget(store, url=PAGE)
    before = releases.listed(ws)
    for path in ws.glob("wellspring.duckdb*"):
        path.unlink()
    with Store.open(ws) as store:
        stays = decisions.held_at(store)
        store.query("tombstones/all")

    assert [one["name"] for one in before] == ["v1+1", "v2"]  # it holds no row of that page
    assert releases.listed(ws) == before
    assert stays == releases.current(ws) == "v1+1"
