"""The PyTorch door for search (optional, of the extra `models`): a GPU without faiss-gpu, and bf16 units of a CPU.

Both only find candidates; their final scores and order come from `tasks/contracts/vectors.py`, as everywhere, and
`index.exact` searches again, more widely, where their rounding leaves a doubt. On a GPU products are of float16 (the
rate of bf16 at a fourth of its rounding); sets larger than its free memory pass through it in parts.

Seen so far: the CPU part was measured (README); the GPU part was run on the CPU device only, where its answers equal
those of FAISS. No GPU was at hand.
"""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wellspring.tasks.contracts import blas
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors

Precision = Literal["float32", "tf32", "float16"]

QUERY_ROWS, TILE_COLUMNS = 4096, 2**17  # of a tile of products: 1 GB in float16
GROUP = 32  # columns whose maximum is looked at first
FREE_SHARE = 0.6  # of the device's free memory: products, their top k, and what the allocator keeps
CPU_BYTES = 2**32
# Products of 16 bits are off by twice the inputs' rounding and once their own; of TF32 by that of the inputs. Sums are
# in float32, and add what those add (`index.exact`).
BF16_ROUNDING = 3 * 2.0**-9
ROUNDING: dict[Precision, float] = {"float32": 0.0, "tf32": 2 * 2.0**-11, "float16": 3 * 2.0**-11}


def has_cuda() -> bool:
    """Whether a CUDA device can be used through PyTorch; PyTorch is not imported where there is no device."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) or importlib.util.find_spec("torch") is None:
        return False
    return bool(_torch().cuda.is_available())


def has_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware and PyTorch is installed to ask it to."""
    return bool({"avx512_bf16", "amx_bf16"} & blas.cpu_flags()) and importlib.util.find_spec("torch") is not None


def bf16_products(vectors: Vectors) -> Callable[[slice, slice, NDArray[np.float32]], None]:
    """Return how rows are multiplied with the transpose of others into a tile: by bf16, twice as fast, two digits."""
    torch = _torch()
    halves = torch.from_numpy(vectors).bfloat16()
    buffer = torch.empty(0, dtype=torch.bfloat16)

    def multiply(rows: slice, columns: slice, out: NDArray[np.float32]) -> None:
        torch.mm(halves[rows], halves[columns].T, out=buffer.resize_(out.shape))
        torch.from_numpy(out).copy_(buffer)

    return multiply


def nearest(
    queries: Vectors, base: Vectors, k: int, *, device: str = "cuda", precision: Precision = "float16"
) -> tuple[Scores, Rows]:
    """Find k candidates for each query: the base stays on the device, in parts if it is larger than its memory.

    Args:
        queries: (nq, d), unit length.
        base: (n, d), unit length.
        k: Candidates, 1 <= k <= n.
        device: Of PyTorch.
        precision: Of the products; their scores are off by up to `ROUNDING` of it.
    """
    torch = _torch()
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    kind = torch.float16 if precision == "float16" else torch.float32
    held = held_rows(base.shape[1], 2 if precision == "float16" else 4, device)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    with torch.inference_mode():
        for first in range(0, len(base), held):
            part = torch.from_numpy(np.array(base[first : first + held])).to(device, kind)
            for start in range(0, len(queries), QUERY_ROWS):
                block = slice(start, start + QUERY_ROWS)
                asked = torch.from_numpy(np.array(queries[block])).to(device, kind)
                best = (torch.from_numpy(scores[block]).to(device), torch.from_numpy(rows[block]).to(device))
                best = _nearer(torch, asked, part, best, first)
                scores[block], rows[block] = best[0].cpu().numpy(), best[1].cpu().numpy()
    return scores, rows


def _nearer(torch: Any, asked: Any, part: Any, best: tuple[Any, Any], first: int) -> tuple[Any, Any]:
    """Merge the best lists of queries with the rows of a part that begins at row `first`, tile by tile."""
    k = best[0].shape[1]
    for start in range(0, len(part), TILE_COLUMNS):
        scores, rows = _top(torch, asked @ part[start : start + TILE_COLUMNS].T, k)
        scores = torch.cat([best[0], scores.float()], dim=1)
        rows = torch.cat([best[1], rows + (first + start)], dim=1)
        scores, order = torch.topk(scores, k, dim=1)
        best = (scores, rows.gather(1, order))
    return best


def _top(torch: Any, products: Any, k: int) -> tuple[Any, Any]:
    """Return the top k of each row of products (q, n), or all: from the k groups of columns with the highest maxima.

    The k highest scores lie in the k groups that have the highest maxima, so the whole tile is read once, and `topk`,
    which reads its input several times, sees a thirty-second of it.
    """
    if products.shape[1] <= 2 * k * GROUP:
        return torch.topk(products, min(k, products.shape[1]), dim=1)
    padded = torch.nn.functional.pad(products, (0, -products.shape[1] % GROUP), value=-torch.inf)
    groups = padded.view(len(products), -1, GROUP)
    _, near = torch.topk(groups.amax(dim=2), k, dim=1, sorted=False)
    few = groups.gather(1, near[:, :, None].expand(-1, -1, GROUP)).flatten(1)
    scores, places = torch.topk(few, k, dim=1)
    return scores, near.gather(1, places // GROUP) * GROUP + places % GROUP


def held_rows(width: int, bytes_each: int, device: str) -> int:
    """Return how many base rows a device holds beside two tiles of products and what selecting from them takes."""
    free = CPU_BYTES if device == "cpu" else int(_torch().cuda.mem_get_info()[0] * FREE_SHARE)
    return max(GROUP, (free - 2 * bytes_each * QUERY_ROWS * TILE_COLUMNS) // (bytes_each * width))


@functools.lru_cache(maxsize=1)
def _torch() -> Any:
    return importlib.import_module("torch")
