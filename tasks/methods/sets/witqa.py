"""WiTQA, Retrieval Helps or Hurts (arXiv 2402.13492): whether an answer needs a page, by how often its subject occurs.

Who answers recalls what is frequent; retrieved pages help where the entity, or the entity and the relation together,
are rare, and hurt elsewhere. `entity` is how many pages hold the entity of an instruction, `pair` how many hold the
relation beside it. The total is 1 where either is below its bound, so a page helps, and 0 where both are frequent. A
text that names no entity has NULL.

Ours differs: counts are of the pages in force, and a page counts that holds the words in any order; the paper's are of
Wikipedia, and of pairs that a knowledge base holds. The entity is the longest run of words with a capital that does
not begin a sentence. The relation is the rarest other word that a page has. The bounds are knobs: the paper's belong
to its models.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.program import TOTAL
from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.pages.word_hashes import listed
from wellspring.tasks.methods.sets.lifting import Scored, frame

SYSTEM = "WiTQA"
PAPER = "arXiv 2402.13492"
VERSION = 1
TAKES, SUBJECT = ("instructions", "text_counts"), "instruction"
RESTS_ON = ("lifting", "word_hashes")
WINDOW = 20  # characters before a word that say whether it begins a sentence
_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*")
_BEGINS = re.compile(r"(?:^|[.!?:;]|\n)\W*$")


class Knobs(Section):
    """What is frequent."""

    entity: int = Field(default=10, ge=0, description="pages with the entity from which on it is frequent")
    pair: int = Field(default=3, ge=0, description="pages with entity and relation from which on these are frequent")


class Named(NamedTuple):
    """The entity of a text, and the other words that may say what is asked of it."""

    entity: str
    others: tuple[str, ...]


def texts(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> set[str]:  # noqa: ARG001 - the seam's
    """Return what is counted: entities, other words, and each of these beside its entity."""
    found = [named(text) for text in tables["instructions"]["text"].to_list()]
    return {
        text
        for one in found
        if one.entity
        for text in (one.entity, *one.others, *(_beside(one.entity, other) for other in one.others))
    }


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the counts of each instruction that names an entity, and whether a page helps."""
    pages = dict(tables["text_counts"].rows())
    found: list[Scored] = []
    for subject_id, text in tables["instructions"].select("subject_id", "text").iter_rows():
        one = named(text)
        if not one.entity:
            found.append((subject_id, TOTAL, None, "it names no entity"))
            continue
        there = [other for other in one.others if pages[other]]
        relation = min(there, key=lambda other: (pages[other], other), default="")
        entity, pair = pages[one.entity], pages[_beside(one.entity, relation)] if relation else 0
        helps = entity < knobs.entity or pair < knobs.pair
        why = f"{one.entity}: {entity} pages; with {relation or 'no other word'}: {pair}"
        marks = {TOTAL: float(helps), "entity": float(entity), "pair": float(pair)}
        found += [(subject_id, name, value, why) for name, value in marks.items()]
    return frame(found)


def named(text: str) -> Named:
    """Return the entity of a text, empty where it names none, and its other words, each once."""
    runs, own, last = list[str](), list[str](), 0
    for word in _WORD.finditer(text):
        goes_on = bool(own) and not text[last : word.start()].strip()
        before = text[max(0, word.start() - WINDOW) : word.start()]
        is_name = word[0][0].isupper() and (goes_on or not _BEGINS.search(before))
        if own and not (goes_on and is_name):
            runs.append(" ".join(own))
            own = []
        own += [word[0]] if is_name else []
        last = word.end()
    runs += [" ".join(own)] if own else []
    entity = max(runs, key=len, default="")
    mine = {*listed(entity)}
    return Named(entity, tuple(dict.fromkeys(word for word in listed(text) if word not in mine)))


def _beside(entity: str, other: str) -> str:
    return f"{entity} {other}"
