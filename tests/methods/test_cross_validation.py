"""Cross-validation of written verifiers: by hand, and on recorded ones through the sandbox."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.io.sandbox import Sandbox
from wellspring.tasks.methods.answers.cross_validation import Believed, cross_validated, too_few

VERDICT = st.sampled_from([True, False, None])


def test_a_wrong_case_falls_first_and_then_the_function_that_only_it_liked() -> None:
    verdicts = [[True, False, True], [True, False, True], [False, True, False]]

    assert cross_validated(verdicts, [True, False, False]) == Believed((0, 1), (0, 1))


def test_a_function_that_could_not_be_run_has_no_vote() -> None:
    assert cross_validated([[True, True], [None, None]], [True, True]) == Believed((0,), (0, 1))


def test_nothing_is_kept_when_nothing_agrees() -> None:
    assert cross_validated([[True], [False]], [True]) == Believed((), ())
    assert cross_validated([], [True]) == Believed((), ())
    assert cross_validated([[]], []) == Believed((), ())


@pytest.mark.parametrize(
    ("functions", "cases", "missing"),
    [
        (["f"], [("a", True)] * 10, "1 functions of at least 3"),
        (["f", "f", "f"], [("a", True), ("b", False)] * 5, "1 functions of at least 3"),
        (["f", "g", "h"], [("a", True), ("b", False)] * 5, "2 cases of at least 10"),
        (["f", "g", "h"], [(str(n), True) for n in range(10)], "all cases expect the same"),
        (["f", "g", "h"], [(str(n), n > 4) for n in range(10)], ""),
    ],
)
def test_too_few_different_functions_or_cases_try_nothing(
    functions: list[str], cases: list[tuple[str, bool]], missing: str
) -> None:
    assert too_few(functions, cases, 3, 10) == missing


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(VERDICT, min_size=n, max_size=n), max_size=5),
            st.lists(st.booleans(), min_size=n, max_size=n),
        )
    )
)
def test_what_is_kept_agrees_as_it_must(given_rows: tuple[list[list[bool | None]], list[bool]]) -> None:
    verdicts, expected = given_rows
    believed = cross_validated(verdicts, expected)

    for i in believed.functions:
        said = [verdicts[i][j] == expected[j] for j in believed.cases if verdicts[i][j] is not None]
        assert sum(said) >= 0.8 * len(said)
    for j in believed.cases:
        said = [row[j] == expected[j] for row in verdicts if row[j] is not None]
        assert sum(said) > 0.5 * len(said)


@pytest.mark.shared
@pytest.mark.slow
def test_recorded_verifiers_that_were_cross_validated_before_are_believed_again(shared: Path) -> None:
    with gzip.open(shared / "verifiers" / "autoif_crossval_a.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    kept, of = 0, 0
    with Sandbox() as sandbox:
        for row in rows:
            said = [[sandbox.verify(f["code"], case["input"]).value for case in row["cases"]] for f in row["eval_func"]]
            believed = cross_validated(said, [bool(case["expected"]) for case in row["cases"]])
            kept, of = kept + len(believed.functions), of + len(row["eval_func"])

    assert kept / of > 0.8
