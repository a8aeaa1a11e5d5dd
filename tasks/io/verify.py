r"""Whether an answer to an exported task is right, by the task's own verifier, in the sandbox that it was certified in.

This file goes out with every export of tasks, and needs no other file of Wellspring:

    pip install pydantic-monty==1.4.0

    verify(task["verifier"], "It is long.\nAnswer: 5 km") -> True
    GRPOTrainer(..., reward_funcs=reward, train_dataset=load_dataset("json", data_files="tasks/train.jsonl"))

A verifier is Python with a function `evaluate(response) -> bool`. A model may have written it, and the answer is a
model's, too: neither runs in this process. The interpreter has no files, no network, no processes and no environment;
time, memory, recursion and output are bounded. What is no verdict (an error, a limit) is None, and never a pass.

Where an answer is code, `evaluate` returns the program and calls of it. They run by themselves, where nothing is known
of what they should give; then `judge(values)` says the verdict. Code that fails is wrong. Where a rubric decides,
`evaluate` returns what a model is to be asked, and `judge` is given its reply: give `marker`, a function from a prompt
to a reply. Without one there is no verdict.
"""

import atexit
import json
from collections.abc import Callable
from typing import Any

import pydantic_monty as monty

VERSION = 2
ENGINE = "pydantic-monty==1.4.0"
SECONDS, MEMORY_BYTES, RECURSION, OUTPUT_BYTES = 2.0, 256 * 2**20, 200, 64 * 2**10
_LIMITS: monty.ResourceLimits = {
    "max_feed_duration_secs": SECONDS,
    "max_memory": MEMORY_BYTES,
    "max_recursion_depth": RECURSION,
    "max_suspensions": 16,
    "max_total_sleep_secs": 0.0,
}
_open: list[monty.Monty] = []


Marker = Callable[[str], str]


def verify(verifier: str, response: str, marker: Marker | None = None) -> bool | None:
    """Return what a verifier says of an answer; None where it says nothing.

    Args:
        verifier: The column of that name of a task.
        response: The whole answer, as the model gave it.
        marker: Asks the model that marks by a rubric.
    """
    said = _asked(verifier, response, "judge", marker)
    return said if isinstance(said, bool) else None


def _asked(verifier: str, response: str, last: str, marker: Marker | None) -> Any:
    """Return what `evaluate` says, or what the last function says of what was to be done; None where there is none."""
    try:
        said = _run(f"{verifier}\nevaluate(given)", response)
        if not isinstance(said, dict):
            return said
        if "prompt" not in said:
            return _run(f"{verifier}\njudge(given)", _done(said["source"], said["calls"]))
        return _run(f"{verifier}\n{last}(given)", marker(said["prompt"])) if marker else None
    except monty.MontyError:
        return None


def score(verifier: str, response: str, marker: Marker | None = None) -> float | None:
    """Return how much of an answer is right, from 0 to 1; None where the verifier says nothing.

    A verifier with parts has `score(response)`: of an answer that is an object it is the share of right fields. Of a
    rubric it is the share of the weights. Of other verifiers it is 1 or 0.
    """
    if "\ndef score(" not in verifier:
        said = _asked(verifier, response, "worth", marker)
        return float(said) if isinstance(said, int | float) else None
    try:
        found = _run(f"{verifier}\nscore(given)", response)
    except monty.MontyError:
        return None
    return float(found) if isinstance(found, int | float) else None


def _done(source: str, calls: list[dict[str, Any]]) -> list[Any] | None:
    """Return what calls of a program gave, as JSON has it; None where it fails, or gives another thing each time."""
    made = [f"{one['function']}(*given[{at}])" for at, one in enumerate(calls)]
    code = f"{source}\nimport json as json_of_the_calls\njson_of_the_calls.dumps([{', '.join(made)}], allow_nan=False)"
    try:
        said = [_run(code, [one["arguments"] for one in calls], seed) for seed in (0, 1)]
        return json.loads(said[0]) if said[0] == said[1] and len(said[0]) <= OUTPUT_BYTES else None
    except (monty.MontyError, ValueError, RecursionError):
        return None


def _run(code: str, given: Any, seed: int = 0) -> Any:
    printed = monty.CollectString(max_bytes=OUTPUT_BYTES)
    with _pool().checkout(limits=_LIMITS, os_policy={"sleep": "zero", "random_start": {"seed": seed}}) as session:
        return session.feed_run(code, inputs={"given": given}, print_callback=printed)


def reward(completions: list[Any], verifier: list[str], marker: Marker | None = None, **_: Any) -> list[float | None]:
    """Return 1 for a right answer, 0 for a wrong one, None where there is no verdict: a reward function of TRL.

    Args:
        completions: Texts, or lists of turns of which the last is the answer.
        verifier: The column of the dataset, a verifier for each completion.
        marker: As `verify` has it; give `partial(reward, marker=...)` to a trainer.
        _: The other columns.
    """
    said = [verify(source, text, marker) for source, text in zip(verifier, _texts(completions), strict=True)]
    return [None if one is None else float(one) for one in said]


def credit(completions: list[Any], verifier: list[str], marker: Marker | None = None, **_: Any) -> list[float | None]:
    """Return how much of each answer is right: as `reward`, with partial credit."""
    return [score(source, text, marker) for source, text in zip(verifier, _texts(completions), strict=True)]


def _texts(completions: list[Any]) -> list[str]:
    return [one if isinstance(one, str) else str(one[-1]["content"]) for one in completions]


def _pool() -> monty.Monty:
    if not _open:
        pool = monty.Monty(min_processes=1, max_processes=1, request_timeout=2 * SECONDS)
        _open.append(pool.__enter__())
        atexit.register(pool.__exit__, None, None, None)
    return _open[0]
