"""The embedded default model: a deterministic, extractive stand-in that speaks the OpenAI protocol.

It is not a language model, and says so wherever it is named. It reads the fenced texts of a prompt, finds their key
phrases, sentences and numbers, and fills the JSON schema it is asked for with them (or answers in plain text). The
same request has the same answer on every machine. It stands in for a server where there is none: as the transport of
the OpenAI client (an ASGI app, no socket), or as a real server for tests and other clients.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tasks.io.extractive import complete, is_content, mark_of, words_of

MODELS = ("offline-extractive", "offline-judge", "offline-embedding")
NOTICE = (
    "Deterministic extractive stand-in. Not a language model: it copies key phrases and sentences out of the prompt."
)
EMBEDDING_DIMENSIONS = 256


def tokens(text: str) -> int:
    """Estimate tokens the way everything here does where no server counts: four characters each."""
    return (len(text) + 3) // 4


def chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer POST /v1/chat/completions."""
    text = complete(body)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if tools := body.get("tools"):
        function = {"name": tools[0]["function"]["name"], "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": "call_0", "type": "function", "function": function}]}
    asked = sum(tokens(str(m.get("content") or "")) for m in body["messages"])
    return {
        "id": f"chatcmpl-{mark_of(text):016x}",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"] if body["model"] in MODELS else MODELS[0],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": asked, "completion_tokens": tokens(text), "total_tokens": asked + tokens(text)},
    }


def vector(text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Embed a text by hashed words: (256,) float32 of unit length; texts that share words lie close."""
    counts = Counter(word for word in words_of(text) if is_content(word))
    values = np.zeros(EMBEDDING_DIMENSIONS, dtype=np.float32)
    for word, count in counts.items():
        mark = mark_of(word)
        values[mark % EMBEDDING_DIMENSIONS] += np.float32((1 if mark >> 32 & 1 else -1) * (1 + np.log(count)))
    length = float(np.linalg.norm(values))
    return values / np.float32(length) if length else np.eye(1, EMBEDDING_DIMENSIONS, dtype=np.float32)[0]


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Answer POST /v1/embeddings."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    asked = sum(map(tokens, texts))
    data = [{"object": "embedding", "index": i, "embedding": vector(text).tolist()} for i, text in enumerate(texts)]
    return {
        "object": "list",
        "model": MODELS[2],
        "data": data,
        "usage": {"prompt_tokens": asked, "total_tokens": asked},
    }


async def _chat(request: Request) -> Response:
    return Response(orjson.dumps(chat(orjson.loads(await request.body()))), media_type="application/json")


async def _embeddings(request: Request) -> Response:
    return Response(orjson.dumps(embeddings(orjson.loads(await request.body()))), media_type="application/json")


async def _models(_: Request) -> Response:
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "wellspring", "description": NOTICE}
        for name in MODELS
    ]
    return Response(orjson.dumps({"object": "list", "data": data}), media_type="application/json")


def app() -> Starlette:
    """Return the stand-in as an ASGI app."""
    routes = [
        Route("/v1/chat/completions", _chat, methods=["POST"]),
        Route("/v1/embeddings", _embeddings, methods=["POST"]),
        Route("/v1/models", _models),
    ]
    return Starlette(routes=routes)
