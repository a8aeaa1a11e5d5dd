"""More than 300 attacks on each tier of the sandbox: True means that it got out. And how the second tier is left out.

The second tier is real Python, so its code may look at itself. What it must not reach is the host: files, processes,
network, environment, another's verdict, more memory or time. Some attacks call into the kernel by number.
"""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import psutil
import pytest

from tests.canary import EXHAUSTION, Canary
from wellspring.tasks.io import containment
from wellspring.tasks.io.contained import INTERPRETER_BYTES
from wellspring.tasks.io.containment import BUBBLEWRAP, SCRIPT, Call, Contained, Limits, Tier, proven
from wellspring.tasks.io.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="landlock and seccomp are Linux's")

PATHS = (
    "FILE",
    "/etc/passwd",
    "/proc/self/environ",
    "/proc/1/status",
    "../../../../../../../../etc/hostname",
    "/dev/zero",
)
READS = (
    "open(P).read(9)",
    "open(P, 'rb').read(9)",
    "__import__('io').open(P).read(9)",
    "__import__('io').FileIO(P).read(9)",
    "__import__('_io').open_code(P).read(9)",
    "os.read(os.open(P, 0), 9)",
    "os.read(os.open(P, os.O_PATH), 9)",
    "pathlib.Path(P).read_bytes()",
    "pathlib.Path(P).open().read(9)",
    "linecache.getline(P, 1)",
    "tokenize.open(P).read(9)",
    "codecs.open(P).read(9)",
    "importlib.machinery.SourceFileLoader('x', P).get_data(P)",
    "runpy.run_path(P)",
    "mmap.mmap(os.open(P, 0), 9)",
    "os.stat(P).st_mode",
    "os.path.exists(P)",
    "os.access(P, os.R_OK)",
    "os.statvfs(P).f_bsize",
    "os.listdir(os.path.dirname(P))",
    "list(os.scandir(os.path.dirname(P)))",
    "list(pathlib.Path(P).parent.iterdir())",
    "os.readlink('/proc/self/exe') + P",
    "os.getxattr(P, 'user.x')",
    "fileinput.input(P).readline()",
    "print.__self__.open(P).read(9)",
    "[c for c in object.__subclasses__() if c.__name__ == '_RawIOBase'][0].__subclasses__()[0](P).read(9)",
    "sys.modules['__main__'].ctypes.CDLL(None).open(P.encode(), 0) >= 0",
)
WRITES = (
    "open(P, 'w').write('x')",
    "open(P, 'a').write('x')",
    "os.write(os.open(P, os.O_CREAT | os.O_WRONLY), b'x')",
    "pathlib.Path(P).write_text('x')",
    "pathlib.Path(P).touch() is None",
    "os.mkdir(P + '.d') is None",
    "os.mkfifo(P + '.p') is None",
    "os.mknod(P + '.n') is None",
    "os.symlink('/etc/passwd', P + '.s') is None",
    "os.link('/etc/passwd', P + '.l') is None",
    "os.remove(P) is None",
    "os.unlink(P) is None",
    "os.rename(P, P + '.r') is None",
    "os.replace(P, P + '.r') is None",
    "os.truncate(P, 0) is None",
    "os.chmod(P, 0o777) is None",
    "os.utime(P) is None",
    "os.chdir(os.path.dirname(P)) is None",
    "os.memfd_create(P[:9])",
    "sqlite3.connect(P).execute('create table t (x)')",
    "sys.modules['__main__'].ctypes.CDLL(None).creat(P.encode(), 0o777) >= 0",
    'pickle.loads(b"cos\\nmkdir\\n(S\'" + P.encode() + b".k\'\\ntR.") is None',
)
STARTS = (
    "os.fork() >= 0",
    "os.forkpty()",
    "os.system('true') == 0",
    "os.popen('id').read()",
    "os.execv('/bin/true', ['true'])",
    "os.execve(sys.executable or '/bin/sh', ['x'], {})",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.posix_spawnp('true', ['true'], {})",
    "os.spawnv(os.P_NOWAIT, '/bin/true', ['true']) > 0",
    "subprocess.run(['true']).returncode == 0",
    "subprocess.Popen('true', shell=True).pid",
    "subprocess.check_output(['id'])",
    "multiprocessing.Process(target=print).start() is None",
    "concurrent.futures.ProcessPoolExecutor().submit(print).result(1) is None",
    "concurrent.futures.ThreadPoolExecutor().submit(print).result(1) is None",
    "threading.Thread(target=print).start() is None",
    "threading.Timer(0, print).start() is None",
    "__import__('_thread').start_new_thread(print, ())",
    "pty.spawn('/bin/true')",
    "os.setsid()",
    "os.setuid(0) is None",
    "os.setgid(0) is None",
    "os.setgroups([0]) is None",
    "os.nice(-5)",
    "os.setpriority(os.PRIO_PROCESS, 0, -5) is None",
    "os.sched_setaffinity(0, [0]) is None",
    "os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)) is None",
    "os.chroot('/') is None",
    "os.pidfd_open(os.getppid())",
    "os.pipe()",
    "os.dup(0)",
    "os.dup2(3, 99)",
    "os.eventfd(0)",
    "os.openpty()",
    "os.unshare(0)",
    "os.waitpid(-1, 0)",
    "os.umask(0) >= 0",
)
SIGNALS = tuple(
    f"os.kill({who}, {number}) is None" for who, number in product(("PID", "os.getppid()", "1", "-1"), (0, 9, 15, 19))
)
LIMITED = tuple(
    f"[resource.setrlimit(resource.RLIMIT_{name}, (-1, -1)), 1]"
    for name in ("AS", "CPU", "STACK", "NPROC", "FSIZE", "CORE", "MEMLOCK", "MSGQUEUE")
)
FAMILIES_OF_SOCKETS = ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG")
CONNECTS = (
    *(
        f"socket.socket(socket.{family}, socket.{kind})"
        for family, kind in product(FAMILIES_OF_SOCKETS, ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_SEQPACKET"))
    ),
    *(f"socket.fromfd({number}, socket.AF_INET, socket.SOCK_STREAM)" for number in range(8)),
    "socket.create_connection(('127.0.0.1', PORT))",
    "socket.create_server(('127.0.0.1', 0))",
    "socket.socketpair()",
    "socket.getaddrinfo('example.org', 80)",
    "socket.gethostbyname('localhost')",
    "socket.if_nameindex()",
    "urllib.request.urlopen('http://127.0.0.1:PORT')",
    "urllib.request.urlopen('file:///etc/passwd').read(9)",
    "http.client.HTTPConnection('127.0.0.1', PORT).request('GET', '/') is None",
    "ftplib.FTP('127.0.0.1')",
    "smtplib.SMTP('127.0.0.1', PORT)",
    "asyncio.run(asyncio.open_connection('127.0.0.1', PORT))",
    "xmlrpc.client.ServerProxy('http://127.0.0.1:PORT').x()",
    "sys.modules['__main__'].ctypes.CDLL(None).socket(2, 1, 0) >= 0",
)
SEES = (
    "os.environ.get('NAME')",
    "os.getenv('NAME')",
    "dict(os.environ)",
    "dict(os.environb)",
    "__import__('posix').environ.get(b'NAME')",
    "sys.modules['__main__'].ctypes.CDLL(None).getenv(b'NAME')",
    "open('/proc/self/environ').read()",
    "open('/proc/PID/environ').read()",
    "open('/proc/PID/cmdline').read()",
    "open('/proc/self/maps').read()",
    "os.listdir('/proc')",
    "os.listdir('/proc/self/fd')",
    "os.getlogin()",
    "os.getcwd() not in ('', '/')",
    "os.uname().nodename",
    "socket.gethostname()",
    "os.getuid() == 0 and os.access('/root', os.R_OK)",
    "sys.argv[1:] or sys.path",
    "[name for name in sys.modules if name.startswith('wellspring')]",
    "[n for n in range(4, 64) if not _raises(lambda: os.fstat(n))]",
    "input('')",
    "sys.stdin.read()",
    "os.read(0, 9)",
    "os.read(3, 9)",
)
SIGNED = '{"word": "WORD", "outcome": "ok", "detail": "", "values": [true]}'
FORGES = (
    *(f"[os.write({number}, {SIGNED!r}.encode()), os._exit(0)]" for number in range(16)),
    *(f"[os.write({number}, b'[true]'), os._exit(0)]" for number in range(4)),
    *(f"[os.write({number}, b'x' * 10**6), os._exit(0)]" for number in range(4)),
    f"[print({SIGNED!r}), sys.exit(0)]",
    f"[sys.stdout.write({SIGNED!r}), os._exit(0)]",
    f"[sys.__stdout__.write({SIGNED!r}), sys.__stdout__.flush(), os._exit(0)]",
    "os._exit(0)",
    "os.abort()",
    "os.close(3)",
    "sys.exit(True)",
    "sys.modules['__main__'].ctypes.string_at(0)",
    "[os.write(3, b'{' * 60000), os._exit(0)]",
    "[os.write(3, b'[' * 60000), os._exit(0)]",
    "[os.close(3), time.sleep(9)]",
    "[sys.modules['__main__'].__dict__.update(json=None), None][1]",
)
NAMED = (  # calls into the kernel, by their number on x86_64
    {"open": 2, "stat": 4, "poll": 7, "ioctl": 16, "pread": 17, "pipe": 22, "shmget": 29, "dup": 32, "socket": 41}
    | {"connect": 42, "sendto": 44, "bind": 49, "socketpair": 53, "clone": 56, "fork": 57, "vfork": 58, "execve": 59}
    | {"kill": 62, "msgget": 68, "fcntl": 72, "truncate": 76, "getdents": 78, "getcwd": 79, "chdir": 80, "rename": 82}
    | {"mkdir": 83, "link": 86, "unlink": 87, "readlink": 89, "chmod": 90, "chown": 92, "ptrace": 101, "setuid": 105}
    | {"setpgid": 109, "getppid": 110, "capset": 126, "mknod": 133, "personality": 135, "prctl": 157, "chroot": 161}
    | {"mount": 165, "reboot": 169, "init_module": 175, "tkill": 200, "io_setup": 206, "tgkill": 234, "openat": 257}
    | {"unshare": 272, "splice": 275, "eventfd": 284, "pipe2": 293, "prlimit": 302, "setns": 308, "vm_readv": 310}
    | {"vm_writev": 311, "seccomp": 317, "memfd_create": 319, "bpf": 321, "userfaultfd": 323, "execveat": 322}
    | {"io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "openat2": 437, "pidfd_getfd": 438}
    | {"x32 open": 0x40000002, "x32 fork": 0x40000039, "x32 execve": 0x40000208}
)
ENTERS = tuple(
    f"_entered({number})" for number in (NAMED.values() if platform.machine() == "x86_64" else range(500, 560))
)
FAMILIES: dict[str, tuple[tuple[str, str], ...]] = {
    "reads": tuple(product(READS, PATHS)),
    "writes": tuple(product(WRITES, ("FILE", "FOLDER/new"))),
    **{
        name: tuple((one, "") for one in attacks)
        for name, attacks in {
            "starts": STARTS,
            "signals": SIGNALS,
            "limits": LIMITED,
            "connects": CONNECTS,
            "sees": SEES,
            "forges": FORGES,
            "enters": ENTERS,
        }.items()
    },
}
MODULES = [
    "asyncio",
    "codecs",
    "concurrent.futures",
    "fileinput",
    "ftplib",
    "http.client",
    "importlib.machinery",
    "linecache",
    "mmap",
    "multiprocessing",
    "os",
    "pathlib",
    "pickle",
    "pty",
    "resource",
    "runpy",
    "smtplib",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "threading",
    "time",
    "tokenize",
    "urllib.request",
    "xmlrpc.client",
]


def code(attack: str, path: str, canary: Canary) -> str:
    """Return a function that is True if the attack, on a path, got out."""
    used = [f"import {name}\n" for name in MODULES if name.split(".")[0] in attack]
    help_ = (
        "def _raises(do):\n    try:\n        do()\n    except OSError:\n        return True\n    return False\n"
        if "_raises" in attack
        else "import sys\ndef _entered(number):\n    ctypes = sys.modules['__main__'].ctypes\n"
        "    done = ctypes.CDLL(None, use_errno=True).syscall(number, -1, -1, -1, -1, -1, -1)\n"
        "    return done != -1 or ctypes.get_errno() != 1\n"
        if "_entered" in attack
        else ""
    )
    return "".join(used) + help_ + canary.code(f"P = {path!r}\n    return bool({attack})")


def left_out() -> Tier:
    return Tier(is_there=False, prefix=(), said="left out: for a test")


@pytest.fixture(params=["first", "second", "second in bubblewrap"])
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., object]]:
    """What runs a verifier in one tier alone, and returns what it said."""
    if request.param == "first":
        monkeypatch.setattr(containment, "tier", left_out)
        with Sandbox() as sandbox:
            yield lambda code: sandbox.verify(code, "three small words").value
        return
    wrapped = shutil.which("bwrap") if "bubblewrap" in request.param else None
    if "bubblewrap" in request.param and not wrapped:
        pytest.skip("bubblewrap is not installed")
    prefix = (wrapped, *BUBBLEWRAP) if wrapped else ()
    if why := proven(prefix)[0]:
        pytest.skip(why)
    with Contained(prefix) as tier:
        yield lambda code: (
            tier.run(code, [Call("evaluate", ("three small words",))], Limits(seconds=0.5))["values"] or [None]
        )[0]


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    monkeypatch.setenv("WELLSPRING_CANARY", "canary")
    tmp_path.chmod(0o777)
    with Canary(tmp_path) as made:
        yield made


def test_there_are_more_than_300_attacks() -> None:
    assert sum(len({*attacks}) for attacks in FAMILIES.values()) >= 300


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.slow
def test_no_attack_gets_out(family: str, ask: Callable[..., object], canary: Canary) -> None:
    out = [attack for attack in FAMILIES[family] if ask(code(*attack, canary)) is True]

    assert out == []
    assert canary.is_untouched()
    assert ask("def evaluate(response):\n    return len(response.split()) == 3") is True


@pytest.fixture
def contained() -> Iterator[Contained]:
    if why := proven(())[0]:
        pytest.skip(why)
    with Contained() as tier:
        yield tier


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EXHAUSTION if name != "a list that holds itself"])  # it is honest
def test_what_takes_all_it_can_ends_in_time_and_in_little_memory(name: str, contained: Contained) -> None:
    limits = Limits(seconds=0.3, memory_bytes=32 * 2**20)
    contained.run("", [], limits)
    began, heaviest = time.monotonic(), 0
    watched = psutil.Process(os.getpid()).children()[0]

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(contained.run, f"def f(response):\n    {EXHAUSTION[name]}\n", [Call("f", ("x",))], limits)
        while not asked.done():
            heaviest = max([heaviest, *(child.memory_info().rss for child in watched.children() if child.is_running())])
            time.sleep(0.01)

    assert asked.result()["values"] != [True]
    assert time.monotonic() - began < limits.seconds + 1.5
    assert heaviest < INTERPRETER_BYTES + limits.memory_bytes
    assert contained.run("def f(): return True", [Call("f")], limits)["values"] == [True]
    assert watched.children() == []


ALONE = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("contained", sys.argv[1])
contained = importlib.util.module_from_spec(spec)
spec.loader.exec_module(contained)
import ctypes
"""


def alone(code: str, *arguments: str) -> str:
    """Run code beside the module of the second tier, in a Python of its own, and return what it printed."""
    command = [sys.executable, "-c", ALONE + code, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.slow
@pytest.mark.usefixtures("contained")
def test_the_filter_refuses_every_call_into_the_kernel_that_it_does_not_name() -> None:
    let_in = alone(
        """
library = ctypes.CDLL(None, use_errno=True)
allowed = contained.CALLS[os.uname().machine][1]
numbers = [n for n in range(600) if n not in allowed and n not in (335, 336)]  # a debugger's; they kill the caller
library.prctl(contained.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
contained.seccomp()
asked = [(library.syscall(n, -1, -1, -1, -1, -1, -1), ctypes.get_errno()) for n in numbers]
print([n for n, said in zip(numbers, asked) if said != (-1, 1)])
"""
    )

    assert let_in == "[]\n"


@pytest.mark.slow
@pytest.mark.usefixtures("contained")
def test_landlock_alone_refuses_files(canary: Canary) -> None:
    said = alone(
        """
contained.give_up()
for attempt in (lambda: open(sys.argv[2]), lambda: os.listdir("/"), lambda: os.mkdir(sys.argv[2] + ".d")):
    try:
        attempt()
        print("got out")
    except PermissionError:
        print("refused")
""",
        str(canary.file),
    )

    assert said.split() == ["refused"] * 3
    assert canary.is_untouched()


WITHOUT = """
import ctypes, os, struct, sys
lines = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x00050026), (6, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
library = ctypes.CDLL(None)
library.prctl(38, 1, 0, 0, 0)
assert library.prctl(22, 2, struct.pack("HxxxxxxQ", 4, ctypes.addressof(code)), 0, 0) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""  # a kernel that does not know one call


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are of x86_64")
@pytest.mark.usefixtures("contained")
@pytest.mark.parametrize(("call", "why"), [(444, "no landlock"), (446, "cannot be put in force"), (157, "gain rights")])
def test_where_the_kernel_lacks_a_part_the_tier_is_left_out_and_says_which(
    call: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = (sys.executable, "-c", WITHOUT, str(call))

    assert why in proven(lacking)[0]
    monkeypatch.setattr(containment, "proven", lambda _: proven(lacking))
    containment.tier.cache_clear()
    try:
        assert containment.tier().said.startswith("left out: ")
        with Sandbox() as sandbox:
            ran = sandbox.verify("import statistics\ndef evaluate(response):\n    return True", "")
        assert (ran.outcome, ran.value) == ("unsupported", None)
    finally:
        containment.tier.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("contained")
@pytest.mark.parametrize(
    ("layer", "instead"),
    [
        ("    seccomp()\n", ""),
        ("resource.setrlimit(name, (most, most))", "pass"),
        ("os.environ.clear()", "os.environ['LEFT'] = '1'"),
    ],
)
def test_a_tier_that_lost_a_layer_does_not_pass_its_own_test(
    layer: str, instead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert layer in text
    leaking = tmp_path / "contained.py"
    leaking.write_text(text.replace(layer, instead), encoding="utf-8")
    monkeypatch.setattr(containment, "SCRIPT", leaking)

    assert proven(())[0].startswith("an attack got out of it")


@pytest.mark.parametrize(
    "says",
    [
        "b'0' * 16 + b'\\xff' * 4",
        "b'0' * 16 + b'\\2\\0\\0\\0{}' + b'1' * 16 + b'\\2\\0\\0\\0{}'",
        "b'0' * 16 + b'\\2\\0\\0\\0[]'",
        "b'0' * 16 + b'\\1\\0\\0\\0{'",
        "b'0' * 16 + b'\\2\\0\\0\\0{}' * 9",
        "b''",
    ],
)
def test_a_process_that_speaks_nonsense_gives_no_verdict(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    liar = tmp_path / "contained.py"
    liar.write_text(f"import sys\nsys.stdout.buffer.write({says})\nsys.stdout.flush()\nsys.stdin.read(1)", "utf-8")
    monkeypatch.setattr(containment, "SCRIPT", liar)
    monkeypatch.setattr(containment, "START_SECONDS", 1.0)

    with Contained() as tier:
        told = tier.run("def f(): return True", [Call("f")], Limits())

    assert (told["outcome"], told["values"]) == ("unsupported", [])


@pytest.mark.slow
@pytest.mark.usefixtures("contained")
def test_the_second_tier_ends_with_the_process_that_started_it() -> None:
    starting = (
        "from wellspring.tasks.io.containment import Contained, Limits, Call\nimport os, psutil\n"
        "tier = Contained()\ntier.run('', [], Limits())\n"
        "print(psutil.Process().children()[0].pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    pid = int(subprocess.run([sys.executable, "-c", starting], capture_output=True, text=True, check=False).stdout)
    until = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.01)

    assert not psutil.pid_exists(pid)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.usefixtures("contained")
def test_ten_thousand_checks_leave_no_process_no_file_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    mine = psutil.Process(os.getpid())
    others = set(mine.children(recursive=True))  # of tests before this one
    first = "def evaluate(response):\n    return len(response) > 3"
    second = f"import statistics\n{first}"
    with Sandbox() as sandbox:
        sandbox.verify(second, "long enough")
        before = [child.memory_info().rss for child in set(mine.children(recursive=True)) - others]
        files = mine.num_fds()
        said = [sandbox.verify(code, "long enough").value for _ in range(5000) for code in (first, second)]
        after = [child.memory_info().rss for child in set(mine.children(recursive=True)) - others]
        files_after = mine.num_fds()

    assert said == [True] * 10_000
    assert len(after) <= len(before)
    assert files_after <= files
    assert max(after) < max(before) + 32 * 2**20
    assert set(mine.children(recursive=True)) <= others
    assert list(tmp_path.iterdir()) == []
