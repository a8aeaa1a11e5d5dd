"""What must hold of rewrites: a page that is there, said again in a style that is named."""

from wellspring.expectations import content_ids, none_of, written, written_text
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "rewrites",
    rows=(
        *content_ids("rewrite_id", "document_id"),
        *written_text(notes="What is written from an empty page is written from nothing.", severity="warn"),
        gxe.ExpectColumnValuesToMatchRegex(column="style", regex=r"\S", notes="Styles are mixed by their names."),
    ),
    facts=(
        written(),
        none_of("orphan_documents", "A rewrite without its page cannot be traced to bytes."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
    ),
)
