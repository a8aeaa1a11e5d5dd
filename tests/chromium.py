"""A browser without a window, a server of a folder for it, and what files of data hand to a page's script."""

import asyncio
import contextlib
import gc
import http.server
import json
import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wellspring.tasks.io import loopback

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Say nothing of what is asked for."""

    def log_message(self, *_: object, **__: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]  # pyright: ignore[reportReturnType] - a port
    finally:
        server.shutdown()
        server.server_close()


def opened(url: str, profile: Path, proxy: int, milliseconds: int = 4000) -> str:
    """Open a page in a browser of its own and return the document as it stands a while later."""
    command = [BROWSER or "", *FLAGS, f"--user-data-dir={profile}", f"--proxy-server=127.0.0.1:{proxy}"]
    command += [f"--virtual-time-budget={milliseconds}"]
    command += ["--proxy-bypass-list=127.0.0.1", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    return done.stdout.decode("utf-8", "replace")


def arrived(path: Path) -> Any:
    """Return what a file of data hands to the site's script."""
    return json.loads(re.sub(r"^wellspring\.arrived\(\"[^\"]+\",|\);\n$", "", path.read_text(encoding="utf-8")))


async def _ended() -> None:
    """End what is still served; transports close in a later turn of the loop."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0.05)


@contextlib.contextmanager
def served(site: loopback.Site) -> Iterator[int]:
    """Serve a site of ours in a thread of its own; yields its port."""
    loop, listening = asyncio.new_event_loop(), loopback.opened(0)
    serving = loop.create_task(loopback.served(site, listening))
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([serving])), daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(10)
    loop.run_until_complete(_ended())
    loop.close()
    gc.collect()
