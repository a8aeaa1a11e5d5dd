"""Are the numbers of an answer its document's, and is what it calculates right.

A number is supported when the document or the instruction has it, when a sum in the answer itself gives it, or when it
counts rather than states (up to 12, or the number of a list item or a step). Code blocks are left out. A displayed
calculation (`3 * 40 = 120`) is worked out again; it may be rounded to the digits it shows.
"""

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from typing import NamedTuple

from wellspring.tasks.contracts import parsing

VERSION = 1
COUNTING_UP_TO = 12
MOST_DIGITS = 30  # a longer one is an identifier, not a number

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_ENUMERATION = re.compile(r"(?m)^[^\S\n]*+(?:[-*]\s*)?(?:\*\*)?(?:step\s+)?\d{1,3}[.):]", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[,\u202f\u00a0]\d{3})+(?:\.\d+)?(?![\w])|(?<![\w.])\d+(?:\.\d+)?(?!\w|\.\d)")
_SUM = re.compile(
    r"(?<![\w.=])(?=[(\d$\u20ac\u00a3])"
    r"((?:\(?\s*+[$\u20ac\u00a3]?\d[\d,.]*+\s*+%?+\s*+\)?+\s*+[-+*/x\u00d7\u00f7\u2212]\s*+)+\(?\s*+[$\u20ac\u00a3]?\d[\d,.]*\)?)"
    r"\s*+=\s*+[$\u20ac\u00a3]?(-?\d[\d,]*(?:\.\d+)?)(?![\d%])"
)
_OPERATORS: dict[type[ast.AST], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Figures(NamedTuple):
    """How many numbers and calculations an answer has, which numbers nothing supports, which calculations are wrong."""

    numbers: int
    calculations: int
    unsupported: tuple[str, ...]
    wrong: tuple[str, ...]


def numbers(text: str) -> list[Decimal]:
    """Return the numbers of a text, thousands separators taken out, numbers of list items and steps left out."""
    bare = _ENUMERATION.sub(" ", _FENCE.sub(" ", text))
    found = (re.sub(r"[,\u202f\u00a0]", "", token) for token in _NUMBER.findall(bare))
    return [Decimal(token).normalize() for token in found if len(token) <= MOST_DIGITS]


def calculations(text: str) -> list[tuple[str, Decimal, Decimal]]:
    """Return the displayed calculations that can be read: as shown, what they claim, what they give."""
    found: list[tuple[str, Decimal, Decimal]] = []
    for match in _SUM.finditer(_FENCE.sub(" ", text)):
        claimed = Decimal(match[2].replace(",", ""))
        if (value := _worked_out(match[1])) is not None:
            found.append((" ".join(match[0].split()), claimed, value))
    return found


def figures(answer: str, document: str | None, instruction: str = "") -> Figures:
    """Check the numbers of an answer; without a document only its calculations are checked."""
    sums = calculations(answer)
    wrong = tuple(shown for shown, claimed, value in sums if not _rounds_to(value, claimed))
    stated = numbers(answer)
    if document is None:
        return Figures(len(stated), len(sums), (), wrong)
    known = {*numbers(document), *numbers(instruction), *(claimed.normalize() for _, claimed, _ in sums)}
    unknown = [n for n in dict.fromkeys(stated) if n not in known and not _is_count(n)]
    return Figures(len(stated), len(sums), tuple(f"{n:f}" for n in unknown), wrong)


def _is_count(number: Decimal) -> bool:
    return number <= COUNTING_UP_TO and number == number.to_integral_value()


def _rounds_to(value: Decimal, claimed: Decimal) -> bool:
    digits = claimed.as_tuple().exponent
    unit = Decimal(1).scaleb(int(digits) if isinstance(digits, int) and digits < 0 else 0)
    return abs(value - claimed) <= unit / 2 or 0 <= abs(value) - abs(claimed) < unit


def _worked_out(expression: str) -> Decimal | None:
    """Work out a sum of plain numbers: parsed as an expression, walked by hand, never evaluated as code."""
    plain = re.sub(r"[$\u20ac\u00a3,]", "", expression).translate({0xD7: "*", 0xF7: "/", 0x2212: "-", ord("x"): "*"})
    if "%" in plain or len(plain) > 200:  # noqa: PLR2004 - longer ones are no sums that people display
        return None
    try:
        parsed = parsing.expression(plain.strip())
        with localcontext() as context:
            context.traps[InvalidOperation] = context.traps[DivisionByZero] = context.traps[Overflow] = True
            return _walked(parsed)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError):
        return None


def _walked(node: ast.expr) -> Decimal:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return Decimal(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_walked(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_walked(node.left), _walked(node.right))
    raise ValueError(f"not a sum of numbers: {ast.dump(node)[:60]}")
