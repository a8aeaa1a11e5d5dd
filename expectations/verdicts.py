"""What must hold of verdicts: checks that say yes, no, or that they could not say."""

from wellspring.expectations import accounted, content_ids, drift, none_of
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "verdicts",
    rows=(
        *content_ids("subject_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="check_name", regex=r"^[a-z][a-z0-9_.]*$", notes="A check is named in the profile and on the card."
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="passed",
            mostly=0.2,
            severity="warn",
            notes="NULL says that a check does not apply or could not tell; four fifths say that checks are broken.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A verdict is about a row, which must be there."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
        drift("verdict_drift", "verdicts", 0.3),
    ),
)
