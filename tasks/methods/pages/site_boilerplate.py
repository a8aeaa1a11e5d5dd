"""Lines that repeat across the pages of a site: menus, notices and teasers that extraction took for text.

A line is boilerplate of its site if it stands on several of its pages and on a good part of them. What is counted
together is the caller's to choose (a shard of an archive holds the pages that were crawled together).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

VERSION = 1
LEAST_PAGES = 5  # of a site, to tell what repeats on it
LEAST_COPIES = 4
LEAST_SHARE = 0.3


def strip(texts: Sequence[str], sites: Sequence[str]) -> list[str]:
    """Take out of each text the lines that repeat across its site.

    Args:
        texts: n texts.
        sites: The site of each; pages without one ("") are left as they are.

    Returns:
        The texts; one may be empty now.
    """
    pages: dict[str, list[int]] = defaultdict(list)
    for index, site in enumerate(sites):
        pages[site].append(index)
    stripped = list(texts)
    for site, indices in pages.items():
        if not site or len(indices) < LEAST_PAGES:
            continue
        counts = Counter(line for i in indices for line in {part.strip() for part in texts[i].splitlines()} if line)
        least = max(LEAST_COPIES, LEAST_SHARE * len(indices))
        common = {line for line, count in counts.items() if count >= least}
        for i in indices:
            lines = [line for line in texts[i].splitlines() if line.strip() not in common]
            stripped[i] = "\n".join(lines).strip()
    return stripped
