"""What is left in a text of something else: ends of JSON, a fence without its other half, letters decoded twice.

A weak model that answers in JSON closes it inside a field and goes on in prose; what is read is then `])} }`, a fence
and some words. A text that was written as UTF-8 and read as Latin-1 has two or three odd letters in the place of one.
Brackets and letters in closed blocks and spans of code are code, and not looked at. Ours; linear in the text.
`python -m tests.bench.answer_checks` prints precision and recall.
"""

import re

VERSION = 1
LEAST_LOOSE = 2  # closing brackets in a row that nothing opened: one alone is a list "a)" or a slip
SHOWN_CHARS = 60
_FENCE = re.compile(r"^[ \t]*`{3,}(?![^\n]*```)", re.MULTILINE)
_CODE = re.compile(r"^[ \t]*```[^\n]*\n.*?^[ \t]*```[ \t]*$|(`+)[^`\n]{1,2000}\1", re.DOTALL | re.MULTILINE)
_CLOSING = re.compile(r"[\])}](?:[\s\"',]*[\])}])+")
_OPENED = {")": "(", "]": "[", "}": "{"}
_OF_LATIN1 = "\u0080-\u00bf"  # what a byte of UTF-8 after its first is read as
_OF_1252 = "".join(bytes([one]).decode("cp1252", "ignore") for one in range(0x80, 0xA0))
_TWICE = re.compile(
    rf"[\u00c2\u00c3][{_OF_LATIN1}](?=\S)|(?<=[a-z])\u00c3[{_OF_1252}]|\u00e2[\u0080\u20ac][{_OF_LATIN1}{_OF_1252}]"
)


def debris(text: str) -> str | None:
    """Return what of a text belongs to something else; None where nothing does."""
    if unclosed(text):
        return "a fence without its other half"
    prose = _CODE.sub(" ", text)
    if twice := _TWICE.search(prose):
        return f"decoded twice: `{_around(prose, twice)}`"
    opened = dict.fromkeys("([{", 0)
    seen = 0
    for found in _CLOSING.finditer(prose):
        loose = _loose(prose[seen : found.end()], opened, found.start() - seen)
        seen = found.end()
        if len(loose) >= LEAST_LOOSE and set(loose) != {")"}:
            return f"closes what nothing opened: `{_around(prose, found)}`"
    return None


def unclosed(text: str) -> bool:
    """Whether a text has a fence of code without its other half."""
    return len(_FENCE.findall(text)) % 2 == 1


def _loose(part: str, opened: dict[str, int], start: int) -> str:
    """Count the brackets of a part, and return those behind `start` that close what nothing opened."""
    loose = ""
    for place, char in enumerate(part):
        if char in opened:
            opened[char] += 1
        elif (other := _OPENED.get(char)) and opened[other]:
            opened[other] -= 1
        elif other and place >= start:
            loose += char
    return loose


def _around(text: str, found: re.Match[str]) -> str:
    return " ".join(text[max(0, found.start() - SHOWN_CHARS // 2) : found.end() + SHOWN_CHARS // 2].split())
