"""Pages in any character encoding become text, whatever their server and their markup say."""

import gzip
import html
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts.charsets import codec_of, decode
from wellspring.tasks.io.corpora import messages, warc

LIMIT_BYTES = 2**24
WRITTEN = json.loads((Path(__file__).parents[1] / "data" / "languages.json").read_text(encoding="utf-8"))
OLD = (  # encodings that pages in these languages came in before UTF-8
    *(("cs", "cp1250"), ("cs", "iso8859-2"), ("pl", "cp1250"), ("pl", "iso8859-2"), ("hu", "cp1250")),
    *(("hu", "iso8859-2"), ("ro", "iso8859-2"), ("ru", "cp1251"), ("ru", "koi8-r"), ("ru", "iso8859-5")),
    *(("ru", "cp866"), ("ru", "mac-cyrillic"), ("uk", "cp1251"), ("uk", "koi8-u"), ("bg", "cp1251"), ("sr", "cp1251")),
    *(("el", "cp1253"), ("el", "iso8859-7"), ("tr", "cp1254"), ("he", "cp1255"), ("ar", "cp1256"), ("th", "cp874")),
    *(("ja", "cp932"), ("ja", "euc_jp"), ("ja", "iso2022_jp"), ("ko", "cp949"), ("zh", "gb18030")),
    *(("zh-tw", "big5"), ("de", "cp1252"), ("fr", "cp1252"), ("es", "cp1252"), ("da", "cp1252"), ("pt", "mac-roman")),
    *(("lt", "cp1257"), ("lv", "cp1257"), ("et", "iso8859-15"), ("ja", "utf-16-le")),
)
PAGE = "<html><head>{meta}<title>A page</title></head><body><div class='main'><p>{text}</p></div></body></html>"
GERMAN = "<html><head>{meta}</head><body><p>Äpfel, Öl und Übermut für größere Straßen: die Länge.</p></body></html>"


@given(st.binary(max_size=2000), st.text(max_size=60))
def test_any_bytes_become_text_that_can_be_encoded(body: bytes, content_type: str) -> None:
    text, codec = decode(body, content_type)

    assert codec_of(codec)
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("true", "meta", "http"),
    [
        ("cp1252", "", ""),
        ("cp1252", "iso-8859-1", "text/html; charset=utf-8"),
        ("utf-8", "iso-8859-1", "text/html; charset=iso-8859-1"),
        ("utf-16-le", "", "text/html"),
        ("utf-16-be", "utf-16", "text/html; charset=iso-8859-1"),
        ("utf-8-sig", "windows-1251", ""),
        ("utf-16", "", ""),
        ("mac-roman", "macintosh", ""),
        ("utf-8", "no-such-charset", "text/html; charset=what?"),
    ],
)
def test_what_is_declared_is_believed_only_where_the_bytes_agree(true: str, meta: str, http: str) -> None:
    page = GERMAN.format(meta=f'<meta charset="{meta}">' if meta else "")

    assert decode(page.encode(true), http)[0] == page


@pytest.mark.parametrize("label", ["", "iso-8859-1", "utf-8", "windows-1254", "gb2312"])
def test_most_old_encodings_are_found_without_a_label_and_beside_a_wrong_one(label: str) -> None:
    wrong: list[tuple[str, str, str]] = []
    for language, codec in OLD:
        for meta in ("", label):
            page = PAGE.format(meta=f'<meta charset="{meta}">' if meta else "", text=WRITTEN[language])
            text, found = decode(page.encode(codec), f"text/html; charset={label}" if label else "text/html")
            wrong += [(language, codec, found)] if text != page else []

    assert len({one[:2] for one in wrong}) <= 1, wrong


def test_the_right_label_is_believed_and_bare_text_needs_none() -> None:
    for language, codec in OLD:
        page = PAGE.format(meta=f'<meta charset="{codec}">', text=WRITTEN[language])

        assert decode(page.encode(codec))[0] == page
        assert decode(WRITTEN[language].encode(codec), "text/plain")[0] == WRITTEN[language]


def test_a_few_letters_beyond_ascii_are_windows_1252() -> None:
    for text in ("Grüße", "niño", "“quoted”", "© 2020 The Company", "It costs €50"):
        assert decode(text.encode("cp1252")) == (text, "cp1252")


def test_a_page_in_gbk_with_a_broken_character_is_still_in_gbk() -> None:
    body = b"<meta charset=gb2312>" + "中文网页的正文内容很长".encode("gbk") * 5 + b"\xff<p>"

    assert decode(body)[1] == "gb18030"


@pytest.mark.shared
def test_the_text_of_every_transcoded_page_is_found(shared: Path) -> None:
    cases = json.loads((shared / "adversarial/expected.json").read_text())["charsets.warc.gz"]["cases"]
    golds = {row["id"]: row["body_text"] for row in pq.read_table(shared / "web/fundus_news.parquet").to_pylist()}
    pages = _pages(shared / "adversarial/charsets.warc.gz")

    for case in cases:
        text = html.unescape(pages[case["url"]][0])
        if case["true"]:
            gold = {char for char in json.dumps(golds[case["gold_id"]], ensure_ascii=False) if ord(char) > 127}
            lost = {char for char in gold if char not in text and char.encode(case["true"], "ignore")}
            assert len(lost) <= 0.02 * len(gold), (case["url"], lost)
        assert text.count("\ufffd") <= 5, case["url"]


@pytest.mark.shared
def test_chinese_pages_are_right_in_every_encoding(shared: Path) -> None:
    pages = _pages(shared / "web/zh_gbk.warc.gz")
    with gzip.open(shared / "web/zh_gbk.gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        golds = [json.loads(line) for line in lines]

    for gold in golds:
        han = {char for char in gold["content"] if char > "\u2e80"}
        assert len({char for char in han if char in pages[gold["url"]][0]}) >= 0.98 * len(han), gold["url"]


def _pages(path: Path) -> dict[str, tuple[str, str]]:
    found = {}
    for record in warc.records(str(path), LIMIT_BYTES):
        if isinstance(record, warc.Record) and record.kind == "response":
            page = messages.page(record, LIMIT_BYTES)
            found[record.url] = decode(page.body, page.headers.get("content-type", ""))
    return found
