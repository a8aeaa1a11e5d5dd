"""What must hold of groundings: a seed tied to a page, a person and a reason to ask."""

from wellspring.expectations import accounted, content_ids, none_of, written_text
from wellspring.tasks.io.suites import Suite, gxe

_COMPOSITION = "The paper's four query compositions steer the synthesis; an empty one steers nothing."

SUITE = Suite(
    "groundings",
    rows=(
        *content_ids("grounding_id", "seed_id", "document_id"),
        *written_text(
            "scene", notes="The scene is what the recipe imitates: who asks, where, and why.", severity="warn"
        ),
        *written_text(
            "intention",
            notes="The search terms come from the intention; without it the page is a guess.",
            severity="warn",
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="ability", regex=r"\S", severity="warn", notes=_COMPOSITION),
        gxe.ExpectColumnValuesToMatchRegex(column="knowledge", regex=r"\S", severity="warn", notes=_COMPOSITION),
        gxe.ExpectColumnValuesToMatchRegex(column="output", regex=r"\S", severity="warn", notes=_COMPOSITION),
        gxe.ExpectColumnValuesToBeBetween(
            column="agreement",
            min_value=0,
            max_value=1,
            may_be_empty="the page was chosen by rank, not by vote",
            notes="It is the share of shuffled orders that chose the same page.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphan_seeds", "A grounding explains a seed, which must be there."),
        none_of("orphan_documents", "A grounding without its page cannot be traced to bytes."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
        gxe.ExpectColumnValuesToBeBetween(
            column="largest_document_share",
            max_value=0.25,
            severity="warn",
            notes="One page under a quarter of the seeds is a hub: search is broken, or the corpus is too small.",
        ),
    ),
)
