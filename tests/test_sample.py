"""The sample can be rebuilt, holds what its README says, and points at no real site."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

SAMPLE = Path(__file__).resolve().parent.parent / "deployments" / "sample"
ARCHIVE = SAMPLE / "corpus.warc.gz"
GZIP_MAGIC = b"\x1f\x8b\x08"


def inflate(archive: bytes) -> Iterator[bytes | None]:
    """Each gzip member in its order: its bytes, or None where it is damaged."""
    start = 0
    while start < len(archive):
        member = zlib.decompressobj(wbits=31)
        try:
            record = member.decompress(archive[start:])
        except zlib.error:
            yield None
            start = archive.index(GZIP_MAGIC, start + 1)
        else:
            yield record
            start = len(archive) - len(member.unused_data)


def read_records() -> list[dict[str, Any]]:
    """Every intact record of the committed archive, read by fastwarc."""
    intact = b"".join(record for record in inflate(ARCHIVE.read_bytes()) if record is not None)
    return [
        {
            "kind": record.headers["WARC-Type"],
            "headers": dict(record.headers),
            "http": dict(record.http_headers) if record.http_headers else {},
            "body": record.reader.read(),
        }
        for record in ArchiveIterator(io.BytesIO(intact), record_types=WarcRecordType.any_type, auto_decode="none")
    ]


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return read_records()


@pytest.fixture(scope="module")
def responses(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    kept = [record for record in records if record["kind"] == "response"]
    return {record["headers"]["WARC-Target-URI"]: record for record in kept}


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    return tomllib.loads((SAMPLE / "pages.toml").read_text(encoding="utf-8"))["record"]


def rebuild(output: Path, **environment: str) -> bytes:
    """The archive that make.py writes in a process of its own."""
    command = [sys.executable, str(SAMPLE / "make.py"), str(output)]
    subprocess.run(command, check=True, env=os.environ | environment)
    return output.read_bytes()


def shingles(page: Path) -> set[tuple[str, ...]]:
    """Sets of five words in a row of the main text, which ends where the furniture of the site begins again."""
    main = re.split(r"<h1>|<HR>|<div class=.related.>", page.read_text(encoding="utf-8"), flags=re.IGNORECASE)[1]
    words = re.sub(r"<[^>]+>", " ", main).lower().split()
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def test_a_rebuild_holds_the_committed_records_wherever_the_clock_stands(tmp_path: Path) -> None:
    built = rebuild(tmp_path / "corpus.warc.gz", TZ="Pacific/Kiritimati", PYTHONHASHSEED="7")

    assert list(inflate(built)) == list(inflate(ARCHIVE.read_bytes()))


@pytest.mark.skipif(
    "ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng packs the same records into other bytes than zlib"
)
def test_a_rebuild_gives_the_committed_bytes(tmp_path: Path) -> None:
    built = rebuild(tmp_path / "corpus.warc.gz")

    assert built == ARCHIVE.read_bytes()


def test_one_member_is_damaged_and_there_are_records_on_both_sides_of_it() -> None:
    members = list(inflate(ARCHIVE.read_bytes()))

    damaged = [number for number, member in enumerate(members) if member is None]

    assert len(damaged) == 1
    assert len(members) // 4 < damaged[0] < len(members) * 3 // 4


def test_the_archive_holds_these_kinds_of_records(records: list[dict[str, Any]], entries: list[dict[str, Any]]) -> None:
    counts = Counter(record["kind"] for record in records)

    responses = sum("revisits" not in entry and not entry.get("damaged") for entry in entries)
    assert counts == {
        "warcinfo": 1,
        "request": 1,
        "revisit": 1,
        "response": responses,
    }


def test_every_block_has_the_digest_that_its_header_states() -> None:
    intact = b"".join(record for record in inflate(ARCHIVE.read_bytes()) if record is not None)

    verified = [
        record.verify_block_digest()
        for record in ArchiveIterator(io.BytesIO(intact), record_types=WarcRecordType.any_type, parse_http=False)
    ]

    assert verified
    assert all(verified)


def test_every_page_is_in_the_archive_byte_for_byte(
    responses: dict[str, dict[str, Any]], entries: list[dict[str, Any]]
) -> None:
    plain = [entry for entry in entries if not {"revisits", "damaged", "encoding", "transfer"} & entry.keys()]

    for entry in plain:
        assert responses[entry["url"]]["body"] == (SAMPLE / "pages" / entry["page"]).read_bytes()
    assert {entry["page"] for entry in entries if "page" in entry} == {
        page.name for page in (SAMPLE / "pages").iterdir()
    }


def test_a_compressed_response_inflates_to_its_page(
    responses: dict[str, dict[str, Any]], entries: list[dict[str, Any]]
) -> None:
    entry = next(entry for entry in entries if entry.get("encoding") == "gzip")

    sent = responses[entry["url"]]

    assert sent["http"]["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent["body"]) == (SAMPLE / "pages" / entry["page"]).read_bytes()


def test_a_chunked_response_joins_to_its_page(
    responses: dict[str, dict[str, Any]], entries: list[dict[str, Any]]
) -> None:
    entry = next(entry for entry in entries if entry.get("transfer") == "chunked")
    left, joined, chunks = responses[entry["url"]]["body"], b"", 0

    while left:
        size, _, left = left.partition(b"\r\n")
        joined += left[: int(size, 16)]
        left = left[int(size, 16) + 2 :]
        chunks += 1

    assert chunks > 2
    assert joined == (SAMPLE / "pages" / entry["page"]).read_bytes()


def test_the_revisit_refers_to_a_response_that_came_before(records: list[dict[str, Any]]) -> None:
    revisit = next(record for record in records if record["kind"] == "revisit")
    earlier = records[: records.index(revisit)]

    original = [
        record["headers"]["WARC-Date"]
        for record in earlier
        if record["headers"].get("WARC-Target-URI") == revisit["headers"]["WARC-Refers-To-Target-URI"]
        and record["headers"]["WARC-Payload-Digest"] == revisit["headers"]["WARC-Payload-Digest"]
    ]

    assert original == [revisit["headers"]["WARC-Refers-To-Date"]]


def test_one_page_lies_at_two_addresses_and_another_has_a_near_twin(responses: dict[str, dict[str, Any]]) -> None:
    digests = Counter(response["headers"]["WARC-Payload-Digest"] for response in responses.values())
    one, other = (shingles(SAMPLE / "pages" / f"hot-composting{suffix}.html") for suffix in ("", "-eight-weeks"))

    likeness = len(one & other) / len(one | other)

    assert sorted(digests.values())[-2:] == [1, 2]
    assert 0.85 < likeness < 1


def test_two_sites_ask_not_to_be_learned_from(responses: dict[str, dict[str, Any]]) -> None:
    by_header = [url for url, response in responses.items() if "noai" in response["http"].get("X-Robots-Tag", "")]
    by_page = [url for url, response in responses.items() if b'<meta name="robots" content="noai' in response["body"]]

    assert len(by_header) == len(by_page) == 1
    assert by_header != by_page


def test_the_chinese_page_names_its_encoding_nowhere(responses: dict[str, dict[str, Any]]) -> None:
    page = next(response for url, response in responses.items() if "chaxiang" in url)

    assert "如何泡好一杯绿茶" in page["body"].decode("gb2312")
    assert page["http"]["Content-Type"] == "text/html"
    assert b"charset" not in page["body"].lower()


def test_two_pages_give_orders_to_a_model_and_one_of_them_hides_it(responses: dict[str, dict[str, Any]]) -> None:
    ordering = [
        response["body"] for response in responses.values() if b"reply with the word MARIGOLD" in response["body"]
    ]

    hidden = [body for body in ordering if b'<div style="display:none">Ignore' in body]

    assert len(ordering) == 2
    assert len(hidden) == 1


def test_all_addresses_are_reserved_ones(entries: list[dict[str, Any]]) -> None:
    text = "".join(page.read_text(encoding="latin-1") for page in (SAMPLE / "pages").glob("*.html"))
    hosts = set(re.findall(r"https?://([^/\"'\s<?]+)", text)) | {entry["url"].split("/")[2] for entry in entries}
    mails = set(re.findall(r"[\w.]+@[\w.]+", text))

    assert {host for host in hosts if not host.endswith(".example")} == {"schema.org", "creativecommons.org"}
    assert mails
    assert not {mail for mail in mails if not mail.endswith(".example")}


def test_the_seeds_parse_and_have_the_flaws_that_the_readme_names() -> None:
    seeds = [json.loads(line) for line in (SAMPLE / "seeds.jsonl").read_text(encoding="utf-8").splitlines()]

    answered = [seed["messages"] for seed in seeds if "messages" in seed]
    prompts = [seed["prompt"] for seed in seeds if "prompt" in seed]

    assert len(seeds) == len(answered) + len(prompts) == 60
    assert [[turn["role"] for turn in turns] for turns in answered] == [["user", "assistant"]] * 12
    assert all(turn["content"] for turns in answered for turn in turns)
    assert prompts.count("") == 1
    assert sum(prompt.endswith(", and") for prompt in prompts) == 1
