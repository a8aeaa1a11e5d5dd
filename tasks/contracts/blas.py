"""The BLAS kernel, chosen from the CPU's flags before numpy or FAISS load; `tasks/__init__.py` calls it first.

FAISS's wheels bundle an OpenBLAS of 2021 that does not know newer CPUs and falls back to SSE: 4.4 times slower (README
of tasks/io has the figures). OpenBLAS reads `OPENBLAS_CORETYPE` when it is loaded and never again, so the variable has
to be right before anyone imports numpy. This module imports nothing that does.

`WELLSPRING_BLAS_KERNEL` decides:

    auto (default)   the widest kernel the CPU's flags allow, whatever `OPENBLAS_CORETYPE` says: images set that
                     variable to the least common CPU (Haswell), which halves the speed of a newer one
    keep             leave `OPENBLAS_CORETYPE` as it is found
    <name>           that kernel, such as Haswell, on every machine of a fleet: float sums then agree bit for bit
"""

import os
import platform
from collections.abc import MutableMapping
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def kernel(flags: frozenset[str]) -> str | None:
    """Return the OpenBLAS kernel for an x86-64 CPU with these flags; None leaves the choice to OpenBLAS.

    OpenBLAS 0.3.34 overflows its stack when Haswell or Zen is forced on an AVX-512 AMD (OpenMathLib/OpenBLAS #6013); a
    CPU with AVX-512 therefore always gets SkylakeX, which both old and new versions have.
    """
    if {"avx512vl", "avx512dq", "avx512bw"} <= flags:
        return "SkylakeX"
    if {"avx2", "fma"} <= flags:
        return "Haswell"
    return None


def cpu_flags() -> frozenset[str]:
    """Read this CPU's flags; empty where /proc/cpuinfo is not (then nothing is pinned)."""
    if platform.machine() not in {"x86_64", "AMD64"} or not _CPUINFO.is_file():
        return frozenset()
    for line in _CPUINFO.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def pin(environment: MutableMapping[str, str] | None = None) -> str | None:
    """Set the kernel for this process and its children; return the one in force, None where OpenBLAS chooses.

    Threads that wait for work sleep instead of spinning (`OMP_WAIT_POLICY`), unless that is set: beside a busy
    neighbour spinning cost a third of the speed.
    """
    variables = os.environ if environment is None else environment
    variables.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    wish = variables.get("WELLSPRING_BLAS_KERNEL", "auto")
    if wish == "keep":
        return variables.get("OPENBLAS_CORETYPE")
    chosen = kernel(cpu_flags()) if wish == "auto" else wish
    if chosen is not None:
        variables["OPENBLAS_CORETYPE"] = chosen
    return chosen
