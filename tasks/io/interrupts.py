"""Ctrl-C and SIGTERM during a run of the command line: what is said at once, and how a second one leaves at once.

Python runs its handlers in the main thread only, and that may be in C for minutes (a query, an index). So a thread
hears of a signal too: it says what happens now, breaks off what the main thread is stuck in, and ends the process at
the second signal. The first one becomes one KeyboardInterrupt in the main thread; after that everything is closed in
order, and nothing interrupts that half-way. Where Wellspring is a library, handlers are the host's.
"""

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NoReturn

import rich.console

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT = 128  # and the signal's number, as shells have it
ONE_SECONDS = 0.1  # closer together two are one: some wrappers hand a child the Ctrl-C that it had already
STUCK_SECONDS = 0.3  # after which the main thread is in C, and is broken off
_SHOW_CURSOR = "\x1b[?25h"  # progress bars hide it

_owned = threading.Event()
_code: list[int] = []


def own_process() -> None:
    """Say that this process is the command line's own: a second signal may end it."""
    if not _owned.is_set():
        atexit.register(_end)  # the first to be registered is the last to be called
    _owned.set()


def exit_by(number: int) -> NoReturn:
    """Leave in order, with the exit code that shells have for a signal.

    A KeyboardInterrupt that passed through `exec` of a text (each dataclass makes one, at an import) is remembered by
    CPython as one that nobody caught: at the very end it would kill the process by SIGINT, whatever its exit code is.
    """
    _code.append(EXIT + number)
    raise SystemExit(EXIT + number)


def unread(stream: IO[str]) -> None:
    """Note that nobody reads a stream any more: what is written to it goes nowhere, and the process is stopped.

    Raises:
        KeyboardInterrupt: By SIGPIPE, in the main thread; what other threads say is lost. The signal itself stays
            ignored, since a server that hangs up would send it, too.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    if threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt(signal.SIGPIPE)


class Console(rich.console.Console):
    """A console whose reader may leave, as `head` does."""

    def on_broken_pipe(self) -> None:
        """Stop; rich would end with the exit code of something broken."""
        unread(self.file)


def _end() -> None:
    if _code:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(_code[-1])


class Stop:
    """Whether a run was asked to stop."""

    def __init__(self, say: Callable[[], None], break_off: Callable[[], None]) -> None:
        self._say, self._break_off = say, break_off
        self._saying = threading.Lock()
        self._is_said = self._is_raised = False
        self.signal = 0
        self.numbers: list[int] = []  # of the signals that are ours to answer

    @property
    def is_asked(self) -> bool:
        """Whether it was."""
        return bool(self.signal)

    def say(self) -> None:
        """Say what happens now, once."""
        with self._saying:
            is_first, self._is_said = not self._is_said, True
        if is_first:
            self._say()

    def interrupt(self, number: int, _: Any) -> None:
        """Interrupt the main thread, at the first signal only."""
        self.signal = number
        if not self._is_raised:
            self._is_raised = True
            raise KeyboardInterrupt(number)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have signals interrupt while the block runs: Prefect takes SIGTERM for itself with each flow in a flow."""
        before = {number: signal.signal(number, self.interrupt) for number in self.numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def listen(self, heard: int) -> None:
        """Hear signals until the pipe is closed."""
        first = 0.0
        while True:
            if first and not self._is_raised and not select.select([heard], [], [], STUCK_SECONDS)[0]:
                self._break_off()
                continue
            came = os.read(heard, 1)
            if not came:
                return
            if came[0] not in SIGNALS:
                continue
            if not first:
                first, self.signal = time.monotonic(), came[0]
                self.say()
            elif time.monotonic() - first > ONE_SECONDS:
                _leave(came[0])


def _leave(number: int) -> None:
    shown = _SHOW_CURSOR if sys.stderr.isatty() else ""
    said = (
        f"{shown}\nleft at once: what was written is kept, calls that were out count as paid; the same command goes on"
    )
    os.write(2, f"{said}\n".encode())
    os._exit(EXIT + number)


@contextmanager
def heard(say: Callable[[], None], break_off: Callable[[], None]) -> Iterator[Stop]:
    """Hear signals while the block runs.

    Args:
        say: Tells the person what happens now; called once, from any thread.
        break_off: Ends what the main thread is stuck in, if it can be ended.
    """
    stop = Stop(say, break_off)
    # `import polars` installs SIGINT with SA_RESTART: waits without an end would go on. See `waits.py`.
    signal.siginterrupt(signal.SIGINT, True)
    if _owned.is_set() and threading.current_thread() is threading.main_thread():
        stop.numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if not stop.numbers:
        yield stop
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    thread = threading.Thread(target=stop.listen, args=(read,), name="signals", daemon=True)
    with stop.taken():
        woken = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        thread.start()
        try:
            yield stop
        finally:
            signal.set_wakeup_fd(woken)
            os.close(write)
            thread.join()
            os.close(read)
