"""The environment for `verifiers` before 0.3: one question, one answer, one verdict."""

from typing import Any

import verifiers as vf
from datasets import Dataset

from .rows import rows, verdict


def load_environment(split: str = "train", eval_split: str = "", system_prompt: str | None = None) -> vf.SingleTurnEnv:
    """Return the environment.

    Args:
        split: Of the rows that are trained on; where the package has none of it, those of `eval_split`.
        eval_split: Of the rows that are evaluated on; '': `evaluation`, else `validation`. Where the package has none
            of it, those of `split`.
        system_prompt: What is said before each task.

    Raises:
        ValueError: The package has neither split.
    """
    train = rows(split)
    evaluation = rows(eval_split) if eval_split else rows("evaluation") or rows("validation")
    if not (train or evaluation):
        raise ValueError(f"this package has no split `{split}`, and none to evaluate on")
    rubric = vf.Rubric(funcs=[is_right, has_verdict], weights=[1.0, 0.0])
    return vf.SingleTurnEnv(
        dataset=_dataset(train or evaluation),
        eval_dataset=_dataset(evaluation or train),
        rubric=rubric,
        system_prompt=system_prompt,
    )


async def is_right(completion: Any, info: dict[str, Any], state: dict[str, Any], parser: vf.Parser) -> float:
    """Return 1 for a right answer, else 0."""
    return float(await _verdict(completion, info, state, parser) is True)


async def has_verdict(completion: Any, info: dict[str, Any], state: dict[str, Any], parser: vf.Parser) -> float:
    """Return 0 where the verifier said nothing of the answer, else 1."""
    return float(await _verdict(completion, info, state, parser) is not None)


async def _verdict(completion: Any, info: dict[str, Any], state: dict[str, Any], parser: vf.Parser) -> bool | None:
    if "verdict" not in state:
        state["verdict"] = await verdict(info["verifier"], parser.parse_answer(completion) or "")
    return state["verdict"]


def _dataset(found: list[dict[str, Any]]) -> Dataset:
    return Dataset.from_list([
        {
            "prompt": row["prompt"],
            "answer": row["known"],
            "info": {name: row[name] for name in ("id", "kind", "verifier")},
        }
        for row in found
    ])  # fmt: skip
