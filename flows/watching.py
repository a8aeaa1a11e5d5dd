"""A watch over the places of a profile's corpora: new archives start a run of the corpus, not only the clock.

A place is what `--corpus` takes: a folder, a glob, a bucket. What lies there is looked at every so often, by names,
sizes and times of change. A file that changed between two looks is still being written, and is waited for; others wait
with it, so that a burst of files is one run, but not for ever. A run that found the store at work is started again.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from wellspring.flows import terminal
from wellspring.flows.jobs import PARKED
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io import files
from wellspring.tasks.io.corpora import corpus_files

SEEN = "watched.json"  # in the store: what was there when a run was started last
DEPLOYMENT = "corpus/corpus-nightly"
MOST_WAITS = 10  # looks at which whole files wait for one that is still being written
MOST_REST = 60  # looks until a run is tried again that found the store at work, or died, many times
CRASHED = "Crashed"


class Watch:
    """What lies in some places now, and what lay there when a run was started last.

    Args:
        places: What to look at.
        store: The store's directory, where what was seen is kept.
        say: Is told what is wrong with a place, once.
    """

    def __init__(self, places: Sequence[str], store: Path, say: Callable[[str], object] = terminal.hint) -> None:
        self.places, self.store, self._say = tuple(places), store, say
        self._before: frozenset[str] | None = None
        self._standing = frozenset[str]()
        self._waits = 0
        self._wrong: dict[str, str] = {}

    def look(self) -> bool:
        """Look once; return whether there is something new that stood still since the look before, and may be read."""
        now, before = frozenset(state for place in self.places for state in self._states(place)), self._before
        self._before, self._standing = now, now & (before or frozenset())
        if not self._standing - self._seen():
            return False
        self._waits = self._waits + 1 if now != self._standing else 0
        return self._waits in {0, MOST_WAITS}

    def keep(self) -> None:
        """Note that a run was started for what stands there; of a place that is away, what was seen is still seen."""
        self._waits = 0
        self.store.mkdir(parents=True, exist_ok=True)
        seen = self._standing | (self._seen() if self._wrong else frozenset())
        files.write_json(self.store / SEEN, {"files": sorted(seen)})

    def forget(self) -> None:
        """Take it that nothing was read: a run that was started did not come to it."""
        (self.store / SEEN).unlink(missing_ok=True)

    def _seen(self) -> frozenset[str]:
        said = files.read_json(self.store / SEEN, dict[str, list[str]]) or {}
        return frozenset(said.get("files", ()))

    def _states(self, place: str) -> list[str]:
        """Return the state of each file of a place but the store's; nothing of one that is empty or away."""
        try:
            found = corpus_files.standing(place)
        except BrokenError as fault:
            if self._wrong.get(place) != fault.message:
                self._say(f"watch: {fault.message}")
            self._wrong[place] = fault.message
            return []
        self._wrong.pop(place, None)
        return [one for one in found if not one.startswith(f"{self.store}/")]


class Runs:
    """The runs that a watch starts, one after the other: new archives wait while one goes on.

    Args:
        seen: What is watched.
        start: Starts a run; returns its id.
        outcome: Returns the name of the state in which a run ended; empty while it goes on.
    """

    def __init__(self, seen: Watch, start: Callable[[], str], outcome: Callable[[str], str]) -> None:
        self._seen, self._start, self._outcome = seen, start, outcome
        self._run = ""
        self._rest = self._left = 0  # looks to let pass after runs that came to nothing, each time twice as many

    def look(self) -> None:
        """Look once, and start a run if there is something new, or if the last one did not come to it."""
        is_new = self._seen.look()
        if self._run:
            if not (ended := self._outcome(self._run)):
                return
            self._run = ""
            came_to_it = ended not in {PARKED, CRASHED}
            self._rest = 0 if came_to_it else min(2 * self._rest + 1, MOST_REST)
            self._left = self._rest
            if not came_to_it:
                self._seen.forget()
        self._left -= bool(self._left)
        if not self._left and is_new:
            self._run = self._start()
            self._seen.keep()


def watch(
    places: Sequence[str], store: Path, seconds: float, start: Callable[[], str], outcome: Callable[[str], str]
) -> Callable[[], None]:
    """Look every so often, in a thread, and start a run when there is something new.

    Args:
        places: What to look at.
        store: The store's directory.
        seconds: Between two looks.
        start: Starts a run, and returns its id. What it raises is tried again at the next look.
        outcome: Returns the name of the state in which a run ended; empty while it goes on.

    Returns:
        A function that ends the watch.
    """
    runs, ended = Runs(Watch(places, store), start, outcome), threading.Event()

    def go() -> None:
        while not ended.wait(seconds):
            try:
                runs.look()
            except Exception as fault:  # noqa: BLE001 - a server that is away for a while must not end the watch
                terminal.hint(f"watch: {type(fault).__name__}: {fault}; it is tried again in {seconds:g} s")

    thread = threading.Thread(target=go, name="watch", daemon=True)
    thread.start()

    def end() -> None:
        ended.set()
        thread.join()

    return end


def started() -> str:
    """Ask Prefect for a run of the corpus now; returns its id. One at a time is the deployment's own limit."""
    from prefect.deployments import run_deployment

    run: Any = run_deployment(DEPLOYMENT, timeout=0, as_subflow=False, tags=["new-archives"])
    return str(run.id)


def outcome(run: str) -> str:
    """Return the name of the state in which a flow run ended, or was deleted; empty while it goes on."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(run)).state
        except ObjectNotFound:
            return "Deleted"
    return (state.name or state.type.value) if state is not None and state.is_final() else ""
