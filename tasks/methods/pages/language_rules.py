"""What rules of quality look for in Chinese (COIG-CQIA) and in 22 languages of India (IndicLLMSuite).

Papers: COIG-CQIA (arXiv 2403.18058) cleans what people wrote on Chinese forums by rules for each source: no promotion,
no calls for applause, nothing that leans on a picture that is gone or that goes on behind a link. IndicLLMSuite (arXiv
2403.06350) flags crawled pages by bounds of each language: share of its script, words of a line, function words.

Ours differs. The phrases and words are ours (`language_rules.toml`), and so are the bounds, which a profile can set for
each language: the papers' lists are not known to us. The votes of COIG-CQIA's sources are not read, and IndicLLMSuite's
model of perplexity and its list of unsafe words are left out; moderation looks for the latter. A flag is a refusal that
carries rule, value and bound.

Complexity: linear in the characters of a text.
"""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

SYSTEM = ("COIG-CQIA", "IndicLLMSuite")
VERSION = 1
_KNOWN: dict[str, Any] = tomllib.loads(
    resources.files("wellspring.tasks.methods.pages").joinpath("language_rules.toml").read_text(encoding="utf-8")
)
_HAN = "CJK UNIFIED"
_INDIA: dict[str, dict[str, Any]] = _KNOWN["india"]
INDIA = frozenset(_INDIA)
WORDS_OF_LINE = {language: said["line"] for language, said in _INDIA.items() if "line" in said}


def phrases(text: str, kind: str) -> int:
    """Return how many phrases of a kind a Chinese text holds.

    Args:
        text: A text, or a line of one.
        kind: promotion, applause, pictures, unfinished, or lines, which are no part of a text.
    """
    return len(_pattern(kind).findall(text))


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in _KNOWN["chinese"][kind]), re.IGNORECASE)


def han_share(text: str) -> float:
    """Return the share of Chinese characters among the letters of a text; 0 of none."""
    return _share(text, _HAN)


def script_share(text: str) -> float:
    """Return the share of the likeliest script of India among the letters of a text; 0 of none."""
    return max(_share(text, script) for script in sorted({said["script"] for said in _INDIA.values()}))


def function_words(words: Sequence[str]) -> int:
    """Return how many different function words a text holds, of that language of India of which it holds most."""
    there = {word.strip(".,!?\u0964\u06d4\u060c") for word in words}
    return max(len(there & said) for said in _function_words())


@cache
def _function_words() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(said["words"].split()) for said in _INDIA.values())


def other_share(text: str) -> float:
    """Return the share of digits and signs among the characters of a text that are no blanks; 0 of none."""
    seen = [char for char in text if not char.isspace()]
    return sum(unicodedata.category(char)[0] not in "LM" for char in seen) / max(len(seen), 1)


def _share(text: str, script: str) -> float:
    letters = [char for char in text if char.isalpha()]
    return sum(_is_of(char, script) for char in letters) / max(len(letters), 1)


@cache
def _is_of(char: str, script: str) -> bool:
    return unicodedata.name(char, "").replace(" ", "_").startswith(script.replace(" ", "_"))
