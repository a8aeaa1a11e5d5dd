"""Rules of quality by name, each with its paper's thresholds; a quality profile is a list of names in TOML.

    [documents]
    quality = ["gopher_quality", "gopher_repetition.top_2_gram", "fineweb.line_punctuation"]

A set's name stands for all of its rules. A rule gives the value it measured, and has bounds, so that a refusal carries
both. Papers: Gopher (Rae et al. 2021, table A1), C4 (Raffel et al. 2020, section 2.2), FineWeb (Penedo et al. 2024,
section 3.6). Lengths are those of the paper, and so is what a word is: what blanks separate. The rules know English
(stop words) and scripts with blanks; for others choose those that count lines.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from wellspring.tasks.contracts.errors import Rejection, UsageError

VERSION = 1
STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_BULLETS = ("-", "*", "•", "‣", "▪", "◦", "–")  # noqa: RUF001 - signs of lists
_ELLIPSES = ("...", "…")
_TERMINAL = (".", "!", "?", '"', "”", "。", "！", "？", ":", ";")  # noqa: RUF001 - CJK ends of sentences are meant
_SENTENCE_END = re.compile(r"[.!?。！？]+(?:\s|$)")  # noqa: RUF001 - as above
SHORT_LINE_CHARS = 30


@dataclass(frozen=True)
class Measured:
    """A text and what several rules count of it, counted once."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        """What blanks separate."""
        return self.text.split()

    @cached_property
    def lines(self) -> list[str]:
        """Lines that are not blank."""
        return [line.strip() for line in self.text.splitlines() if line.strip()]

    @cached_property
    def paragraphs(self) -> list[str]:
        """What blank lines separate."""
        return [part.strip() for part in re.split(r"\n\s*\n", self.text) if part.strip()]

    def share(self, count: float, of: float) -> float:
        """A share, 0 of nothing."""
        return count / of if of else 0.0

    def repeated(self, parts: list[str]) -> tuple[float, float]:
        """Shares of parts, and of the text's characters, that are in copies of earlier parts."""
        copies = [(part, count - 1) for part, count in Counter(parts).items() if count > 1]
        chars = sum(len(part) * count for part, count in copies)
        return self.share(sum(c for _, c in copies), len(parts)), self.share(chars, len(self.text))

    def top_gram(self, size: int) -> float:
        """Share of characters in the most frequent run of `size` words, where it is there more than once."""
        grams = Counter(zip(*(self.words[i:] for i in range(size)), strict=False))
        if not grams:
            return 0.0
        gram, count = max(grams.items(), key=lambda pair: (pair[1], pair[0]))
        return self.share(count * sum(map(len, gram)), self._word_chars) if count > 1 else 0.0

    def repeated_grams(self, size: int) -> float:
        """Share of characters in runs of `size` words that were there before; a character counts once."""
        seen = set[tuple[str, ...]]()
        repeated, free = 0, 0
        grams = zip(*(self.words[i:] for i in range(size)), strict=False)
        for start, gram in enumerate(grams):
            if gram in seen:
                repeated += sum(len(word) for word in self.words[max(start, free) : start + size])
                free = start + size
            seen.add(gram)
        return self.share(repeated, self._word_chars)

    @cached_property
    def _word_chars(self) -> int:
        return sum(map(len, self.words))


@dataclass(frozen=True, slots=True)
class Rule:
    """A measure, and the bounds within which a text is kept."""

    measure: Callable[[Measured], float]
    least: float = float("-inf")
    most: float = float("inf")


def _ends(text: Measured, ends: tuple[str, ...]) -> float:
    return text.share(sum(line.endswith(ends) for line in text.lines), len(text.lines))


_GOPHER_QUALITY = {
    "words": Rule(lambda t: len(t.words), 50, 100_000),
    "mean_word_chars": Rule(lambda t: t.share(sum(map(len, t.words)), len(t.words)), 3, 10),
    "hashes_per_word": Rule(lambda t: t.share(t.text.count("#"), len(t.words)), most=0.1),
    "ellipses_per_word": Rule(lambda t: t.share(sum(map(t.text.count, _ELLIPSES)), len(t.words)), most=0.1),
    "bullet_lines": Rule(lambda t: t.share(sum(s.startswith(_BULLETS) for s in t.lines), len(t.lines)), most=0.9),
    "ellipsis_lines": Rule(lambda t: _ends(t, _ELLIPSES), most=0.3),
    "words_with_a_letter": Rule(lambda t: t.share(sum(any(map(str.isalpha, w)) for w in t.words), len(t.words)), 0.8),
    "stop_words": Rule(lambda t: len(STOP_WORDS & {word.lower() for word in t.words}), 2),
}
_GOPHER_REPETITION = {
    "lines": Rule(lambda t: t.repeated(t.lines)[0], most=0.3),
    "paragraphs": Rule(lambda t: t.repeated(t.paragraphs)[0], most=0.3),
    "line_chars": Rule(lambda t: t.repeated(t.lines)[1], most=0.2),
    "paragraph_chars": Rule(lambda t: t.repeated(t.paragraphs)[1], most=0.2),
    "top_2_gram": Rule(lambda t: t.top_gram(2), most=0.2),
    "top_3_gram": Rule(lambda t: t.top_gram(3), most=0.18),
    "top_4_gram": Rule(lambda t: t.top_gram(4), most=0.16),
    "5_grams": Rule(lambda t: t.repeated_grams(5), most=0.15),
    "6_grams": Rule(lambda t: t.repeated_grams(6), most=0.14),
    "7_grams": Rule(lambda t: t.repeated_grams(7), most=0.13),
    "8_grams": Rule(lambda t: t.repeated_grams(8), most=0.12),
    "9_grams": Rule(lambda t: t.repeated_grams(9), most=0.11),
    "10_grams": Rule(lambda t: t.repeated_grams(10), most=0.1),
}
_C4 = {
    "sentences": Rule(lambda t: len(_SENTENCE_END.findall(t.text)), 5),
    "lorem_ipsum": Rule(lambda t: t.text.lower().count("lorem ipsum"), most=0),
    "curly_brackets": Rule(lambda t: t.text.count("{"), most=0),
    "javascript_lines": Rule(lambda t: sum("enable javascript" in line.lower() for line in t.lines), most=0),
}
_FINEWEB = {
    "line_punctuation": Rule(lambda t: _ends(t, _TERMINAL), 0.12),
    "short_lines": Rule(lambda t: t.share(sum(len(s) <= SHORT_LINE_CHARS for s in t.lines), len(t.lines)), most=0.67),
    "repeated_line_chars": Rule(lambda t: t.repeated(t.lines)[1], most=0.1),
    "line_ends_per_word": Rule(lambda t: t.share(t.text.count("\n"), len(t.words)), most=0.3),
}
SETS: Mapping[str, Mapping[str, Rule]] = {
    "gopher_quality": _GOPHER_QUALITY,
    "gopher_repetition": _GOPHER_REPETITION,
    "c4": _C4,
    "fineweb": _FINEWEB,
}


def rules(names: Iterable[str]) -> dict[str, Rule]:
    """Return the rules of a quality profile, by full name (`set.rule`), in its order; a set's name gives all of it.

    Raises:
        UsageError: No such set or rule; the message names those there are.
    """
    chosen: dict[str, Rule] = {}
    for name in names:
        group, dot, rule = name.partition(".")
        known = SETS.get(group)
        if known is None:
            raise UsageError(f"there is no set of quality rules `{group}`", hint=f"there are: {', '.join(SETS)}")
        if dot and rule not in known:
            raise UsageError(f"there is no quality rule `{name}`", hint=f"`{group}` has: {', '.join(known)}")
        chosen |= {f"{group}.{key}": known[key] for key in ([rule] if dot else known)}
    return chosen


def check(text: str, chosen: Mapping[str, Rule]) -> None:
    """Refuse a text that breaks a rule.

    Raises:
        Rejection: `quality`; the detail is the rule's name, the value and the bound, of the first that is broken.
    """
    measured = Measured(text)
    for name, rule in chosen.items():
        value = rule.measure(measured)
        if not rule.least <= value <= rule.most:
            bound = f"less than {rule.least:g}" if value < rule.least else f"more than {rule.most:g}"
            raise Rejection("quality", f"{name} is {value:.4g}, {bound}")
