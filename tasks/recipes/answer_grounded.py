"""The answer to an instruction by one who has read the page that it was made from, and never mentions it.

Paper: none of ours shows the page to who answers (SynthQuestions, step F, answers from the query alone); it follows the
reading of "Evaluating Correctness and Faithfulness of Instruction-Following Models" (PAPERS, tier 3): an answer can be
held to a page only where the page was shown. The instruction stands alone in the user turn, as in `answer`, for a
trained model will see no page.

    {"text": "How do I prune an old quince hedge?", "document": "Quinces fruit on ...", "domain": None}
    -> {"text": "In late winter, since it fruits on ..."}
"""

from typing import Any

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import continued, opened
from wellspring.tasks.contracts.prompting import Prompt, Row, fenced, template

PAPER = "ours; SynthQuestions, arXiv 2506.03968, step F, with its page"
VERSION = 1
SCHEMA = None
parse = Text.columns


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask `row["text"]` beside `row["document"]`, cut to its budget; `settings` is the section `responses`."""
    own = settings.systems.get(row.get("domain") or "", settings.system)
    system, earlier = opened(row.get("history", ""), own)
    messages = template("wellspring.tasks.recipes", "answer_grounded").render(
        system=system, document=fenced("document", row["document"]), instruction=row["text"]
    )
    return Prompt(continued(earlier, messages))
