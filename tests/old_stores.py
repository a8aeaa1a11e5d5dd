"""Stores that earlier commits made, as people have them: `data/store-COMMIT.tar.xz`.

Each was made by the code of its commit, with the sample and the stand-in, and without what says where (locks, events,
pages) or can be made again (indexes):

    git archive COMMIT | tar x -C /tmp/wellspring/code && cd /tmp/wellspring
    unshare --uts sh -c 'hostname somewhere; PYTHONPATH=code python -m flows.cli build --store ws --set limit=8'
    cd ws && tar c wellspring.duckdb completions.sqlite settings.json due.json at_work.json exports shards | xz -9e
"""

import tarfile
from pathlib import Path

from wellspring.tasks.contracts import settings

ROOT = Path(__file__).parents[1]
OLD = {"6154e7a": "the last commit without versions", "00d5351": "94 commits before it, without a table for site rules"}


def unpacked(name: str, folder: Path) -> Path:
    """Unpack a store into a new folder; the sample that it was made from is where this checkout has it."""
    with tarfile.open(ROOT / "tests" / "data" / f"store-{name}.tar.xz") as packed:
        packed.extractall(folder)  # packed by us; Python 3.11.2 knows no `filter`
    kept = folder / settings.KEPT
    kept.write_text(kept.read_text(encoding="utf-8").replace("/tmp/wellspring/code", str(ROOT)))
    settings.trust(str(kept))
    return folder
