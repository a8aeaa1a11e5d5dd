"""Is an answer a refusal: its first sentences say that the assistant will not, or cannot, do what was asked.

Only openings count, and of an answer that warns and then helps (a list, code or many words follow) not even those.
What is about the world is no refusal: "nobody knows who wrote it" answers; "I cannot tell you who wrote it" refuses,
whatever its reason, since the one who asked has nothing of it and a model would learn to say it.

An answer that asks for a text it was not given ("please provide the passage") is `asks_for_text`, apart: the same
words can begin an instruction. Patterns of 25 languages are in `refusals.toml`; what no pattern knows is not found, so
the rate on the card is a lower bound.
"""

import re
import tomllib
from functools import lru_cache
from importlib import resources

VERSION = 2
OPENING_CHARS = 400
HELPING_WORDS, TURNED_WORDS, HELPING_ITEMS = 110, 50, 3  # of what follows: then it helps all the same

_BREAK = re.compile(r"[.!?\n](?:\s|\Z)|[\u3002\uff01\uff1f\u0964\u061f]")
_TURN = re.compile(
    r"\b(?:if i were|imagine|here(?:'s| is| are)|in general|generally|common(?:ly)?|hypothetically|i can tell you)\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+\S", re.MULTILINE)


def refusal(text: str) -> str | None:
    """Return the words by which an answer refuses, or None.

    >>> refusal("I'm sorry, but I can't help with that.")
    "I'm sorry, but I can't"
    """
    return _opening(text, "refuses")


def asks_for_text(text: str) -> str | None:
    """Return the words by which an answer asks for a text that it was not given, or says that there is none; or None.

    >>> asks_for_text("Please provide the passage you want me to summarize.")
    'Please provide the passage'
    """
    return _opening(text, "asks")


def _opening(text: str, way: str) -> str | None:
    opening = text[:OPENING_CHARS]
    for pattern in _patterns(way):
        if found := pattern.match(opening):
            return None if _helps(text, found.end()) else found[0].strip()
    return None


def _helps(text: str, end: int) -> bool:
    """Whether enough follows the sentence that refuses for the answer to help all the same."""
    stop = _BREAK.search(text, end)
    rest = text[stop.end() :] if stop else ""
    words = len(rest.split()) + sum(char >= "\u2e80" for char in rest) // 2
    needed = TURNED_WORDS if _TURN.search(text, end, end + OPENING_CHARS) else HELPING_WORDS
    return "```" in rest or words >= needed or len(_ITEM.findall(rest)) >= HELPING_ITEMS


@lru_cache(maxsize=2)
def _patterns(way: str) -> list[re.Pattern[str]]:
    """Return the patterns of every language; those of a way of speaking are joined, so that each is looked for once."""
    found = tomllib.loads(
        (resources.files("wellspring.tasks.methods.instructions") / "refusals.toml").read_text(encoding="utf-8")
    )
    words = found.pop("words")
    joined = [f"(?:{'|'.join(language[way])})" for language in found.values() if language.get(way)]
    for name, pattern in words.items():
        joined = [one.replace(f"<{name}>", pattern) for one in joined]
    return [re.compile(rf"\W*{one}", re.IGNORECASE) for one in joined]
