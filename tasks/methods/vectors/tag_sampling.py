"""Complexity-first diverse sampling of InsTag (arXiv 2308.07074), which ProcTag takes over: rows x tags for a pass.

The row with the most tags comes first. A pass takes a row if it brings a tag that the pass has not taken. In the
paper's loop rows without tags never end it; ours come last, in their order.
"""

from collections.abc import Sequence

VERSION = 1
BETWEEN = "; "  # tags in the reason of a score


def sampled(tags: Sequence[Sequence[str]], size: int) -> list[int]:
    """Choose rows by passes, the row with the most tags first: a pass takes a row that brings a tag new to the pass.

    Args:
        tags: Of each row.
        size: How many rows to choose, at most all.
    """
    due = sorted(range(len(tags)), key=lambda row: (-len({*tags[row]}), row))
    taken: list[int] = []
    while size > len(taken):
        seen, left = set[str](), list[int]()
        for row in due:
            if size > len(taken) and {*tags[row]} - seen:
                seen |= {*tags[row]}
                taken.append(row)
            else:
                left.append(row)
        if len(left) == len(due):
            return taken + left[: size - len(taken)]
        due = left
    return taken
