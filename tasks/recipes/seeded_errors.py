r"""An answer and copies of it with one known error each, so that one sees which judges find which error.

Paper: ACES (WMT 2022; 146 pairs of languages, 68 kinds of error). A challenge set has a good translation and one with
one error. A metric is held to each pair: does it give the good one more? By kind, its mark is the share of pairs that
it gets right less the share that it gets wrong; a tie is wrong.

Ours differs. What is tested are the judges of the profile, by answers to instructions, and each run makes its own set,
since a set that is published is learned. An answer of the responder is the good one; rules of ours put the errors in.
`negation` and `opposite` know English alone. Both sides are `probe` answers: judges and checks see them, and no file
has them. The card says which judge gets which kind right (`sql/exports/seeded.sql`), and names those that do no better
than a coin.

    "It takes 40 minutes." -> number: "It takes 45 minutes."; negation: "It does not take 40 minutes."
"""

import re
from collections.abc import Callable, Sequence

from pydantic import Field

from wellspring.tasks.contracts import pieces
from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "ACES"
PAPER = "ACES, WMT 2022: pairs of a good text and one with one known error; the errors are ours, and put in by rule"
VERSION = 1
TAKES = "instructions"
MAKES = ("responses", "notes")
ROLES = ("responder",)
REAL_MODEL = ""

SHORT = 5  # characters of what is no sentence, such as the number of a line
_NUMERAL = re.compile(r"(?<![\w.,])\d+(?![\w]|[.,]\d)(?!\. )")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w'-]+")
_VERB = re.compile(r"\b(is|are|was|were|can|could|should|would|must|will|has|have|does|do|did)\b(?! (?:not|n't))")
_LONG = re.compile(r"\b\w{6,}\b")
_OPPOSITES = dict(
    pair
    for one, other in (
        *(("more", "less"), ("before", "after"), ("increase", "decrease"), ("increases", "decreases")),
        *(("higher", "lower"), ("always", "never"), ("hot", "cold"), ("left", "right"), ("first", "last")),
        *(("above", "below"), ("minutes", "hours"), ("days", "weeks"), ("years", "months"), ("large", "small")),
        *(("many", "few"), ("safe", "dangerous"), ("fast", "slow"), ("most", "least"), ("with", "without")),
    )
    for pair in ((one, other), (other, one))
)
_OPPOSITE = re.compile(rf"\b(?:{'|'.join(_OPPOSITES)})\b")
_REFUSAL = "I am not able to help with this request."


class Knobs(Section):
    """What a profile can set under `[recipes.seeded_errors]`."""

    one_in: int = Field(default=8, ge=1, description="one instruction in so many is used; a call, and 5 of each judge")
    errors: int = Field(default=4, ge=1, le=12, description="kinds of error to an answer, drawn by its id")


def most_calls(knobs: Knobs) -> int:  # noqa: ARG001 - as of every program
    """One for the answer."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Have an instruction answered, and put errors into copies of the answer, where the input is drawn.

    Raises:
        Rejection: `not_in_mix`; `cut_off`; `too_few_errors`, no rule finds a place in the answer.
    """
    mark = int(row["input_id"][8:16], 16)
    if mark % ask.knobs.one_in:
        raise Rejection("not_in_mix", f"one instruction in {ask.knobs.one_in} gets seeded errors")
    said = await ask("answer", Text, history=row["history"] or "", instruction=bare(row["text"]))
    if ask.is_cut(said):
        raise Rejection("cut_off", f"it ran out of room: {said.text[-200:]}")
    aside = [str(one["text"]) for one in ask.own]
    found = spoiled(said.text, aside[mark % len(aside)])
    kinds = sorted(found, key=lambda kind: (mark // (1 + [*_RULES].index(kind)) % len(_RULES), kind))
    if not kinds:
        raise Rejection("too_few_errors", f"no rule finds a place in: {said.text[:200]}")
    good = ask.made.answer(said, row["input_id"], use="probe")
    for kind in kinds[: ask.knobs.errors]:
        if good and (bad := ask.made.answer(said, row["input_id"], text=found[kind], use="probe")):
            ask.made.note("seeded", {"good": good.id, "bad": bad.id, "error": kind}, said)


def spoiled(text: str, aside: str) -> dict[str, str]:
    """Return copies of a text with one error each, by its kind; a kind that finds no place is not there.

    Args:
        text: An answer.
        aside: A paragraph about something else.
    """
    whole = text.strip()
    sentences = [one.strip() for one in pieces.sentences(whole, len(whole)) if len(one.strip()) > SHORT]
    copies = {kind: rule(whole, sentences, aside).strip() for kind, rule in _RULES.items()}
    return {kind: copy for kind, copy in copies.items() if copy and copy.split() != whole.split()}


def _number(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    return _NUMERAL.sub(lambda one: str(int(one[0]) + max(1, int(one[0]) // 8)), text, count=1)


def _negation(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    return _VERB.sub(lambda one: f"{one[0]} not", text, count=1)


def _opposite(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    return _OPPOSITE.sub(lambda one: _OPPOSITES[one[0]], text, count=1)


def _names(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    """Let the first two names change places."""
    found = list(dict.fromkeys(_NAME.findall(text)))[:2]
    turned = dict(zip(found, reversed(found), strict=True))
    wanted = "|".join(map(re.escape, found))
    return re.sub(rf"\b(?:{wanted})\b", lambda one: turned[one[0]], text) if len(found) > 1 else ""


def _omission(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    return text.replace(max(sentences, key=len), "", 1) if len(sentences) > 1 else ""


def _addition(text: str, sentences: Sequence[str], aside: str) -> str:
    last = sentences[-1] if sentences else text
    return text.replace(last, f"{aside.partition('. ')[0]}. {last}", 1)


def _order(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    """Let the words of the longest sentence change places, every two."""
    longest = max(sentences, key=len, default="")
    words = longest.split()
    turned = [word for at in range(0, len(words), 2) for word in reversed(words[at : at + 2])]
    return text.replace(longest, " ".join(turned), 1) if longest else ""


def _repetition(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    return f"{text} {sentences[0]} {sentences[0]}" if sentences else ""


def _cut(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    return text[: max(len(text) * 2 // 3, 1)].rstrip(".!?\u3002\uff01\uff1f \n")


def _spelling(text: str, sentences: Sequence[str], aside: str) -> str:  # noqa: ARG001 - as of every rule
    """Let two letters of every third long word change places."""
    places = iter(range(len(text)))

    def swapped(word: str) -> str:
        return word[:2] + word[3] + word[2] + word[4:]

    return _LONG.sub(lambda one: one[0] if next(places) % 3 else swapped(one[0]), text)


_RULES: dict[str, Callable[[str, Sequence[str], str], str]] = {
    "number": _number,
    "negation": _negation,
    "opposite": _opposite,
    "names": _names,
    "omission": _omission,
    "addition": _addition,
    "order": _order,
    "repetition": _repetition,
    "cut": _cut,
    "spelling": _spelling,
    "refusal": lambda _text, _sentences, _aside: _REFUSAL,
    "off_topic": lambda _text, _sentences, aside: aside,
}
