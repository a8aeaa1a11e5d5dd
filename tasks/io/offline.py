"""The embedded default model: a deterministic, extractive stand-in that speaks the OpenAI protocol.

It is not a language model, and says so wherever it is named. It reads the fenced texts of a prompt, finds their key
phrases, sentences and numbers, and fills the JSON schema it is asked for with them (or answers in plain text). The
same request has the same answer on every machine. It stands in for a server where there is none: as the transport of
the OpenAI client (an ASGI app, no socket), or as a real server for tests and other clients.
"""

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MODELS = ("offline-extractive", "offline-judge", "offline-embedding")
NOTICE = (
    "Deterministic extractive stand-in. Not a language model: it copies key phrases and sentences out of the prompt."
)
READ_CHARS = 6_000  # of each fenced text; the papers' documents are shortened to about as much
EMBEDDING_DIMENSIONS = 256

_FENCED = re.compile(r"<([a-z_]+) ([0-9a-f]{12})>\n(.*?)\n</\1 \2>", re.DOTALL)
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\u3002\uff01\uff1f\n]{20,400}(?:[.!?\u3002\uff01\uff1f]|(?=\n|$))")
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_JSON_KEY = re.compile(r'"([A-Za-z_]\w*)"\s*:\s*(\S?)')
_WANTS_INSTRUCTION = re.compile(
    r"\b(?:write|create|generate|compose|produce|rewrite|devise|pose)\b.{0,80}?\b(?:instruction|question|query|prompt|task|request)",
    re.IGNORECASE | re.DOTALL,
)
_STOP_WORDS = """
    the a an and or but if of to in on at by for with from as is are was were be been being it its this that these
    those there here he she they we you i his her their our your my me him them us not no nor so than then too
    very can could will would shall should may might must do does did done have has had having what which who whom
    whose when where why how all any both each few more most other some such only own same just also into over
    under again further once about against between through during before after above below up down out off because
    until while one two new said says like get got make made many much use used using per via etc
"""
_STOP = frozenset(_STOP_WORDS.split())
MIN_WORD_CHARS = 3
LONG_PHRASE_CHARS = 10


class Reading(NamedTuple):
    """What was found in a text: phrases and sentences in the order of their weight, numbers in order, and its size."""

    phrases: tuple[str, ...]
    sentences: tuple[str, ...]
    numbers: tuple[str, ...]
    words: int
    distinct_share: float
    mark: int


class Material(NamedTuple):
    """A prompt as the stand-in sees it: fenced texts by kind, and the text around them that says what is wanted."""

    fenced: tuple[tuple[str, str], ...]
    around: str
    mark: int

    @property
    def subject(self) -> str:
        """The text an answer is about: the longest fenced one, or all that was said."""
        return max((text for _, text in self.fenced), key=len, default=self.around)

    @property
    def judged(self) -> str:
        """The text a judgement is about: the last fenced one, or all that was said."""
        return self.fenced[-1][1] if self.fenced else self.around


def mark_of(text: str) -> int:
    """Return a number that is the same for the same text, on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Find the key phrases, sentences and numbers of a text."""
    text = text[:READ_CHARS]
    words = _WORD.findall(text)
    content = [
        word if word.lower() not in _STOP and len(word) >= MIN_WORD_CHARS and not word.isdigit() else ""
        for word in words
    ]
    singles = Counter(word.lower() for word in content if word)
    pairs = Counter(f"{a} {b}" for a, b in itertools.pairwise(content) if a and b)
    ranked = sorted(pairs, key=lambda pair: (-pairs[pair] * sum(singles[w.lower()] for w in pair.split(" ", 1)), pair))[
        :12
    ]
    ranked += [word for word, _ in singles.most_common(12)]
    sentences = [s.strip() for s in _SENTENCE.findall(text)]
    weights = [sum(singles[w.lower()] for w in _WORD.findall(s)[:60]) / (8 + len(s) / 6) for s in sentences[:60]]
    best = sorted(range(len(weights)), key=lambda i: (-weights[i], i))
    return Reading(
        phrases=tuple(dict.fromkeys(ranked)) or ("this topic",),
        sentences=tuple(sentences[i] for i in best),
        numbers=tuple(dict.fromkeys(_NUMBER.findall(text)))[:8],
        words=len(words),
        distinct_share=len(singles) / max(1, sum(singles.values())),
        mark=mark_of(text),
    )


def material(messages: Sequence[Mapping[str, Any]]) -> Material:
    """Take a chat apart into fenced texts and what is said around them."""
    said = "\n".join(str(message.get("content") or "") for message in messages)
    fenced = tuple((kind, text) for kind, _, text in _FENCED.findall(said))
    return Material(fenced, _FENCED.sub("", said), mark_of(said))


_INSTRUCTIONS = (
    "Explain how {a} relates to {b}, and give a worked example that a beginner can follow.",
    "I am preparing a short talk about {a}. Which points about {b} and {c} matter most, and in which order?",
    "Compare {a} with {b}: list the differences in a table and say when each one is the better choice.",
    "Draft a step-by-step plan for someone who meets {a} for the first time and knows little about {b}.",
    "What would change if {a} were no longer available? Argue from {b} and mention {c}.",
    "Summarise what is known about {a} in five sentences, then name one open question about {b}.",
    "My team disagrees about {a}. Lay out the strongest case for and against, using {b} and {c} as evidence.",
    "Write a checklist for reviewing work on {a}; every item should mention how {b} is measured or verified.",
    "Given {n} as a starting figure, estimate how {a} develops, and state each assumption you make about {b}.",
    "Turn the main idea behind {a} into a short lesson with two exercises on {b} and their solutions.",
    "How did {a} come about, who is affected by {b}, and what should be done next about {c}?",
    "Design a small experiment that tests whether {a} depends on {b}, and explain how to read its result.",
)


def _slots(reading: Reading, mark: int) -> dict[str, str]:
    phrases = reading.phrases
    turn = mark % max(1, min(len(phrases), 4))
    a, b, c = (phrases[(turn + i) % len(phrases)] for i in range(3))
    return {
        "a": a,
        "b": b,
        "c": c,
        "n": reading.numbers[mark % len(reading.numbers)] if reading.numbers else str(2 + mark % 90),
    }


def instruction(reading: Reading, mark: int) -> str:
    """Compose something that reads as an instruction about the phrases of a text."""
    return _INSTRUCTIONS[mark % len(_INSTRUCTIONS)].format(**_slots(reading, mark // 13))


def answer(reading: Reading, mark: int) -> str:
    """Compose an extractive answer: sentences of the text, tied together by its phrases."""
    slots = _slots(reading, mark)
    picked = reading.sentences[: 3 + mark % 3] or (f"{slots['a']} is tied to {slots['b']}.",)
    return (
        f"On {slots['a']}: " + " ".join(picked) + f" In short, {slots['b']} and {slots['c']} are what to look at first."
    )


def quality(reading: Reading) -> float:
    """Return a measurable stand-in for quality in [0, 1]: length, variety, numbers, long phrases."""
    length = min(reading.words, 60) / 60
    numbers = min(len(reading.numbers), 3) / 3
    long_words = sum(len(phrase) >= LONG_PHRASE_CHARS for phrase in reading.phrases[:8]) / 8
    return 0.4 * length + 0.2 * reading.distinct_share + 0.15 * numbers + 0.25 * long_words


def _share(*parts: object) -> float:
    return mark_of("\x1f".join(map(str, parts))) / 2**64


_TEXT_FIELDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"keyword|topic|phrase|tags?$|entit", "keywords"),
        (r"scene|scenario|situation|user|persona", "scene"),
        (r"instruction|query|question|prompt|task|request|rewritten|seed", "instruction"),
        (r"ability|skill", "ability"),
        (r"knowledge|domain|subject|field", "knowledge"),
        (r"extra|constraint|requirement", "extra"),
        (r"output|format", "output"),
        (r"intent|motivation|purpose|goal", "intention"),
        (r"reason|rationale|explanation|justification|critique|feedback|analysis|comment|evidence", "reason"),
        (r"title|name|label|category", "title"),
        (r"language", "language"),
    )
)
_TEXTS = {
    "keywords": "{a}, {b}, {c}",
    "scene": "Someone whose work touches {a} has to make a decision that involves {b} and wants to be sure about {c}.",
    "ability": "analysis and explanation: connecting {a} with {b}",
    "knowledge": "{a}; background on {b}",
    "extra": "Mention {c} where it matters.",
    "output": "A structured answer of a few paragraphs that treats {a} before {b}.",
    "intention": "To understand {a} well enough to act on {b}.",
    "title": "{a}",
    "language": "en",
}


def _text(name: str, about: Material) -> str:
    kind = next((kind for pattern, kind in _TEXT_FIELDS if pattern.search(name)), "answer")
    reading = read(about.judged if kind == "reason" else about.subject)
    if kind == "instruction":
        return instruction(reading, about.mark)
    if kind == "answer":
        return answer(reading, about.mark)
    if kind == "reason":
        return (
            f"Measured, not judged: {reading.words} words, {len(reading.numbers)} numbers,"
            f" {reading.distinct_share:.0%} of the content words are distinct; main phrase `{reading.phrases[0]}`."
        )
    return _TEXTS[kind].format(**_slots(reading, about.mark))


_CHOICE = re.compile(r"index|choice|chosen|best|pick|rank|candidate|number", re.IGNORECASE)


def _choice(about: Material, count: int) -> int:
    """Return which of the numbered texts shares most words with the first one."""
    first, *others = [set(map(str.lower, _WORD.findall(text[:READ_CHARS]))) - _STOP for _, text in about.fenced] or [
        set[str]()
    ]
    shared = [len(first & other) for other in others[:count]]
    return max(range(len(shared)), key=lambda i: (shared[i], -i), default=0)


def _number(name: str, schema: Mapping[str, Any], about: Material) -> float:
    reading = read(about.judged)
    if _CHOICE.search(name) and len(about.fenced) > 1:
        low = schema.get("minimum", 1)
        return low + _choice(about, len(about.fenced) - 1)
    low, high = (
        float(schema.get("minimum", 0)),
        float(schema.get("maximum", 1 if "minimum" not in schema else schema["minimum"] + 9)),
    )
    value = 0.65 * quality(reading) + 0.35 * _share(name, reading.mark) + 0.1
    return low + min(1.0, value) * (high - low)


def fill(  # noqa: C901, PLR0911 - one line a type
    schema: Mapping[str, Any], about: Material, name: str = "answer", root: Mapping[str, Any] | None = None
) -> Any:
    """Fill a JSON schema from the texts of a prompt; every type that structured output allows."""
    root = root if root is not None else schema
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).lstrip("#/").split("/"):
            target = target[part]
        return fill(target, about, name, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        options = schema["enum"]
        return options[int(_share(name, read(about.judged).mark) * len(options))]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return fill(next((s for s in schema[key] if s.get("type") != "null"), schema[key][0]), about, name, root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind == "object":
        return {key: fill(value, about, key, root) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return _array(schema, about, name, root)
    if kind == "integer":
        return round(_number(name, schema, about))
    if kind == "number":
        return round(_number(name, schema, about), 4)
    if kind == "boolean":
        return _number(name, {}, about) >= 0.5  # noqa: PLR2004 - half way
    return None if kind == "null" else _text(name, about)[: schema.get("maxLength", 10_000)]


def _array(schema: Mapping[str, Any], about: Material, name: str, root: Mapping[str, Any]) -> list[Any]:
    items = schema.get("items", {"type": "string"})
    reading = read(about.subject)
    count = max(int(schema.get("minItems", 3)), 1)
    if items.get("type") == "string" and "enum" not in items:
        asked = re.search(r"instruction|question|quer", name, re.IGNORECASE)
        pool = [instruction(reading, about.mark + i) for i in range(count)] if asked else list(reading.phrases)
        if re.search(r"sentence|claim|fact|statement|quote", name, re.IGNORECASE):
            pool = list(reading.sentences) or pool
        return [pool[i % len(pool)] for i in range(count)]
    return [fill(items, Material(about.fenced, about.around, about.mark + i), name, root) for i in range(count)]


def _wanted_schema(body: Mapping[str, Any], about: Material) -> Mapping[str, Any] | None:
    """Return the schema asked for: by `response_format`, by a tool, or by keys shown in the prompt."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"].get("schema", {})
    if tools := body.get("tools"):
        return tools[0]["function"].get("parameters", {})
    keys = (
        dict(_JSON_KEY.findall(about.around))
        if wanted.get("type") == "json_object" or re.search(r"\bJSON\b", about.around)
        else {}
    )
    kinds = {"[": {"type": "array"}, "{": {"type": "object"}}
    shown = {
        key: kinds.get(
            start, {"type": "integer", "minimum": 0, "maximum": 1} if start.isdigit() else {"type": "string"}
        )
        for key, start in keys.items()
    }
    return {"type": "object", "properties": shown} if shown else None


def complete(body: Mapping[str, Any]) -> str:
    """Answer a chat request with text: filled JSON where a schema is asked for, else an instruction or an extract."""
    about = material(body["messages"])
    about = about._replace(mark=about.mark ^ mark_of(f"{body.get('seed')}/{body.get('user', '')}"))
    schema = _wanted_schema(body, about)
    if schema is not None:
        return orjson.dumps(fill(schema, about)).decode()
    reading = read(about.subject)
    return instruction(reading, about.mark) if _WANTS_INSTRUCTION.search(about.around) else answer(reading, about.mark)


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
    counts = Counter(word.lower() for word in _WORD.findall(text) if word.lower() not in _STOP)
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
