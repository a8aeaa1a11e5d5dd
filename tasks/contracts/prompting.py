"""What a recipe and a judge are: one module with a prompt beside it, `row -> messages` and `text -> columns`.

A prompted method is a module `x.py` with its template `x.md`. The module holds

    PAPER     where it comes from, and where ours differs
    VERSION   an int, raised when `prompt` or `parse` change what they return for the same input; a lock of the code
              holds it to that (`python -m tests.methods_lock`)
    SCHEMA    the JSON schema of the answer (`Answered.identity`, see answers.py), or None for plain text
    prompt(row, settings) -> Prompt      pure; `row` is a row of the stage's `pending.sql`
    parse(row, text) -> dict             pure; columns of the stage's table, or raises Rejection(reason, detail)

The template is Markdown with one `# system` and one `# user` heading, and `$name` fields. Text that did not come from
us (web pages, seeds, model answers) is put in with `fenced`, never bare.
"""

import hashlib
import importlib
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import ModuleType
from typing import Any

from wellspring.tasks.contracts import escapes, outside
from wellspring.tasks.contracts.errors import BrokenError, Rejection, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.visible import visible

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat: role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of a model: messages, and the JSON schema of the answer (None for plain text).

    `wire` is the same schema with the lengths of texts, where it has any: it goes to a server that takes them.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    schema_name: str = "answer"
    wire: Mapping[str, Any] | None = None


_DESCRIPTION = re.compile(r'"<([^<>"]+)>"')
_BRACKETED = re.compile(
    r"<[^<>]*>|(?:(?:<(?!/)[^<>]*>|\[[^\[\]]*\]|\{[^{}\":]*\})[\s,;]*)+"  # one, or some in a row
    r"|<[A-Za-z][^<>]*"  # begun as the form begins, and not closed
)
UNSAID = (  # what stands for a text that is not there, as a pattern of the whole
    r"(?:to be (?:done|defined|determined)|lorem ipsum|not (?:applicable|available|given|specified)|fill (?:this )?in"
    r"|(?:some|any|your|the) (?:text|string)(?: here)?)"
)
_NOT_SAID = re.compile(rf"n/?a|none|null|nil|string|text|todo|tbd|placeholder|unknown|undefined|empty|value|{UNSAID}")
_FIELD = re.compile(r"\$(?:\$|[A-Za-z_]\w*|\{\w*\}|)")


@lru_cache(maxsize=1024)
def _fields(part: str) -> frozenset[str]:
    return frozenset(string.Template(part).get_identifiers())


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt: the system and the user part, with `$name` fields; and where the two begin in its file."""

    system: str
    user: str
    digest: str
    file: str = ""
    lines: tuple[int, int] = (1, 1)

    @property
    def fields(self) -> frozenset[str]:
        """The names of its fields."""
        return _fields(self.system) | _fields(self.user)

    def left_in(self, text: str) -> str:
        """Return the first description of the form, with its brackets, that still stands in a text; '' without any."""
        return next((f"<{found}>" for found in _DESCRIPTION.findall(self.user) if f"<{found}>" in text), "")

    @property
    def placeholders(self) -> frozenset[str]:
        """What stands between angle brackets in the form of the answer, as a model that copies it would write it."""
        return frozenset(_plainly(found) for found in _DESCRIPTION.findall(self.user))

    def render(self, **fields: str) -> tuple[Message, ...]:
        """Fill the fields in; stable text first, so that a provider's prompt cache can hold it.

        Raises:
            BrokenError: The template names a field that is not given, or has a `$` that names none; or a field is given
                that it does not name. No row is at fault.
        """
        try:
            system = Message("system", string.Template(self.system).substitute(fields))
            user = Message("user", string.Template(self.user).substitute(fields))
        except (KeyError, ValueError):
            raise self._mistyped(fields) from None
        if left := sorted(fields.keys() - self.fields):
            raise BrokenError(
                f"{self.file}:{self.lines[1]} does not name `${left[0]}`, and it is given",
                hint=f"write ${left[0]} into the prompt, or do not give it",
            )
        return (system, user) if system.content else (user,)

    def _mistyped(self, fields: Mapping[str, str]) -> BrokenError:
        """Name the first line with a `$` that is no field."""
        found = [
            (begin + part.count("\n", 0, at.start()), at.group())
            for part, begin in zip((self.system, self.user), self.lines, strict=True)
            for at in _FIELD.finditer(part)
        ]
        line, said = next((at for at in found if at[1] == "$" or at[1].strip("${}") not in {*fields, ""}), (0, "$"))
        return BrokenError(
            f"{self.file}:{line} names `{said}`, and there is no such field",
            hint=f"fields: {', '.join(f'${name}' for name in sorted(fields))}; a dollar sign is written $$",
        )


@dataclass(frozen=True, slots=True)
class PromptedMethod:
    """A recipe or a judge, loaded: its name, its template, and its two pure functions."""

    name: str
    paper: str
    version: int
    template: Template
    schema: Mapping[str, Any] | None
    prompt: Callable[[Row, Any], Prompt]
    parse: Callable[[Row, str], dict[str, Any]]

    def fingerprint(self, **settings: Any) -> str:
        """Identity of this method under these settings (model, sampling, knobs): what makes its rows due again.

        Name, version, prompt text, answer schema and the given settings count. File paths, comments, concurrency,
        endpoints and keys do not: they do not change what is asked.
        """
        return content_id("method", self.name, self.version, self.template.digest, self.schema, settings)


@lru_cache(maxsize=64)
def template(package: str, name: str) -> Template:
    """Read `name`.md of a room (`wellspring.tasks.recipes`, `wellspring.tasks.judges`, `wellspring.tasks.methods`)."""
    return template_of(resources.files(package) / f"{name}.md", f"{package.replace('.', '/')}/{name}.md")


def template_of(path: Traversable | Path, file: str) -> Template:
    """Read a prompt file with one prompt; `file` is what it is called in an error."""
    text = path.read_text(encoding="utf-8")
    found = list(re.finditer(r"(?m)^# (system|user)\s*$", text))
    ends = [*(at.start() for at in found), len(text)][1:]
    parts = {at[1]: stripped(text, at.end(), end) for at, end in zip(found, ends, strict=True)}
    if "user" not in parts:
        raise UsageError(f"{file} has no `# user` heading", hint="a prompt file needs `# user`")
    (system, first), (user, second) = parts.get("system", ("", 1)), parts["user"]
    return Template(system, user, hashlib.sha256(text.encode()).hexdigest(), file, (first, second))


def beside(file: str) -> Template:
    """Read the prompt file beside a module, whose `__file__` this is: `x.md` of a plug-in `x.py`."""
    path = Path(file).with_suffix(".md")
    return template_of(path, path.name)


def stripped(text: str, start: int, end: int) -> tuple[str, int]:
    """Return a part of a text without white space around it, and the line that it begins in."""
    part = text[start:end]
    return part.strip(), text.count("\n", 0, end - len(part.lstrip())) + 1


def load(package: str, name: str) -> PromptedMethod:
    """Load the recipe or judge `name` from its room; adding one edits no existing code.

    Raises:
        UsageError: No such module there; the message lists those that are.
    """
    known = sorted(
        p.name[:-3] for p in resources.files(package).iterdir() if p.name.endswith(".md") and p.name != "README.md"
    )
    if name not in known:
        raise UsageError(f"there is no `{name}` in {package}", hint=f"there are: {', '.join(known)}")
    return method(name, importlib.import_module(f"{package}.{name}"), template(package, name))


def method(name: str, module: ModuleType, form: Template) -> PromptedMethod:
    """Return a module with its prompt as a method."""
    return PromptedMethod(name, module.PAPER, module.VERSION, form, module.SCHEMA, module.prompt, module.parse)


_NAMED = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish",
    "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def language(kept: Sequence[str], otherwise: str) -> str:
    """Return in which language to write: one of those that are kept, named, or what the prompt says otherwise."""
    return " or ".join(_NAMED.get(code, f"the language with the code {code}") for code in kept) or otherwise


OUR_FENCE = re.compile(r"</?[a-z][a-z_0-9]{0,40} [0-9a-f]{12}>")


def fenced(kind: str, text: str) -> str:
    """Put untrusted text between fences that it cannot forge, since their mark is a hash of the text itself.

    The same text has the same fence, so prompts stay byte-identical between runs.
    """
    shown = visible(text)
    mark = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:12]
    return f"<{kind} {mark}>\n{shown}\n</{kind} {mark}>"


_FENCE = re.compile(r"```[a-zA-Z0-9_-]*[ \t]*\n(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


def _objects(text: str) -> list[str]:
    """Return the balanced {...} spans of the text, outermost, the last first: what a model says last, it means."""
    spans: list[str] = []
    depth, start, quoted, escaped = 0, -1, False, False
    for i, char in enumerate(text):
        if depth and quoted:
            escaped, quoted = (char == "\\" and not escaped), not (char == '"' and not escaped)
        elif depth and char == '"':
            quoted = True
        elif char == "{":
            start, depth = (i, 1) if depth == 0 else (start, depth + 1)
        elif char == "}" and depth:
            depth -= 1
            if depth == 0:
                spans.append(text[start : i + 1])
    return spans[::-1]


def _candidates(text: str) -> Iterator[str]:
    """Yield what may be the object, likeliest first: nearly always it is the whole text."""
    yield text.strip()
    tries = [text.strip(), *_objects(text), *(m.strip() for m in _FENCE.findall(text)[::-1])]
    yield from tries[1:]
    yield from (_TRAILING_COMMA.sub(r"\1", t) for t in tries)


def json_object(text: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read the JSON object out of a model's answer: bare, fenced over many lines, after prose, with trailing commas.

    Of several objects the last whole one is the answer: those before it are drafts, however long.

    Raises:
        Rejection: `unparsable_answer`, no JSON object is there; `incomplete_answer`, a required key is missing.
    """
    lacking: list[str] = []
    for candidate in _candidates(text):
        try:
            value = outside.loads(escapes.mended(candidate), strict=False)
        except ValueError:
            continue
        if isinstance(value, dict):
            missing = [key for key in required if key not in value]
            if not missing:
                return value  # pyright: ignore[reportUnknownVariableType]
            lacking = lacking or missing
    if lacking:
        raise Rejection("incomplete_answer", f"missing {', '.join(lacking)}")
    raise Rejection("unparsable_answer", text[:200])


def _plainly(text: str) -> str:
    return " ".join(re.sub(r"[^\w/]+", " ", text).lower().split())


def text_field(answer: Mapping[str, Any], key: str, form: Template | None = None) -> str:
    """Return the stripped text at `key`; lists of texts are joined with commas.

    Args:
        answer: The JSON object that a model wrote.
        key: Whose text is wanted.
        form: The template that shows the form of the answer: its descriptions are no answers.

    Raises:
        Rejection: `incomplete_answer`, it is missing, empty or not text; `placeholder`, it only holds the text's place.
    """
    value = answer.get(key)
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if not isinstance(value, str) or not value.strip():
        raise Rejection("incomplete_answer", f"`{key}` is empty or not text")
    if is_placeholder(value, form) or _NOT_SAID.fullmatch(_plainly(value)):
        raise Rejection("placeholder", f"`{key}` is {outside.shown(value)}")
    return value.strip()


def is_placeholder(value: str, form: Template | None = None) -> bool:
    """Whether a text only holds a text's place: dots, something between brackets, or what the form says of it."""
    said = _plainly(value)
    return (
        not said
        or _BRACKETED.fullmatch(value.strip(" \n\t\"'`.,:;")) is not None
        or (form is not None and said in form.placeholders)
    )
