"""An item is what its bytes are, whatever it is declared as: a page, text, a document of pages, or one true refusal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import made_files
from tests.made_files import PROSE, RSS
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.corpora.corpus_files import CorpusRow
from wellspring.tasks.io.corpora.warc import Record
from wellspring.tasks.spine.reading import page_text

METHOD = {"extractor": "wellspring", "limit_bytes": 2**22, "respect_opt_outs": True}
PAGE = f"<html><head><title>Tides</title></head><body><p>{PROSE}</p></body></html>"
JSON = '{"items": [{"title": "<b>x</b>"}]}'
SCRIPT = '/*! v1 */\n(function(w, d) { "use strict"; w.go = function () { return 1; }; })(window, document);'
STYLE = "/* main */\n.head, #top > a:hover { color: red; }\nbody { margin: 0 }"
SITEMAP = '<?xml version="1.0"?><urlset><url><loc>https://a.example/</loc></url></urlset>'


def draft(body: bytes | str, declared: str, kind: str = "response", **headers: str) -> Mapping[str, Any]:
    block = body if isinstance(body, bytes) else body.encode()
    if kind == "response":
        block = f"HTTP/1.1 200 OK\r\nContent-Type: {declared}\r\n\r\n".encode() + block
    told = {"content-type": declared, **{name.replace("_", "-"): said for name, said in headers.items()}}
    record = Record(0, len(block), kind, "https://sea.example/tides", "2024-01-02T03:04:05Z", told, block)
    return page_text.draft_of(record, {"uri": "a.warc.gz", "kind": "warc"}, METHOD)


def refusal(body: bytes | str, declared: str, **headers: str) -> tuple[str, str]:
    with pytest.raises(Rejection) as refused:
        draft(body, declared, **headers)
    return refused.value.reason, refused.value.detail


@pytest.mark.parametrize(
    ("body", "declared", "said"),
    [
        (b"\x89PNG\r\n\x1a\n....", "text/html", "a PNG picture"),
        (b"PK\x03\x04....", "text/html; charset=utf-8", "a ZIP package"),
        (b"\x00\x01\x02\x03" * 90, "text/plain", "no text"),
        (JSON, "text/html", "JSON"),
        (SCRIPT, "text/html", "a script"),
        ("var a = 1;\nvar b = 2;", "", "a script"),
        (STYLE, "text/html", "a style sheet"),
        ("<?xml version='1.0'?><svg><path/></svg>", "text/html", "an SVG picture"),
        ("<?xml version='1.0'?><note><to>x</to></note>", "text/html", "XML (<note>)"),
        (JSON, "application/json", "application/json"),
    ],
)
def test_what_is_no_text_is_refused_as_what_it_is(body: bytes | str, declared: str, said: str) -> None:
    reason, detail = refusal(body, declared)

    assert reason == "not_text"
    assert detail == (said if said == declared else f"it is {said}, declared as {declared or 'nothing'}")


@pytest.mark.parametrize(("body", "said"), [(RSS, "a feed"), (SITEMAP, "a sitemap")])
def test_a_list_of_pages_is_no_page(body: str, said: str) -> None:
    assert refusal(body, "text/html") == ("not_a_page", f"it is {said}, declared as text/html")


@pytest.mark.parametrize(
    "declared", ["text/html", "text/plain", "application/octet-stream", "application/xml", "image/png", ""]
)
def test_a_page_is_a_page_under_any_label(declared: str) -> None:
    found = draft(PAGE, declared)

    assert (found["title"], found["text"]) == ("Tides", PROSE)


def test_text_that_quotes_markup_or_code_stays_text() -> None:
    for said in (f"Use <p> for it.\n{PROSE}", f"var a = 1;\n{PROSE}", f"<div> is a box.\n{PROSE}"):
        assert draft(said, "text/plain")["text"] == said


def test_a_page_that_says_how_scripts_begin_is_a_page() -> None:
    assert PROSE in draft(f"<p>function () {{}} begins a function.</p><p>{PROSE}</p>", "text/html")["text"]


def test_a_conversion_that_is_html_is_a_page_and_one_of_text_is_text() -> None:
    assert draft(PAGE, "text/html", "conversion")["title"] == "Tides"
    assert draft(PROSE, "text/plain", "conversion")["text"] == PROSE


def test_what_its_crawler_cut_is_no_whole_page() -> None:
    assert refusal(PAGE, "text/html", warc_truncated="length") == ("truncated", "WARC-Truncated says length")
    assert refusal(PAGE, "text/html", warc_segment_number="1")[0] == "truncated"


def test_a_pdf_in_an_archive_is_a_document_and_a_scanned_one_says_so(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    whole = made_files.pdf(tmp_path / "a.pdf", [PROSE, None, "The end."]).read_bytes()
    found = draft(whole, "text/html")

    assert " ".join(found["text"].split()) == f"{PROSE} The end."
    assert found["title"] == "Knots and Tides"
    assert refusal(made_files.pdf(tmp_path / "b.pdf", [None]).read_bytes(), "application/pdf")[0] == "scanned"


def test_a_row_whose_text_is_a_page_is_read_as_one_and_its_own_fields_win() -> None:
    row = CorpusRow(0, 1, "https://sea.example/", PAGE.encode(), "text/plain", {"author": "Ann", "title": None})
    found = page_text.draft_of(row, {"uri": "a.jsonl", "kind": "jsonl"}, METHOD)

    assert (found["title"], found["author"], found["text"]) == ("Tides", "Ann", PROSE)


def test_plain_text_in_an_old_encoding_is_read() -> None:
    said = "Le propriétaire, très âgé, nous a raconté qu'un poète célèbre y avait vécu l'été dernier."
    row = CorpusRow(0, 1, "file:///a.txt", said.encode("cp1252"), "text/plain", {})

    assert page_text.draft_of(row, {"uri": "a.txt", "kind": "text"}, METHOD)["text"] == said
