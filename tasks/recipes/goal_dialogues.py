"""Dialogues with a goal, such as a booking, whose success is worked out: what was told, and what was put down, are one.

Beside the papers. A model makes a form of a page: slots with options that stand there. The page's id chooses what a
person wants, and for one slot something else first. A model plays the person, who knows what is wanted and does not
see the form; another plays the agent, who sees page and form and not what is wanted. After each turn of the person the
state of each slot is the last option that was named: that is worked out from the words. The dialogue is kept if the
last state is what is wanted, and the agent's last answer puts down just that. The task is its last turn under those
before, and the verifier compares the JSON of an answer slot by slot.

    "... rooms: attic, garden ... breakfast at 7 or 9 ..." -> a booking of the garden room, changed once, breakfast at 9
"""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from wellspring.tasks.contracts import field_answers, field_tasks, verifiable
from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import beginning, in_english, plainly
from wellspring.tasks.contracts.program import Ask, Turn
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.contracts.variants import Mutant

SYSTEM = ""
PAPER = "beside the papers: dialogues whose goal a computed state decides"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "notes")
ROLES = ("generator", "responder", "person")
ROLE_OF = {"person": "generator"}
APART = (("responder", "person"),)
MAY = frozenset({"need_history"})
REAL_MODEL = ""

LEAST_OPTIONS = 2
AGENT = (
    "You are the agent who fills in this form for a person, from what the person says and from the text alone. Ask for "
    "what is missing, and do not guess. As soon as all fields are told, answer with one JSON object that follows the "
    "schema, whose values are written as the options are; the last word of the person on a field counts.\n\n"
    "{schema}\n\nOptions:\n{options}\n\nText:\n{passage}"
)


class Knobs(Section):
    """What a profile can set under `[recipes.goal_dialogues]`."""

    passage_tokens: int = Field(default=400, ge=30, le=2000, description="tokens of the part of a page that is used")
    slots: int = Field(default=4, ge=2, le=8, description="slots that the form is asked to have")
    least_slots: int = Field(default=2, ge=2, le=8, description="slots that a form has at least")
    turns: int = Field(default=6, ge=2, le=16, description="most turns of the person")


class Slot(Answered):
    """A slot of a form, and what may stand in it."""

    name: str
    says: str
    options: list[str] = Field(min_length=1, max_length=8)


class Form(Answered):
    """A form: what it is for, and its slots."""

    purpose: str
    slots: list[Slot] = Field(min_length=1, max_length=8)


def most_calls(knobs: Knobs) -> int:
    """One for the form, and two for each turn."""
    return 1 + 2 * knobs.turns


async def program(row: Row, ask: Ask) -> None:
    """Make a form of the page, have it filled in by a dialogue, and note the last turn as a task.

    Raises:
        Rejection: `other_language`; `empty_text`; `too_few_slots`; `goal_not_told`, the person never said what was
            wanted, or said another thing last; `goal_missed`, the agent put down another thing, or nothing.
    """
    passages = in_english(row, ask.knobs.passage_tokens, "the forms of dialogues")
    [passage] = beginning(passages, row["input_id"], 1)
    form = await ask("form", Form, passage=passage, title=row["title"] or "", number=ask.knobs.slots)
    slots = _standing(row["text"], passage, form.slots)
    if len(slots) < ask.knobs.least_slots:
        offered = "; ".join(f"{one.name}: {' | '.join(one.options)}" for one in form.slots)
        raise Rejection("too_few_slots", f"{len(slots)} of {ask.knobs.least_slots} stand there: {offered[:300]}")
    goal, first = _goal(row["input_id"], slots)
    fields = [(one.name, "text", goal[one.name]) for one in slots]
    schema = field_tasks.schema(fields, {one.name: one.says for one in slots})
    shown: dict[str, Any] = {"schema": schema, "options": _listed(slots), "passage": passage}
    turns, last = await _talked(ask, form.purpose, fields, first, shown)
    states = _states(slots, turns)
    if states[-1] != goal:
        raise Rejection("goal_not_told", f"wanted {goal}, told {states[-1]}")
    if not all(field_answers.marks(last.text, [list(one) for one in fields])):
        raise Rejection("goal_missed", f"wanted {goal}: {last.text[:200]}")
    rules, question, reference = AGENT.format(**shown), turns[-1]["content"], field_tasks.answer(fields)
    told = "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
    stale = field_tasks.answer([(name, kind, first.get(name, known)) for name, kind, known in fields])
    wrong = [*field_tasks.wrong(fields, question, passage), Mutant("stale", stale)]
    task = verifiable.Task(
        kind="goal dialogue",
        question=question,
        passage="",
        known=reference,
        reference=reference,
        verifier=field_tasks.verifier(fields),
        author="rule",
        cited=[verifiable.range_of(row["text"], goal[one.name]) or (0, 0) for one in slots],
        follows=verifiable.COMPUTED,
        right=[*field_tasks.right(fields), last.text],
        wrong=[one for one in wrong if one.kind != "echo" or field_answers.object_of(question) is None],
        is_line=False,
        more={
            "excerpt": f"{rules}\n\nWhat was said:\n\n{told}",
            "facts": {"purpose": form.purpose, "first": first, "states": states},
        },
    )
    verifiable.make(ask, last, task, history=[Turn(role="system", content=rules), *turns[:-1]])


def _listed(slots: Sequence[Slot]) -> str:
    return "\n".join(f"- {one.name}: {' | '.join(one.options)}" for one in slots)


def _standing(page: str, passage: str, slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots, each name once, with two options or more that stand in the passage and can be told apart."""
    found, taken = dict[str, Slot](), set[str]()
    for one in slots:
        there = [part for part in dict.fromkeys(one.options) if part in passage and verifiable.range_of(page, part)]
        own = [part for part in there if not any(plainly(part) in plainly(other) for other in there if other != part)]
        is_new = one.name.isidentifier() and one.name not in found and not taken & {*map(plainly, own)}
        if is_new and len(own) >= LEAST_OPTIONS:
            found[one.name] = one.model_copy(update={"options": own})
            taken |= {*map(plainly, own)}
    return list(found.values())


def _goal(input_id: str, slots: Sequence[Slot]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is wanted in the end, and for one slot what is wanted first; the id chooses."""
    lots = {one.name: int(content_id("goal", input_id, one.name)[:8], 16) for one in slots}
    goal = {one.name: one.options[lots[one.name] % len(one.options)] for one in slots}
    one = slots[int(input_id[8:16], 16) % len(slots)]
    others = [option for option in one.options if option != goal[one.name]]
    return goal, {one.name: others[lots[one.name] // 8 % len(others)]}


async def _talked(
    ask: Ask, purpose: str, fields: field_tasks.Known, first: dict[str, str], shown: dict[str, Any]
) -> tuple[list[Turn], Text]:
    """Return the turns up to the person's last, and what the agent answers to it: the first that holds an object.

    Raises:
        Rejection: `goal_missed`, the agent puts nothing down in so many turns.
    """
    wishes: dict[str, Any] = {
        "purpose": purpose,
        "wanted": field_tasks.answer(fields),
        "first": "\n".join(map(": ".join, first.items())),
    }
    turns = list[Turn]()
    for _ in range(ask.knobs.turns):
        told = "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns) or "(nothing was said yet)"
        said = await ask("person", Text, role="person", dialogue=told, **wishes)
        answer = await ask("agent", Text, role="responder", history=turns, message=said.text, **shown)
        turns.append(Turn(role="user", content=said.text))
        if field_answers.object_of(answer.text) is not None:
            return turns, answer
        turns.append(Turn(role="assistant", content=answer.text))
    raise Rejection("goal_missed", f"nothing was put down in {ask.knobs.turns} turns")


def _states(slots: Sequence[Slot], turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Return after each turn of the person what each slot holds: the option that was named last."""
    state, states = dict[str, str](), list[dict[str, str]]()
    for turn in turns:
        if turn["role"] != "user":
            continue
        said = plainly(turn["content"])
        for one in slots:
            places = {option: said.rfind(plainly(option)) for option in one.options}
            named = max(one.options, key=places.__getitem__)
            state = state | ({one.name: named} if places[named] >= 0 else {})
        states.append(state)
    return states
