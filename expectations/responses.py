"""What must hold of responses: whole answers of a known model."""

from wellspring.expectations import accounted, content_ids, drift, none_of, written_text
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "responses",
    rows=(
        *content_ids("response_id", "instruction_id", "completion_id"),
        *written_text(notes="A model trained on empty answers learns to say nothing.", severity="warn"),
        gxe.ExpectColumnValuesToMatchRegex(
            column="model", regex=r"\S", notes="The card must say who answered; so must a licence check."
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="use",
            value_set=["answer", "draw", "rejected", "probe"],
            notes="Only an answer is exported as one; of an unknown use nobody could say whether it is.",
        ),
        gxe.ExpectColumnValuesToNotBeInSet(
            column="finish_reason",
            value_set=["length"],
            mostly=0.9,
            severity="warn",
            notes="Over a tenth was cut off at its limit: raise models.responder.max_tokens; each is refused as a row.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"</?(?:document|seed|instruction|passage|page) [0-9a-f]{12}>",
            severity="warn",
            notes="Fences of our prompt in an answer say that the model copied its input, or was told to by a page.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"(?i)\A.{0,40}\b(?:i'm sorry|i cannot|i can't|i am unable)\b",
            mostly=0.8,
            severity="warn",
            notes="Some refusals are right; a fifth and more says that the prompts are.",
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphans", "An answer without its question is of no use to anyone."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
        drift("length_drift", "lengths"),
    ),
)
