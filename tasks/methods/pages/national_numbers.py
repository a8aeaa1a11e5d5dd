"""Numbers by which states know people: their forms, and the proofs that their laws or offices give them.

A form that is its own (letters at fixed places, a date with a mark) is enough with its check digit. A bare number is
one only where the text before it says so (`PESEL 44051401359`): one of eleven of all numbers passes most proofs.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date

VERSION = 1
LABEL_CHARS = 60  # before a number, where its name may stand
Proof = Callable[[str], bool]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_FOREIGN = str.maketrans("XYZ", "012")


def _digits(found: str) -> list[int]:
    return [int(char) for char in found if char in "0123456789"]


def _weighed(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def is_luhn(digits: Sequence[int]) -> bool:
    """Tell whether the last digit is the check digit of Luhn."""
    doubled = [d if i % 2 == 0 else sum(divmod(d * 2, 10)) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and len({*digits}) > 1


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _is_any_date(years: int, month: int, day: int) -> bool:
    return _is_date(1900 + years, month, day) or _is_date(2000 + years, month, day)


def _is_any(_: str) -> bool:
    return True


def _is_united_states(found: str) -> bool:
    digits = "".join(map(str, _digits(found)))
    return digits not in {"078051120", "219099999"} and len({*digits}) > 1


def _is_cpf(found: str) -> bool:
    digits = _digits(found)
    for size in (9, 10):
        if _weighed(digits[:size], range(size + 1, 1, -1)) * 10 % 11 % 10 != digits[size]:
            return False
    return len({*digits}) > 1


def _is_resident(found: str) -> bool:
    total = _weighed([int(d) for d in found[:17]], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    return "10X98765432"[total % 11] == found[17].upper()


def _is_dni(found: str) -> bool:
    number = re.sub("[- ]", "", found)
    return _DNI[int(number[0].translate(_FOREIGN) + number[1:8]) % 23] == number[8]


def _is_fiscal_code(found: str) -> bool:
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(c) if c.isdigit() else _LETTERS.index(c) for c in found.upper()]
    total = sum(odd[value] if i % 2 == 0 else value for i, value in enumerate(values[:15]))
    return total % 26 == values[15]


def _is_nir(found: str) -> bool:
    number = re.sub(r"\s", "", found.upper()).replace("2A", "19").replace("2B", "18")
    return 97 - int(number[:13]) % 97 == int(number[13:])


def _is_tax_id(found: str) -> bool:
    product = 10
    digits = _digits(found)
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[10] and digits[0] != 0


def _is_pesel(found: str) -> bool:
    digits = _digits(found)
    return (10 - _weighed(digits[:10], (1, 3, 7, 9) * 3) % 10) % 10 == digits[10]


def _is_swedish(found: str) -> bool:
    digits = _digits(found)[-10:]
    month, day = digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
    return is_luhn(digits) and _is_any_date(digits[0] * 10 + digits[1], month, day % 60 or 60)


def _is_finnish(found: str) -> bool:
    number = int(found[:6] + found[7:10])
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == found[10].upper()


def _is_norwegian(found: str) -> bool:
    digits = _digits(found)
    first = -_weighed(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_weighed(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return [first, second] == digits[9:]


def _is_belgian(found: str) -> bool:
    number = "".join(map(str, _digits(found)))
    return any(97 - int(century + number[:9]) % 97 == int(number[9:]) for century in ("", "2"))


def _is_swiss(found: str) -> bool:
    digits = _digits(found)
    return -_weighed(digits[:12], (1, 3) * 6) % 10 == digits[12]


def _is_korean(found: str) -> bool:
    digits = _digits(found)
    return (11 - _weighed(digits[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == digits[12]


def _is_aadhaar(found: str) -> bool:
    """Prove a number by Verhoeff's check digit, which is a walk in the group of a pentagon's turns and flips."""
    check = 0
    for i, digit in enumerate(reversed(_digits(found))):
        for _ in range(i % 8):
            digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]  # noqa: PLW2901 - a permutation, applied again
        turn = 1 if check < 5 else -1  # noqa: PLR2004 - the turns of a pentagon
        flip = check // 5 ^ digit // 5
        check = flip * 5 + (check % 5 + turn * (digit % 5)) % 5
    return check == 0


def _is_singaporean(found: str) -> bool:
    total = _weighed(_digits(found), (2, 7, 6, 5, 4, 3, 2)) + {"S": 0, "T": 4, "F": 0, "G": 4, "M": 3}[found[0]]
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "M": "XWUTRQPNJLK"}.get(found[0], "XWUTRQPNMLK")
    place = 10 - total % 11 if found[0] == "M" else total % 11
    return letters[place] == found[-1]


def _is_curp(found: str) -> bool:
    alphabet = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ"
    total = sum(alphabet.index(char) * (18 - i) for i, char in enumerate(found[:17]))
    return -total % 10 == int(found[17]) if found[17].isdigit() else False


def _is_turkish(found: str) -> bool:
    digits = _digits(found)
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return [tenth, (sum(digits[:9]) + tenth) % 10] == digits[9:]


def _is_south_african(found: str) -> bool:
    digits = _digits(found)
    parts = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3], digits[4] * 10 + digits[5])
    return is_luhn(digits) and _is_any_date(*parts)


def _is_rut(found: str) -> bool:
    digits = _digits(found[:-1])
    total = sum(digit * (2 + i % 6) for i, digit in enumerate(reversed(digits)))
    return "0123456789K0"[11 - total % 11] == found[-1].upper()


def _is_nhs(found: str) -> bool:
    digits = _digits(found)
    return (11 - _weighed(digits[:9], range(10, 1, -1)) % 11) % 11 == digits[9]


def _is_bsn(found: str) -> bool:
    digits = _digits(found)
    return _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and any(digits)


def _is_tfn(found: str) -> bool:
    return _weighed(_digits(found), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _is_baltic(found: str) -> bool:
    digits = _digits(found)
    check = _weighed(digits[:10], (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    check = check if check < 10 else _weighed(digits[:10], (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10  # noqa: PLR2004
    return check == digits[10]


def _is_thai(found: str) -> bool:
    digits = _digits(found)
    return (11 - _weighed(digits[:12], range(13, 1, -1)) % 11) % 10 == digits[12]


def _is_icelandic(found: str) -> bool:
    digits = _digits(found)
    return _weighed(digits[:9], (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _is_czech(found: str) -> bool:
    return int(found.replace("/", "")) % 11 == 0


def _is_bulgarian(found: str) -> bool:
    digits = _digits(found)
    return _weighed(digits[:9], (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == digits[9]


def _is_luhn_number(found: str) -> bool:
    return is_luhn(_digits(found))


# Form, proof, and what has to stand before it; None where the form says enough.
NUMBERS: tuple[tuple[re.Pattern[str], Proof, re.Pattern[str] | None], ...] = tuple(
    (re.compile(form), proof, re.compile(label) if label else None)
    for form, proof, label in (
        (
            r"(?<![\d+])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)",
            _is_resident,
            "",
        ),
        (r"(?<![\d.-])(?!000|666|9\d\d)\d{3}([-. ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-]|\.\d)", _is_united_states, ""),
        (
            r"(?<![\d+])(?!000|666|9\d\d)\d{3}(?!00)\d{2}(?!0000)\d{4}(?!\d)",
            _is_united_states,
            r"(?i)\bSSN|social security",
        ),
        (r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", _is_any, ""),
        (
            r"(?i)\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[ -]?\d{2}){3}[ -]?[A-D]\b",
            _is_any,
            r"(?i)\bNINO\b|national insurance|\bNI (?:number|no)",
        ),
        (r"(?<![\d+])\d{3} ?\d{3} ?\d{4}(?!\d)", _is_nhs, r"\bNHS\b"),
        (r"(?<![\d+])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", _is_cpf, ""),
        (r"(?<![\d+])\d{11}(?!\d)", _is_cpf, r"\bCPF\b"),
        (r"\b(?:\d{8}|[XYZ]-?\d{7})[- ]?[A-HJ-NP-TV-Z]\b", _is_dni, ""),
        (r"(?i)\b[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]\b", _is_fiscal_code, ""),
        (r"(?<![\d+])[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)", _is_nir, ""),
        (r"(?<![\d+])\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\d)", _is_tax_id, r"(?i)steuer|identifikationsnummer|idnr|tax id"),
        (r"(?<![\d+])\d{11}(?!\d)", _is_pesel, r"(?i)pesel"),
        (r"(?<![\d+])(?:19|20)?\d{6}[-+]\d{4}(?!\d)", _is_swedish, ""),
        (r"(?<![\d+])(?:19|20)?\d{10}(?!\d)", _is_swedish, r"(?i)personnummer|person number"),
        (r"(?<![\d+])\d{6}-?\d{4}(?!\d)", _is_icelandic, r"(?i)kennitala"),
        (r"(?<![\d+])\d{2}[0-35-8]\d[0-3]\d/\d{4}(?!\d)", _is_czech, ""),
        (r"(?<![\d+])\d{10}(?!\d)", _is_bulgarian, r"(?i)\bEGN\b|\u0415\u0413\u041d"),
        (r"(?<![\d+])\d{11}(?!\d)", _is_luhn_number, r"AMKA|\u0391\u039c\u039a\u0391"),
        (r"(?<![\d+])\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?!\w)", _is_finnish, ""),
        (r"(?<![\d+])[0-7]\d-?[0-69]\d-?\d{2}[- ]?\d{5}(?!\d)", _is_norwegian, ""),
        (r"(?<![\d+])\d{6}-?\d{4}(?!\d)", _is_any, r"(?i)\bCPR\b"),
        (r"(?<![\d+])\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}(?!\d)", _is_belgian, ""),
        (r"(?<![\d+])\d{11}(?!\d)", _is_belgian, r"(?i)rijksregister|registre national|\bNISS\b|\bINSZ\b|\bBSN\b"),
        (r"(?<![\d+])756\.?\d{4}\.?\d{4}\.?\d{2}(?!\d)", _is_swiss, ""),
        (r"(?<![\d+])\d{6}-[0-9]\d{6}(?!\d)", _is_korean, ""),
        (r"(?<![\d-])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![ -]?\d)", _is_aadhaar, ""),
        (r"(?<![\d+])[2-9]\d{11}(?!\d)", _is_aadhaar, r"(?i)aadhaa?r|\bUID"),
        (r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b", _is_any, ""),
        (r"\b[STFGM]\d{7}[A-Z]\b", _is_singaporean, ""),
        (r"\b[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d\b", _is_curp, ""),
        (r"(?<![\d+])[1-9]\d{10}(?!\d)", _is_turkish, ""),
        (r"(?<![\d+])\d{6} ?\d{4} ?[01][89]\d(?!\d)", _is_south_african, ""),
        (r"(?<![\d.])\d{1,2}\.\d{3}\.\d{3}-[\dkK](?!\w)", _is_rut, ""),
        (r"(?<![\d+])\d{7,8}-?[\dkK](?!\w)", _is_rut, r"\bR\.?U\.?[TN]\b"),
        (r"(?<![\d+])\d{9}(?!\d)", _is_bsn, r"(?i)\bBSN\b|burgerservice|sofinummer"),
        (r"(?<![\d+])\d{3} ?\d{3} ?\d{3}(?!\d)", _is_tfn, r"\bTFN\b|(?i:tax file)"),
        (
            r"(?<![\d+])\d{3}[ -]?\d{3}[ -]?\d{3}(?!\d)",
            _is_luhn_number,
            r"\bSIN\b|(?i:social insurance|teudat|mispar zehut)",
        ),
        (r"(?<![\d+])[1-6]\d{10}(?!\d)", _is_baltic, r"(?i)isikukood|asmens kod|personal code"),
        (
            r"(?<![\d+])\d[ -]?\d{4}[ -]?\d{5}[ -]?\d{2}[ -]?\d(?!\d)",
            _is_thai,
            r"(?i)thai|national id|\u0e1a\u0e31\u0e15\u0e23",
        ),
    )
)


def is_labelled(match: re.Match[str], label: re.Pattern[str] | None) -> bool:
    """Tell whether what has to stand before a number does."""
    return label is None or label.search(match.string, max(0, match.start() - LABEL_CHARS), match.start()) is not None
