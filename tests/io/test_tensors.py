"""Candidates through PyTorch are those of FAISS; where PyTorch or a GPU is missing, the skip says so."""

import importlib.util
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors, unit
from wellspring.tasks.io.vectors import index, tensors
from wellspring.tasks.methods.vectors.neighbour_graph import exact_graph

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
needs_cuda = pytest.mark.skipif(not tensors.has_cuda(), reason="no CUDA device that PyTorch can use")


def clustered(rows: int, width: int = 48) -> Vectors:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((50, width))
    return unit(centres[rng.integers(0, 50, rows)] + 0.4 * rng.standard_normal((rows, width)))


@needs_torch
@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("k", [9, 70])
def test_tiles_with_a_running_top_k_give_the_answer_of_faiss(
    monkeypatch: pytest.MonkeyPatch, precision: tensors.Precision, k: int
) -> None:
    monkeypatch.setattr(tensors, "QUERY_ROWS", 64)
    monkeypatch.setattr(tensors, "TILE_COLUMNS", 650)
    monkeypatch.setattr(tensors, "held_rows", lambda *_: 1300)
    vectors = clustered(3000)
    vectors[600:640] = vectors[2]

    scores, rows = index.exact(
        vectors[:150],
        vectors,
        k,
        find=lambda queries, base, count: tensors.nearest(queries, base, count, device="cpu", precision=precision),
        rounding=tensors.ROUNDING[precision],
    )

    truth_scores, truth = index.exact(vectors[:150], vectors, k, find=index.on_cpu)
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


def test_a_device_holds_as_many_rows_as_its_free_memory_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "CPU_BYTES", 10 * 2**30)
    tiles = 2 * 2 * tensors.QUERY_ROWS * tensors.TILE_COLUMNS

    assert tensors.held_rows(384, 2, "cpu") == (10 * 2**30 - tiles) // (2 * 384)
    monkeypatch.setattr(tensors, "CPU_BYTES", 1)
    assert tensors.held_rows(384, 2, "cpu") == tensors.GROUP


@needs_torch
def test_a_graph_through_bf16_finds_nearly_all_with_final_scores() -> None:
    vectors = clustered(1500)

    scores, rows = exact_graph(vectors, 10, multiplier=tensors.bf16_products, rounding=np.inf, spare=14)

    truth_scores, truth = exact_graph(vectors, 10)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), truth.tolist(), strict=True)])
    assert recall >= 0.99
    same = rows == truth
    assert scores[same].tobytes() == truth_scores[same].tobytes()


@needs_torch
def test_a_graph_through_bf16_with_its_rounding_proven_is_exact() -> None:
    vectors = clustered(600)

    _, rows = exact_graph(vectors, 5, multiplier=tensors.bf16_products, rounding=tensors.BF16_ROUNDING)

    assert rows.tolist() == exact_graph(vectors, 5)[1].tolist()


def test_without_a_device_pytorch_is_not_asked() -> None:
    if tensors.has_cuda():
        pytest.skip("there is a GPU here")

    assert not tensors.has_cuda()
    assert index.gpus() == 0


@pytest.mark.parametrize(
    ("device", "said"),
    [("cpu", "has no PyTorch: install the extra `models`"), ("tpu", "there is no device tpu: say cuda or cpu")],
)
def test_the_gpu_check_says_what_it_lacks(device: str, said: str) -> None:
    script = Path(__file__).parents[1] / "bench" / "gpu.sh"

    done = subprocess.run(
        ["bash", script, device], env=os.environ | {"PYTHON": "false"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert said in done.stderr


@needs_torch
@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
@pytest.mark.parametrize("precision", ["float32", "tf32", "float16"])
def test_a_device_gives_the_answer_of_the_cpu(precision: tensors.Precision, device: str) -> None:
    vectors = clustered(20_000 if device == "cuda" else 1_500, width=384)
    vectors[100:140] = vectors[3]

    scores, rows = index.exact(
        vectors,
        vectors,
        32,
        find=lambda queries, base, k: tensors.nearest(queries, base, k, device=device, precision=precision),
        rounding=tensors.ROUNDING[precision],
    )

    truth_scores, truth = index.exact(vectors, vectors, 32, find=index.on_cpu)
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()


@needs_torch
@pytest.mark.gpu
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_near_copies_of_a_known_set_are_the_same_on_a_device(device: str) -> None:
    known, fresh = clustered(1_200, width=64), clustered(900, width=64)[::-1].copy()

    def find(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
        return tensors.nearest(queries, base, k, device=device)

    scores, rows = index.exact(fresh, known, 1, find=find, rounding=tensors.ROUNDING["float16"])

    truth_scores, truth = index.exact(fresh, known, 1, find=index.on_cpu)
    assert (scores >= 0.9).tolist() == (truth_scores >= 0.9).tolist()
    assert rows.tolist() == truth.tolist()


@pytest.mark.gpu
def test_faiss_on_a_gpu_gives_the_answer_of_the_cpu() -> None:
    if not index.gpus():
        pytest.skip("no GPU that FAISS can use (faiss.get_num_gpus() is 0)")
    vectors = clustered(20_000, width=384)

    scores, rows = index.exact(vectors, vectors, 32)

    truth_scores, truth = index.exact(vectors, vectors, 32, find=index.on_cpu)
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == truth_scores.tobytes()
