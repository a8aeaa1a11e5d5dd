"""What must hold of embeddings: unit vectors of one width for each model."""

from wellspring.expectations import accounted, content_ids, none_of
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "embeddings",
    rows=(
        *content_ids("text_id"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="model", regex=r"\S", notes="Vectors of different embedders must never be compared."
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "A vector is found by the text it stands for, which must be there to be shown."),
        none_of("not_unit", "Inner products are cosines only between unit vectors; NaN breaks every search it is in."),
        gxe.ExpectColumnValuesToBeBetween(
            column="widths", max_value=1, notes="An index takes one width; two say that the fit changed under one name."
        ),
    ),
)
