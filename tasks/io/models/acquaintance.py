"""The door learns a server before a run pays: what it tells of itself, and what two short questions show.

What is learned goes to `Server.ability` and is kept in the journal, so a server is asked once for each model. A profile
overrides each of them (structured, system_role, context_tokens, max_concurrency, total_seconds). The questions are
written down and paid like any call; they answer no row.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import openai
import orjson

from wellspring.tasks.contracts.calls import Call
from wellspring.tasks.contracts.casting import without_directories
from wellspring.tasks.contracts.errors import Rejection, WellspringError
from wellspring.tasks.contracts.prompting import Message, Prompt, json_object
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.models.delivery import APIS, ActiveRole, Asking, PendingCall, Sender
from wellspring.tasks.io.protocol.answers import Answered, Refusal
from wellspring.tasks.io.protocol.complaints import STRUCTURE, Complaint
from wellspring.tasks.io.protocol.http_client import HttpError
from wellspring.tasks.io.protocol.requests import request_of, structure_of
from wellspring.tasks.io.protocol.servers import Server

SHORT_TOKENS = 256  # of room for the answers; a model that thinks gets its role's
TOLD_SECONDS = 5.0  # for what a server tells of itself
LEAST_SPEED_TOKENS = 16  # an answer shorter than that says nothing of the speed
CREDIBLE = (1 / 9, 1.5)  # tokens a character of English text
CAUTION = 0.85  # of what was counted for this text: others have fewer tokens a character
NUM_CTX = re.compile(r"(?m)^num_ctx[ \t]+([0-9]{1,8})[ \t]*$")  # as Ollama lists the parameters of a model
TEXT = (
    "Rivers carry water, sand and stones from the mountains to the sea. On their way they cut valleys, fill lakes and"
    " build wide plains on which people have lived and farmed for thousands of years. Where a river slows down it drops"
    " what it carries, the heaviest first. Floods bring fresh soil to the fields, and take houses with them. Count from"
    " 1 to 40 now, with commas between the numbers, and write nothing else."
)
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
PLAIN = Prompt((Message("system", "You answer briefly."), Message("user", TEXT)))
STRUCTURED = Prompt(
    (Message("system", "You answer briefly."), Message("user", "What colour is grass? Give one word as `colour`.")),
    SCHEMA,
    "colour",
)


def is_due(active: ActiveRole, server: Server, *, again: bool) -> bool:
    """Whether a server has to be asked: it answers questions at once, and is not known yet or to be asked again."""
    is_asked = not (server.is_offline or active.role.api == "moderations" or active.role.mode == "batch")
    return is_asked and (again or "met" not in server.ability)


async def meet(sender: Sender, active: ActiveRole, server: Server) -> None:
    """Learn a server: what is known of it is in its `ability` then, and in the journal.

    Args:
        sender: Who sends the questions.
        active: The role.
        server: Of that role.

    Raises:
        TransientError: It does not answer.
        BrokenError: It refuses the key, the model's name or the form of what is asked.
    """
    server.ability |= await _told(server)
    said, seconds = await _asked(sender, active, server, Call("", PLAIN, max_tokens=SHORT_TOKENS))
    if said.is_counted:
        _count(server, said, seconds)
    structured = await _structure(sender, active, server)
    met = {"served": said.served, "finish": said.finish_reason, "thinks": bool(said.thought or structured.thought)}
    server.ability["met"] = met | {"seconds": round(seconds, 2)}
    server.remember()


def _count(server: Server, said: Answered, seconds: float) -> None:
    """Learn the speed, and whether the counts of prompts can be believed."""
    if said.completion_tokens >= LEAST_SPEED_TOKENS and seconds > 0:
        server.ability["tokens_per_second"] = round(said.completion_tokens / seconds, 2)
    per_char = said.prompt_tokens / sum(len(message.content) for message in PLAIN.messages)
    if CREDIBLE[0] < per_char < CREDIBLE[1]:
        server.ability["fewest_per_char"] = round(CAUTION * per_char, 4)


async def _asked(sender: Sender, active: ActiveRole, server: Server, call: Call) -> tuple[Answered, float]:
    """Ask one question of one server, until it is answered; returns the answer and the seconds it took.

    Raises:
        WellspringError: It is not answered, and no row would be: the error says why, with the server's words.
    """
    request, tokens, reserve = active.worded(call)
    key = content_id("probe", request)
    pending = PendingCall(key, *APIS[active.role.api], request, tokens, reserve, Asking(), is_control=True)
    alone = ActiveRole(active.name, active.role, active.price, [server], [0.0])
    delivery = await sender.bring(alone, pending)
    await sender.settle_failed(pending, delivery, "probe", "what the server can do")
    if isinstance(delivery.verdict, Refusal):
        if delivery.verdict.reason in {"thought_too_long", "cut_off"} and call.max_tokens:
            return await _asked(sender, active, server, Call("", call.prompt))
        raise alone.fault(delivery.verdict)
    return delivery.verdict, delivery.seconds


async def _structure(sender: Sender, active: ActiveRole, server: Server) -> Answered:
    """Learn the best form in which JSON is asked for: one that is taken, and that the answers keep."""
    while True:
        said, _ = await _asked(sender, active, server, Call("", STRUCTURED, max_tokens=SHORT_TOKENS))
        try:
            json_object(said.text, ("colour",))
        except Rejection:
            form = structure_of(server.form(request_of(active.role, Call("", STRUCTURED))))
            if server.learn(Complaint(STRUCTURE), form):
                continue
        return said


async def _told(server: Server) -> dict[str, Any]:
    """Return what a server tells of itself: llama.cpp's /props, Ollama's /api/show, vLLM's list of models.

    Most tell nothing. Of Ollama the context that it uses counts (`num_ctx`), not the one that the model could have.
    """
    root = server.base_url.rstrip("/").removesuffix("/v1")
    props, models, show = await asyncio.gather(
        _read(server, f"{root}/props"),
        _read(server, f"{server.base_url}/models"),
        _read(server, f"{root}/api/show", {"model": server.role.model}),
    )
    found: dict[str, Any] = {}
    listed = models.get("data")
    for model in listed if isinstance(listed, list) else ():
        if isinstance(model, Mapping) and model.get("id") == server.role.model:
            found |= _number("context", model.get("max_model_len") or model.get("context_length"))
    defaults = props.get("default_generation_settings")
    found |= _number("context", defaults.get("n_ctx") if isinstance(defaults, Mapping) else None)
    used = NUM_CTX.search(str(show.get("parameters", "")))
    found |= _number("context", int(used[1]) if used else None)
    return found | _number("slots", props.get("total_slots"))


def described(ability: Mapping[str, Any]) -> str:
    """Say what is known of a server, for a person."""
    met = ability.get("met", {})
    facts = {
        "served as": without_directories(met.get("served") or ""),
        "tokens a second": ability.get("tokens_per_second"),
        "context": ability.get("context"),
        "calls at once": ability.get("slots") or ability.get("concurrency"),
        "JSON by": ability.get("structured", "json_schema"),
        "system turn": "in the user's" if ability.get("system") == "user" else "yes",
        "not taken": ", ".join(ability.get("unknown", ())),
        "most max_tokens": ability.get("max_tokens_cap"),
        "thinks": "yes" if met.get("thinks") else "no",
        "ends with": met.get("finish"),
    }
    return "; ".join(f"{name}: {value}" for name, value in facts.items() if value)


def _number(name: str, value: Any) -> dict[str, int]:
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**8
    return {name: value} if is_one else {}


async def _read(server: Server, address: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """Return what lies at an address of a server, or nothing: it is not part of the protocol."""
    try:
        async with asyncio.timeout(TOLD_SECONDS):
            if body is None:
                response = await server.client.get(address, cast_to=httpx2.Response)
            else:
                response = await server.client.post(address, cast_to=httpx2.Response, body=body)
        found = orjson.loads(response.content)
    except (openai.APIError, HttpError, WellspringError, TimeoutError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}
