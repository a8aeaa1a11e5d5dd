r"""Whether an answer to an exported task is right, by the task's own verifier, in the sandbox that it was certified in.

This file goes out with every export of tasks, and needs no other file of Wellspring:

    pip install pydantic-monty==1.4.0

    verify(task["verifier"], "It is long.\nAnswer: 5 km") -> True
    GRPOTrainer(..., reward_funcs=reward, train_dataset=load_dataset("json", data_files="tasks/train.jsonl"))

A verifier is Python with a function `evaluate(response) -> bool`. A model may have written it, and the answer is a
model's, too: neither runs in this process. The interpreter has no files, no network, no processes and no environment;
time, memory, recursion and output are bounded. What is no verdict (an error, a limit) is None, and never a pass.

Where an answer is code, `evaluate` returns the program and calls of it. They run by themselves, where nothing is known
of what they should give; then `judge(values)` says the verdict. Code that fails is wrong.
"""

import atexit
import json
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


def verify(verifier: str, response: str) -> bool | None:
    """Return what a verifier says of an answer; None where it says nothing.

    Args:
        verifier: The column of that name of a task.
        response: The whole answer, as the model gave it.
    """
    try:
        said = _run(f"{verifier}\nevaluate(given)", response)
        if isinstance(said, dict):
            said = _run(f"{verifier}\njudge(given)", _done(said["source"], said["calls"]))
    except monty.MontyError:
        return None
    return said if isinstance(said, bool) else None


def score(verifier: str, response: str) -> float | None:
    """Return how much of an answer is right, from 0 to 1; None where the verifier says nothing.

    A verifier with parts has `score(response)`: of an answer that is an object it is the share of right fields. Of
    other verifiers it is 1 or 0.
    """
    if "\ndef score(" not in verifier:
        said = verify(verifier, response)
        return None if said is None else float(said)
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


def reward(completions: list[Any], verifier: list[str], **_: Any) -> list[float | None]:
    """Return 1 for a right answer, 0 for a wrong one, None where there is no verdict: a reward function of TRL.

    Args:
        completions: Texts, or lists of turns of which the last is the answer.
        verifier: The column of the dataset, a verifier for each completion.
        _: The other columns.
    """
    said = [verify(source, text) for source, text in zip(verifier, _texts(completions), strict=True)]
    return [None if one is None else float(one) for one in said]


def credit(completions: list[Any], verifier: list[str], **_: Any) -> list[float | None]:
    """Return how much of each answer is right: as `reward`, with partial credit."""
    return [score(source, text) for source, text in zip(verifier, _texts(completions), strict=True)]


def _texts(completions: list[Any]) -> list[str]:
    return [one if isinstance(one, str) else str(one[-1]["content"]) for one in completions]


def _pool() -> monty.Monty:
    if not _open:
        pool = monty.Monty(min_processes=1, max_processes=1, request_timeout=2 * SECONDS)
        _open.append(pool.__enter__())
        atexit.register(pool.__exit__, None, None, None)
    return _open[0]
