"""How much of a text a compressor already knows from the target: selection without a model (ZIP-FIT).

Paper: Obbad et al., "ZIP-FIT", arXiv 2410.18194: NCD(x, t) = (C(xt) - min(C(x), C(t))) / max(C(x), C(t)), where C is a
compressed size; the alignment of x is 1 minus the mean over the target texts t. Theirs ships with gzip at level 0,
which does not compress: equal and unrelated texts both score 0.975. Ours is raw deflate at level 9 (no header). Deflate
sees 32 KB back: of longer texts the first half of that is compared.

Complexity: O(texts x targets x bytes), about 20 MB/s; for large pools sample the targets.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts.vectors import Rows

SYSTEM = "ZIP-FIT"
VERSION = 1
WINDOW_BYTES = 2**14
_RAW_DEFLATE = -15


def compressed_bytes(data: bytes) -> int:
    """Return the size of raw deflate at its best level."""
    engine = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE)
    return len(engine.compress(data)) + len(engine.flush())


def distance(left: bytes, right: bytes) -> float:
    """Return the normalised compression distance: about 0 for equal texts, about 1 for unrelated ones."""
    return _distance(left, right, compressed_bytes(left), compressed_bytes(right))


def _distance(left: bytes, right: bytes, left_size: int, right_size: int) -> float:
    return (compressed_bytes(left + right) - min(left_size, right_size)) / max(left_size, right_size)


def alignments(texts: Sequence[str], targets: Sequence[str]) -> NDArray[np.float64]:
    """Return the alignment (n,) of each text with the targets: 1 minus its mean distance to them.

    Raises:
        ValueError: There are no targets.
    """
    if not targets:
        raise ValueError("there are no targets to align with")
    wanted = [target.encode()[:WINDOW_BYTES] for target in targets]
    sizes = [compressed_bytes(target) for target in wanted]
    found = np.empty(len(texts))
    for row, text in enumerate(texts):
        data = text.encode("utf-8", "surrogatepass")[:WINDOW_BYTES]
        own = compressed_bytes(data)
        found[row] = 1 - np.mean(
            [_distance(data, target, own, size) for target, size in zip(wanted, sizes, strict=True)]
        )
    return found


def most_aligned(texts: Sequence[str], targets: Sequence[str], count: int) -> Rows:
    """Return the rows of highest alignment, best first, equal ones by lower row."""
    found = alignments(texts, targets)
    return np.lexsort((np.arange(len(found)), -found))[:count]
