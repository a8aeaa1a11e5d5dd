"""A store whose model server was met before: for tests of what comes after that."""

import asyncio
from pathlib import Path

from wellspring.tasks.io.standin.offline import MODELS
from wellspring.tasks.io.storage.journal import Journal

KNOWN = {"met": {"finish": "stop", "thinks": False, "seconds": 0.1}}


def met(store: Path, url: str) -> None:
    """Write down that the stand-in's models at an address are known, so that a build asks for rows at once."""

    async def learn() -> None:
        journal = Journal(store / "completions.sqlite", owner="test")
        await asyncio.gather(*(journal.learn(url, model, KNOWN) for model in MODELS))
        journal.close()

    asyncio.run(learn())
