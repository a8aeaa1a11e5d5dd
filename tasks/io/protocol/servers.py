"""Servers: the one place that makes OpenAI clients; how an endpoint is asked, and what it was seen to know.

The SDK's retries are off: retries have one owner, `delivery.py`, and each is a row in the journal.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import openai
import orjson

from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError, WellspringError
from wellspring.tasks.contracts.settings import Endpoint, Role, checked_address
from wellspring.tasks.io.protocol.answers import Reply
from wellspring.tasks.io.protocol.complaints import LEAST_ROOM_TOKENS, Complaint
from wellspring.tasks.io.protocol.endpoints import Throttle
from wellspring.tasks.io.protocol.http_client import HttpClient, HttpError, Limits, proxy_of
from wellspring.tasks.io.protocol.keys import Scrubber, apart, filled, key_of, without_userinfo
from wellspring.tasks.io.protocol.requests import STRUCTURES, as_plain, ask_structure, merged_system, unbounded
from wellspring.tasks.io.standin import offline
from wellspring.tasks.io.storage.journal import Journal

BULK_SECONDS, BULK_BYTES = 1800.0, 2**30  # of one file of a batch job
DOCTOR_LIMITS = Limits(5.0, 10.0, 15.0, 2 * 2**20)
CONTEXT_SPARE_TOKENS = 16  # of a chat template, which nobody counts


AZURE_HOSTS = (".azure.com", ".azure-api.net")
SPEED_MARGIN = 3.0  # times the seconds that an answer of full length takes at the speed that was seen
UNHURRIED_SECONDS = 30.0  # for the prompt, and for other calls before it


def address_of(endpoint: Endpoint) -> str:
    """Return where an endpoint is: its own base URL, else OPENAI_BASE_URL, else OpenAI's.

    Raises:
        UsageError: OPENAI_BASE_URL is no address.
    """
    try:
        return endpoint.base_url or checked_address(os.environ.get("OPENAI_BASE_URL", "")) or OPENAI
    except ValueError as error:
        raise UsageError(
            f"OPENAI_BASE_URL is no address: {error}", hint="set it again, or set models.base_url"
        ) from None


def name_of(endpoint: Endpoint) -> str:
    """Return how an endpoint is called in the journal and in messages: its address, without query and secrets."""
    return without_userinfo(address_of(endpoint).partition("?")[0])


OPENAI = "https://api.openai.com/v1"


def is_azure(address: str) -> bool:
    """Whether an address takes its key in a header `api-key`, as Azure's do."""
    url = urlsplit(address)
    return (url.hostname or "").endswith(AZURE_HOSTS) or "/openai/deployments/" in url.path


class Client(openai.AsyncOpenAI):
    """The SDK's client, that lets the key go in another header than `Authorization`, as Azure's does."""

    def _validate_headers(self, headers: Mapping[str, Any], custom_headers: Mapping[str, Any]) -> None:
        """Take any headers."""


class Server:
    """One endpoint of a role: its OpenAI client, how it is treated, and what was learned of it.

    `ability` is what was learned, kept in the journal by endpoint and model:

        structured         the best form in which it takes a wish for JSON
        unknown            parameters that it does not take
        system             `user` where it takes no system turn
        bounds             whether it takes lengths of texts in schemas, as far as it was asked with any
        max_tokens_cap     the most tokens of an answer it lets be asked for
        context            tokens of prompt and answer together
        concurrency        calls at once, as far as was found out
        tokens_per_second  of one answer
        met                what else was seen when it was first asked (acquaintance.py)
        answered           shapes of requests (requests.shape_of) that it answered
    """

    def __init__(self, role: Role, endpoint: Endpoint, journal: Journal, scrub: Scrubber) -> None:
        address = address_of(endpoint)
        self.is_offline = address == "offline"
        base_url, _, _ = apart(address.partition("?")[0])
        self.name = name_of(endpoint)
        self.role = role
        self.journal = journal
        self.ability: dict[str, Any] = dict(journal.ability(self.name, role.model))
        self.throttle = Throttle(endpoint, role.max_concurrency or endpoint.max_concurrency)
        app = offline.app() if self.is_offline else None
        asked = _asked_with(role, endpoint, scrub)
        proxy = None if self.is_offline else proxy_of(base_url, endpoint.proxy)
        scrub.add(urlsplit(proxy or "").password or "")

        def client(wire: HttpClient) -> Client:
            where = "http://offline/v1" if self.is_offline else base_url
            return Client(base_url=where, max_retries=0, http_client=wire, **asked)

        connections = self.throttle.most
        self.base_url = base_url
        self.wire = HttpClient(self._limits(), connections, app, proxy)
        self.client = client(self.wire)
        bulk = Limits(role.connect_seconds, role.first_byte_seconds, BULK_SECONDS, BULK_BYTES)
        self.bulk = client(HttpClient(bulk, connections, app, proxy))  # for files of batch jobs
        self.fit()

    def fit(self) -> None:
        """Take what was learned into account: deadlines that the server's speed allows, and how many calls at once."""
        self.wire.limits = self._limits()
        self.throttle.fit(self.wire.limits.total_seconds, self.ability.get("concurrency"), self.ability.get("slots"))

    def _limits(self) -> Limits:
        """Return deadlines: as the profile says; where it says nothing, no shorter than the server's speed needs."""
        role, speed = self.role, self.ability.get("tokens_per_second")
        needed = UNHURRIED_SECONDS + SPEED_MARGIN * role.max_tokens / speed if speed else 0.0
        total, first = (
            getattr(role, name) if name in role.model_fields_set else max(getattr(role, name), needed)
            for name in ("total_seconds", "first_byte_seconds")
        )
        return Limits(role.connect_seconds, first, total, role.max_answer_bytes)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together: as the profile says, or as was learned; 0 where nobody knows."""
        return self.role.context_tokens or self.ability.get("context", 0)

    def form(self, request: Mapping[str, Any], prompt_tokens: int = 0) -> dict[str, Any]:
        """Return a request in the form this server understands: structure, parameters and limits as learned.

        Args:
            request: As `requests.request_of` words it.
            prompt_tokens: About how many its prompt has, so that the answer gets no more room than the context has.
        """
        unknown = self.ability.get("unknown", ())
        body = {name: value for name, value in request.items() if name not in unknown}
        if "max_tokens" in request:
            room = min(request["max_tokens"], self.ability.get("max_tokens_cap") or request["max_tokens"])
            if self.context:
                most = self.context - prompt_tokens - CONTEXT_SPARE_TOKENS
                room = min(room, most) if most >= LEAST_ROOM_TOKENS else room
            body.pop("max_tokens", None)
            body["max_completion_tokens" if "max_tokens" in unknown else "max_tokens"] = room
        if "messages" in body:
            where = self.ability.get("system", "system") if self.role.system_role == "auto" else self.role.system_role
            if where == "user":
                body["messages"] = merged_system(body["messages"])
        if "response_format" in body:
            wanted = body["response_format"]
            if self.ability.get("bounds") is False and "json_schema" in wanted:
                bare = wanted["json_schema"] | {"schema": unbounded(wanted["json_schema"]["schema"])}
                body["response_format"] = wanted | {"json_schema": bare}
            ask_structure(body, "text" if self.role.api == "completions" else self.structure())
        return as_plain(body) if self.role.api == "completions" and "messages" in body else body

    def structure(self) -> str:
        """Return how this server is asked for structure: as the role says, or as far as it was seen to understand."""
        return self.ability.get("structured", STRUCTURES[0]) if self.role.structured == "auto" else self.role.structured

    def learn(self, complaint: Complaint, form: str) -> bool:
        """Take note of what it does not take of a request in this form; False if there is nothing else to try."""
        before = dict(self.ability)
        match complaint.part:
            case "structured":
                if self.role.structured != "auto" or form == STRUCTURES[-1]:
                    return False
                tried, known = STRUCTURES.index(form), STRUCTURES.index(self.structure())
                self.ability["structured"] = STRUCTURES[max(known, tried + 1)]
            case "system":
                self.ability["system"] = "user"
                return self.role.system_role == "auto" and self.ability != before
            case "bounds":
                self.ability["bounds"] = False
            case "max_tokens_cap" | "context" as limit:
                self.ability[limit] = complaint.value
            case name:
                self.ability["unknown"] = sorted({*self.ability.get("unknown", ()), name})
        return self.ability != before

    def remember(self) -> None:
        """Keep what was learned."""
        self.journal.learn(self.name, self.role.model, self.ability)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Send one request; any HTTP status is a reply.

        Raises:
            HttpError: No whole answer came.
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
            raise HttpError("connection", type(error).__name__, was_sent=True) from None
        return Reply(response.status_code, response.headers, response.content)


def _asked_with(role: Role, endpoint: Endpoint, scrub: Scrubber) -> dict[str, Any]:
    """Return what a client of the SDK sends with each request: the key, headers and query; secrets are told to `scrub`.

    Raises:
        UsageError: A variable that is named for one of them is not set, or its value cannot be sent.
    """
    address, _, query = address_of(endpoint).partition("?")
    base_url, password, said = apart(address)
    key = key_of(endpoint.key_env)
    for secret in (key, password, said):
        scrub.add(secret)
    headers: dict[str, Any] = {"Authorization": said} if said else {}
    headers |= filled(role.extra_headers, "extra_headers", scrub.add)
    asked = dict(parse_qsl(query)) | filled(role.extra_query, "extra_query", scrub.add)
    if is_azure(base_url) and key and not key.startswith("ey"):  # a token of Entra goes where keys usually go
        headers = {"Authorization": openai.Omit(), "api-key": key} | headers
    return {"api_key": key or "none", "default_headers": headers, "default_query": asked or None}


def reached(role: Role, endpoint: Endpoint) -> tuple[str, bool]:
    """Return the address that is connected to, which is a proxy's where there is one, and whether there is a key.

    Raises:
        UsageError: A variable that is named for a header or the query is not set, or the key cannot be sent.
    """
    address, _, _ = apart(address_of(endpoint).partition("?")[0])
    asked = _asked_with(role, endpoint, Scrubber())
    has_key = bool(key_of(endpoint.key_env)) or asked["default_headers"].keys() & {"Authorization", "api-key"}
    return proxy_of(address, endpoint.proxy) or address, bool(has_key)


def listed_models(role: Role, endpoint: Endpoint) -> list[str] | None:
    """Return the names of the models that an endpoint says it serves, or None where it has no such list.

    What `wellspring doctor` asks, with the key, headers, query and proxy of any other call.

    Raises:
        UsageError: A variable that is named for a header or the query is not set.
        BrokenError: It refuses the key, or its certificate is not trusted.
        TransientError: It does not answer, or not as the protocol has it.
    """
    address, scrub = address_of(endpoint).partition("?")[0], Scrubber()
    name, asked = without_userinfo(address), _asked_with(role, endpoint, scrub)
    base_url, _, _ = apart(address)

    async def ask() -> list[str]:
        wire = HttpClient(DOCTOR_LIMITS, 1, proxy=proxy_of(base_url, endpoint.proxy))
        async with Client(base_url=base_url, max_retries=0, http_client=wire, **asked) as client:
            return sorted(model.id for model in (await client.models.list()).data)

    try:
        return asyncio.run(ask())
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        hint = f"set the environment variable {endpoint.key_env or 'that key_env names'}"
        raise BrokenError(f"{name} refuses the key (HTTP {error.status_code})", hint=hint) from None
    except openai.APIStatusError as error:
        if error.status_code in NO_SUCH_LIST:
            return None
        said = f"{name} does not list its models: {scrub(str(error))[:300]}"
        raise TransientError(said, hint="this is what the server said; look into its log") from None
    except (openai.OpenAIError, HttpError, OSError, ValueError, AttributeError, TypeError) as error:
        cause = error if isinstance(error, HttpError) else error.__cause__
        if isinstance(cause, HttpError):
            raise _unreachable(name, cause, scrub) from None
        hint = "base_url usually ends in /v1; see README for own servers"
        said = f"{name} does not list its models as the OpenAI protocol has it ({type(error).__name__})"
        raise TransientError(said, hint=hint) from None


NO_SUCH_LIST = {404, 405, 501}


def _unreachable(name: str, error: HttpError, scrub: Scrubber) -> WellspringError:
    """Return the error of a server that gave no answer, with its cause."""
    if error.outcome == "certificate":
        return untrusted(error, f"{name}: ")
    return TransientError(f"{name} does not answer: {scrub(error.detail)}", hint="check base_url and that it is up")


def untrusted(error: HttpError, where: str = "") -> BrokenError:
    """Return the error of a certificate that is not trusted: it will not be so later."""
    return BrokenError(
        f"{where}the certificate is not trusted on this machine ({error.detail})",
        hint="name the file of the authority that signed it in SSL_CERT_FILE",
    )
