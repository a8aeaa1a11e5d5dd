"""Nights of input: pages and seeds that come in turn, and small builds of all that has come so far."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import light, page_store
from wellspring.flows.dataset import dataset
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.standin.faults import FaultServer

SMALL = ("runner=thread", "threads=1", "embeddings.dimensions=64", "pages.show_values=false", "scores.judges=[]")
KNN = (
    'instructions.recipes=["attributed_grounding", "knn_instruct"]',
    "instructions.rounds=2",
    "selections.min_score=0",
)
WORDS = ["river", "mill", "harbour", "orchard", "glacier", "meadow", "quarry", "lantern", "canal", "vineyard"]


def pages(folder: Path, night: int, most: int = 99) -> str:
    """The pages of a night, as a corpus: those of the store, told anew for another place."""
    path = folder / f"pages-{night}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for name, text in list(page_store.PAGES.items())[:most]:
            place = WORDS[night]
            said = f"In the town by the {place} they tell it so. {text} The {place} is why it is done this way here. "
            file.write(json.dumps({"url": f"https://{name}-{night}.example/", "text": said * 2}) + "\n")
    return str(path)


def seeds(folder: Path, night: int, most: int = 99) -> str:
    """The seeds of a night, as a file: those of the store first, others of their own later."""
    other = [
        f"How do I tell the {WORDS[night]} of {n} friends about {word}s and {n * 7} boats?"
        for n, word in enumerate(WORDS)
    ]
    return page_store.write_seeds(folder / f"seeds-{night}.jsonl", (other if night else page_store.ASKED)[:most])


def inputs(folder: Path, nights: int, most: int = 99) -> list[str]:
    """The settings that name all that came in so many nights; at most so many pages and seeds of each."""
    corpora = ", ".join(f'{{path="{pages(folder, night, most)}"}}' for night in range(nights))
    return [
        f"sources.corpora=[{corpora}]",
        f"seeds.paths={json.dumps([seeds(folder, night, most) for night in range(nights)])}",
    ]


def build(store: Path, folder: Path, nights: int, url: str, *chosen: str) -> None:
    """Build all that came in so many nights, with the models of a server."""
    dataset.fn("smoke", str(store), [*inputs(folder, nights), f"models.base_url={url}", *SMALL, *chosen])


@contextmanager
def built_once(folder: Path, steps: Callable[[FaultServer], object]) -> Iterator[tuple[Path, FaultServer]]:
    """Build what a file of tests shares, without audits and pages; yields its folder, and the server that was asked.

    Args:
        folder: With the inputs.
        steps: The builds, given the server.
    """
    with faults.running() as server:
        with light.unaudited(), light.pageless():
            steps(server)
        yield folder, server
