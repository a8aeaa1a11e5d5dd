"""Which written verifiers and test cases to believe: those that agree with each other.

Paper: AutoIF (arXiv 2406.13542), step 3. A model writes several verifier functions for one instruction and several
cases with an expected verdict; any of them may be wrong. A case is kept if enough functions give its expected verdict,
then a function is kept if enough of the kept cases come out as expected. The paper takes more than half for both; its
code takes any function for a case and 0.8 for a function, at least 3 functions and 10 cases. 0.8 did best in its own
sweep, and is ours for functions; so are its least numbers (`verdicts.least_functions`, `verdicts.least_cases`), of
different ones that were written: with fewer, agreement says nothing. Ours differs in that a run that could not be made
(unsupported, timeout) is no vote, not a wrong one.
"""

from collections.abc import Sequence
from typing import NamedTuple

VERSION = 2
FUNCTION_ACCURACY = 0.8
CASE_ACCURACY = 0.5

Verdict = bool | None


class Believed(NamedTuple):
    """The functions and the cases that are kept, by their places; both empty when nothing agrees."""

    functions: tuple[int, ...]
    cases: tuple[int, ...]


def cross_validated(verdicts: Sequence[Sequence[Verdict]], expected: Sequence[bool]) -> Believed:
    """Keep cases that most functions agree with, then functions that agree with most of those.

    Args:
        verdicts: What function i said of case j; None where it could not be run.
        expected: What case j expects.

    Raises:
        ValueError: A function has another number of verdicts than there are cases.
    """
    votes = [
        [None if said is None else said == want for said, want in zip(row, expected, strict=True)] for row in verdicts
    ]
    cases = tuple(j for j in range(len(expected)) if _share([row[j] for row in votes]) > CASE_ACCURACY)
    functions = tuple(i for i, row in enumerate(votes) if _share([row[j] for j in cases]) >= FUNCTION_ACCURACY)
    return Believed(functions, cases) if functions and cases else Believed((), ())


def _share(votes: Sequence[bool | None]) -> float:
    known = [vote for vote in votes if vote is not None]
    return sum(known) / len(known) if known else 0.0


def too_few(functions: Sequence[str], cases: Sequence[tuple[str, bool]], least_functions: int, least_cases: int) -> str:
    """Return what is missing for the functions and cases to be tried on each other; empty when nothing is.

    Cases that expect but one verdict try nothing, however many they are: a function that always says so passes.
    """
    if len(set(functions)) < least_functions:
        return f"{len(set(functions))} functions of at least {least_functions}"
    if len(set(cases)) < least_cases:
        return f"{len(set(cases))} cases of at least {least_cases}"
    return "" if len({expected for _, expected in cases}) > 1 else "all cases expect the same"
