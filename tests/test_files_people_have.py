"""A folder of what people have becomes documents, each traced to its bytes; what is nothing we know is one refusal."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests import made_files
from tests.made_files import PROSE
from wellspring.tasks import documents, seeds, sources
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.operations import diagnosis
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of files of many formats; each text is one of its own."""
    room = tmp_path / "have"
    room.mkdir()
    (room / "a.csv").write_text(f'id,text\n1,"{PROSE} A row of a table, and no other."\n')
    (room / "b.md").write_text(f"# Notes\n\n{PROSE} A note in Markdown, and no other.\n")
    (room / "c.txt").write_bytes(
        f"{PROSE} Une clé très âgée près de la forêt, où dort un poète célèbre.".encode("cp1252")
    )
    made_files.mbox(room / "d.mbox", f"{PROSE} A message, and no other.")
    made_files.posts(room / "Posts.xml", f"{PROSE} A question, and no other.")
    made_files.zipped(room / "e.zip", {"page.html": f"<html><p>{PROSE} A page in a package, and no other.</p></html>"})
    (room / "f.bin").write_bytes(b"\x00\x01\x02" * 50)
    (room / "g.html").write_bytes(b"")
    return room


@pytest.mark.slow
def test_a_folder_of_what_people_have_is_read_and_traced(folder: Path, settings: Make, start: Start) -> None:
    named = {"corpora": [{"path": str(folder)}]}
    with start(settings("runner=thread", "documents.near_duplicates=false", sources=named)) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        again = documents.extract(run).counts
        rows = {Path(row["url"].partition("#")[0]).name: row for row in run.store.query("documents/all").to_dicts()}
        refused = [row["reason"] for row in run.store.query("rejections/all").to_dicts()]
        bytes_of = {name: lineage.record_bytes(run.store, row["document_id"]) for name, row in rows.items()}

    assert set(rows) == {"a.csv", "b.md", "c.txt", "d.mbox", "Posts.xml", "e.zip"}
    assert (counts.rows_in, again.rows_in) == (10, 0)
    assert sorted(refused) == ["not_a_page", "unknown_format", "unknown_format"]
    assert "où dort un poète" in rows["c.txt"]["text"]
    assert bytes_of["a.csv"].startswith(b'1,"The tide')
    assert bytes_of["d.mbox"].startswith(b"From a@b.example")
    assert bytes_of["Posts.xml"].startswith(b"<row Id=")
    assert b"A page in a package" in bytes_of["e.zip"]


@pytest.mark.slow
def test_seeds_of_any_columns_are_rows_and_doctor_says_which_are_which(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    asked = ["How do I tie a boat to a quay in a tide?", "What does a cook need before it is light?"]
    (tmp_path / "a.csv").write_text("Nr,Question,Answer\n" + "".join(f"{n},{one},So.\n" for n, one in enumerate(asked)))
    (tmp_path / "b.json").write_text(json.dumps([{"Frage": "Wann dreht sich die Flut an der Küste?"}], indent=1))
    (tmp_path / "c.txt").write_text("Why does the wind turn at noon?\n")
    paths = [str(tmp_path / name) for name in ("a.csv", "c.txt")]
    with start(settings(seeds={"paths": paths})) as run:
        seeds.ingest(run)
        texts = {text for (text,) in run.store._connection.execute("SELECT text FROM seeds").fetchall()}

    (found,) = [one for one in diagnosis.examine(run.settings, tmp_path / "ws") if one.what == "seeds"]
    assert texts == {*asked, "Why does the wind turn at noon?"}
    assert "a.csv: prompt is `Question`, response is `Answer`; c.txt: as it is" in found.found
    named = settings(seeds={"paths": [str(tmp_path / "b.json")], "columns": {"prompt": "Frage"}})
    (found,) = [one for one in diagnosis.examine(named, tmp_path / "ws") if one.what == "seeds"]
    assert (found.is_fine, found.found) == (True, "b.json: prompt is `Frage`")
