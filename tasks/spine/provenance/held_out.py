"""What of an export is kept for evaluation: read from the store, and from what it exported before.

Nothing is looked at while no evaluation set is wanted and none was ever written. Sites keep their sides in the journal,
too, which outlives the database.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wellspring.tasks.methods.datasets import holdout, partition
from wellspring.tasks.methods.datasets.holdout import EVALUATION, NEITHER, TRAINING, Page
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import reads

KEPT = "side of a site"  # as reads are called
_IDS = ("instruction_id", "rejected_instruction_id", "rewrite_id")
_PAGE = ("document_id", "domain")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Where rows belong.

    Attributes:
        pages_of: The pages of each row, by its id.
        sides: The side of each page; nothing where there is no evaluation set.
        sites: The site of each page.
        before: Sites that were exported before, and on which side.
    """

    pages_of: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    sides: Mapping[str, str] = field(default_factory=dict[str, str])
    sites: Mapping[str, str] = field(default_factory=dict[str, str])
    before: Mapping[str, str] = field(default_factory=dict[str, str])

    def behind(self, row: Mapping[str, Any]) -> list[str]:
        """Return the pages that a row of any form came from."""
        return sorted({one for name in _IDS if row.get(name) for one in self.pages_of.get(row[name], ())})

    def place(self, row: Mapping[str, Any], share: float, *, is_task: bool) -> tuple[str, str]:
        """Return the table that a row belongs into, and why into none.

        Args:
            row: Of any form.
            share: Of the rows for training that are for validation.
            is_task: Whether the form holds tasks: no other has an evaluation set.
        """
        side, why = holdout.together([self.sides[one] for one in self.behind(row)])
        if side == EVALUATION:
            return (EVALUATION, "") if is_task else (NEITHER, holdout.HELD_OUT)
        return (partition.split(row["origin_id"], share) if side == TRAINING else NEITHER), why

    @property
    def identity(self) -> list[tuple[str, str]]:
        """What an export rests on here: all pages that are not for training."""
        return sorted((one, side) for one, side in self.sides.items() if side != TRAINING)


def look(run: Run) -> HeldOut:
    """Return where all rows that can be exported belong."""
    share, known = run.settings.exports.evaluation_share, run.store.query("exports/sides")
    before: dict[str, str] = reads.kept(run, KEPT, "", [""]).get("", {})
    if not (share or known["is_evaluation"].any() or EVALUATION in before.values()):
        return HeldOut()
    behind, exported = run.store.query("exports/pages"), dict[str, str]()
    sites = {one: site or one for frame in (behind, known) for one, site in frame.select(_PAGE).iter_rows()}
    for one, _, is_evaluation in known.sort("is_evaluation", descending=True).iter_rows():
        exported[one] = EVALUATION if is_evaluation else TRAINING
        before |= {sites[one]: exported[one]}
    texts = run.store.query("exports/page_texts", document_ids=sorted(sites)).iter_rows()
    pages = [Page(one, sites[one], text) for one, text in texts]
    found = holdout.sides(pages, share, before, exported, run.settings.documents.jaccard)
    grouped = behind.group_by("row_id").agg("document_id").iter_rows()
    return HeldOut({row_id: sorted(pages) for row_id, pages in grouped}, found, sites, before)


def keep(run: Run, held: HeldOut, pages: Iterable[str]) -> None:
    """Record the sides of the sites that rows were written of.

    Args:
        run: Whose journal it is.
        held: Where rows belong.
        pages: What the rows came from.
    """
    found = dict(held.before) | {held.sites[one]: held.sides[one] for one in sorted(pages)}
    if found != held.before:
        reads.keep(run, KEPT, "", {"": dict(sorted(found.items()))})
