"""Rows of a program of the stage `instructions`, as one that settles its inputs writes them: of six nouns.

`fill` puts them into a store of tests/instruction_store.py: two instructions, one with turns before it and two
responses, a pair of these, a note, a rewrite, a verdict and a score. The second instruction rests on the note and the
rewrite, and has no answer of its program.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests import instruction_store as store
from wellspring.tasks import embeddings, exports, selections
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.spine.running.runs import Run

PRINT = content_id("a program")
SEED = content_id("seed", "What should I know about pumps?")
DOCUMENT = content_id("document", "pumps")
TURNS: list[dict[str, Any]] = [
    {"role": "system", "content": "You mend pumps, 24/7. 修理"},
    {"role": "user", "content": "Mine hums and lifts nothing. \u2028 Why?"},
    {"role": "assistant", "content": "", "thought": "A check valve, I'd say."},
]
TEXT = "And how do I see which way the valve of the pumps is turned?"
OTHER = "Write a checklist for the yearly service of a submersible pump in a well of forty metres."
NOUNS = ("notes", "rewrites", "instructions", "responses", "verdicts", "scores", "preferences")


def id_of(what: str) -> str:
    """Return the id of a row, by what it is."""
    return content_id("made by a program", what)


def fill(
    run: Run,
    *,
    kind: str = "verified",
    use: str = "answer",
    pairs: Sequence[tuple[str, str]] = (("good", "bad"),),
    weight: float = 1.0,
    turns: Sequence[dict[str, Any]] = TURNS,
    tools: Sequence[dict[str, Any]] = (),
) -> None:
    """Write a program's rows, and put it in force beside the recipes that are.

    Args:
        run: Whose store; the instructions of tests/instruction_store.py are in it.
        kind: Of the pair.
        use: Of the better response.
        pairs: The sides of each; "" is none. `apart` and `worse` answer the second instruction.
        weight: Of the first instruction.
        turns: Before the first instruction.
        tools: Offered with it.
    """
    by = (PRINT, run.run_id)
    run.store.append("methods", [records.MethodRow("instructions", PRINT, "mends", "{}", True, run.run_id)])
    beside = {"weight": weight, "parent_ids": [SEED], "history": _json(turns), "tools": _json(tools)}
    rests = {"parent_ids": [id_of("note"), id_of("rewrite")]}
    asked = [_instruction("told", TEXT, by, **beside), _instruction("other", OTHER, by, **rests)]
    run.store.append("instructions", asked)
    rejected = sorted({side for pair in pairs for side in pair} - {"good", ""})
    run.store.append("responses", [_response("good", use, by), *(_response(one, "rejected", by) for one in rejected)])
    run.store.append("preferences", [_pair(pair, kind, by) for pair in pairs])
    run.store.append("notes", [records.Note(id_of("note"), PRINT, SEED, "rubric", '["hums"]', _call("n"), run.run_id)])
    rewrite = (id_of("rewrite"), PRINT, DOCUMENT, "dialogue", "A: It hums. B: Turn the valve.", _call("w"), run.run_id)
    run.store.append("rewrites", [records.Rewrite(*rewrite)])
    unsaid = (None, "unsure: why", None, run.run_id)
    run.store.append("verdicts", [records.Verdict(id_of("good"), PRINT, "turns", *unsaid)])
    score = (id_of("good"), PRINT, "mends", "total", None, "unsure: why", _call("s"), run.run_id)
    run.store.append("scores", [records.Score(*score)])
    run.store.append("settled", [records.Settled(SEED, PRINT, "instructions", run.run_id, 3, 8, 0, 1.0)])
    run.store.append("settled", [records.Settled(DOCUMENT, PRINT, "instructions", run.run_id, 1, 1, 0, 1.0)])
    run.store.append("steps", [records.Step(SEED, PRINT, "0", "mend", "generator", _call("told"), run.run_id)])
    answered = [_completion(name, run.run_id) for name in ("told", "other", "good", *rejected, "n", "w", "s")]
    run.store.append("completions", answered)


def publish(run: Run) -> None:
    """Say that they passed their audits."""
    store.publish(run, *NOUNS)


def exported(run: Run, *, failing: str = "", **filled: Any) -> Path:
    """Write them, choose and export; `failing` is what does not pass the check `not_refused`."""
    fill(run, **filled)
    for one in ("good", "bad", *[failing] * (failing not in {"", "good", "bad"})):
        verdict = records.Verdict(id_of(one), "c", "not_refused", one != failing, "", None, run.run_id)
        run.store.append("verdicts", [verdict])
    run.activate("verdicts", {"c": "checks"})
    publish(run)
    embeddings.embed(run, of="instructions")
    store.publish(run, "embeddings")
    selections.select(run)
    store.publish(run, "selections")
    exports.export(run)
    store.publish(run, "exports")
    exports.put_in_place(run)
    return run.store.exports / run.settings.exports.name


def _call(name: str) -> str:
    return content_id("call", name)


def _pair(sides: tuple[str, str], kind: str, by: tuple[str, str]) -> records.Preference:
    chosen, rejected = (id_of(side) if side else "" for side in sides)
    return records.Preference(_answered(sides[0] or sides[1]), by[0], chosen, rejected, 0.0, by[1], kind)


def _answered(response: str) -> str:
    return id_of("other" if response in {"apart", "worse"} else "told")


def _json(value: Sequence[Any]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _instruction(name: str, text: str, by: tuple[str, str], **beside: Any) -> records.Instruction:
    return records.Instruction(
        instruction_id=id_of(name),
        fingerprint=by[0],
        input_id=SEED,
        recipe="mends",
        draw=0,
        round=0,
        text=text,
        document_id=None,
        **dict.fromkeys(("scene", "ability", "knowledge", "output", "extra_information")),
        completion_id=_call(name),
        run_id=by[1],
        **beside,
    )


def _response(name: str, use: str, by: tuple[str, str]) -> records.Response:
    text = f"The {name} way is to follow the arrow on its housing, which points to where the water goes."
    rest: dict[str, Any] = {"thought": "An arrow.", "use": use}
    return records.Response(id_of(name), by[0], _answered(name), "m", 0, text, "stop", _call(name), by[1], **rest)


def _completion(name: str, run_id: str) -> records.Completion:
    counts = (1, 1, 0, 0.0, 1, 0.1)
    return records.Completion(_call(name), 0, "generator", "m", "{}", "said", "stop", *counts, run_id)
