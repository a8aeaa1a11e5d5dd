"""What flows have in common: servers are learned first, stores are told apart, and runs say where their page is."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.assets import Asset
from prefect.client.schemas.actions import ArtifactCreate
from prefect.exceptions import TerminationSignal

from tests.prefect_server import holding
from wellspring.flows.curation import curation
from wellspring.flows.grounding import grounding
from wellspring.flows.retry import retry
from wellspring.flows.synthesis import synthesis
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.watching.alerts import store_label


@pytest.fixture
def refusing() -> Iterator[str]:
    """Serve a server that takes no key."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def _says(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return ran.stdout or ran.stderr[-600:]


@pytest.mark.slow
def test_a_job_does_without_prefect_until_it_is_used_as_a_flow() -> None:
    late = "from wellspring.flows.dataset import dataset; import sys; print('prefect' in sys.modules, dataset.name)"
    early = "from prefect import Flow; from wellspring.flows.dataset import dataset; print(isinstance(dataset, Flow))"

    assert (_says(late), _says(early)) == ("False dataset\n", "True\n")


@pytest.mark.slow
@pytest.mark.parametrize("part", [grounding, synthesis, curation, retry], ids=lambda part: part.name)
def test_a_part_that_runs_alone_learns_its_server_before_it_reads_or_pays(
    part: Any, refusing: str, store_dir: Path
) -> None:
    with pytest.raises(BrokenError, match="401"):
        part.fn("smoke", str(store_dir), [f"models.base_url={refusing}"])

    with Store.read(store_dir) as store:
        assert store.query("runs/receipts", run_id=store.query("runs/latest")["run_id"][0]).is_empty()


def test_the_signal_by_which_prefect_cancels_reaches_prefect_and_the_run_was_stopped(
    start: Callable[[Settings], AbstractContextManager[Run]], settings: Callable[..., Settings], store_dir: Path
) -> None:
    with pytest.raises(TerminationSignal), start(settings()):
        raise TerminationSignal(signal=signal.SIGTERM)

    with Store.read(store_dir) as store:
        assert store.query("runs/all")["status"].to_list() == ["stopped"]


@pytest.mark.slow
def test_outside_of_prefect_a_run_that_parks_raises_as_it_did(store_dir: Path) -> None:
    with holding(store_dir), pytest.raises(TransientError, match="is open in process"):
        synthesis.fn("smoke", str(store_dir))


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_store_of_any_name_has_keys_that_prefect_takes_and_no_other_store_has(name: str) -> None:
    here, there = store_label(Path("/data") / name), store_label(Path("/backup") / name)

    assert here != there
    assert Asset(key=f"wellspring://{here}/tables/documents")
    assert ArtifactCreate(key=f"{here}-receipt-documents")


def test_a_page_has_an_address_of_the_web_or_none() -> None:
    assert settings_.load(None, ["pages.url=https://pages.example/ws"]).pages.url == "https://pages.example/ws"

    with pytest.raises(UsageError, match=r"pages\.url"):
        settings_.load(None, ["pages.url=file:///data/ws/pages"])


def test_a_deployment_without_a_profile_says_what_to_set() -> None:
    with pytest.raises(UsageError, match="WELLSPRING_PROFILE"):
        settings_.load("", [])
