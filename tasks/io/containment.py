"""The second tier of the sandbox, from outside: starts `contained.py`, proves that it holds here, and asks it.

It runs inside bubblewrap (namespaces of its own for processes, network, files) where that is installed and works, else
without. Before it is used on a machine, attacks are made on it (`CANARIES`). If one gets out, or the kernel lacks
landlock or seccomp, the tier is left out, and `tier` says why. What comes back is read as from a stranger: a nonce that
the checked code never had, a length, plain JSON of known keys. A process that is late or speaks nonsense is killed, and
the next check starts another. A disk that fails while the tier is tried leaves it out.
"""

import functools
import json
import os
import platform
import secrets
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self, cast

VERSION = 1
ENGINE = f"cpython {sys.version_info[0]}.{sys.version_info[1]}"
SCRIPT = Path(__file__).with_name("contained.py")
START_SECONDS, GRACE_SECONDS = 20.0, 3.0
REPLY_BYTES = 1 << 20
NONCE_BYTES = 16
BUBBLEWRAP = (
    *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--chdir", "/"),
)
OUTCOMES = frozenset({"ok", "error", "unsupported", "denied", "timeout", "memory", "crashed", "not_plain"})
UNSAID = {"outcome": "unsupported", "detail": "the second tier gave no answer", "values": []}

CANARIES = {  # bodies of a function; True is a breach, an answer of any other kind is none
    "reads a file": "import os\n return os.open('FILE', os.O_RDONLY) >= 0",
    "lists a folder": "import os\n return len(os.listdir('/')) > 0",
    "writes a file": "import os\n return os.open('FOLDER/wellspring-canary', os.O_CREAT | os.O_WRONLY) >= 0",
    "opens a socket": "import socket\n return socket.socket() is not None",
    "opens a pair of sockets": "import socket\n return socket.socketpair() is not None",
    "forks": "import os\n return os.fork() >= 0",
    "runs a program": "import os\n os.execv('/bin/true', ['true'])",
    "signals its parent": "import os\n os.kill(os.getppid(), 0)\n return True",
    "sees a variable": "import os\n return len(os.environ) > 0",
    "raises its limits": "import resource as r\n r.setrlimit(r.RLIMIT_AS, (-1, -1))\n return True",
    "starts a thread": "import threading\n threading.Thread(target=print).start()\n return True",
    "opens a file by itself": "import sys\n c = sys.modules['__main__'].ctypes\n"
    " return c.CDLL(None).open(b'FILE', 0) >= 0",
    "reads its parent's memory": "import sys, os\n c = sys.modules['__main__'].ctypes\n"
    " return c.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0",
    "takes much memory": "return len(bytes(10**9)) > 0",
    "does not end": "while True: pass",
}


class Limits(NamedTuple):
    """What one run may take: seconds of the clock, and bytes beside those of the interpreter."""

    seconds: float = 1.0
    memory_bytes: int = 64 * 2**20


class Call(NamedTuple):
    """A call to make: of a function with plain arguments, or (without a name) of the program, which reads `stdin`."""

    function: str = ""
    arguments: Sequence[Any] = ()
    stdin: str = ""


class Tier(NamedTuple):
    """Whether the second tier runs on this machine: how it is started, and what to say of it."""

    is_there: bool
    prefix: tuple[str, ...]
    said: str


class Contained:
    """A process of the second tier; a context manager."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, and with it what it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def run(self, source: str, calls: Sequence[Call], limits: Limits, seed: int = 0) -> dict[str, Any]:
        """Run a source, make calls, and return `outcome`, `detail` and `values` (one a call); code raises nothing."""
        asked = {
            "source": source,
            "calls": [call._asdict() for call in calls],
            "seed": seed,
            "seconds": limits.seconds,
            "memory": limits.memory_bytes,
        }
        text, nonce = json.dumps(asked).encode("ascii"), secrets.token_bytes(NONCE_BYTES)
        try:
            process = self._started()
            asks, _ = _pipes(process)
            asks.write(struct.pack("I", len(text)) + text + nonce)
            asks.flush()
            told = _told(process, nonce, limits.seconds + GRACE_SECONDS)
        except (OSError, ValueError, RecursionError) as error:
            self.close()
            return {**UNSAID, "detail": f"{UNSAID['detail']}: {error}"[:200]}
        except BaseException:  # Ctrl-C: the reply that is on its way is nobody's
            self.close()
            raise
        return _plain(told, len(calls))

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [*self._prefix, sys.executable, *("-s", "-S", "-P", "-B", "-X", "utf8"), str(SCRIPT)]
            pipe, null = subprocess.PIPE, subprocess.DEVNULL
            empty = {"PYTHONHASHSEED": "0"}  # so that sets have the same order each time
            self._process = subprocess.Popen(  # noqa: S603 - our own file, no words of others
                command, stdin=pipe, stdout=pipe, stderr=null, env=empty, cwd="/", start_new_session=True
            )
            self.facts = _told(self._process, b"0" * NONCE_BYTES, START_SECONDS)
            if "landlock" not in self.facts:
                raise ValueError(str(self.facts.get("lacks")))
        return self._process


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    """Return where a process is asked, and where it answers."""
    if process.stdin is None or process.stdout is None:
        raise OSError("a process without pipes")
    return process.stdin, process.stdout


def _told(process: "subprocess.Popen[bytes]", nonce: bytes, seconds: float) -> dict[str, Any]:
    """Read one reply.

    Raises:
        OSError: None came in time.
        ValueError: It is not what this process says.
    """
    until, (_, answers) = time.monotonic() + seconds, _pipes(process)
    head = _read(answers.fileno(), NONCE_BYTES + 4, until)
    length = int(struct.unpack("I", head[NONCE_BYTES:])[0])
    if head[:NONCE_BYTES] != nonce or length > REPLY_BYTES:
        raise ValueError("a reply to another question")
    told = json.loads(_read(answers.fileno(), length, until))
    if not isinstance(told, dict):
        raise ValueError("a reply of another form")  # noqa: TRY004 - what is said is wrong, not how it is called
    return cast("dict[str, Any]", told)


def _read(pipe: int, length: int, until: float) -> bytes:
    read = b""
    while len(read) < length:
        if not select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
            raise TimeoutError("no reply in time")
        if not (some := os.read(pipe, length - len(read))):
            raise OSError("the process ended")
        read += some
    return read


def _plain(told: dict[str, Any], calls: int) -> dict[str, Any]:
    """Return a reply if it has exactly the form that it should have."""
    values, outcome, detail = told.get("values"), told.get("outcome"), told.get("detail")
    is_whole = told.keys() == UNSAID.keys() and isinstance(detail, str) and isinstance(values, list)
    if not is_whole or outcome not in OUTCOMES or (outcome == "ok" and len(cast("list[Any]", values)) != calls):
        return UNSAID
    return {"outcome": outcome, "detail": str(detail)[:200], "values": values}


@functools.cache
def tier() -> Tier:
    """Try the second tier on this machine, inside bubblewrap and without; once a process."""
    if not sys.platform.startswith("linux"):
        return Tier(is_there=False, prefix=(), said=f"left out: {platform.system()} has no landlock and seccomp")
    wrapped = shutil.which("bwrap")
    ways: list[tuple[str, ...]] = [(wrapped, *BUBBLEWRAP), ()] if wrapped else [()]
    why = ""
    for way in ways:
        try:
            why, facts = proven(way)
        except OSError as error:
            why, facts = f"it cannot be tried: {error}", {}
        if not why:
            where = " inside bubblewrap" if way else ""
            said = f"{ENGINE} behind landlock {facts['landlock']} and seccomp{where}; {len(CANARIES)} attacks were held"
            return Tier(is_there=True, prefix=way, said=said)
    return Tier(is_there=False, prefix=(), said=f"left out: {why}")


def proven(prefix: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Attack the second tier, and return what is wrong with it (nothing: empty), and what it said of its kernel."""
    with tempfile.TemporaryDirectory() as folder, Contained(prefix) as contained:
        honest = contained.run("def f(x): return x == 'a'", [Call("f", ["a"]), Call("f", ["b"])], Limits())
        if honest["values"] != [True, False]:
            return f"it does not run: {honest['detail']}", contained.facts
        Path(folder).chmod(0o777)
        for name, body in CANARIES.items():
            code = f"def f():\n {body}\n".replace("FILE", str(SCRIPT)).replace("FOLDER", folder)
            said = contained.run(code, [Call("f")], Limits(seconds=0.2))
            if said["values"] == [True] or any(Path(folder).iterdir()):
                return f"an attack got out of it ({name})", contained.facts
    return "", contained.facts
