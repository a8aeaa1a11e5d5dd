"""Rules of quality by name, each with its paper's thresholds; a quality profile is a list of names in TOML.

    [documents]
    quality = ["gopher_quality", "gopher_repetition.top_2_gram", "fineweb.line_punctuation"]

A set's name stands for all of its rules. A rule gives the value it measured, and has bounds, so that a refusal carries
both. A bound of your own stands behind the name: `fineweb.repeated_line_chars<=0.01`, `c4_lines.words>=5`.

| set | from | bounds that differ by source |
|---|---|---|
| `gopher_quality`, `gopher_repetition` | Rae et al. 2021, table A1 | - |
| `c4`, `c4_lines` | Raffel et al. 2020, section 2.2 | sentences 5, words of a line 3 (datatrove); 3 and 5 (TFDS) |
| `fineweb` | Penedo et al. 2024, section 3.6 | repeated_line_chars .1 (paper), .01 (its code, datatrove) |
| `cqia`, `cqia_lines` | after COIG-CQIA (`language_rules.py`) | ours |
| `indic` | after IndicLLMSuite (`language_rules.py`) | ours, some by language: `indic.line_words@ta>=2` |

`c4_lines` and `cqia_lines` refuse no page: they take lines out. What a word is, is what blanks separate, as in the
papers. Where letters stand alone (Chinese, Thai and their kin), several letters are a word, by `contracts/scripts.py`.

The rules of papers were made for English. `ENGLISH` ones are left out for pages of other languages, `BLANKS` ones for
scripts without blanks: such a page passes them, whatever it holds; and so does a page of another language those for
Chinese (`CHINESE`) and for languages of India (`INDIC`). The others count lines, marks and repeats in any script.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from wellspring.tasks.contracts import scripts
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.methods.pages import language_rules

VERSION = 2
STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_BULLETS = ("-", "*", "•", "‣", "▪", "◦", "–")  # noqa: RUF001 - signs of lists
_ELLIPSES = ("...", "…")
_TERMINAL = (".", "!", "?", '"', "”", "。", "！", "？", ":", ";")  # noqa: RUF001 - CJK ends of sentences are meant
_SENTENCE_END = re.compile(r"[.!?。！？]+(?:\s|$)")  # noqa: RUF001 - as above
SHORT_LINE_CHARS = 30
MAX_WORD_CHARS = 1_000
_POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
ENGLISH, BLANKS, ANY = "English", "scripts with blanks", "any script"  # what a rule was made for
CHINESE, INDIC = "Chinese", "languages of India"
_LANGUAGES = {ENGLISH: frozenset({"en"}), CHINESE: frozenset({"zh"}), INDIC: language_rules.INDIA}
LINES = ("c4_lines", "cqia_lines")
_BOUND = re.compile(r"(?P<name>[^<>=@]+?)(?:@(?P<language>[a-z]{2,3}))?\s*(?P<sign><=|>=)\s*(?P<bound>-?[0-9.]+)")


@dataclass(frozen=True)
class Measured:
    """A text and what several rules count of it, counted once."""

    text: str

    @cached_property
    def scale(self) -> int:
        """How many of `words` are counted as one."""
        if self.text.isascii():
            return 1
        return scripts.scale([scripts.letters_in_word(word) for word in scripts.WORD.findall(self.text)])

    @cached_property
    def words(self) -> list[str]:
        """What blanks separate; letters, where most of them stand alone."""
        return self.text.split() if self.scale == 1 else scripts.WORD.findall(self.text)

    @property
    def word_count(self) -> float:
        """How many words there are."""
        return len(self.words) / self.scale

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
        grams = Counter(zip(*(self.words[i:] for i in range(size * self.scale)), strict=False))
        if not grams:
            return 0.0
        gram, count = max(grams.items(), key=lambda pair: (pair[1], pair[0]))
        return self.share(count * sum(map(len, gram)), self._word_chars) if count > 1 else 0.0

    def repeated_grams(self, size: int) -> float:
        """Share of characters in runs of `size` words that were there before; a character counts once."""
        size *= self.scale
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
    """A measure, and the bounds within which a text is kept; `by` has those of languages for which they differ."""

    measure: Callable[[Measured], float]
    least: float = float("-inf")
    most: float = float("inf")
    made_for: str = ANY
    by: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])

    def bounds(self, language: str) -> tuple[float, float]:
        """Return the least and the most that a text of a language may have."""
        return self.by.get(language, (self.least, self.most))

    def bounded(self, side: str, bound: float, language: str) -> "Rule":
        """Return the rule with another bound, of one language where that is named.

        Args:
            side: least or most.
            bound: The bound.
            language: As ISO 639; empty: of all that have none of their own.
        """
        if not language:
            return replace(self, **{side: bound})
        least, most = self.bounds(language)
        return replace(self, by={**self.by, language: (bound, most) if side == "least" else (least, bound)})

    def holds_for(self, text: Measured, language: str) -> bool:
        """Tell whether the rule was made for such a text."""
        if self.made_for in _LANGUAGES:
            return language in _LANGUAGES[self.made_for]
        return self.made_for == ANY or text.scale == 1 or language == "en"


def _ends(text: Measured, ends: tuple[str, ...]) -> float:
    return text.share(sum(line.endswith(ends) for line in text.lines), len(text.lines))


_GOPHER_QUALITY = {
    "words": Rule(lambda t: t.word_count, 50, 100_000),
    "mean_word_chars": Rule(lambda t: t.share(sum(map(len, t.words)), len(t.words)), 3, 10, made_for=BLANKS),
    "hashes_per_word": Rule(lambda t: t.share(t.text.count("#"), t.word_count), most=0.1),
    "ellipses_per_word": Rule(lambda t: t.share(sum(map(t.text.count, _ELLIPSES)), t.word_count), most=0.1),
    "bullet_lines": Rule(lambda t: t.share(sum(s.startswith(_BULLETS) for s in t.lines), len(t.lines)), most=0.9),
    "ellipsis_lines": Rule(lambda t: _ends(t, _ELLIPSES), most=0.3),
    "words_with_a_letter": Rule(lambda t: t.share(sum(any(map(str.isalpha, w)) for w in t.words), len(t.words)), 0.8),
    "stop_words": Rule(lambda t: len(STOP_WORDS & {word.lower() for word in t.words}), 2, made_for=ENGLISH),
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
    "line_ends_per_word": Rule(lambda t: t.share(t.text.count("\n"), t.word_count), most=0.3),
}
_C4_LINES = {
    "end_mark": Rule(lambda t: t.text.endswith(_TERMINAL[:-2]) and not t.text.endswith(_ELLIPSES), 1, made_for=BLANKS),
    "words": Rule(lambda t: t.word_count, 3, made_for=BLANKS),
    "word_chars": Rule(lambda t: max(map(len, t.words), default=0), most=MAX_WORD_CHARS),
    "policies": Rule(lambda t: sum(map(t.text.lower().count, _POLICIES)), most=0),
    "javascript": Rule(lambda t: t.text.lower().count("javascript"), most=0),
}
_CQIA = {
    "han_share": Rule(lambda t: language_rules.han_share(t.text), 0.5, made_for=CHINESE),
    "promotion": Rule(lambda t: language_rules.phrases(t.text, "promotion"), most=0, made_for=CHINESE),
    "applause": Rule(lambda t: language_rules.phrases(t.text, "applause"), most=1, made_for=CHINESE),
    "pictures": Rule(lambda t: language_rules.phrases(t.text, "pictures"), most=1, made_for=CHINESE),
    "unfinished": Rule(lambda t: language_rules.phrases(t.text, "unfinished"), most=0, made_for=CHINESE),
}
_CQIA_LINES = {"aside": Rule(lambda t: language_rules.phrases(t.text, "lines"), most=0, made_for=CHINESE)}
_FEWER_WORDS = {language: (float(least), float("inf")) for language, least in language_rules.WORDS_OF_LINE.items()}
_INDIC = {
    "script_share": Rule(lambda t: language_rules.script_share(t.text), 0.7, made_for=INDIC),
    "other_share": Rule(lambda t: language_rules.other_share(t.text), most=0.3, made_for=INDIC),
    "line_words": Rule(lambda t: t.share(t.word_count, len(t.lines)), 5, made_for=INDIC, by=_FEWER_WORDS),
    "function_words": Rule(lambda t: language_rules.function_words(t.words), 2, made_for=INDIC),
    "repeated_lines": Rule(lambda t: t.repeated(t.lines)[0], most=0.3, made_for=INDIC),
}
SETS: Mapping[str, Mapping[str, Rule]] = {
    "gopher_quality": _GOPHER_QUALITY,
    "gopher_repetition": _GOPHER_REPETITION,
    "c4": _C4,
    "c4_lines": _C4_LINES,
    "fineweb": _FINEWEB,
    "cqia": _CQIA,
    "cqia_lines": _CQIA_LINES,
    "indic": _INDIC,
}


def rules(names: Iterable[str]) -> dict[str, Rule]:
    """Return the rules of a quality profile, by full name (`set.rule`), in its order; a set's name gives all of it.

    Raises:
        UsageError: No such set or rule; the message names those there are. Or a bound stands behind a set.
    """
    chosen: dict[str, Rule] = {}
    for told in names:
        match = _BOUND.fullmatch(told.strip())
        name = match["name"] if match else told
        group, dot, rule = name.partition(".")
        known = SETS.get(group)
        if known is None:
            raise UsageError(f"there is no set of quality rules `{group}`", hint=f"there are: {', '.join(SETS)}")
        if (dot and rule not in known) or (match and not dot):
            raise UsageError(f"there is no quality rule `{name}`", hint=f"`{group}` has: {', '.join(known)}")
        chosen |= {f"{group}.{key}": chosen.get(f"{group}.{key}", known[key]) for key in ([rule] if dot else known)}
        if match:
            side = "most" if match["sign"] == "<=" else "least"
            chosen[name] = chosen[name].bounded(side, _number(match["bound"], told), match["language"] or "")
    return chosen


def _number(bound: str, told: str) -> float:
    try:
        return float(bound)
    except ValueError:
        raise UsageError(f"`{told}` has no number behind its sign", hint="write it as `c4_lines.words>=5`") from None


def without_lines(text: str, chosen: Mapping[str, Rule], language: str) -> str:
    """Return the text without the lines that rules for lines refuse; blank lines stay.

    Args:
        text: A text.
        chosen: Rules, of which those for lines are asked.
        language: That of the text, as ISO 639-1.
    """
    rules_ = [rule for name, rule in chosen.items() if name.startswith(LINES)]
    if not rules_:
        return text
    whole = Measured(text)
    asked = [rule for rule in rules_ if rule.holds_for(whole, language)]
    kept = (
        line
        for line in text.splitlines()
        if not (said := line.strip()) or all(rule.least <= rule.measure(Measured(said)) <= rule.most for rule in asked)
    )
    return "\n".join(kept).strip()


def check(text: str, chosen: Mapping[str, Rule], language: str) -> None:
    """Refuse a text that breaks a rule that was made for it.

    Args:
        text: A text.
        chosen: Rules; those for lines refuse no text.
        language: That of the text, as ISO 639-1.

    Raises:
        Rejection: `quality`; the detail is the rule's name, the value and the bound, of the first that is broken.
    """
    measured = Measured(text)
    for name, rule in chosen.items():
        if name.startswith(LINES) or not rule.holds_for(measured, language):
            continue
        value, (least, most) = rule.measure(measured), rule.bounds(language)
        if not least <= value <= most:
            bound = f"less than {least:g}" if value < least else f"more than {most:g}"
            of = f" for {language}" if language in rule.by else ""
            raise Rejection("quality", f"{name} is {value:.4g}, {bound}{of}")
