"""The second tier's process: CPython that runs what a model wrote, where the kernel lets it reach nothing.

`containment.py` starts this file as a program of its own, with an empty environment. It imports a fixed part of the
standard library, gives up its user, its right to gain rights and every file (landlock), and waits for requests. For
each it forks a child. The child closes what it holds, takes limits of memory and time, and lets seccomp refuse all but
34 calls into the kernel. It can compute, and write its answer into a pipe. The pipeline imports nothing of this file,
and this file nothing of the pipeline. No file is opened and no network is used after the start.

The filter is built by hand and put in by ctypes: pyseccomp would need libseccomp, which many machines lack.

A request is a length and JSON; then comes a nonce, which is read after the fork, so the child never had it in memory.
The reply is that nonce, a length, and JSON: how the child ended and what it said. The child signs with a word that is
drawn for it alone. Code that finds the word can say no more than it could return: its own verdict.
"""

import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import platform
import random
import resource
import select
import signal
import struct
import sys
import time
from typing import Any

GIVEN = """
abc argparse array ast base64 binascii bisect builtins calendar cmath codecs collections collections.abc
colorsys contextlib copy csv dataclasses datetime decimal difflib enum fractions functools gc graphlib hashlib
heapq hmac html html.entities html.parser inspect io itertools json keyword ipaddress linecache locale logging
math numbers operator os pathlib pickle pprint queue random re reprlib secrets select shlex signal socket
statistics string struct sys textwrap threading time timeit tokenize traceback types typing unicodedata
urllib.parse uuid warnings weakref xml.dom.minidom xml.etree.ElementTree zlib zoneinfo
"""
CODECS = ("ascii", "latin_1", "utf_8", "utf_8_sig", "utf_16", "utf_32", "cp1252", "idna", "punycode", "unicode_escape")
SAID_BYTES = 64 * 2**10
PRINTED_CHARS = 16 * 2**10
INTERPRETER_BYTES = 128 * 2**20  # address space of the interpreter and its modules, before any code
STACK_BYTES = 8 * 2**20
NOBODY = 65534

# By machine: the number that the kernel knows it by, and those of read write close fstat lseek mmap mprotect munmap brk
# mremap madvise, its own signals (4), sched_yield nanosleep clock_nanosleep restart_syscall gettimeofday (time)
# clock_gettime clock_getres futex getrandom, who it is (6), set_robust_list rseq exit exit_group.
CALLS = {
    "x86_64": (
        0xC000003E,
        [
            *(0, 1, 3, 5, 8, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 24, 35, 230, 219, 96, 201, 228, 229, 202, 318),
            *(39, 102, 104, 107, 108, 186, 273, 334, 60, 231),
        ],
    ),
    "aarch64": (
        0xC00000B7,
        [
            *(63, 64, 57, 80, 62, 222, 226, 215, 214, 216, 233, 134, 135, 139, 132, 124, 101, 115, 128, 169, 113, 114),
            *(98, 278, 172, 174, 176, 175, 177, 178, 99, 293, 93, 94),
        ],
    ),
}
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
FILTER_KILL, FILTER_REFUSE, FILTER_ALLOW = 0x80000000, 0x00050001, 0x7FFF0000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


class Stopped(Exception):  # noqa: N818 - a way out, no error
    """What the kernel lacks; the process says it and ends."""


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def landlock() -> int:
    """Take every right to files, TCP ports, devices, abstract sockets and signals from this process, for good.

    Returns:
        The kernel's version of landlock.

    Raises:
        Stopped: The kernel has none.
    """
    library = _library()
    version = library.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        raise Stopped("this kernel has no landlock")
    rights = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    ruled = struct.pack("QQQ", rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)  # noqa: PLR2004
    size = 8 if version < 4 else 16 if version < 6 else 24  # noqa: PLR2004
    rules = library.syscall(LANDLOCK_CREATE, ruled, ctypes.c_size_t(size), 0)
    if rules < 0 or library.syscall(LANDLOCK_RESTRICT, rules, 0) != 0:
        raise Stopped("landlock cannot be put in force")
    os.close(rules)
    return version


def seccomp() -> None:
    """Let the kernel refuse all calls of this process but those of `CALLS`, for good.

    Raises:
        Stopped: The kernel or the machine has no filter of ours.
    """
    if platform.machine() not in CALLS:
        raise Stopped(f"no list of system calls for {platform.machine()}")
    machine, allowed = CALLS[platform.machine()]
    code = [(LOAD, 0, 0, 4), (JUMP_IF_EQUAL, 1, 0, machine), (RETURN, 0, 0, FILTER_KILL), (LOAD, 0, 0, 0)]
    code += [(JUMP_IF_EQUAL, len(allowed) - i, 0, number) for i, number in enumerate(allowed)]
    code += [(RETURN, 0, 0, FILTER_REFUSE), (RETURN, 0, 0, FILTER_ALLOW)]
    lines = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(lines))
    if _library().prctl(PR_SET_SECCOMP, 2, program, 0, 0) != 0:
        raise Stopped("this kernel has no seccomp filters")


def give_up() -> int:
    """Give up user, groups, new rights and files; end when the one who started this ends."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # in a user namespace there may be nobody else to be
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
    library = _library()
    if library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise Stopped("this kernel lets a process gain rights")
    library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return landlock()


def _confine(said: int, null: int, parent: int, asked: dict[str, Any]) -> None:
    """Leave a child nothing but its answer's pipe (3), its memory and its time."""
    _library().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise Stopped("the parent is gone")
    for number, held in enumerate((null, null, null, said)):
        os.dup2(held, number)
    os.closerange(4, 1024)
    limits = {
        resource.RLIMIT_AS: INTERPRETER_BYTES + asked["memory"],
        resource.RLIMIT_CPU: int(asked["seconds"]) + 1,
        resource.RLIMIT_STACK: STACK_BYTES,
        **dict.fromkeys((resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE), 0),
        **dict.fromkeys((resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE), 0),
    }
    for name, most in limits.items():
        resource.setrlimit(name, (most, most))
    seccomp()


class _Printed(io.StringIO):
    """What a program printed, up to a length."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > PRINTED_CHARS:
            raise MemoryError(f"more than {PRINTED_CHARS} characters printed")
        return super().write(text)


def _outcome(error: BaseException) -> str:
    """Name what stopped the code: a module that is not here is `unsupported`, what the kernel refuses is `denied`."""
    if isinstance(error, ImportError):
        return "unsupported"
    if isinstance(error, MemoryError):
        return "memory"
    return "denied" if isinstance(error, OSError) or "can't start new thread" in str(error) else "error"


def _stopped(error: BaseException) -> dict[str, Any]:
    try:
        outcome, said = _outcome(error), f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - an error of the code's own may raise anything when it is shown
        outcome, said = "error", "an error that cannot be shown"
    return {"outcome": outcome, "detail": said[:200], "values": []}


def _run(source: str, calls: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Run a source once for its functions, or once for each text that it is to read; what each call gave."""
    random.seed(seed)
    try:
        code = compile(source, "<code>", "exec", dont_inherit=True)
    except SyntaxError as error:  # the first tier could read it: it is of a newer Python
        return {**_stopped(error), "outcome": "unsupported"}
    except BaseException as error:  # noqa: BLE001
        return _stopped(error)
    try:
        return {"outcome": "ok", "detail": "", "values": _values(code, calls)}
    except BaseException as error:  # noqa: BLE001 - whatever it raises, SystemExit too
        return _stopped(error)


def _values(code: Any, calls: list[dict[str, Any]]) -> list[Any]:
    if not calls or calls[0]["function"]:
        names: dict[str, Any] = {"__name__": "code" if calls else "__main__"}
        sys.stdin, sys.stdout = io.StringIO(), _Printed()
        exec(code, names)  # noqa: S102 - it is what this process is for
        return [names[call["function"]](*call["arguments"]) for call in calls]
    return [_printed(code, call["stdin"]) for call in calls]


def _printed(code: Any, text: str) -> str:
    """Return what a whole program prints that reads a text; it may end itself, if it ends well."""
    sys.stdin, sys.stdout = io.StringIO(text), (printed := _Printed())
    try:
        exec(code, {"__name__": "__main__"})  # noqa: S102
    except SystemExit as end:
        if end.code not in {None, 0}:
            raise
    return printed.getvalue()


def _child(said: int, null: int, parent: int, asked: dict[str, Any], word: str) -> None:
    write, leave, dumps = os.write, os._exit, json.dumps  # the code may give these names other meanings
    try:
        _confine(said, null, parent, asked)
    except BaseException:  # noqa: BLE001 - a child that is not confined runs nothing
        leave(1)
    ended = _run(asked["source"], asked["calls"], asked["seed"])
    try:
        text = dumps({"word": word, **ended}, allow_nan=False)
    except BaseException as error:  # noqa: BLE001
        text = dumps({"word": word, **_stopped(error), "outcome": "not_plain"})
    write(3, text.encode("ascii")[: SAID_BYTES + 1])
    leave(0)


def _heard(pipe: int, pid: int, seconds: float) -> tuple[str, bytes]:
    """Read what a child says until it ends or its time does; then it is no more."""
    until, said, is_over = time.monotonic() + seconds, b"", False
    child = os.pidfd_open(pid)
    watched = [pipe, child]
    while not is_over and len(said) <= SAID_BYTES and (left := until - time.monotonic()) > 0:
        ready = select.select(watched, [], [], left)[0]
        if pipe in ready:
            said += (some := os.read(pipe, SAID_BYTES))
            if not some:
                watched.remove(pipe)
        elif ready:
            is_over = True
    os.kill(pid, signal.SIGKILL)
    os.close(child)
    status = os.waitpid(pid, 0)[1]
    if len(said) > SAID_BYTES:
        return "memory", b""
    if not is_over:
        return "timeout", b""
    return ("crashed", b"") if status else ("ended", said)


def _answered(asked: dict[str, Any], null: int) -> dict[str, Any]:
    """Fork a child for a request, hear it, and believe it only if it knows its word."""
    pipe, said = os.pipe()
    word, parent = os.urandom(16).hex(), os.getpid()
    pid = os.fork()
    if not pid:
        _child(said, null, parent, asked, word)
    os.close(said)
    try:
        end, text = _heard(pipe, pid, asked["seconds"])
    finally:
        os.close(pipe)
    if end != "ended":
        return {"outcome": end, "detail": "", "values": []}
    with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError, RecursionError):
        told = json.loads(text)
        if told.pop("word") == word:
            return told
    return {"outcome": "crashed", "detail": "it ended without an answer", "values": []}


def _read(stream: Any, length: int) -> bytes:
    """Read so many bytes of the one who asks; the process ends where there are no more."""
    if len(read := stream.read(length)) < length:
        os._exit(0)
    return read


def _refused(*_: object) -> int:
    """Stand in for `os.system`, which would give a number where the kernel refuses it."""
    raise PermissionError("no programs are run here")


def _tell(stream: Any, nonce: bytes, reply: dict[str, Any]) -> None:
    text = json.dumps(reply).encode("ascii")
    stream.write(nonce + struct.pack("I", len(text)) + text)
    stream.flush()


def main() -> None:
    """Serve requests on standard input until it is closed."""
    for name in (*GIVEN.split(), *(f"encodings.{codec}" for codec in CODECS)):
        with contextlib.suppress(ImportError):  # a Python that was built without it
            importlib.import_module(name)
    for name in ("ctypes", "_ctypes"):
        del sys.modules[name]
    os.system = _refused
    sys.path, sys.argv, sys.path_importer_cache = [], [""], {}
    os.environ.clear()
    null, asks, tells = os.open(os.devnull, os.O_RDWR), sys.stdin.buffer, sys.stdout.buffer
    nonce = b"0" * 16
    try:
        _tell(tells, nonce, {"landlock": give_up()})
    except (Stopped, OSError) as stop:
        _tell(tells, nonce, {"lacks": str(stop)})
        return
    gc.collect()
    gc.freeze()
    while True:
        asked = json.loads(_read(asks, struct.unpack("I", _read(asks, 4))[0]))
        reply = _answered(asked, null)
        nonce = _read(asks, 16)
        _tell(tells, nonce, reply)


if __name__ == "__main__":
    main()
