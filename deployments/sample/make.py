"""Builds the sample corpus: `corpus.warc.gz` from `pages/` and `pages.toml`, the same bytes on every run.

Every record is a gzip member of its own (WARC 1.1, annex D) with a zero time stamp, and every record id is derived from
what the record holds, so two builds can be compared byte for byte. Only the compressor could differ between machines:
another zlib packs the same records into other bytes.

Run it as `python deployments/sample/make.py [OUTPUT]`.
"""

import base64
import gzip
import hashlib
import sys
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILT = datetime(2026, 6, 1, tzinfo=UTC)  # A fixed date for the warcinfo record; a clock would change the bytes.
INFO = {
    "software": "deployments/sample/make.py",
    "format": "WARC File Format 1.1",
    "description": "Sample corpus: invented sites, original text",
    "license": "CC0-1.0",
}
CHUNK_BYTES = 700  # Small, so that even a short page arrives in several chunks.
REASONS = {200: "OK", 404: "Not Found"}

MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".txt": "text/plain; charset=utf-8"}


def build(directory: Path = HERE) -> bytes:
    """The archive that `directory/pages.toml` describes.

    Args:
        directory: Holds `pages.toml` and `pages/`.

    Returns:
        The bytes of a `.warc.gz`: one gzip member for each record, in the order of `pages.toml`.

    Raises:
        FileNotFoundError: A page that `pages.toml` names is not there.
        KeyError: An entry lacks its `url`, `date` or `page`, or a revisit names no earlier URL.
    """
    entries = tomllib.loads((directory / "pages.toml").read_text(encoding="utf-8"))["record"]
    members = [pack(record("warcinfo", BUILT, "application/warc-fields", fields(INFO)))]
    seen: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        for raw in records(entry, seen, directory / "pages"):
            member = pack(raw)
            members.append(damage(member) if entry.get("damaged") else member)
        seen[entry["url"]] = entry
    return b"".join(members)


def records(entry: Mapping[str, Any], seen: Mapping[str, Mapping[str, Any]], pages: Path) -> Iterator[bytes]:
    """The WARC records of one entry of `pages.toml`: a request where it asks for one, then a response or a revisit."""
    url, date = entry["url"], entry["date"]
    if entry.get("request"):
        yield record("request", date, "application/http; msgtype=request", request(url), {"WARC-Target-URI": url})
    original = seen[entry["revisits"]] if "revisits" in entry else entry
    payload = (pages / original["page"]).read_bytes()
    extra = {"WARC-Target-URI": url, "WARC-Payload-Digest": digest(encode(payload, original))}
    kind = "response"
    if original is not entry:
        kind = "revisit"
        extra["WARC-Profile"] = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
        extra["WARC-Refers-To-Target-URI"] = original["url"]
        extra["WARC-Refers-To-Date"] = stamp(original["date"])
    block = head(payload, original) + (b"" if kind == "revisit" else transfer(encode(payload, entry), entry))
    yield record(kind, date, "application/http; msgtype=response", block, extra)


def request(url: str) -> bytes:
    """The HTTP request that a plain fetcher would have sent for `url`."""
    host, _, path = url.partition("://")[2].partition("/")
    return (
        f"GET /{path} HTTP/1.1\r\n" + f"Host: {host}\r\nUser-Agent: sample-fetcher/1.0\r\nAccept: */*\r\n\r\n"
    ).encode()


def head(payload: bytes, entry: Mapping[str, Any]) -> bytes:
    """The status line and headers of a response; `headers` of the entry add to the defaults or replace them."""
    status = entry.get("status", 200)
    sent = {"Content-Type": MEDIA_TYPES[Path(entry["page"]).suffix]}
    if entry.get("encoding"):
        sent["Content-Encoding"] = entry["encoding"]
    if entry.get("transfer"):
        sent["Transfer-Encoding"] = entry["transfer"]
    else:
        sent["Content-Length"] = str(len(encode(payload, entry)))
    sent |= entry.get("headers", {})
    return f"HTTP/1.1 {status} {REASONS[status]}\r\n".encode() + fields(sent) + b"\r\n"


def encode(payload: bytes, entry: Mapping[str, Any]) -> bytes:
    """The payload under the entry's `Content-Encoding`."""
    return gzip.compress(payload, compresslevel=9, mtime=0) if entry.get("encoding") == "gzip" else payload


def transfer(body: bytes, entry: Mapping[str, Any]) -> bytes:
    """The body under the entry's `Transfer-Encoding`: as it is, or in chunks (RFC 9112, section 7.1)."""
    if entry.get("transfer") != "chunked":
        return body
    chunks = (body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def record(kind: str, date: datetime, content_type: str, block: bytes, extra: Mapping[str, str] | None = None) -> bytes:
    """One WARC record, uncompressed; its id is derived from its kind, date, address and bytes."""
    named = dict(extra or {})
    name = "\n".join((kind, stamp(date), named.get("WARC-Target-URI", ""), digest(block)))
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>",
        "WARC-Date": stamp(date),
        **named,
        "WARC-Block-Digest": digest(block),
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    }
    return b"WARC/1.1\r\n" + fields(lines) + b"\r\n" + block + b"\r\n\r\n"


def pack(raw: bytes) -> bytes:
    """A record as a gzip member without a time stamp or a file name."""
    return gzip.compress(raw, compresslevel=9, mtime=0)


def damage(member: bytes) -> bytes:
    """The member with its middle third overwritten, as a bad disk would leave it; its length stays as it was."""
    third = len(member) // 3
    return member[:third] + b"\xff" * third + member[2 * third :]


def digest(data: bytes) -> str:
    """SHA-1 in base 32, the way WARC writers label blocks; it identifies bytes and protects nothing."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def stamp(date: datetime) -> str:
    """A date the way WARC writes it, in UTC and to the second."""
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fields(values: Mapping[str, str]) -> bytes:
    """`name: value` lines, each ended by CRLF."""
    return "".join(f"{name}: {value}\r\n" for name, value in values.items()).encode()


def main(arguments: list[str]) -> None:
    """Write the archive to the path given, or beside this file."""
    output = Path(arguments[0]) if arguments else HERE / "corpus.warc.gz"
    output.write_bytes(build())


if __name__ == "__main__":
    main(sys.argv[1:])
