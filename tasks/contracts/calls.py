"""What passes through the model door: a call, and the answer or the refusal that comes back for it."""

from dataclasses import dataclass

from tasks.contracts.prompting import Prompt


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask of a role's model.

    `draw` tells several samples of one prompt apart (without it n samples would be one). `temperature` and
    `max_tokens` override the role's. `input_id` is the caller's: it comes back with the answer and is no part of the
    call's identity.
    """

    input_id: str
    prompt: Prompt
    draw: int = 0
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A completed call, durable before anyone sees it; `is_cached` when it was recorded earlier and is free now."""

    call: Call
    completion_id: str
    text: str
    model: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cost_usd: float
    is_cached: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that will not be answered: content filter, refusal, HTTP 400, too long, attempts used up.

    `reason` is of a closed list; `detail` holds the server's words, secrets taken out. `is_cached` when it was recorded
    earlier, and nothing was sent now.
    """

    call: Call
    completion_id: str
    reason: str
    detail: str
    is_cached: bool = False
