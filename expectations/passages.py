"""What must hold of passages: spans that are really in their document."""

from wellspring.expectations import accounted, content_ids, drift, none_of, written_text
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "passages",
    rows=(
        *content_ids("passage_id", "document_id"),
        *written_text(notes="An empty span would be embedded, and be everyone's neighbour."),
        gxe.ExpectColumnValuesToBeBetween(
            column="tokens", min_value=1, notes="Budgets are counted in tokens; a span of none was counted wrongly."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="start_chars", min_value=0, notes="Offsets are characters of the document's text."
        ),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="end_chars", column_B="start_chars", notes="A span ends after it begins."
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A passage without its document cannot be traced to a page."),
        none_of("misplaced", "A citation by offsets is worth something if the text is there (of 2,000 documents)."),
        drift("length_drift", "lengths"),
    ),
)
