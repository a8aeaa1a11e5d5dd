"""Personal data in a text, replaced by typed placeholders: e-mail, phone, IP, IBAN, card, national numbers, secrets.

Recognised by form, and by checksum where there is one (Luhn, IBAN's modulus 97, those of `national_numbers.py`), so
that prices, dates and versions stay. Keys and passwords are those of `secret_keys.py`. Names are not looked for: they
are most of what history, science and news are about. General recognisers (spaCy's behind Presidio) take 30 times longer
than extraction.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import partial

from wellspring.tasks.methods.pages import national_numbers, secret_keys

VERSION = 2
_USER, _DOT = r"\b[A-Za-z0-9._%+-]{1,64}", r"(?:\.|\s?(?:\[dot\]|\(dot\))\s?)"
_HOST = rf"[A-Za-z0-9-]{{1,63}}(?:{_DOT}[A-Za-z0-9-]{{1,63}})*{_DOT}[A-Za-z]{{2,24}}\b"
_EMAIL = re.compile(rf"{_USER}@{_HOST}")
_SPELT_EMAIL = re.compile(rf"{_USER}\s?(?:\[at\]|\(at\))\s?{_HOST}")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,7}(?![\w:])")
# Characters after country and check digits, by the registry of ISO 13616.
_IBAN_CHARS = {
    11: "NO", 12: "BE", 14: "DK FI FK FO GL NL SD", 15: "MK", 16: "AT BA EE KZ LT LU MN XK", 17: "CH CR HR LI LV",
    18: "BG BH DE GB GE IE ME RS VA", 19: "AE GI IL IQ OM SO TL", 20: "AD CZ ES MD PK RO SA SE SI SK TN VG",
    21: "LY PT ST",
    22: "IS TR", 23: "BI DJ DZ FR GR IT MC MR SM", 24: "AL AZ BY CY DO GT HN HU LB NI PL SV", 25: "BR EG PS QA UA",
    26: "JO KW MU YE", 27: "MT SC", 28: "LC", 29: "RU",
}  # fmt: skip
_IBAN = re.compile(
    r"(?i)\b(?=[A-Z]{2} ?\d\d)(?:"
    + "|".join(
        rf"(?:{'|'.join(countries.split())}) ?\d\d(?:[ -]?[A-Z0-9]){{{count}}}"
        for count, countries in _IBAN_CHARS.items()
    )
    + r")(?![A-Z0-9])"
)
_CARD = re.compile(
    r"(?<![\w.%=/-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]| \d{5})"
)
_ABROAD = re.compile(
    r"(?<![\w./-])\+[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{1,5}){1,5}(?![\w-]|\.\d)"
)
# In groups as numbers are written; bare digits are left, most of them are no phones.
_PHONE = re.compile(
    r"(?<![\w./-])(?:\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4}|0[1-9](?:[ .]\d{2}){4}"
    r"|0\d{1,4}[ /-]\d{3,4}[ -]?\d{3,5})(?![\w-]|\.\d| \d{3}\b)"
)
_VERSION_BEFORE = re.compile(
    r"(?i)(?:\bv(?:ersion|er)?\.?|\brelease|\bbuild|\bfirmware|\bsection|\bchapter|\u00a7)\s?$"
)
# Where any of them can be. Each form is looked for by itself, from a literal where it has one: alternatives of one
# expression take five times as long.
_PLACES = tuple(
    re.compile(form)
    for form in (
        r"@",
        r"\[at\]",
        r"\(at\)",
        r"::[0-9a-fA-F]",
        r":(?<=[0-9a-fA-F]:)[0-9a-fA-F:]{6,}",
    )
)
# Numbers, after their first digit. One scan tells where any can be: most texts hold none but the first.
_AFTER_A_DIGIT = (
    r"[\d .()/:-]{5,}",
    r"\d ?\d\d ?\d\d ?[A-Da-d]\b",
    r"\d[A-EHLMPRST]\d\d[A-Z]\d",
    r"\d{5}[HMX][A-Z]",
    r"\d{3}[A-Z]\b",
)
_NUMBERS = tuple(re.compile(rf"\d{form}") for form in _AFTER_A_DIGIT)
_ANY_NUMBER = re.compile(rf"\d(?:({_AFTER_A_DIGIT[0]})|{'|'.join(_AFTER_A_DIGIT[1:])})")
_LETTERED = re.compile(r"(?<=\d)[A-Za-d]|(?<=\d\d )[A-Da-d]")  # with what is before, a form that has a letter
LEAST_DIGITS, IPV4_DOTS = 7, 3  # of a number that is anyone's
AROUND_CHARS = 90  # of a place, where a match may begin and end

KINDS = ("SECRET", "EMAIL", "IBAN", "CARD", "NATIONAL_ID", "IP", "PHONE")


def replace(text: str) -> tuple[str, dict[str, int]]:
    """Replace personal data by placeholders such as `[EMAIL]`.

    Returns:
        The text, and how many of each kind were replaced (kinds that were not there are left out).
    """
    text, secrets = secret_keys.replace(text)
    counts: dict[str, int] = {"SECRET": secrets} if secrets else {}
    pieces: list[str] = []
    end = 0
    for start, stop in _windows(text):
        pieces += (text[end:start], _replaced(text[start:stop], counts))
        end = stop
    return "".join([*pieces, text[end:]]), counts


def _windows(text: str) -> list[tuple[int, int]]:
    """Return stretches to look at, apart from each other, ended at line ends where they are near."""
    matches = [*_numbers(text), *(match for form in _PLACES for match in form.finditer(text))]
    places = sorted(match.span() for match in matches if _may_be_one(match[0]))
    found: list[tuple[int, int]] = []
    for begin, end in places:
        start = max(text.rfind("\n", 0, begin) + 1, begin - AROUND_CHARS, 0)
        line_end = text.find("\n", end, end + AROUND_CHARS)
        stop = min(len(text), end + AROUND_CHARS) if line_end < 0 else line_end
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _numbers(text: str) -> list[re.Match[str]]:
    """Return where numbers are, by each form for itself: they may lie in one another."""
    found = list(_ANY_NUMBER.finditer(text))
    if any(match.lastindex is None or _LETTERED.match(text, match.end()) for match in found):
        return [match for form in _NUMBERS for match in form.finditer(text)]
    return found


def _may_be_one(place: str) -> bool:
    """Tell a number that is anyone's from years and prices: by its digits, the dots of an address, or a colon."""
    if any(map(str.isalpha, place)) or place[0] not in "0123456789" or ":" in place or place.count(".") >= IPV4_DOTS:
        return True
    return sum(map(place.count, "0123456789")) >= LEAST_DIGITS


def _replaced(text: str, counts: dict[str, int]) -> str:
    for kind, pattern, is_real, needs, label in _RECOGNISERS:
        if needs in text:
            text = pattern.sub(partial(_put, kind, is_real, counts, label), text)
    return text


def _put(
    kind: str,
    is_real: Callable[[str], bool],
    counts: dict[str, int],
    label: re.Pattern[str] | None,
    match: re.Match[str],
) -> str:
    if not is_real(match[0]) or not national_numbers.is_labelled(match, label):
        return match[0]
    if kind == "IP" and _VERSION_BEFORE.search(match.string, max(0, match.start() - 12), match.start()):
        return match[0]
    counts[kind] = counts.get(kind, 0) + 1
    return f"[{kind}]"


def _is_anything(_found: str) -> bool:
    return True


def _is_ip(found: str) -> bool:
    """Tell an address of someone's from a version number or a documentation address."""
    try:
        return ipaddress.ip_address(found).is_global
    except ValueError:
        return False


def _is_phone(found: str) -> bool:
    digits = sum(char.isdigit() for char in found)
    return (7 if found[0] == "+" else 8) <= digits <= 15  # noqa: PLR2004 - E.164


def _is_card(found: str) -> bool:
    digits = [int(char) for char in found if char.isdigit()]
    first = int("".join(map(str, digits[:4])))
    is_issued = digits[0] in {3, 4, 5, 6} or 2221 <= first <= 2720 or (digits[0] == 1 and len(digits) == 15)  # noqa: PLR2004 - ISO 7812
    return is_issued and national_numbers.is_luhn(digits)


def _is_iban(found: str) -> bool:
    compact = re.sub("[ -]", "", found)
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


# Kind, form, proof, what stands in each of them (looking for that first is cheaper), and what stands before it.
_Recogniser = tuple[str, re.Pattern[str], Callable[[str], bool], str, re.Pattern[str] | None]
_RECOGNISERS: tuple[_Recogniser, ...] = (
    ("EMAIL", _EMAIL, _is_anything, "@", None),
    ("EMAIL", _SPELT_EMAIL, _is_anything, "at", None),
    ("IBAN", _IBAN, _is_iban, "", None),
    ("PHONE", _ABROAD, _is_phone, "+", None),
    *(("NATIONAL_ID", form, proof, "", label) for form, proof, label in national_numbers.NUMBERS[:1]),
    ("CARD", _CARD, _is_card, "", None),
    *(("NATIONAL_ID", form, proof, "", label) for form, proof, label in national_numbers.NUMBERS[1:]),
    ("IP", _IPV4, _is_ip, ".", None),
    ("PHONE", _PHONE, _is_phone, "", None),
    ("IP", _IPV6, _is_ip, ":", None),
)
