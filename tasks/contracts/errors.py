"""Three errors, by remedy: record it and go on, try again later, call a person.

A message names the thing and the values; `hint` is the next move, and what a person should type where there is one.
"""


class WellspringError(Exception):
    """What Wellspring raises on purpose. Never raised itself: choose one of the three by its remedy."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n\nhint: {self.hint}" if self.hint else self.message


class Rejection(WellspringError):  # noqa: N818 - it is an outcome that is recorded, not a fault
    """One input is refused; it becomes a row in `rejections`, and the others go on.

    `reason` is a word of a closed list (snake_case) that people count and retry by; `detail` holds the values.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class TransientError(WellspringError):
    """The run is parked (budget, quota, rate limit, a busy store): run it again later, nothing is lost."""

    exit_code = 3


class BrokenError(WellspringError):
    """A person has to act: a failed audit, a missing file, a wrong key, a full disk."""


class UsageError(BrokenError):
    """What was typed or configured is wrong; nothing was started."""

    exit_code = 2
