"""Nights: a store that grew, and lost its database, is made anew from its journal: the same bytes, and nothing sent."""

import difflib
import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from flows.dataset import dataset
from tasks.io import faults
from tests import page_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SMALL = ("runner=thread", "threads=1", "embeddings.dimensions=64", "pages.show_values=false", "scores.judges=[]")
KNN = (
    'instructions.recipes=["attributed_grounding", "knn_instruct"]',
    "instructions.rounds=2",
    "selections.min_score=0",
)
WORDS = ["river", "mill", "harbour", "orchard", "glacier", "meadow", "quarry", "lantern", "canal", "vineyard"]


def pages(folder: Path, night: int) -> str:
    """The pages of a night, as a corpus: those of the store, told anew for another place."""
    path = folder / f"pages-{night}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for name, text in page_store.PAGES.items():
            place = WORDS[night]
            said = f"In the town by the {place} they tell it so. {text} The {place} is why it is done this way here. "
            file.write(json.dumps({"url": f"https://{name}-{night}.example/", "text": said * 2}) + "\n")
    return str(path)


def seeds(folder: Path, night: int) -> str:
    other = [
        f"How do I tell the {WORDS[night]} of {n} friends about {word}s and {n * 7} boats?"
        for n, word in enumerate(WORDS)
    ]
    return page_store.write_seeds(folder / f"seeds-{night}.jsonl", other if night else page_store.ASKED)


def exported(store: Path) -> dict[str, str]:
    folder = store / "exports" / "wellspring-sample"
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _differences(store: Path, other: Path) -> str:
    found = ""
    for path in sorted(other.rglob("*")):
        mine = store / "exports" / path.relative_to(other)
        if path.suffix in {".md", ".json", ".jsonl"} and path.read_text() != mine.read_text():
            found += "\n".join(difflib.unified_diff(path.read_text().splitlines(), mine.read_text().splitlines(), n=0))
    return found[:6000]


def build(store: Path, folder: Path, nights: int, url: str, *chosen: str) -> None:
    corpora = ", ".join(f'{{path="{pages(folder, night)}"}}' for night in range(nights))
    paths = json.dumps([seeds(folder, night) for night in range(nights)])
    asked = [f"sources.corpora=[{corpora}]", f"seeds.paths={paths}", f"models.base_url={url}"]
    dataset.fn("smoke", str(store), [*asked, *SMALL, *chosen])


@pytest.mark.parametrize("lost", ["database", "database and indexes"])
def test_a_store_of_two_nights_is_made_anew_from_its_journal_with_the_same_bytes(
    lost: str, store_dir: Path, tmp_path: Path
) -> None:
    with faults.running() as server:
        build(store_dir, tmp_path, 1, server.url, *KNN)
        one = exported(store_dir)
        build(store_dir, tmp_path, 2, server.url, *KNN)
        two, sent = exported(store_dir), server.stats()["requests"]
        shutil.copytree(store_dir / "exports", tmp_path / "two")
        (store_dir / "wellspring.duckdb").unlink()
        shutil.rmtree(store_dir / "exports")
        if "indexes" in lost:
            shutil.rmtree(store_dir / "indexes")
        build(store_dir, tmp_path, 2, server.url, *KNN, "replay=true")

        assert server.stats()["requests"] == sent
    assert one != two
    assert exported(store_dir) == two, _differences(store_dir, tmp_path / "two")
