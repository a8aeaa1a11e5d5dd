"""What stands for other files: containers, lists of paths, crawls by name, indexes whose ranges alone are fetched."""

import gzip
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import made_files
from tests.io.test_warc import response
from wellspring.tasks.contracts import orders
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.corpora import containers, corpus_files
from wellspring.tasks.io.corpora.warc import Damage, Record

LIMIT_BYTES = 2**20
CRAWL = "CC-MAIN-2024-10"
NAMES = [f"crawl-data/{CRAWL}/segments/1/{n}.warc.gz" for n in range(3)]


def members(number: int = 0) -> list[bytes]:
    pages = [f"<p>{made_files.PROSE} {number}.{n}</p>".encode() for n in range(4)]
    return [gzip.compress(response(f"https://s{number}.example/{n}", one), mtime=0) for n, one in enumerate(pages)]


def urls(uri: str) -> list[str]:
    file = corpus_files.look(uri)
    return [one.url for one in corpus_files.read(uri, file.kind, 0, file.extent, LIMIT_BYTES)]


def test_a_zip_and_a_tar_are_the_files_in_them(tmp_path: Path) -> None:
    parts = {"a/page.html": "<html><p>One</p></html>", "b.jsonl": '{"text": "Two"}', "a/logo.png": b"\x89PNG"}
    made_files.zipped(tmp_path / "all.zip", parts)
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as tar:
        for name, body in parts.items():
            about, data = tarfile.TarInfo(name), body if isinstance(body, bytes) else body.encode()
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))

    for name in ("all.zip", "all.tar.gz"):
        files, aside = corpus_files.listed(str(tmp_path / name))
        kinds = [corpus_files.look(uri).kind for uri in files]

        assert kinds == ["html", "jsonl"]
        assert len(aside) == 1
        assert corpus_files.read_record(files[1], "jsonl", 0, 15) == b'{"text": "Two"}'
        assert corpus_files.expand(files[0]) == [files[0]]
        assert orders.is_known_place(files[0])
        (page,) = corpus_files.read(files[0], "html", 0, 1, LIMIT_BYTES)
        assert page.url == f"file://{tmp_path}/{name}#a/page.html"


def test_a_wacz_is_its_archives(tmp_path: Path) -> None:
    path = made_files.zipped(
        tmp_path / "a.wacz",
        {
            "archive/data.warc.gz": b"".join(members()),
            "indexes/index.cdx": "x",
            "pages/pages.jsonl": '{"url": "x"}',
            "datapackage.json": "{}",
        },
    )
    (uri,) = corpus_files.expand(str(path))
    found = [one for one in corpus_files.read(uri, "warc", 0, 10**6, LIMIT_BYTES) if isinstance(one, Record)]

    assert urls(uri) == [f"https://s0.example/{n}" for n in range(4)]
    assert b"https://s0.example/2" in corpus_files.read_record(uri, "warc", found[2].offset, found[2].length)


def test_what_is_no_container_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 cut")

    with pytest.raises(BrokenError, match=r"a\.zip cannot be opened"):
        corpus_files.expand(str(tmp_path / "a.zip"))


class _Server(BaseHTTPRequestHandler):
    """A web server that sends ranges, and keeps what was asked for."""

    files: dict[str, bytes]
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        body, asked = self.files.get(self.path.lstrip("/")), self.headers.get("Range", "")
        self.asked.append((self.path.rpartition("/")[2], asked))
        if body is None:
            self.send_error(404)
            return
        part = body
        if asked:
            first, last = asked.removeprefix("bytes=").split("-")
            part = body[int(first) : int(last) + 1]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        if asked:
            self.send_header("Content-Range", f"bytes {asked.removeprefix('bytes=')}/{len(body)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    do_HEAD = do_GET  # noqa: N815 - its own name

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - its own name


@pytest.fixture
def server() -> Iterator[tuple[str, type[_Server]]]:
    """A crawl on loopback: its list, and three archives."""
    listed = gzip.compress("".join(f"{name}\n" for name in NAMES).encode())
    files = {name: b"".join(members(n)) for n, name in enumerate(NAMES)}
    handler = type("Crawl", (_Server,), {"files": {f"crawl-data/{CRAWL}/warc.paths.gz": listed, **files}, "asked": []})
    web = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.server_address[1]}", handler
    web.shutdown()
    thread.join()
    web.server_close()


def test_a_list_names_files_of_its_server_and_a_crawl_names_its_list(server: tuple[str, type[_Server]]) -> None:
    root, _ = server
    wanted = [f"{root}/{name}" for name in NAMES]

    assert corpus_files.expand(f"{root}/crawl-data/{CRAWL}/warc.paths.gz") == wanted
    assert corpus_files.expand(f"{root}/crawl-data/{CRAWL}/warc") == wanted
    assert corpus_files.expand(f"{root}/{CRAWL}", most=2) == wanted[:2]
    assert urls(wanted[1]) == [f"https://s1.example/{n}" for n in range(4)]
    assert containers.crawl(f"{CRAWL}/wet") == f"{containers.CRAWLS}crawl-data/{CRAWL}/wet.paths.gz"
    assert containers.crawl("corpus/pages") == ""


def test_a_list_that_lies_here_names_files_beside_it_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "One"}')
    (tmp_path / "paths.txt").write_text(f"a.jsonl\n{NAMES[0]}\n")

    assert corpus_files.expand(str(tmp_path / "paths.txt")) == [str(tmp_path / "a.jsonl"), containers.CRAWLS + NAMES[0]]
    for odd in ("/etc/passwd", "../../secret", "http://169.254.1.1/key", "file:///etc/passwd"):
        (tmp_path / "paths.txt").write_text(odd)
        with pytest.raises(BrokenError, match="not beside it"):
            corpus_files.expand(str(tmp_path / "paths.txt"))


def test_of_an_index_only_the_ranges_are_fetched(server: tuple[str, type[_Server]]) -> None:
    root, handler = server
    stored, start, lines = members(2), 0, list[str]()
    for n, one in enumerate(stored):
        told = {"url": f"https://s2.example/{n}", "mime": "text/html", "status": "404" if n == 1 else "200"}
        told |= {"length": str(len(one)), "offset": str(start), "filename": NAMES[2]}
        lines.append(f"example,s2)/{n} 20240102030405 {json.dumps(told)}\n")
        start += len(one)
    lines.append(lines[0].replace(NAMES[2], "crawl-data/lost.warc.gz"))
    lines.append(lines[0].replace(NAMES[2], "http://169.254.1.1/key"))
    handler.files[f"crawl-data/{CRAWL}/part.cdxj.gz"] = gzip.compress("".join(lines).encode())
    uri = f"{root}/crawl-data/{CRAWL}/part.cdxj.gz"
    file = corpus_files.look(uri)
    handler.asked.clear()
    middle = file.extent // 2
    found = [
        one
        for part in ((0, middle), (middle, file.extent))
        for one in corpus_files.read(uri, file.kind, *part, LIMIT_BYTES)
    ]

    assert file.kind == "cdx"
    assert [one.url for one in found if isinstance(one, Record)] == [f"https://s2.example/{n}" for n in (0, 2, 3)]
    assert [one.reason for one in found if isinstance(one, Damage)] == ["http_status", "url_failed", "url_refused"]
    lengths = [len(one) for one in stored]
    ranges = [f"bytes={sum(lengths[:n])}-{sum(lengths[: n + 1]) - 1}" for n in (0, 2, 3)]
    assert [asked for name, asked in handler.asked if name == "2.warc.gz"] == ranges
    assert corpus_files.read_record(uri, "cdx", found[2].offset, found[2].length) == gzip.decompress(stored[2])


def test_an_old_index_names_its_columns(tmp_path: Path) -> None:
    one = members()[0]
    (tmp_path / "a.warc.gz").write_bytes(b"junk" + one)
    line = f"example,s0)/0 20240102030405 https://s0.example/0 text/html 200 SHA - - {len(one)} 4 a.warc.gz\n"
    path = tmp_path / "a.cdx"
    path.write_text(f" CDX N b a m s k r M S V g\n{line}{line.replace(' 4 a', ' 9 a')}")
    file = corpus_files.look(str(path))
    found = list(corpus_files.read(str(path), file.kind, 0, file.extent, LIMIT_BYTES))

    assert [(type(one), one.url) for one in found] == [
        (Record, "https://s0.example/0"),
        (Damage, "https://s0.example/0"),
    ]
