"""What must hold of documents: text that a person could have read, that can be found again in its archive."""

from wellspring.expectations import accounted, content_ids, drift, none_of, written_text
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "documents",
    rows=(
        *content_ids("document_id"),
        *written_text(notes="An empty page grounds nothing; extraction refuses it with a reason instead."),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"(?i)</(?:div|span|script|style|td|li|a)>",
            mostly=0.9,
            severity="warn",
            notes="Markup in the text: extraction failed, or the pages teach HTML.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex="\ufffd{2}",
            mostly=0.97,
            severity="warn",
            notes="Runs of replacement characters say that a charset was guessed wrong.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"(?is)\A.{0,200}\b(?:enable javascript|access denied|are you a robot|verify you are human)\b",
            mostly=0.95,
            severity="warn",
            notes="Block pages are written by a firewall, not an author; a flood of them says a crawl was turned away.",
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="tokens", min_value=1, notes="Budgets are counted in tokens; a document of none was counted wrongly."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="record_offset",
            min_value=0,
            notes="With the length it names the bytes that `trace --record` prints.",
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="record_length", min_value=1, notes="A record without bytes cannot be read back."
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="language",
            regex=r"^(?:[a-z]{2,3}|und)$",
            notes="Filters and the card count by ISO 639 code; `und` is what could not be told.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="url",
            regex=r"^[a-z][a-z0-9+.-]*:",
            mostly=0.99,
            severity="warn",
            notes="The card credits pages by URL, and `forget --url` finds them by it.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="url",
            regex=r"^[a-z]+://[^/?#]*:[^/?#]*@",
            notes="A password in a URL would be published with the row.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A document without its source cannot be traced to bytes."),
        none_of("lost_originals", "A duplicate points at the one that was kept, which must be there."),
        none_of("torn_duplicates", "A near duplicate and the one that is kept must both be there, and be two."),
        none_of("orphan_redactions", "What was replaced as personal data was replaced in a document that is there."),
        none_of("kept_twice", "A text kept twice is paid for twice, and weighs twice in training."),
        none_of("forgotten", "A page that was forgotten must not come back with the next archive."),
        drift("language_drift", "languages"),
        drift("length_drift", "lengths"),
        gxe.ExpectColumnValuesToBeBetween(
            column="newest_age_days",
            min_value=-2,
            max_value=1000,
            severity="warn",
            notes="Freshness: a newest page that is years old, or not fetched yet, is of the wrong archive or clock.",
        ),
    ),
)
