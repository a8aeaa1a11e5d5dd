"""What a model is asked for, written as a class: the schemas that ask for it, its reader, and what it means.

    class Clarified(Answered):
        "The question as it was meant."

        question: str

`Clarified.identity()` is the schema that an answer is recorded under. `Clarified.read(text)` reads what the model wrote
and forgives its form: a JSON object after prose, a list in place of a text, a number written as text. What a field is
bound by (`Field(ge=0)`, `Field(max_length=8)`) is held after the answer, whatever the server was told.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.likelihoods import Place
from wellspring.tasks.contracts.prompting import Row, Template, json_object, text_field

LONGEST = 2000  # llama.cpp refuses a text with a bound as high as this, or higher
_ASKED = ("type", "enum", "const", "items", "minimum", "maximum", "minItems", "maxItems")
_LENGTHS = ("minLength", "maxLength")
_OPTIONS = 2  # of a field that may be missing: what it holds, and null
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}

Reader = Callable[[Mapping[str, Any], str, Template | None], Any]


@dataclass(frozen=True, slots=True)
class Read:
    """How a field is read where its type does not say it, in `Annotated`: the reader returns the value or rejects it.

    An object without a key that is needed is no answer: then an object before it may be one.
    """

    by: Reader
    is_needed: bool = True


def _aside(said: Mapping[str, Any], name: str, _: Template | None) -> str:
    return str(said.get(name, ""))


Aside = Annotated[str, Read(_aside, is_needed=False)]  # a text that a model writes to think; nothing is held against it


class Answered(BaseModel):
    """An answer in JSON. Its subclasses say what is asked for; their fields have no defaults.

    Raises:
        TypeError: A field has a default, is a free object, a union other than `X | None`, or holds its own class.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    _logprobs: tuple[Place, ...] = PrivateAttr(default=())

    @property
    def logprobs(self) -> tuple[Place, ...]:
        """How likely each token was, where the program asked for that."""
        return self._logprobs

    def likened(self, logprobs: tuple[Place, ...]) -> Self:
        """Return the same answer with log-probabilities."""
        self._logprobs = logprobs
        return self

    FIRST: ClassVar[tuple[str, ...]] = ()
    """The fields whose faults are told before those of others."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a class that no schema and no reader can be made of."""
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.__pydantic_complete__:
            raise TypeError(f"{cls.__name__} names a class that comes after it")
        for name, field in cls.model_fields.items():
            if not field.is_required():
                raise TypeError(f"{cls.__name__}.{name} has a default: what may be missing is written `X | None`")
        cls.identity()
        cls._reads()

    @classmethod
    @cache
    def identity(cls) -> dict[str, Any]:
        """Return the schema that an answer is recorded under: no titles, no descriptions, no lengths of texts."""
        return _schema(cls, _ASKED)

    @classmethod
    @cache
    def wire(cls) -> dict[str, Any]:
        """Return the same schema with the lengths of texts, for a server that takes them."""
        return _schema(cls, (*_ASKED, *_LENGTHS))

    @classmethod
    def read(cls, text: str, form: Template | None = None, first: tuple[str, ...] = ()) -> Self:
        """Read the answer out of what a model wrote.

        Args:
            text: What it wrote.
            form: The template that shows the form of the answer: its descriptions are no answers.
            first: The fields whose faults are told before those of others.

        Raises:
            Rejection: `unparsable_answer`, there is no object; `incomplete_answer`, a field is missing, empty or not of
                its type; `placeholder`; `mark_out_of_range`, a number is not within its bounds.
        """
        needed = tuple(name for name, (read, _) in cls._reads().items() if read.is_needed)
        return cls.taken(json_object(text, needed), form, first)

    @classmethod
    def taken(cls, said: Mapping[str, Any], form: Template | None = None, first: tuple[str, ...] = ()) -> Self:
        """Read the answer out of an object; of a list that is too long the beginning is kept.

        Raises:
            Rejection: As `read`.
        """
        reads, values = cls._reads(), dict[str, Any]()
        for name in dict.fromkeys((*first, *cls.FIRST, *reads)):
            read, most = reads[name]
            value = read.by(said, name, form)
            values[name] = cast("list[Any]", value)[:most] if isinstance(value, list) else value
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _rejected(error) from None

    @classmethod
    @cache
    def _reads(cls) -> dict[str, tuple[Read, int | None]]:
        """Return how each field is read, and the most items of a list."""
        found: dict[str, tuple[Read, int | None]] = {}
        for name, field in cls.model_fields.items():
            limits = (getattr(one, "max_length", None) for one in field.metadata)
            most = next((limit for limit in limits if limit is not None), None)
            found[name] = _reader(field.annotation, field.metadata, f"{cls.__name__}.{name}"), most
        return found


@dataclass(frozen=True, slots=True)
class Text:
    """An answer in plain text, as it was written; with how likely each token was, where the program asked for that."""

    text: str
    logprobs: tuple[Place, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def likened(self, logprobs: tuple[Place, ...]) -> Self:
        """Return the same answer with log-probabilities."""
        return replace(self, logprobs=logprobs)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the answer.

        Raises:
            Rejection: `empty_answer`.
        """
        if not text.strip():
            raise Rejection("empty_answer", "nothing but white space")
        return cls(text.strip())

    @staticmethod
    def columns(row: Row, text: str) -> dict[str, Any]:  # noqa: ARG004 - all prompted methods have this form
        """Return the answer as `text`: the `parse` of a method that is answered in plain text.

        Raises:
            Rejection: `empty_answer`.
        """
        return {"text": Text.read(text).text}


def _schema(of: type[Answered], kept: tuple[str, ...]) -> dict[str, Any]:
    """Return a class's schema with its definitions in their places, and nothing but what a model is to be told.

    Raises:
        TypeError: It holds what no answer may.
    """
    whole = of.model_json_schema()

    def told(part: Mapping[str, Any], where: str, within: tuple[str, ...] = ()) -> dict[str, Any]:
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            if name in within:
                raise TypeError(f"{where} holds {name} within itself: an answer has an end")
            return told(whole["$defs"][name], where, (*within, name))
        if "anyOf" in part:
            options = [told(one, where, within) for one in part["anyOf"]]
            if len(options) != _OPTIONS or options[1] != {"type": "null"}:
                raise TypeError(f"{where} is a union, and only `X | None` can be read")
            return {"anyOf": options}
        if "type" not in part or (part["type"] == "object" and "properties" not in part):
            raise TypeError(f"{where} can hold anything: say what it is, an object by a class of its own")
        if part["type"] == "object":
            inner = {name: told(one, f"{where}.{name}", within) for name, one in part["properties"].items()}
            return {"type": "object", "properties": inner, "required": list(inner), "additionalProperties": False}
        found = {key: part[key] for key in kept if key in part and not (key == "maxLength" and part[key] >= LONGEST)}
        return found | ({"items": told(part.get("items", {}), where, within)} if part["type"] == "array" else {})

    return told(whole, of.__name__)


def _reader(annotation: Any, metadata: Iterable[Any], where: str) -> Read:
    """Return how a value of this type is read.

    Raises:
        TypeError: Nobody knows.
    """
    if given := next((one for one in metadata if isinstance(one, Read)), None):
        return given
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _reader(inner[0], inner[1:], where)
    if origin in {Union, UnionType}:
        return Read(partial(_maybe, _reader(inner[0], (), where).by), is_needed=False)
    if origin is list:
        by = partial(_listed, _reader(inner[0], (), where).by)
    elif origin is Literal:
        by = partial(_option, inner)
    elif isinstance(annotation, type) and issubclass(annotation, Answered):
        by = partial(_inner, annotation)
    elif annotation in _SCALARS:
        by = partial(_scalar, _SCALARS[annotation])
    elif annotation is str:
        by = text_field
    else:
        raise TypeError(f"{where} is {annotation}, which nobody knows how to read")
    return Read(by)


def _truth(value: Any) -> bool | None:
    said = _TRUTHS.get(value.strip().lower()) if isinstance(value, str) else value
    return said if isinstance(said, bool) else None


def _scalar(convert: Callable[[Any], Any], said: Mapping[str, Any], name: str, _: Template | None) -> Any:
    found = convert(said.get(name))
    if found is None:
        raise Rejection("incomplete_answer", f"`{name}` is {outside.shown(said.get(name))}")
    return found


def _option(options: tuple[Any, ...], said: Mapping[str, Any], name: str, _: Template | None) -> Any:
    value = said.get(name)
    word = ("yes" if value else "no") if isinstance(value, bool) else str(value).strip().lower().rstrip(".")
    found = next((option for option in options if str(option).lower() == word), None)
    if found is None:
        raise Rejection("incomplete_answer", f"neither {' nor '.join(map(str, options))}: {outside.shown(value)}")
    return found


def _maybe(by: Reader, said: Mapping[str, Any], name: str, form: Template | None) -> Any:
    return None if said.get(name) is None else by(said, name, form)


def _listed(by: Reader, said: Mapping[str, Any], name: str, form: Template | None) -> list[Any]:
    """Read each item; those that cannot be read are left out, unless none can."""
    listed, found, refusal = said.get(name), list[Any](), None
    if not isinstance(listed, list):
        raise Rejection("incomplete_answer", f"`{name}` is no list: {outside.shown(listed)}")
    for item in cast("list[Any]", listed):
        try:
            found.append(by({name: item}, name, form))
        except Rejection as rejection:
            refusal = refusal or rejection
    if refusal and not found:
        raise refusal
    return found


def _inner(of: type[Answered], said: Mapping[str, Any], name: str, form: Template | None) -> Answered:
    value = said.get(name)
    if not isinstance(value, dict):
        raise Rejection("incomplete_answer", f"`{name}` is not an object")
    return of.taken(cast("dict[str, Any]", value), form)


def _rejected(error: ValidationError) -> Rejection:
    """Return the refusal of an answer that does not keep its bounds."""
    fault = error.errors(include_url=False, include_input=False)[0]
    name, limits = ".".join(str(part) for part in fault["loc"]), fault.get("ctx", {})
    if fault["type"] == "too_short":
        return Rejection("incomplete_answer", f"{limits['actual_length']} {name} of at least {limits['min_length']}")
    is_number = fault["type"].startswith(("greater_than", "less_than", "multiple_of", "finite_number"))
    reason = "mark_out_of_range" if is_number else "incomplete_answer"
    return Rejection(reason, f"`{name}`: {fault['msg']}"[:200])


_SCALARS: dict[Any, Callable[[Any], Any]] = {bool: _truth, int: outside.whole, float: outside.number}
