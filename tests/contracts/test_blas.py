"""The BLAS kernel is the one the CPU can run, unless a person says otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wellspring.tasks.contracts import blas

PROJECT = Path(__file__).parents[2]
WIDE = frozenset(["sse2", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"])


@pytest.mark.parametrize(
    ("flags", "kernel"),
    [
        (WIDE, "SkylakeX"),
        (frozenset({"avx2", "fma", "sse2"}), "Haswell"),
        (frozenset({"sse2"}), None),
        (frozenset(), None),
    ],
)
def test_the_kernel_follows_the_flags_of_the_cpu(flags: frozenset[str], kernel: str | None) -> None:
    assert blas.kernel(flags) == kernel


def test_what_an_image_has_set_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "cpu_flags", lambda: WIDE)
    environment = {"OPENBLAS_CORETYPE": "Haswell"}

    chosen = blas.pin(environment)

    assert chosen == environment["OPENBLAS_CORETYPE"] == "SkylakeX"


def test_keep_leaves_the_environment_alone() -> None:
    environment = {"OPENBLAS_CORETYPE": "Zen", "WELLSPRING_BLAS_KERNEL": "keep"}

    assert blas.pin(environment) == environment["OPENBLAS_CORETYPE"] == "Zen"


def test_a_named_kernel_is_taken_on_every_cpu() -> None:
    environment = {"WELLSPRING_BLAS_KERNEL": "Haswell"}

    assert blas.pin(environment) == environment["OPENBLAS_CORETYPE"] == "Haswell"


def test_numpy_and_faiss_run_the_pinned_kernel_in_a_fresh_process() -> None:
    if blas.kernel(blas.cpu_flags()) is None:
        pytest.skip("this CPU has no kernel of ours")
    code = (
        "import wellspring.tasks, numpy, faiss, json, threadpoolctl;"
        "found = {i['architecture'] for i in threadpoolctl.threadpool_info() if i['user_api'] == 'blas'};"
        "print(json.dumps(sorted(found)))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == f'["{blas.kernel(blas.cpu_flags())}"]'
