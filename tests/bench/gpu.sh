#!/usr/bin/env bash
# The whole check of the GPU paths, at most five minutes: `tests/bench/gpu.sh`; without a GPU: `tests/bench/gpu.sh cpu`.
# First the tests, then one table: search, near copies and the exact graph by PyTorch, against the device's own rate.
# PYTHON names the Python that has Wellspring's tests and PyTorch; ROWS the size of the set.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
device=${1:-cuda}

refuse() {
    echo "$1" >&2
    exit 2
}

[[ $device == cuda || $device == cpu ]] || refuse "there is no device $device: say cuda or cpu"
"$python" -c 'import torch' 2>/dev/null ||
    refuse "$python has no PyTorch: install the extra \`models\`, or name another with PYTHON=path/to/python"
if [[ $device == cuda ]]; then
    "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ||
        refuse "PyTorch sees no CUDA device here: \`tests/bench/gpu.sh cpu\` checks that everything runs, on small sets"
    part=gpu rows=${ROWS:-200000}
    nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
else
    part=torch-cpu rows=${ROWS:-2000}
fi

timeout 120 "$python" -m pytest -q -n 0 -m gpu tests/io
timeout 170 "$python" -m tests.bench.neighbours "$part" --rows "$rows"
