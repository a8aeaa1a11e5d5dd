"""Is an answer in another language than its instruction, without being asked to be.

By script first: a Chinese answer to an English question needs no more. Within a script by function words ("the",
"und", "que"), which a text of some length cannot do without; where they do not decide, by the identifier of
`languages.py`. Short texts, code, addresses and quotations are no evidence. An answer may be in any language that the
instruction names, or that a part of the instruction is in; where it asks for a translation, in any.

Close relatives (Norwegian and Danish, Croatian and Serbian, Malay and Indonesian ...) are not told apart: the
identifier cannot. Names of languages and function words are in `answer_language.toml`.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from wellspring.tasks.methods.pages.languages import identify

VERSION = 1
SAMPLE_CHARS = 1_500
LEAST_LETTERS = 20  # of a script whose words have spaces; characters of the others count for three
SURE_LETTERS = 150  # without function words the identifier must have so much
_MARKED_LETTERS, _MARKED_SHARE = 24, 0.03  # letters with marks tell the languages of a script apart
_PART_LETTERS, _LEAST_WORDS, _SHORT_WORDS, _OWN_SHARE, _SPOKEN_SHARE = 24, 3, 12, 0.3, 0.08

_NO_EVIDENCE = re.compile(
    r"```.{0,20000}?```|`[^`\n]{1,200}`|https?://\S{1,300}|\b[\w.-]{1,60}\.(?:com|net|org|io|edu|gov)\b|\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|«[^»\n]{1,300}»"
    r"|「[^」\n]{1,300}」"
    r"|\$[^$\n]{1,200}\$",
    re.DOTALL,
)
_CODE = re.compile(
    r"[{};]\s*$|^\s*(?:def|class|import|from|return|for|if|#include|public|SELECT|<\w+)\b|\w\(.*\)"
    r"|^\s*<",
    re.MULTILINE,
)
_TRANSLATES = re.compile(
    r"translat|übersetz|traduc|tradui|tradu[zç]|tradur|перев[её]|переклад|翻[译譯]|訳し|訳す|和訳|英訳|번역|ترجم|अनुवाद"
    r"|vertaal|vertal|przetłumacz"
    r"|tłumacz|çevir|dịch|terjemah|översätt|oversett|oversæt|käännä|preložit|přelož|fordít|tradu|μετάφρα|แปล|תרגם"
    r"|bilingual|multilingual"
    r"|\b(?:other|another|foreign|different|any|many) languages?\b|\blanguages\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_WIDE = re.compile(r"[\u2e80-\ud7ff\uf900-\ufaff]")
_SCRIPTS = (
    ("HIRAGANA", "kana"),
    ("KATAKANA", "kana"),
    ("CJK", "han"),
    *(
        (name, name.lower())
        for name in ("LATIN", "CYRILLIC", "ARABIC", "HANGUL", "DEVANAGARI", "GREEK", "HEBREW", "THAI")
    ),
    *(
        (name, name.lower())
        for name in ("BENGALI", "TAMIL", "TELUGU", "GEORGIAN", "ARMENIAN", "GUJARATI", "MALAYALAM", "KANNADA")
    ),
)
_UNSURE = frozenset(
    {
        "sn",
        "la",
        "vo",
        "eo",
        "rw",
        "mg",
        "mt",
        "ku",
        "xh",
        "zu",
        "ht",
        "qu",
        "lb",
        "jv",
        "se",
        "br",
        "so",
        "ny",
        "st",
        "tn",
    }
)
_UNTOLD = {"la", "af", "sw", "tl"}  # languages that may be asked for, and that the identifier does not tell
_ALONE = {  # what is written in no other script, and nobody else writes in it to any extent
    "kana": "ja",
    "han": "zh",
    "hangul": "ko",
    "greek": "el",
    "hebrew": "he",
    "thai": "th",
    "bengali": "bn",
    "tamil": "ta",
    "telugu": "te",
    "georgian": "ka",
    "armenian": "hy",
    "gujarati": "gu",
    "malayalam": "ml",
    "kannada": "kn",
}
_RELATIVES = tuple(
    set(family.split())
    for family in (
        *("no nb nn da sv", "hr sr bs sl", "cs sk", "id ms jv", "gl pt", "gl es", "ca es", "ru be bg mk sr", "uk be"),
        *("hi ne mr", "ar fa ur ps", "af nl", "tr az", "et fi", "ca oc", "it co"),
    )
)


class Languages(NamedTuple):
    """The language of an answer, that of its instruction, and whether the one may be answered in the other."""

    answer: str
    instruction: str
    may: bool


def compare(response: str, instruction: str) -> Languages | None:
    """Return the languages of an answer and its instruction; None where there is too little of one to tell it by."""
    said, asked = _evidence(response), _evidence(instruction)
    if min(_letters(said), _letters(asked)) < LEAST_LETTERS:
        return None
    answer, wanted = _language(said), _language(asked)
    if not answer or not wanted:
        return None
    may = (
        _akin(answer, wanted) or bool(_TRANSLATES.search(instruction)) or _is_allowed(answer, wanted, said, instruction)
    )
    return Languages(answer, wanted, may)


def _is_allowed(answer: str, wanted: str, said: str, instruction: str) -> bool:
    """Whether the instruction names the answer's language or is in it in part, or the answer is in the wanted one."""
    allowed = _named(instruction) | {_language(part) for part in _parts(instruction)}
    return bool(allowed & _UNTOLD) or any(_akin(answer, one) for one in allowed if one) or _is_mixed(said, wanted)


def _evidence(text: str) -> str:
    """Return what of a text says in which language it is; nothing of what looks like code."""
    left = _NO_EVIDENCE.sub(" ", text[:SAMPLE_CHARS])
    lines = left.splitlines()
    code = sum(line.isascii() and bool(_CODE.search(line)) for line in lines)
    return "" if code > len(lines) / 2 else left


def _letters(text: str) -> int:
    """Return how much there is to judge by."""
    if text.isascii():
        return sum(map(str.isalpha, text))
    letters = sum(unicodedata.category(char)[0] in "LM" for char in text)  # vowels are marks in the scripts of India
    return letters + 2 * len(_WIDE.findall(text))


@lru_cache(maxsize=8192)
def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    return next((script for prefix, script in _SCRIPTS if name.startswith(prefix)), "other")


def _language(text: str) -> str:
    """Return the language of a text, or nothing where there is too little to say."""
    count = _letters(text)
    if count < LEAST_LETTERS:
        return ""
    script = "latin" if text.isascii() else _main_script(text)
    if script in _ALONE:
        return _ALONE[script]
    if spoken := _spoken(text):
        return spoken
    marked = sum(not char.isascii() for char in text)
    is_sure = count >= SURE_LETTERS or (
        script == "latin" and count >= _MARKED_LETTERS and marked >= _MARKED_SHARE * count
    )
    found = identify(text) if is_sure else ""
    if script == "latin" and not marked and found in _tables()["function_words"]:
        found = ""  # it would have had some of these
    return found if found and found not in _UNSURE else f"in {script}"


def _main_script(text: str) -> str:
    scripts = Counter(map(_script, filter(str.isalpha, text)))
    own = scripts["kana"] + scripts["han"]
    if scripts["kana"] >= max(2, 0.1 * scripts["han"]) and own > 0.3 * scripts.total():
        return "kana"
    weights = {script: (3 if script in {"han", "hangul"} else 1) * times for script, times in scripts.items()}
    return max(sorted(weights), key=weights.__getitem__)


def _spoken(text: str) -> str:
    """Return the language whose function words a text speaks in, if one clearly leads."""
    words = _WORD.findall(text.lower())
    hits = Counter(language for word in words for language in _function_words().get(word, ()))
    if not words:
        return ""
    best = hits.most_common(2)
    if not best or best[0][1] < max(_LEAST_WORDS if len(words) > _SHORT_WORDS else 2, _SPOKEN_SHARE * len(words)):
        return ""
    language, times = best[0]
    if language != "en" and times < 1.5 * hits["en"]:
        return "en" if hits["en"] >= _LEAST_WORDS else ""
    return language if len(best) == 1 or times >= 1.2 * best[1][1] or _akin(language, best[1][0]) else ""


def _akin(one: str, other: str) -> bool:
    if one == other or any({one, other} <= family for family in _RELATIVES):
        return True
    scripts = {_SCRIPT_OF.get(name, name if name in _ALONE.values() else "in latin") for name in (one, other)}
    return len(scripts) == 1 and any(name.startswith("in ") for name in (one, other))


_SCRIPT_OF = {
    **{f"in {script}": f"in {script}" for _, script in _SCRIPTS},
    "in other": "in other",
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "sr", "kk", "mn", "ky"), "in cyrillic"),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug"), "in arabic"),
    **dict.fromkeys(("hi", "ne", "mr"), "in devanagari"),
}


def _parts(instruction: str) -> list[str]:
    """Return the parts of an instruction that may each be in a language of its own: lines, quotations, a text."""
    parts = re.split(r"[\n:\"“”«»`\uff1a]+", instruction[:SAMPLE_CHARS])
    return [part for part in parts if _letters(part) >= _PART_LETTERS][:20]


def _is_mixed(said: str, wanted: str) -> bool:
    """Whether a good part of an answer is in the language that was wanted, so that the rest may be what it shows."""
    parts = [part for part in re.split(r"\n+|(?<=[.!?])\s+", said) if _letters(part) >= _PART_LETTERS][:30]
    own = sum(_letters(part) for part in parts if _akin(_language(part), wanted))
    return own >= _OWN_SHARE * sum(map(_letters, parts)) if parts else False


def _named(instruction: str) -> set[str]:
    """Return the languages that an instruction names."""
    lower = instruction.casefold()
    words = set(_WORD.findall(lower))
    return {
        code
        for code, names in _tables()["names"].items()
        for name in names
        if name in words or (not name.isascii() and len(name) > 1 and name in lower)
    }


@lru_cache(maxsize=1)
def _function_words() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    shared = set(_tables()["english_too"]["words"][0].split())
    for language, words in _tables()["function_words"].items():
        for word in words[0].split():
            if language == "en" or not word.isascii() or (len(word) > 1 and word not in shared):
                found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(
        (resources.files("wellspring.tasks.methods.answers") / "answer_language.toml").read_text(encoding="utf-8")
    )
