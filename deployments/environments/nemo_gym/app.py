"""A resources server of NeMo Gym: tasks from documents, scored by the verifiers that were certified with them."""

import asyncio
from typing import Any

from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseRunRequest,
    BaseVerifyRequest,
    BaseVerifyResponse,
    SimpleResourcesServer,
)
from pydantic import BaseModel
from verify import verify

_LOCK = asyncio.Lock()  # one interpreter, one answer at a time


class Config(BaseResourcesServerConfig):
    """What a configuration can set: nothing of its own."""


class TaskMetadata(BaseModel):
    """What a row says of its task."""

    id: str
    kind: str
    verifier: str


class RunRequest(BaseRunRequest):
    """A row of the data."""

    verifier_metadata: TaskMetadata


class VerifyRequest(RunRequest, BaseVerifyRequest):
    """A row with what the model did."""


class VerifyResponse(VerifyRequest, BaseVerifyResponse):
    """The reward; `mask_sample` where there is no verdict: such a rollout says nothing of the model."""

    verdict: bool | None
    mask_sample: bool = False
    failure_reason: str | None = None


class CertifiedTasks(SimpleResourcesServer):
    """The server."""

    config: Config

    async def verify(self, body: VerifyRequest) -> VerifyResponse:
        """Return 1 for a right answer, else 0."""
        async with _LOCK:
            said = await asyncio.to_thread(verify, body.verifier_metadata.verifier, last_answer(body.response.output))
        no_verdict = said is None
        return VerifyResponse(
            **body.model_dump(),
            reward=float(said is True),
            verdict=said,
            mask_sample=no_verdict,
            failure_reason="the verifier failed or met a limit" if no_verdict else None,
        )


def last_answer(output: list[Any]) -> str:
    """Return the last message of the model, without its thoughts and calls; '' where it said nothing."""
    for item in reversed(output):
        if item.type == "message" and item.role == "assistant":
            return "".join(part.text for part in item.content if part.type == "output_text")
    return ""


if __name__ == "__main__":
    CertifiedTasks.run_webserver()
