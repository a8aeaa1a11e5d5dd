"""What must hold of preferences: two different answers, better first; a program's pair may lack one of them."""

from wellspring.expectations import accounted, content_ids, none_of
from wellspring.tasks.contracts.program import KINDS
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "preferences",
    rows=(
        *content_ids("instruction_id"),
        *content_ids("chosen_id", "rejected_id", may_be_empty=True),
        gxe.ExpectColumnValuesToBeBetween(
            column="margin", min_value=0, notes="A negative margin is a pair the wrong way round."
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="kind",
            value_set=["reward", *KINDS],
            notes="The kind says which sides must pass the checks; of an unknown one only the better side would.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A pair is of answers to an instruction, which must all be there."),
        none_of("self_pairs", "An answer is not better than itself, and a pair has at least one."),
        none_of("half_rewards", "A margin of rewards is between two answers."),
        gxe.ExpectColumnValuesToBeBetween(
            column="longer_chosen_share",
            min_value=0.2,
            max_value=0.8,
            severity="warn",
            notes="When the longer one nearly always wins, the pairs teach length.",
        ),
    ),
)
