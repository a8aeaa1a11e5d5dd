"""Instructions under the system prompt of their domain, each answered under it.

Paper: Mixture-of-Instructions (arXiv 2404.18410). Models that saw one system prompt in training serve other domains
badly. So each domain has its own, and a training sequence is packed from instructions of different domains in equal
shares, with attention masked between them.

Ours differs. The domains and their prompts are ours (`mixture_of_instructions.jsonl`), and a judge says which domain an
instruction is of; with the paper it is known from the data set. An instruction keeps its text, and stands in its row
below a system turn. One that has a system prompt or turns already is refused. Its domain is the `scene` of its row. The
packing is a matter of exports: with `exports.packed_tokens` there is `packing.json`, in which each sequence has the mix
of all rows by their system prompts. Masks between what is packed are made by who trains.

    {"text": "Sort a list of dicts in Python."} -> the same, under "You are a programmer ...", and its answer
"""

from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.conversation import opened
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Turn, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "Mixture-of-Instructions"
PAPER = "Mixture-of-Instructions, arXiv 2404.18410: a system prompt for each domain"
VERSION = 1
TAKES = "instructions"
MAKES = ("instructions", "responses")
ROLES = ("judge", "responder")
MAY = frozenset({"resemble"})
REAL_MODEL = ""

Domain = Literal["code", "mathematics", "knowledge", "writing", "tools", "conversation", "other"]


class Knobs(Section):
    """What a profile can set under `[recipes.mixture_of_instructions]`."""

    domains: tuple[Domain, ...] = Field(
        default=("code", "mathematics", "knowledge", "writing", "tools", "conversation"),
        min_length=1,
        description="whose instructions are kept; others are refused",
    )


class Sorted(Answered):
    """The domain of an instruction."""

    reason: Aside
    domain: Domain


def most_calls(knobs: Knobs) -> int:  # noqa: ARG001 - all programs have this form
    """One for the domain, one for the answer."""
    return 2


async def program(row: Row, ask: Ask) -> None:
    """Find the domain of an instruction, and have it answered under the prompt of that domain.

    Raises:
        Rejection: `has_system`, `not_a_first_turn`: something stands before it; `no_domain`, it is of none that is
            wanted; `no_answer`, its answer cannot be kept.
    """
    system, turns = opened(row.get("history") or "", "")
    if system:
        raise Rejection("has_system", system[:200])
    if turns:
        raise Rejection("not_a_first_turn", f"{len(turns)} turns stand before it")
    prompts = {one["domain"]: one for one in ask.own}
    shown = ours("\n".join(f"- `{domain}`: {one['holds']}" for domain, one in prompts.items()))
    found = await ask("domain", Sorted, instruction=row["text"], domains=shown)
    if found.domain not in ask.knobs.domains or found.domain not in prompts:
        raise Rejection("no_domain", f"{found.domain}: {row['text'][:200]}")
    before = [Turn(role="system", content=str(prompts[found.domain]["prompt"]))]
    said = await ask("answer", Text, role="responder", history=before, instruction=bare(row["text"]))
    made = ask.made.instruction(
        said, text=row["text"], parents=[row["input_id"]], history=before, scene=f"domain: {found.domain}"
    )
    if ask.made.answer(said, made) is None:
        raise Rejection("no_answer", f"it cannot be kept: {said.text[:200]}")
