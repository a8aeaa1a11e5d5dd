r"""Whether the last line of an answer says what a known answer says: a text, an amount with its unit, a set or a date.

This file is also what verifiers of tasks are made of: `verifier` puts a task's known answer below its text. So it runs
as it is in the sandbox, and wherever an exported task goes; it imports and calls only what the interpreter there has.

    is_right("The line is long.\nAnswer: 5,000 m", "amount", "5 km") -> True

A last line has the form `Answer: ...`, and there is one such line. An amount needs the unit that is known, or another
of its dimension; a counted noun may be left out. `1,234` is a thousand and some, `1.234` one and some; where both
marks stand, the last is the decimal one. A date needs what is known of it, and `03/04/2021` is two dates, so none.
"""

# ruff: noqa: PLR2004 - numbers of the calendar and of grammar

import re
import unicodedata
from decimal import Decimal

VERSION = 1
KINDS = ("text", "amount", "set", "date")
Unit = tuple[str, Decimal]  # dimension, factor
Amount = tuple[Decimal, Unit, Decimal]  # value, unit, worth of its last digit
Date = tuple[int | None, int | None, int | None]  # year, month, day; None for what is not said

_FINAL = re.compile(r"^[\s>*_#-]*answer[\s*_]*:(.*)$", re.IGNORECASE)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
_QUOTES = "\u2018\u2019\u02bc\u201c\u201d\u00ab\u00bb`\u00b4"
_SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
_HEDGE = re.compile(r"^(?:about|around|approximately|approx\.?|roughly|circa|c\.|~|\u2248)\s*", re.IGNORECASE)
_NUMERAL = r"\d(?:[.,']?\d| (?=\d{3}(?!\d))\d)*"
_PART = re.compile(
    rf"^(?P<sign>[-+]|minus\s)?\s*(?P<before>[$\u20ac\u00a3\u00a5])?\s*(?P<number>{_NUMERAL})"
    r"(?:\s*(?:x|\*|\u00d7)\s*10\s*\^\s*(?P<power>[-+]?\d{1,3})|e(?P<exponent>[-+]?\d{1,3}))?"
    r"(?:\s*(?P<over>\d*)/(?P<under>\d+))?"
    r"\s*-?\s*(?P<rest>\D.*|)$",
    re.IGNORECASE | re.DOTALL,
)
_SCALES = {"hundred": "1E2", "thousand": "1E3", "million": "1E6", "billion": "1E9", "trillion": "1E12"}
_SCALES_SHORT = {"k": "1E3", "m": "1E6", "mn": "1E6", "bn": "1E9", "tn": "1E12"}
_ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12, "twentieth": 20,
    "thirtieth": 30,
}  # fmt: skip
_MONTHS = [
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
]
_DAYS = re.compile(r"^(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+|^(?:mon|tue|wed|thu|fri|sat|sun)\.?,?\s+")
# A dimension, then its units: factor = names. What one writes with capitals to mean another is told apart first.
_UNITS = """
length: 1 = m metre meter | 1E3 = km kilometre kilometer | 1E-2 = cm centimetre centimeter
length: 1E-3 = mm millimetre millimeter | 1E-6 = \u03bcm um micrometre micrometer micron | 1E-9 = nm nanometre nanometer
length: 1609.344 = mi mile | 0.3048 = ft foot feet ' | 0.0254 = in inch inches " | 0.9144 = yd yard
length: 1852 = nmi nautical_mile | 9460730472580800 = ly light-year light_year
mass: 1 = kg kilogram kilogramme kilo | 1E-3 = g gram gramme | 1E-6 = mg milligram | 1E-9 = \u03bcg ug mcg microgram
mass: 1E3 = t tonne metric_ton | 0.45359237 = lb lbs pound | 0.028349523125 = oz ounce
time: 1 = s sec second | 60 = min minute | 3600 = h hr hour | 86400 = d day | 604800 = week wk
time: 1E-3 = ms millisecond | 1E-6 = \u03bcs us microsecond | 1E-9 = ns nanosecond
months: 1 = month | 12 = yr year | 120 = decade | 1200 = century centuries
area: 1 = m2 m^2 sqm square_metre square_meter sq_m | 1E6 = km2 km^2 square_kilometre square_kilometer sq_km
area: 1E4 = ha hectare | 4046.8564224 = acre | 2589988.110336 = sq_mi square_mile mi2 | 0.09290304 = sq_ft square_foot
area: 0.09290304 = square_feet ft2 | 1E-4 = cm2 cm^2 square_centimetre square_centimeter
volume: 1 = l litre liter | 1E-3 = ml millilitre milliliter cm3 cm^3 cc | 1E3 = m3 m^3 cubic_metre cubic_meter
volume: 1E-2 = cl centilitre centiliter | 3.785411784 = gal gallon | 1E-1 = dl decilitre deciliter
speed: 1 = m/s metre/second meter/second | 0.44704 = mph mile/hour mi/h | 0.514444444444444444 = kn knot
data: 1 = B byte | 1E3 = kB KB kilobyte | 1E6 = MB megabyte | 1E9 = GB gigabyte | 1E12 = TB terabyte
data: 1024 = KiB kibibyte | 1048576 = MiB mebibyte | 1073741824 = GiB gibibyte | 0.125 = bit
energy: 1 = J joule | 1E3 = kJ kilojoule | 1E6 = MJ megajoule | 3.6E6 = kWh kilowatt-hour kilowatt_hour
energy: 4.184 = cal calorie | 4184 = kcal kilocalorie | 3.6E9 = MWh megawatt-hour megawatt_hour
power: 1 = W watt | 1E3 = kW kilowatt | 1E6 = MW megawatt | 1E9 = GW gigawatt | 1E-3 = mW milliwatt
pressure: 1 = Pa pascal | 1E2 = hPa hectopascal mbar millibar | 1E3 = kPa kilopascal | 1E5 = bar | 101325 = atm
pressure: 1E6 = MPa megapascal | 6894.757293168 = psi
frequency: 1 = Hz hertz | 1E3 = kHz kilohertz | 1E6 = MHz megahertz | 1E9 = GHz gigahertz
voltage: 1 = V volt | 1E3 = kV kilovolt | 1E-3 = mV millivolt
angle: 1 = \u00b0 degree deg
celsius: 1 = \u00b0c celsius degrees_celsius degree_celsius c
fahrenheit: 1 = \u00b0f fahrenheit degrees_fahrenheit degree_fahrenheit f
kelvin: 1 = K kelvin
share: 1 = % percent per_cent pct
points: 1 = pp percentage_point
dollar: 1 = $ usd dollar us$ us_dollar | 0.01 = cent \u00a2
euro: 1 = \u20ac eur euro
sterling: 1 = \u00a3 gbp pound_sterling pounds_sterling quid
yen: 1 = \u00a5 jpy yen
"""


def _table() -> "tuple[dict[str, Unit], dict[str, Unit]]":
    exact: dict[str, Unit] = {}
    loose: dict[str, Unit] = {}
    for line in _UNITS.strip().split("\n"):
        dimension, _, units = line.partition(": ")
        for unit in units.split(" | "):
            factor, _, names = unit.partition(" = ")
            for name in names.split(" "):
                of = (dimension, Decimal(factor))
                exact[name.replace("_", " ")] = of
                low = name.replace("_", " ").lower()
                loose[low] = loose.get(low, of)
    hourly = ("speed", Decimal(1000) / Decimal(3600))
    return exact, loose | dict.fromkeys(("km/h", "kph", "kmh", "kilometre/hour", "kilometer/hour"), hourly)


_EXACT, _LOOSE = _table()
_EXCEPT = {"mw", "mb"}  # a case that says nothing


def plain(text: str) -> str:
    """Return a text with plain dashes, quotes and spaces, and without marks of emphasis around it."""
    shown = ""
    for sign in text:
        if sign in _SUPERSCRIPTS:
            shown += ("^" if shown[-1:].isdigit() else "") + str(_SUPERSCRIPTS.index(sign))
        else:
            shown += "'" if sign in _QUOTES else "-" if sign in _DASHES else sign
    shown = unicodedata.normalize("NFKC", re.sub(r"([\u00bc-\u00be\u2150-\u215e])", r" \1", shown))
    shown = " ".join(shown.replace("\u2044", "/").split())
    while shown and (shown[0] in "*_\"'" or shown[-1] in "*_\"'.;,"):
        if shown[0] in "'\"" and shown[-1] in "'\"" and len(shown) > 1:
            shown = shown[1:-1].strip()
        elif re.search(r"\d['\"]$", shown):
            break  # feet and inches
        else:
            shown = (shown[1:] if shown[0] in "*_\"'" else shown[:-1]).strip()
    return shown


def final(response: str) -> str | None:
    """Return what the last line names as the answer; None where it names none, or where other lines do, too."""
    lines = [line for line in response.split("\n") if line.strip()]
    found = [one.group(1) for one in [_FINAL.match(line) for line in lines] if one]
    if len(found) != 1 or not _FINAL.match(lines[-1]):
        return None
    return plain(found[0]) or None


def folded(text: str) -> str:
    """Return a text without case, accents, articles before it, and marks that do not tell two apart."""
    low = unicodedata.normalize("NFKD", plain(text).casefold())
    low = "".join([sign for sign in low if not "\u0300" <= sign <= "\u036f"])
    low = re.sub(r"(?<!\d)[.,]|[.,](?!\d)|['\"()\[\]]", " ", low.replace("'s", "s"))
    low = re.sub(r"\s*-\s*(?!\d)", " ", low)
    return re.sub(r"^(?:the|an?) (?=.)", "", " ".join(low.split()))


def numeral(token: str) -> Decimal | None:  # noqa: PLR0911 - one for each way to write it
    """Return the value of digits with their marks of thousands and of decimals; None where they are none."""
    if " " in token or "'" in token:
        if not re.fullmatch(r"\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?", token):
            return None
        token = re.sub(r"[ ']", "", token)
        return Decimal(token.replace(",", "."))
    marks = [sign for sign in token if sign in ".,"]
    if not marks:
        return Decimal(token)
    last = marks[-1]
    whole, _, part = token.rpartition(last)
    if len(marks) == 1:
        if last == "," and re.fullmatch(r"[1-9]\d{0,2},\d{3}", token):
            return Decimal(whole + part)
        return Decimal(f"{whole}.{part}")
    if marks.count(last) == 1:
        grouped = whole.replace("," if last == "." else ".", " ")
        return Decimal(grouped.replace(" ", "") + "." + part) if _is_grouped(grouped) else None
    grouped = token.replace(last, " ")
    return Decimal(grouped.replace(" ", "")) if len(set(marks)) == 1 and _is_grouped(grouped) else None


def _is_grouped(text: str) -> bool:
    return re.fullmatch(r"\d{1,3}(?: \d{2,3})* \d{3}", text) is not None


def spelled(text: str) -> Decimal | None:
    """Return the value of a number in English words; None where it is none."""
    words = [word for word in re.split(r"[\s-]+", text.lower()) if word and word != "and"]
    if words[:1] == ["minus"]:
        return _negative(spelled(" ".join(words[1:])))
    if "point" in words:
        at = words.index("point")
        head, tail = spelled(" ".join(words[:at])), [word for word in words[at + 1 :] if word in _ONES[:10]]
        digits = "".join([str(_ONES.index(word)) for word in tail])
        return (
            head + Decimal(f"0.{digits}") if head is not None and digits and len(tail) == len(words) - at - 1 else None
        )
    total, group, size = Decimal(0), Decimal(0), 0
    for number, word in enumerate(words):
        if word in {"a", "an"} and number == 0 and len(words) > 1 and (words[1] in _SCALES or words[1] == "dozen"):
            group = Decimal(1)
        elif word in _ONES or word in _TENS:
            value = _ONES.index(word) if word in _ONES else 10 * (_TENS.index(word) + 2)
            if number and not (words[number - 1] in _SCALES or (words[number - 1] in _TENS and 0 < value < 10)):
                return None
            group += value
        elif word == "hundred" and 0 < group < 100:
            group *= 100
        elif word == "dozen" and group and number == len(words) - 1:
            group *= 12
        elif word in _SCALES and group and (not size or Decimal(_SCALES[word]) < size):
            size = Decimal(_SCALES[word])
            total, group = total + group * size, Decimal(0)
        else:
            return None
    return total + group if words else None


def _negative(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value


def _unit(text: str) -> Unit:
    """Return dimension, factor and name of a unit; an unknown word is a dimension of its own, '' none."""
    said = " ".join(re.sub(r"\s+per\s+|\s*/\s*", "/", text.strip(" .")).split())
    said = said if said == "per cent" or "percent" in said else re.sub(r"\bper cent\b", "percent", said)
    if not said:
        return ("", Decimal(1))
    low = said.lower()
    for name in (said, re.sub(r"s\b", "", said)):
        if name in _EXACT:
            return _EXACT[name]
    for name in (low, re.sub(r"s\b", "", low)):
        if name in _LOOSE and name not in _EXCEPT:
            return _LOOSE[name]
    counted = folded(said)
    return (f"counted {counted.removesuffix('s')}", Decimal(1))


def _amount_of(text: str) -> Amount | None:
    """Return (value, unit, its last digit's worth) of one number with one unit; None where it is none."""
    found = _PART.match(text)
    if not found:
        words = text.split(" ")
        for count in range(len(words), 0, -1):
            value = spelled(" ".join(words[:count]))
            if value is not None:
                return value, _unit(" ".join(words[count:])), Decimal(1)
        return None
    part = found.groupdict()
    value, over, under = numeral(part["number"]), part["over"], part["under"]
    if value is None:
        return None
    _, dot, decimals = str(value).partition(".")
    worth = Decimal(10) ** -len(decimals) if dot else Decimal(1)
    if under:
        if not Decimal(under):
            return None
        value = value + Decimal(over) / Decimal(under) if over else value / Decimal(under)
    times = Decimal(10) ** int(part["power"] or part["exponent"] or 0)
    rest = part["rest"].strip()
    first, _, after = rest.partition(" ")
    if first.lower() in _SCALES:
        times, rest = times * Decimal(_SCALES[first.lower()]), after
    elif part["before"] and first.lower() in _SCALES_SHORT:
        times, rest = times * Decimal(_SCALES_SHORT[first.lower()]), after
    unit = _unit(part["before"] or rest)
    if part["before"] and rest and _unit(rest)[0] != unit[0]:
        return None
    return (-value if part["sign"] in {"-", "minus "} else value) * times, unit, worth * times


def amount(text: str) -> Amount | None:
    """Return (value, unit, worth of its last digit) of an amount; parts such as `2 h 30 min` are added up.

    Args:
        text: Such as `5 km`, `$1.2 million`, `forty-two members`, `1.234,5`.

    Returns:
        None where it is no amount. The value is in its own unit, which is (dimension, factor).
    """
    said = _HEDGE.sub("", plain(text))
    whole = _amount_of(said)
    if whole and not re.search(r"\d", whole[1][0]):
        return whole
    pieces = re.findall(r"\d[\d.,]*\s*[^\d\s,]+", said)
    if len(pieces) < 2 or re.sub(r",|\band\b|\s", "", said) != re.sub(r"\s", "", "".join(pieces)):
        return None
    found = [_amount_of(re.sub(r"\s*\band$", "", piece)) for piece in pieces]
    parts = [one for one in found if one]
    if len(parts) < len(pieces) or len({one[1][0] for one in parts}) > 1 or parts[0][1][0].startswith("counted"):
        return None
    factors = [one[1][1] for one in parts]
    if sorted(factors, reverse=True) != factors or len(set(factors)) < len(factors):
        return None
    value = sum([one[0] * one[1][1] for one in parts], Decimal(0))
    return value / factors[-1], parts[-1][1], parts[-1][2]


def same_amount(said: str, known: str) -> bool:
    """Whether two amounts are one; of another unit it may be rounded to its last digit, by 1 % at most."""
    one, other = amount(said), amount(known)
    if one is None or other is None:
        return False
    (value, unit, worth), (wanted, of, _) = one, other
    if unit[0] != of[0]:
        return value == wanted and not unit[0] and of[0].startswith("counted ")
    if unit[1] == of[1]:
        return value == wanted
    off = abs(value * unit[1] - wanted * of[1])
    return off <= min(worth * unit[1] / 2, abs(wanted * of[1]) / 100)


def same_text(said: str, known: str) -> bool:
    """Whether two short texts are one, but for case, accents, articles and marks."""
    return bool(folded(known)) and folded(said) == folded(known)


def items(text: str) -> list[set[str]]:
    """Return the sets that a list may mean: parted by semicolons, by commas, or by commas and `and`."""
    bare = plain(text).strip("[]{}()")
    found: list[set[str]] = []
    for marks in (r"\s*;\s*", r"\s*[;,]\s*", r"\s*(?:[;,]\s*(?:and\b|&)|[;,]|\band\b|&)\s*"):
        parts = [folded(part) for part in re.split(marks, bare)]
        found.append({part for part in parts if part})
    return found


def same_set(said: str, known: str) -> bool:
    """Whether two lists have the same members, in any order; what is known is parted by semicolons."""
    wanted = items(known)[0]
    return bool(wanted) and wanted in items(said)


def _ordinal(word: str) -> int | None:
    """Return the value of `third`, `21st`, `twenty-first` or `21`; None where it is none."""
    found = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", word)
    if found:
        return int(found.group(1))
    head, _, tail = word.rpartition("-")
    if tail in _ORDINALS:
        value = _ORDINALS[tail]
    elif tail.endswith("th") and tail[:-2] in _ONES:
        value = _ONES.index(tail[:-2])
    else:
        return None
    if not head:
        return value
    return 10 * (_TENS.index(head) + 2) + value if head in _TENS and value < 10 else None


def _year(text: str) -> int | None:
    """Return the value of `1999`, `nineteen ninety-nine`, `44 BC`; None where it is none."""
    found = re.fullmatch(r"(\d{1,4})(?: (bce?|ce|ad))?", text)
    if found:
        return -int(found.group(1)) if (found.group(2) or "").startswith("b") else int(found.group(1))
    words = [word for word in re.split(r"[\s-]+", text) if word != "and"]
    for count in range(1, len(words)):
        head, tail = spelled(" ".join(words[:count])), spelled(" ".join(words[count:]))
        if head is not None and tail is not None and 10 <= head <= 99 and 10 <= tail <= 99:
            return int(100 * head + tail)
    value = spelled(text)
    return int(value) if value is not None and 1000 <= value <= 2999 else None


def _month(word: str) -> int | None:
    short = word.rstrip(".")
    found = [
        at for at, name in enumerate(_MONTHS, 1) if name == short or (len(short) >= 3 and short in {name[:3], name[:4]})
    ]
    return found[0] if found else None


def date(text: str) -> Date | None:  # noqa: PLR0911 - one for each way to write it
    """Return (year, month, day) of a date; None for what it does not say, and None where it is no date, or two."""
    low = _HEDGE.sub("", plain(text).lower())
    low = " ".join(re.sub(r"\b(?:on|the|of|in)\b|,", " ", _DAYS.sub("", low)).split())
    low = re.sub(r"t\d{2}:\d{2}.*$", "", low)
    found = re.fullmatch(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?", low)
    if found:
        return _dated(int(found.group(1)), int(found.group(2)), int(found.group(3)) if found.group(3) else None)
    found = re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", low)
    if found:
        one, mark, other, year = found.groups()
        one, other = int(one), int(other)
        if mark == "." or one > 12 or one == other:
            return _dated(int(year), other, one)
        return _dated(int(year), one, other) if other > 12 else None
    words = low.split(" ")
    months = [at for at, word in enumerate(words) if _month(word)]
    if not months:
        year = _year(low)
        return None if year is None else (year, None, None)
    at = months[-1] if words[0] == "may" and len(months) > 1 else months[0]
    month, before, after = _month(words[at]) or 0, words[:at], words[at + 1 :]
    if before:
        day = _ordinal("-".join(before))
        year = _year(" ".join(after)) if after else None
        return None if day is None or (after and year is None) else _dated(year, month, day)
    if not after:
        return None, month, None
    for count in range(min(2, len(after)), 0, -1):
        day, rest = _ordinal("-".join(after[:count])), " ".join(after[count:])
        year = _year(rest) if rest else None
        if day is not None and day <= 31 and (year is not None or not rest):
            return _dated(year, month, day)
    year = _year(" ".join(after))
    return None if year is None else (year, month, None)


def _dated(year: int | None, month: int, day: int | None) -> Date | None:
    if not 1 <= month <= 12:
        return None
    is_leap = year is None or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
    longest = (29 if is_leap else 28) if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    return (year, month, day) if day is None or 1 <= day <= longest else None


def same_date(said: str, known: str) -> bool:
    """Whether two dates are one, to the day, month or year that is known."""
    return date(known) is not None and date(said) == date(known)


def is_right(response: str, kind: str, known: str) -> bool:
    """Whether the last line of an answer says what is known.

    Args:
        response: The whole answer.
        kind: One of `KINDS`.
        known: The answer alone; members of a set are parted by semicolons.
    """
    said = final(response)
    if said is None:
        return False
    return {"text": same_text, "amount": same_amount, "set": same_set, "date": same_date}[kind](said, known)
