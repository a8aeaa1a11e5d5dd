"""Python functions that check what an instruction demands of the form of its answer, with cases to try them on.

Paper: AutoIF (arXiv 2406.13542), step 2: several `evaluate(response) -> bool` for one instruction, and test cases with
an expected verdict. Ours differs: functions are asked for whatever instruction there is, and none may be the right
number of them; they are run in the sandbox and nowhere else, and believed only as far as they agree with each other
(tasks/methods/answers/cross_validation.py). Expected verdicts never enter the sandbox.

One answer, shortened: `{"functions": ["def evaluate(response): return len(response.split()) <= 50", ...],
"cases": [{"response": "Too short to fail.", "expected": true}, ...]}`
"""

from typing import Annotated, Any, cast

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Read
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, Template, fenced, template

PAPER = "AutoIF, arXiv 2406.13542, step 2"
VERSION = 3
SUBJECT = "instruction"


class Case(Answered):
    """A response, and whether it meets the demands of the instruction."""

    response: str
    expected: bool


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _functions(said: Row, name: str, form: Template | None) -> list[str]:
    listed, cases = _list(said[name]), _cases(said, "cases", form)
    functions = [code.strip() for code in listed if isinstance(code, str) and "evaluate" in code]
    if listed and not (functions and cases):
        raise Rejection("incomplete_answer", f"{len(functions)} functions `evaluate`, {len(cases)} cases")
    return list(dict.fromkeys(functions))


def _cases(said: Row, name: str, _: Template | None) -> list[Case]:
    return [case for entry in _list(said[name]) if (case := _case(entry)) is not None]


def _case(entry: Any) -> Case | None:
    """Read one case; an expected verdict may come as text ("true"), as models write it."""
    if not isinstance(entry, dict):
        return None
    case = cast("dict[str, Any]", entry)
    expected = {"true": True, "false": False}.get(str(case.get("expected", case.get("output"))).strip().lower())
    shown = case.get("response", case.get("input"))
    return Case(response=shown, expected=expected) if isinstance(shown, str) and expected is not None else None


class Verifiers(Answered):
    """Functions `evaluate(response) -> bool`, and cases to try them on; both are empty if code can check nothing."""

    functions: Annotated[list[str], Field(max_length=8), Read(_functions)]
    cases: Annotated[list[Case], Field(max_length=20), Read(_cases)]


SCHEMA = Verifiers.identity()


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask for as many verifiers and cases of `row["text"]`, an instruction, as `VerdictsSettings` wants at least."""
    messages = template("wellspring.tasks.judges", "verifiers").render(
        instruction=fenced("instruction", row["text"]),
        functions=str(settings.least_functions),
        cases=str(settings.least_cases),
    )
    return Prompt(messages, SCHEMA, "verifiers")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Return the functions and, as pairs, the cases; raises what `Answered.read` does."""
    answer = Verifiers.read(text)
    return {"functions": answer.functions, "cases": [(case.response, case.expected) for case in answer.cases]}
