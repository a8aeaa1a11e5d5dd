"""Facts of a passage taken out into one JSON object, whose fields are compared one by one.

Beside the papers. A model reads a passage and writes fields: name, kind, what each is, its value and the quote that it
stands in. A value must stand in its quote, and the quote in the passage. Another model, which sees the fields and no
values, fills them in: fields on which both agree stay. The task shows the passage and a JSON schema. The verifier is
right or wrong as a whole; its `score` is the share of right fields.

    "... The bridge, opened in 1921, is 5 km long ..." -> {"opened": "1921", "length": "5 km"}
"""

import json
import re
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts import field_answers, field_tasks, verifiable
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import beginning, in_english, plainly
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: facts taken out into a schema, compared field by field"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder")
APART = (("generator", "responder"),)
REAL_MODEL = ""

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
ASKED = (
    "Take these facts on {about} out of the text below. Write each as the text has it. Answer with one JSON object "
    "that follows this schema:\n\n{schema}"
)


class Knobs(Section):
    """What a profile can set under `[recipes.extraction]`."""

    tasks: int = Field(default=1, ge=1, le=16, description="passages of a page that get a task")
    passage_tokens: int = Field(default=300, ge=30, le=2000, description="tokens of a passage, about")
    fields: int = Field(default=5, ge=1, le=16, description="fields that are asked for")
    least_fields: int = Field(default=3, ge=1, le=16, description="fields that a task has at least")


class Fact(Answered):
    """A field: its name, its kind, what it is, its value and where that stands."""

    name: str
    kind: Literal["text", "amount", "set", "date"]
    says: str
    value: str
    quote: str


class Written(Answered):
    """What the passage is about, and its fields."""

    about: str
    fields: list[Fact] = Field(min_length=1, max_length=16)


class Value(Answered):
    """A field and what stands in it."""

    name: str
    value: str


class Filled(Answered):
    """The fields, filled in."""

    values: list[Value] = Field(min_length=1, max_length=32)


def most_calls(knobs: Knobs) -> int:
    """For each task one to write fields, and one to fill them in."""
    return 2 * knobs.tasks


async def program(row: Row, ask: Ask) -> None:
    """Write tasks over passages of the page, beginning where its id says.

    Raises:
        Rejection: `other_language`; `empty_text`, the page says nothing.
    """
    passages = in_english(row, ask.knobs.passage_tokens, "the forms of values")
    await ask.tried([_task(row, ask, one) for one in beginning(passages, row["input_id"], ask.knobs.tasks)])


async def _task(row: Row, ask: Ask, passage: str) -> None:
    """Write fields over a passage, have them filled in by another model, and note the task.

    Raises:
        Rejection: `too_few_fields`; or as `verifiable.make` has it.
    """
    said = await ask("write", Written, passage=passage, number=ask.knobs.fields)
    facts = _standing(ask, row["text"], passage, said.fields)
    _enough(ask, facts, "stand in the passage")
    listed = "\n".join(f"{one.name} ({field_tasks.TYPES[one.kind]}): {one.says}" for one in facts.values())
    filled = await ask("fill", Filled, role="responder", passage=passage, about=said.about, fields=listed)
    values = {one.name: one.value for one in filled.values}
    for name, one in list(facts.items()):
        if not field_answers.is_field(one.kind, values.get(name), one.value):
            ask.made.refused("fields_disagree", f"{name}: {one.value[:100]} and {values.get(name, '')[:100]}")
            del facts[name]
    _enough(ask, facts, "are filled in alike")
    fields = [(one.name, one.kind, one.value) for one in facts.values()]
    cited = {one.name: _range(row["text"], one) for one in facts.values()}
    says = {one.name: one.says for one in facts.values()}
    question = ASKED.format(about=said.about, schema=field_tasks.schema(fields, says))
    task = verifiable.Task(
        kind="extraction",
        question=question,
        passage=passage,
        known=json.dumps({name: value for name, _, value in fields}, ensure_ascii=False),
        reference=field_tasks.answer(fields),
        verifier=field_tasks.verifier(fields),
        author="rule",
        cited=[verifiable.range_of(row["text"], one.quote) or (0, 0) for one in facts.values()],
        right=field_tasks.right(fields),
        wrong=field_tasks.wrong(fields, question, passage),
        is_line=False,
        more={"facts": {"fields": cited}},
    )
    verifiable.make(ask, said, task)


def _standing(ask: Ask, page: str, passage: str, facts: list[Fact]) -> dict[str, Fact]:
    """Return by name the fields whose value stands in their quote, and the quote in the passage."""
    found = dict[str, Fact]()
    for one in facts:
        members = [part.strip() for part in one.value.split(";")] if one.kind == "set" else [one.value]
        if not NAME.fullmatch(one.name) or one.name in found:
            ask.made.refused("not_of_kind", f"no name of a field of its own: {one.name[:100]}")
        elif one.quote not in passage or not all(plainly(part) in plainly(one.quote) for part in members):
            ask.made.refused("not_in_passage", f"{one.name}: {one.value[:100]} <- {one.quote[:200]}")
        elif verifiable.range_of(page, one.quote) is None:
            ask.made.refused("not_in_passage", f"it stands in no one place of the page: {one.quote[:200]}")
        elif not field_answers.is_field(one.kind, one.value, one.value):
            ask.made.refused("not_of_kind", f"{one.name} is no {one.kind}: {one.value[:200]}")
        else:
            found[one.name] = one
    return found


def _enough(ask: Ask, facts: dict[str, Fact], how: str) -> None:
    if len(facts) < ask.knobs.least_fields:
        raise Rejection("too_few_fields", f"{len(facts)} fields of at least {ask.knobs.least_fields} {how}")


def _range(page: str, fact: Fact) -> tuple[int, int]:
    """Return where a value stands in its page, in bytes; where it is not one piece of its quote, where that stands."""
    start, end = verifiable.range_of(page, fact.quote) or (0, 0)
    own = verifiable.range_of(fact.quote, fact.value)
    return (start + own[0], start + own[1]) if own else (start, end)
