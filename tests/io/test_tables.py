"""Tables as pages: rows of any kind of file under what the card says, and what is wrong with a card or a file."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    else:
        between = "\t" if ending == "tsv" else ","
        cells = [between.join(f'"{value}"' for value in row.values()) for row in ROWS]
        path.write_text("\n".join([between.join(ROWS[0]), *cells]))
    about = {"name": "films", "description": "Of films.", "fields": {"label": "1 is good"}, "license": "CC-BY-4.0"}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card = folder / "films.table.json"
    card.write_text(json.dumps(about | {"file": path.name, "sha256": digest} | more))
    return str(card)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
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
    ],
)
def test_a_card_that_is_wrong_is_one_refusal_that_says_why(tmp_path: Path, more: dict[str, str], said: str) -> None:
    [found] = corpus_files.read(table(tmp_path, "csv", **more), "table", 0, 1, 2**20)

    assert isinstance(found, Damage)
    assert found.reason == "table_error"
    assert said in found.detail
