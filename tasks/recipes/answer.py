"""The answer to an instruction: the instruction is the user turn as it stands, under a system prompt if there is one.

Paper: KNN-Instruct, second prompt (the new query alone, no system prompt); SynthQuestions, step F, does not say more.
Ours differs: a system prompt may be set, also by domain (Mixture of Instructions, PAPERS B). The instruction is not
put between fences: it is what the model is to follow, and what a trained model will see. The turns before it
(`row["history"]`) stand as they were said.

    {"text": "How do I prune an old quince hedge?", "domain": "garden.example"} -> {"text": "Wait for late winter ..."}
"""

from typing import Any

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import continued, opened
from wellspring.tasks.contracts.prompting import Prompt, Row, template

PAPER = "KNN-Instruct, EMNLP 2024 main 577, prompt 2; SynthQuestions, arXiv 2506.03968, step F"
VERSION = 1
ANSWERS = "instructions"
SCHEMA = None
parse = Text.columns


def prompt(row: Row, settings: Any) -> Prompt:
    """Ask `row["text"]` under the system prompt of `row["domain"]`; `settings` is the section `responses`."""
    own = settings.systems.get(row.get("domain") or "", settings.system)
    system, earlier = opened(row.get("history", ""), own)
    messages = template("wellspring.tasks.recipes", "answer").render(system=system, instruction=row["text"])
    return Prompt(continued(earlier, messages))
