"""Files that go to people who review rows, and come back with their marks: Argilla's, Label Studio's, and our pages'.

A sample is a folder. For Argilla it is what `argilla.Dataset.from_disk` reads: settings, the dataset, records. For
Label Studio it is tasks as JSON and a labelling interface as XML. What comes back is told apart by its shape: records
with responses, tasks with annotations, or a line of JSON for each mark.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.visible import visible

MARKS = {"good": "Good", "bad": "Bad", "exclude": "Exclude from the dataset"}
PAIRS = frozenset({"left", "right", "same"})
FIELDS = {"prompt": "Prompt", "thought": "Thought", "answer": "Answer", "page": "Page", "judges": "What judges said"}
QUESTION = "Would you keep this row in a training set?"
GUIDELINES = (
    "Read the prompt, the answer and the page it rests on. Good: you would train on it. Bad: you would not. "
    "Exclude: it must not stay in the dataset, for its rights, its harm or a person in it."
)
_ABOUT = ("recipe", "model", "url")
_MOST_BYTES = 2**28


class Said(NamedTuple):
    """What a person said of one thing: which, what, and why.

    Attributes:
        id: Of the answer, or of the instruction where it has none; of a pair the better answer's.
        mark: `good`, `bad` or `exclude`; of a pair `left`, `right` or `same`.
        why: In the person's words, or nothing.
        other: Of a pair the id of the worse answer; else nothing.
    """

    id: str
    mark: str
    why: str = ""
    other: str = ""


def write_argilla(rows: Iterable[Mapping[str, Any]], folder: Path, name: str) -> None:
    """Write a sample that `argilla.Dataset.from_disk(folder)` imports.

    Args:
        rows: Each with `id`, the fields and what it is about.
        folder: Where to; it is made.
        name: Of the dataset there.
    """
    records = [
        {
            "id": row["id"],
            "fields": {field: _shown(row[field]) for field in FIELDS},
            "metadata": {key: str(row[key] or "") for key in _ABOUT},
            "suggestions": {},
            "responses": {},
            "vectors": {},
        }
        for row in rows
    ]
    (folder / ".argilla").mkdir(parents=True, exist_ok=True)
    _write(folder / ".argilla" / "settings.json", _argilla_settings())
    model = {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)), "name": name, "guidelines": GUIDELINES}
    _write(folder / ".argilla" / "dataset.json", model)
    _write(folder / "records.json", records)


def _argilla_settings() -> dict[str, Any]:
    text = {"type": "text", "use_markdown": False}
    fields = [
        {"name": name, "title": title, "required": name == "prompt", "settings": text} for name, title in FIELDS.items()
    ]
    options = [{"value": value, "text": said, "description": None} for value, said in MARKS.items()]
    mark = {"type": "label_selection", "options": options, "visible_options": None}
    questions = [
        {"name": "mark", "title": QUESTION, "description": None, "required": True, "settings": mark},
        {"name": "why", "title": "Why?", "description": None, "required": False, "settings": text},
    ]
    metadata = [
        {"name": name, "title": name, "visible_for_annotators": True, "settings": {"type": "terms", "values": None}}
        for name in _ABOUT
    ]
    return {
        "guidelines": GUIDELINES,
        "questions": questions,
        "fields": fields,
        "vectors": [],
        "metadata": metadata,
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def write_label_studio(rows: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Write a sample that Label Studio imports: `tasks.json`, and `interface.xml` for the settings of its project.

    Args:
        rows: Each with `id`, the fields and what it is about.
        folder: Where to; it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [
        {
            "data": {"row_id": row["id"]}
            | {field: _shown(row[field]) or "-" for field in FIELDS}
            | {key: str(row[key] or "-") for key in _ABOUT}
        }
        for row in rows
    ]
    _write(folder / "tasks.json", tasks)
    (folder / "interface.xml").write_text(_interface(), encoding="utf-8")


def _interface() -> str:
    shown = "".join(
        f"  <Header value={quoteattr(title)}/>\n  <Text name={quoteattr(name)} value={quoteattr(f'${name}')}/>\n"
        for name, title in FIELDS.items()
    )
    choices = "".join(f"    <Choice value={quoteattr(mark)}/>\n" for mark in MARKS)
    ask = f'  <Header value={quoteattr(QUESTION)}/>\n  <Choices name="mark" toName="answer" choice="single">\n'
    why = '  <TextArea name="why" toName="answer" placeholder="Why?" rows="2"/>\n'
    return f"<View>\n{shown}{ask}{choices}  </Choices>\n{why}</View>\n"


def read(path: Path) -> list[Said]:
    """Return what a person said, from a file or folder that one of the tools wrote; of one thing the last word counts.

    Args:
        path: A folder of Argilla or its `records.json`; JSON that Label Studio exported; marks that a page saved.

    Raises:
        UsageError: It cannot be read, is none of these, or has no marks.
    """
    found: dict[tuple[str, str], Said] = {}
    try:
        for one in _said(path):
            found[one.id, one.other] = one
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _fault(path, f"it cannot be read: {str(error).splitlines()[0] if str(error) else error!r}") from error
    if not found:
        raise _fault(path, "it holds no marks")
    return list(found.values())


def _said(path: Path) -> Iterator[Said]:
    file = path / "records.json" if path.is_dir() else path
    if file.stat().st_size > _MOST_BYTES:
        raise _fault(path, f"it has more than {_MOST_BYTES:,} bytes")
    text = file.read_bytes()
    if text.lstrip()[:1] == b"[":
        for one in outside.loads(text):
            yield from _of_argilla(one) if "fields" in one else _of_label_studio(one)
    else:
        for line in filter(None, map(bytes.strip, text.splitlines())):
            yield from _of_a_page(outside.loads(line))


def _of_argilla(record: Mapping[str, Any]) -> Iterator[Said]:
    responses = record.get("responses") or {}
    why = next((str(one["value"]) for one in responses.get("why", ()) if one.get("value")), "")
    for one in responses.get("mark", ()):
        if one.get("status", "submitted") == "submitted" and one["value"] in MARKS:
            yield Said(str(record["id"]), one["value"], why)


def _of_label_studio(task: Mapping[str, Any]) -> Iterator[Said]:
    for annotation in task.get("annotations") or ():
        if annotation.get("was_cancelled"):
            continue
        values = {one["from_name"]: one["value"] for one in annotation["result"]}
        marks: Sequence[str] = values.get("mark", {}).get("choices", ())
        why = " ".join(values.get("why", {}).get("text", ()))
        yield from (Said(str(task["data"]["row_id"]), mark, why) for mark in marks if mark in MARKS)


def _of_a_page(line: Mapping[str, Any]) -> Iterator[Said]:
    if line["mark"] in MARKS:
        yield Said(str(line["id"]), line["mark"], str(line.get("why") or ""))
    elif line["mark"] in PAIRS:
        yield Said(str(line["chosen_id"]), line["mark"], str(line.get("why") or ""), str(line["rejected_id"]))


def _shown(text: object) -> str:
    """Return text without what one cannot see: tools of others show it as they like."""
    return visible(str(text or "").encode("utf-8", "replace").decode("utf-8"))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _fault(path: Path, said: str) -> UsageError:
    return UsageError(
        f"the file of marks {path}: {said}",
        hint="give a folder that Argilla wrote (Dataset.to_disk), JSON that Label Studio exported, or marks of a page",
    )
