"""What code that a model wrote must not touch, and what it may try to take: for the tests of both tiers of the sandbox."""

# ruff: noqa: E501 - an attack is read on its line

import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

EXHAUSTION = {
    "loop": "while True:\n        pass",
    "loop through errors": "while True:\n        try:\n            1 / 0\n        except Exception:\n            pass",
    "count for ever": "n = 0\n    while True:\n        n += 1",
    "sleep": "import time\n    time.sleep(3600)\n    return True",
    "recurse": "return evaluate(response)",
    "recurse in two": "def other(x):\n        return evaluate(x)\n    return other(response)",
    "double a text": "x = 'x'\n    while True:\n        x = x + x",
    "double a list": "x = [0]\n    while True:\n        x = x + x",
    "fill a dictionary": "x = {}\n    n = 0\n    while True:\n        x[n] = str(n)\n        n += 1",
    "ask for a huge text": "return len('x' * 10**12) > 0",
    "ask for a huge list": "return len([0] * 10**11) > 0",
    "ask for a huge number": "return 10 ** 10 ** 10 > 0",
    "square a number for ever": "x = 3\n    while True:\n        x = x * x",
    "shift a number far": "return (1 << 10**12) > 0",
    "print without end": "while True:\n        print('x' * 1000)",
    "an error of great length": "raise ValueError('x' * 10**9)",
    "a chain of errors": "e = None\n    while True:\n        n = ValueError('x' * 1000)\n        n.args = (e,)\n        e = n",
    "backtrack": "import re\n    return re.match('(a+)+$', 'a' * 40 + 'b') is not None",
    "a deep literal": "return eval('[' * 100000 + ']' * 100000) is not None",
    "a deep sum": "return eval('1' + '+1' * 300000) > 1",
    "a list that holds itself": "x = []\n    x.append(x)\n    return x == x.copy() or str(x) == ''",
    "a deep list": "x = []\n    for _ in range(10**6):\n        x = [x]\n    return str(x) == ''",
    "a deep JSON": "import json\n    return json.loads('[' * 10**6) is None",
    "a sum of everything": "return sum(range(10**12)) < 0",
    "sort what is being made": "return sorted(range(10**9)) == []",
    "a wide format": "return len('{:>1000000000000}'.format('x')) > 0",
}


class Canary:
    """What an attack would touch: a file, a folder, a variable, a port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "secret.txt"
        self.file.write_text("canary", encoding="utf-8")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.before = self._seen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.close()

    def code(self, statements: str) -> str:
        """Return a verifier of these statements, aimed at this canary."""
        port = str(self.server.getsockname()[1])
        for name, value in (
            ("FILE", str(self.file)),
            ("FOLDER", str(self.folder)),
            ("PORT", port),
            ("PID", str(os.getpid())),
            ("NAME", "WELLSPRING_CANARY"),
        ):
            statements = statements.replace(name, value)
        return f"def evaluate(response):\n    {statements}\n"

    def _seen(self) -> list[tuple[str, bytes]]:
        return [(str(path), path.read_bytes()) for path in sorted(self.folder.rglob("*")) if path.is_file()]

    def is_untouched(self) -> bool:
        """Whether nobody connected, and every file is there and as it was."""
        try:
            self.server.accept()
        except BlockingIOError:
            return self._seen() == self.before
        return False
