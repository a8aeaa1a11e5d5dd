"""Two answers side by side: evidence first, then which is better. Always asked in both orders.

Paper: FairEval (both orders; swapping them alone lets a weak answer win 66 of 80), LLMBar and MT-Bench for the form of
pairwise verdicts. Ours differs: the two orders are not averaged; if they name different winners the pair is a tie and
is counted (DOVE drops it too). A verdict in plain words is read as well, since many models do not keep to JSON.

One answer: `{"evidence": "The first gives the dose by weight, the second only in general.", "winner": "first"}`
"""

import re
from typing import Annotated, Any, Literal

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.answers import Answered, Aside, Read
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, Template, fenced, json_object, template

PAPER = "FairEval (position bias); LLMBar (verdicts in words)"
VERSION = 2
SUBJECT = "pair"
Winner = Literal["first", "second", "tie"]

_WORDS: dict[Winner, tuple[str, ...]] = {
    "first": ("first", "a", "1", "one"),
    "second": ("second", "b", "2", "two"),
    "tie": ("tie", "c", "both", "equal", "neither", "none"),
}
_NAMES: dict[str, Winner] = {word: winner for winner, words in _WORDS.items() for word in words}
_THING = r"(?:output|answer|response|assistant|model|option)"
_LABEL = rf"(?:{_THING}\s*\(?\[*([ab12])\b\)?\]*|the\s+(first|second)\s+{_THING}|\[\[([abc])\]\])"
_MIDDLE = (
    r"(?:\s+(?:is|was|seems|appears|to|be|stands|out|as|a|the"
    r"|clearly|slightly|generally|overall|therefore|much|still|also|likely))"
)
_PRAISE = (
    r"(?:better|best|superior|preferred|preferable|winner|stronger"
    r"|more\s+(?:accurate|precise|suitable|appropriate|closely))"
)
_CONCLUSIONS = (
    re.compile(rf"{_LABEL}{_MIDDLE}*\s+{_PRAISE}", re.IGNORECASE),
    re.compile(
        rf"(?:prefer|choose|chose|select|selected|pick|verdict|winner|decision)\b[^.\n]{{0,30}}?{_LABEL}", re.IGNORECASE
    ),
    re.compile(rf"{_PRAISE}\s+(?:{_THING}\s+)?(?:is|would\s+be|:)\s*:?\s*{_LABEL}", re.IGNORECASE),
    re.compile(
        rf"{_LABEL}\s+(?:\w+\s+){{0,4}}?(?:aligns|executes|follows|addresses|answers)\b[^.\n]{{0,40}}\bbetter\b",
        re.IGNORECASE,
    ),
    re.compile(r"\[\[([ABC])\]\]"),
)
_ALONE = re.compile(rf"\s*{_LABEL}\s*\.?\s*", re.IGNORECASE)
_EQUAL = re.compile(
    r"equally (?:good|valid|well)|neither (?:\w+ ){0,3}(?:is|are) better|\bit is a tie\b", re.IGNORECASE
)
_REFUSED = re.compile(r"\bcannot (?:claim|say|decide|determine|provide|choose|select)\b", re.IGNORECASE)


def _winner_named(said: Row, name: str, _: Template | None) -> Winner:
    words = re.findall(r"[a-z0-9]+", str(said[name]).lower())
    named: set[Winner] = {_NAMES[word] for word in words if word in _NAMES}
    if len(named) != 1:
        raise Rejection("unparsable_answer", f"`{name}` = {outside.shown(said[name])}")
    return named.pop()


class Verdict(Answered):
    """Which of two answers is better, by the order in which they were shown."""

    evidence: Aside
    winner: Annotated[Winner, Read(_winner_named)]


SCHEMA = Verdict.identity()


def prompt(row: Row, settings: Any) -> Prompt:  # noqa: ARG001 - a judge asks the same of every run
    """Show `row["first"]` before `row["second"]`, both answers to `row["instruction"]`."""
    messages = template("wellspring.tasks.judges", "pairwise").render(
        instruction=fenced("instruction", row["instruction"]),
        first=fenced("first", row["first"]),
        second=fenced("second", row["second"]),
    )
    return Prompt(messages, SCHEMA, "pairwise")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Read the verdict, as JSON or in words.

    Returns:
        `winner`, first, second or tie, and `detail`, the evidence.

    Raises:
        Rejection: `unparsable_answer`, no verdict can be read.
    """
    try:
        answer = json_object(text, required=("winner",))
    except Rejection:
        return {"winner": verdict_in_words(text), "detail": " ".join(text.split())[:600]}
    said = Verdict.taken(answer)
    return {"winner": said.winner, "detail": " ".join(said.evidence.split())[:600]}


def verdict_in_words(text: str) -> Winner:
    """Find the verdict of a judge that answered in prose: its last conclusion, or a label that stands alone.

    Raises:
        Rejection: `unparsable_answer`, there is none; nothing is guessed from praise of one answer.
    """
    if alone := _ALONE.fullmatch(text):
        return _winner(alone)
    said: list[tuple[int, Winner]] = [
        (found.start(), _winner(found)) for pattern in _CONCLUSIONS for found in pattern.finditer(text)
    ]
    if said:
        return max(said)[1]
    if _EQUAL.search(text) and not _REFUSED.search(text):
        return _NAMES["tie"]
    raise Rejection("unparsable_answer", f"no verdict in: {text[-200:]}")


def consistent(first_order: Winner | None, second_order: Winner | None) -> Winner | None:
    """Join the verdicts of both orders, each given as the winner by place, into the winner by the first order's places.

    Different winners are a tie: the judge followed the place. One failed order leaves no verdict at all.
    """
    if first_order is None or second_order is None:
        return None
    swapped: dict[Winner, Winner] = {"first": "second", "second": "first", "tie": "tie"}
    return first_order if first_order == swapped[second_order] else "tie"


def _winner(found: re.Match[str]) -> Winner:
    return _NAMES[next(group for group in found.groups() if group).lower()]
