"""What must hold of scores: judgements on their scale, with NULL where the judge failed and never a default."""

from wellspring.expectations import accounted, content_ids, drift, none_of
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "scores",
    rows=(
        *content_ids("subject_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="judge",
            regex=r"^(human:)?[a-z][a-z0-9_]*$",
            notes="The judge is a module's name, or a person's: who said so.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="criterion", regex=r"^[a-z][a-z0-9_]*$", notes="Selections and the card name criteria."
        ),
        gxe.ExpectColumnValuesToNotBeNull(
            column="value",
            mostly=0.8,
            severity="warn",
            notes="A fifth and more unscored: the judge cannot follow its form, and selecting on the rest is biased.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A score is about a row, which must be there."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
        none_of(
            "off_scale",
            "No judge has a wider scale than 0 to 10, or to the best total that it names, but for reward models and "
            "imports, which have their own.",
        ),
        none_of("lone_values", "A judge that gives everyone the same value judges nothing.", "warn"),
        drift("score_drift", "scores", 0.3),
    ),
)
