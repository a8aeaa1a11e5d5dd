"""What must hold of exports: whole files, of published rows only, with nothing of a benchmark in them."""

from wellspring.expectations import accounted, content_ids, none_of
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "exports",
    rows=(
        *content_ids("export_id", "row_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="sha256", regex=r"^[0-9a-f]{64}$", notes="A trainer checks the file that it has by its digest."
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="path",
            regex=r"(?:^/|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)|\x00)",
            notes="Paths are inside exports/: nothing may be written elsewhere, and a store can be moved.",
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="line", min_value=0, notes="With the path it is what people type: `trace FILE:LINE`."
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "Every exported line comes from a row of the store."),
        none_of("contaminated", "Contamination zero: no exported row repeats a benchmark."),
        none_of("unpublished", "Only rows that passed their audit leave the house."),
        none_of("torn_files", "Lines run on without a gap; a torn file would be traced wrongly."),
        none_of("two_digests", "One run writes a file once."),
    ),
)
