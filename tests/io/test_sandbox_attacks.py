"""Eighty-odd attacks on the first tier alone: each verifier says True if it got out, or takes what it can.

Kinds, not code, are those that generated verifiers and their prompts invite: files, processes, network, the host's
memory and modules, forged verdicts, exhaustion. One property for all: no verdict, no trace outside, nothing left over.
test_containment.py has the attacks that both tiers must hold.
"""

# ruff: noqa: E501 - an attack is read on its line

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.canary import EXHAUSTION, Canary
from wellspring.tasks.io import containment
from wellspring.tasks.io.sandbox import MEMORY_BYTES, Ran, Sandbox

# Statements of `evaluate(response)`; FILE, FOLDER, PORT, PID and NAME are filled in. What returns True got out.
FILES = {
    "read a file": "return 'canary' in open('FILE').read()",
    "read by os": "import os\n    return b'canary' in os.read(os.open('FILE', 0), 99)",
    "read by pathlib": "from pathlib import Path\n    return 'canary' in Path('FILE').read_text()",
    "read by io": "import io\n    return 'canary' in io.open('FILE').read()",
    "read passwd": "return 'root' in open('/etc/passwd').read()",
    "read the environment of the host": "return 'canary' in open('/proc/self/environ').read()",
    "read the memory of the host": "return len(open('/proc/self/mem', 'rb').read(10)) > 0",
    "read up the tree": "return 'canary' in open('../' * 20 + 'FILE'.lstrip('/')).read()",
    "write a file": "open('FOLDER/written', 'w').write('x')\n    return True",
    "append to a file": "open('FILE', 'a').write('x')\n    return True",
    "write by os": "import os\n    os.open('FOLDER/made', os.O_CREAT)\n    return True",
    "write by pathlib": "from pathlib import Path\n    Path('FOLDER/touched').touch()\n    return True",
    "make a folder": "import os\n    os.mkdir('FOLDER/sub')\n    return True",
    "delete a file": "import os\n    os.remove('FILE')\n    return True",
    "delete a tree": "import shutil\n    shutil.rmtree('FOLDER')\n    return True",
    "rename a file": "import os\n    os.rename('FILE', 'FILE.gone')\n    return True",
    "link a file": "import os\n    os.symlink('/etc/passwd', 'FOLDER/link')\n    return True",
    "list a folder": "import os\n    return len(os.listdir('/')) > 0",
    "make a temporary file": "import tempfile\n    return bool(tempfile.mkstemp())",
    "log to a file": "import logging\n    logging.basicConfig(filename='FOLDER/log')\n    logging.error('x')\n    return True",
    "keep in a database": "import sqlite3\n    sqlite3.connect('FOLDER/db').execute('create table t (x)')\n    return True",
    "unpickle a command": "import pickle\n    pickle.loads(b\"cos\\nsystem\\n(S'touch FOLDER/pickled'\\ntR.\")\n    return True",
}
PROCESSES = {
    "run a shell": "import os\n    return os.system('touch FOLDER/shell') == 0",
    "open a pipe": "import os\n    return bool(os.popen('id').read())",
    "run a program": "import subprocess\n    return subprocess.run(['true']).returncode == 0",
    "fork": "import os\n    return os.fork() >= 0",
    "fork without end": "import os\n    while True:\n        os.fork()",
    "replace the process": "import os\n    os.execv('/bin/true', ['true'])",
    "kill the parent": "import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)\n    return True",
    "kill the host by number": "import os\n    os.kill(PID, 9)\n    return True",
    "leave at once": "import os\n    os._exit(0)",
    "leave by exit": "import sys\n    sys.exit(0)",
    "leave by SystemExit": "raise SystemExit(0)",
    "interrupt": "raise KeyboardInterrupt",
    "ignore signals": "import signal\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    return True",
    "raise its own limits": "import resource\n    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\n    return True",
    "start a thread": "import threading\n    threading.Thread(target=print).start()\n    return True",
    "start a process": "import multiprocessing\n    multiprocessing.Process(target=print).start()\n    return True",
    "register for the end": "import atexit\n    atexit.register(print)\n    return True",
    "start a coroutine that runs a program": (
        "import asyncio\n    asyncio.run(asyncio.create_subprocess_exec('true'))\n    return True"
    ),
}
NETWORK = {
    "open a socket": "import socket\n    socket.create_connection(('127.0.0.1', PORT))\n    return True",
    "fetch a page": "import urllib.request\n    urllib.request.urlopen('http://127.0.0.1:PORT')\n    return True",
    "speak HTTP": "import http.client\n    http.client.HTTPConnection('127.0.0.1', PORT).request('GET', '/')\n    return True",
    "use requests": "import requests\n    requests.get('http://127.0.0.1:PORT')\n    return True",
    "resolve a name": "import socket\n    return bool(socket.gethostbyname('localhost'))",
    "send mail": "import smtplib\n    smtplib.SMTP('127.0.0.1', PORT)\n    return True",
}
HOST = {
    "read the environment": "import os\n    return 'canary' in str(dict(os.environ))",
    "read one variable": "import os\n    return os.getenv('NAME') is not None",
    "walk to all classes": "return len(().__class__.__base__.__subclasses__()) > 0",
    "walk by a string": "return bool(''.__class__.__mro__[1].__subclasses__())",
    "reach globals of a function": "return '__builtins__' in evaluate.__globals__",
    "reach the code of a function": "return evaluate.__code__ is not None",
    "reach a frame": "import sys\n    return sys._getframe(1) is not None",
    "reach a frame by an error": "try:\n        1 / 0\n    except Exception as e:\n        return e.__traceback__.tb_frame is not None",
    "look through the heap": "import gc\n    return len(gc.get_objects()) > 0",
    "look through modules": "import sys\n    return 'os' in sys.modules",
    "import by name": "return __import__('os').getpid() > 0",
    "import by importlib": "import importlib\n    return importlib.import_module('os').getpid() > 0",
    "call into C": "import ctypes\n    return ctypes.CDLL(None).getpid() > 0",
    "inspect the stack": "import inspect\n    return len(inspect.stack()) > 0",
    "evaluate an import": "return eval(\"__import__('os').getpid()\") > 0",
    "execute an import": "found = {}\n    exec('import os\\nfound = os.getpid()', found)\n    return found['found'] > 0",
    "compile code": "return eval(compile(\"__import__('os').getpid()\", 'x', 'eval')) > 0",
    "format its way in": "return 'builtins' in '{0.__globals__}'.format(evaluate)",
    "read standard input": "return input() is not None",
    "call a breakpoint": "breakpoint()\n    return True",
    "read another's answer": "return bool(expected)",
    "read the caller's names": "return 'expected' in globals() or 'expected' in locals()",
}
FORGED = {
    "an object that is always true": "class Yes:\n        def __bool__(self):\n            return True\n    return Yes()",
    "an object equal to all": "class All:\n        def __eq__(self, other):\n            return True\n    return All()",
    "a number for a verdict": "return 1",
    "a text for a verdict": "return 'True'",
    "a function for a verdict": "return lambda: True",
    "a list for a verdict": "return [True]",
    "a verdict on standard output": "print('True')\n    print('{\"value\": true}')",
    "a verdict by an error": "raise AssertionError('True')",
    "a verdict that changes its mind": "import random\n    return random.random() < 0.5",
    "a new meaning of len": "global len\n    len = lambda _: 0\n    return None",
    "a text that closes the call": "return response.__class__",
}
ROOMS = {
    "files": FILES,
    "processes": PROCESSES,
    "network": NETWORK,
    "host": HOST,
    "forged": FORGED,
    "exhaustion": EXHAUSTION,
}
HARMLESS = {"sleep", "backtrack", "a list that holds itself"}  # done at once, in linear time, without recursion
REFUSED = {"denied", "unsupported", "error"}
ENDS = {
    "files": REFUSED,
    "processes": REFUSED,
    "network": REFUSED,
    "host": REFUSED,
    "forged": REFUSED | {"not_bool", "unstable"},
    "exhaustion": REFUSED | {"timeout", "memory", "crashed"},
}


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    monkeypatch.setenv("WELLSPRING_CANARY", "canary")
    with Canary(tmp_path) as made:
        yield made


def test_there_are_as_many_attacks_as_were_promised() -> None:
    assert sum(map(len, ROOMS.values())) >= 82


@pytest.mark.slow
@pytest.mark.parametrize("room", list(ROOMS))
def test_no_attack_gets_a_verdict_leaves_a_trace_or_outlives_its_call(
    room: str, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containment, "tier", lambda: containment.Tier(is_there=False, prefix=(), said=""))
    mine = psutil.Process(os.getpid())
    ran: dict[str, Ran] = {}
    heaviest = 0
    with Sandbox() as sandbox:
        for name, statements in ROOMS[room].items():
            ran[name] = sandbox.verify(canary.code(statements), "three small words")
            children = mine.children(recursive=True)
            heaviest = max([heaviest, *(child.memory_info().rss for child in children)])
        after = sandbox.verify("def evaluate(response):\n    return True", "")
    ends = {name: one.outcome for name, one in ran.items() if name not in HARMLESS and one.outcome not in ENDS[room]}

    assert ends == {}
    assert canary.is_untouched()
    assert after.value is True
    assert heaviest < 4 * MEMORY_BYTES
    assert not [child for child in mine.children(recursive=True) if "monty" in child.name()]
