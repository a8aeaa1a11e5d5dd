"""What must hold of notes: each hangs on an input that its program is done with, and on what a model said."""

from wellspring.expectations import content_ids, none_of, written
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "notes",
    rows=(
        *content_ids("note_id", "input_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="kind", regex=r"\S", notes="A later program takes notes by their kind."
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="data", regex=r"\S", notes="A note without data is of no use to the row that rests on it."
        ),
    ),
    facts=(
        written(),
        none_of("orphans", "A note hangs on the input that it was made for; else it stays when its input leaves."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
    ),
)
