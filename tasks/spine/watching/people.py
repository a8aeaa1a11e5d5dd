"""Marks of people: kept in the store as files of scores, a file a person, and compared with the marks of judges.

A person is the judge `human:<name>`. A mark becomes scores of an answer: `total` (1 good, 0 not), `keep` (0 where it is
to be excluded: `exclusions.by_marks` reads that), and of pairs `preferred` (the share of its pairs in which a person
took it). They never change a row.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from wellspring.tasks.contracts.agreement import agreement
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import files, score_files
from wellspring.tasks.io.review_files import Said
from wellspring.tasks.io.storage.store import Store

FOLDER = "reviews"
HUMAN = "human:"
AGREEMENT = {"person": pl.String, "judge": pl.String, "rows": pl.Int64, "agree": pl.Float64, "kappa": pl.Float64}
PASSES = 0.5  # of a person's mark
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SHARES = {"left": (1.0, 0.0), "right": (0.0, 1.0), "same": (0.5, 0.5)}
Marks = dict[tuple[str, str], tuple[float, str]]  # id and criterion: value and reason


def places(store: Path) -> dict[str, Path]:
    """Return the file of each person who has marked rows of a store, by the name as a judge."""
    return {f"{HUMAN}{path.stem}": path for path in sorted((store / FOLDER).glob("*.jsonl"))}


def keep(store: Path, person: str, said: Iterable[Said]) -> int:
    """Keep what a person said, beside and over what the same person said before; return how many marks are new.

    Args:
        store: Its directory.
        person: A name in small letters.
        said: What was said.

    Raises:
        UsageError: The name is none.
    """
    if not _NAME.fullmatch(person):
        raise UsageError(f"`{person}` cannot be a person's name here", hint="use small letters, digits and _: anna_b")
    path = store / FOLDER / f"{person}.jsonl"
    before = _kept(path)
    after = before | _scores(said)
    path.parent.mkdir(exist_ok=True)
    _write(path, after)
    return sum(before.get(key) != value for key, value in after.items())


def _kept(path: Path) -> Marks:
    if not path.is_file():
        return {}
    return {(mark.subject_id, mark.criterion): (mark.value or 0.0, mark.reason) for mark in score_files.read(path)}


def _write(path: Path, marks: Marks) -> None:
    rows = [
        {"id": subject, "criterion": criterion, "value": value, "reason": why}
        for (subject, criterion), (value, why) in sorted(marks.items())
    ]
    files.write_whole(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())


def _scores(said: Iterable[Said]) -> Marks:
    marks: Marks = {}
    shares = defaultdict[str, list[float]](list)
    for one in said:
        if one.other:
            chosen, rejected = _SHARES[one.mark]
            shares[one.id].append(chosen)
            shares[one.other].append(rejected)
        else:
            marks[one.id, "total"] = (float(one.mark == "good"), one.why)
            marks[one.id, "keep"] = (float(one.mark != "exclude"), one.why)
    return marks | {(one, "preferred"): (sum(of) / len(of), "") for one, of in shares.items() if one}


def forget(store: Path, ids: Collection[str], fragments: Collection[str]) -> None:
    """Take out what people said of these things, and what quotes one of these texts."""
    for path in places(store).values():
        marks = _kept(path)
        stays = {
            key: (value, why)
            for key, (value, why) in marks.items()
            if key[0] not in ids and not any(text in why for text in fragments)
        }
        if not stays:
            path.unlink()
        elif stays != marks:
            _write(path, stays)


def agreements(store: Store) -> list[dict[str, Any]]:
    """Return how far each person agrees with each judge, and with other people, on what passes.

    Returns:
        A row for each two: `person`, `judge`, `rows` that both marked, `agree` (their share), `kappa` (Cohen's; None
        where chance alone agrees). A judge passes what is at least the middle of all that it gave.
    """
    said, middles = store.query("scores/of_people"), dict(store.query("scores/medians").iter_rows())
    found: list[dict[str, Any]] = []
    for (person, judge), part in said.group_by("person", "judge", maintain_order=True):
        ours = [value >= PASSES for value in part["of_person"]]
        found.append(_compared(str(person), str(judge), ours, list(part["of_judge"]), middles))
    return found


def _compared(
    person: str, judge: str, ours: list[bool], theirs: list[float | None], middles: Mapping[str, float]
) -> dict[str, Any]:
    passes = PASSES if judge.startswith(HUMAN) else middles.get(judge, 0.0)
    found = agreement(ours, [None if value is None else value >= passes for value in theirs])
    kappa = None if found.kappa is None else round(found.kappa, 3)
    return {"person": person, "judge": judge, "rows": found.n, "agree": round(found.share, 3), "kappa": kappa}
