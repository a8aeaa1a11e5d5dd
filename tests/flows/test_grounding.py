"""Live search inside the grounding flow: what it finds becomes documents, and seeds are traced to them."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wellspring.flows.dataset import dataset
from wellspring.tasks.io.storage.store import Store

pytestmark = pytest.mark.slow

PAGE = (
    "A mountain hut keeps its water tank from freezing by letting a thin stream run all night. The overflow returns to "
    "the brook below the hut. Wardens check the valve at dusk, note the level of the tank, and cover the pipe with "
    "straw where it leaves the ground. In the coldest weeks they drain the upper line and carry water by hand."
)


@contextmanager
def search_endpoint() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = json.dumps({"results": [{"url": "https://huts.example/water", "title": "Water", "text": PAGE}]})
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/find"
        finally:
            server.shutdown()
            thread.join()


def test_pages_that_a_live_search_finds_become_documents_and_ground_seeds(tmp_path: Path) -> None:
    store = tmp_path / "ws"
    with search_endpoint() as url:
        overrides = [f"groundings.search_url={url}", "limit=5"]
        dataset.fn("smoke", str(store), overrides, "corpus")
        dataset.fn("smoke", str(store), overrides, "grounding")
        dataset.fn("smoke", str(store), overrides, "grounding")

    with Store.read(store) as opened:
        sources = opened.query("lineage/by_domain", value="huts.example")
        latest = opened.query("runs/latest").to_dicts()[0]
        receipts = opened.query("runs/receipts", run_id=latest["run_id"])
    assert sources.height == 1
    assert latest["status"] == "done"
    assert receipts["calls"].sum() == 0
