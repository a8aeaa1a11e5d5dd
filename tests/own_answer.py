"""A way to answer of a user's own, `terse`: its two files, for tests."""

import json
from pathlib import Path

MODULE = '''
"""An answer in few words."""

from pydantic import Field

from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.conversation import continued, opened
from wellspring.tasks.contracts.prompting import Prompt, beside
from wellspring.tasks.contracts.settings import Section

PAPER, VERSION, SCHEMA = "ours", 1, None
ANSWERS = "instructions"
parse = Text.columns


class Knobs(Section):
    words: int = Field(default=20, description="most words of an answer")
    system: str = ""


def prompt(row, settings):
    system, earlier = opened(row.get("history", ""), settings.system)
    shown = beside(__file__).render(system=system, words=str(settings.words), instruction=row["text"])
    return Prompt(continued(earlier, shown))
'''
FORM = "# system\n\n$system Use $words words at most.\n\n# user\n\n$instruction\n"


def written(folder: Path, name: str = "terse", text: str = MODULE) -> str:
    """Write the files into a folder, and return the setting that names it."""
    (folder / f"{name}.py").write_text(text)
    (folder / f"{name}.md").write_text(FORM)
    return f"plugins={json.dumps([str(folder)])}"
