"""Pages one by one: what becomes of one is nothing to the others, nor to the run that they tell of."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wellspring.tasks.contracts.errors import WellspringError
from wellspring.tasks.spine.running import blame


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A page that could not be written, and why."""

    page: str
    error: str

    def __str__(self) -> str:
        return f"{self.page} ({self.error})"


class Attempts:
    """The pages that are tried, and those of them that could not be written."""

    def __init__(self) -> None:
        self.unwritten: list[Unwritten] = []

    @contextmanager
    def at(self, page: str) -> Iterator[None]:
        """Try one page, or what some share; what it raises is noted, and the next one is tried."""
        try:
            yield
        # The site's one place that catches all. Pages are drawn from whatever strangers, models and disks have put into
        # a store, and no fault of a chart may cost the run that it shows, or the other pages. Ctrl-C is no exception.
        except Exception as fault:  # noqa: BLE001 - see above
            said = fault.message if isinstance(fault, WellspringError) else blame.described(fault)
            self.unwritten.append(Unwritten(page, said))
