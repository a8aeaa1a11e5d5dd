"""ProcTag (arXiv 2407.12473): tags of how an instruction is carried out, and how many there are.

A model writes the steps of an answer as calls of functions; notes `process` of the judge `proctag` hold these. Tags are
the names of the functions. Names whose vectors are near are one tag (DBSCAN with one neighbour: joined by steps of at
most `distance`). The total is the number of tags; the way `alike_steps` samples by them as InsTag's does.

Ours differs: vectors are of the embedder in force, not of santacoder. A tag is the group, called by its most frequent
name; the code of the paper stores the name as it was written.
"""

from collections.abc import Mapping

import polars as pl
from pydantic import Field

from wellspring.tasks.contracts.settings import Section
from wellspring.tasks.methods.sets import alike_tags

SYSTEM = "ProcTag"
PAPER = "arXiv 2407.12473"
VERSION = 1
TAKES, SUBJECT = ("tags", "tag_vectors"), "instruction"
RESTS_ON = ("lifting", "alike_tags")


class Knobs(Section):
    """When two functions are one tag."""

    distance: float = Field(default=0.03, ge=0, le=2, description="cosine distance up to which two names are one")


def scores(tables: Mapping[str, pl.DataFrame], knobs: Knobs) -> pl.DataFrame:
    """Return the number of tags of each row that has notes `process`."""
    tags = alike_tags.of_rows(tables["tags"].filter(pl.col("kind") == "process"))
    vectors = tables["tag_vectors"]
    known = dict(zip(vectors["tag"].to_list(), vectors["vector"].to_numpy(), strict=True))
    return alike_tags.counted(alike_tags.alike(tags, alike_tags.near(tags, known, knobs.distance)))
