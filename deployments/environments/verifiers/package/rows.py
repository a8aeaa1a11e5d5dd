"""The tasks of this package, and the verdict on an answer."""

import asyncio
import json
from pathlib import Path
from typing import Any

from .verify import verify

_LOCK = asyncio.Lock()  # one interpreter, one answer at a time


def rows(split: str) -> list[dict[str, Any]]:
    """Return the tasks of a split; none where this package has no such split.

    Args:
        split: `train`, `validation` or `evaluation`; a package may lack some.
    """
    file = Path(__file__).with_name(f"{split}.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


async def verdict(verifier: str, response: str) -> bool | None:
    """Return what a verifier says of an answer, without holding up other rollouts; None where it says nothing."""
    async with _LOCK:
        return await asyncio.to_thread(verify, verifier, response)
