"""What must hold of selections: each policy's choice in order, beside a random control."""

from wellspring.expectations import accounted, content_ids, drift, none_of
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "selections",
    rows=(
        *content_ids("instruction_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="policy", regex=r"^[a-z][a-z0-9_-]*$", notes="Exports and comparisons name policies."
        ),
        gxe.ExpectColumnValuesToBeBetween(column="rank", min_value=0, notes="Rank 0 is the first that was taken."),
        gxe.ExpectColumnValuesToBeBetween(column="topic", min_value=-1, notes="A topic is a cluster; -1 is none."),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A selection is of instructions, which must be there."),
        drift("topic_drift", "topics by their size", 0.3),
        none_of("torn_ranks", "Budgets are cut by rank: a gap would cut at the wrong place."),
        gxe.ExpectColumnValuesToBeBetween(
            column="controls",
            min_value=1,
            notes="A selection is only shown to be better beside a random control of the same size.",
        ),
        none_of("topics_missing", "Below some 1,000 distinct tasks tuning does not generalise (Only-IF): min_topics."),
        none_of("instructions_missing", "Few distinct instructions teach those alone (Only-IF): min_instructions."),
        none_of("topics_too_large", "A set about one thing teaches that thing (Only-IF): max_topic_share."),
        gxe.ExpectColumnValuesToBeBetween(
            column="topics", min_value=1, notes="Diversity: what was taken must come from somewhere."
        ),
    ),
)
