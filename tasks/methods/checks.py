"""The computed checks of an answer, by the names that profiles use; each says yes, no, or that it cannot say.

| check | passes | cannot say |
|---|---|---|
| `not_refused` | it does not open with a refusal | |
| `not_truncated` | the server let it end, and it does end | |
| `no_marks` | nothing of a thought or of a chat template stands in it, nor in its instruction | |
| `knowledge_precision` | enough of its words are its document's | no document; too few words |
| `numbers` | its numbers are its document's, its calculations are right | it has neither |
| `code_parses` | every block of code that we can parse is well-formed | it has none |

`not_contaminated` (nothing of the profile's benchmarks is in it) and `code_runs` (its Python runs to its end, in the
sandbox) are no pure methods: they are in `tasks/verdicts.py`.

A row is a mapping with `instruction`, `response`, `document` (None for an instruction without one) and `finish_reason`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tasks.contracts.errors import UsageError
from tasks.contracts.settings import VerdictsSettings
from tasks.methods import code_blocks, figures, knowledge_precision, refusals, thought_marks, truncation

VERSION = 2

Row = Mapping[str, Any]


class Outcome(NamedTuple):
    """What a check said: passed, failed, or None, with what it rests on."""

    passed: bool | None
    detail: str


Check = Callable[[Row, VerdictsSettings], Outcome]


def checks(names: tuple[str, ...]) -> dict[str, Check]:
    """Return the checks of these names.

    Raises:
        UsageError: One is unknown; the message lists those there are.
    """
    if unknown := [name for name in names if name not in _CHECKS]:
        raise UsageError(
            f"there is no check `{unknown[0]}`",
            hint=f"verdicts.checks may name: {', '.join(_CHECKS)}, not_contaminated, code_runs",
        )
    return {name: _CHECKS[name] for name in names}


def _not_refused(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - all checks have this form
    words = refusals.refusal(row["response"])
    return Outcome(words is None, words or "")


def _not_truncated(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    why = truncation.truncation(row["response"], row["finish_reason"])
    return Outcome(why is None, why or "")


def _no_marks(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    found = thought_marks.mark(row["response"]) or thought_marks.mark(row["instruction"])
    return Outcome(found is None, found or "")


def _knowledge_precision(row: Row, settings: VerdictsSettings) -> Outcome:
    if not row["document"]:
        return Outcome(None, "no document")
    found = knowledge_precision.knowledge_precision(row["response"], row["document"], row["instruction"])
    if found.share is None:
        return Outcome(None, f"only {found.words} words")
    missing = f"; not in it: {', '.join(found.unsupported)}" if found.unsupported else ""
    return Outcome(
        found.share >= settings.min_knowledge_precision, f"{found.share:.3f} of {found.words} words{missing}"
    )


def _numbers(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    found = figures.figures(row["response"], row["document"] or None, row["instruction"])
    if not found.calculations and not (found.numbers and row["document"]):
        return Outcome(None, "no number to check")
    wrong = [f"wrong: {shown}" for shown in found.wrong] + [f"unsupported: {number}" for number in found.unsupported]
    return Outcome(not wrong, "; ".join(wrong[:8]) or f"{found.numbers} numbers, {found.calculations} calculations")


def _code_parses(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    found = [(block.language, code_blocks.syntax_error(block)) for block in code_blocks.code_blocks(row["response"])]
    known = [(language, error) for language, error in found if error is not None]
    if not known:
        return Outcome(None, f"{len(found)} blocks, none in a language we parse" if found else "no code")
    broken = [f"{language}: {error}" for language, error in known if error]
    return Outcome(not broken, "; ".join(broken) or f"{len(known)} blocks")


_CHECKS: dict[str, Check] = {
    "not_refused": _not_refused,
    "not_truncated": _not_truncated,
    "no_marks": _no_marks,
    "knowledge_precision": _knowledge_precision,
    "numbers": _numbers,
    "code_parses": _code_parses,
}
USES = {  # check -> the methods that decide it, also of those that are no pure methods
    "not_refused": ("refusals",),
    "not_truncated": ("truncation",),
    "no_marks": ("thought_marks",),
    "knowledge_precision": ("knowledge_precision", "words"),
    "numbers": ("figures",),
    "code_parses": ("code_blocks",),
    "code_runs": ("code_blocks",),
}
