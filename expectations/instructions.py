"""What must hold of instructions: queries that a person could have typed, with nothing of the prompt left in them."""

from wellspring.expectations import accounted, content_ids, drift, none_of, written_text
from wellspring.tasks.io.suites import Suite, gxe

SUITE = Suite(
    "instructions",
    rows=(
        *content_ids("instruction_id", "completion_id"),
        *written_text(notes="An empty instruction would be answered, scored and paid for.", severity="warn"),
        gxe.ExpectColumnValueLengthsToBeBetween(
            column="text",
            min_value=8,
            max_value=40_000,
            severity="warn",
            notes="Shorter is a fragment, longer a copy of the page; each is refused.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"(?i)\b(?:to|on|in|from) (?:the|this) (?:passage|document|article|text) (?:above|provided|given)\b",
            mostly=0.98,
            severity="warn",
            notes="A real user has no passage in hand. Slack for users who paste one in.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"(?i)\A\s*(?:sure|certainly|here is|here's)\b[^\n]{0,80}(?:query|question|instruction|prompt)",
            severity="warn",
            notes="The model's own preamble: the parser took too much, and every row of that recipe is suspect.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"</?(?:document|seed|demonstration|passage|page) [0-9a-f]{12}>",
            severity="warn",
            notes="Fences of our prompt in an answer say that the model copied its input, or was told to by a page.",
        ),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="text",
            regex=r"(?i)\b(?:as an? (?:large )?language model|i cannot (?:assist|help) with)\b",
            severity="warn",
            notes="A refusal to write is a rejection, not an instruction.",
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="recipe", regex=r"^[a-z][a-z0-9_]*$", notes="The recipe is a module's name: who wrote it."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="draw", min_value=0, notes="Draws tell several samples of one prompt apart."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="weight", min_value=0, notes="A negative weight would teach the opposite of the answer."
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="round", min_value=0, notes="Rounds of KNN-Instruct: each builds on those before it."
        ),
    ),
    facts=(
        *accounted(),
        none_of("orphan_documents", "An instruction's page must be there, or it cannot be traced to bytes."),
        none_of("orphan_parents", "Demonstrations are parents; a lost one breaks `impact` and `forget`."),
        none_of("orphan_completions", "What a model said is kept; a row without it cannot be explained."),
        none_of(
            "repeated", "The same words twice in one run: the draw or the seed of the sampling is not used.", "warn"
        ),
        drift("length_drift", "lengths"),
        drift("recipe_drift", "recipes"),
    ),
)
