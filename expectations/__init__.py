"""One suite per table: what must hold, and why. What several suites ask in the same words stands here."""

from wellspring.tasks.io.suites import Expectation, Severity, gxe


def content_ids(*columns: str, may_be_empty: bool = False) -> tuple[Expectation, ...]:
    """Ids are content ids; what may be missing has none."""
    return tuple(
        gxe.ExpectColumnValuesToMatchRegex(
            column=column,
            regex=r"^[0-9a-f]{20}$|^$" if may_be_empty else r"^[0-9a-f]{20}$",
            notes="Ids are content ids; anything else cannot be traced.",
        )
        for column in columns
    )


def written_text(column: str = "text", *, notes: str, severity: Severity = "fail") -> tuple[Expectation, ...]:
    """A text is there, and holds nothing that a reader cannot see. A model's slip refuses its row, and only warns."""
    return (
        gxe.ExpectColumnValuesToMatchRegex(column=column, regex=r"\S", severity=severity, notes=notes),
        gxe.ExpectColumnValuesToNotMatchRegex(
            column=column,
            regex=r"[\x00-\x08\x0b\x0c\x0e-\x1f]",
            severity=severity,
            notes="Control characters break JSONL readers and hide text from the people who review it.",
        ),
    )


def none_of(column: str, notes: str, severity: Severity = "fail") -> Expectation:
    """A count of `sql/<noun>/audit.sql` that must be zero."""
    return gxe.ExpectColumnValuesToBeBetween(column=column, max_value=0, severity=severity, notes=notes)


def drift(column: str, of: str, most: float = 0.35) -> Expectation:
    """A mix that must not move far from that of the last ten published runs (`sql/<noun>/mix.sql`)."""
    return gxe.ExpectColumnValuesToBeBetween(
        column=column,
        max_value=most,
        severity="warn",
        notes=f"Drift: the mix of {of} moved by over {most:.0%} against the last ten runs. Look before it is used.",
    )


def written() -> Expectation:
    """Something was written."""
    return gxe.ExpectColumnValuesToBeBetween(
        column="rows_written",
        min_value=1,
        notes="If a run wrote no rows, there is nothing to check, so nothing is published.",
    )


def accounted() -> tuple[Expectation, ...]:
    """Rows were written, none was lost, and refusals are what they were."""
    return (
        written(),
        none_of(
            "unaccounted", "Conservation: every input is a row or a refusal with its reason; none is lost in silence."
        ),
        drift("refusal_drift", "what was refused and what was kept", 0.2),
        drift("reason_drift", "reasons to refuse", 0.5),
    )
