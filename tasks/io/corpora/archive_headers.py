"""Headers of records in web archives: WARC's fields, ARC's line, and how either is known where it begins."""

import re
from dataclasses import dataclass, field

from wellspring.tasks.io.corpora.streams import Window

MAX_HEADER_BYTES = 2**16

# A record may begin right behind the bytes of one that was cut: its first field is looked for, not a line end before.
WARC_START = re.compile(rb"WARC/\d\.\d+\r?\n(?=[A-Za-z][A-Za-z-]{1,40}[ \t]*:)")
START_BYTES = 64  # the most that tells a start
# v1: URL IP date type length; v2 has result code, checksum, location, offset and file name before the length.
_IP = rb"(?:[0-9a-fA-F.:]{1,45}|-)"  # 0 or - where it is not known
_ARC_LINE = rb"[a-zA-Z][a-zA-Z0-9+.-]*:[^\n]{0,8000}? " + _IP + rb" \d{8,14} [^\n]{1,400}? ?\d{1,15}\r?\n"
ARC_START = re.compile(rb"(?<=\n)" + _ARC_LINE)
_ARC_FIELDS = re.compile(rb"(.+) (" + _IP + rb") (\d{8,14}) (.*?) ?(\d{1,15})\r?\n")
ANY_START = re.compile(rb"WARC/\d\.\d+\r?\n|" + _ARC_LINE)
_FOLDED = re.compile(rb"\r?\n[ \t]+")
HEADER_END = re.compile(rb"\r?\n\r?\n")


@dataclass(slots=True)
class Header:
    """What stands before a record's block.

    Its `size` and the `length` it gives the block are in bytes; `is_lf` where its lines end without CR; `start` is how
    the next record of this archive begins.
    """

    kind: str
    url: str
    date: str | None
    fields: dict[str, str]
    size: int
    length: int
    is_lf: bool = False
    start: re.Pattern[bytes] = field(default=WARC_START)


def is_archive(beginning: bytes) -> bool:
    """Tell whether a file that begins with these (inflated) bytes is a WARC or an ARC."""
    return ANY_START.match(beginning.lstrip(b"\r\n")) is not None


def read_header(window: Window) -> Header | str:
    """Read the header at the window's start; or say why there is none."""
    window.ensure(4096)
    if not ANY_START.match(window.buffer):
        window.ensure(MAX_HEADER_BYTES)
        if not ANY_START.match(window.buffer):
            return "no record header where one should begin"
    if not window.buffer.startswith(b"WARC/"):
        return _arc_header(window)
    end = HEADER_END.search(window.buffer, 0, MAX_HEADER_BYTES)
    if end is None and window.ensure(MAX_HEADER_BYTES):
        end = HEADER_END.search(window.buffer, 0, MAX_HEADER_BYTES)
    if end is None:
        is_long = len(window.buffer) >= MAX_HEADER_BYTES
        return f"the record header is over {MAX_HEADER_BYTES} bytes" if is_long else "the record header has no end"
    if WARC_START.search(window.buffer, 1, end.end()):
        return "another record begins inside its header"
    lines = _FOLDED.sub(b" ", window.buffer[: end.start()]).decode("utf-8", "replace").splitlines()
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    length = fields.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return f"Content-Length is {length!r}"
    url = fields.get("warc-target-uri", "").strip("<> ")
    is_lf = not window.buffer[: end.end()].endswith(b"\r\n")
    return Header(
        fields.get("warc-type", "unknown").lower(), url, fields.get("warc-date"), fields, end.end(), int(length), is_lf
    )


def _arc_header(window: Window) -> Header | str:
    end = window.buffer.find(b"\n", 0, MAX_HEADER_BYTES) + 1
    match = _ARC_FIELDS.fullmatch(bytes(window.buffer[:end]))
    if match is None:
        return "no ARC header where one should begin"
    url, _, digits, middle, length = (part.decode("utf-8", "replace") for part in match.groups())
    padded = digits.ljust(14, "0")
    date = f"{padded[:4]}-{padded[4:6]}-{padded[6:8]}T{padded[8:10]}:{padded[10:12]}:{padded[12:14]}Z"
    kind = {"filedesc": "warcinfo", "dns": "resource"}.get(url.partition(":")[0], "response")
    return Header(
        kind, url, date, {"content-type": middle.split(" ")[0]}, end, int(length), is_lf=True, start=ARC_START
    )
