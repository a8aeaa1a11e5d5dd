"""The answer to a hard instruction, with the reasoning that leads to it before it.

Paper: Rationales Are Not Silver Bullets (arXiv 2505.24147): rationales help in proportion to a task's difficulty and
hurt on easy ones, so only instructions that a judge marked as hard get here. Ours differs: difficulty is the judge's
score, not the share of a majority among ten samples, which needs a label to be kept.

    {"text": "Size a pump for ...", "domain": None} -> {"text": "The head is 12 m plus losses ... So take pump B."}
"""

from typing import Any

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import continued, opened
from wellspring.tasks.contracts.prompting import Prompt, Row, template

PAPER = "Rationales Are Not Silver Bullets, arXiv 2505.24147"
VERSION = 1
ANSWERS = "instructions"
SCHEMA = None
parse = Text.columns


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask `row["text"]` under the domain's system prompt and the wish for reasons; `settings` is `responses`."""
    own = settings.systems.get(row.get("domain") or "", settings.system)
    system, earlier = opened(row.get("history", ""), own)
    form = template("wellspring.tasks.recipes", "answer_with_rationale")
    messages = form.render(system=system, instruction=row["text"])
    return Prompt(continued(earlier, messages))
