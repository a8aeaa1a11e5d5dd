"""Whether a grounding says anything of its own: its scene, and what its message is made of.

A weak model returns the form: dots, a comma, the names of the fields, one text in all of them. What is written once is
shown to later calls as a demonstration and comes back letter by letter, so nothing hollow may pass (no paper; ours).

Letters are counted by what they carry: a Chinese character as three, a kana or a Korean syllable as two. Scripts that
put no spaces between words have a word for about every four.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import UNSAID, is_placeholder
from wellspring.tasks.methods.instructions.copies import coverage, rouge_l, words

VERSION = 2
SCENE_WORDS, SCENE_LETTERS = 5, 24
PART_WORDS, PART_LETTERS = 2, 4
ONE_WORD_LETTERS = 8  # a long word says as much as two: Translation, Zinsrechnung
WORD_WEIGHT = 4
MOST_OF_SCENE, MOST_OF_PARTS = 0.85, 0.9  # ROUGE-L with those of an example; parts are few words, and often the same
RUN_WORDS, MOST_IN_RUNS = 5, 0.25  # of a scene, in runs of words of the examples' scenes
SAME_PARTS, SAME_WORDS = 2, 4  # so many parts, of at least so many words, that are those of examples
PARTS = ("ability", "knowledge", "output")
_WEIGHTS = (
    (re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"), 3),
    (re.compile("[\u3040-\u30ff\uac00-\ud7af]"), 2),
)
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_BETWEEN_WORDS = re.compile(r"[\s/,;|\u3001\u3002\uff0c]+")
_PLACEHOLDER = re.compile(  # a part is a short phrase, so more of it tells than of a message
    rf"(?:\[[^\]]*\]|<[^>]*>|\{{[^}}]*\}}|{UNSAID}\b.{{0,20}})", re.IGNORECASE | re.DOTALL
)
_OF_THE_FORM = frozenset(
    [
        "scene", "query", "compositions", "composition", "ability", "knowledge", "output", "extra", "information",
        "string", "text", "value", "field", "short", "phrase", "phrases", "paragraph", "sentence", "sentences", "json",
        "object", "example", "placeholder", "todo", "tbd", "none", "null", "nothing", "unknown", "na", "n", "xxx",
        "one", "two", "to", "four", "a", "an", "the", "of", "in", "and", "or", "here", "each", "your", "my", "is",
    ]
)  # fmt: skip


def check(parts: Mapping[str, str]) -> None:
    """Return when every part says something.

    Args:
        parts: `scene`, `ability`, `knowledge`, `output`, `extra_information`; the last may be empty.

    Raises:
        Rejection: `no_substance`, with the part and what it says.
    """
    for name in ("scene", *PARTS):
        if why := hollow(parts[name], is_scene=name == "scene"):
            raise Rejection("no_substance", f"`{name}` {why}: {parts[name][:200]}")
    extra = parts.get("extra_information") or ""
    if extra.strip(" -\u2013\u2014") and (not re.search(r"\w", extra.replace("_", "")) or _holds_a_place(extra)):
        raise Rejection("no_substance", f"`extra_information` is a placeholder: {extra[:200]}")
    said = {name: " ".join(words(parts[name])) for name in ("scene", *PARTS)}
    if said["scene"] in {said[name] for name in PARTS}:
        raise Rejection("no_substance", f"the scene is one of its own parts: {parts['scene'][:200]}")
    if len({said[name] for name in PARTS}) == 1:
        raise Rejection("no_substance", f"all parts are the same: {parts['ability'][:200]}")


def check_copies(parts: Mapping[str, str], shown: Iterable[Mapping[str, Any]]) -> None:
    """Return when neither the scene nor the other parts are those of an example that its writer was shown.

    Args:
        parts: As in `check`.
        shown: `scene`, `ability`, `knowledge`, `output` of each example.

    Raises:
        Rejection: `copy_of_demonstration`.
    """
    own = _joined(parts)
    for example in shown:
        if (score := rouge_l(parts["scene"], example["scene"])) > MOST_OF_SCENE:
            raise Rejection("copy_of_demonstration", f"ROUGE-L {score:.2f} with the scene: {example['scene'][:200]}")
        if (score := rouge_l(own, other := _joined(example))) > MOST_OF_PARTS:
            raise Rejection("copy_of_demonstration", f"ROUGE-L {score:.2f} with the parts: {other[:200]}")


def check_pieces(parts: Mapping[str, str], shown: Iterable[Mapping[str, Any]]) -> None:
    """Return when a grounding is not put together from several of the prompt's own examples, which are of other pages.

    Args:
        parts: As in `check`.
        shown: As in `check_copies`.

    Raises:
        Rejection: `copy_of_demonstration`.
    """
    shown = list(shown)
    scenes = "\n".join(example["scene"] for example in shown)
    if (share := coverage(parts["scene"], scenes, RUN_WORDS)) > MOST_IN_RUNS:
        raise Rejection("copy_of_demonstration", f"{share:.0%} of the scene is pieces of those that were shown")
    theirs = {" ".join(words(str(example[name]))) for example in shown for name in PARTS}
    taken = [said for name in PARTS if (said := " ".join(words(parts[name]))) in theirs]
    if sum(len(said.split()) >= SAME_WORDS for said in taken) >= SAME_PARTS:
        raise Rejection("copy_of_demonstration", f"parts that were shown: {', '.join(taken)}"[:200])


def examples(prompt: str) -> list[dict[str, Any]]:
    """Return the groundings that a prompt of our own shows as examples: its JSON objects with a scene and parts."""
    found: list[dict[str, Any]] = []
    place = prompt.find("{")
    while place >= 0:
        try:
            value, end = json.JSONDecoder().raw_decode(prompt, place)
        except ValueError:
            end = place + 1
        else:
            parts = value.get("query_compositions")
            if isinstance(parts, dict) and {*PARTS} <= parts.keys() and isinstance(value.get("scene"), str):
                found.append({"scene": value["scene"], **parts})
        place = prompt.find("{", end)
    return found


def _joined(parts: Mapping[str, Any]) -> str:
    return "\n".join(str(parts[name]) for name in PARTS)


def hollow(text: str, *, is_scene: bool = False) -> str:
    """Return what is wrong with a part; empty where it says something."""
    if _holds_a_place(text):
        return "is a placeholder"
    said = words(text)
    if said and set(said) <= _OF_THE_FORM:
        return "has the words of the form only"
    found, letters = _measured(text)
    if is_scene:
        return "" if found >= SCENE_WORDS and letters >= SCENE_LETTERS else f"has {found} words, {letters} letters"
    if (found >= PART_WORDS and letters >= PART_LETTERS) or letters >= ONE_WORD_LETTERS:
        return ""
    return f"has {found} words, {letters} letters"


def _holds_a_place(text: str) -> bool:
    return is_placeholder(text) or _PLACEHOLDER.fullmatch(text.strip(" \n\t\"'`.,:;")) is not None


def _measured(text: str) -> tuple[int, int]:
    """Count words of letters, each once, and the letters in them by their weight."""
    shown = unicodedata.normalize("NFKC", text).lower()
    runs = {*_UNSPACED.findall(shown)}
    spaced = {_letters(word) for word in _BETWEEN_WORDS.split(_UNSPACED.sub(" ", shown))} - {""}
    found = len(spaced) + sum(max(1, _weight(run) // WORD_WEIGHT) for run in runs)
    return found, sum(_weight(word) for word in (*runs, *spaced))


def _letters(word: str) -> str:
    return "".join(c for c in word if unicodedata.category(c)[0] in "LM")


def _weight(word: str) -> int:
    kept = _letters(word)
    return len(kept) + sum((times - 1) * len(pattern.findall(kept)) for pattern, times in _WEIGHTS)
