"""What the offline stand-in says: key phrases, sentences and numbers of a prompt, put into the schema asked for.

Not a language model. Every answer is a function of the request alone, so the same request has the same answer on every
machine, and different material has different answers. Names of fields say what goes into them: `keywords`, `scene`,
`query`; anything else is an extract. Marks come from measurable features of the text that is judged (length, variety,
numbers, long words), so that they differ between subjects and a threshold does something.

A prompt that stands under a heading (`contracts/headings.py`) is answered by one of its examples.
"""

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from wellspring.tasks.contracts import headings
from wellspring.tasks.contracts.headings import Blanks, Heading
from wellspring.tasks.contracts.prompting import Message

READ_CHARS = 4_000  # of each text: phrases stop changing after about as much, and time is linear in it
MOST_CHARS = 600  # of a field, in an example's answer
MIN_WORD_CHARS = 3
LONG_WORD_CHARS = 9
TIE = 0.02  # texts whose measured quality differs by less are equal
EXAMPLES = ("example", "demonstration")  # fences that only show how; nothing is taken from them
SUBJECTS = (
    "document",
    "page",
    "source",
    "passage",
    "message",
    "instruction",
    "text",
)  # what an answer is about, best first

_FENCED = re.compile(r"<([a-z_]+) ([0-9a-f]{12})>\n(.*?)\n</\1 \2>", re.DOTALL)
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\u3002\uff01\uff1f\n]{20,400}(?:[.!?\u3002\uff01\uff1f]|(?=\n|$))")
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_JSON_KEY = re.compile(r'"([A-Za-z_]\w*)"\s*:\s*("<[^<>"]*>"|\S?)')
_SCHEMA = '{"type":"object"'
_RANGE = re.compile(r'"<(\d+) (?:to|or) (\d+)>"')
_WANTS_INSTRUCTION = re.compile(
    r"\b(?:write|create|generate|compose|devise)\b.{0,80}?\b(?:instruction|question|query)", re.IGNORECASE | re.DOTALL
)
_STOP_WORDS = """
    the a an and or but if of to in on at by for with from as is are was were be been being it its this that these those
    there here he she they we you i his her their our your my me him them us not no nor so than then too very can could
    will would shall should may might must do does did done have has had having what which who whom whose when where why
    how all any both each few more most other some such only own same just also into over under again further once about
    against between through during before after above below up down out off because until while one two new said says
    like get got make made many much use used using per via etc don't didn't isn't it's i'm let
"""
_STOP = frozenset(_STOP_WORDS.split())


class Reading(NamedTuple):
    """What was found in a text: phrases and sentences by weight, numbers in order, how long and how varied it is."""

    phrases: tuple[str, ...]
    sentences: tuple[str, ...]
    numbers: tuple[str, ...]
    words: int
    distinct_share: float
    long_share: float
    mark: int


class Material(NamedTuple):
    """A prompt taken apart: fenced texts by kind, the text around them that says what is wanted, a mark of it all."""

    fenced: tuple[tuple[str, str], ...]
    around: str
    mark: int

    @property
    def subject(self) -> str:
        """What an answer is about: the texts of the best kind that is there, or all that was said."""
        shown = [(kind, text) for kind, text in self.fenced if not kind.startswith(EXAMPLES)] or list(self.fenced)
        for wanted in SUBJECTS:
            if texts := [text for kind, text in shown if kind == wanted]:
                return "\n\n".join(text[: READ_CHARS // len(texts)] for text in texts)
        return max((text for _, text in shown), key=len, default=self.around)

    @property
    def judged(self) -> str:
        """What a judgement is about: the answer if there is one, else the last fenced text, or all that was said."""
        return dict(self.fenced).get("answer") or (self.fenced[-1][1] if self.fenced else self.around)


def mark_of(text: str) -> int:
    """Return a number of 64 bits that is the same for the same text, on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def share_of(*parts: object) -> float:
    """Return a number in [0, 1) that is the same for the same parts."""
    return mark_of("\x1f".join(map(str, parts))) / 2**64


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """Return the lower-case words of a text, in order."""
    return tuple(_WORD.findall(text.lower()))


def is_content(word: str) -> bool:
    """Whether a word says what a text is about."""
    return len(word) >= MIN_WORD_CHARS and word not in _STOP and not word[0].isdigit()


@lru_cache(maxsize=4096)
def reading_of(text: str) -> Reading:
    """Find the key phrases, sentences and numbers of a text, and measure it."""
    text = text[:READ_CHARS]
    words = words_of(text)
    counts = {word: count for word, count in Counter(words).items() if is_content(word)}
    pairs = Counter((a, b) for a, b in itertools.pairwise(words) if a in counts and b in counts)
    best = sorted(pairs.items(), key=lambda item: (-item[1] * (counts[item[0][0]] + counts[item[0][1]]), item[0]))
    singles = sorted(counts, key=lambda word: (-counts[word], word))
    return Reading(
        phrases=_as_written(text, [f"{a} {b}" for (a, b), _ in best[:16]] + singles[:12]) or ("this topic",),
        sentences=_by_weight([s.strip() for s in _SENTENCE.findall(text)][:40], counts),
        numbers=tuple(dict.fromkeys(_NUMBER.findall(text)))[:8],
        words=len(words),
        distinct_share=len(counts) / max(1, sum(counts.values())),
        long_share=sum(len(word) >= LONG_WORD_CHARS for word in counts) / max(1, len(counts)),
        mark=mark_of(text),
    )


def _as_written(text: str, phrases: list[str]) -> tuple[str, ...]:
    """Return the phrases as the text has them; pairs that punctuation parts are none."""
    lower = text.lower()
    lower = lower if len(lower) == len(text) else text
    places = ((lower.find(phrase), len(phrase)) for phrase in phrases)
    return tuple(dict.fromkeys(text[at : at + length] for at, length in places if at >= 0))


def _by_weight(sentences: list[str], counts: Mapping[str, int]) -> tuple[str, ...]:
    weights = [
        sum(counts.get(word, 0) for word in sentence.lower().split()[:50]) / (60 + len(s))
        for s in sentences
        for sentence in (s,)
    ]
    return tuple(sentences[i] for i in sorted(range(len(sentences)), key=lambda i: (-weights[i], i)))


def material(messages: Sequence[Mapping[str, Any]]) -> Material:
    """Take a chat apart into fenced texts and what is said around them."""
    said = "\n".join(str(message.get("content") or "") for message in messages)
    fenced = tuple((kind, text) for kind, _, text in _FENCED.findall(said))
    return Material(fenced, _FENCED.sub("", said) if fenced else said, mark_of(said))


_OPENINGS = (
    "",
    "I run a small team that deals with {c}. ",
    "For a workshop next week I have to cover {c}. ",
    "We keep running into trouble with {c}. ",
    "I am new to {c} and have to decide soon. ",
    "My colleague swears by {c}; I am not so sure. ",
    "This is for a longer report on {c}. ",
)
_REQUESTS = (
    "Explain how {a} relates to {b}, and work through one example that a beginner can follow.",
    "Which points about {a} matter most, in which order would you take them, and where does {b} come in?",
    "Compare {a} with {b}: list the differences in a table and say when each one is the better choice.",
    "Draft a step-by-step plan for someone who meets {a} for the first time and knows little about {b}.",
    "What would change if {a} were no longer available? Argue from {b}.",
    "Summarise what is known about {a}, then name one open question about {b} and how to settle it.",
    "Lay out the strongest case for and against {a}, using {b} as evidence.",
    "Write a checklist for reviewing work on {a}; every item should say how {b} is measured or verified.",
    "Starting from {n}, estimate how {a} develops, and state each assumption you make about {b}.",
    "Turn the main idea behind {a} into a short lesson with two exercises on {b} and their solutions.",
    "How did {a} come about, who is affected by {b}, and what should be done next?",
    "Design a small experiment that tests whether {a} depends on {b}, and explain how to read its result.",
    "Rank the three most likely causes when {a} goes wrong, and give a test for each that involves {b}.",
)
_LIMITS = (
    "",
    " Keep it under {m} words.",
    " Give at least {k} concrete examples.",
    " Assume that I have {m} minutes and no budget.",
    " End with a recommendation that I can defend.",
    " Say which {k} facts you are least sure of.",
)


def _slots(reading: Reading, mark: int) -> dict[str, str]:
    phrases = reading.phrases
    turn = mark % max(1, min(len(phrases), 5))
    a, b, c = (phrases[(turn + i) % len(phrases)] for i in range(3))
    number = reading.numbers[mark % len(reading.numbers)] if reading.numbers else str(2 + mark % 90)
    return {"a": a, "b": b, "c": c, "n": number, "m": str(50 * (2 + mark % 9)), "k": str(2 + mark % 5)}


def instruction(reading: Reading, mark: int) -> str:
    """Compose something that reads as an instruction about the phrases of a text."""
    parts = (_OPENINGS[mark % 7], _REQUESTS[mark // 7 % 13], _LIMITS[mark // 91 % 6])
    return "".join(parts).format(**_slots(reading, mark // 546))


def answer(reading: Reading, mark: int) -> str:
    """Compose an extractive answer: sentences of the text, tied together by its phrases."""
    slots = _slots(reading, mark)
    picked = reading.sentences[: 2 + mark % 4] or (f"{slots['a']} is tied to {slots['b']}.",)
    return f"On {slots['a']}: {' '.join(picked)} In short, {slots['b']} and {slots['c']} are what to look at first."


def quality(reading: Reading) -> float:
    """Return a measurable stand-in for quality in [0, 1]: length, variety, numbers, long words."""
    length = min(reading.words, 60) / 60
    numbers = min(len(reading.numbers), 3) / 3
    return 0.35 * length + 0.2 * reading.distinct_share + 0.15 * numbers + 0.3 * min(1.0, 2 * reading.long_share)


_KINDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"reason|rationale|explanation|justification|critique|feedback|analysis|comment|evidence|thought", "reason"),
        (r"keyword|topic|phrase|tag|entit|search_term", "keywords"),
        (r"scene|scenario|situation|user|persona", "scene"),
        (r"instruction|query|question|prompt|task|request|rewritten|seed", "instruction"),
        (r"ability|skill", "ability"),
        (r"knowledge|domain|subject|field", "knowledge"),
        (r"extra|constraint|requirement", "extra"),
        (r"output|format", "output"),
        (r"intent|motivation|purpose|goal", "intention"),
        (r"title|name|label|category", "title"),
        (r"language", "language"),
    )
)
_TEXTS = {
    "keywords": "{a}, {b}, {c}",
    "scene": "Someone whose work touches {a} has to decide about {b} this week and wants to be sure about {c}.",
    "ability": "connect {a} with {b} and explain the result",
    "knowledge": "{a}; background on {b}",
    "extra": "the figure {n}, and that {c} matters",
    "output": "a structured answer of about {m} words that treats {a} before {b}",
    "intention": "To understand {a} well enough to act on {b}.",
    "title": "{a}",
    "language": "en",
}


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    return next((kind for pattern, kind in _KINDS if pattern.search(name.lower())), "answer")


def _text(name: str, about: Material) -> str:
    kind = _kind(name)
    if kind == "reason":
        reading = reading_of(about.judged)
        varied = f"{reading.distinct_share:.0%} of its content words distinct"
        said = f"{reading.words} words, {len(reading.numbers)} numbers, {varied}; main phrase `{reading.phrases[0]}`"
        return f"Measured, not judged: {said}."
    reading = reading_of(about.subject)
    if kind == "instruction":
        return instruction(reading, about.mark)
    if kind == "answer":
        return answer(reading, about.mark)
    return _TEXTS[kind].format(**_slots(reading, about.mark))


def overlap(left: str, right: str) -> float:
    """Return the share of the content words of `left` that `right` has too."""
    wanted = {word for word in words_of(left[:READ_CHARS]) if is_content(word)}
    return len(wanted.intersection(words_of(right[:READ_CHARS]))) / max(1, len(wanted))


def _option(options: Sequence[Any], name: str, about: Material) -> Any:
    """Choose one of a closed list: the fenced text it names that is best, yes if texts agree, else by a hash."""
    kinds = dict(about.fenced)
    named = [option for option in options if option in kinds]
    if len(named) > 1:
        values = {option: quality(reading_of(kinds[option])) for option in named}
        is_tie = "tie" in options and max(values.values()) - min(values.values()) < TIE
        return "tie" if is_tie else max(named, key=lambda option: (values[option], option))
    if {"yes", "no"} <= {str(option).lower() for option in options} and about.fenced:
        agreed = overlap(about.fenced[-1][1], about.judged) + 0.4 * share_of(name, about.mark) > 0.4  # noqa: PLR2004 - about 2 in 3
        return next(option for option in options if str(option).lower() == ("yes" if agreed else "no"))
    return options[int(share_of(name, reading_of(about.judged).mark) * len(options))]


_CHOICE = re.compile(r"index|choice|chosen|best|pick|candidate|document_number", re.IGNORECASE)


def _number(name: str, schema: Mapping[str, Any], about: Material) -> float:
    low = float(schema.get("minimum", 0))
    high = float(schema.get("maximum", low + 9 if "minimum" in schema else 1))
    if _CHOICE.search(name) and len(about.fenced) > 1:
        (_, first), *others = about.fenced
        shared = [overlap(first, text) for _, text in others]
        return min(low + max(range(len(shared)), key=lambda i: (shared[i], -i)), max(high, low))
    reading = reading_of(about.judged)
    value = 0.15 + 0.55 * quality(reading) + 0.45 * share_of(name, reading.mark)
    return low + min(1.0, value) * (high - low)


def fill(
    schema: Mapping[str, Any], about: Material, name: str = "answer", root: Mapping[str, Any] | None = None
) -> Any:
    """Fill a JSON schema from the texts of a prompt; every form that structured output allows."""
    root = schema if root is None else root
    if "$ref" in schema:
        return fill(_resolved(str(schema["$ref"]), root), about, name, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _option(schema["enum"], name, about)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return fill(next((s for s in schema[key] if s.get("type") != "null"), schema[key][0]), about, name, root)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _filled(
        next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind, schema, about, name, root
    )


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Any = root
    for part in reference.lstrip("#/").split("/"):
        target = target[part]
    return target


def _filled(  # noqa: PLR0911 - one line a type
    kind: str, schema: Mapping[str, Any], about: Material, name: str, root: Mapping[str, Any]
) -> Any:
    match kind:
        case "object":
            return {key: fill(value, about, key, root) for key, value in schema.get("properties", {}).items()}
        case "array":
            return _array(schema, about, name, root)
        case "integer":
            return round(_number(name, schema, about))
        case "number":
            return round(_number(name, schema, about), 4)
        case "boolean":
            return _number(name, {}, about) >= 0.5  # noqa: PLR2004 - half way
        case "null":
            return None
        case _:
            return _text(name, about)[: schema.get("maxLength", 10_000)]


def _array(schema: Mapping[str, Any], about: Material, name: str, root: Mapping[str, Any]) -> list[Any]:
    items = schema.get("items", {"type": "string"})
    count = int(schema.get("minItems", 0 if "enum" in items else 3))
    count = min(max(count, 0 if "enum" in items else 1), int(schema.get("maxItems", count + 1)))
    if items.get("type") == "string" and "enum" not in items:
        most = items.get("maxLength", 10_000)
        pool = [text[:most] for text in _pool(name, reading_of(about.subject), about.mark)]
        return list(
            dict.fromkeys(pool[i % len(pool)] for i in range(max(count, min(3, int(schema.get("maxItems", 3))))))
        )
    return [fill(items, about._replace(mark=about.mark + i), name, root) for i in range(count)]


def _pool(name: str, reading: Reading, mark: int) -> list[str]:
    if re.search(r"question|check|criteri", name, re.IGNORECASE):
        return [f"Does the answer deal with {phrase}?" for phrase in reading.phrases[:8]] + ["Is it complete?"]
    if re.search(r"sentence|claim|fact|statement|quote", name, re.IGNORECASE) and reading.sentences:
        return list(reading.sentences)
    if _kind(name) == "instruction":
        return [instruction(reading, mark + i * 101) for i in range(8)]
    return list(reading.phrases)


def wanted_schema(body: Mapping[str, Any], about: Material) -> Mapping[str, Any] | None:
    """Return the schema a request asks for: by `response_format`, by a tool, or by an object shown in the prompt."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"].get("schema", {})
    if tools := body.get("tools"):
        return tools[0]["function"].get("parameters", {})
    if wanted.get("type") != "json_object" and not re.search(r"\bJSON\b", about.around):
        return None
    return _written_schema(about.around) or _shown_schema(about.around)


def _written_schema(text: str) -> Mapping[str, Any] | None:
    """Return a JSON schema that stands in the text itself."""
    at = text.find(_SCHEMA)
    try:
        return json.JSONDecoder().raw_decode(text, at)[0] if at >= 0 else None
    except ValueError:
        return None


def _shown_schema(text: str) -> Mapping[str, Any] | None:
    """Guess a schema from the last object shown: digits and ranges are marks, brackets are lists, the rest is text."""
    keys = dict(_JSON_KEY.findall(text[text.rfind("\n{") :] if "\n{" in text else text))
    kinds: dict[str, dict[str, Any]] = {"[": {"type": "array"}, "{": {"type": "object"}}
    mark = {"type": "integer", "minimum": 0, "maximum": 1}
    kinds |= {start: mark for start in keys.values() if start.isdigit()}
    kinds |= {
        start: {"type": "integer", "minimum": int(found[1]), "maximum": int(found[2])}
        for start in keys.values()
        if (found := _RANGE.fullmatch(start))
    }
    kinds['"<true or false>"'] = {"type": "boolean"}
    kinds['"<yes or no>"'] = {"type": "string", "enum": ["yes", "no"]}
    shown = {key: kinds.get(start, {"type": "string"}) for key, start in keys.items()}
    return {"type": "object", "properties": shown} if shown else None


_TOLD = re.compile(rf"\n\n[^\n]*\bJSON schema\b[^\n]*\n{re.escape(_SCHEMA)}[^\n]*\Z")  # where no form carries it


def _heading(body: Mapping[str, Any]) -> tuple[Heading, Mapping[str, str]] | None:
    """Return the heading that a request is of, and the values of its fields; None where it is of none."""
    schema = (body.get("response_format") or {}).get("json_schema") or (body.get("tools") or [{}])[0].get("function")
    said = [Message(str(one.get("role")), str(one.get("content") or "")) for one in body["messages"]]
    if schema:
        heading = headings.named(str(schema.get("name")))
        return heading and (heading, headings.fields_of(heading, said) or {})
    told = [Message(one.role, _TOLD.sub("", one.content)) if _SCHEMA in one.content else one for one in said]
    return headings.recognised(told)


def exemplary(heading: Heading, fields: Mapping[str, str], about: Material) -> str:
    """Answer by one of a heading's examples, with the texts of the prompt in its blanks.

    Args:
        heading: Whose examples.
        fields: What stands in the prompt for each of its fields.
        about: The prompt, whose mark chooses.
    """
    mark = mark_of(f"{about.mark:x}")  # draws differ by their seed alone, in bits that few examples would share
    example = heading.examples[mark % len(heading.examples)]
    shown = {name: _FENCED.sub(r"\3", value).strip() for name, value in fields.items()}
    phrases = reading_of("\n".join(shown.values()) or about.subject).phrases
    shown = {headings.WORDS: phrases[mark // len(heading.examples) % len(phrases)]} | shown
    blanks = Blanks(example)
    texts = {name: _blank(name, shown, about) for name in blanks.get_identifiers()}
    if example.startswith("{"):
        texts = {name: json.dumps(text, ensure_ascii=False)[1:-1] for name, text in texts.items()}
    return blanks.substitute(texts)


def _blank(name: str, shown: Mapping[str, str], about: Material) -> str:
    of, _, number = name.partition(".")
    text = shown.get(of, about.subject.strip())
    if number:
        sentences = [sentence.strip() for sentence in _SENTENCE.findall(text[:READ_CHARS])] or [text]
        text = sentences[(int(number) - 1) % len(sentences)]
    return text if len(text) <= MOST_CHARS else text[: MOST_CHARS + 1].rsplit(None, 1)[0][:MOST_CHARS]


def complete(body: Mapping[str, Any]) -> str:
    """Answer a chat request: by an example of its heading, by its schema, with an instruction, or with an extract."""
    about = material(body["messages"])
    about = about._replace(mark=about.mark ^ mark_of(f"seed {body.get('seed')}"))
    if (asked := _heading(body)) is not None and asked[0].examples:
        return exemplary(*asked, about)
    schema = wanted_schema(body, about)
    if schema is not None:
        return json.dumps(fill(schema, about), ensure_ascii=False)
    reading = reading_of(about.subject)
    asks = about.fenced and _WANTS_INSTRUCTION.search(about.around)
    return instruction(reading, about.mark) if asks else answer(reading, about.mark)
