"""Tasks whose answer is one JSON object: their verifier, answers that are right by rule, and mutants by rule.

wrong([["length", "amount", "5 km"]], question, page) -> [Mutant("wrong_number", '{"length": "6 km"}'), ...]
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from wellspring.tasks.contracts import comparers, field_answers, variants
from wellspring.tasks.contracts.variants import REFUSALS, Mutant

OTHERWISE = 2  # ways to write a value
OF_FIELD = ("wrong_number", "wrong_unit", "swapped_entity", "near_miss", "negation")
TYPES = {"text": "a name or a few words", "amount": "a number with its unit", "date": "a date", "set": "all members"}
Known = Sequence[Sequence[str]]  # for each field its name, its kind and what is known


def verifier(fields: Known) -> str:
    """Return a verifier that compares an answer field by field; its `score` is the share of fields that are right."""
    lines = inspect.getsource(field_answers).splitlines()
    own = "\n".join(line for line in lines if not line.startswith("from wellspring."))
    return f"""{inspect.getsource(comparers)}

{own}

FIELDS = {[list(one) for one in fields]!r}


def evaluate(response):
    return all(marks(response, FIELDS))


def score(response):
    return credit(response, FIELDS)
"""


def schema(fields: Known, says: Mapping[str, str]) -> str:
    """Return the JSON schema of the answer, with what each field is."""
    properties: dict[str, Any] = {}
    for name, kind, _ in fields:
        one: dict[str, Any] = {"type": "array", "items": {"type": "string"}} if kind == "set" else {"type": "string"}
        properties[name] = one | {"description": f"{says[name].rstrip('.')} ({TYPES[kind]})"}
    whole = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def answer(fields: Known, **how: Any) -> str:
    """Return the answer that says what is known."""
    return json.dumps({name: _value(kind, known) for name, kind, known in fields}, ensure_ascii=False, **how)


def right(fields: Known) -> list[str]:
    """Return answers that say the same: in another order, in a fence, and with values written otherwise."""
    told = [f"```json\n{answer(fields[::-1], indent=2)}\n```", f"This is it:\n{answer(fields)}"]
    for at, (_, kind, known) in enumerate(fields):
        written = [_bare(one) for one in variants.right(kind, known) if "\n" not in one]
        told += [answer(_with(fields, at, one)) for one in written[-OTHERWISE:] if kind != "set"]
    return list(dict.fromkeys(told))


def wrong(fields: Known, question: str, passage: str) -> list[Mutant]:
    """Return answers that are wrong, of all kinds that the fields allow."""
    once = answer(fields)
    first = answer(_with(fields, 0, "something else"))
    made = [
        *_values(fields, passage),
        *_shapes(fields),
        *(Mutant("refusal", one) for one in REFUSALS),
        *(Mutant("empty", one) for one in ("", " \n", "{}", "[]", "null")),
        *(Mutant("echo", one) for one in (question, passage, f"{question}\n\n{passage}") if one),
        *(Mutant("every_answer", one) for one in (f"{once}\n{first}", f"{first}\n{once}", f"[{once}, {first}]")),
        Mutant("every_answer", f"{first[:-1]}, {once[1:]}"),
        Mutant("stuffing", " ".join(known for _, _, known in fields)),
    ]
    return list(dict.fromkeys(made))


def _values(fields: Known, passage: str) -> Iterator[Mutant]:
    """Yield the answer with one value that is wrong, of each kind of mutants of that value."""
    for at, (_, kind, known) in enumerate(fields):
        seen = set[str]()
        for one in variants.wrong(kind, known, "", passage):
            if one.kind in OF_FIELD and one.kind not in seen:
                seen.add(one.kind)
                yield Mutant(one.kind, answer(_with(fields, at, _bare(one.text))))


def _shapes(fields: Known) -> Iterator[Mutant]:
    """Yield the answer with a field that is left out, is empty, is new, or holds what another should."""
    for at, (name, _, known) in enumerate(fields):
        rest = [*fields[:at], *fields[at + 1 :]]
        yield Mutant("missing_field", answer(rest))
        yield Mutant("missing_field", json.dumps(json.loads(answer(fields)) | {name: None}, ensure_ascii=False))
        yield Mutant("missing_field", answer([*rest, (f"{name}_", "text", known)]))
    yield Mutant("extra_field", answer([*fields, ("more", "text", "more")]))
    for one, other in pairwise(fields):
        if comparers.folded(one[2]) != comparers.folded(other[2]):
            swapped = {one[0]: other[2], other[0]: one[2]}
            yield Mutant("swapped_fields", answer([(name, "text", swapped.get(name, of)) for name, _, of in fields]))


def _with(fields: Known, at: int, known: str) -> Known:
    return [*fields[:at], (*fields[at][:2], known), *fields[at + 1 :]]


def _value(kind: str, known: str) -> str | list[str]:
    return [one.strip() for one in known.split(";")] if kind == "set" else known


def _bare(line: str) -> str:
    return re.sub(r"^Answer: ", "", line)
