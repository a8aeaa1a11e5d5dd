"""Tables become tasks: a model reads what a table is about, says what one could ask, and the rows fill it in.

Paper: Dynosaur (arXiv 2305.14327). From name, description, fields and two rows of a dataset a model makes up to three
tasks: an instruction, the fields that are shown, and the field that is the answer. The rows of the dataset then fill
them in, so the answers are people's, and 800,000 rows cost some dollars. Left out are tasks whose fields are not there
or whose answer is shown, empty cells, and what is asked a second time. An answer of few kinds is a label: its
instruction names them all, and a task is left out where one label is more than 70% of the rows (of two labels) or 50%
(of more).

Ours differs. A table is a page in force whose text is JSON (`tasks/io/corpora/tables.py`: files, databases by SQL,
folders of `datasets`); labels are counted on one page of 50 rows. A label is an answer of at most 15 characters. An
answer is left out where it is cut at 2,000 characters; what is shown is cut there as in the paper. Each request is of
the table alone, so one of a table's pages is paid. The rows stay rows of their page, and have its licence.

    {"review": "Dull from the start.", "label": "bad"} -> "Say whether the review is good or bad. ...": "bad"
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import Field

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Dynosaur"
PAPER = "Dynosaur, arXiv 2305.14327: tables with what they are about become tasks"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses")
ROLES = ("generator",)
MAY = frozenset({"leave_page", "resemble", "switch_language"})
REAL_MODEL = ""

MOST_TASKS = 3
MOST_LABELS, LABEL_CHARS, CUT_CHARS = 10, 15, 2_000
SHARE_OF_TWO, SHARE_OF_MORE = 0.7, 0.5
EXAMPLE_CHARS = 1_000

Cells = Mapping[str, str]


class Knobs(Section):
    """What a profile can set under `[recipes.dynosaur]`."""

    rows: int = Field(default=50, ge=1, le=50, description="rows of a page that fill a task in, at most")


class Task(Answered):
    """A task that a table could be used for; a field may well be called `text`, which says nothing elsewhere."""

    instruction: str
    input_fields: list[Aside]
    output_field: Aside


class Tasks(Answered):
    """The tasks of a table."""

    tasks: list[Task] = Field(max_length=MOST_TASKS)


def most_calls(knobs: Knobs) -> int:  # noqa: ARG001 - as of every program
    """One for a table."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Have tasks made of what a table is about, and fill them in with its rows.

    Raises:
        Rejection: `no_table`, the page is none.
    """
    table = _table(row["text"])
    examples = [{name: text[:EXAMPLE_CHARS] for name, text in one.items()} for one in table["examples"]]
    said = await ask(
        "tasks", Tasks, table=table["table"], about=table["about"],
        fields=json.dumps(table["fields"], ensure_ascii=False), examples=json.dumps(examples, ensure_ascii=False),
    )  # fmt: skip
    found: dict[str, tuple[str, str]] = {}
    for number, task in enumerate(said.tasks):
        try:
            for place, (asked, answer) in enumerate(filled(task, table["rows"], table["fields"])[: ask.knobs.rows]):
                found.setdefault(asked, (answer, f"{number}.{place}"))
        except Rejection as refusal:
            ask.made.refused(refusal.reason, refusal.detail)
    await ask.tried([_made(ask, said, asked, *of) for asked, of in found.items()])


async def _made(ask: Ask, said: Tasks, asked: str, answer: str, place: str) -> None:
    """Make an instruction of a row, with the row's own answer."""
    made = ask.made.instruction(said, place, text=asked)
    ask.made.answer(said, made, text=answer, model="given")


def _table(text: str) -> dict[str, Any]:
    try:
        said: Any = outside.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not {"table", "about", "fields", "examples", "rows"} <= said.keys():
        raise Rejection("no_table", f"the page is no table: {text[:100]}")
    return cast("dict[str, Any]", said)


def filled(task: Task, rows: Sequence[Cells], fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is asked and answered by each row that a task can be filled in with.

    Args:
        task: As the model made it.
        rows: Of the table.
        fields: Of the table.

    Raises:
        Rejection: `no_such_field`; `answer_is_shown`; `no_words`, it asks nothing; `nothing_left`, no row has all
            cells; `unbalanced`, one label has too many of them.
    """
    wanted = [*dict.fromkeys(task.input_fields)]
    if lacking := [name for name in (*wanted, task.output_field) if name not in fields]:
        raise Rejection("no_such_field", f"{', '.join(lacking)[:200]}: {task.instruction[:200]}")
    if task.output_field in wanted:
        raise Rejection("answer_is_shown", f"{task.output_field}: {task.instruction[:200]}")
    if not task.instruction.strip():
        raise Rejection("no_words", "the task has no instruction")
    whole = [one for one in rows if all(one.get(name, "").strip() for name in (*wanted, task.output_field))]
    whole = [one for one in whole if len(one[task.output_field]) < CUT_CHARS]
    if not whole:
        raise Rejection("nothing_left", f"no row has a text in {', '.join((*wanted, task.output_field))[:200]}")
    wish = task.instruction.strip() + _labels([one[task.output_field] for one in whole], task)
    return [(_asked(wish, wanted, one), one[task.output_field]) for one in whole]


def _labels(answers: Sequence[str], task: Task) -> str:
    """Return the sentence that names the labels of a task, or nothing where its answers are none."""
    counts = Counter(answers)
    are_labels = len(counts) <= MOST_LABELS and len(counts) < len(answers) and max(map(len, counts)) <= LABEL_CHARS
    if not are_labels:
        return ""
    share = max(counts.values()) / len(answers)
    if share > (SHARE_OF_TWO if len(counts) <= 2 else SHARE_OF_MORE):  # noqa: PLR2004 - two labels, or one
        raise Rejection("unbalanced", f"one label is {share:.0%} of {len(answers)} rows: {task.instruction[:200]}")
    return f" Answer with one of: {', '.join(sorted(counts))}."


def _asked(wish: str, wanted: Sequence[str], row: Cells) -> str:
    shown = [f"{name}: {row[name][:CUT_CHARS]}" for name in wanted]
    return "\n\n".join([wish, "\n".join(shown)] if shown else [wish])
