"""Prefect's temporary server, where none is configured: it ends with the process that it serves, however that goes.

Prefect stops it when the process ends in order. Killed, or left at once, the process would leave it behind, with a
quarter of a gigabyte. So a shell waits at a pipe whose other end is ours, and kills the server when that end is gone.
"""

import contextlib
import subprocess
from typing import Any

from prefect.server.api.server import SubprocessASGIServer

_KILL = 'read -r _; kill -9 "$0"'


class TemporaryServer(SubprocessASGIServer):
    """The server that Prefect starts by itself; whoever makes one first decides its class."""

    _guard: "subprocess.Popen[bytes] | None" = None

    def _run_uvicorn_command(self) -> "subprocess.Popen[Any]":
        server = super()._run_uvicorn_command()
        self._dismiss()
        self._guard = subprocess.Popen(  # noqa: S603 - a fixed command and a number
            ["/bin/sh", "-c", _KILL, str(server.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        return server

    def stop(self) -> None:
        """Stop it in order; the guard goes once it is gone, before its number is another's."""
        super().stop()
        self._dismiss()

    def _dismiss(self) -> None:
        if self._guard is None:
            return
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
        self._guard = None
