"""Responses: answers to the instructions, by the responder.

Four ways of answering, each with its own fingerprint: `answer`, or the one that `responses.way` names in its place;
`answer_grounded`, for instructions made from a page, by one who is shown it, if the profile asks for it;
`answer_with_rationale`, for others that the judge scored as hard, if the profile asks for it; and `answer_for_pairs`,
the draws that preferences are made of, asked for as by the first. Only what was answered beside its page is judged and
checked by it. A refusal or a truncation by the model is an answer all the same:
`verdicts` says so, and nothing is lost from the record.
"""

from dataclasses import dataclass
from typing import Any

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.errors import BrokenError, Rejection
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Section, Settings
from wellspring.tasks.methods.instructions import acceptance
from wellspring.tasks.methods.instructions.injections import obeyed, orders
from wellspring.tasks.methods.pages.tokens import cut_tokens
from wellspring.tasks.spine.running import answering
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.writing.programs import Ask, How, Program
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 1
FOR_PAIRS = "answer_for_pairs"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of answering: what, how often, how warm, and whether who answers is shown the page.

    Attributes:
        name: As people know it.
        takes: The view that its instructions are rows of.
        method: Its prompt and its parser.
        settings: What the prompt is given beside the row.
        draws: How often each is answered.
        temperature: Of who answers.
        is_grounded: Whether the page is shown.
        fingerprint: Of all of this.
    """

    name: str
    takes: str
    method: PromptedMethod
    settings: Section
    draws: int
    temperature: float
    is_grounded: bool
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
    wanted = run.settings.responses

    async def body(row: Row, ask: Ask) -> None:
        page = cut_tokens(row["document"], wanted.document_tokens) if way.is_grounded else ""
        if found := orders(page):
            raise Rejection("document_talks_to_models", found[0][:300])

        def read(parsed: dict[str, Any], answer: Answer) -> list[records.Response]:
            acceptance.clean(parsed["text"])
            if way.is_grounded:
                _check_obeyed(parsed["text"], page)
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
                    use="draw" if way.takes == FOR_PAIRS else "answer",
                )
            ]

        shown = {**row, "document": page} if way.is_grounded else row
        how: How = {"role": "responder", "settings": way.settings, "temperature": way.temperature, "read": read}
        await ask.write("responses", way.draws, way.method, shown, **how)

    return conduct(
        run, Program("responses", way.name, way.takes, way.fingerprint, ("responder",), way.draws, body, way.draws)
    )


def _check_obeyed(text: str, page: str) -> None:
    """Return when an answer shows no sign of having done what its page said; what it says of its own is its own.

    Raises:
        Rejection: `obeys_source`.
    """
    flagged = obeyed(text, (page,))
    if flagged and flagged[0] == "obeys_source":
        raise Rejection(flagged[0], flagged[1][:300])


def _ways(settings: Settings) -> list[Way]:
    wanted, hard_from = settings.responses, settings.responses.rationale_from_score
    drawn = (wanted.draws, wanted.temperature)
    has_page = False if wanted.grounded else None
    ways = [_way(settings, "answer", *drawn, hard_from=hard_from, has_page=has_page)]
    if wanted.grounded:
        ways.append(_way(settings, "answer_grounded", *drawn, has_page=True))
    if hard_from:
        ways.append(_way(settings, "answer_with_rationale", *drawn, hard_from=hard_from, has_page=has_page))
    if settings.preferences.draws:
        ways.append(_way(settings, FOR_PAIRS, settings.preferences.draws, settings.preferences.temperature))
    return ways


def _way(
    settings: Settings, takes: str, draws: int, temperature: float, *, hard_from: int = 0, has_page: bool | None = None
) -> Way:
    name, method, given, knobs = _asked(settings, takes)
    asked = settings.models.responder.asked | {"temperature": temperature}
    spoken = settings.responses.model_dump(include={"system", "systems"})
    shown = {} if has_page is None else {"has_page": has_page}
    if has_page:
        shown |= {"document_tokens": settings.responses.document_tokens}
    versions = raised("acceptance", "loops", *(("copies", "injections", "tokens") if has_page else ()), own=VERSION)
    said = {"way": name, "draws": draws, "hard_from": hard_from, **shown, **asked, **spoken, **versions, **knobs}
    return Way(name, takes, method, given, draws, temperature, has_page is True, method.fingerprint(**said))


def _asked(settings: Settings, takes: str) -> tuple[str, PromptedMethod, Section, dict[str, Any]]:
    """Return what answers the rows of a view: name, method, what its prompt is given, and the knobs that differ."""
    if takes not in {"answer", FOR_PAIRS}:
        return takes, prompting.load("wellspring.tasks.recipes", takes), settings.responses, {}
    found = answering.find(settings.responses.way, settings)
    name = takes if takes == FOR_PAIRS else found.method.name
    return name, found.method, found.settings, {"knobs": found.changed} if found.changed else {}
