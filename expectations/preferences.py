"""What must hold of preferences: two different answers to one instruction, better first."""

from wellspring.expectations import accounted, content_ids, none_of
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "preferences",
    rows=(
        *content_ids("instruction_id", "chosen_id", "rejected_id"),
        gxe.ExpectColumnValuesToBeBetween(
            column="margin", min_value=0, notes="A negative margin is a pair the wrong way round."
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="kind",
            value_set=["reward", "verified", "refined", "rule", "negative"],
            notes="The kind says which sides must pass the checks; of an unknown one only the better side would.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A pair is of answers to an instruction, which must all be there."),
        none_of("self_pairs", "An answer is not better than itself."),
        gxe.ExpectColumnValuesToBeBetween(
            column="longer_chosen_share",
            min_value=0.2,
            max_value=0.8,
            severity="warn",
            notes="When the longer one nearly always wins, the pairs teach length.",
        ),
    ),
)
