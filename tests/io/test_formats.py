"""Each format of files: what comes out, under which names, what is refused, and which bytes a trace gives."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc

from tests import made_files
from tests.made_files import ATOM, PROSE, RSS
from wellspring.tasks.io.corpora import conversations, corpus_files
from wellspring.tasks.io.corpora.conversations import Turn
from wellspring.tasks.io.corpora.corpus_files import CorpusRow, Item
from wellspring.tasks.io.corpora.warc import Damage

LIMIT_BYTES = 2**20


def items(path: Path, kind: str, step: int = 0) -> list[Item]:
    """Read a file that is of this kind; in ranges of `step` where one is given."""
    file = corpus_files.look(str(path))
    assert file.kind == kind
    step = step if step and corpus_files.is_cut(kind) else file.extent
    ranges = range(0, file.extent, step)
    return [one for start in ranges for one in corpus_files.read(str(path), kind, start, start + step, LIMIT_BYTES)]


def texts(found: list[Item]) -> list[str]:
    """Return the pages' texts; of what is refused, the reason."""
    return [one.body.decode() if isinstance(one, CorpusRow) else getattr(one, "reason", "") for one in found]


def fields(item: Item) -> dict[str, Any]:
    assert isinstance(item, CorpusRow)
    return dict(item.fields)


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_table_is_a_row_each_traced_to_its_bytes(tmp_path: Path) -> None:
    table = 'id;text;url\n1;"One, ""quoted""\nline";https://a.example\n2;Two;\n3;Three;x;too many\n4;;\n'
    path = written(tmp_path / "a.csv", table)
    found = items(path, "csv_tables")

    assert texts(found) == ['One, "quoted"\nline', "Two", "damaged_row", "no_text"]
    assert found[0].url == "https://a.example"
    assert corpus_files.read_record(str(path), "csv_tables", found[0].offset, found[0].length) == (
        b'1;"One, ""quoted""\nline";https://a.example\n'
    )
    assert (
        corpus_files.read_record(str(path), "csv_tables", found[2].offset, found[2].length) == b"3;Three;x;too many\n"
    )


@pytest.mark.parametrize(("name", "codec"), [("a.csv", "cp1251"), ("a.tsv.gz", "utf-16"), ("a.csv.bz2", "utf-8-sig")])
def test_a_table_in_any_encoding_and_compression_is_read(tmp_path: Path, name: str, codec: str) -> None:
    said = "Вчера вечером мы долго гуляли по набережной и смотрели, как корабли уходят в море"
    body = f"id\ttext\n1\t{said}\n".replace("\t", "," if name.startswith("a.csv") and "," not in said else "\t").encode(
        codec
    )
    pack: Callable[[bytes], bytes] = {"v": bytes, "z": gzip.compress, "2": bz2.compress}[name[-1]]

    assert texts(items(written(tmp_path / name, pack(body)), "csv_tables")) == [said]


def test_a_json_array_costs_what_is_damaged_alone(tmp_path: Path) -> None:
    array = '[\n {"text": "One {[", "n": {"a": [1]}},\n {"text": "Two" oops},\n {"text": "Three"}\n]'
    path = written(tmp_path / "a.json", array)
    found = items(path, "json_array")

    assert texts(found) == ["One {[", "not_json", "Three"]
    assert json.loads(corpus_files.read_record(str(path), "json_array", found[2].offset, found[2].length)) == {
        "text": "Three"
    }


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('{"data": [{"text": "One"}, {"text": "Two"}]}', "json_array", ["One", "Two"]),
        ('{\n "version": 1,\n "data": [\n  {"text": "One"}\n ]\n}', "json_array", ["One"]),
        ('{\n "text": "One",\n "parts": [{"text": "Two"}]\n}', "json_array", ["One"]),
        ('{"text": "One", "parts": [{"a": 1}]}\n{"text": "Two"}\n', "jsonl", ["One", "Two"]),
        ('{"text": "One"}', "jsonl", ["One"]),
        ("[]", "json_array", ["no_text"]),
        ('[{"text": "One"}, {"text": "Tw', "json_array", ["One", "not_json"]),
    ],
)
def test_json_is_lines_or_rows_or_one_record(tmp_path: Path, text: str, kind: str, said: list[str]) -> None:
    assert texts(items(written(tmp_path / "a.json", text), kind)) == said


def test_a_card_of_a_table_over_several_lines_is_no_json_array(tmp_path: Path) -> None:
    path = written(tmp_path / "a.table.json", json.dumps({"name": "a", "rows": [{"text": "One"}]}, indent=1))

    assert corpus_files.kind_of(str(path)) == "table"


def test_rows_that_datasets_saved_are_read_as_pages_and_as_seeds(tmp_path: Path) -> None:
    from datasets import Dataset

    told = {"text": [PROSE, "Two"], "prompt": ["How?", "Why?"]}
    Dataset.from_dict(told).save_to_disk(str(tmp_path / "set"))
    files = corpus_files.expand(str(tmp_path / "set"))

    assert [Path(one).suffix for one in files] == [".arrow"]
    assert texts(items(Path(files[0]), "arrow")) == [PROSE, "Two"]
    asked = [turn for path in conversations.files([str(tmp_path / "set")]) for _, turn in conversations.read(path)]
    assert asked == [Turn("How?", None), Turn("Why?", None)]


def test_an_arrow_file_is_read_and_one_that_is_cut_is_refused(tmp_path: Path) -> None:
    table = pa.table({"text": ["One", "Two"]})
    path = tmp_path / "a.feather"
    with ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)

    assert texts(items(path, "arrow")) == ["One", "Two"]
    assert texts(items(written(tmp_path / "b.feather", path.read_bytes()[:-60]), "arrow")) == ["format_error"]


@pytest.mark.parametrize("step", [0, 97, 1000])
def test_posts_of_stack_exchange_keep_their_licence_and_are_read_in_ranges(tmp_path: Path, step: int) -> None:
    path = made_files.posts(tmp_path / "Posts.xml", PROSE)
    found = items(path, "stack_exchange", step)

    assert texts(found)[2] == "not_a_page"
    assert [one.declared for one in found if isinstance(one, CorpusRow)] == ["text/html"] * 2
    assert fields(found[0])["license"] == "CC BY-SA 4.0"
    assert fields(found[1])["parent"] == "1"
    assert corpus_files.read_record(str(path), "stack_exchange", found[1].offset, found[1].length).startswith(
        b'<row Id="2"'
    )


@pytest.mark.parametrize("step", [0, 61, 700])
@pytest.mark.parametrize("pack", [bytes, bz2.compress, lzma.compress])
def test_pages_of_a_wiki_lose_their_markup(tmp_path: Path, step: int, pack: Callable[[bytes], bytes]) -> None:
    pytest.importorskip("mwparserfromhell")
    links = "{{Infobox|a=1}}[[File:a.png|thumb|A knot]]"
    markup = f"'''Knots''' hold [[boat|boats]].&lt;ref&gt;A book.&lt;/ref&gt; {links}\n== Use ==\nTie it."
    plain = made_files.wiki(tmp_path / "w.xml", markup, PROSE)
    path = written(tmp_path / "w.xml.packed", pack(plain.read_bytes()))
    found = items(path, "mediawiki", step)

    assert texts(found) == [
        "Knot 0\n\nKnots hold boats.\nUse\nTie it.",
        f"Knot 1\n\n{PROSE}",
        "redirect",
        "not_a_page",
    ]
    assert b"<title>Knot 1</title>" in corpus_files.read_record(
        str(path), "mediawiki", found[1].offset, found[1].length
    )


def test_a_cut_dump_keeps_the_pages_before_and_names_the_break(tmp_path: Path) -> None:
    pytest.importorskip("mwparserfromhell")
    whole = made_files.wiki(tmp_path / "w.xml", PROSE, PROSE).read_bytes()
    at = whole.index(b"</text>", whole.index(b"<title>Knot 1"))

    assert texts(items(written(tmp_path / "cut.xml", whole[:at]), "mediawiki")) == [f"Knot 0\n\n{PROSE}", "truncated"]


@pytest.mark.parametrize("text", [RSS, ATOM])
def test_entries_of_a_feed_have_their_own_address(tmp_path: Path, text: str) -> None:
    found = items(written(tmp_path / "a.xml", text), "feed")

    assert texts(found)[0] == f"<p>{PROSE}</p>"
    assert texts(found)[1:] == (["no_text"] if text is RSS else [])
    assert found[0].url == "https://sea.example/tides"
    assert (fields(found[0])["title"], fields(found[0])["author"]) == ("Tides", "Ann")


def test_a_page_that_a_browser_saved_is_read_in_its_charset(tmp_path: Path) -> None:
    found = items(made_files.mhtml(tmp_path / "a.mht", PROSE), "mhtml")

    assert "Überfahrt" in texts(found)[0]
    assert found[0].url == "https://sea.example/tides"


@pytest.mark.parametrize("step", [0, 50, 300])
def test_a_mailbox_is_a_message_each(tmp_path: Path, step: int) -> None:
    path = made_files.mbox(tmp_path / "a.mbox", PROSE, ">From here on it rains.", "Third.")
    found = items(path, "mbox", step)

    assert [text.strip() for text in texts(found)] == [PROSE, "From here on it rains.", "Third."]
    assert (fields(found[1])["title"], fields(found[1])["author"]) == ("Tides 1", "Ann")
    assert b"Subject: Tides 1" in corpus_files.read_record(str(path), "mbox", found[1].offset, found[1].length)


def test_a_notebook_is_its_prose_and_code(tmp_path: Path) -> None:
    found = items(made_files.notebook(tmp_path / "a.ipynb"), "notebook")

    assert texts(found) == [f"# Tides\n\n{PROSE}\n\n```python\nprint(1 + 1)\n```"]
    assert fields(found[0])["title"] == "Tides"


def test_a_pdf_is_a_page_each_and_a_scanned_page_says_so(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    path = made_files.pdf(tmp_path / "a.pdf", [PROSE, None, "", "The last page."])
    found = items(path, "pdf")

    assert " ".join(texts(found)[0].split()) == PROSE
    assert [getattr(one, "reason", "") for one in found] == ["", "scanned", "no_text", ""]
    assert "page 2 of 4 is a picture without text" in getattr(found[1], "detail", "")
    assert found[3].url == f"file://{path}#page=4"
    assert (fields(found[0])["title"], fields(found[0])["author"]) == ("Knots and Tides", "A. Fisher")
    assert corpus_files.read_record(str(path), "pdf", 3, 1) == path.read_bytes()


def test_a_pdf_that_is_locked_or_cut_is_one_refusal(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    whole = made_files.pdf(tmp_path / "a.pdf", [PROSE])
    writer = pypdf.PdfWriter(clone_from=str(whole))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(str(tmp_path / "locked.pdf"))

    assert texts(items(tmp_path / "locked.pdf", "pdf")) == ["encrypted"]
    assert texts(items(written(tmp_path / "cut.pdf", b"%PDF-1.4\n1 0 obj"), "pdf")) == ["format_error"]


def test_a_word_document_keeps_its_headings_and_tables(tmp_path: Path) -> None:
    pytest.importorskip("mammoth")
    found = items(made_files.docx(tmp_path / "a.docx", PROSE), "docx")

    assert "Knots</" in texts(found)[0]
    assert f"<p>{PROSE}</p>" in texts(found)[0]
    assert "<td><p>bowline</p></td>" in texts(found)[0]
    assert (fields(found[0])["title"], fields(found[0])["author"]) == ("Knots", "A. Fisher")


def test_slides_and_chapters_are_numbered_and_named(tmp_path: Path) -> None:
    book = made_files.epub(tmp_path / "a.epub", PROSE, "Two.")
    found = items(book, "epub")
    assert PROSE in texts(found)[0]
    assert texts(found)[2] == "truncated"
    assert found[1].url == f"file://{book}#OEBPS/c1.xhtml"
    assert fields(found[0])["author"] == "A. Fisher"

    pytest.importorskip("pptx")
    deck = made_files.pptx(tmp_path / "a.pptx", "Knots", "", "Tides")
    shown = items(deck, "pptx")
    assert texts(shown) == ["Knots", "no_text", "Tides"]
    assert shown[2].url == f"file://{deck}#slide=3"


def test_a_package_that_unfolds_to_gigabytes_is_one_refusal(tmp_path: Path) -> None:
    path = made_files.zipped(tmp_path / "a.epub", {"mimetype": "application/epub+zip", "big": bytes(2**25)})
    (found,) = items(path, "epub")

    assert isinstance(found, Damage)
    assert "unfold to" in found.detail


def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
    (found,) = items(made_files.pdf(tmp_path / "a.pdf", [PROSE]), "pdf")

    assert isinstance(found, Damage)
    assert (found.reason, "pip install 'wellspring[files]'" in found.detail) == ("needs_package", True)


@pytest.mark.parametrize(
    ("name", "body"), [("a.bin", b"\x00\x01\x02" * 40), ("a.png", b"\x89PNG\r\n<?xml <div>"), ("empty.html", b" \n")]
)
def test_what_is_no_format_is_one_refusal(tmp_path: Path, name: str, body: bytes) -> None:
    found = items(written(tmp_path / name, body), "unknown")

    assert texts(found) == ["unknown_format"]


def test_seeds_are_read_from_tables_with_columns_of_any_name_and_from_lines_of_text(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", "Nr,Question,Best Answer,Answer\n1,How?,no,So.\n2,,x,y\n")
    german = written(tmp_path / "b.csv", "Frage,Antwort\nWie?,So.\n")
    lines = written(tmp_path / "c.txt", "Où est la clé ?\n\nPourquoi ?\n".encode("cp1252"))
    named = {"prompt": "Frage", "response": "Antwort"}

    assert conversations.columns_of(table) == {"prompt": "Question", "response": "Answer"}
    told = [(getattr(turn, "text", ""), getattr(turn, "response", "")) for _, turn in conversations.read(table)]
    assert told == [("How?", "So."), ("", "")]
    (asked,) = [turn for _, turn in conversations.read(german, columns=named)]
    assert (getattr(asked, "text", ""), getattr(asked, "response", "")) == ("Wie?", "So.")
    assert conversations.columns_of(german, columns=named) == named
    assert [getattr(turn, "text", "") for _, turn in conversations.read(lines)] == ["Où est la clé ?", "", "Pourquoi ?"]
    assert conversations.survey(lines) == 3
