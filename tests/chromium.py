"""A browser without a window, a server of a folder for it, and what files of data hand to a page's script."""

import contextlib
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
