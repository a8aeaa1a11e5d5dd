"""What passes through the model door: a call, and the answer or the refusal that comes back for it."""

from dataclasses import dataclass

from wellspring.tasks.contracts.prompting import Prompt


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask of a role's model.

    `draw` tells several samples of one prompt apart (without it n samples would be one). `temperature` and
    `max_tokens` override the role's, and `stop` stands beside the role's. `retry` counts how often the same was asked
    before in vain: another one is another sample, by another seed. `logprobs` asks for so many likeliest tokens at each
    place. `input_id`, `role` (whose model is asked) and `place` (where in a program) are the caller's: they come back
    with the answer and are no part of the call's identity.
    """

    input_id: str
    prompt: Prompt
    draw: int = 0
    temperature: float | None = None
    max_tokens: int | None = None
    retry: int = 0
    logprobs: int = 0
    stop: tuple[str, ...] = ()
    role: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A completed call, durable before anyone sees it; `is_cached` when it was recorded earlier and is free now.

    Its anatomy: `thought` (what a thinking model said to itself), `text` (the answer), `tool_calls` (JSON, as they
    came), `finish_reason` (`stop`, `length` or `unknown`), `logprobs` (JSON, where they were asked for). `model` is the
    name that was asked for, `served` the one that the server answered under, without directories.
    """

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
    thought: str = ""
    tool_calls: str = ""
    logprobs: str = ""
    served: str = ""


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
