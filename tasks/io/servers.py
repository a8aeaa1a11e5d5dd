"""Servers: the one place that makes OpenAI clients; how an endpoint is asked, and what it was seen to know.

The SDK's retries are off: retries have one owner, `delivery.py`, and each is a row in the journal.
"""

import asyncio
import os
from collections.abc import Awaitable, Mapping
from typing import Any

import httpx2
import openai
import orjson

from tasks.contracts.errors import BrokenError, TransientError
from tasks.contracts.settings import Endpoint, Role
from tasks.io import offline
from tasks.io.endpoints import Throttle
from tasks.io.forms import STRUCTURES, ask_structure
from tasks.io.journal import Journal
from tasks.io.keys import Scrubber, key_of, without_userinfo
from tasks.io.replies import Reply, Unsupported
from tasks.io.wire import Limits, Wire, WireError

BULK_SECONDS, BULK_BYTES = 1800.0, 2**30  # of one file of a batch job
DOCTOR_LIMITS = Limits(5.0, 10.0, 15.0, 2 * 2**20)


def address_of(endpoint: Endpoint) -> str:
    """Return where an endpoint is: its own base URL, else OPENAI_BASE_URL, else OpenAI's."""
    return endpoint.base_url or os.environ.get("OPENAI_BASE_URL", "") or "https://api.openai.com/v1"


class Server:
    """One endpoint of a role: its OpenAI client, how it is treated, and what was learned of it."""

    def __init__(self, role: Role, endpoint: Endpoint, journal: Journal, scrub: Scrubber) -> None:
        base_url = address_of(endpoint)
        self.is_offline = base_url == "offline"
        self.name = without_userinfo(base_url)
        self.role = role
        self.journal = journal
        self.throttle = Throttle(endpoint)
        self.ability: dict[str, Any] = dict(journal.ability(self.name, role.model))
        key = key_of(endpoint.key_env)
        scrub.add(key)
        app = offline.app() if self.is_offline else None

        def client(limits: Limits) -> openai.AsyncOpenAI:
            wire = Wire(limits, endpoint.max_concurrency, app)
            where = "http://offline/v1" if self.is_offline else base_url
            return openai.AsyncOpenAI(api_key=key or "none", base_url=where, max_retries=0, http_client=wire)

        times = (role.connect_seconds, role.first_byte_seconds)
        self.client = client(Limits(*times, role.total_seconds, role.max_answer_bytes))
        self.bulk = client(Limits(*times, BULK_SECONDS, BULK_BYTES))  # for files of batch jobs

    def form(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request in the form this server understands: structure and parameters as learned."""
        body = {name: value for name, value in request.items() if name not in self.ability.get("unknown", ())}
        if "max_tokens" in self.ability.get("unknown", ()):
            body["max_completion_tokens"] = request["max_tokens"]
        if "response_format" in request:
            ask_structure(body, self.structure())
        return body

    def structure(self) -> str:
        """Return how this server is asked for structure: as the role says, or as far as it was seen to understand."""
        return self.ability.get("structured", STRUCTURES[0]) if self.role.structured == "auto" else self.role.structured

    def learn(self, unsupported: Unsupported, form: str) -> bool:
        """Remember what it does not know of a request in this form; False if there is no other form to try."""
        if unsupported.part != "structured":
            unknown = set(self.ability.get("unknown", ())) | {unsupported.part}
            self.ability["unknown"] = sorted(unknown)
        elif self.role.structured != "auto" or form == STRUCTURES[-1]:
            return False
        else:
            tried = STRUCTURES.index(form)
            known = STRUCTURES.index(self.structure())
            self.ability["structured"] = STRUCTURES[max(known, tried + 1)]
        self.journal.learn(self.name, self.role.model, self.ability)
        return True

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send one request; any HTTP status is a reply.

        Raises:
            WireError: No whole answer came.
        """
        # An idempotency key is never sent, but the SDK draws a random one for each call that names none.
        options: Any = {"headers": {"content-type": "application/json"}, "idempotency_key": "none"}
        try:
            response = await self.client.post(
                path, cast_to=httpx2.Response, content=orjson.dumps(body), options=options
            )
        except openai.APIStatusError as error:
            response = error.response
        except openai.APIError as error:  # pragma: no cover - the wire raises its own
            raise WireError("connection", type(error).__name__, was_sent=True) from None
        return Reply(response.status_code, response.headers, response.content)


async def told(work: Awaitable[Any], scrub: Scrubber) -> Any:
    """Do work that goes through the SDK's own calls, and say what went wrong in our words.

    Raises:
        BrokenError: The server refuses the key.
        TransientError: It cannot be reached, or does not do it.
    """
    try:
        return await work
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise BrokenError(f"the server refused the key: {scrub(str(error))}", hint="check key_env") from None
    except (openai.APIError, WireError) as error:
        raise TransientError(
            f"batch jobs cannot be reached: {scrub(str(error))}",
            hint="run the same command again: a job that was made is found again",
        ) from None


def listed_models(endpoint: Endpoint) -> list[str]:
    """Return the names of the models that an endpoint says it serves; what `wellspring doctor` asks.

    Raises:
        BrokenError: It refuses the key.
        TransientError: It does not answer, or not as the protocol has it.
    """
    base_url = address_of(endpoint)
    name = without_userinfo(base_url)

    async def ask() -> list[str]:
        wire = Wire(DOCTOR_LIMITS, 1)
        key = key_of(endpoint.key_env) or "none"
        async with openai.AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0, http_client=wire) as client:
            return sorted(model.id for model in (await client.models.list()).data)

    try:
        return asyncio.run(ask())
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        hint = f"set the environment variable {endpoint.key_env or 'that key_env names'}"
        raise BrokenError(f"{name} refuses the key (HTTP {error.status_code})", hint=hint) from None
    except (openai.OpenAIError, WireError, OSError, ValueError, AttributeError, TypeError) as error:
        hint = "check base_url and that the server is up"
        raise TransientError(f"{name} does not list its models ({type(error).__name__})", hint=hint) from None
