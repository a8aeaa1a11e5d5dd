"""Conditions on exported columns, such as `score < 5 and url contains 'forum'`: read by us, and never a part of SQL.

    condition  = all { "or" all }            all = one { "and" one }
    one        = "not" one | "(" condition ")" | column test
    test       = ("=" | "!=" | "<" | "<=" | ">" | ">=") value | ["not"] "in" "(" value { "," value } ")"
               | ["not"] "contains" text | "is" ["not"] "null"
    value      = number | text | true | false

A text stands between single quotes; a quote in it is written twice. A column that is empty in a row meets no test but
`is null`. Words of the language may be written in capitals.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.visible import visible

MOST_CHARS = 10_000
MOST_DEPTH = 50
HINT = "write it as in: --where \"score < 5 and url contains 'forum'\"; `wellspring exclude --help` has the language"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,))"
)
_WORDS = frozenset({"and", "or", "not", "in", "contains", "is", "null", "true", "false"})
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
Test = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read: the columns that it looks at, and whether a row meets it."""

    text: str
    columns: frozenset[str]
    holds: Test


def read(text: str) -> Condition:
    """Read a condition.

    Args:
        text: As a person typed it.

    Raises:
        UsageError: It is none; the message says where it goes wrong.
    """
    if len(text) > MOST_CHARS:
        raise UsageError(f"the condition has {len(text):,} characters, and may have {MOST_CHARS:,}", hint=HINT)
    reading = _Reading(text, [*_tokens(text)])
    test = reading.any_of(0)
    if reading.at < len(reading.tokens):
        reading.refuse("its end, `and` or `or`")
    return Condition(text, frozenset(reading.columns), test)


def _tokens(text: str) -> Iterator[tuple[str, Any, int]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise UsageError(f"the condition cannot be read from `{visible(text[at : at + 40]).strip()}` on", hint=HINT)
        kind, said, start = str(found.lastgroup), found[str(found.lastgroup)], found.start(str(found.lastgroup))
        at = found.end()
        if kind == "word" and said.lower() in _WORDS:
            yield said.lower(), said, start
        elif kind == "number":
            yield "value", float(said) if "." in said else int(said), start
        elif kind == "text":
            yield "value", said[1:-1].replace("''", "'"), start
        else:
            yield ("column" if kind == "word" else said), said, start


class _Reading:
    """What is left to read of a condition."""

    def __init__(self, text: str, tokens: Sequence[tuple[str, Any, int]]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0
        self.columns: set[str] = set()

    def refuse(self, wanted: str) -> NoReturn:
        """Say what should stand here.

        Raises:
            UsageError: Always.
        """
        rest = self.text[self.tokens[self.at][2] :] if self.at < len(self.tokens) else ""
        found = f"`{visible(rest[:40])}`" if rest else "its end"
        raise UsageError(f"in the condition {wanted} should stand where {found} is", hint=HINT)

    def has(self, *kinds: str) -> bool:
        """Take the next words if they are of these kinds."""
        ahead = [kind for kind, _, _ in self.tokens[self.at : self.at + len(kinds)]]
        self.at += len(kinds) if (is_there := ahead == [*kinds]) else 0
        return is_there

    def take(self, kind: str, wanted: str) -> Any:
        """Take the next word, which has to be of this kind."""
        if not self.has(kind):
            self.refuse(wanted)
        return self.tokens[self.at - 1][1]

    def any_of(self, depth: int) -> Test:
        """Read tests with `or` between."""
        tests = [self.all_of(depth)]
        while self.has("or"):
            tests.append(self.all_of(depth))
        return lambda row: any(test(row) for test in tests)

    def all_of(self, depth: int) -> Test:
        """Read tests with `and` between."""
        tests = [self.one(depth)]
        while self.has("and"):
            tests.append(self.one(depth))
        return lambda row: all(test(row) for test in tests)

    def one(self, depth: int) -> Test:
        """Read one test, or what stands in parentheses."""
        if depth > MOST_DEPTH:
            raise UsageError(f"the condition is nested more than {MOST_DEPTH} deep", hint=HINT)
        if self.has("not"):
            inner = self.one(depth + 1)
            return lambda row: not inner(row)
        if self.has("("):
            inner = self.any_of(depth + 1)
            self.take(")", "`)`")
            return inner
        column = self.take("column", "the name of a column")
        self.columns.add(column)
        return self._test(column)

    def _test(self, column: str) -> Test:
        if self.has("is", "null"):
            return lambda row: row[column] is None
        if self.has("is", "not", "null"):
            return lambda row: row[column] is not None
        is_not = self.has("not")
        if self.has("in"):
            among = self._list()
            return lambda row: row[column] is not None and (row[column] in among) is not is_not
        if self.has("contains"):
            part = str(self._value())
            return lambda row: row[column] is not None and (part in str(row[column])) is not is_not
        sign = next((sign for sign in _SIGNS if not is_not and self.has(sign)), "")
        if not sign:
            self.refuse("`in` or `contains`" if is_not else "a comparison, `in`, `contains` or `is null`")
        value = self._value()
        return lambda row: row[column] is not None and _compared(sign, column, row[column], value)

    def _list(self) -> list[Any]:
        self.take("(", "`(`")
        values = [self._value()]
        while self.has(","):
            values.append(self._value())
        self.take(")", "`)`")
        return values

    def _value(self) -> Any:
        for word, value in (("true", True), ("false", False)):
            if self.has(word):
                return value
        return self.take("value", "a number or a text in single quotes")


def _compared(sign: str, column: str, found: Any, value: Any) -> bool:
    """Compare what a row has with what the condition says.

    Raises:
        UsageError: They are of different kinds.
    """
    if "a list" in (kinds := (_kind(found), _kind(value))) or kinds[0] != kinds[1]:
        raise UsageError(
            f"the column `{column}` holds {kinds[0]}, and the condition compares it with {kinds[1]}", hint=HINT
        )
    return _SIGNS[sign](found, value)


def _kind(value: Any) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "a list")
