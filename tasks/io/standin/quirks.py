"""The quirk server: the offline stand-in over real HTTP, with what real servers do to requests and answers.

Where `faults.py` has what goes wrong now and then, a quirk is true for a server: it refuses a parameter, writes its
thought into the answer, cuts prompts. Quirks can be combined, with each other and with faults. What each does is said
in `quirks.toml`, and done in `oddities.py`. `GET /stats` counts how often each one acted. Lines of batch jobs meet them
too, but for those about headers, queries and time.
"""

import asyncio
import contextlib
import difflib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io.loopback import Request
from wellspring.tasks.io.standin import faults, offline
from wellspring.tasks.io.standin.fault_kinds import Exchange
from wellspring.tasks.io.standin.faults import FaultServer, Profile
from wellspring.tasks.io.standin.oddities import QUIRKS, Asked, Chosen
from wellspring.tasks.io.standin.offline import Response, StandIn, error_response

SENTENCES = Path(__file__).with_name("quirks.toml")
LOOK_SECONDS = 0.02  # how often a slot looks whether its client is still there
_OF_THE_DOOR = ("azure", "api_key_header", "wants_header", "wants_query")  # these guard every page, not just the model


def sentences() -> dict[str, dict[str, str]]:
    """Return what each quirk does, by group."""
    return tomllib.loads(SENTENCES.read_text(encoding="utf-8"))


def chosen(text: str) -> Chosen:
    """Read a quirk as it is typed: `NAME`, `NAME=VALUE` or `NAME=VALUE,option=value,...`.

    Raises:
        UsageError: There is no such quirk or option, or the value is of another kind.
    """
    name = re.split(r"[=,]", text, maxsplit=1)[0]
    if name not in QUIRKS:
        near = difflib.get_close_matches(name, QUIRKS, n=3, cutoff=0.5)
        guess = f"did you mean {' or '.join(f'`{word}`' for word in near)}? " if near else ""
        raise UsageError(
            f"there is no quirk `{name}`", hint=f"{guess}`wellspring offline-model --help` says what each one does"
        )
    quirk, rest = QUIRKS[name], text[len(name) :]
    defaults = {"every": quirk.every, **quirk.options}
    options = {key: _first(default) for key, default in defaults.items()}
    value, has_value = _first(quirk.value), rest.startswith("=")
    names = "|".join(defaults)
    first, *others = re.split(rf",(?=(?:{names})(?:=|,|$))", rest.removeprefix("=") if has_value else rest)
    if has_value and (quirk.value is not None or not first):
        value = _read(name, first, quirk.value) if first or isinstance(quirk.value, str) else value
    elif first:
        raise UsageError(f"quirk `{name}` takes no `{first.strip(',=')}`", hint=f"it takes: {', '.join(defaults)}")
    for other in others:
        key, equals, given = other.partition("=")
        options[key] = _read(f"{name},{key}", given if equals else "true", defaults[key])
    if options["every"] < 1:
        raise UsageError(f"quirk `{name}`: every={options['every']}", hint="every=1 acts on each call")
    return Chosen(name, quirk, value, options)


def _first(default: Any) -> Any:
    return default[0] if isinstance(default, tuple) else default


def _read(name: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, tuple):
            return default[default.index(text)]
        if isinstance(default, bool):
            return {"true": True, "false": False}[text]
        return type(default)(text)
    except (ValueError, KeyError):
        kind = " or ".join(default) if isinstance(default, tuple) else f"like {default}"
        raise UsageError(f"quirk `{name}` cannot be `{text}`", hint=f"it is {kind}") from None


class Quirky(StandIn):
    """The stand-in with quirks.

    Args:
        names: As `chosen` reads them; they act in the order of `QUIRKS`, whatever the order here.
        jobs: What a StandIn takes.
    """

    def __init__(self, names: Sequence[str], **jobs: Any) -> None:
        super().__init__(**jobs)
        read = {one.name: one for one in map(chosen, names)}
        self.chosen = {name: read[name] for name in QUIRKS if name in read}

    def asked(self, path: str, body: bytes, headers: Mapping[str, str] | None = None, query: str = "") -> Asked:
        """Take a request to the model; a body that is no object is as good as an empty one."""
        with contextlib.suppress(ValueError):
            read = orjson.loads(body)
            return self._with_turns(Asked(path, read if isinstance(read, dict) else {}, headers, parse_qs(query)))
        return self._with_turns(Asked(path, {}, headers, parse_qs(query)))

    def _with_turns(self, asked: Asked) -> Asked:
        kinds = {"any", "chat" if asked.is_chat else "embeddings"}
        asked.acting = [one for one in self.chosen.values() if one.quirk.of in kinds and one.has_turn()]
        return asked

    def refusal(self, asked: Asked) -> Response | None:
        """Return how a request is refused, if it is."""
        for one in asked.acting:
            if one.quirk.refuse and (refused := one.quirk.refuse(asked, one)) is not None:
                one.acted += 1
                one.said = refused.body
                return refused
        return None

    def answered(self, asked: Asked) -> Response:
        """Return the answer to a request that is not refused."""
        for one in asked.acting:
            one.acted += bool(one.quirk.change and one.quirk.change(asked, one))
        path = "/v1" + ("/chat/completions" if asked.is_chat else "/embeddings")
        plain = super().respond("POST", path, "application/json", orjson.dumps(asked.body))
        if plain.status != 200:  # noqa: PLR2004 - the stand-in could not read it
            return plain
        answer = orjson.loads(plain.body)
        for one in asked.acting:
            one.acted += bool(one.quirk.spoil and one.quirk.spoil(asked, one, answer))
        return Response(200, orjson.dumps(answer))

    def respond(self, method: str, path: str, content_type: str, body: bytes) -> Response:
        """Answer one HTTP request, or a line of a batch job."""
        if method == "POST" and path.endswith(("/chat/completions", "/embeddings")):
            asked = self.asked(path, body)
            return self.refusal(asked) or self.answered(asked)
        shown = self._shown(method, path)
        return super().respond(method, path, content_type, body) if shown is None else shown

    def _shown(self, method: str, path: str) -> Response | None:
        """Return a page of llama.cpp's or Ollama's, if that is what this server is."""
        value = {name: one.value for name, one in self.chosen.items()}
        is_thinking = bool(self.chosen.keys() & sentences()["thoughts"].keys())
        context = value.get("context") or value.get("cuts_prompts") or 4096
        if "llama_cpp" in value and (method, path) == ("GET", "/props"):
            refused = "{{ raise_exception('System role not supported') }}" if "no_system_role" in value else ""
            template = f"{{% for message in messages %}}{refused}{{{{ message.content }}}}{{% endfor %}}"
            shown = {
                "total_slots": value.get("slots", 1),
                "default_generation_settings": {"n_ctx": context},
                "model_path": f"/srv/models/{offline.MODELS[0]}-Q4_K_M.gguf",
                "chat_template": template + ("<think>" if is_thinking else ""),
                "build_info": "b7000-offline",
            }
            return Response(200, orjson.dumps(shown))
        if "ollama" in value and (method, path) == ("POST", "/api/show"):
            shown = {
                "parameters": f'num_ctx                        {context}\nstop                           "<|im_end|>"',
                "template": "{{ .System }}{{ .Prompt }}",
                "details": {"format": "gguf", "family": "offline", "quantization_level": "Q4_K_M"},
                "model_info": {"general.architecture": "offline", "offline.context_length": 131072},
                "capabilities": ["completion", "tools"] + ["thinking"] * is_thinking,
            }
            return Response(200, orjson.dumps(shown))
        return None


class QuirkServer(FaultServer):
    """A listening server with quirks, and with the faults of a profile beside them."""

    def __init__(self, names: Sequence[str], profile: Profile | None = None) -> None:
        super().__init__(profile or Profile())
        known = self.profile
        self.quirky = Quirky(names, polls=known.batch_polls, drops=known.batch_drops, ends_as=known.batch_ends_as)
        self.stand_in = self.quirky
        self.loaded_at = math.inf
        self.waiting = 0
        slots = self.quirky.chosen.get("slots")
        self.slots = asyncio.Semaphore(slots.value if slots else 1)

    @property
    def base_url(self) -> str:
        """The base URL for clients."""
        return self.url

    def answer(self, request: Request) -> Response:
        """Answer what is not for the model: pages, files, jobs; behind the same door."""
        asked = Asked(request.path, {}, request.headers, parse_qs(request.query))
        asked.acting = [one for name, one in self.quirky.chosen.items() if name in _OF_THE_DOOR and name != "azure"]
        return self.quirky.refusal(asked) or super().answer(request)

    async def _deliver(self, request: Request, exchange: Exchange, fault: str) -> None:
        asked = self.quirky.asked(request.path, request.body, request.headers, request.query)
        refused = self.quirky.refusal(asked) or await self._held(asked, exchange)
        if refused is not None:
            await exchange.send(refused)
            return
        exchange.answer = lambda: self.quirky.answered(asked)
        await super()._deliver(request, exchange, fault)

    async def _held(self, asked: Asked, exchange: Exchange) -> Response | None:
        """Hold a request as long as its server is busy; returns the refusal of a server that is too busy."""
        acting = {one.name: one for one in asked.acting}
        if loading := acting.get("first_slow"):
            now = asyncio.get_running_loop().time()
            is_first = self.loaded_at == math.inf
            self.loaded_at = now + loading.value if is_first else self.loaded_at
            if now < self.loaded_at:
                loading.acted += 1
                if loading.options["words"] == "loading":
                    return error_response(503, "Loading model", "unavailable_error")
                await asyncio.sleep(self.loaded_at - now)
        if full := acting.get("queue_full"):
            waiting = self.waiting if "slots" in acting else self.in_flight - 1
            if waiting >= full.value:
                full.acted += 1
                return error_response(full.options["status"], "Model is overloaded, try again later", "overloaded")
        if slow := acting.get("slow_all"):
            slow.acted += 1
            await asyncio.sleep(slow.value)
        if slots := acting.get("slots"):
            slots.acted += self.slots.locked()
            await self._worked_on(slots, exchange)
        return None

    async def _worked_on(self, slots: Chosen, exchange: Exchange) -> None:
        """Wait for a slot, and keep it as long as a call takes, for a client that is gone too."""
        self.waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self.waiting -= 1
        try:
            loop = asyncio.get_running_loop()
            until = loop.time() + slots.options["seconds"]
            frees = slots.options["hangup_frees"]
            while (left := until - loop.time()) > 0 and not (frees and exchange.is_over):  # noqa: ASYNC110 - no event
                await asyncio.sleep(min(left, LOOK_SECONDS))
        finally:
            self.slots.release()
        self.counts["worked_for_nobody"] += exchange.is_over

    def stats(self) -> dict[str, Any]:
        """Return the counts so far, and how often each quirk acted."""
        return super().stats() | {"quirks": {name: one.acted for name, one in self.quirky.chosen.items()}}


def serve(port: int, names: Sequence[str], profile: str = "") -> None:
    """Serve the stand-in with quirks until interrupted, and say where.

    Raises:
        UsageError: There is no such quirk or profile.
        BrokenError: The port is taken.
    """
    faults.serve(port, server=QuirkServer(names, faults.profile(profile) if profile else None))


@contextlib.contextmanager
def running(*names: str, profile: Profile | str | None = None) -> Iterator[QuirkServer]:
    """Have a quirk server, in a thread of its own on any free port, while the block runs."""
    server = QuirkServer(names, faults.profile(profile) if isinstance(profile, str) else profile)
    with faults.threaded(server):
        yield server
