"""Responses: answers to the instructions, by the responder.

Three ways of answering, each with its own fingerprint: `answer`; `answer_with_rationale`, for instructions that the
judge scored as hard, if the profile asks for it; and `answer_for_pairs`, the draws that preferences are made of. A
refusal or a truncation by the model is an answer all the same: `verdicts` says so, and nothing is lost from the
record.
"""

from dataclasses import dataclass
from typing import Any

from tasks.contracts import prompting, records
from tasks.contracts.calls import Answer
from tasks.contracts.errors import BrokenError
from tasks.contracts.prompting import PromptedMethod, Row
from tasks.contracts.records import content_id
from tasks.contracts.settings import Settings
from tasks.methods import acceptance
from tasks.spine.generation import generate
from tasks.spine.identity import raised
from tasks.spine.runs import Counts, Run, stage

VERSION = 1


@dataclass(frozen=True, slots=True)
class Way:
    """One way of answering: for which instructions, how often, how warm."""

    name: str
    method: PromptedMethod
    draws: int
    temperature: float
    hard_from: int
    is_hard: bool
    fingerprint: str


@stage("responses")
def respond(run: Run) -> Counts:
    """Answer every instruction in the ways that the profile names.

    Raises:
        BrokenError: Rationales are wanted for hard instructions, and no judge has said yet which are hard.
    """
    ways = _ways(run.settings)
    run.activate("responses", {way.fingerprint: way.name for way in ways}, run.settings.responses.model_dump())
    if run.settings.responses.rationale_from_score and (unjudged := run.store.count("responses/unjudged")):
        raise BrokenError(
            f"{unjudged} instructions have no score of `seven_criteria`, so nobody knows which are hard",
            hint="with responses.rationale_from_score, scores come first: put seven_criteria in scores.judges",
        )
    return sum((_answered(run, way) for way in ways), Counts())


def _answered(run: Run, way: Way) -> Counts:
    def rows(row: Row, parsed: dict[str, Any], answer: Answer) -> list[records.Response]:
        acceptance.clean(parsed["text"])
        return [
            records.Response(
                response_id=content_id("response", row["input_id"], way.fingerprint, answer.call.draw),
                fingerprint=way.fingerprint,
                instruction_id=row["input_id"],
                model=answer.model,
                draw=answer.call.draw,
                text=parsed["text"],
                finish_reason=answer.finish_reason,
                completion_id=answer.completion_id,
                run_id=run.run_id,
                thought=answer.thought or None,
            )
        ]

    return generate(
        run,
        stage="responses",
        table="responses",
        role="responder",
        method=way.method,
        fingerprint=way.fingerprint,
        pending="responses/pending",
        params={"fingerprint": way.fingerprint, "hard_from": way.hard_from, "is_hard": way.is_hard},
        rows=rows,
        settings=run.settings.responses,
        draws=way.draws,
        temperature=way.temperature,
    )


def _ways(settings: Settings) -> list[Way]:
    wanted, hard_from = settings.responses, settings.responses.rationale_from_score
    ways = [_way(settings, "answer", "answer", wanted.draws, wanted.temperature, hard_from=hard_from)]
    if hard_from:
        name = "answer_with_rationale"
        ways.append(_way(settings, name, name, wanted.draws, wanted.temperature, hard_from=hard_from, is_hard=True))
    if settings.preferences.draws:
        pairs = settings.preferences
        ways.append(_way(settings, "answer_for_pairs", "answer", pairs.draws, pairs.temperature))
    return ways


def _way(
    settings: Settings,
    name: str,
    recipe: str,
    draws: int,
    temperature: float,
    *,
    hard_from: int = 0,
    is_hard: bool = False,
) -> Way:
    method = prompting.load("tasks.recipes", recipe)
    asked = settings.models.responder.asked | {"temperature": temperature}
    spoken = settings.responses.model_dump(include={"system", "systems"})
    versions = raised("acceptance", "loops", own=VERSION)
    fingerprint = method.fingerprint(way=name, draws=draws, hard_from=hard_from, **asked, **spoken, **versions)
    return Way(name, method, draws, temperature, hard_from, is_hard, fingerprint)
