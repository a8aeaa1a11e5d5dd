"""An answer by a base model, that goes on with a page of three constant examples in one style.

Paper: URIAL (Re-Align, arXiv 2312.01552). A base model is shown a preface and three constant examples of queries with
answers in a good style, then the query, and completes the page. Nothing is tuned. The paper takes a repetition penalty
of 1.1.

Ours differs. The preface and the examples are our own (`urial.jsonl`). The page is sent as one message of a chat, since
all models are asked that way: serve a base model with a chat template that only joins the contents. A base model goes
on with queries of its own, so the answer ends where the next fence or query begins: the server is told so, and what it
sends is cut there. One that ran out of room before that is refused. An answer that is one of the examples is refused. A
penalty is set where the model is served.

    {"text": "How do I sharpen a pencil with a knife?"} -> "Good that you ask. Hold the knife still and ..."
"""

import re
from typing import Any

from pydantic import Field

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import content, opened
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import plainly
from wellspring.tasks.contracts.program import Ask, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "URIAL"
PAPER = "URIAL (Re-Align), arXiv 2312.01552: constant examples, no tuning"
VERSION = 2
TAKES = "instructions"
MAKES = ("responses",)
ROLES = ("responder",)
REAL_MODEL = "SmolLM2 of 135M parameters, 1 input: cut off"

QUERY, ANSWER, FENCE = "# Query:", "# Answer:", "+++++"
STOPS = (f"\n{FENCE}\n", f"\n{QUERY}\n", f"\n{ANSWER}\n")
_ENDS = re.compile(r"^(?:\+{5}|# (?:Query|Answer):)[ \t]*$", re.MULTILINE)


class Knobs(Section):
    """What a profile can set under `[recipes.urial]`."""

    answers: int = Field(default=1, ge=1, le=16, description="answers to each instruction")
    examples: int = Field(default=3, ge=1, le=3, description="constant examples that are shown; 3 in the paper")


def most_calls(knobs: Knobs) -> int:
    """One for each answer."""
    return int(knobs.answers)


async def program(row: Row, ask: Ask) -> None:
    """Have the instruction answered in the style of the examples.

    Raises:
        Rejection: `unsupported`: a tool was called in its conversation.
    """
    system, turns = opened(row.get("history") or "", "")
    if any(turn["role"] == "tool" or turn.get("tool_calls") for turn in turns):
        raise Rejection("unsupported", "a tool was called in this conversation, and nobody here has one")
    examples = [(str(one["query"]), str(one["answer"])) for one in ask.own[: ask.knobs.examples]]
    shown = "\n\n".join(_block(QUERY, query) + "\n\n" + _block(ANSWER, answer) for query, answer in examples)
    before = [system] * bool(system)
    before += [_block(QUERY if turn["role"] == "user" else ANSWER, content(turn)) for turn in turns]
    asked = "\n\n".join([*before, _block(QUERY, row["text"]), f"{ANSWER}\n{FENCE}"])
    known = {plainly(answer) for _, answer in examples}
    page: dict[str, Any] = {"examples": ours(shown), "conversation": bare(asked)}
    for said in await ask.draws(ask.knobs.answers, "complete", Text, stop=STOPS, **page):
        text, *rest = _ENDS.split(said.text.removeprefix(FENCE), maxsplit=1)
        if not text.strip():
            ask.made.refused("empty_answer", said.text[:200])
        elif ask.is_cut(said) and not rest:
            ask.made.refused("cut_off", f"it ran out of room: {text[-200:]}")
        elif plainly(text) in known:
            ask.made.refused("copy_of_demonstration", f"it is one of the examples: {text[:200]}")
        else:
            ask.made.answer(said, row["input_id"], text=text)


def _block(mark: str, text: str) -> str:
    return f"{mark}\n{FENCE}\n{text}\n{FENCE}"
