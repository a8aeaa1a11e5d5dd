"""The PyTorch door for search (optional, of the extra `models`): a GPU without faiss-gpu, and bf16 units of a CPU.

Both only find candidates; their final scores and order come from `tasks/contracts/vectors.py`, as everywhere. On a GPU
sets larger than its free memory are multiplied in tiles, with a running top k.

Seen so far: the CPU part was measured (README); the GPU part was run on the CPU device only, where its answers equal
those of FAISS. No GPU was at hand.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.contracts import blas
from tasks.contracts.vectors import Rows, Scores, Vectors

QUERY_ROWS = 4096
FREE_SHARE = 0.6  # of the device's free memory: products, their top k, and what the allocator keeps
CPU_BYTES = 2**28
# Products of bf16 are off by up to 2 x 2^-9 of the inputs' rounding and 2^-9 of their own; of TF32 by 2 x 2^-11.
BF16_ROUNDING = 3 * 2.0**-9
TF32_ROUNDING = 2 * 2.0**-11


def has_cuda() -> bool:
    """Whether a CUDA device can be used through PyTorch; PyTorch is not imported where there is no device."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) or importlib.util.find_spec("torch") is None:
        return False
    return bool(_torch().cuda.is_available())


def has_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware and PyTorch is installed to ask it to."""
    return bool({"avx512_bf16", "amx_bf16"} & blas.cpu_flags()) and importlib.util.find_spec("torch") is not None


def bf16_product(left: Vectors, right: Vectors, out: NDArray[np.float32]) -> None:
    """Multiply (a, d) by the transpose of (b, d) into `out` (a, b) through bf16: twice as fast, two digits."""
    torch = _torch()
    products = torch.mm(torch.from_numpy(left).bfloat16(), torch.from_numpy(right).bfloat16().T)
    torch.from_numpy(out).copy_(products)


def find(
    queries: Vectors, base: Vectors, k: int, *, device: str = "cuda", is_tf32: bool = False
) -> tuple[Scores, Rows]:
    """Find k candidates for each query: products in tiles that fit the device, and a running top k.

    Args:
        queries: (nq, d), unit length.
        base: (n, d), unit length.
        k: Candidates, 1 <= k <= n.
        device: Of PyTorch.
        is_tf32: Let tensor cores round inputs to 10 bits (then scores are off by up to `TF32_ROUNDING`).
    """
    torch = _torch()
    torch.backends.cuda.matmul.allow_tf32 = is_tf32
    rows_at_once = max(k, min(len(base), _tile_rows(queries.shape[1], device)))
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    with torch.inference_mode():
        for start in range(0, len(queries), QUERY_ROWS):
            asked = torch.from_numpy(np.array(queries[start : start + QUERY_ROWS])).to(device)
            best = _best(torch, asked, base, k, rows_at_once, device)
            scores[start : start + len(asked)] = best[0].cpu().numpy()
            rows[start : start + len(asked)] = best[1].cpu().numpy()
    return scores, rows


def _best(torch: Any, asked: Any, base: Vectors, k: int, rows_at_once: int, device: str) -> tuple[Any, Any]:
    best_scores = torch.full((len(asked), 0), -torch.inf, device=device)
    best_rows = torch.empty((len(asked), 0), dtype=torch.int64, device=device)
    for first in range(0, len(base), rows_at_once):
        part = torch.from_numpy(np.array(base[first : first + rows_at_once])).to(device)
        scores, rows = torch.topk(asked @ part.T, min(k, len(part)), dim=1)
        both_scores = torch.cat([best_scores, scores], dim=1)
        both_rows = torch.cat([best_rows, rows + first], dim=1)
        best_scores, order = torch.topk(both_scores, min(k, both_scores.shape[1]), dim=1)
        best_rows = both_rows.gather(1, order)
    return best_scores, best_rows


def _tile_rows(width: int, device: str) -> int:
    """Return how many base rows a tile holds, with the products of a block of queries (four bytes each, twice)."""
    free = CPU_BYTES if device == "cpu" else int(_torch().cuda.mem_get_info()[0] * FREE_SHARE)
    return max(1, free // (4 * width + 8 * QUERY_ROWS))


@functools.lru_cache(maxsize=1)
def _torch() -> Any:
    return importlib.import_module("torch")
