"""People who would have to do with a page, people around them, and a message that each would send to an assistant.

Paper: beside the papers, in the manner of Persona Hub (arXiv 2406.20094), from memory: who would read, write, like or
dislike a text is a persona; who stands near a persona is another; and a prompt is written in the name of each.

Ours differs. A persona names nobody: one with a name of the page is refused. It stands as a note and as the `scene` of
its message, so a reader sees who asks. A message that only says who sends it is refused. What kind of message it is,
and how a person stands to the page, the page's id says. Messages are answered by the stage `responses`.

    a page on hives -> "a school caretaker who looks after two hives on the roof" -> "Our roof gets hot in July ..."
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import pieces, plainly
from wellspring.tasks.contracts.program import Ask, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: Persona Hub, arXiv 2406.20094"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "notes")
ROLES = ("generator",)
REAL_MODEL = ""

RELATIONS = ("would read it", "could have written it", "would be glad of it", "would disagree with it")
KINDS = (
    "a question about something that they want to understand",
    "a task of their work that is to be done for them, with all that is needed for it",
    "a problem that has to be thought through step by step, with its facts and figures",
    "a wish for something to be written, with its purpose, its reader and its length",
    "a decision between two or three ways, with what speaks for each",
)
_WORDS = re.compile(r"(?:[^\W\d_]\w+ ?)+")


class Knobs(Section):
    """What a profile can set under `[recipes.personas]`."""

    people: int = Field(default=2, ge=1, le=8, description="people who have to do with a page")
    related: int = Field(default=1, ge=0, le=4, description="people near each of them; the paper goes six deep")
    page_tokens: int = Field(default=800, ge=50, le=2000, description="tokens of a page that are shown, about")


class People(Answered):
    """People, each described in a sentence."""

    people: list[str] = Field(min_length=1)


class Message(Answered):
    """What a person sends."""

    situation: Aside
    message: str


def most_calls(knobs: Knobs) -> int:
    """One for people of the page, one for those near each, one for the message of each."""
    return 1 + knobs.people * ((knobs.related > 0) + 1 + knobs.related)


async def program(row: Row, ask: Ask) -> None:
    """Think of people, and have each send a message.

    Raises:
        Rejection: `empty_text`, the page says nothing.
    """
    shown = next(iter(pieces(row["text"], ask.knobs.page_tokens)), "")
    if not shown:
        raise Rejection("empty_text", "the page says nothing")
    mark, number, related = int(row["input_id"][:8], 16), ask.knobs.people, ask.knobs.related
    relation = ours(RELATIONS[mark % len(RELATIONS)])
    said = await ask("people", People, text=shown, relation=relation, number=number)
    near = await ask.tried([ask("near", People, person=one, number=related) for one in said.people[:number] if related])
    groups = [(said, number), *((one, related) for one in near if one is not None)]
    found = [(answer, person) for answer, most in groups for person in answer.people[:most]]
    different, seen = list[tuple[People, str]](), set[str]()
    for answer, person in found:
        if plainly(person) in seen:
            ask.made.refused("same_text", f"a person comes a second time: {person[:200]}")
            continue
        seen.add(plainly(person))
        different.append((answer, person))
    kinds = [KINDS[(mark + place) % len(KINDS)] for place in range(len(different))]
    await ask.tried([
        _send(ask, answer, person, kind, row["text"]) for (answer, person), kind in zip(different, kinds, strict=True)
    ])  # fmt: skip


async def _send(ask: Ask, source: People, person: str, kind: str, page: str) -> None:
    """Have a person send a message.

    Raises:
        Rejection: `names_somebody`; `repeats_person`, it says who sends it, in the same words.
    """
    if name := next((one for one in _names(person) if one in page), ""):
        raise Rejection("names_somebody", f"{name}: {person[:200]}")
    said = await ask("message", Message, person=person, kind=ours(kind))
    if plainly(person).rstrip(".") in plainly(said.message):
        raise Rejection("repeats_person", said.message[:200])
    note = ask.made.note("persona", {"person": person}, source)
    ask.made.instruction(said, "message", parents=[note], scene=person)


def _names(person: str) -> Iterator[str]:
    """Yield words that stand beside each other and begin with capitals, two at a time."""
    for found in _WORDS.findall(person):
        yield from (f"{one} {other}" for one, other in pairwise(found.split()) if (one[0] + other[0]).isupper())
