"""Constraints are added to a prompt, and an answer that breaks one is refined by tree search into one that keeps them.

Paper: SPaR (thu-coai/SPaR). A prompt gets a main constraint and one to three others of a taxonomy. The actor answers
several times, the refiner votes on each answer, and the first answer that fails is refined: a search level by level,
the best nodes of each level going on, until more than half of the votes pass. The refined answer and the one that
failed are a pair of nearly the same text.

Ours differs. The taxonomy is our own (`spar.jsonl`), and the prompt's id chooses from it. A vote that cannot be read
counts for neither side. Of the data for training the refiner the votes that agree with the majority are kept, as notes
of both sides. A prompt whose answers all pass keeps the first as its answer, without a pair. The three iterations of
training are the user's: name the trained models in the roles and run again. The defaults cost less than the paper's.

    {"text": "How do I descale a kettle?"} -> "How do I descale a kettle? Answer in five sentences without commas."
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, bare
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "SPaR"
PAPER = "SPaR, thu-coai/SPaR: taxonomy of constraints, tree-search self-refinement"
VERSION = 1
TAKES = "seeds"
MAKES = ("instructions", "responses", "preferences", "notes")
ROLES = ("generator", "responder", "judge")
REAL_MODEL = "SmolLM2 of 135M parameters, 3 inputs: all refused, it wrote no constraints"
MAY = frozenset({"resemble"})

_MARK_DIGITS = 16


class Knobs(Section):
    """What a profile can set under `[recipes.spar]`."""

    answers: int = Field(default=3, ge=1, le=16, description="answers of the actor to each prompt; the paper has 5")
    votes: int = Field(default=3, ge=1, le=15, description="judgements of each answer; the paper has 5")
    branch: int = Field(default=2, ge=1, le=8, description="refinements of each node of the search; the paper has 3")
    beam: int = Field(default=2, ge=1, le=8, description="nodes of a level that are refined again; 2 in the paper")
    depth: int = Field(default=2, ge=1, le=8, description="levels of the search; the paper has 3")
    temperature: float = Field(default=0.7, ge=0, le=2, description="of votes and refinements, which must differ")


class Evolved(Answered):
    """The prompt with its constraints."""

    kind: Literal["math", "code", "other"]
    constraints: list[str] = Field(min_length=1, max_length=8)
    """Each constraint as the new prompt states it."""
    prompt: str


class Judgement(Answered):
    """Whether an answer keeps all that the prompt asks for."""

    judgement: str
    kept: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Node:
    """An answer and the votes on it; of `asked` votes some may not have come."""

    answer: Text
    votes: Sequence[Judgement]
    asked: int

    @property
    def value(self) -> float:
        """The share of all votes that pass it."""
        return self._count("yes") / self.asked

    @property
    def passes(self) -> bool:
        """Whether more than half of all votes pass it."""
        return 2 * self._count("yes") > self.asked

    @property
    def fails(self) -> bool:
        """Whether more than half of all votes fail it."""
        return 2 * self._count("no") > self.asked

    def first(self, kept: str) -> Judgement | None:
        """Return the first vote that says so."""
        return next((vote for vote in self.votes if vote.kept == kept), None)

    def _count(self, kept: str) -> int:
        return sum(vote.kept == kept for vote in self.votes)


def most_calls(knobs: Knobs) -> int:
    """One for the prompt; one for each answer and each node of the search, with its votes."""
    texts, nodes = knobs.answers, 1
    for _ in range(knobs.depth):
        drafts = nodes * knobs.branch
        texts, nodes = texts + drafts, min(knobs.beam, drafts)
    return 1 + texts * (1 + knobs.votes)


def chosen(own: Sequence[Mapping[str, Any]], input_id: str) -> list[Mapping[str, Any]]:
    """Return two to four constraints of different categories, the main one first, as the id says."""
    left, found, mark = list(own), list[Mapping[str, Any]](), int(input_id[:_MARK_DIGITS], 16)
    mark, others = divmod(mark, 3)
    for _ in range(2 + others):
        mark, at = divmod(mark, len(left))
        found.append(left[at])
        left = [one for one in left if one["category"] != found[-1]["category"]]
    return found


async def program(row: Row, ask: Ask) -> None:
    """Add constraints to the prompt, have it answered, and refine an answer that fails.

    Raises:
        Rejection: `math_or_code`, the prompt is of that kind; `undecided`, the votes on no answer have a majority;
            `not_refined`, no answer keeps the constraints, and the search found none.
    """
    made = await _evolved(row, ask)
    answers = await ask.draws(ask.knobs.answers, "answer", Text, role="responder", instruction=bare(made.text))
    nodes = await _judged(ask, made, answers, set())
    passed = next((node for node in nodes if node.passes), None)
    failed = next((node for node in nodes if node.fails), None)
    if failed is None and passed is None:
        raise Rejection("undecided", f"{len(nodes)} answers, and the votes on none of them have a majority")
    refined = await _refined(ask, made, failed) if failed else None
    if failed is None:
        ask.made.refused("nothing_failed", f"{len(nodes)} answers, of which none fails: there is no pair")
    elif refined is None:
        ask.made.refused("not_refined", f"an answer that fails has no pair: {failed.answer.text[:200]}")
    if not any(good and _keep(ask, made, good, bad) for good, bad in ((refined, failed), (passed, None))):
        raise Rejection("not_refined", f"no answer keeps the constraints of: {made.text[:200]}")


async def _evolved(row: Row, ask: Ask) -> Made:
    main, *others = chosen(ask.own, row["input_id"])
    said = await ask(
        "evolve", Evolved, text=row["text"], main=main["constraint"], others=[one["constraint"] for one in others]
    )
    if said.kind != "other":
        raise Rejection("math_or_code", f"{said.kind}: {row['text'][:200]}")
    lines = [one["line"] for one in (main, *others)]
    note = ask.made.note("constraints", {"lines": lines, "constraints": said.constraints}, said)
    return ask.made.instruction(said, "prompt", parents=[note])


async def _judged(ask: Ask, made: Made, answers: Sequence[Text], seen: set[str]) -> list[Node]:
    """Have each answer voted on; one that is there already is refused before it costs a vote."""
    new = list[Text]()
    for answer in answers:
        if answer.text in seen:
            ask.made.refused("same_text", f"an answer comes a second time: {answer.text[:200]}")
        else:
            seen.add(answer.text)
            new.append(answer)
    return await ask.each([_node(ask, made, answer) for answer in new])


async def _node(ask: Ask, made: Made, answer: Text) -> Node:
    votes = await ask.draws(
        ask.knobs.votes,
        "judge",
        Judgement,
        role="judge",
        temperature=ask.knobs.temperature,
        instruction=made.text,
        answer=answer.text,
    )
    return Node(answer, votes, ask.knobs.votes)


async def _refined(ask: Ask, made: Made, failed: Node) -> Node | None:
    """Search for an answer that passes: level by level, from the best nodes of the level before."""
    beam, seen = [failed], {failed.answer.text}
    for _ in range(ask.knobs.depth):
        drafts = await ask.each([_drafts(ask, made, node, fault) for node in beam if (fault := node.first("no"))])
        nodes = await _judged(ask, made, [one for some in drafts for one in some], seen)
        nodes.sort(key=lambda node: -node.value)
        if nodes and nodes[0].passes:
            return nodes[0]
        beam = [node for node in nodes if node.first("no")][: ask.knobs.beam]
    return None


async def _drafts(ask: Ask, made: Made, node: Node, fault: Judgement) -> list[Text]:
    return await ask.draws(
        ask.knobs.branch,
        "refine",
        Text,
        role="judge",
        temperature=ask.knobs.temperature,
        instruction=made.text,
        answer=node.answer.text,
        judgement=fault.judgement,
    )


def _keep(ask: Ask, made: Made, good: Node, failed: Node | None) -> bool:
    """Make the answer, its pair with the one that it was refined from, and a note of a vote on each.

    Returns:
        Whether the answer can be kept.
    """
    answer = ask.made.answer(good.answer, made)
    if answer is None:
        return False
    _note(ask, answer, good.first("yes"))
    if failed and (rejected := ask.made.answer(failed.answer, made, use="rejected")):
        ask.made.pair(answer, rejected, "refined", margin=good.value - failed.value)
        _note(ask, rejected, failed.first("no"))
    return True


def _note(ask: Ask, response: Made, vote: Judgement | None) -> None:
    if vote:
        ask.made.note("judgement", {"response": response.id, "kept": vote.kept, "judgement": vote.judgement}, vote)
