"""Tasks over a passage of a page whose answer is one JSON object, held to its schema, to the passage and to a judge.

Paper: SciRIFF (arXiv 2406.07835). Experts wrote templates of 54 tasks over scientific papers (extraction, summaries,
question answering, claim verification, classification), with long inputs and answers in a JSON form; the answers are
those of existing corpora, and an answer that does not parse counts as wrong.

Ours differs. We know the paper from its abstract and from memory. The templates are our own (`sciriff.jsonl`), over
any page in English, and a model fills them in: the question, the claim, the labels. There are no answers of experts, so
an answer must keep to the schema, must quote the passage as it stands, and must be right by a judge who sees the
passage. One that fails stands below one that holds in a pair.

    "Quinces keep for weeks ..." -> "Find all fruits that the passage names ... {schema}": {"entries": ["Quinces"]}
"""

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.pieces import ENGLISH, pieces, plainly
from wellspring.tasks.contracts.program import Ask, Made, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import Section

SYSTEM = "SciRIFF"
PAPER = "SciRIFF, arXiv 2406.07835: tasks over passages with answers in a schema"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "preferences", "verdicts")
ROLES = ("generator", "responder", "judge")
REAL_MODEL = ""

FORM = "Answer with one JSON object that keeps to this JSON schema, and write nothing else:"
LEAST_LABELS = 2

Task = Mapping[str, Any]


class Knobs(Section):
    """What a profile can set under `[recipes.sciriff]`."""

    tasks: int = Field(default=3, ge=1, le=8, description="tasks of a page, each over a passage; the paper has 54")
    answers: int = Field(default=2, ge=1, le=8, description="answers to each task")
    passage_tokens: int = Field(
        default=600, ge=50, le=1500, description="tokens of a passage, about; in the paper up to some thousands"
    )


class Filled(Answered):
    """What a template lacks."""

    suits: Literal["yes", "no"]
    target: str
    labels: list[str] = Field(max_length=6)


class Judged(Answered):
    """Whether an answer is right by its passage."""

    reason: Aside
    right: Literal["yes", "no"]


def most_calls(knobs: Knobs) -> int:
    """For each task one to fill it in, and for each answer one, and one to judge it."""
    return knobs.tasks * (1 + 2 * knobs.answers)


async def program(row: Row, ask: Ask) -> None:
    """Set tasks over passages of the page, and keep the answers that hold.

    Raises:
        Rejection: `other_language`; `empty_text`, the page says nothing.
    """
    if row.get("language") not in ENGLISH:
        raise Rejection("other_language", f"{row['language']}, and the templates are in English")
    passages = pieces(row["text"], ask.knobs.passage_tokens)
    if not passages:
        raise Rejection("empty_text", "the page says nothing")
    first, own = int(row["input_id"][:8], 16), ask.own
    wanted = [(first + number, own[(first + number) % len(own)]) for number in range(ask.knobs.tasks)]
    await ask.tried([_task(ask, task, passages[number % len(passages)]) for number, task in wanted])


async def _task(ask: Ask, task: Task, passage: str) -> None:
    """Fill in a template, have it answered, and keep an answer that holds.

    Raises:
        Rejection: `not_suited`, the passage has nothing for it; `no_answer_holds`.
    """
    filled = await ask("fill", Filled, passage=passage, needs=ours(task["needs"]))
    labels = list(dict.fromkeys(filled.labels))
    if filled.suits == "no" or (task["task"] == "labels" and len(labels) < LEAST_LABELS):
        raise Rejection("not_suited", f"{task['task']}: {passage[:200]}")
    schema = _schema(task, labels)
    asked = f"{task['says'].replace('{target}', _sentence(filled.target))}\n{FORM} {json.dumps(schema)}\nPassage:"
    made = ask.made.instruction(filled, "target", text=f"{asked}\n\n{passage}", scene=task["capability"])
    answers = await ask.draws(
        ask.knobs.answers, task["heading"], Text, role="responder", task=bare(asked), passage=bare(passage)
    )
    different = list({one.text: one for one in answers}.values())
    faults = await ask.each([_fault(ask, asked, passage, one, schema, task["verbatim"]) for one in different])
    held = [one for one, fault in zip(different, faults, strict=True) if not fault]
    failed = [(one, fault) for one, fault in zip(different, faults, strict=True) if fault]
    chosen = next((answer for one in held if (answer := ask.made.answer(one, made))), None)
    if chosen is None:
        raise Rejection("no_answer_holds", "; ".join(dict.fromkeys(": ".join(fault) for _, fault in failed))[:300])
    ask.made.verdict(chosen, "schema", passed=True)
    _pair(ask, made, chosen, failed)


def _pair(ask: Ask, made: Made, chosen: Made, failed: list[tuple[Text, tuple[str, str]]]) -> None:
    """Put an answer above the first that fails; of the others it is said why they are not kept."""
    for place, (one, (reason, detail)) in enumerate(failed):
        if place:
            ask.made.refused(reason, detail)
        elif rejected := ask.made.answer(one, made, use="rejected"):
            ask.made.verdict(rejected, "schema", passed=False, detail=f"{reason}: {detail}"[:300])
            ask.made.pair(chosen, rejected, "verified")


async def _fault(
    ask: Ask, asked: str, passage: str, answer: Text, schema: Mapping[str, Any], verbatim: list[str]
) -> tuple[str, str] | None:
    """Return why an answer does not hold, as a reason and its detail; None where it does."""
    try:
        value: object = outside.loads(answer.text)
    except ValueError:
        return "breaks_schema", f"it is not JSON alone: {answer.text[:200]}"
    if wrong := broken(value, schema):
        return "breaks_schema", f"{wrong}: {answer.text[:200]}"
    if made_up := next((one for one in _quoted(value, verbatim) if plainly(one) not in plainly(passage)), None):
        return "not_in_passage", made_up[:200]
    [mark] = await ask.tried([
        ask("judge", Judged, role="judge", task=asked, passage=passage, answer=answer.text)
    ])  # fmt: skip
    if mark is None:
        return "undecided", answer.text[:200]
    return ("wrong_answer", f"{mark.reason[:100]}: {answer.text[:200]}") if mark.right == "no" else None


def _schema(task: Task, labels: list[str]) -> dict[str, Any]:
    """Return the schema of a task, with the labels that were chosen for it."""
    schema = cast("dict[str, Any]", task["schema"])
    if task["task"] != "labels":
        return schema
    return {**schema, "properties": {**schema["properties"], "label": {"enum": labels}}}


def _sentence(text: str) -> str:
    """Return a text that ends as a sentence does, on one line."""
    said = " ".join(text.split())
    return said if said.endswith((".", "?", "!")) or " " not in said else f"{said}."


def broken(value: object, schema: Mapping[str, Any], where: str = "it") -> str:
    """Return what a value breaks of a JSON schema; '' where it keeps to it.

    Args:
        value: As JSON was read.
        schema: One of objects whose properties are all required, lists, texts and choices: what our list has.
        where: How the value is called.
    """
    if "enum" in schema:
        return "" if value in schema["enum"] else f"{where} is none of {schema['enum']}"
    if schema["type"] == "string":
        return "" if isinstance(value, str) and value.strip() else f"{where} is no text"
    if schema["type"] == "array":
        if not isinstance(value, list) or len(items := cast("list[object]", value)) < schema.get("minItems", 0):
            return f"{where} is no list with an entry"
        return next((fault for one in items if (fault := broken(one, schema["items"], f"{where}[]"))), "")
    properties = schema["properties"]
    if not isinstance(value, dict) or value.keys() != properties.keys():
        return f"{where} has not the keys {', '.join(properties)}"
    found = (broken(cast("object", value[name]), one, name) for name, one in properties.items())
    return next(filter(None, found), "")


def _quoted(value: object, verbatim: list[str], *, is_in: bool = False) -> list[str]:
    """Return the texts below the properties that are quoted."""
    if isinstance(value, str):
        return [value] if is_in else []
    if isinstance(value, list):
        return [text for one in cast("list[object]", value) for text in _quoted(one, verbatim, is_in=is_in)]
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return [text for name, one in pairs for text in _quoted(one, verbatim, is_in=is_in or name in verbatim)]
    return []
