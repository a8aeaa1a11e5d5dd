"""The first half of a piece of a page, and how a model goes on with it: rows that teach an answer without instructing.

Paper: Non-instructional fine-tuning (arXiv 2409.00096). The first half of a web text is the prompt, a strong model goes
on with it, and its continuation is the response. There is no instruction, and a model that is tuned on this follows
instructions all the same: so such rows are the control that shows how much of a gain comes from who answers, and how
much from what is asked.

Ours differs. The first piece of a page is halved, at a blank near its middle, since whole pages are longer than a row
may be. The page goes to the responder between fences, and what a page orders is refused as of any other page. A
continuation that repeats the half or copies the rest of the page is left out: the paper takes what comes.

    "The night train leaves at 21:40 and" -> "takes nine hours over the pass. ..."
"""

from pydantic import Field

from wellspring.tasks.contracts import pieces
from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Non-instructional fine-tuning"
PAPER = "Non-instructional fine-tuning, arXiv 2409.00096: half a page, and how a model goes on with it"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses")
ROLES = ("responder",)
MAY = frozenset({"halve_page"})
REAL_MODEL = ""


class Knobs(Section):
    """What a profile can set under `[recipes.half_page]`."""

    tokens: int = Field(default=400, ge=16, le=4000, description="of the piece that is halved; the paper takes a text")
    least_words: int = Field(default=20, ge=4, description="of the half; a shorter one says too little to go on with")


def most_calls(knobs: Knobs) -> int:  # noqa: ARG001 - as of every program
    """One for a page."""
    return 1


async def program(row: Row, ask: Ask) -> None:
    """Have a model go on with the first half of a page's first piece.

    Raises:
        Rejection: `too_short`, the half has too few words; `same_text`, the model repeats the half, or copies what
            follows it.
    """
    half, rest = halved(row["text"], ask.knobs.tokens)
    if len(half.split()) < ask.knobs.least_words:
        raise Rejection("too_short", f"{len(half.split())} words of {ask.knobs.least_words}: {half[:200]}")
    said = await ask("go_on", Text, half=half)
    if _flat(said.text).startswith((_flat(half), _flat(rest))):
        raise Rejection("same_text", f"it is what was there: {said.text[:200]}")
    ask.made.answer(said, ask.made.instruction(said, text=half))


def halved(text: str, tokens: int) -> tuple[str, str]:
    """Return the two halves of the first piece of a text, parted at a blank; where it has none, in the middle.

    Args:
        text: Of a page.
        tokens: Of the piece.
    """
    piece = next(iter(pieces.pieces(text, tokens)), "")
    middle = len(piece) // 2
    at = max(piece.rfind(blank, 0, middle) for blank in (" ", "\n"))
    at = at if at > 0 else middle
    return piece[:at].strip(), piece[at:].strip()


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())[:200]
