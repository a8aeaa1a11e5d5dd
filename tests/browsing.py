"""A tab of a real browser that is driven as a person drives one: it clicks what is visible, types, and looks.

It speaks the DevTools protocol of Chromium over a socket of this machine. What is clicked is named by its visible text.
"""

import base64
import contextlib
import functools
import json
import socketserver
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.chromium import BROWSER, FLAGS, Quiet, serving

PATIENCE = 30.0  # seconds until what is waited for has to be there
POLL = 0.005
FINDING = (Path(__file__).parent / "data" / "finding.js").read_text(encoding="utf-8")
CODES = {"Tab": 9}
PRESSED = "a[href], button, summary"


class Tab:
    """A tab: where it is, what is seen in it, and how often it was clicked."""

    def __init__(self, socket: ClientConnection) -> None:
        """Take the socket of a tab."""
        self._socket, self._sent, self.clicks = socket, 0, 0
        self.send("Page.enable")
        self.send("Page.addScriptToEvaluateOnNewDocument", source=FINDING)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=PATIENCE))
            if said.get("id") == self._sent:
                assert "error" not in said, (method, said)
                return said["result"]

    def value(self, script: str) -> Any:
        """Return what an expression is worth on the page."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, (script, found)
        return found["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until an expression is true on the page."""
        stop = time.monotonic() + PATIENCE
        while not self._tried(f"Boolean({script})"):
            assert time.monotonic() < stop, f"not there: {script}\n{self.text('body')[:2000]}"
            time.sleep(POLL)

    def _tried(self, script: str) -> Any:
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return None if "exceptionDetails" in found else found["result"].get("value")

    def go(self, url: str) -> None:
        """Open an address and wait until its page is loaded."""
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def form(self, wide: int, tall: int, *, is_dark: bool = False) -> None:
        """Give the window a size, and a light or dark look."""
        self.send("Emulation.setDeviceMetricsOverride", width=wide, height=tall, deviceScaleFactor=1, mobile=False)
        look = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[look])

    def click(self, text: str, near: str = "") -> None:
        """Press the link, button or line to open with this text; of several the one in a part that says `near`."""
        self._press(f"theFound({json.dumps(PRESSED)}, {json.dumps(text)}, {json.dumps(near)})")

    def click_on(self, selector: str) -> None:
        """Press what a selector names: the first thing of a kind, as the first number of a table."""
        self._press(f"[...document.querySelectorAll({json.dumps(selector)})].find(theSeen)")

    def _press(self, found: str) -> None:
        self.until(f"(window.thePressed = {found}) !== undefined")
        self.value("thePressed.scrollIntoView({ block: 'center', behavior: 'instant' })")
        x, y = self.value("theMiddle(thePressed)")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.clicks += 1
        self.until("document.readyState === 'complete'")

    def choose(self, label: str, option: str) -> None:
        """Choose what begins with a text from the list under a label: a click to open it, and one to choose."""
        field = f"document.getElementById(theFound('label', {json.dumps(label)}).htmlFor)"
        self.until(f"[...{field}.options].some((one) => one.text.startsWith({json.dumps(option)}))")
        wanted = f"[...{field}.options].find((one) => one.text.startsWith({json.dumps(option)})).value"
        self.value(f"{field}.value = {wanted}; {field}.dispatchEvent(new Event('change', {{ bubbles: true }}))")
        self.clicks += 2

    def type(self, label: str, text: str) -> None:
        """Type into the field under a label: a click into it, and keys."""
        self.until(f"theFound('label', {json.dumps(label)}) !== undefined")
        self.value(f"document.getElementById(theFound('label', {json.dumps(label)}).htmlFor).focus()")
        self.send("Input.insertText", text=text)
        self.clicks += 1

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=CODES.get(key, 0))

    def text(self, selector: str = "main") -> str:
        """Return what is seen in a part of the page."""
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText || ''")

    def shot(self, path: Path) -> None:
        """Take a picture of what is seen."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def tab(profile: Path) -> Iterator[Tab]:
    """Open a browser with one tab.

    Args:
        profile: A new folder for what the browser keeps.
    """
    flags = (*FLAGS, "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}")
    command = [BROWSER or "", *flags, "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as browser:
        try:
            told, stop = profile / "DevToolsActivePort", time.monotonic() + PATIENCE
            while not (told.is_file() and told.read_text().count("\n")):
                assert time.monotonic() < stop, "the browser does not answer"
                time.sleep(POLL)
            port = told.read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as answer:
                address = next(one for one in json.load(answer) if one["type"] == "page")["webSocketDebuggerUrl"]
            with connect(address, max_size=None, compression=None) as socket:
                yield Tab(socket)
        finally:
            browser.terminate()


@contextlib.contextmanager
def site(folder: Path, profile: Path) -> Iterator[tuple[Tab, str]]:
    """Serve a folder on this machine and open a browser; yields the tab and the address of the folder."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    with serving(server) as port, tab(profile) as opened:
        yield opened, f"http://127.0.0.1:{port}"
