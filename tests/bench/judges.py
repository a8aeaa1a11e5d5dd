"""How judges agree with people, and with themselves when the order is turned: ten recorded judges, our parser.

    python -m tests.bench.judges [../shared/data]

LLMBar's recorded outputs, in both orders; accuracy is against its labels, over both orders, and a failed verdict counts
as wrong, as in the published figures beside it (baselines.json, read off by LLMBar's own parser). A consistent winner
is one that both orders name; `kappa` is of those against the label.
"""

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from wellspring.tasks.contracts.agreement import agreement
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.judges import pairwise

SHARED = Path(__file__).parents[3] / "shared" / "data"


class Consistency(NamedTuple):
    """Pairs judged in both orders: how many, the share with one winner, the share won by the first place."""

    pairs: int
    consistent: float
    first_place: float


def consistency(verdicts: Sequence[tuple[str | None, str | None]]) -> Consistency:
    """Measure position bias.

    Args:
        verdicts: For each pair the winner by place (`first`, `second`, `tie`) in one order and in the other; pairs
            with a failed verdict are left out.

    Returns:
        `first_place` is the share of all verdicts but ties that name the first answer: 0.5 without bias.
    """
    judged = [(a, b) for a, b in verdicts if a is not None and b is not None]
    if not judged:
        return Consistency(0, 0.0, 0.0)
    swapped = {"first": "second", "second": "first", "tie": "tie"}
    same = sum(swapped[b] == a for a, b in judged) / len(judged)
    named = [place for pair in judged for place in pair if place != "tie"]
    return Consistency(len(judged), same, named.count("first") / len(named) if named else 0.0)


def verdict(text: str) -> pairwise.Winner | None:
    """The winner by place, as our parser reads it; None where it finds none."""
    try:
        return pairwise.parse({}, text)["winner"]
    except Rejection:
        return None


def row(name: str, judge: str, judged: Sequence[Mapping[str, Any]], published: Mapping[str, float]) -> dict[str, Any]:
    """The figures of one judge on one set."""
    said: list[tuple[pairwise.Winner | None, pairwise.Winner | None]]
    said = [(verdict(one["completion_order12"]), verdict(one["completion_order21"])) for one in judged]
    labels = ["first" if one["label"] == 1 else "second" for one in judged]
    turned = {"first": "second", "second": "first"}
    right = sum((a == label) + (b == turned[label]) for (a, b), label in zip(said, labels, strict=True))
    winners = [pairwise.consistent(a, b) for a, b in said]
    with_people = agreement([w if w in turned else None for w in winners], labels)
    found = consistency(said)
    return {
        "set": name,
        "judge": judge,
        "pairs": len(judged),
        "unread": sum(v is None for pair in said for v in pair),
        "accuracy": right / (2 * len(judged)),
        "published": published["accuracy"],
        "consistent": found.consistent,
        "first_place": found.first_place,
        "kept": with_people.n,
        "right_of_kept": with_people.share,
        "kappa": with_people.kappa,
    }


def main() -> None:
    """Print the table."""
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    published = json.loads((shared / "baselines.json").read_text())["judge_and_functions"]
    rows = []
    for name in ("natural", "gptinst"):
        file = f"llmbar_{name}_judgements.jsonl.gz"
        judges: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with gzip.open(shared / "judge" / file, "rt", encoding="utf-8") as lines:
            for one in map(json.loads, lines):
                judges[f"{one['judge']}/{one['mode']}"].append(one)
        rows += [row(name, judge, judged, published[file][judge]) for judge, judged in judges.items()]
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=3, tbl_hide_dataframe_shape=True, tbl_width_chars=160):
        print(pl.DataFrame(rows))


if __name__ == "__main__":
    main()
