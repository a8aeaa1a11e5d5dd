"""Answers that are right by rule, and mutants that are wrong by rule: what a verifier is held to before it is trusted.

    right("amount", "5 km") -> ["Answer: 5 km", "Answer: 5000 m", ...]
    wrong("amount", "5 km", "How long is it?", page) -> [Mutant("wrong_number", "Answer: 6 km"), ...]

Both are made by how they are written, and never by asking a verifier: one that is wrong would choose its own mutants.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from wellspring.tasks.contracts import comparers

OTHERS = 3  # of the page, that stand for the answer
SHORT_WORDS = 4
REFUSALS = ("I cannot answer that.", "I do not know.", "The page does not say.", "unknown", "N/A")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMERAL = re.compile(r"\d(?:[.,']?\d| (?=\d{3}(?!\d))\d)*")
_NAME = re.compile(r"(?<![.!?\n] )(?<!^)\b[A-Z][\w'-]+(?: [A-Z][\w'-]+)*", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]{5,}")
_SHORT_DAY = 12  # what may be a month, too
_DAYS = 28  # of each month
_FINER = {"km": ("m", 1000), "m": ("cm", 100), "kg": ("g", 1000), "t": ("kg", 1000), "g": ("mg", 1000)} | {
    "hours": ("minutes", 60), "hour": ("minutes", 60), "minutes": ("seconds", 60), "years": ("months", 12),
    "days": ("hours", 24), "GB": ("MB", 1000), "MW": ("kW", 1000), "ha": ("m2", 10000), "l": ("ml", 1000),
}  # fmt: skip
_WRONG_UNITS = ("km", "cm", "kg", "seconds", "months", "%", "dollars")


class Mutant(NamedTuple):
    """A wrong answer, whole, and in what way it is wrong."""

    kind: str
    text: str


def final(answer: str) -> str:
    """Return the last line that names an answer."""
    return f"Answer: {answer}"


def right(kind: str, known: str) -> list[str]:
    """Return answers that say what is known in other ways, as the kind allows.

    Args:
        kind: One of `comparers.KINDS`.
        known: The answer alone.
    """
    of = {"text": _texts, "amount": _amounts, "set": _sets, "date": _dates}[kind]
    said = dict.fromkeys([known, f"{known}.", f"**{known}**", *of(known)])
    return [final(one) for one in said] + [f"I looked it up, and it is clear.\n\n{final(known)}"]


def _texts(known: str) -> Iterator[str]:
    yield known.lower()
    yield f'"{known}"'


def _amounts(known: str) -> Iterator[str]:
    found = comparers.amount(known)
    numerals = list(_NUMERAL.finditer(known))
    if not found or len(numerals) != 1 or (value := comparers.numeral(numerals[0][0])) is None:
        return
    before, after = known[: numerals[0].start()], known[numerals[0].end() :]
    if value == value.to_integral_value():
        yield f"{before}{int(value):,}{after}"
        yield f"{before}{int(value)}.0{after}"
        if value <= len(SMALL) - 1 and not before and after[:1] in {"", " "}:
            yield f"{SMALL[int(value)]}{after}"
    if not before and (finer := _FINER.get(after.strip())):
        yield f"{_shown(value * finer[1])} {finer[0]}"


def _sets(known: str) -> Iterator[str]:
    members = [one.strip() for one in known.split(";")]
    yield "; ".join(reversed(members))
    if not any(re.search(r",|\band\b|&", one) for one in members):
        yield ", ".join(reversed(members))
        if len(members) > 1:
            yield f"{', '.join(members[1:])} and {members[0]}"


def _dates(known: str) -> Iterator[str]:
    year, month, day = comparers.date(known) or (None, None, None)
    if month and day:
        tail = f", {year}" if year else ""
        yield f"{MONTHS[month - 1]} {day}{tail}"
        yield f"{day} {MONTHS[month - 1][:3]}" + (f" {year}" if year else "")
    if year and year > 0 and month:
        yield f"{year:04}-{month:02}" + (f"-{day:02}" if day else "")


def names(text: str) -> list[str]:
    """Return the names in a text, each once: capitalised words, but for those that begin a line or a sentence."""
    return _distinct(_NAME.findall(text))


def wrong(kind: str, known: str, question: str, page: str) -> list[Mutant]:
    """Return answers that are wrong, each whole, of all kinds that the known answer allows.

    Args:
        kind: One of `comparers.KINDS`.
        known: The answer alone.
        question: What was asked.
        page: The text that the answer was read from; it gives other names, numbers and words.
    """
    others = list(islice(_others(kind, known, page), OTHERS))
    of = {"text": _wrong_texts, "amount": _wrong_amounts, "set": _wrong_sets, "date": _wrong_dates}[kind]
    made = [
        *of(known, others),
        *(Mutant("swapped_entity", final(one)) for one in others),
        *_negations(known),
        *(Mutant("empty", one) for one in ("", " \n", "Answer:", "Answer: -", "Answer: ?")),
        *(Mutant("refusal", one) for one in REFUSALS),
        *(Mutant("refusal", final(one)) for one in REFUSALS),
        *(Mutant("echo", one) for one in (question, final(question), page, f"{question}\n{page}")),
        *_at_once(known, others),
        *_stuffed(known, page),
    ]
    return list(dict.fromkeys(made))


def _others(kind: str, known: str, page: str) -> Iterator[str]:
    """Yield what of the page could stand in place of the answer, and shares no word with it."""
    if kind in {"amount", "date"}:
        value = comparers.amount(known) if kind == "amount" else comparers.date(known)
        tail = known[known.rfind(" ") :] if kind == "amount" and " " in known else ""
        for numeral in dict.fromkeys(one[0] for one in _NUMERAL.finditer(page)):
            said = f"{numeral}{tail}"
            found = comparers.amount(said) if kind == "amount" else comparers.date(said)
            if found is not None and value is not None and found[0] != value[0]:
                yield said
        return
    own = {*comparers.folded(known.replace(";", " ")).split()}
    for pattern in (_NAME, _WORD):
        for name in dict.fromkeys(one[0] for one in pattern.finditer(page)):
            if not own & {*comparers.folded(name).split()}:
                yield name


def _wrong_texts(known: str, others: Sequence[str]) -> Iterator[Mutant]:
    words = known.split()
    if len(words) > 1:
        yield Mutant("near_miss", final(" ".join(words[:-1])))
        if comparers.folded(words[0]):
            yield Mutant("near_miss", final(" ".join([*words[1:], "and", *words[:1]])))
    longest = max(words, key=len)
    if swapped := _misspelt(longest):
        yield Mutant("near_miss", final(known.replace(longest, swapped)))
    for other in others[:1]:
        yield Mutant("near_miss", final(f"{known} {other}"))
    yield from _wrong_numbers(known)


def _misspelt(word: str) -> str:
    """Return a word with two letters in the middle that changed places; '' where that gives no other."""
    for at in range(1, len(word) - 1):
        one, other = word[at], word[at + 1]
        if one.isalpha() and other.isalpha() and one.casefold() != other.casefold():
            return word[:at] + other + one + word[at + 2 :]
    return ""


def _wrong_numbers(known: str) -> Iterator[Mutant]:
    """Yield the text with one of its numbers changed."""
    for found in _NUMERAL.finditer(known):
        if (value := comparers.numeral(found[0])) is None:
            continue
        step = Decimal(1).scaleb(min(int(value.as_tuple().exponent), 0))
        for other in dict.fromkeys((value + step, value - step, value * 10, value / 10, value * 2)):
            if other != value and other >= 0:
                yield Mutant("wrong_number", final(known[: found.start()] + _shown(other) + known[found.end() :]))


def _shown(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _wrong_amounts(known: str, _: Sequence[str]) -> Iterator[Mutant]:
    yield from _wrong_numbers(known)
    found = comparers.amount(known)
    numeral = _NUMERAL.search(known)
    if not found or not numeral or not found[0]:
        return
    value, (dimension, factor), _worth = found
    yield Mutant("wrong_number", final(f"-{known}"))
    if not dimension:
        return
    for unit in _WRONG_UNITS:
        other = comparers.amount(f"1 {unit}")
        if other and other[1] != (dimension, factor):
            yield Mutant("wrong_unit", final(f"{_shown(abs(value))} {unit}"))


def _wrong_sets(known: str, others: Sequence[str]) -> Iterator[Mutant]:
    members = list({comparers.folded(one): one.strip() for one in known.split(";")}.values())
    for at in range(min(len(members), OTHERS) if len(members) > 1 else 0):
        rest = members[:at] + members[at + 1 :]
        yield Mutant("near_miss", final("; ".join(rest)))
        for other in others[:1]:
            yield Mutant("swapped_entity", final("; ".join([*rest, other])))
    for other in others[:2]:
        yield Mutant("near_miss", final("; ".join([*members, other])))


def _wrong_dates(known: str, _: Sequence[str]) -> Iterator[Mutant]:
    year, month, day = comparers.date(known) or (None, None, None)
    if day and month and year and year > 0:
        for near in (day % _DAYS + 1, (day - 2) % _DAYS + 1):
            yield Mutant("near_miss", final(f"{year:04}-{month:02}-{near:02}"))
        if day <= _SHORT_DAY and day != month:
            yield Mutant("near_miss", final(f"{year:04}-{day:02}-{month:02}"))
        yield Mutant("near_miss", final(f"{MONTHS[month - 1]} {year}"))
    if year and month:
        yield Mutant("near_miss", final(f"{day or ''} {MONTHS[month % 12]} {year}".strip()))
        yield Mutant("near_miss", final(str(year)))
    for near in (year + 1, year - 1, year + 10, year + 100) if year and year > 1 else ():
        head = f"{day or ''} {MONTHS[month - 1]} " if month else ""
        yield Mutant("wrong_number", final(f"{head}{near}".strip()))


def _negations(known: str) -> Iterator[Mutant]:
    for form in ("not {}", "It is not {}", "anything but {}", "{} is wrong", "certainly not {}"):
        yield Mutant("negation", final(form.format(known)))


def _at_once(known: str, others: Sequence[str]) -> Iterator[Mutant]:
    other = others[0] if others else "something else"
    for form in ("{} or {}", "either {} or {}", "{} / {}", "one of: {}, {}"):
        yield Mutant("every_answer", final(form.format(known, other)))
        yield Mutant("every_answer", final(form.format(other, known)))
    yield Mutant("every_answer", f"{final(known)}\n{final(other)}")
    yield Mutant("every_answer", f"{final(other)}\n{final(known)}")


def _stuffed(known: str, page: str) -> Iterator[Mutant]:
    words = [one for one in _distinct(_WORD.findall(page)) if one.casefold() not in known.casefold()][:SHORT_WORDS]
    if words:
        yield Mutant("stuffing", final(f"{known}, {', '.join(words)}"))
        yield Mutant("stuffing", final(f"{' '.join(words)} {known}"))
    yield Mutant("stuffing", " ".join([known] * SHORT_WORDS))
    yield Mutant("stuffing", f"{known}, {known}. The answer is {known}")
    yield Mutant("stuffing", f"{final(known)}\nAnd more on it: {page[:200]}")


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
