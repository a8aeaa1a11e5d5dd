"""Does an answer point at what its reader does not have: "according to the passage above", "the context does not say".

Whoever is trained on it learns to cite a text that nobody gave. A pointer is allowed where the instruction carries a
text (it is long, has several lines, quotes or shows code), or speaks of such a text and stands alone all the same
("Write an article ..."). "Above" is allowed where the answer itself has said enough before it, a figure or table of a
number where the answer shows one.

Patterns are by language, in `pointers.toml`; what no pattern knows is not found.
"""

import re
import tomllib
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from wellspring.tasks.methods.instructions.self_containment import dangling

VERSION = 1
LOOKED_AT_CHARS = 20_000
CARRIED_WORDS, CARRIED_LINE_WORDS, OWN_CHARS = 50, 8, 400
_SHOWN_CHARS, _CUE_CHARS = 80, 90

_QUOTED = re.compile(r"```|\"[^\"]{40,}\"|“[^”]{40,}”|«[^»]{40,}»|「[^」]{20,}」|'''.+?'''", re.DOTALL)
_SHOWS = re.compile(
    r"^\s*\||!\[|<(?:img|table|figure|svg)\b|```|^\W{0,4}(?:figure|fig\.?|table|chart|diagram) \d"
    r"|\+--",
    re.IGNORECASE | re.MULTILINE,
)
_VISUAL = re.compile(
    r"figure|fig\.|table|chart|graph|diagram|image|picture|photo|screenshot|map|illustration", re.IGNORECASE
)


class _Language(NamedTuple):
    cues: tuple[str, ...]
    noun: re.Pattern[str]
    points: re.Pattern[str]


def pointer(response: str, instruction: str) -> str | None:
    """Return the first words of an answer that point at what its reader does not have; None where none do."""
    text = response[:LOOKED_AT_CHARS]
    lower = text.lower()
    for language in _languages():
        for begin, end in _around(lower, language.cues):
            for found in language.points.finditer(text, begin, end):
                if not _has_it(found, language.noun, text, instruction):
                    return " ".join(found.group().split())[:_SHOWN_CHARS]
    return None


def _around(lower: str, cues: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the stretches of a text around its cues, without overlaps: only there can anything point."""
    places: list[int] = []
    for cue in cues:
        place = lower.find(cue)
        while place >= 0:
            places.append(place)
            place = lower.find(cue, place + _CUE_CHARS)
    stretches: list[tuple[int, int]] = []
    for place in sorted(places):
        begin, end = max(0, place - _CUE_CHARS), place + _CUE_CHARS
        if stretches and begin <= stretches[-1][1]:
            begin = stretches.pop()[0]
        stretches.append((begin, end))
    return stretches


def _has_it(found: re.Match[str], noun: re.Pattern[str], text: str, instruction: str) -> bool:
    """Whether what is pointed at is in the instruction, or in the answer itself."""
    if _carries(instruction):
        return True
    if noun.search(instruction) and dangling(instruction) is None:
        return True
    kind = found.lastgroup
    if kind == "above":
        return found.start() >= OWN_CHARS
    return kind == "shown" and bool(_SHOWS.search(text) or _VISUAL.search(instruction))


def _carries(instruction: str) -> bool:
    """Whether an instruction holds a text of its own."""
    lines = [line for line in instruction.splitlines() if line.strip()]
    words = len(instruction.split()) + sum(char >= "\u2e80" for char in instruction) // 2
    has_text = len(lines) > 1 and max(len(line.split()) for line in lines[1:]) >= CARRIED_LINE_WORDS
    after = instruction.partition(":")[2]
    return (
        words >= CARRIED_WORDS
        or has_text
        or len(after.split()) >= CARRIED_LINE_WORDS
        or bool(_QUOTED.search(instruction))
    )


@lru_cache(maxsize=1)
def _languages() -> list[_Language]:
    found = tomllib.loads(
        (resources.files("wellspring.tasks.methods.answers") / "pointers.toml").read_text(encoding="utf-8")
    )
    return [
        _Language(
            tuple(language["cues"].split()),
            re.compile(language["noun"], re.IGNORECASE),
            re.compile("|".join(language["points"]).replace("NOUN", f"(?:{language['noun']})"), re.IGNORECASE),
        )
        for language in found.values()
    ]
