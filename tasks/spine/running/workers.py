"""Workers of computed stages: processes, threads or Dask; none of them outlives the process that opened them."""

import contextlib
import ctypes
import multiprocessing
import multiprocessing.context
import os
import signal
import sys
import threading
import typing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings

PR_SET_PDEATHSIG = 1  # of Linux's prctl.h
START_SECONDS = 120  # for the workers of a local Dask cluster


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Open worker processes. They end with the block, at once if it is left early, and with this process."""
    context, others = _clean_processes(), set(multiprocessing.active_children())
    alive, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent, initargs=(alive,))
    with alive, ours:
        try:
            yield pool
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                _end_server()
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _end_server() -> None:
    """End the server that forks workers: it may be about to fork one more. The next pool starts another server."""
    server: Any = forkserver._forkserver  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its pid is told nowhere else
    if server._forkserver_pid is not None:  # noqa: SLF001
        os.kill(server._forkserver_pid, signal.SIGKILL)  # noqa: SLF001


def _end_with_parent(alive: Connection) -> None:
    """End this worker when the process that started it is gone, however it went: it would wait for ever.

    A page may hold it in C, where no thread of Python's gets a turn. So Linux is asked to kill it when the server that
    forked it is gone. That ends with our process, once no worker holds the pipe by which it hears of that.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        server: Any = forkserver._forkserver  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - told nowhere else
        os.close(server._forkserver_alive_fd)  # noqa: SLF001
        server._forkserver_alive_fd = None  # noqa: SLF001

    def wait() -> None:
        with contextlib.suppress(OSError, EOFError):
            alive.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _clean_processes() -> multiprocessing.context.BaseContext:
    """Return the way to start workers: forked from a server that has loaded our libraries and holds nothing of ours.

    Not forked from this process, since a child would keep the store's lock after its parent is killed. Two workers,
    measured on two cores: 0.8 s the first time and 0.01 s after that, against 1.1 s each time when they are spawned.
    A terminal sends Ctrl-C to all of them; that is ours to answer, so the server and its workers do not hear it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["wellspring.tasks.spine.running.sharding"])
    resource_tracker.ensure_running()  # starting it would let SIGINT through again
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    return context


def workers(settings: Settings) -> int:
    """Return how many workers the settings ask for; 0 is one per core this process may use."""
    return settings.threads or len(os.sched_getaffinity(0))


@contextmanager
def executor(settings: Settings) -> Iterator[Executor]:
    """Open the workers that the settings name: processes, threads, or Dask (`runner`).

    Raises:
        UsageError: `runner = "dask"` without the extra.
    """
    if settings.runner == "thread":
        pool = ThreadPoolExecutor(workers(settings))
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
    elif settings.runner == "process":
        with processes(workers(settings)) as pool:
            yield pool
    else:
        with _dask(settings) as pool:
            yield pool


@contextmanager
def _dask(settings: Settings) -> Iterator[Executor]:
    """Open the workers of a cluster that is there, or of one on this machine that ends with the block."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError('runner = "dask" needs the extra `dask`', hint="pip install 'wellspring[dask]'") from error
    if settings.dask_address:
        with Client(settings.dask_address) as client:
            yield client.get_executor(pure=False)
        return
    count = workers(settings)
    with (
        LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        _killed_if_left(cluster),
    ):
        typing.cast("Any", cluster).scale(count)
        client.wait_for_workers(count, timeout=START_SECONDS)
        yield client.get_executor(pure=False)


@contextmanager
def _killed_if_left(cluster: Any) -> Iterator[None]:
    """Kill the workers of a local cluster if the block is left early, also while they start.

    Dask waits for what they are at for 4 s, and for those that start for ten.
    """
    others = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise
