"""Does an answer say anything: something must be left when marks, tags, labels and invisible characters are taken away.

A place-holder ("TODO", "None", "N/A", "Lorem ipsum"), an empty code fence, an announcement of an answer that does not
come and a word or two where a text was asked for say nothing. "-1", "No", "42", "π" and "B" are answers. Whether a
word is one can depend on what was asked: "None" is, where the instruction names it, asks what code returns or asks
which of several; a sign or an emoji is, where one was asked for.

Linear in the text. The place-holders are in `substance.toml`.
"""

import html
import json
import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib import resources
from typing import Any

VERSION = 1
LOOKED_AT_CHARS = 400  # what says nothing for so long is said to loop, by another check
_SHOWN_CHARS = 60
_LABEL_CHARS, _FILLER_WORDS, _TEXT_WORDS, _ONE_LETTER_TIMES = 80, 12, 2, 4

_MARKS = " \t\n.,:;!?*_`'\"()[]{}<>|/\\-=#~\u3002\uff01\uff1f\u0964\u061f\u2026\u201c\u201d"
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[ \t]*[\w+#.-]*[ \t]*$", re.MULTILINE)
_TAG = re.compile(
    r"<!--.{0,400}?-->|</?[a-z][^<>]{0,80}>|<\|[^|<>]{1,40}\|>|\[/?(?:PAD|EOS|BOS|UNK|INST)\]",
    re.IGNORECASE | re.DOTALL,
)
_MARKER = re.compile(r"^[ \t]*(?:\d{1,3}[.)]|[a-z]\))[ \t]*$", re.MULTILINE)
_NUMBER = re.compile(r"\d+[.)]")  # may be a result
_LABEL = re.compile(
    r"\A\W*(?:answer|response|output|assistant|reply|result|solution|a|réponse|antwort|respuesta|resposta"
    r"|risposta|ответ"
    r"|回答|答案|答|答え|답변|답|الإجابة|उत्तर|cevap|odpowiedź|antwoord|jawaban|trả lời)\s*[:\uff1a]",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"\A\W*[\[<{(]+[^\[\]<>{}()]{0,60}\b(?:answers?|response|reply|insert|your|placeholder|content|todo|tbd|text"
    r"|output|here)\b"
    r"[^\[\]<>{}()]{0,60}[\]>})]+\W*\Z",
    re.IGNORECASE,
)
_OPEN_TASK = re.compile(r"\W*(?:todo|tbd|tba|fixme|placeholder|lorem ipsum|xxx)\b", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"\W*(?:(?:sure|certainly|of course|absolutely|okay|ok|alright|got it|understood|no problem|great question"
    r"|thanks?|thank you"
    r"|natürlich|gerne|bien sûr|claro|por supuesto|certo|конечно|好的|当然"
    r"|(?:i(?:'ll| will| can| would| am|'d)(?: be)? (?:happy|glad|help|do|answer|try)|let me\b|here(?:'s| is| are"
    r"| you go)|voici"
    r"|aquí (?:está|tienes)|hier ist|ecco|вот)[^.!?\n:]{0,60}(?=[.!?\n:]|\Z))\W*){1,4}",
    re.IGNORECASE,
)
_WANTS_SIGN = re.compile(
    r"\b(?:emojis?|emoticons?|smileys?|symbols?|signs?|characters?|punctuation|operators?|marks?|keys?|ascii|draw"
    r"|art|arrow|dots?"
    r"|tags?|html|xml|markup|output|prints?|returns?|code|regex|json|array|list|pattern|morse|notation|rating"
    r"|stars?|braille"
    r"|symbole?|zeichen|símbolos?|signos?|символ\w*|знак\w*)\b|符号|記号|绘|表情|기호|절댓값|رمز",
    re.IGNORECASE,
)
_WANTS_FILLER = re.compile(r"lorem|placeholder|place-holder|dummy|filler|sample text|template", re.IGNORECASE)
_WANTS_NONE = re.compile(
    r"\b(?:prints?|returns?|outputs?|evaluates?|python|javascript|function|code|value of|type)\b"
    r"|\b(?:which|how many|are there|is there|any|none|who|what)\b[^?]{0,80}\b(?:of (?:these|the following|them"
    r"|the)|if any|there)\b",
    re.IGNORECASE,
)
_WANTS_WORD = re.compile(
    r"\b(?:words?|synonyms?|antonyms?|names?|terms?|rhymes?|spell\w*|nouns?|verbs?|adjectives?|categor\w+|labels?"
    r"|blanks?|which|riddle|opposite"
    r"|rearrange|anagrams?|unscramble|classify|choose|select|complete|identify|type|kind|called)\b",
    re.IGNORECASE,
)
_WANTS_NAME = re.compile(r"\bcall(?:ed)?\b", re.IGNORECASE)
_WANTS_TEXT = re.compile(
    r"\b(?:write|compose|draft) (?:\w+ ){0,3}?(?:essay|story|article|poem|letter|email|e-mail|paragraph|blog"
    r"|speech|report|summary"
    r"|script|dialogue|guide|review|post|plan|explanation)\b"
    r"|\A\W*(?:please )?(?:explain|describe|compare|discuss|argue|elaborate|summari[sz]e|outline|plan|teach me)\b"
    r"|\bstep[- ]by[- ]step\b|\bin detail\b|\bname (?:three|four|five|six|seven|eight|nine|ten)\b",
    re.IGNORECASE,
)
_WANTS_LITTLE = re.compile(
    r"\b(?:one|single|two|a few|few|\d) words?\b|\byes or no\b|\btrue or false\b|\bone[- ]word\b|\bonly\b"
    r"|\bclassify\b|\bnumber\b"
    r"|\b(?:whether|true|false|equal|identical|same)\b|\bshort(?:est|ly)?\b|\bbrief|\breply with\b"
    r"|\brespond with\b|\bemojis?\b|\bjust\b|\bnothing else\b",
    re.IGNORECASE,
)


def nothing(text: str, instruction: str) -> str | None:
    """Return why an answer says nothing, or None where it says something.

    >>> nothing("...", "How do I reverse a list?")
    'no letters or digits'
    """
    if len(text) > LOOKED_AT_CHARS:
        is_filler = text[:20].lstrip().lower().startswith("lorem ipsum") and not _WANTS_FILLER.search(instruction)
        return "lorem ipsum" if is_filler else None if any(map(str.isalnum, text)) else "no letters or digits"
    visible = _visible(text)
    if not any(char.isalnum() for char in visible):
        return None if visible and _WANTS_SIGN.search(instruction) else "no letters or digits"
    bare = _bare(visible)
    if not any(char.isalnum() for char in bare) or _is_empty_json(visible):
        return None if _WANTS_SIGN.search(instruction) or visible in instruction else f"only `{visible[:_SHOWN_CHARS]}`"
    return _filler(bare, instruction) or _too_little(bare, instruction)


def _visible(text: str) -> str:
    """Return a text without what nobody sees: marks of direction, joiners, fillers, white space at its ends."""
    kept = (
        char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) not in {"Cf", "Co", "Cn"}
    )
    return "".join("" if char in "\u115f\u1160\u3164\uffa0\u2800\ufffd\u034f" else char for char in kept).strip()


def _bare(visible: str) -> str:
    """Return what is left without fences, tags, markers of empty lists and the label of an answer."""
    left = _TAG.sub(" ", html.unescape(_FENCE.sub(" ", visible))).strip()
    left = left if _NUMBER.fullmatch(left) else _MARKER.sub(" ", left).strip()
    return _LABEL.sub("", left, count=1).strip() if len(left) <= _LABEL_CHARS else left


def _is_empty_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    try:
        return _is_empty(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(_is_empty(one) for one in (value.values() if isinstance(value, dict) else value))
    return value is None or (isinstance(value, str) and value.strip().lower() in _fillers() | {""})


def _filler(bare: str, instruction: str) -> str | None:
    """Return the words of a place-holder, or of an announcement without what it announces."""
    said = bare.casefold().strip(_MARKS)
    asked = instruction.casefold()
    words = set(said.split())
    first = next(iter(words)) if len(words) == 1 else said
    if said in _fillers() or first in _fillers():
        is_value = first in _values() and _WANTS_NONE.search(instruction)
        is_meant = first in asked or is_value or _WANTS_NAME.search(instruction)
        is_meant = is_meant or (first in _nouns() and _WANTS_WORD.search(instruction))
        return None if is_meant else f"only `{bare[:_SHOWN_CHARS]}`"
    if _FORM.match(bare) or (_OPEN_TASK.match(bare) and len(said.split()) <= _FILLER_WORDS):
        is_meant = _OPEN_TASK.search(instruction) or _WANTS_FILLER.search(instruction)
        return None if is_meant else f"only `{bare[:_SHOWN_CHARS]}`"
    if len(said) >= _ONE_LETTER_TIMES and len(set(said)) == 1 and not said.isdigit() and said not in asked:
        return f"only `{bare[:_SHOWN_CHARS]}`"
    if _ANNOUNCED.fullmatch(bare) and said not in asked:
        return f"it announces an answer and gives none: `{bare[:_SHOWN_CHARS]}`"
    return None


def _too_little(bare: str, instruction: str) -> str | None:
    words = bare.split()
    if len(words) > _TEXT_WORDS or not bare.isascii() or any(char.isdigit() for char in bare):
        return None
    if not _WANTS_TEXT.search(instruction) or _WANTS_LITTLE.search(instruction):
        return None
    return f"`{bare[:_SHOWN_CHARS]}`, where a text was asked for"


@lru_cache(maxsize=1)
def _lists() -> dict[str, list[str]]:
    return tomllib.loads(
        (resources.files("wellspring.tasks.methods.answers") / "substance.toml").read_text(encoding="utf-8")
    )


@lru_cache(maxsize=1)
def _fillers() -> frozenset[str]:
    return frozenset(one.casefold() for group in _lists().values() for one in group)


@lru_cache(maxsize=1)
def _values() -> frozenset[str]:
    return frozenset(_lists()["values"])


@lru_cache(maxsize=1)
def _nouns() -> frozenset[str]:
    return frozenset(_lists()["nouns"])
