"""What must hold of sources: files named by their bytes, and nothing secret in their addresses."""

from wellspring.expectations import accounted, content_ids
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "sources",
    rows=(
        *content_ids("source_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="sha256",
            regex=r"^[0-9a-f]{64}$",
            notes="`trace --record` refuses to read bytes from a file that has changed since.",
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="bytes", min_value=1, notes="An empty file has no records; it is refused with a reason."
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="uri",
            regex=r"^[a-z0-9+]+://[^/]*:[^/]*@",
            notes="A password in an address would be on every page and in every lineage event.",
        ),
    ),
    facts=accounted(),
)
