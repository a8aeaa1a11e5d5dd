"""Personal data in a text, replaced by typed placeholders: e-mail, phone, IP, IBAN, card and national numbers.

Recognised by form, and by checksum where there is one (Luhn, IBAN's modulus 97, the check digits of Brazilian, Chinese
and Spanish numbers), so that prices, dates and versions stay. Names are not looked for: they are most of what history,
science and news are about. General recognisers (spaCy's behind Presidio) take 30 times longer than extraction.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import partial

VERSION = 1
_USER, _DOT = r"\b[A-Za-z0-9._%+-]{1,64}", r"(?:\.|\s?(?:\[dot\]|\(dot\))\s?)"
_HOST = rf"[A-Za-z0-9-]{{1,63}}(?:{_DOT}[A-Za-z0-9-]{{1,63}})*{_DOT}[A-Za-z]{{2,24}}\b"
_EMAIL = re.compile(rf"{_USER}@{_HOST}")
_SPELT_EMAIL = re.compile(rf"{_USER}\s?(?:\[at\]|\(at\))\s?{_HOST}")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,7}(?![\w:])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
# With a country code, or in groups as numbers are written; bare digits are left, most of them are no phones.
_PHONE = re.compile(
    r"(?<![\w./-])(?:\+\d{1,3}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4}|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,5})(?![\w-]|\.\d)"
)
_UNITED_STATES = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_UNITED_KINGDOM = re.compile(r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
_CPF = re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b")
_RESIDENT = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)")
_DNI = re.compile(r"\b\d{8}-?[A-Z]\b")
# Where any of them can be. Each form is looked for by itself, from a literal where it has one: alternatives of one
# expression take five times as long.
_PLACES = tuple(
    re.compile(form)
    for form in (r"@", r"\[at\]", r"\(at\)", r"\d[\d .()/:-]{5,}", r":(?<=[0-9a-fA-F]:)[0-9a-fA-F:]{6,}")
)
LEAST_DIGITS, IPV4_DOTS = 7, 3  # of a number that is anyone's
AROUND_CHARS = 90  # of a place, where a match may begin and end

KINDS = ("EMAIL", "IBAN", "CARD", "NATIONAL_ID", "IP", "PHONE")


def replace(text: str) -> tuple[str, dict[str, int]]:
    """Replace personal data by placeholders such as `[EMAIL]`.

    Returns:
        The text, and how many of each kind were replaced (kinds that were not there are left out).
    """
    counts: dict[str, int] = {}
    pieces: list[str] = []
    end = 0
    for start, stop in _windows(text):
        pieces += (text[end:start], _replaced(text[start:stop], counts))
        end = stop
    return "".join([*pieces, text[end:]]), counts


def _windows(text: str) -> list[tuple[int, int]]:
    """Return stretches to look at, apart from each other, ended at line ends where they are near."""
    places = sorted(match.span() for form in _PLACES for match in form.finditer(text) if _may_be_one(match[0]))
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


def _may_be_one(place: str) -> bool:
    """Tell a number that is anyone's from years and prices: by its digits, the dots of an address, or a colon."""
    if place[0] not in "0123456789" or ":" in place or place.count(".") >= IPV4_DOTS:
        return True
    return sum(map(place.count, "0123456789")) >= LEAST_DIGITS


def _replaced(text: str, counts: dict[str, int]) -> str:
    for kind, pattern, is_real, needs in _RECOGNISERS:
        if needs in text:
            text = pattern.sub(partial(_put, kind, is_real, counts), text)
    return text


def _put(kind: str, is_real: Callable[[str], bool], counts: dict[str, int], match: re.Match[str]) -> str:
    if not is_real(match[0]):
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
    return 8 <= digits <= 15  # noqa: PLR2004 - E.164


def _is_card(found: str) -> bool:
    digits = [int(char) for char in found if char.isdigit()]
    if len(set(digits)) == 1 or digits[0] not in {3, 4, 5, 6}:  # a row of zeros passes Luhn
        return False
    doubled = [d if i % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(reversed(digits))]  # noqa: PLR2004
    return sum(doubled) % 10 == 0


def _is_iban(found: str) -> bool:
    compact = found.replace(" ", "")
    if not 15 <= len(compact) <= 34:  # noqa: PLR2004 - ISO 13616
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _is_cpf(found: str) -> bool:
    digits = [int(char) for char in found if char.isdigit()]
    for size in (9, 10):
        rest = sum(d * (size + 1 - i) for i, d in enumerate(digits[:size])) * 10 % 11 % 10
        if rest != digits[size]:
            return False
    return len(set(digits)) > 1


def _is_resident(found: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(found[:17], weights, strict=True))
    return "10X98765432"[total % 11] == found[17].upper()


def _is_dni(found: str) -> bool:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(found[:8]) % 23] == found[-1]


# Kind, form, proof, and what stands in each of them: looking for that first is cheaper.
_RECOGNISERS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool], str], ...] = (
    ("EMAIL", _EMAIL, _is_anything, "@"),
    ("EMAIL", _SPELT_EMAIL, _is_anything, "at"),
    ("IBAN", _IBAN, _is_iban, ""),
    ("NATIONAL_ID", _RESIDENT, _is_resident, ""),
    ("CARD", _CARD, _is_card, ""),
    ("NATIONAL_ID", _UNITED_STATES, _is_anything, "-"),
    ("NATIONAL_ID", _UNITED_KINGDOM, _is_anything, ""),
    ("NATIONAL_ID", _CPF, _is_cpf, "-"),
    ("NATIONAL_ID", _DNI, _is_dni, ""),
    ("IP", _IPV4, _is_ip, "."),
    ("PHONE", _PHONE, _is_phone, ""),
    ("IP", _IPV6, _is_ip, ":"),
)
