"""A watch over the places of a profile's corpora: new archives start a run of the corpus, not only the clock.

A place is what `--corpus` takes: a folder, a glob, a bucket. What lies there is looked at every so often, by names,
sizes and times of change. A file that changed between two looks is still being written, and is waited for.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from wellspring.flows import terminal
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io import files
from wellspring.tasks.io.corpora import corpus_files, streams

SEEN = "watched.json"  # in the store: what was there when a run was started last
DEPLOYMENT = "corpus/corpus-nightly"


class Watch:
    """What lies in some places now, and what lay there when a run was started last.

    Args:
        places: What to look at.
        store: The store's directory, where what was seen is kept.
    """

    def __init__(self, places: Sequence[str], store: Path) -> None:
        self.places, self.store = tuple(places), store
        self._before: list[str] | None = None

    def look(self) -> bool:
        """Look once; return whether there is something new that stood still since the look before."""
        now = sorted(state for place in self.places for state in _states(place))
        stands, self._before = now == self._before, now
        seen = files.read_json(self.store / SEEN, dict[str, list[str]]) or {}
        return stands and bool({*now} - {*seen.get("files", ())})

    def keep(self) -> None:
        """Note that a run was started for what lies there."""
        self.store.mkdir(parents=True, exist_ok=True)
        files.write_json(self.store / SEEN, {"files": self._before or []})


def _states(place: str) -> list[str]:
    """Return the state of each file of a place; nothing of one that is empty, or away for a while."""
    try:
        return [streams.state(uri) or uri for uri in corpus_files.expand(place)]
    except BrokenError:
        return []


def watch(places: Sequence[str], store: Path, seconds: float, start: Callable[[], object]) -> Callable[[], None]:
    """Look every so often, in a thread, and start a run when there is something new.

    Args:
        places: What to look at.
        store: The store's directory.
        seconds: Between two looks.
        start: Starts a run. What it raises is tried again at the next look.

    Returns:
        A function that ends the watch.
    """
    seen, ended = Watch(places, store), threading.Event()

    def go() -> None:
        while not ended.wait(seconds):
            try:
                if seen.look():
                    start()
                    seen.keep()
            except Exception as fault:  # noqa: BLE001 - a server that is away for a while must not end the watch
                terminal.hint(f"watch: {type(fault).__name__}: {fault}; it is tried again in {seconds:g} s")

    thread = threading.Thread(target=go, name="watch", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


def started() -> None:
    """Ask Prefect for a run of the corpus now; one at a time is the deployment's own limit."""
    from prefect.deployments import run_deployment

    run_deployment(DEPLOYMENT, timeout=0, as_subflow=False, tags=["new-archives"])
