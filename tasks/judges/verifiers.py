"""Python functions that check what an instruction demands of the form of its answer, with cases to try them on.

Paper: AutoIF (arXiv 2406.13542), step 2: several `evaluate(response) -> bool` for one instruction, and test cases with
an expected verdict. Ours differs: functions are asked for whatever instruction there is, and none may be the right
number of them; they are run in the sandbox and nowhere else, and believed only as far as they agree with each other
(tasks/methods/cross_validation.py). Expected verdicts never enter the sandbox.

One answer, shortened: `{"functions": ["def evaluate(response): return len(response.split()) <= 50", ...],
"cases": [{"response": "Too short to fail.", "expected": true}, ...]}`
"""

from typing import Any, cast

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, json_object, template

PAPER = "AutoIF, arXiv 2406.13542, step 2"
VERSION = 3
SUBJECT = "instruction"
MOST_FUNCTIONS, MOST_CASES = 8, 20
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "functions": {"type": "array", "items": {"type": "string"}, "maxItems": MOST_FUNCTIONS},
        "cases": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"response": {"type": "string"}, "expected": {"type": "boolean"}},
                "required": ["response", "expected"],
                "additionalProperties": False,
            },
            "maxItems": MOST_CASES,
        },
    },
    "required": ["functions", "cases"],
    "additionalProperties": False,
}


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask for as many verifiers and cases of `row["text"]`, an instruction, as `VerdictsSettings` wants at least."""
    messages = template("wellspring.tasks.judges", "verifiers").render(
        instruction=fenced("instruction", row["text"]),
        functions=str(settings.least_functions),
        cases=str(settings.least_cases),
    )
    return Prompt(messages, SCHEMA, "verifiers")


def parse(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG001 - the answer stands alone
    """Read functions and cases; both empty says that nothing about the answer can be checked by code.

    Raises:
        Rejection: `unparsable_answer`; `incomplete_answer`, functions without cases, or neither in the form asked for.
    """
    answer = json_object(text, required=("functions", "cases"))
    functions = [code.strip() for code in _list(answer, "functions") if isinstance(code, str) and "evaluate" in code]
    cases = [case for entry in _list(answer, "cases") if (case := _case(entry)) is not None]
    if _list(answer, "functions") and not (functions and cases):
        raise Rejection("incomplete_answer", f"{len(functions)} functions `evaluate`, {len(cases)} cases")
    return {"functions": list(dict.fromkeys(functions))[:MOST_FUNCTIONS], "cases": cases[:MOST_CASES]}


def _list(answer: dict[str, Any], key: str) -> list[Any]:
    value = answer[key]
    return cast("list[Any]", value) if isinstance(value, list) else []


def _case(entry: Any) -> tuple[str, bool] | None:
    """Read one case; an expected verdict may come as text ("true"), as models write it."""
    if not isinstance(entry, dict):
        return None
    case = cast("dict[str, Any]", entry)
    expected = {"true": True, "false": False}.get(str(case.get("expected", case.get("output"))).strip().lower())
    shown = case.get("response", case.get("input"))
    return (shown, expected) if isinstance(shown, str) and expected is not None else None
