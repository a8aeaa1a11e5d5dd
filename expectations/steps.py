"""What must hold of the steps of programs: each call is known, hangs on a settled input, and has a place of its own."""

from wellspring.expectations import none_of, written
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "steps",
    rows=(
        gxe.ExpectColumnValuesToMatchRegex(
            column="place",
            regex=r"^\d+(\.\d+\.\d+)*$",
            notes="A trace tells calls apart by it, and puts them in order.",
        ),
        gxe.ExpectColumnValuesToNotBeNull(column="heading", notes="A trace says by it what was asked."),
    ),
    facts=(
        written(),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
        none_of("orphans", "A call hangs on the input that it was made for; else nobody knows what it was paid for."),
        none_of("places_twice", "Two calls at one place cannot be told apart."),
    ),
)
