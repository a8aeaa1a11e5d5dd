"""Replies of real servers, a line each in `tests/data/replies/`: what came over the wire, and what is right.

`recorded.jsonl` is of a small real model, byte for byte; the others were written after public reports of larger models
and other servers, with the servers' own words. `body` is the HTTP body as text, `asked` what the request had besides
`ASKED`. `expect` says what is right: its `kind`, and of the rest only what is sure.

- `answer`: `thought` and `text` (both without blanks around them), `end` (`stop`, `length`, `unknown`), `object` (the
  JSON object the text holds as its answer), `served` (the model's name, as it may be shown).
- `refusal`, `again`: `reason`, of the closed list; `wait_seconds`, the server's wish.
- `unsupported`: `part` of the request: `structured`, `system`, `max_tokens_cap:N`, `context:N` or a parameter's name.
- `stop`: `reason`, `broken` (a person has to act) or `parked` (later).
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.prompting import json_object
from wellspring.tasks.io.protocol.answers import Again, Answered, Refusal, Reply, Stop, Unsupported, verdict_of

CORPUS = Path(__file__).parents[1] / "data" / "replies"
ASKED = {  # of every request, where a line says nothing else
    "model": "m",
    "messages": [{"role": "system", "content": "Answer."}, {"role": "user", "content": "Which is the capital?"}],
    "temperature": 0.7,
    "top_p": 1.0,
    "max_tokens": 2048,
    "seed": 0,
}
FIELDS = {"name", "kind", "source", "status", "headers", "asked", "body", "expect"}
MAY_SAY = {
    "answer": {"thought", "text", "end", "object", "served"},
    "refusal": {"reason"},
    "again": {"reason", "wait_seconds"},
    "unsupported": {"part"},
    "stop": {"reason"},
}
PART = re.compile(r"structured|system|max_tokens_cap:\d+|context:\d+|max_tokens|temperature|top_p|seed")
MOST_BYTES = 400_000


def replies() -> list[dict[str, Any]]:
    """Return every line of the corpus."""
    files = sorted(CORPUS.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


REPLIES = replies()


def test_there_are_enough_of_each_kind_and_they_are_small() -> None:
    kinds = Counter(reply["kind"] for reply in REPLIES)
    recorded = [reply for reply in REPLIES if reply["source"].startswith("recorded from ")]

    assert len(recorded) >= 40
    assert len(REPLIES) - len(recorded) >= 80
    assert len({reply["name"] for reply in REPLIES}) == len(REPLIES)
    assert kinds.keys() >= {"structured", "free", "cut", "loop", "latex", "code", "language", "thinking", "harmony"}
    assert kinds.keys() >= {"special_token", "tool", "finish", "draft", "error"}
    assert sum(file.stat().st_size for file in CORPUS.glob("*.jsonl")) < MOST_BYTES


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply["name"])
def test_a_line_says_what_came_and_what_is_right(reply: dict[str, Any]) -> None:
    expect = reply["expect"]
    says = expect.keys() - {"kind"}

    assert reply.keys() == FIELDS
    assert says <= MAY_SAY[expect["kind"]]
    assert reply["source"].startswith(("recorded from ", "written after a public report of "))
    if "json" in reply["headers"]["content-type"]:
        assert json.loads(reply["body"])
    if expect["kind"] == "unsupported":
        assert PART.fullmatch(expect["part"])
    if expect["kind"] == "answer":
        assert expect["text"] == expect["text"].strip() or reply["source"].startswith("recorded from ")
        assert expect["end"] in {"stop", "length", "unknown"}
    if expect["kind"] == "stop":
        assert expect["reason"] in {"broken", "parked"}


def said_of(reply: dict[str, Any]) -> dict[str, Any]:
    """Return what the door makes of a reply, in the words of the corpus."""
    verdict = verdict_of(Reply(reply["status"], reply["headers"], reply["body"].encode()), ASKED | reply["asked"])
    match verdict:
        case Answered():
            ends = {"kind": "answer", "end": verdict.finish_reason, "served": verdict.served}
            said = {"thought": verdict.thought.strip(), "text": verdict.text.strip()}
            wanted = {"object": json_object(verdict.text)} if "object" in reply["expect"] else {}
            return ends | said | wanted
        case Stop():
            return {"kind": "stop", "reason": "broken" if isinstance(verdict.error, BrokenError) else "parked"}
        case Refusal() if verdict.error is not None and reply["expect"]["kind"] == "stop":
            return {"kind": "stop", "reason": "broken" if isinstance(verdict.error, BrokenError) else "parked"}
        case Refusal():
            return {"kind": "refusal", "reason": verdict.reason}
        case Again():
            return {"kind": "again", "reason": verdict.reason, "wait_seconds": verdict.wait_seconds}
        case Unsupported(part):
            return {"kind": "unsupported", "part": f"{part.part}:{part.value}" if part.value else part.part}
    raise AssertionError(verdict)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply["name"])
def test_the_door_reads_what_is_right(reply: dict[str, Any]) -> None:
    said = said_of(reply)

    expected = {name: value.strip() if isinstance(value, str) else value for name, value in reply["expect"].items()}
    assert {name: said.get(name) for name in expected} == expected
