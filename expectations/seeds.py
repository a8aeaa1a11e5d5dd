"""What must hold of seeds: instructions that a person wrote."""

from wellspring.expectations import accounted, content_ids, drift, none_of, written_text
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "seeds",
    rows=(
        *content_ids("seed_id", "source_id"),
        *written_text(notes="An empty seed teaches a recipe nothing; it is refused with a reason."),
        gxe.ExpectColumnValueLengthsToBeBetween(
            column="text",
            max_value=40_000,
            severity="warn",
            notes="Longer than any budget for demonstrations: a log, not an instruction.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="response",
            regex=r"\S",
            may_be_empty="these seeds came without answers",
            notes="A missing answer is NULL; an empty text would be shown to the model as a demonstration.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="language",
            regex=r"^(?:[a-z]{2,3}|und)$",
            notes="Filters and the card count by ISO 639 code; `und` is what could not be told.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="turns",
            regex=r"^(?:\[\{|$)",
            notes="A JSON list of turns, or ''; programs read it as that.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="tools", regex=r"^(?:\[|$)", notes="A JSON list of tools, or ''; programs read it as that."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="line", min_value=0, notes="With the source it names the line that `trace` shows."
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A seed without its source cannot be credited."),
        drift("language_drift", "languages"),
        drift("length_drift", "lengths"),
    ),
)
