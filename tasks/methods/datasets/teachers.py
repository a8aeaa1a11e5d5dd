"""What the models that wrote rows are licensed under, and what their owners allow to be trained on their outputs.

Paper: David against Goliath (instruction data without closed models): data of open models alone, whose licences allow
that, reach what data of closed models reach. So a dataset says of each teacher what it allows, and a profile can ask
for free ones alone (`exports.teachers = "open"`): an export that rests on another is refused, with the names.

Ours differs. We know the paper from a short note. It compares ways to make instructions, which are our recipes, side by
side on the card; its two strategies for quality we do not know. Licences and terms are from memory (`teachers.toml`),
and a profile can say others (`exports.teacher_licenses`). What is not known is not taken for open.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from wellspring.tasks.methods.datasets import licence_terms

SYSTEM = "David against Goliath"
VERSION = 1
GIVEN = "given"  # people's answers, that seeds and tables bring
OUTPUTS = {
    "free": "any use",
    "named": "any use, on conditions that go with it",
    "no_rivals": "not for models that compete with the owner's",
    "no_commerce": "no commerce",
    "": "not known",
}


class Teacher(NamedTuple):
    """A model's licence, and what its outputs may be used for: a key of OUTPUTS."""

    licence: str
    outputs: str

    @property
    def is_open(self) -> bool:
        """Whether a model may be trained on its outputs without conditions."""
        return self.outputs == "free"


def teacher(names: Iterable[str], told: Mapping[str, str] | None = None) -> Teacher:
    """Return what is known of a model; where its names are of two models, of the one that allows less.

    Args:
        names: That it was asked for and served under.
        told: Name -> licence, as a profile says; it comes before what we know.
    """
    given = list(filter(None, names))
    for name in given:
        if licence := (told or {}).get(name):
            return _of_licence(licence)
    known = [one for name in given if (one := _found(name))]
    return max(known, key=lambda one: [*OUTPUTS].index(one.outputs), default=Teacher(licence_terms.NOT_STATED, ""))


def _found(name: str) -> Teacher | None:
    if name == GIVEN:
        return Teacher("of its source", "free")
    short = name.lower().rpartition("/")[2]
    return next((Teacher(licence, outputs) for of, licence, outputs in _known() if of.search(short)), None)


def _of_licence(licence: str) -> Teacher:
    terms = licence_terms.terms_of(licence)
    if terms is None:
        return Teacher(licence, "named")
    return Teacher(terms.name, "no_commerce" if "nc" in terms.asks else "named" if "sa" in terms.asks else "free")


@cache
def _known() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    file = resources.files("wellspring.tasks.methods.datasets").joinpath("teachers.toml")
    said: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple((re.compile(pattern), licence, outputs) for pattern, licence, outputs in said["models"])
