"""Tables as pages: rows of any kind of file under what the card says, and what is wrong with a card or a file."""

import hashlib
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import ipc

from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.io.corpora.corpus_files import CorpusRow
from wellspring.tasks.io.corpora.warc import Damage

ROWS = [{"review": f"Film {i}, quite long.", "label": i % 2, "note": "" if i else "first"} for i in range(120)]


def table(folder: Path, ending: str, **more: str) -> str:
    """Write the rows as a file of a kind, and its card; return the card's path."""
    path = folder / f"films.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif ending == "jsonl":
        path.write_text("\n".join(json.dumps(row | {"odd": [1]}) for row in ROWS))
    elif ending == "arrow":
        with ipc.new_stream(path, (whole := pa.Table.from_pylist(ROWS)).schema) as out:
            out.write_table(whole)
    elif ending == "duckdb":
        with duckdb.connect(str(path)) as made:
            made.register("given", pa.Table.from_pylist(ROWS))
            made.execute("CREATE TABLE films AS SELECT * FROM given")
    else:
        between = "\t" if ending == "tsv" else ","
        cells = [between.join(f'"{value}"' for value in row.values()) for row in ROWS]
        path.write_text("\n".join([between.join(ROWS[0]), *cells]))
    about = {"name": "films", "description": "Of films.", "fields": {"label": "1 is good"}, "license": "CC-BY-4.0"}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card = folder / "films.table.json"
    card.write_text(json.dumps(about | {"file": path.name, "sha256": digest} | more))
    return str(card)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "arrow"])
def test_each_page_has_what_the_card_says_and_its_rows(tmp_path: Path, ending: str) -> None:
    uri = table(tmp_path, ending)
    file = corpus_files.look(uri)
    found = [one for one in corpus_files.read(uri, file.kind, 0, file.extent, 2**20) if isinstance(one, CorpusRow)]
    said = [json.loads(one.fields["text"]) for one in found]
    wanted = [{name: str(value) for name, value in row.items() if value != ""} for row in ROWS]

    assert (file.kind, file.extent) == ("table", 1)
    assert [one.offset for one in found] == [0, 1, 2]
    assert [row for page in said for row in page["rows"]] == wanted
    assert all(page["examples"] == wanted[:2] for page in said)
    assert said[0]["fields"] == {"review": "", "label": "1 is good", "note": ""}
    assert (said[0]["table"], said[0]["about"], found[0].fields["license"]) == ("films", "Of films.", "CC-BY-4.0")
    assert json.loads(corpus_files.read_record(uri, "table", 2, 1)) == said[2]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sha256": "0" * 64}, "films.csv has the sha256 "),
        ({"name": 7}, "a card of a table has"),
        ({"file": "films.table.json"}, "has the sha256"),
        ({"sql": "DROP TABLE rows"}, "is no SELECT alone"),
        ({"sql": "SELECT 1; SELECT 2"}, "is no SELECT alone"),
        ({"sql": "SELECT nothing FROM rows"}, "`sql` fails: Binder Error"),
        ({"sql": "SELECT * FROM read_csv('films.csv')"}, "`sql` fails: Permission Error"),
        ({"sql": "SELECT * FROM 'films.csv'"}, "`sql` fails: "),
    ],
)
def test_a_card_that_is_wrong_is_one_refusal_that_says_why(tmp_path: Path, more: dict[str, str], said: str) -> None:
    [found] = corpus_files.read(table(tmp_path, "csv", **more), "table", 0, 1, 2**20)

    assert isinstance(found, Damage)
    assert found.reason == "table_error"
    assert said in found.detail


def said(uri: str) -> list[dict[str, str]]:
    """Return the rows on the pages of a table, which is read as a corpus is."""
    found = list(corpus_files.read(uri, "table", 0, 1, 2**20))
    assert all(isinstance(one, CorpusRow) for one in found), found
    return [row for one in found if isinstance(one, CorpusRow) for row in json.loads(one.fields["text"])["rows"]]


@pytest.mark.parametrize(("ending", "name"), [("duckdb", "films"), ("csv", "rows"), ("parquet", "rows")])
def test_a_query_of_the_card_gives_the_rows(tmp_path: Path, ending: str, name: str) -> None:
    sql = f"SELECT label, sum(1) AS films FROM {name} WHERE review <> 'Film 1, quite long.' GROUP BY 1 ORDER BY 1"

    assert said(table(tmp_path, ending, sql=sql)) == [{"label": "0", "films": "60"}, {"label": "1", "films": "59"}]


def test_a_database_without_a_query_and_a_file_that_is_none_are_refused(tmp_path: Path) -> None:
    [unasked] = corpus_files.read(table(tmp_path, "duckdb"), "table", 0, 1, 2**20)
    (tmp_path / "films.duckdb").write_bytes(b"no database")
    digest = hashlib.sha256(b"no database").hexdigest()
    card = {"name": "films", "file": "films.duckdb", "sha256": digest, "sql": "SELECT 1"}
    (tmp_path / "films.table.json").write_text(json.dumps(card))
    [damaged] = corpus_files.read(str(tmp_path / "films.table.json"), "table", 0, 1, 2**20)

    assert isinstance(unasked, Damage)
    assert "says by `sql` which rows are meant" in unasked.detail
    assert isinstance(damaged, Damage)
    assert "`sql` fails" in damaged.detail


def test_a_folder_that_datasets_saved_is_a_table_with_what_it_says_of_itself(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    info = datasets.DatasetInfo(description="Of films.", license="CC0-1.0")
    datasets.Dataset.from_list(ROWS, info=info).save_to_disk(tmp_path / "films", num_shards=2)
    data = sorted((tmp_path / "films").glob("data-*.arrow"))
    digest = hashlib.sha256(b"".join(one.read_bytes() for one in data)).hexdigest()
    card = tmp_path / "films" / "films.table.json"
    card.write_text(json.dumps({"name": "films", "file": "state.json", "sha256": digest}))

    found = list(corpus_files.read(str(card), "table", 0, 1, 2**20))

    assert len(data) == 2
    assert said(str(card)) == [{name: str(value) for name, value in row.items() if value != ""} for row in ROWS]
    assert isinstance(found[0], CorpusRow)
    assert json.loads(found[0].fields["text"])["about"] == "Of films."
    assert found[0].fields["license"] == "CC0-1.0"
    (tmp_path / "films" / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../x.arrow"}]}))
    [refused] = corpus_files.read(str(card), "table", 0, 1, 2**20)
    assert isinstance(refused, Damage)
    assert "names no data files" in refused.detail
