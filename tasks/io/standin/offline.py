"""The embedded default model: a deterministic, extractive stand-in that speaks the OpenAI protocol.

It is not a language model, and says so wherever it is named; what it says is in `extractive.py`. It is plugged in as
the transport of the OpenAI client (an ASGI app, no socket) where `base_url = "offline"`, and it can be started as a
real server for tests and other clients, without faults or with them (`faults.py`).
"""

import itertools
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson

from wellspring.tasks.io.standin.extractive import complete, is_content, mark_of, share_of, words_of

MODELS = ("offline-extractive", "offline-judge", "offline-embedding")
NOTICE = "Deterministic extractive stand-in. Not a language model: it copies key phrases and sentences of the prompt."
EMBEDDING_DIMENSIONS = 256
CHARS_PER_TOKEN = 4

Body = Mapping[str, Any]


class Response(NamedTuple):
    """Status, content type and body of an answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


def tokens(text: str) -> int:
    """Count tokens as a server would, only that four characters are one."""
    return -(-len(text) // CHARS_PER_TOKEN)


def model_of(body: Body) -> str:
    """Return the model's name as answers carry it: whoever is asked for, only these are here."""
    return body["model"] if body.get("model") in MODELS else MODELS[0]


def chat(body: Body) -> dict[str, Any]:
    """Answer POST /v1/chat/completions."""
    text = _ended(complete(body), body.get("stop") or ())
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if tools := body.get("tools"):
        function = {"name": tools[0]["function"]["name"], "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": "call_0", "type": "function", "function": function}]}
    asked, said = sum(tokens(str(m.get("content") or "")) for m in body["messages"]), tokens(text)
    return {
        "id": f"chatcmpl-{mark_of(text):016x}",
        "object": "chat.completion",
        "created": 0,
        "model": model_of(body),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": likely(body, text)}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _ended(text: str, stop: Sequence[str] | str) -> str:
    """Return a text up to where it is to end."""
    for one in [stop] if isinstance(stop, str) else stop:
        text = text.partition(one)[0]
    return text


_PIECES = re.compile(r"\d|[^\W\d]+|\W")
_CHOICES = ("yes", "no", "first", "second", "neither", "true", "false")


def likely(body: Body, text: str) -> dict[str, Any] | None:
    """Return log-probabilities of an answer, if they are asked for; a hash of request and place gives them.

    A digit stands among other digits, a word of a choice among those of others, and any other word among the answer's.
    """
    most = int(body.get("top_logprobs") or 0)
    if not body.get("logprobs"):
        return None
    asked = "\n".join(str(message.get("content") or "") for message in body["messages"])
    pieces = _PIECES.findall(text)
    return {"content": [_place(f"{asked}\n{place}", piece, pieces, most) for place, piece in enumerate(pieces)]}


def _place(mark: str, piece: str, pieces: list[str], most: int) -> dict[str, Any]:
    others = "0123456789" if piece.isdigit() else _CHOICES if piece.lower() in _CHOICES else sorted({*pieces})
    ranked = sorted((one for one in others if one != piece), key=lambda one: mark_of(f"{mark}\n{one}"))
    weights = [1.0, *(share_of(mark, one) for one in ranked[: max(most - 1, 0)])]
    whole = sum(weights) * 1.05  # some is left for all others
    found = [
        {"token": one, "logprob": float(np.log(w / whole))} for one, w in zip([piece, *ranked], weights, strict=False)
    ]
    return {**found[0], "top_logprobs": sorted(found, key=lambda one: -one["logprob"])[:most]}


def vector(text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Embed a text by hashed words: (256,) float32 of unit length; texts that share words lie close."""
    values = np.zeros(EMBEDDING_DIMENSIONS, dtype=np.float32)
    for word, count in Counter(filter(is_content, words_of(text))).items():
        mark = mark_of(word)
        values[mark % EMBEDDING_DIMENSIONS] += np.float32((1 if mark >> 32 & 1 else -1) * (1 + np.log(count)))
    length = float(np.linalg.norm(values))
    return values / np.float32(length) if length else np.eye(1, EMBEDDING_DIMENSIONS, dtype=np.float32)[0]


def embeddings(body: Body) -> dict[str, Any]:
    """Answer POST /v1/embeddings."""
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": vector(text).tolist()} for i, text in enumerate(texts)]
    asked = sum(map(tokens, texts))
    return {
        "object": "list",
        "model": MODELS[2],
        "data": data,
        "usage": {"prompt_tokens": asked, "total_tokens": asked},
    }


def models() -> dict[str, Any]:
    """Answer GET /v1/models, and say what this is."""
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "wellspring", "description": NOTICE}
        for name in MODELS
    ]
    return {"object": "list", "data": data}


@dataclass(slots=True)
class Job:
    """A batch job: what is left to wait before it is done, and its files."""

    batch_id: str
    input_file_id: str
    endpoint: str
    metadata: Mapping[str, str]
    polls_left: int
    status: str = "in_progress"
    output_file_id: str | None = None
    error_file_id: str | None = None
    counts: dict[str, int] = field(default_factory=lambda: {"total": 0, "completed": 0, "failed": 0})

    def shown(self) -> dict[str, Any]:
        """Return the job as the protocol shows it."""
        return {
            "id": self.batch_id,
            "object": "batch",
            "endpoint": self.endpoint,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "metadata": dict(self.metadata),
            "request_counts": self.counts,
            "created_at": 0,
        }


class StandIn:
    """The stand-in as a server sees it: routes, files and batch jobs.

    Args:
        polls: How often a batch job is asked for before it is done.
        drops: Of so many lines of a job, the last one fails; 0 fails none. So that partial results can be tested.
        ends_as: What jobs end as: completed, or expired or failed (with what was done until then).
    """

    def __init__(self, *, polls: int = 1, drops: int = 0, ends_as: str = "completed") -> None:
        self.polls, self.drops, self.ends_as = polls, drops, ends_as
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, Job] = {}
        self.numbers = itertools.count(1)

    def respond(self, method: str, path: str, content_type: str, body: bytes) -> Response:  # noqa: PLR0911 - one a route
        """Answer one HTTP request."""
        route = (method, path.rstrip("/"))
        match route:
            case ("POST", "/v1/chat/completions"):
                return _answered(chat, body)
            case ("POST", "/v1/embeddings"):
                return _answered(embeddings, body)
            case ("GET", "/v1/models"):
                return Response(200, orjson.dumps(models()))
            case ("POST", "/v1/files"):
                return self._upload(content_type, body)
            case ("POST", "/v1/batches"):
                return self._create(orjson.loads(body))
            case ("GET", "/v1/batches"):
                shown = [job.shown() for job in reversed(self.jobs.values())]
                return Response(200, orjson.dumps({"object": "list", "data": shown, "has_more": False}))
            case _:
                return self._by_id(method, path)

    def _by_id(self, method: str, path: str) -> Response:
        found = re.fullmatch(r"/v1/(files|batches)/([\w-]+)(/content|/cancel)?", path.rstrip("/"))
        kind, name, action = found.groups() if found else ("", "", "")
        if kind == "files" and method == "GET" and action == "/content" and name in self.files:
            return Response(200, self.files[name], "application/octet-stream")
        if kind == "batches" and name in self.jobs:
            job = self.jobs[name]
            if action == "/cancel":
                job.status = "cancelled" if job.status == "in_progress" else job.status
            else:
                self._advance(job)
            return Response(200, orjson.dumps(job.shown()))
        return error_response(404, f"there is no {method} {path}", "not_found")

    def _keep(self, content: bytes) -> str:
        name = f"file-{next(self.numbers)}"
        self.files[name] = content
        return name

    def _upload(self, content_type: str, body: bytes) -> Response:
        boundary = re.search(r'boundary="?([^";]+)', content_type)
        parts = body.split(b"--" + boundary[1].encode()) if boundary else []
        content = next((part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts if b'name="file"' in part[:400]), None)
        if content is None:
            return error_response(400, "a file is missing", "invalid_request_error")
        shown = {
            "id": self._keep(content),
            "object": "file",
            "bytes": len(content),
            "purpose": "batch",
            "filename": "f",
        }
        return Response(200, orjson.dumps(shown | {"created_at": 0, "status": "processed"}))

    def _create(self, body: Body) -> Response:
        if body.get("input_file_id") not in self.files:
            return error_response(400, "there is no such input file", "invalid_request_error")
        name = f"batch-{next(self.numbers)}"
        job = Job(name, body["input_file_id"], body["endpoint"], body.get("metadata") or {}, self.polls)
        self.jobs[name] = job
        return Response(200, orjson.dumps(job.shown()))

    def _advance(self, job: Job) -> None:
        """Do the job's work when it has been asked for often enough."""
        job.polls_left -= 1
        if job.status != "in_progress" or job.polls_left > 0:
            return
        lines = [orjson.loads(line) for line in self.files[job.input_file_id].splitlines() if line.strip()]
        done, failed = [], []
        for number, line in enumerate(lines, start=1):
            if self.drops and number % self.drops == 0:
                if self.ends_as == "completed":
                    error = {"code": "batch_error", "message": "this line failed"}
                    failed.append(
                        {"id": f"r{number}", "custom_id": line["custom_id"], "response": None, "error": error}
                    )
                continue
            reply = self.respond(line["method"], line["url"], "application/json", orjson.dumps(line["body"]))
            response = {"status_code": reply.status, "request_id": f"r{number}", "body": orjson.loads(reply.body)}
            done.append({"id": f"r{number}", "custom_id": line["custom_id"], "response": response, "error": None})
        done.reverse()  # the order of an output file is not that of its input
        job.output_file_id = self._keep(b"\n".join(map(orjson.dumps, done))) if done else None
        job.error_file_id = self._keep(b"\n".join(map(orjson.dumps, failed))) if failed else None
        job.counts = {"total": len(lines), "completed": len(done), "failed": len(failed)}
        job.status = self.ends_as


def _answered(answer: Callable[[Body], dict[str, Any]], body: bytes) -> Response:
    try:
        return Response(200, orjson.dumps(answer(orjson.loads(body))))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return error_response(400, f"{type(error).__name__}: {error}", "invalid_request_error")


def error_response(status: int, message: str, code: str, parameter: str | None = None) -> Response:
    """Return an error as OpenAI's servers word it."""
    error = {"message": message, "type": code, "code": code, "param": parameter}
    return Response(status, orjson.dumps({"error": error}))


Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def app(stand_in: StandIn | None = None) -> Callable[..., Any]:
    """Return the stand-in as an ASGI app."""
    stand_in = stand_in or StandIn()

    async def serve_one(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
        answer = stand_in.respond(scope["method"], scope["path"], content_type, body)
        headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return serve_one
