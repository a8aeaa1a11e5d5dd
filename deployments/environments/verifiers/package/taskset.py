"""The taskset for `verifiers` from 0.4 on."""

from collections.abc import Iterator

import verifiers.v1 as vf

from .rows import rows, verdict


class OneData(vf.TaskData):
    """A task: what is asked, what is known, and the verifier."""

    kind: str
    known: str
    reference: str
    verifier: str


class One(vf.Task[OneData]):
    """A task, scored by its verifier."""

    @property
    def key(self) -> str:
        """The id of the task, which stays where other tasks are added."""
        return self.data.id or super().key

    async def validate(self, runtime: vf.Runtime) -> bool | None:  # noqa: ARG002 - the library hands it over
        """Whether the verifier accepts the answer that is known to be right."""
        return await verdict(self.data.verifier, self.data.reference)

    @vf.reward(weight=1.0)
    async def is_right(self, trace: vf.Trace) -> float:
        """Return 1 for a right answer, else 0."""
        return float(await self._verdict(trace) is True)

    @vf.metric
    async def has_verdict(self, trace: vf.Trace) -> float:
        """Return 0 where the verifier said nothing of the answer, else 1."""
        return float(await self._verdict(trace) is not None)

    async def _verdict(self, trace: vf.Trace) -> bool | None:
        said = trace.assistant_messages
        return await verdict(self.data.verifier, (said[-1].content or "") if said else "")


class TasksConfig(vf.TasksetConfig):
    """Which tasks are loaded."""

    split: str = "train"
    """`train`, `validation` or `evaluation`; a package may lack some."""


class Tasks(vf.Taskset[One, TasksConfig]):
    """The tasks of a split."""

    def load(self) -> Iterator[One]:
        """Build each task of the split.

        Raises:
            ValueError: The package has no such split.
        """
        found = rows(self.config.split)
        if not found:
            raise ValueError(f"this package has no split `{self.config.split}`")
        for row in found:
            named = {name: row[name] for name in ("id", "prompt", "kind", "known", "reference", "verifier")}
            yield One(OneData(**named), self.config.task)
