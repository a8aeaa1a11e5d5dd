"""Prompt files with headings: all that a program asks, in one file, with answers for the stand-in.

    What this program does, for readers.

    # clarify
    ## system
    You write questions that everybody understands.
    ## user
    $text

    Ask this question so that nobody can take it wrongly.
    ## examples
    ```json
    {"question": "In short: $text.1"}
    ```
    ```json
    {"question": "What is meant by $words?"}
    ```

A heading is `# name`, in lower case words joined by `_`. It holds `## user`, two `## examples` or more, and `## system`
if it has one. A prompt that is only a field, such as `$question`, needs no examples: the stand-in cannot tell it from
others, and answers with an extract. So it does where `## examples` says `By the names of the fields.` Deeper headings
belong to the text, and so does all that stands between fences. In an example `$text` is what the prompt shows as
`$text`, `$text.1` its first sentence, `$words` a phrase of the prompt, and `$$` a dollar sign.
An example in a fence ```` ```json ```` is an object; one in ```` ```text ```` is plain text.
"""

import hashlib
import json
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.prompting import Message, Template, stripped

ROOMS = ("wellspring.tasks.recipes", "wellspring.tasks.judges")
WORDS = "words"
PARTS = ("system", "user", "examples")
LEAST_EXAMPLES = 2
BY_NAMES = "By the names of the fields."  # in place of examples: the stand-in answers with an extract
MARK_CHARS, LEAST_MARK_CHARS = 40, 12  # of a prompt's own text, by which it is recognised

_HEADING = re.compile(r"(##?)[ \t]+(.*?)[ \t]*")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_OPENS = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")
_BLOCK = re.compile(r"^(`{3,}|~{3,})[ \t]*(\S*)[ \t]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_FENCES = re.compile(
    r"<(\w+) ([0-9a-f]{12})>\n.*?\n</\1 \2>(?:\s*<\1 ([0-9a-f]{12})>\n.*?\n</\1 \3>)*", re.DOTALL
)  # of one kind, one after the other


class Blanks(string.Template):
    """An example with blanks: `$field`, `$field.1`, `$words`."""

    idpattern = r"[a-z_][a-z0-9_]*(?:\.[0-9]+)?"


@dataclass(frozen=True, slots=True)
class Heading(Template):
    """A prompt of a file with several, and answers to it for the stand-in, as they are written.

    Its digest is of what is asked: the system and the user part, and never the examples.
    """

    name: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Headings(Mapping[str, Heading]):
    """The prompts of a file by their headings, in their order."""

    name: str
    file: Path | Traversable
    found: Mapping[str, Heading] = field(repr=False)

    def __getitem__(self, heading: str) -> Heading:
        """Return a prompt.

        Raises:
            UsageError: There is no such heading; the hint names those there are, the nearest first.
        """
        if heading not in self.found:
            near = get_close_matches(heading, self.found, n=len(self.found), cutoff=0)
            raise UsageError(f"{self.file} has no heading `# {heading}`", hint=f"there are: {', '.join(near)}")
        return self.found[heading]

    def __contains__(self, heading: object) -> bool:
        return heading in self.found

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def read(path: Path | Traversable, name: str) -> Headings:
    """Read a prompt file with headings.

    Args:
        path: The file.
        name: Of the program whose prompts they are.

    Returns:
        Its prompts, the same object while the file says the same.

    Raises:
        UsageError: The file is not there, or not as it should be; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path} is not there", hint=f"the prompts of `{name}` stand in {name}.md") from None
    return _read(name, path, text)


@lru_cache(maxsize=256)
def _read(name: str, path: Path | Traversable, text: str) -> Headings:
    marks = list(_marks(str(path), text))
    tops = [number for number, (level, *_) in enumerate(marks) if level == 1]
    found: dict[str, Heading] = {}
    for top, end in pairwise([*tops, len(marks)]):
        heading = _heading(str(path), text, marks[top:end], marks[end][2] if end < len(marks) else len(text))
        if heading.name in found:
            raise UsageError(
                f"{path}:{_line(text, marks[top][2])} has `# {heading.name}` a second time",
                hint="rename one of the two",
            )
        found[heading.name] = heading
    if not found:
        raise UsageError(f"{path}:1 has no heading", hint="a prompt begins with `# name`, then `## user`")
    return Headings(name, path, found)


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _marks(file: str, text: str) -> Iterator[tuple[int, str, int, int]]:
    """Yield the headings outside of fences: level, name, where they begin and end; level 2 only under a level 1.

    Raises:
        UsageError: A fence is not closed.
    """
    fence, opened, at, is_in = "", 0, 0, False
    for line in text.split("\n"):
        opens = _OPENS.match(line)
        if fence:
            fence = "" if line.rstrip() == fence else fence
        elif opens:
            fence, opened = opens[0], at
        elif (found := _HEADING.fullmatch(line)) and (is_in or found[1] == "#"):
            is_in = True
            yield len(found[1]), found[2], at, at + len(line)
        at += len(line) + 1
    if fence:
        raise UsageError(
            f"{file}:{_line(text, opened)} opens a fence that is not closed", hint=f"close it with {fence}"
        )


def _heading(file: str, text: str, marks: Sequence[tuple[int, str, int, int]], end: int) -> Heading:
    """Read one prompt: its own mark, then those of its parts.

    Raises:
        UsageError: A part is missing, empty, there twice, or none that is known.
    """
    (_, name, at, begin), *inner = marks
    where = f"{file}:{_line(text, at)}"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{where}: `{name}` is no name of a heading", hint="lower case words, joined by `_`")
    note, line = stripped(text, begin, inner[0][2] if inner else end)
    if note:
        raise UsageError(f"{file}:{line} belongs to no part of `# {name}`", hint="put it under `## user`")
    parts: dict[str, tuple[str, int]] = {}
    for (_, part, start, after), stop in zip(inner, [*(one[2] for one in inner), end][1:], strict=True):
        if part not in PARTS or part in parts:
            fault = "a second time" if part in parts else "which is no part of a prompt"
            raise UsageError(f"{file}:{_line(text, start)} has `## {part}`, {fault}", hint=f"parts: {', '.join(PARTS)}")
        parts[part] = stripped(text, after, stop)
        if not parts[part][0]:
            raise UsageError(f"{file}:{_line(text, start)}: `## {part}` is empty", hint="fill it, or take it away")
    if "user" not in parts:
        raise UsageError(f"{where}: `# {name}` has no `## user`", hint="add `## user`")
    (system, first), (user, second) = parts.get("system", ("", 1)), parts["user"]
    if "examples" not in parts and _says_own(system or user):
        raise UsageError(f"{where}: `# {name}` has no `## examples`", hint="add `## examples`")
    digest = hashlib.sha256(json.dumps([system, user]).encode()).hexdigest()
    heading = Heading(system, user, digest, file, (first, second), name)
    return replace(heading, examples=_examples(heading, *parts["examples"]) if "examples" in parts else ())


def _examples(heading: Template, text: str, begin: int) -> tuple[str, ...]:
    """Read the answers that the stand-in gives.

    Raises:
        UsageError: There are too few; one is empty, or no object, or names a field that the prompt does not.
    """
    found: list[str] = []
    if text == BY_NAMES:
        return ()
    for block in _BLOCK.finditer(text):
        where, example = f"{heading.file}:{begin + text.count(chr(10), 0, block.start())}", block[3].strip()
        if block[2] not in {"json", "text"}:
            raise UsageError(f"{where}: an example in a fence of `{block[2]}`", hint="```json or ```text")
        if not example:
            raise UsageError(f"{where}: an example is empty", hint="fill it, or take it away")
        if not Blanks(example).is_valid():
            raise UsageError(f"{where}: an example has a `$` that names no field", hint="a dollar sign is written $$")
        named = Blanks(example).get_identifiers()
        if left := [one for one in named if one.partition(".")[0] not in heading.fields | {WORDS}]:
            known = ", ".join(f"${one}" for one in sorted(heading.fields | {WORDS}))
            raise UsageError(
                f"{where} names `${left[0]}`, and the prompt has no such field",
                hint=f"fields: {known}; a sentence of one is $name.1, and a dollar sign is written $$",
            )
        if block[2] == "json" and not _is_object(Blanks(example).safe_substitute(dict.fromkeys(named, "0"))):
            raise UsageError(f"{where}: an example is no JSON object", hint="mend it, or fence it with ```text")
        found.append(example)
    if len(found) < LEAST_EXAMPLES:
        raise UsageError(
            f"{heading.file}:{begin}: {len(found)} of {LEAST_EXAMPLES} examples are there",
            hint="each stands in a fence of its own, ```json or ```text",
        )
    return tuple(found)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _taken_apart(part: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a part says of its own, in order, and the fields between."""
    own, names, at = [""], list[str](), 0
    for found in string.Template.pattern.finditer(part):
        own[-1] += part[at : found.start()]
        if name := found["named"] or found["braced"]:
            names.append(name)
            own.append("")
        else:
            own[-1] += "$"
        at = found.end()
    own[-1] += part[at:]
    return tuple(own), tuple(names)


def _says_own(part: str) -> bool:
    """Whether a prompt says anything of its own by which it is recognised; one that is only a field does not."""
    return max(map(len, _taken_apart(part)[0])) >= LEAST_MARK_CHARS


def _values(part: str, text: str) -> dict[str, str] | None:
    """Return what stands in a text for the fields of a part: each up to what the part says next, past its fences."""
    (first, *own), names = _taken_apart(part)
    found, at = dict[str, str](), len(first)
    if not text.startswith(first):
        return None
    for number, (name, said) in enumerate(zip(names, own, strict=True), start=1):
        fence = _FENCES.match(text, at)
        end = len(text) - len(said) if number == len(own) else text.find(said, fence.end() if fence else at)
        if name in found:
            end = at + len(found[name])
        if end < at or not text.startswith(said, end) or found.setdefault(name, text[at:end]) != text[at:end]:
            return None
        at = end + len(said)
    return found if at == len(text) else None


def fields_of(heading: Template, messages: Sequence[Message]) -> dict[str, str] | None:
    """Read back what was put in for each field of a prompt.

    Turns of a history may stand between its two parts, and a second try after them. Where a server takes no system
    part, the first turn of the user begins with it.

    Args:
        heading: The prompt.
        messages: What was sent.

    Returns:
        The values by the names of their fields; None where the messages are not of this prompt.
    """
    users = [message.content for message in messages if message.role == "user"]
    user, given = heading.user, dict[str, str]()
    if heading.system and messages[0].role != "system":
        user = f"{heading.system}\n\n{heading.user}"
    elif heading.system:
        if (said := _values(heading.system, messages[0].content)) is None:
            return None
        given = said
    for text in reversed(users):
        found = _values(user, text)
        if found is not None and all(found.get(name, value) == value for name, value in given.items()):
            return given | found
    return None


_registered: dict[str, Headings] = {}


@cache
def _in_rooms() -> Mapping[str, Headings]:
    files = (file for room in ROOMS for file in resources.files(room).iterdir() if file.name.endswith(".md"))
    found: dict[str, Headings] = {}
    for file in files:
        tops = {name for level, name, *_ in _marks(str(file), file.read_text(encoding="utf-8")) if level == 1}
        if file.name != "README.md" and not tops <= {"system", "user"}:
            found[file.name[:-3]] = read(file, file.name[:-3])
    return found


def known() -> Mapping[str, Headings]:
    """Return all prompt files with headings, by the names of their programs: of our rooms, and those registered.

    Raises:
        UsageError: A file is not as it should be.
    """
    return {**_registered, **_in_rooms()}


def register(name: str, headings: Headings) -> None:
    """Make the prompts of a plug-in known; a second time replaces them.

    Args:
        name: Of the program.
        headings: Its prompts.

    Raises:
        UsageError: A program of ours has this name.
    """
    ours = _in_rooms().get(name)
    if ours is not None and ours.file != headings.file:
        raise UsageError(f"{headings.file}: there is a program `{name}` already", hint="give the file another name")
    if ours is None and _registered.get(name) is not headings:
        _registered[name] = headings
        _recognised.cache_clear()


def named(schema_name: str) -> Heading | None:
    """Return the prompt whose answer has a schema of this name, `<program>-<heading>`; None where there is none."""
    program, _, heading = schema_name.partition("-")
    of = known().get(program) if heading else None
    return of[heading] if of is not None and heading in of else None


@cache
def _recognised() -> tuple[Mapping[int, Mapping[str, list[Heading]]], Sequence[tuple[str, Heading]]]:
    """Return prompts by how they begin, by its length; of those that begin with a field, with the longest they say."""
    begin, within = dict[int, dict[str, list[Heading]]](), list[tuple[str, Heading]]()
    for heading in (heading for of in known().values() for heading in of.values()):
        own = _taken_apart(heading.system or heading.user)[0]
        longest = max(own, key=len)
        if len(own[0]) >= LEAST_MARK_CHARS:
            mark = own[0][:MARK_CHARS]
            begin.setdefault(len(mark), {}).setdefault(mark, []).append(heading)
        elif len(longest) >= LEAST_MARK_CHARS:
            within.append((longest, heading))
    return begin, within


def recognised(messages: Sequence[Message]) -> tuple[Heading, dict[str, str]] | None:
    """Return the prompt that was sent, and the values of its fields; None where it is none that is known.

    A prompt whose parts say next to nothing of their own cannot be recognised.
    """
    begin, within = _recognised()
    texts = [message.content for message in messages if message.role != "assistant"]
    found = [one for text in texts for size, by in begin.items() for one in by.get(text[:size], ())]
    found += [one for said, one in within if any(said in text for text in texts)]
    for heading in found:
        if (fields := fields_of(heading, messages)) is not None:
            return heading, fields
    return None
