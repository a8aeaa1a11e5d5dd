"""What a recipe of your own is written with: `from wellspring.recipe import Answered, Text, bare`.

README shows a whole one, and `tasks/contracts/program.py` says all that a recipe can ask and make.
"""

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.likelihoods import choice, expected_digit
from wellspring.tasks.contracts.program import Ask, Made, Turn, bare, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import DemonstratedSettings, PoolSettings, Section

__all__ = [
    "Answered",
    "Aside",
    "Ask",
    "DemonstratedSettings",
    "Field",
    "Made",
    "PoolSettings",
    "Rejection",
    "Row",
    "Section",
    "Text",
    "Turn",
    "bare",
    "choice",
    "expected_digit",
    "ours",
]
