"""Traces of tools: a task over a page's table that a model works out by calls, kept where the end state is right.

Beside the papers. A model writes a task with one to three answers, each with its SQL over a table of the page; what the
SQL gives is what the record must hold in the end. Another model is told the task and no page: it searches our
documents, opens one, queries its table and records answers, one call a turn. Calls are held to the tools' JSON schemas;
a wrong one is answered with an error, and too many end the attempt. A trace is kept if the record holds just what it
must: each answer under its name, and nothing else. How it got there does not count. Its turns are a note of the kind
`trace`; in forms they stand between instruction and answer. The last message is held to no more than its form.

    "Which river is the longest?" -> search, open, query, record(longest, Aare), "The Aare is the longest."
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import Field

from wellspring.tasks.contracts import comparers, page_tables, variants
from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.page_tables import NAME, PageTable
from wellspring.tasks.contracts.pieces import ENGLISH
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: calls of tools over pages and their tables, checked by the state they end in"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder")
APART = (("generator", "responder"),)
REAL_MODEL = ""

TRACE = "trace"
FINISH = "finish"
LEAST_ROWS = 3
DECIMALS = 2
RESULT_CHARS = 2_000  # of what a tool says
PAGE_ID_CHARS = 8
TELL = "Record each answer under its name: {}. Then say what you found."


class Knobs(Section):
    """What a profile can set under `[recipes.tool_traces]`."""

    tasks: int = Field(default=2, ge=1, le=16, description="tasks of a page with a table")
    attempts: int = Field(default=2, ge=1, le=16, description="attempts at each; the first that succeeds is kept")
    turns: int = Field(default=8, ge=2, le=64, description="most turns of an attempt, its last message counted")
    results: int = Field(default=3, ge=1, le=20, description="pages that a search gives")
    most_faults: int = Field(default=2, ge=0, le=64, description="most calls of an attempt that end in an error")


class Entry(Answered):
    """An answer that the task asks for: its name, the SQL that works it out, and its unit."""

    name: str
    sql: str
    unit: str | None


class Goal(Answered):
    """A task."""

    task: str
    entries: list[Entry] = Field(min_length=1, max_length=3)


class Act(Answered):
    """One call, or the end; `arguments` is the JSON text of an object."""

    thought: Aside
    tool: Literal["search", "open", "query", "record", "finish"]
    arguments: str


@dataclass(slots=True)
class State:
    """What calls can change: pages that were found, the table that is open, the record; and what has been done."""

    found: dict[str, Row] = field(default_factory=dict[str, Row])
    table: PageTable | None = None
    record: dict[str, str] = field(default_factory=dict[str, str])
    turns: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    steps: list[str] = field(default_factory=list[str])
    faults: int = 0


Known = dict[str, tuple[str, str]]  # name -> kind, answer


def most_calls(knobs: Knobs) -> int:
    """For each task one to write it, and the turns of each attempt."""
    return knobs.tasks * (1 + knobs.attempts * knobs.turns)


async def program(row: Row, ask: Ask) -> None:
    """Have tasks written over the first table of the page, and attempted.

    Raises:
        Rejection: `other_language`; `no_table`.
    """
    if row.get("language") not in ENGLISH:
        raise Rejection("other_language", f"{row['language']}, and what asks for calls is in English")
    table = _table(row["text"])
    if table is None:
        raise Rejection("no_table", f"the page has no table of {LEAST_ROWS} rows")
    told: dict[str, Any] = {"title": row["title"] or "", "schema": table.described, "table": table.text[:RESULT_CHARS]}
    goals = await ask.draws(ask.knobs.tasks, "write", Goal, **told)
    await ask.tried([_of_goal(row, ask, table, one) for one in {one.task.casefold(): one for one in goals}.values()])


async def _of_goal(row: Row, ask: Ask, table: PageTable, goal: Goal) -> None:
    """Work out what the record must hold, have the task attempted, and keep the first trace that ends there.

    Raises:
        Rejection: As `_known` has it; `not_reached`, no attempt ended there.
    """
    known = {entry.name: await _known(ask, table, entry) for entry in goal.entries}
    task = f"{goal.task}\n\n{TELL.format(', '.join(known))}"
    firsts = await _acts(ask, ask.knobs.attempts, task, State())
    ended = await ask.tried([_attempt(row, ask, task, known, one) for one in firsts])
    reached = next((one for one in ended if one), None)
    if reached is None:
        raise Rejection("not_reached", f"none of {len(firsts)} attempts: {goal.task[:200]}")
    state, last, said = reached
    tools = [{name: one[name] for name in ("name", "description", "parameters")} for one in ask.own]
    made = ask.made.instruction(goal, text=task, tools=tools)
    if (answer := ask.made.answer(last, made, text=said)) is not None:
        ask.made.note(TRACE, {"response_id": answer.id, "turns": state.turns}, last)


async def _known(ask: Ask, table: PageTable, entry: Entry) -> tuple[str, str]:
    """Return the kind and the text of an answer.

    Raises:
        Rejection: `sql_fails`; `no_short_answer`, it is not one cell; `not_of_table`, an empty table gives the same.
    """
    ran = await ask.query(entry.sql, {NAME: table.given})
    empty = await ask.query(entry.sql, {NAME: table.given | {"rows": []}})
    if ran.outcome != "ok":
        raise Rejection("sql_fails", f"{ran.outcome}: {ran.detail[:150]}: {entry.sql[:150]}")
    if [len(cells) for cells in ran.rows] != [1] or ran.rows[0][0] in {None, ""} or not entry.name.strip():
        raise Rejection("no_short_answer", f"{len(ran.rows)} rows: {entry.sql[:200]}")
    if empty.rows == ran.rows:
        raise Rejection("not_of_table", f"{ran.rows[0][0]}: {entry.sql[:200]}")
    cell = ran.rows[0][0]
    if isinstance(cell, str | bool):
        return "text", " ".join(str(cell).split())
    return "amount", f"{round(float(cell), DECIMALS):g} {entry.unit or ''}".strip()


async def _acts(ask: Ask, number: int, task: str, state: State) -> list[Act]:
    left = ask.knobs.turns - len(state.steps)
    return await ask.draws(number, "act", Act, role="responder", task=task, steps=list(state.steps), left=left)


async def _attempt(row: Row, ask: Ask, task: str, known: Known, act: Act) -> tuple[State, Act, str]:
    """Go on from a first call until the end; returns the state, the last act and its message.

    Raises:
        Rejection: `no_call`, `wrong_arguments`, `state_not_reached` or `too_many_turns`.
    """
    state = State()
    while act.tool != FINISH:
        await _call(row, ask, state, act)
        if len(state.steps) >= ask.knobs.turns:
            raise Rejection("too_many_turns", f"{len(state.steps)} calls, and no last message")
        said = await _acts(ask, 1, task, state)
        if not said:
            raise Rejection("no_answer", f"after {len(state.steps)} calls")
        act = said[0]
    if not state.steps:
        raise Rejection("no_call", act.arguments[:200])
    text = _held({"properties": {"text": {"maxLength": RESULT_CHARS}}}, _object(act))["text"]
    if not _is_reached(state.record, known):
        raise Rejection("state_not_reached", f"{state.record} and not {known}"[:300])
    return state, act, text


def _is_reached(record: dict[str, str], known: Known) -> bool:
    """Whether the record holds each answer under its name, and nothing else."""
    return record.keys() == known.keys() and all(
        comparers.is_right(variants.final(record[name]), kind, answer) for name, (kind, answer) in known.items()
    )


async def _call(row: Row, ask: Ask, state: State, act: Act) -> None:
    """Make a call, and write down what came of it.

    Raises:
        Rejection: `wrong_arguments`: they are no object, or too many calls ended in an error.
    """
    given = _object(act)
    try:
        arguments = _held(next(one["parameters"] for one in ask.own if one["name"] == act.tool), given)
        said = await _done(row, ask, state, act.tool, arguments)
    except Rejection as refusal:
        state.faults, said = state.faults + 1, {"error": refusal.detail}
        if state.faults > ask.knobs.most_faults:
            raise Rejection("wrong_arguments", f"{act.tool}: {refusal.detail[:200]}") from None
    result = json.dumps(said, ensure_ascii=False)[:RESULT_CHARS]
    function = {"name": act.tool, "arguments": json.dumps(given, ensure_ascii=False)}
    call = {"id": f"call_{len(state.steps) + 1}", "type": "function", "function": function}
    state.turns += [
        {"role": "assistant", "content": "", "thought": act.thought, "tool_calls": [call]},
        {"role": "tool", "content": result, "tool_call_id": call["id"]},
    ]
    state.steps.append(f"{act.tool} {function['arguments']}\n{result}")


def _object(act: Act) -> dict[str, Any]:
    """Return the arguments of a call.

    Raises:
        Rejection: `wrong_arguments`: no trainer can read them.
    """
    try:
        said = json.loads(act.arguments, parse_constant=_refuse)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Rejection("wrong_arguments", f"{act.tool}: no object: {act.arguments[:200]}")
    return cast("dict[str, Any]", said)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _held(schema: Any, given: dict[str, Any]) -> dict[str, str]:
    """Return arguments that are as a schema says: each a text that is not too long, all there, and no other.

    Raises:
        Rejection: `wrong_arguments`.
    """
    wanted = schema["properties"]
    if given.keys() != wanted.keys():
        raise Rejection("wrong_arguments", f"the arguments are {', '.join(wanted)}")
    for name, value in given.items():
        most = wanted[name]["maxLength"]
        if not isinstance(value, str) or not 0 < len(value.strip()) <= most:
            raise Rejection("wrong_arguments", f"{name} is a text of 1 to {most} characters")
    return {name: value.strip() for name, value in given.items()}


async def _done(row: Row, ask: Ask, state: State, tool: str, given: dict[str, str]) -> dict[str, Any]:
    """Do what a call asks for, and return what the tool says.

    Raises:
        Rejection: It cannot be done; the detail says why, to whoever called.
    """
    if tool == "search":
        pages = [row, *await ask.near(given["query"], "documents", ask.knobs.results)]
        found = sorted(pages, key=lambda one: (-_shared(given["query"], one), one["input_id"]))[: ask.knobs.results]
        state.found |= {one["input_id"][:PAGE_ID_CHARS]: one for one in found}
        return {"pages": [{"page": one["input_id"][:PAGE_ID_CHARS], "title": one["title"] or ""} for one in found]}
    if tool == "open":
        if (page := state.found.get(given["page"])) is None:
            raise Rejection("wrong_arguments", "no search found that page")
        state.table = _table(page["text"])
        table = state.table.described if state.table else "it has no table that can be queried"
        return {"table": table, "text": page["text"][: RESULT_CHARS // 2]}
    if tool == "record":
        state.record[given["name"]] = given["value"]
        return {"recorded": sorted(state.record)}
    if state.table is None:
        raise Rejection("wrong_arguments", "no page with a table is open")
    ran = await ask.query(given["sql"], {NAME: state.table.given})
    if ran.outcome != "ok":
        raise Rejection("wrong_arguments", f"{ran.outcome}: {ran.detail[:200]}")
    return {"rows": ran.rows}


def _shared(query: str, page: Row) -> int:
    words = {*comparers.folded(query).split()}
    return len(words & {*comparers.folded(f"{page['title'] or ''} {page['text']}").split()})


def _table(page: str) -> PageTable | None:
    tables = page_tables.tables(page)
    return next((one for one in tables if len(one.rows) >= LEAST_ROWS and len(one.columns) > 1), None)
