"""What makes a function a flow of ours: how its runs are named, how they begin, and in which state they end."""

import functools
import sys
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, cast

from wellspring.tasks.contracts.errors import TransientError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.site import ending
from wellspring.tasks.spine.running import origin, runs
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching import alerts

if TYPE_CHECKING:
    from prefect import Flow, State

PARKED = "Parked"  # a state by name, which automations expect; by type CANCELLED: ended, no failure, no success
P = ParamSpec("P")


class Job(Generic[P]):
    """A function that becomes a flow once it is used as one: a run without Prefect does not wait for that to load."""

    def __init__(self, function: Callable[P, None]) -> None:
        """Take the function; it is called as it is by `fn`."""
        functools.update_wrapper(self, function)
        self.fn = _parked(function)

    @functools.cached_property
    def flow(self) -> "Flow[P, None]":
        """The flow: no persisted result, no retries, no butterflies."""
        from prefect import flow

        version = origin.versions().get("wellspring", "source")
        return flow(persist_result=False, version=version, flow_run_name=_run_name)(self.fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Run the flow."""
        self.flow(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Return what the flow has of this name."""
        return getattr(self.flow, name)


def job(function: Callable[P, None]) -> "Flow[P, None]":
    """Make a function of a profile, a store and overrides a flow; where Prefect is not loaded, one that will be."""
    made = Job(function)
    return made.flow if "prefect" in sys.modules else cast("Flow[P, None]", made)


def begin(name: str, settings: Settings, store: str, *, parts: Collection[str] = ()) -> AbstractContextManager[Run]:
    """Begin the run of a flow, or join the one at work; its pages are drawn when its outcome is written."""
    return runs.start(name, settings, store, parts=parts, then=ending.show)


def _parked(function: Callable[P, None]) -> Callable[P, None]:
    """Let a flow run end as `Parked` that is to be tried again later, and as `Cancelled` where a person pressed Ctrl-C.

    The state holds the error, so whoever called the flow gets it raised: the flow around it parks, too. Outside of
    Prefect the error goes on as it is.
    """

    @functools.wraps(function)
    def parks(*args: P.args, **kwargs: P.kwargs) -> "State[None] | None":
        try:
            function(*args, **kwargs)
        except (TransientError, KeyboardInterrupt) as ended:
            if not runs.in_flow():
                raise
            from prefect.states import Cancelled

            if isinstance(ended, TransientError):
                return Cancelled(name=PARKED, message=str(ended), data=ended)
            return Cancelled(message="stopped by a person; what was done is kept", data=ended)
        return None

    return parks  # pyright: ignore[reportReturnType] - what a flow returns is its state


def _run_name() -> str:
    """Say flow, store and the time it was due: `corpus ws-3f2a9c1b 2026-01-31 01:15`."""
    from prefect.runtime import flow_run

    store = alerts.store_label(str(flow_run.parameters.get("store", "")))
    due = flow_run.scheduled_start_time
    return f"{flow_run.flow_name} {store} {due:%Y-%m-%d %H:%M}"
