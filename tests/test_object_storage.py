"""A corpus in object storage: read by URI with the environment's credentials, which stay in the environment."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.io.store import Store

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "deployments" / "sample" / "corpus.warc.gz"
CANARY = "canary-5e1f-object-storage"

has_s3 = all(importlib.util.find_spec(name) for name in ("s3fs", "moto"))


def read(corpus: str, store: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "build", "--no-prefect", "--only", "corpus", "--corpus", corpus]
    command += ["--set", "runner=thread", "--store", str(store)]
    where = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=where, capture_output=True, text=True, check=False, timeout=300)


def documents(store: Path) -> list[str]:
    with Store.read(store) as opened:
        return opened.query("documents/all")["document_id"].to_list()


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
    said = [away.stdout + away.stderr + missing.stdout + missing.stderr]
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(CANARY in text for text in said)
    assert not any(CANARY.encode() in data for data in kept)


@pytest.mark.slow
@pytest.mark.skipif(bool(importlib.util.find_spec("s3fs")), reason="s3fs is installed")
def test_a_bucket_without_its_package_names_the_package(tmp_path: Path) -> None:
    refused = read("s3://crawl/nightly/corpus.warc.gz", tmp_path / "ws")

    assert refused.returncode == 1
    assert "Install s3fs" in refused.stderr
    assert "hint:" in refused.stderr
