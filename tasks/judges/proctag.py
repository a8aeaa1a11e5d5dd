"""How an instruction is carried out, as steps in pseudo-code; the names of their functions are its tags.

Paper: ProcTag (process tagging of document instruction data). A model is shown a question with its document and answer,
and writes the execution process: steps `function(input) -> output`. The names of functions tag the row. Data is
sampled by the diversity and the complexity of its processes, and not by what its questions are about.

Ours differs. Our prompt is from memory. Documents are text, so the paper's picture of a page is not needed; an
instruction without a page is tagged, too, by its text and answer. Only as many parts of a long page are shown as a knob
says: those that share the most words with the instruction. A line that is no step is refused, and a process is tagged
if a step is left. What needs all rows together (clusters of names in a code model's vectors, sampling) is no work for a
judge, and is not here.

    "Which pump is cheapest?" -> list_pumps(page) -> pumps; find_least(pumps, price) -> pump: list_pumps, find_least
"""

import re

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.evidence import parts_near
from wellspring.tasks.contracts.program import TOTAL, Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "ProcTag"
PAPER = "ProcTag: execution processes in pseudo-code, function names as tags; clustered elsewhere"
VERSION = 1
TAKES = "responses"
MAKES = ("notes", "scores")
ROLES = ("judge",)
REAL_MODEL = ""

_STEP = re.compile(r"(?:\d+[.):]\s*)?([^\W\d]\w*)\s*\((.*)\)\s*(?:->|\u2192|=>)\s*(\S.*)")


class Knobs(Section):
    """What a profile can set under `[recipes.proctag]`."""

    parts: int = Field(
        default=4, ge=1, le=50, description="most parts of a page that are shown, of 350 words; the paper shows all"
    )


class Process(Answered):
    """The steps from what is given to the answer."""

    steps: list[str] = Field(max_length=30)


def most_calls(_: object) -> int:
    """One."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Have the process written, and tag the answer by its functions.

    Raises:
        Rejection: `no_steps`, no line is a step.
    """
    instruction = said(row["history"] or "", row["instruction"])
    page = "\n\n".join(parts_near(row["document"] or "", instruction, ask.knobs.parts)) or "(There is no page.)"
    process = await ask("process", Process, instruction=instruction, page=page, answer=row["response"])
    steps = list[dict[str, str]]()
    for line in process.steps:
        if step := _STEP.fullmatch(line.strip().rstrip(";")):
            steps.append({"function": snaked(step[1]), "input": step[2].strip(), "output": step[3].strip()})
        else:
            ask.made.refused("not_a_step", line[:200])
    if not steps:
        raise Rejection("no_steps", f"{len(process.steps)} lines, and none is a step")
    functions = list(dict.fromkeys(step["function"] for step in steps))
    ask.made.note("process", {"steps": steps, "functions": functions}, process)
    ask.made.score(row["input_id"], "steps", len(steps), "", process)
    ask.made.score(row["input_id"], TOTAL, len(functions), ", ".join(functions), process)


def snaked(name: str) -> str:
    """Return a name of a function in small letters, its words joined by `_`."""
    return "_".join(re.findall(r"[^\W_]+", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name))).lower()
