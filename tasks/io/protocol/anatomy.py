"""The parts of an answer: what a model thought, what it said, which tools it called, how it ended. Pure.

Servers put these parts in many places: thoughts in fields of their own (`reasoning_content`, `reasoning`), in typed
parts of a list, in tags of the text (whole, or only the closing one, where the opening one stands in the chat
template), in channels (harmony); the template's own tokens at the end of the text; ends under many words. Here they
become one thing. Text inside code is left as it is: an answer may be about such marks.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STOP, LENGTH, UNKNOWN = "stop", "length", "unknown"
MOST_DEPTH = 20  # of lists in lists
LEAST_LOGPROB = -9999.0


@dataclass(frozen=True, slots=True)
class Anatomy:
    """An answer in its parts. `end` is one of `ENDS`; `tool_calls` and `logprobs` are JSON, or empty."""

    thought: str
    text: str
    refusal: str
    end: str
    tool_calls: str = ""
    logprobs: str = ""


# How an answer ended. The first two and UNKNOWN are ends of an answer; the others say that there is none.
ENDS = (STOP, LENGTH, UNKNOWN, "broken", "filtered", "no_context")
_ENDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("filtered", re.compile(r"filter|sensitive|safety|moderat|prohibit|blocklist|recitation|guardrail|spii|flagged")),
    ("no_context", re.compile(r"context")),
    (
        "broken",
        re.compile(r"error|fail|abort|cancel|interrupt|insufficient|unavailable|overload|network|time_?out|malform"),
    ),
    (LENGTH, re.compile(r"length|max_?(?:output_|new_|completion_)?tokens|token_?limit|truncat|incomplete")),
    (STOP, re.compile(r"stop|eos|eot|end|done|complete|finish|tool|function")),
)


def end_of(word: Any) -> str:
    """Return how an answer ended, by the server's word for it; a word that nobody knows is `unknown`, not an end."""
    said = re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_") if isinstance(word, str) else ""
    return next((end for end, words in _ENDS if words.search(said)), UNKNOWN) if said else UNKNOWN


def anatomy(choice: Mapping[str, Any], *, is_tool_asked: bool = False) -> Anatomy:
    """Part an answer.

    Args:
        choice: One of `choices` of a chat completion or of a plain one.
        is_tool_asked: Structure was asked for as a tool's arguments: then these are the text.

    Raises:
        ValueError, TypeError, LookupError: It is no choice.
    """
    message = choice["message"] if "message" in choice else {"content": choice["text"]}
    thoughts, text = _content(message.get("content"))
    for said in map(_flat, _fields(message)):
        thoughts += [said] if said.strip() and said.strip() not in map(str.strip, thoughts) else []
    arguments, calls = _tools(message)
    if arguments and (is_tool_asked or not text.strip()):
        text = arguments
    thought, text = parted(text)
    thoughts += [thought] if thought and thought not in thoughts else []
    return Anatomy(
        thought="\n\n".join(said.strip() for said in thoughts),
        text=text,
        refusal=str(message.get("refusal") or ""),
        end=end_of(choice.get("finish_reason")),
        tool_calls=calls,
        logprobs=_logprobs(choice.get("logprobs")),
    )


_FIELDS = ("reasoning_content", "reasoning", "thinking", "thought", "thoughts", "reasoning_details")


def _fields(message: Mapping[str, Any]) -> Iterable[Any]:
    return (message[name] for name in _FIELDS if message.get(name))


def _content(content: Any) -> tuple[list[str], str]:
    """Return the thoughts and the text of a message's content: a text, a list of typed parts, an object, nothing."""
    if content is None or isinstance(content, str):
        return [], content or ""
    if isinstance(content, Mapping) and "type" not in content:
        return [], json.dumps(content, ensure_ascii=False)
    if not isinstance(content, list | Mapping):
        raise TypeError(f"content is {type(content).__name__}")
    thoughts, texts = list[str](), list[str]()
    for part in content if isinstance(content, list) else [content]:
        kind = str(part.get("type") or "text").lower() if isinstance(part, Mapping) else "text"
        if re.search(r"think|thought|reason", kind):
            thoughts.append(_flat(part))
        elif isinstance(part, str) or "text" in part:
            texts.append(part if isinstance(part, str) else _flat(part["text"]))
    return [said for said in thoughts if said.strip()], "".join(texts)


def _flat(value: Any, depth: int = 0) -> str:
    """Return the words of a thought, however it is boxed: a text, parts, `text`, `thinking`, `summary`."""
    if isinstance(value, str) or depth > MOST_DEPTH:
        return value if isinstance(value, str) else ""
    if isinstance(value, list):
        return "".join(_flat(part, depth + 1) for part in value)
    if isinstance(value, Mapping):
        names = ("text", "thinking", "reasoning", "content", "summary", "value")
        return next((said for name in names if (said := _flat(value.get(name), depth + 1))), "")
    return ""


def _tools(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the arguments of the first tool call as JSON, and all calls as JSON; both empty where there is none.

    Arguments are a text in the protocol, and an object at some servers.
    """
    calls = message.get("tool_calls") or (
        [{"function": message["function_call"]}] if message.get("function_call") else []
    )
    if not isinstance(calls, list) or not calls:
        return "", ""
    function = calls[0].get("function") or {}
    arguments = function.get("arguments")
    said = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False) if arguments else ""
    return said, json.dumps(calls, ensure_ascii=False, sort_keys=True)


def _logprobs(value: Any) -> str:
    """Return log-probabilities as JSON of [token, log-probability, [[token, log-probability] ...]]; empty for none."""
    content = value.get("content") if isinstance(value, Mapping) else None
    if not isinstance(content, list):
        return ""
    rows = [[*_likely(place), [_likely(other) for other in place.get("top_logprobs") or ()]] for place in content]
    return json.dumps(rows, ensure_ascii=False)


def _likely(place: Mapping[str, Any]) -> list[Any]:
    return [str(place["token"]), max(float(place["logprob"]), LEAST_LOGPROB)]


# Marks in the text

_NAMES = r"think|thinking|thought|thoughts|reason|reasoning|seed:think|antthinking|analysis|scratchpad"
_OPEN = re.compile(
    rf"<\s*(?:{_NAMES})\s*>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING|thinking)\|>|<unused94>(?:thought)?|<\|channel>(?:thought)?",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"<\s*/\s*(?:{_NAMES})\s*>|\[/THINK\]|◁/think▷|<\|(?:end_of_thought|END_THINKING|/thinking)\|>|<unused95>|<channel\|>",
    re.IGNORECASE,
)
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
_ANSWER = re.compile(
    r"\A\s*(?:<answer>|<\|(?:begin_of_solution|START_RESPONSE)\|>)(.*?)"
    r"(?:</answer>|<\|(?:end_of_solution|END_RESPONSE)\|>)?\s*\Z",
    re.DOTALL | re.IGNORECASE,
)
_CHANNEL = re.compile(r"<\|channel\|>\s*([a-z]+)[^<]*?(?:<\|constrain\|>[^<]*)?<\|message\|>", re.IGNORECASE)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start)\|>")
_BARE_CHANNELS = re.compile(r"\A\s*analysis(?=[A-Z\s])(.*?)assistant(?:commentary.*?assistant)?final(.*)\Z", re.DOTALL)
_START = re.compile(
    r"\A\s*(?:<s>|<bos>|<\|begin_of_text\|>|<\|startoftext\|>)?\s*"
    r"(?:<\|im_start\|>\s*assistant\s*\n|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|<start_of_turn>model\s*\n"
    r"|<\|assistant\|>|<\|Assistant\|>|<\uff5cAssistant\uff5c>|<\|START_OF_TURN_TOKEN\|><\|CHATBOT_TOKEN\|>)?"
)
_ENDING = (
    r"<\|(?:im_end|im_start|eot_id|eom_id|end_of_text|endoftext|end_of_turn|eot|EOT|end|return|call|user|system|assistant"
    r"|start_header_id|END_OF_TURN_TOKEN|END_RESPONSE|eos|stop|fim_pad|observation|im_assistant|im_user|im_system)\|>"
    r"|</s>|<s>|<eos>|<eod>|<end_of_turn>|<start_of_turn>|<end_of_utterance>|<\uff5c[^\uff5c>\n]{1,30}\uff5c>|\[/?INST\]|<\|\[\]\|>"
)
_END = re.compile(_ENDING)
_TAIL = re.compile(rf"(?:\s*(?:{_ENDING}))+\s*\Z")


_PROSE = re.compile(
    r"\A\s*here(?: i|['\u2019])s my thought process:(.*?)\n\s*here(?: i|['\u2019])s my (?:response|answer):(.*)\Z",
    re.DOTALL | re.IGNORECASE,
)
_MARKS = re.compile(r"[<\[◁]|\A\s*analysis")  # without one of these there is nothing to part


def parted(text: str) -> tuple[str, str]:
    """Part the thought from the text, by the marks that models and chat templates write; returns (thought, text)."""
    if found := _PROSE.match(text):
        return found[1].strip(), found[2].strip()
    if not _MARKS.search(text):
        return "", text
    start = _START.match(text)
    said = text[start.end() :] if start and start.group().strip() else text
    thoughts, said = _channels(said)
    thought, said = _tags(said)
    thoughts += [thought] if thought else []
    if thoughts and (found := _ANSWER.match(said)):
        said = found[1]
    said = _ended(said)
    return "\n\n".join(part.strip() for part in thoughts), said if said == text else said.strip()


def _channels(text: str) -> tuple[list[str], str]:
    """Take the channels of harmony apart: only `final` is said."""
    marks = list(_CHANNEL.finditer(text))
    if not marks:
        found = _BARE_CHANNELS.match(text)  # the special tokens were taken out, their names were not
        return ([found[1]], found[2]) if found else ([], text)
    thoughts, said = list[str](), list[str]()
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        part = text[mark.end() : after.start() if after else len(text)]
        part, *beyond = _CHANNEL_END.split(part, maxsplit=1)
        (said if mark[1].lower() == "final" else thoughts).append(part)
        if after is None and not said and beyond and not _CHANNEL_END.search(beyond[0]):
            said.append(beyond[0])  # the answer stands in no channel
    return thoughts, "".join(said)


def _tags(text: str) -> tuple[str, str]:
    """Take out blocks of thought: those at the beginning, and those that begin a line; never those in code.

    A closing tag alone ends a thought that was opened in the prompt. A block that is never closed is all thought.
    """
    marks = sorted((*found.span(), pattern is _OPEN) for pattern in (_OPEN, _CLOSE) for found in pattern.finditer(text))
    code = [found.span() for found in _CODE.finditer(text)] if marks else []
    thoughts, kept, at, depth, begun, talked_of = list[str](), list[str](), 0, 0, 0, 0
    for start, end, is_open in marks:
        if depth:
            depth += 1 if is_open else -1
            if depth == 0:
                thoughts.append(text[begun:start])
                at = end
        elif any(a <= start < b for a, b in code) or _looks_quoted(text, start, end):
            continue
        elif is_open:
            begins_line = not text[max(at, text.rfind("\n", 0, start) + 1) : start].strip()
            talked_of += not begins_line
            if begins_line:
                kept.append(text[at:start])
                begun, depth = end, 1
        elif talked_of:
            talked_of -= 1
        elif not thoughts:
            thoughts.append(text[at:start])
            kept, at = [], end
    if depth:
        thoughts.append(text[begun:])
        at = len(text)
    return "\n\n".join(said.strip() for said in thoughts if said.strip()), "".join([*kept, text[at:]])


def _looks_quoted(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start] in {'"', "'", "“", "`"} or text[end : end + 1] in {'"', "'", "”", "`"}


def _ended(text: str) -> str:
    """Cut the tokens that end a turn, and what a model wrote after them: the next turn of a talk with itself."""
    tail = _TAIL.search(text)
    text = text[: tail.start()] if tail and not _is_struck_out(text, tail) else text
    code = [found.span() for found in _CODE.finditer(text)]
    for found in _END.finditer(text):
        before, after = text[: found.start()], text[found.end() :]
        begins_turn = re.match(r"\s*(?:<\||<start_of_turn>|<\uff5c|user\b|assistant\b|\[INST\]|\n|\Z)", after)
        is_quoted = _looks_quoted(text, *found.span()) or any(a <= found.start() < b for a, b in code)
        if begins_turn and before.strip() and not is_quoted and not _is_struck_out(text, found):
            return before.rstrip()
    return text


def _is_struck_out(text: str, found: re.Match[str]) -> bool:
    """Whether `</s>` closes a `<s>` of HTML, which begins the template's turn only where it begins the text."""
    before = text[: found.start()].lstrip()
    return found.group().strip() == "</s>" and before.count("<s>", 1) > before.count("</s>")
