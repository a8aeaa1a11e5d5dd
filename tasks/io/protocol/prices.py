"""What a call costs: a table of USD per million tokens that users can edit, in integer micro-USD."""

import fnmatch
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts.errors import UsageError

SHIPPED = Path(__file__).with_name("prices.toml")
CHARS_PER_TOKEN = 4  # where no server counts
KEYS = {"prompt", "completion", "cached", "batch"}


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens, which is micro-USD per token. `is_known` is False for a model that no table lists."""

    prompt: float = 0.0
    completion: float = 0.0
    cached: float = 0.0
    is_known: bool = True

    def micro_usd(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> int:
        """Return the cost of a call, rounded up to a whole micro-USD."""
        fresh = prompt_tokens - cached_tokens
        return math.ceil(
            round(fresh * self.prompt + cached_tokens * self.cached + completion_tokens * self.completion, 6)
        )


class Prices:
    """The price table: the one that ships, or a user's TOML of the same form."""

    def __init__(self, path: str = "") -> None:
        file = Path(path) if path else SHIPPED
        try:
            models = tomllib.loads(file.read_text(encoding="utf-8"))["models"]
        except (OSError, KeyError, ValueError) as error:
            raise UsageError(
                f"the price table {file} cannot be read: {error}", hint=f"its form is that of {SHIPPED}"
            ) from error
        self.models: dict[str, Mapping[str, Any]] = {
            name: _checked(file, name, entry) for name, entry in models.items()
        }

    def of(self, model: str, *, is_batch: bool = False) -> Price:
        """Return the price of a model: by its name, else by the longest pattern that fits."""
        names = [name for name in self.models if fnmatch.fnmatchcase(model, name)]
        if not names:
            return Price(is_known=False)
        entry = self.models[max(names, key=lambda name: (name == model, len(name)))]
        share = float(entry.get("batch", 1.0)) if is_batch else 1.0
        cached = entry.get("cached", entry["prompt"])
        return Price(entry["prompt"] * share, entry["completion"] * share, cached * share)


def _checked(file: Path, name: str, entry: Any) -> Mapping[str, Any]:
    is_good = isinstance(entry, dict) and {"prompt", "completion"} <= entry.keys() <= KEYS
    if not is_good or not all(isinstance(v, int | float) and math.isfinite(v) and v >= 0 for v in entry.values()):
        raise UsageError(
            f"{file}: the price of `{name}` is {entry}", hint=f"it takes the numbers {', '.join(sorted(KEYS))}"
        )
    return entry


def tokens_of(text: str) -> int:
    """Estimate the tokens of a text where no server counts them."""
    return -(-len(text) // CHARS_PER_TOKEN)


def most_tokens(text: str) -> int:
    """Return more tokens than any vocabulary makes of a text, one a byte: what a budget sets aside for it."""
    return len(text.encode("utf-8", "surrogatepass"))
