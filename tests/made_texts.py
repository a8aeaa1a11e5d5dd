"""Texts that are made, with what is true of them: near copies, and benchmark prompts inside documents.

All comes from a seed, of the phrases in `data/made_texts.toml`. Even seeds are for choosing rules by; odd ones are kept
aside, and say how good the rules are. No prompt is in both.
"""

import html
import itertools
import random
import tomllib
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

DATA = tomllib.loads((Path(__file__).parent / "data" / "made_texts.toml").read_text("utf-8"))
LANGUAGES = tuple(name for name in DATA if name != "words")
PARTS = ("openings", "topics", "demands", "demands", "closings")
MOST_IN_COMMON = 2  # parts of two prompts that are taken for different ones


class Planted(NamedTuple):
    """A document, and the prompt that it holds; None if it holds none."""

    change: str
    text: str
    prompt: str | None


def prompts(language: str, seed: int, count: int) -> tuple[list[str], list[str]]:
    """Return prompts that are a benchmark's, and as many that are none's: no two share more than two of five parts."""
    phrases, rng = DATA[language], random.Random(f"{language} {seed}")
    every = [one for one in itertools.product(*(range(len(phrases[part])) for part in PARTS)) if one[2] < one[3]]
    own = [one for number, one in enumerate(every) if number % 2 == seed % 2]
    rng.shuffle(own)
    chosen: list[tuple[int, ...]] = []
    for one in own:
        if all(_in_common(one, other) <= MOST_IN_COMMON for other in chosen):
            chosen.append(one)
    if len(chosen) < 2 * count:
        raise ValueError(f"{language} has {len(chosen)} prompts")
    said = [_prompt(phrases, one) for one in chosen[: 2 * count]]
    return said[:count], said[count:]


def planted(language: str, seed: int, count: int) -> tuple[list[str], list[Planted]]:
    """Return the prompts of a benchmark, and documents that hold one of them in some change, or another prompt."""
    known, others = prompts(language, seed, count)
    rng = random.Random(f"{language} {seed} documents")
    found = [
        Planted(name, _inside(language, change(prompt, rng), rng), prompt)
        for name, change in CHANGES.items()
        for prompt in known
    ]
    found += [Planted("another", _inside(language, prompt, rng), None) for prompt in others]
    return known, found


def near_copies(language: str, seed: int, count: int) -> tuple[list[str], set[tuple[int, int]]]:
    """Return documents, and which pairs are near copies: in one of a hundred letters is another.

    Each third document is one of its own, the next its near copy, and the next has a half of its sentences.
    """
    rng = random.Random(f"{language} {seed} copies")
    texts: list[str] = []
    for _ in range(count):
        said = list(sentences(language, rng, rng.randrange(12, 60)))
        text = "".join(said)
        half = said[: len(said) // 2] + list(sentences(language, rng, len(said) - len(said) // 2))
        texts += [text, _misspelt(text, rng, 100), "".join(half)]
    return texts, {(i, i + 1) for i in range(0, 3 * count, 3)}


def sentences(language: str, rng: random.Random, count: int) -> Iterator[str]:
    """Yield sentences of drawn words, in a language without blanks."""
    words = DATA["words"][language]
    for _ in range(count):
        named = (rng.choice(words["nouns"]) + rng.choice(words["links"]) for _ in range(rng.randrange(2, 5)))
        yield "".join(named) + rng.choice(words["verbs"]) + words["end"]


def _in_common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    demands = len({*one[2:4]} & {*other[2:4]})
    return demands + sum(one[i] == other[i] for i in (0, 1, 4))


def _prompt(phrases: dict[str, Any], numbers: tuple[int, ...]) -> str:
    opening, topic, *demands, closing = (phrases[part][i] for part, i in zip(PARTS, numbers, strict=True))
    asked = phrases["comma"].join([f"{opening}{phrases['join']}{topic}", *demands])
    return f"{asked}. {closing}"


def _inside(language: str, prompt: str, rng: random.Random) -> str:
    phrases = DATA[language]
    said = [rng.choice(phrases["topics"]) + phrases["join"] + rng.choice(phrases["statements"]) for _ in range(24)]
    place = rng.randrange(1, len(said))
    return ". ".join([*said[:place], prompt, *said[place:]])


def _misspelt(text: str, rng: random.Random, each: int) -> str:
    """Put another letter of the text in the place of one in `each` of its letters."""
    letters = [i for i, char in enumerate(text) if char.isalpha()]
    pool, said = [text[i] for i in letters], list(text)
    for i in rng.sample(letters, max(1, len(letters) // each)):
        said[i] = rng.choice([char for char in pool if char != said[i]])
    return "".join(said)


def _strewn(unseen: str) -> Callable[[str, random.Random], str]:
    def change(text: str, rng: random.Random) -> str:
        return "".join(char + unseen * (char.isalpha() and rng.random() < 0.2) for char in text)

    return change


def _without_accents(text: str, _: random.Random) -> str:
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFC", bare)


def _other_punctuation(text: str, rng: random.Random) -> str:
    return "".join(rng.choice(["", "!", " -", ";"]) if unicodedata.category(char) == "Po" else char for char in text)


def _entities(text: str, _: random.Random) -> str:
    return "".join(f"&#{ord(char)};" if i % 3 == 0 and not char.isspace() else char for i, char in enumerate(text))


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda text, _: text,
    "case": lambda text, _: text.upper(),
    "punctuation": _other_punctuation,
    "soft hyphens": _strewn("\u00ad"),
    "zero-width spaces": _strewn("\u200b"),
    "accents": _without_accents,
    "accents apart": lambda text, _: unicodedata.normalize("NFD", text),
    "entities": _entities,
    "escaped": lambda text, _: html.escape(text).encode("ascii", "xmlcharrefreplace").decode(),
    "one letter in twenty": lambda text, rng: _misspelt(text, rng, 20),
}
