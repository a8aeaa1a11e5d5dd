"""The simplest program: one prompt for each row, asked so many times, and rows of what each answer says."""

from collections.abc import Callable, Sequence
from typing import Any

from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.spine.blame import METHOD_ERROR
from wellspring.tasks.spine.programs import Ask, How, Program
from wellspring.tasks.spine.runner import conduct
from wellspring.tasks.spine.runs import Counts, Run

Rows = Callable[[Row, dict[str, Any], Answer], list[Any]]


def generate(
    run: Run,
    *,
    stage: str,
    table: str,
    role: str,
    method: PromptedMethod,
    fingerprint: str,
    takes: str,
    rows: Rows,
    most: int | None = None,
    among: Sequence[str] | None = None,
    settings: Any = None,
    draws: int = 1,
    temperature: float | None = None,
    on_failure: Callable[[Row, str, str], list[Any]] | None = None,
) -> Counts:
    """Ask a role's model for every pending row and write what it says.

    Args:
        run: Whose store, models and settings are used.
        stage: The noun that the rejections are counted under.
        table: Where the records go.
        role: Whose model is asked: generator, judge, responder.
        method: The recipe or judge: its prompt and its parser.
        fingerprint: Of the method under its settings.
        takes: The view of `sql/inputs/` that its inputs are rows of.
        rows: What to write for a row, its parsed answer, and the answer itself.
        most: Only the first so many inputs, by their ids.
        among: Only these inputs.
        settings: Handed to `method.prompt`.
        draws: Samples of each row.
        temperature: Overrides the role's.
        on_failure: What a judge writes instead of a rejection, from the row, the reason and its detail.

    Raises:
        TransientError: The budget or the quota is used up; what was answered is written.
        BrokenError: The key is wrong, or a disk is full; what was answered is written as far as it could be.
    """

    async def body(row: Row, ask: Ask) -> None:
        def read(parsed: dict[str, Any], answer: Answer) -> list[Any]:
            return rows(row, parsed, answer)

        how: How = {"role": role, "settings": settings, "temperature": temperature, "read": read}
        try:
            found = await ask.draws(range(draws), method, row, **how)
        except Rejection as refusal:  # there is no prompt
            found = [refusal] * draws
        for draw, one in enumerate(found):
            if not isinstance(one, Rejection):
                ask.make(table, one)
            elif on_failure is None or one.reason == METHOD_ERROR:
                ask.refuse(draw, one)
            else:
                ask.make(table, on_failure(row, one.reason, one.detail))

    program = Program(stage, method.name, takes, fingerprint, (role,), draws, body, draws)
    return conduct(run, program, most=most, among=among)
