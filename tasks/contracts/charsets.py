"""From bytes to text: which character encoding a page is in, whatever its server and its markup say.

Servers and pages lie, in known ways: `iso-8859-1` is a default nobody chose, `utf-8` is claimed for anything, `gb2312`
means GBK. So evidence is weighed in the order of how often it is right: a byte order mark; bytes that are valid UTF-8
beyond ASCII (text in other encodings almost never is); then what markup and server declare, where the bytes can be read
that way and a detector (chardet) finds it likely; then the detector. A default is believed where nothing is likelier.
"""

import codecs
import re

from chardet import detect_all

# What a label means on the web, where it means something else than in Python's codecs (WHATWG Encoding Standard).
_ON_THE_WEB = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "utf-16": "utf-8",  # a declaration that could be read as ASCII is not in UTF-16
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
    "utf-8-sig": "utf-8",
}
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_META = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,500}?(?:charset|encoding)\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{2,40})""", re.IGNORECASE
)
META_BYTES = 4096  # HTML asks for 1,024; real pages put scripts before it
_PARAMETER = re.compile(r"""charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{2,40})""", re.IGNORECASE)

DETECTED_BYTES = 200_000
LIKELY = (
    0.5  # of the likeliest: with less, what is declared is wrong (sisters such as Windows-1250 and ISO-8859-2 have .9)
)
FAINT = 0.06  # a few letters tell nothing: "Gr\xfc\xdfe"
LEAST_LIKELY = {"cp1252": 0.95, "utf-8": 1.0}  # of defaults, which nobody may have chosen
_OF_PAGES = frozenset(  # what browsers know, and so pages are in
    (
        *("cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "cp874", *(f"cp125{n}" for n in range(9))),
        *(f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
        *("gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949", "utf-8"),
    )
)
_HIGH_BYTES = bytes([0, 3, 4, 5, 6, 0x0E, 0x30])  # of Latin, Greek, Cyrillic, Hebrew, Arabic, Thai and kana in UTF-16
LEAST_HALF = 4
LEAST_HIGH, MOST_LOW = 0.5, 0.1  # of a page's characters
GOOD_PER_BAD = 20  # bytes are UTF-8 with a few broken characters if this many others are right


def decode(body: bytes, content_type: str = "") -> tuple[str, str]:
    """Decode a page.

    Args:
        body: Its bytes, content codings undone.
        content_type: The server's Content-Type, for its charset.

    Returns:
        The text, without a byte order mark, U+FFFD where a byte makes no sense; and the Python codec that read it.
    """
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace"), codec
    if codec := _wide(body):
        return body.decode(codec, "replace"), codec
    try:
        if b"\x1b$" not in body[:20_000]:  # ISO-2022-JP is ASCII to the eye
            return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        lenient = body.decode("utf-8", "replace")
        bad = lenient.count("\ufffd")
        if len(re.findall(r"[^\x00-\x7f\ufffd]", lenient)) >= GOOD_PER_BAD * bad:
            return lenient, "utf-8"
    return _best(body, _candidates(body, content_type))


def _wide(body: bytes) -> str | None:
    """Tell UTF-16 without a mark by the bytes that most of its letters share, in every second place."""
    halves = body[0:1024:2], body[1:1024:2]
    if len(halves[1]) < LEAST_HALF:
        return None
    first, second = (len(half) - len(half.translate(None, _HIGH_BYTES)) for half in halves)
    least, most = LEAST_HIGH * len(halves[1]), MOST_LOW * len(halves[1])
    if first >= least and second <= most:
        return "utf-16-be"
    return "utf-16-le" if second >= least and first <= most else None


def codec_of(label: str | None) -> str | None:
    """Return the Python codec that reads what the web calls `label`; None if there is none."""
    if not label:
        return None
    try:
        name = codecs.lookup(label.strip().lower()).name
    except (LookupError, ValueError):
        return None
    return _ON_THE_WEB.get(name, name)


def _candidates(body: bytes, content_type: str) -> list[str]:
    """Return the codecs that may read a page, the likeliest first."""
    meta, http = _META.search(body[:META_BYTES]), _PARAMETER.search(content_type)
    labels = (meta[1].decode("ascii") if meta else None, http[1] if http else None)
    declared = [codec for label in labels if (codec := codec_of(label))]
    likely = _detected(body)
    most = max(likely.values(), default=0.0)
    believed = [codec for codec in declared if likely.get(codec, 0.0) >= most * LEAST_LIKELY.get(codec, LIKELY)]
    believed.sort(key=lambda codec: -likely.get(codec, 0.0))
    return list(dict.fromkeys([*believed, *sorted(likely, key=lambda codec: -likely[codec])[:1], *declared]))


def _detected(body: bytes) -> dict[str, float]:
    """Return codecs and how likely each is. The detector reads what is not ASCII, and what stands about it."""
    pieces = [piece for piece in re.split(rb"[<>]", body) if not piece.isascii() or b"\x1b$" in piece]
    found: dict[str, float] = {}
    for one in detect_all(b" ".join(pieces)[:DETECTED_BYTES], ignore_threshold=True):
        if (codec := codec_of(one["encoding"])) in _OF_PAGES:
            found[codec] = max(found.get(codec, 0.0), one["confidence"])
    return found if max(found.values(), default=0.0) >= FAINT else {}


def _best(body: bytes, codec_names: list[str]) -> tuple[str, str]:
    """Return the first reading without an error; else that with fewest, if few; else Windows-1252, which reads all."""
    readings: list[tuple[int, str, str]] = []
    for codec in codec_names:
        try:
            text = body.decode(codec, "replace")
        except (LookupError, UnicodeError):
            continue
        readings.append((text.count("\ufffd"), text, codec))
        if readings[-1][0] == 0:
            return text, codec
    bad, text, codec = min(readings, key=lambda reading: reading[0], default=(0, "", ""))
    # A page in GBK cut in mid-character is still in GBK.
    if codec and len(re.findall(r"[^\x00-\x7f\ufffd]", text)) >= GOOD_PER_BAD * bad:
        return text, codec
    return body.decode("cp1252", "replace"), "cp1252"
