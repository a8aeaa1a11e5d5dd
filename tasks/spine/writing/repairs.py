"""An answer that could not be used: what a second try can mend, how it is asked for, and how a person asks anew."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from wellspring.tasks.contracts.calls import Answer, Call
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.methods.instructions.loops import is_loop
from wellspring.tasks.spine.running.runs import Run

COPIED = frozenset({"placeholder", "no_substance"})  # the form, in place of an answer
FORM = frozenset({"unparsable_answer", "incomplete_answer", "mark_out_of_range"}) | COPIED  # what a second try can mend

_ANSWER = re.compile(r"\[([0-9a-f]{20})\]$")


def failure(refusal: Rejection, most: int = 300) -> str:
    """Say why a judge failed, in few characters; the completion that it was read from stays at the end."""
    found = _ANSWER.search(refusal.detail)
    end = f" {found[0]}" if found else ""
    return f"{refusal.reason}: {refusal.detail.removesuffix(end)}"[: most - len(end)] + end


def ask_anew(run: Run, details: Iterable[str]) -> int:
    """Have answers that no parser could use asked for again; returns how many.

    To take a rejection back is enough for a better parser, which reads the recorded answer at no cost. This is for
    another answer to the same question: what the journal recorded is set aside (its attempts stay on record).

    Args:
        run: The run that will ask again.
        details: Of the rejections, or of marks that no judge gave; each ends with the completion that it was read from.
    """
    spoilt = [found[1] for detail in details if (found := _ANSWER.search(detail))]
    return run.models.journal.forget(spoilt) if spoilt else 0


_FORM = "This is its form"
ASKED_AGAIN = """\
Answer the same request again. Return only what was asked for, in the form that was asked for, with nothing
before or after it."""
_REPAIR = f"""That answer could not be used: {{problem}}

{ASKED_AGAIN}"""


def _without_form(prompt: Prompt) -> Prompt:
    """Return a prompt that names the keys of its answer in place of the form with which it ends."""
    *before, last = prompt.messages
    asked, form, _ = last.content.rpartition(_FORM)
    if prompt.schema is None or not form:
        return prompt
    keys = ", ".join(f"`{name}`" for name in _keys(prompt.schema))
    said = f"{asked}Its keys are {keys}. Fill each with words of your own about what you were given."
    return replace(prompt, messages=(*before, Message(last.role, said)))


def _keys(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, of in schema.get("properties", {}).items():
        yield name
        yield from _keys(of)


def repair(answer: Answer, refusal: Rejection, max_tokens: int) -> Call:
    """Return the one call that asks again, by another seed: told what was wrong, or with more room if it was cut off.

    More room only where it helps: an answer that went in circles would fill it, too. A model that copied the form is
    not shown it again, nor its copy: it is told the keys.
    """
    call = replace(answer.call, retry=answer.call.retry + 1)
    if answer.finish_reason == "length":
        room = call.max_tokens or max_tokens
        return call if is_loop(answer.text) else replace(call, max_tokens=2 * room)
    if refusal.reason in COPIED:
        return replace(call, prompt=_without_form(call.prompt))
    said = Message("assistant", answer.text)
    problem = Message("user", _REPAIR.format(problem=refusal))
    prompt: Prompt = replace(call.prompt, messages=(*call.prompt.messages, said, problem))
    return replace(call, prompt=prompt)
