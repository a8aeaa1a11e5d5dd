"""What must hold of settled inputs: each is settled once, and what it made and refused is there."""

from wellspring.expectations import none_of, written
from wellspring.tasks.io.suites import Suite, gxe

_COUNTS = "What the rest costs is told from these."

SUITE = Suite(
    "settled",
    rows=(
        gxe.ExpectColumnValuesToNotBeNull(column="input_id", notes="What is settled is left out when it is due again."),
        gxe.ExpectColumnValuesToBeBetween(column="calls", min_value=0, max_value=1_000_000, notes=_COUNTS),
        gxe.ExpectColumnValuesToBeBetween(column="made", min_value=0, max_value=1_000_000, notes=_COUNTS),
        gxe.ExpectColumnValuesToBeBetween(column="refused", min_value=0, max_value=1_000_000, notes=_COUNTS),
        gxe.ExpectColumnValuesToBeBetween(column="seconds", min_value=0, max_value=10_000_000, notes=_COUNTS),
    ),
    facts=(
        written(),
        none_of("lost_rows", "A row that was made and paid for is not there, and nothing would make it again."),
        none_of("lost_refusals", "Everything that is refused has a reason; here one is missing, or there is one more."),
        none_of("settled_twice", "An input that is settled twice was asked about twice."),
    ),
)
