"""Dates as pages write them: ISO, RFC 2822, d.m.Y, names of months in ten languages, Chinese and Japanese.

What is no day of the calendar is no date, and `03/04/2024`, which is two days, is none either.
"""

import re
from datetime import date

VERSION = 1

MAX_CHARS = 200
_MONTHS = (
    "jan january januar janvier enero gennaio janeiro januari styczeń stycznia janv ene gen",
    "feb february februar février febrero febbraio fevereiro februari luty lutego févr fev",
    "mar march märz mars marzo março maart marzec marca mär mrz mrt",
    "apr april avril abril aprile kwiecień kwietnia avr abr",
    "may mai mayo maggio maio mei maj maja mag",
    "jun june juni juin junio giugno junho czerwiec czerwca giu",
    "jul july juli juillet julio luglio julho lipiec lipca juil lug",
    "aug august août agosto augustus augusti sierpień sierpnia ago",
    "sep september septembre septiembre settembre setembro wrzesień września sept set",
    "oct october oktober octobre octubre ottobre outubro październik października okt ott out",
    "nov november novembre noviembre novembro listopad listopada",
    "dec december dezember décembre diciembre dicembre dezembro grudzień grudnia dez déc dic",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_NAME = r"([^\W\d_]{3,12})\.?"
_YEAR = r"((?:19|20)\d\d)"
_DAY = r"(\d{1,2})"
_FORMS = (  # a pattern, and the places of its year, month and day
    (re.compile(rf"(?<!\d){_YEAR}\s?[-/.年]\s?{_DAY}\s?[-/.月]\s?{_DAY}(?!\d)"), (1, 2, 3)),
    (re.compile(rf"(?<!\d){_YEAR}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=T|\d{{6}}|\b)"), (1, 2, 3)),
    (re.compile(rf"(?<![\d.]){_DAY}\.\s?{_DAY}\.\s?{_YEAR}(?!\d)"), (3, 2, 1)),
    (
        re.compile(rf"(?<!\d){_DAY}(?:st|nd|rd|th|er|º|\.)?,? (?:of |de |d')?{_NAME},?(?: de| del)? {_YEAR}(?!\d)"),
        (3, 2, 1),
    ),
    (re.compile(rf"(?<!\w){_NAME} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}(?!\d)"), (3, 1, 2)),
)
_SLASHED = re.compile(rf"(?<![\d/]){_DAY}/{_DAY}/{_YEAR}(?!\d)")


def first_in(text: str) -> str | None:
    """Return the first date in the beginning of a text as YYYY-MM-DD; None where there is none."""
    shown = text[:MAX_CHARS]
    if "19" not in shown and "20" not in shown:  # every form has a year
        return None
    found = [
        (match.start(), told)
        for pattern, places in _FORMS
        for match in pattern.finditer(shown)
        if (told := _date(*(match[place] for place in places)))
    ]
    for match in _SLASHED.finditer(shown):
        one, other, year = match.groups()
        told = {_date(year, other, one), _date(year, one, other)} - {None}
        found += [(match.start(), day) for day in told if day and len(told) == 1]
    return min(found)[1] if found else None


def _date(year: str, month: str, day: str) -> str | None:
    number = int(month) if month.isdecimal() else _MONTH.get(month.casefold(), 0)
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return None
