"""A question with its answer in another language, checked by translating it back and by what must stay as it is.

Paper: beside the papers. Translation is how Okapi and many others make data in further languages; most translate
once and look at nothing.

Ours: a text is translated, and translated back by somebody who does not see the original. A judge says whether original
and back-translation mean the same. Code, links, addresses, placeholders, names of programs and numbers must stand in
the translation as they stood; names of people and places the judge looks at, since they change from script to script.
The answer is translated beside its translated question, so that terms agree; where it is refused, the question stays,
and the stage `responses` answers it. A system prompt is translated, too. Later turns are left out, tools are refused.

    {"text": "What does `len` do?", "response": "It counts."} -> "Was macht `len`?", "Es z\u00e4hlt."
"""

import re
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import numbers, plainly
from wellspring.tasks.contracts.program import Ask, Turn, ours
from wellspring.tasks.contracts.prompting import Row, language
from wellspring.tasks.contracts.settings import Section

SYSTEM = ""
PAPER = "beside the papers: translation with a check by back-translation"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "verdicts")
ROLES = ("generator", "judge")
MAY = frozenset({"switch_language", "resemble"})
REAL_MODEL = "SmolLM2 of 135M parameters, 1 input: refused, it asked for nothing"

_STAYS = re.compile(
    r"```.*?```|`[^`\n]+`"  # code
    r"|https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]|[\w.+-]+@[\w-]+\.[\w.]*\w"
    r"|\{\{?\w+\}?\}|%[sd]\b|\$\{?[A-Za-z_]\w*\}?|<[A-Za-z_][\w-]*>|\[[A-Z_]{2,}\]"  # placeholders
    r"|\b[A-Za-z]+[a-z][A-Z]\w*\b|\b[A-Za-z]+\d\w*\b",  # PyTorch, HTML5
    re.DOTALL,
)


class Knobs(Section):
    """What a profile can set under `[recipes.translate]`."""

    languages: tuple[str, ...] = Field(
        default=("de", "es", "fr"), min_length=1, description="codes of languages; each seed is put into one other"
    )
    max_chars: int = Field(default=6000, ge=100, description="a longer question, prompt or answer is refused")


class Translated(Answered):
    """A text in another language."""

    text: str


class Compared(Answered):
    """Whether two texts mean the same."""

    difference: Aside
    same: Literal["yes", "no"]


def most_calls(knobs: Knobs) -> int:  # noqa: ARG001 - all programs have this form
    """A translation, its way back and a judgement, of the system prompt, the question and the answer."""
    return 9


async def program(row: Row, ask: Ask) -> None:
    """Translate a seed's question, and its answer.

    Raises:
        Rejection: `unsupported`, it has tools, or nobody knows its language; `no_other_language`.
    """
    source = str(row.get("language") or "und")
    if row.get("tools") or source == "und":
        raise Rejection("unsupported", "it has tools" if row.get("tools") else "nobody knows its language")
    others = [code for code in dict.fromkeys(ask.knobs.languages) if code != source]
    if not others:
        raise Rejection("no_other_language", f"it is in {source}")
    target = others[int(row["input_id"][:8], 16) % len(others)]
    texts = [str(row["system"])] * bool(row.get("system")) + [str(row["text"])]
    *before, said = await ask.each([_carried(ask, text, source, target) for text in texts])
    history = [Turn(role="system", content=one.text) for one in before]
    made = ask.made.instruction(said, parents=[row["input_id"]], history=history)
    ask.made.verdict(made, "translation", passed=True, detail=f"{source} to {target}")
    if row.get("response"):
        [answer] = await ask.tried([_carried(ask, str(row["response"]), source, target, made.text)])
        if answer and (kept := ask.made.answer(answer, made)):
            ask.made.verdict(kept, "translation", passed=True, detail=f"{source} to {target}")


async def _carried(ask: Ask, text: str, source: str, target: str, question: str = "") -> Translated:
    """Translate a text, and see that it says the same.

    Raises:
        Rejection: `too_long`; `not_translated`, it came back as it was; `loses_parts`, something that must stay has
            gone; `meaning_lost`.
    """
    if len(text) > ask.knobs.max_chars:
        raise Rejection("too_long", f"{len(text)} characters, at most {ask.knobs.max_chars}")
    of, to = ours(language([source], source)), ours(language([target], target))
    if question:
        said = await ask("translate_answer", Translated, text=text, question=question, language=to)
    else:
        said = await ask("translate", Translated, text=text, language=to)
    if plainly(said.text) == plainly(text):
        raise Rejection("not_translated", text[:200])
    if lost := parts_lost(text, said.text):
        raise Rejection("loses_parts", ", ".join(lost)[:300])
    back = await ask("back", Translated, text=said.text, language=of)
    found = await ask("compare", Compared, role="judge", original=text, translated_back=back.text)
    if found.same == "no":
        raise Rejection("meaning_lost", f"{found.difference[:150]}: {said.text[:150]}")
    return said


def parts_lost(text: str, translated: str) -> list[str]:
    """Return what must stay in a translation and is not there, in the order of the text.

    Args:
        text: The original: its code, links, addresses, placeholders, names of programs and numbers stay.
        translated: What was made of it.
    """
    stays = [part for part in dict.fromkeys(_STAYS.findall(text)) if part not in translated]
    return [*stays, *sorted(numbers(text) - numbers(translated))]
