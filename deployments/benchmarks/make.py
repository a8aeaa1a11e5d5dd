"""Seals a benchmark: of each prompt the hashes of its words, so that it can be looked for where its text must not lie.

The same file gives the same bytes. The four beside this script are AlpacaEval, Arena-Hard v0.1, IFEval and MT-Bench.

Run it as `python deployments/benchmarks/make.py BENCHMARK OUTPUT.jsonl.gz`, and name the output in `benchmarks.paths`.
"""

import gzip
import json
import sys
from pathlib import Path

from wellspring.tasks.io.corpora import benchmarks
from wellspring.tasks.methods.pages import decontamination


def build(path: str) -> bytes:
    """Return the sealed prompts of a benchmark file, as compressed JSONL.

    Raises:
        BrokenError: The file is not there, or has no prompts.
    """
    prompts = benchmarks.read({Path(path).name: path})
    rows = [{"id": row_id, "prompt": sealed} for _, row_id, text in prompts if (sealed := decontamination.seal(text))]
    return gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode(), 9, mtime=0)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(build(sys.argv[1]))
