"""The computed checks of an answer, by the names that profiles use; each says yes, no, or that it does not apply.

| check | passes | does not apply |
|---|---|---|
| `has_substance` | something is left without marks, tags, labels and what nobody sees, and it is no place-holder | |
| `not_refused` | it does not open with a refusal (25 languages), nor asks for a text that it was not given | |
| `not_truncated` | the server let it end, and it does end | |
| `not_looping` | no sentence, item, phrase or word goes round in it, unless that was asked for | |
| `same_language` | it is in a language of its instruction, or in one that this names | too little text, or code |
| `no_pointer` | it points at no passage, context, figure or earlier talk that its reader does not have | |
| `no_echo` | it is not its instruction once more, nor a piece of a prompt | |
| `no_debris` | no ends of JSON, no odd fence and no letters decoded twice stand in it | |
| `no_marks` | nothing of a thought or of a chat template stands in it, nor in its instruction | |
| `knowledge_precision` | enough of its words are its document's | no document; too few words |
| `numbers` | its numbers are its document's, its calculations are right | it has neither |
| `code_parses` | every block of code that we can parse is well-formed | it has none |

Not pure, or not about one answer, and therefore in `tasks/verdicts.py`: `not_contaminated` (nothing of the profile's
benchmarks is in it; does not apply where the profile names none), `code_runs` (its Python runs to its end, in the
sandbox; it cannot say where code asks for what the sandbox has not), `code_passes` (its Python gives what the tests
expect that a program noted beside the instruction, see `code_tests.py`; does not apply where there are none) and
`not_same` (no other instruction of the whole set has this answer, or nearly this; see `sameness.py`).

"Does not apply" is said by the check itself, and is no failure where the check is required. A check that could not
say, and one that never looked, do not pass.

A row is a mapping with `instruction`, `response`, `document` (None for an instruction without one) and `finish_reason`.
"""

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.plugins import CHECKS, JUDGES, Ours, texts
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import PROMPTED, VerdictsSettings
from wellspring.tasks.methods.answers import (
    answer_language,
    code_blocks,
    echoes,
    figures,
    knowledge_precision,
    pointers,
    repetition,
    substance,
    truncation,
)
from wellspring.tasks.methods.instructions import debris, refusals, thought_marks

VERSION = 3
DOES_NOT_APPLY = "does not apply: "  # how the detail of such a verdict begins; SQL looks for it
DETAIL_CHARS = 500  # of what a plug-in says


class Outcome(NamedTuple):
    """What a check said: passed, failed, or None, with what it rests on."""

    passed: bool | None
    detail: str


Check = Callable[[Row, VerdictsSettings], Outcome]
OURS = Ours[Check](
    {  # decided in tasks/verdicts.py
        "not_contaminated": (),
        "code_passes": ("code_blocks", "code_tests"),
        "code_runs": ("code_blocks",),
        "not_same": ("copies", "near_duplicates", "sameness", "word_hashes"),
    }
)


def does_not_apply(why: str) -> Outcome:
    """Return the outcome of a check that is not about such a row."""
    return Outcome(None, f"{DOES_NOT_APPLY}{why}")


def checks(names: Iterable[str], folders: Sequence[str] = ()) -> dict[str, Check]:
    """Return the checks of these names: ours, of a plug-in folder, or of an installed package.

    Raises:
        UsageError: One is unknown, with the nearest there are; or its file is not whole.
    """
    return {name: OURS.get(name) or _sound(theirs(name, folders)) for name in names}


def theirs(name: str, folders: Sequence[str] = ()) -> ModuleType:
    """Return the file of a check that is none of ours.

    Raises:
        UsageError: It is unknown, it is asked of a model, or its file is not whole.
    """
    if name in PROMPTED or name in texts(JUDGES.room):
        raise UsageError(
            f"`{name}` is asked of a model, not computed",
            hint=f"verdicts.judges names whom to ask; verdicts.required may name {', '.join(PROMPTED)}",
        )
    return CHECKS.theirs(name, folders, PROMPTED)


def _sound(module: ModuleType) -> Check:
    """Return the check of a plug-in; what it says is held to the form of an outcome, and its words are cut."""

    def check(row: Row, settings: VerdictsSettings) -> Outcome:
        said: Any = module.check(MappingProxyType(row), settings)
        match said:
            case (bool() | None as passed, str() as detail):
                return Outcome(passed, outside.sound(" ".join(detail[:DETAIL_CHARS].split())))
            case _:
                raise TypeError(f"{module.__file__} says {outside.shown(said)}, not (True, False or None, and a text)")

    return check


def _found(words: str | None) -> Outcome:
    return Outcome(words is None, words or "")


@OURS.resting_on("substance")
def _has_substance(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - all checks have this form
    return _found(substance.nothing(row["response"], row["instruction"]))


@OURS.resting_on("refusals")
def _not_refused(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(refusals.refusal(row["response"]) or refusals.asks_for_text(row["response"]))


@OURS.resting_on("debris", "truncation")
def _not_truncated(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(truncation.truncation(row["response"], row["finish_reason"]))


@OURS.resting_on("copies", "repetition")
def _not_looping(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(repetition.circles(row["response"], row["instruction"]))


@OURS.resting_on("answer_language", "languages")
def _same_language(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    found = answer_language.compare(row["response"], row["instruction"])
    if found is None:
        return does_not_apply("too little text to tell its language by")
    return _found(None if found.may else f"the answer is `{found.answer}`, its instruction `{found.instruction}`")


@OURS.resting_on("pointers", "self_containment")
def _no_pointer(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(pointers.pointer(row["response"], row["instruction"]))


@OURS.resting_on("copies", "echoes")
def _no_echo(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(echoes.echo(row["response"], row["instruction"]))


@OURS.resting_on("debris")
def _no_debris(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(debris.debris(row["response"]))


@OURS.resting_on("thought_marks")
def _no_marks(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    return _found(thought_marks.mark(row["response"]) or thought_marks.mark(row["instruction"]))


@OURS.resting_on("knowledge_precision", "words")
def _knowledge_precision(row: Row, settings: VerdictsSettings) -> Outcome:
    if not row["document"]:
        return does_not_apply("no document")
    found = knowledge_precision.knowledge_precision(row["response"], row["document"], row["instruction"])
    if found.share is None:
        return does_not_apply(f"only {found.words} words")
    missing = f"; not in it: {', '.join(found.unsupported)}" if found.unsupported else ""
    return Outcome(
        found.share >= settings.min_knowledge_precision, f"{found.share:.3f} of {found.words} words{missing}"
    )


@OURS.resting_on("figures")
def _numbers(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    found = figures.figures(row["response"], row["document"] or None, row["instruction"])
    if not found.calculations and not (found.numbers and row["document"]):
        return does_not_apply("no number to check")
    wrong = [f"wrong: {shown}" for shown in found.wrong] + [f"unsupported: {number}" for number in found.unsupported]
    return Outcome(not wrong, "; ".join(wrong[:8]) or f"{found.numbers} numbers, {found.calculations} calculations")


@OURS.resting_on("code_blocks")
def _code_parses(row: Row, settings: VerdictsSettings) -> Outcome:  # noqa: ARG001 - as above
    found = [(block.language, code_blocks.syntax_error(block)) for block in code_blocks.code_blocks(row["response"])]
    known = [(language, error) for language, error in found if error is not None]
    if not known:
        return does_not_apply(f"{len(found)} blocks, none in a language we parse" if found else "no code")
    broken = [f"{language}: {error}" for language, error in known if error]
    return Outcome(not broken, "; ".join(broken) or f"{len(known)} blocks")
