"""What a site asks reaches all pages of its host, wherever and whenever its rules were found."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from wellspring.tasks import documents, passages, sources
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Counts, Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]

PROSE = "The kettle stood on the stove for an hour before anyone thought of it, on day {n} of the long cold month. " * 3


def archive(path: Path, *pages: tuple[str, str, str]) -> Path:
    members: list[bytes] = []
    for url, mime, body in pages:
        block = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\n\r\n{body}".encode()
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(block)}\r\n\r\n"
        members.append(gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0))
    path.write_bytes(b"".join(members))
    return path


def pages(host: str, *paths: str) -> list[tuple[str, str, str]]:
    return [
        (f"http://{host}/{path}", "text/html", f"<body><p>{PROSE.format(n=i)} {host} {path}</p>")
        for i, path in enumerate(paths)
    ]


def read(start: Start, settings: Make, *paths: Path) -> tuple[Counts, set[str], dict[str, str]]:
    """Read corpora in a run: its counts, the addresses that are valid then, the refusals by detail."""
    chosen = settings(
        "runner=thread", "documents.near_duplicates=false", sources={"corpora": [{"path": str(p)} for p in paths]}
    )
    with start(chosen) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        validation.audit(run, "documents")
        passages.split(run)
        validation.audit(run, "passages")
        left = set(run.store.query("passages/all")["document_id"].to_list())
        urls = {row["url"] for row in run.store.query("documents/all").to_dicts() if row["document_id"] in left}
        valid = run.store.query("passages/audience")["rows_valid"][0]
        refused = {row["detail"]: row["reason"] for row in run.store.query("rejections/all").to_dicts()}
    return counts, urls if valid else set(), refused


RULES = ("http://site.example/robots.txt", "text/plain", "User-agent: GPTBot\nDisallow: /closed\n")


@pytest.mark.slow
def test_rules_reach_pages_before_them_and_in_other_shards(
    tmp_path: Path, settings: Make, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "SHARD_BYTES", 300)
    path = archive(
        tmp_path / "a.warc.gz", *pages("site.example", "closed/1", "open"), RULES, *pages("site.example", "closed/2")
    )

    counts, urls, refused = read(start, settings, path)

    assert urls == {"http://site.example/open"}
    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (4, 1, 3)
    assert {detail for detail, reason in refused.items() if reason == "opt_out"} == {
        f"http://site.example/closed/{i}: robots.txt of site.example says disallow: /closed" for i in (1, 2)
    }


@pytest.mark.slow
def test_rules_of_a_later_crawl_take_earlier_pages_back_and_reach_later_ones(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    first = archive(tmp_path / "a.warc.gz", *pages("site.example", "closed/1", "open"))
    second = archive(tmp_path / "b.warc.gz", RULES)
    third = archive(tmp_path / "c.warc.gz", *pages("www.site.example", "closed/3", "also/open"))

    before = read(start, settings, first)
    after = read(start, settings, first, second)
    later = read(start, settings, first, second, third)
    idle = read(start, settings, first, second, third)

    assert len(before[1]) == 2
    assert (after[0].rows_in, after[0].rows_out, after[0].rows_rejected) == (1, -1, 2)
    assert (later[0].rows_in, later[0].rows_out, later[0].rows_rejected) == (2, 1, 1)
    assert sum(reason == "opt_out" for reason in later[2].values()) == 2
    assert idle[0] == Counts()


@pytest.mark.slow
def test_rules_for_search_engines_and_of_other_hosts_are_not_ours(tmp_path: Path, settings: Make, start: Start) -> None:
    path = archive(
        tmp_path / "a.warc.gz",
        ("http://site.example/robots.txt", "text/plain", "User-agent: *\nDisallow: /\n"),
        ("http://other.example/ai.txt", "text/plain", "User-agent: *\nDisallow: /\n"),
        *pages("site.example", "a"),
        *pages("other.example", "b"),
    )

    _, urls, refused = read(start, settings, path)

    assert urls == {"http://site.example/a"}
    assert "http://other.example/b: ai.txt of other.example says disallow: /" in refused


def test_locations_of_tdmrep_json_and_what_robots_txt_says_of_use_are_kept_to(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    tdmrep = '[{"location": "/closed/", "tdm-reservation": 1}]'
    path = archive(
        tmp_path / "a.warc.gz",
        *pages("site.example", "closed/1", "open"),
        ("http://site.example/.well-known/tdmrep.json", "application/json", tdmrep),
        *pages("other.example", "b"),
        ("http://other.example/robots.txt", "text/plain", "User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n"),
    )

    _, urls, refused = read(start, settings, path)

    assert urls == {"http://site.example/open"}
    assert {detail for detail, reason in refused.items() if reason == "opt_out"} == {
        "http://site.example/closed/1: tdmrep.json of site.example says disallow: /closed/",
        "http://other.example/b: robots.txt of other.example says usage: / train-ai=n",
    }
