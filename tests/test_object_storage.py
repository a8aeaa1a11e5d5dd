"""A corpus in object storage or on a web server: read by URI with the environment's credentials, which stay there."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.io.storage.store import Store

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "deployments" / "sample" / "corpus.warc.gz"
CANARY = "canary-5e1f-object-storage"

BUCKET, KEY = "crawl", "nightly/corpus.warc.gz"

has_s3 = all(importlib.util.find_spec(name) for name in ("s3fs", "moto"))


def read(corpus: str, store: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "wellspring.flows.cli",
        "build",
        "--no-prefect",
        "--only",
        "corpus",
        "--corpus",
        corpus,
    ]
    command += ["--set", "runner=thread", "--store", str(store)]
    where = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True, check=False, timeout=120)


def documents(store: Path) -> list[str]:
    with Store.read(store) as opened:
        return opened.query("documents/all")["document_id"].to_list()


ABOUT = {"kind": "storage#object", "bucket": BUCKET, "name": KEY, "generation": "1", "updated": "2026-01-01T00:00:00Z"}
OBJECTS = f"/storage/v1/b/{BUCKET}/o"


class Cloud(BaseHTTPRequestHandler):
    """The sample as Google's JSON API has it (listed, described, in ranges, for a token), and as a plain file."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Give a token to whoever asks."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say({"access_token": CANARY, "expires_in": 3600, "token_type": "Bearer"})

    def do_GET(self) -> None:
        """Give what the path names."""
        path, data = unquote(urlsplit(self.path).path), SAMPLE.read_bytes()
        if path in {"/corpus.warc.gz", "/whole/corpus.warc.gz"}:
            self._send(data)
        elif path.startswith("/missing/"):
            self._say({}, 404)
        elif self.headers["Authorization"] != f"Bearer {CANARY}":
            self._say({"error": {"code": 401, "message": "who are you?"}}, 401)
        elif path == f"/download{OBJECTS}/{KEY}":
            self._send(data)
        elif path == f"{OBJECTS}/{KEY}":
            self._say(ABOUT | {"size": str(len(data))})
        elif path == OBJECTS:
            self._say({"kind": "storage#objects", "items": [ABOUT | {"size": str(len(data))}]})
        else:
            self._say({"error": {"code": 404, "message": f"no {path}"}}, 404)

    def do_HEAD(self) -> None:
        """Say how long it would be."""
        self.do_GET()

    def _say(self, value: dict[str, Any], status: int = 200) -> None:
        self._send(json.dumps(value).encode(), status, "application/json")

    def _send(self, data: bytes, status: int = 200, kind: str = "application/octet-stream") -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        size, first, last = len(data), 0, len(data) - 1
        if asked and status == 200 and not self.path.startswith("/whole/"):
            status, first, last = 206, int(asked[1]), min(int(asked[2] or last), last)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Accept-Ranges", "none" if self.path.startswith("/whole/") else "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[first : last + 1])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def cloud() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Cloud) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def account(path: Path, cloud: str) -> Path:
    """Write the key file of a service account whose tokens this machine gives."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    who = {"type": "service_account", "project_id": "p", "client_email": "reader@p.example", "private_key_id": "1"}
    path.write_text(json.dumps(who | {"private_key": key.decode(), "token_uri": f"{cloud}/token"}))
    return path


def everything(folder: Path, *runs: subprocess.CompletedProcess[str]) -> list[bytes]:
    """What runs said, and each file below a folder."""
    said = [(run.stdout + run.stderr).encode() for run in runs]
    return said + [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("gcsfs"), reason="needs gcsfs: pip install gcsfs")
def test_a_google_bucket_gives_the_documents_of_its_files_and_its_token_is_nowhere(tmp_path: Path, cloud: str) -> None:
    key = account(tmp_path / "account.json", cloud)
    where = {"STORAGE_EMULATOR_HOST": cloud, "GOOGLE_APPLICATION_CREDENTIALS": str(key), "GOOGLE_CLOUD_PROJECT": "p"}
    where["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"  # which asks by gRPC what kind of bucket it is

    away = read(f"gs://{BUCKET}/nightly/*.warc.gz", tmp_path / "stores" / "away", **where)
    here = read(str(SAMPLE), tmp_path / "stores" / "here")

    assert away.returncode == here.returncode == 0, away.stderr
    assert documents(tmp_path / "stores" / "away") == documents(tmp_path / "stores" / "here") != []
    assert not any(CANARY.encode() in data for data in everything(tmp_path / "stores", away))


def items(uri: str) -> list[Any]:
    """Every item of an archive, read in two ranges."""
    file = corpus_files.look(uri)
    middle = file.extent // 2
    return [
        (item.offset, item.length, getattr(item, "body", None))
        for start, stop in ((0, middle), (middle, file.extent))
        for item in corpus_files.read(uri, file.kind, start, stop, 10**7)
    ]


def test_an_archive_on_a_web_server_is_read_in_ranges_as_the_file_is(cloud: str) -> None:
    uri = f"{cloud}/corpus.warc.gz"

    assert corpus_files.expand(uri) == [uri]
    assert items(uri) == items(str(SAMPLE)) != []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing/corpus.warc.gz", "there is no corpus at"),
        ("storage/v1/b", "401"),
        ("whole/corpus.warc.gz", "its server sends whole files only"),
    ],
)
def test_what_a_web_server_does_not_give_is_named(path: str, said: str, cloud: str) -> None:
    with pytest.raises(BrokenError, match=rf"(?s){said}") as refused:
        items(corpus_files.expand(f"{cloud}/{path}")[0])

    assert path in refused.value.message
    assert refused.value.hint


@pytest.mark.slow
@pytest.mark.skipif(not has_s3, reason="needs s3fs and moto: pip install s3fs 'moto[server]'")
def test_a_bucket_gives_the_documents_of_its_files_and_its_key_is_nowhere(tmp_path: Path) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        where = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "writer",
            "AWS_SECRET_ACCESS_KEY": CANARY,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        s3 = boto3.client(
            "s3",
            endpoint_url=where["AWS_ENDPOINT_URL"],
            aws_access_key_id="writer",
            aws_secret_access_key=CANARY,
            region_name="us-east-1",
        )
        s3.create_bucket(Bucket="crawl")
        s3.upload_file(str(SAMPLE), "crawl", "nightly/corpus.warc.gz")
        away = read("s3://crawl/nightly/*.warc.gz", tmp_path / "away", **where)
        missing = read("s3://crawl/nightly/nothing.warc.gz", tmp_path / "missing", **where)
    finally:
        server.stop()
    here = read(str(SAMPLE), tmp_path / "here")

    assert away.returncode == here.returncode == 0, away.stderr
    assert documents(tmp_path / "away") == documents(tmp_path / "here") != []
    assert missing.returncode != 0
    assert "nothing.warc.gz" in missing.stderr
    assert not any(CANARY.encode() in data for data in everything(tmp_path, away, missing))


@pytest.mark.slow
@pytest.mark.skipif(bool(importlib.util.find_spec("s3fs")), reason="s3fs is installed")
def test_a_bucket_without_its_package_names_the_package(tmp_path: Path) -> None:
    refused = read("s3://crawl/nightly/corpus.warc.gz", tmp_path / "ws")

    assert refused.returncode == 1
    assert "Install s3fs" in refused.stderr
    assert "hint:" in refused.stderr
