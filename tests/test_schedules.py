"""What a team schedules, on a real Prefect server: nights that end well, and nights that do not."""

import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import light
from tests.exported import exported
from tests.nights import KNN
from tests.prefect_server import DEPLOYMENTS, ROOT, Pager, Prefect, deployed, holding, kill, stop, until
from wellspring.flows.dataset import dataset
from wellspring.tasks.io.loopback import Request
from wellspring.tasks.io.standin import faults
from wellspring.tasks.io.standin.fault_kinds import Exchange
from wellspring.tasks.io.standin.faults import FaultServer, Profile
from wellspring.tasks.io.storage import journal
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching.alerts import store_label

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]
PAGES = "http://dashboard.example:8080"


@pytest.fixture(scope="module")
def as_shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a team put its archives, and the one profile that names them."""
    folder = tmp_path_factory.mktemp("team")
    shutil.copytree(DEPLOYMENTS / "sample", folder / "sample")
    profile = (DEPLOYMENTS / "profiles" / "smoke.toml").read_text(encoding="utf-8").replace("../sample", "sample")
    (folder / "mine.toml").write_text(profile + f'url = "{PAGES}"\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def prefect(as_shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A server with the deployments, on the team's store."""
    with deployed(tmp_path_factory.mktemp("prefect"), as_shipped / "mine.toml", as_shipped / "ws") as server:
        yield server


@pytest.fixture
def pager(prefect: Prefect) -> Iterator[Pager]:
    """Who `automations.yaml` calls, for one test; parts, and what never began, are given up sooner here."""
    called = Pager()
    block = (
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as B\n"
        f"b = B(name='page', url='http://127.0.0.1:{called.server_address[1]}/page', method='POST',"
        " json_data={'subject': '{{subject}}', 'body': '{{body}}'})\n"
        "print(b.save('page', overwrite=True))"
    )
    block_id = prefect.type(sys.executable, "-c", block).split()[-1]
    text = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8").replace("${NOTIFY_BLOCK}", block_id)
    sooner = text.replace("within: 600", "within: 120").replace("within: 900", "within: 180")
    with prefect.automated(sooner):
        yield called
    called.close()


@pytest.fixture
def worker(prefect: Prefect) -> Iterator[None]:
    """A worker of the pool, for one test."""
    started = prefect.worker()
    yield
    stop(started)


@pytest.mark.usefixtures("worker")
def test_a_schedule_runs_as_shipped_once_a_folder_and_a_profile_are_named(prefect: Prefect, as_shipped: Path) -> None:
    nightly, store = "corpus/corpus-nightly", as_shipped / "ws"
    deployment = prefect.ask(f"deployments/name/{nightly}")

    prefect.type("prefect", "deployment", "schedule", "create", nightly, "--interval", "30")
    prefect.ask(f"deployments/{deployment['id']}/resume_deployment", paused=False)
    fired = until(lambda: prefect.runs(flow_runs={"state": {"type": {"any_": ["RUNNING"]}}}), "scheduled run")[0]
    prefect.unschedule(nightly)
    ended = prefect.ended(fired["id"])
    name = prefect.ask(f"flow_runs/{fired['id']}")["name"]
    shown = {artifact["key"]: artifact for artifact in prefect.ask("artifacts/latest/filter")}
    events = prefect.ask("events/filter", filter={"event": {"prefix": ["prefect.asset.materialization.succeeded"]}})
    made = {event["resource"]["prefect.resource.id"] for event in events["events"]}

    label = store_label(store)
    assert ended == "Completed"
    assert fired["auto_scheduled"]
    assert fired["parameters"] == {"profile": str(as_shipped / "mine.toml"), "store": str(store), "overrides": []}
    assert name.startswith(f"corpus {label} 20")
    receipts = {"receipt-documents", "receipt-passages", "audit-documents", "run-page"}
    assert {f"{label}-{key}" for key in receipts} <= shown.keys()
    assert f"{PAGES}/runs/" in shown[f"{label}-run-page"]["data"]
    assert f"wellspring://{label}/tables/documents" in made
    assert list((store / "pages" / "runs").glob("*/index.html"))


@pytest.mark.usefixtures("worker")
def test_a_run_that_is_retried_and_one_that_is_started_again_pay_nothing_twice(
    prefect: Prefect, tmp_path: Path
) -> None:
    store = tmp_path / "ws"

    first = prefect.run("dataset/dataset", store=str(store), overrides=["limit=8"])
    prefect.ended(first)
    paid, made = attempts(store), exported(store)
    prefect.type("prefect", "--no-prompt", "flow-run", "retry", first)
    prefect.ended(first, 2)
    prefect.ended(prefect.run("dataset/dataset", store=str(store), overrides=["limit=8"]))
    with Store.read(store) as opened:
        ended = opened.query("runs/all")["status"].to_list()

    assert ended == ["done"] * 3
    assert paid > 0
    assert made
    assert (attempts(store), exported(store)) == (paid, made)


class Withdrawn(FaultServer):
    """The stand-in, whose key is withdrawn after so many answers; it keeps what it was asked, and what it answered."""

    def __init__(self, most: int) -> None:
        super().__init__(Profile())
        self.most = most
        self.answered = Counter[bytes]()

    async def _deliver(self, request: Request, exchange: Exchange, fault: str) -> None:
        if self.answered.total() >= self.most:
            fault = "http_401"
        else:
            self.answered[request.body] += 1
        await super()._deliver(request, exchange, fault)


@pytest.mark.usefixtures("worker")
def test_a_recipe_that_fails_goes_on_by_the_retry_of_its_page_pays_nothing_twice_and_is_named(
    prefect: Prefect, as_shipped: Path, tmp_path: Path
) -> None:
    calm, store, profile = tmp_path / "calm", tmp_path / "ws", str(as_shipped / "mine.toml")
    whole = Withdrawn(most=10**6)
    with faults.threaded(whole), light.unaudited(), light.pageless():
        dataset.fn(profile, str(calm), [f"models.base_url={whole.url}", "limit=8", *KNN])
    calls = calls_of(calm)
    later = sum(calls[noun] for noun in ("instructions", "responses", "scores"))
    server = Withdrawn(most=whole.answered.total() - later + calls["instructions"] // 2)

    with faults.threaded(server):
        overrides = [f"models.base_url={server.url}", "limit=8", *KNN]
        run = prefect.run("dataset/dataset", store=str(store), overrides=overrides)
        broken, failed = prefect.ended(run), prefect.tasks(run, "FAILED")
        server.most = 10**6
        prefect.retry(run)
        ended = prefect.ended(run, 2)
    label = store_label(store)
    shown = {artifact["key"]: artifact for artifact in prefect.ask("artifacts/latest/filter")}
    page = store / "pages" / shown[f"{label}-run-page"]["data"].partition(f"({PAGES}/")[2].rstrip(")")
    progress = prefect.ask("artifacts/filter", artifacts={"key": {"like_": f"{label}-progress-instructions"}})
    said = [artifact["description"] for artifact in progress]

    assert (broken, ended) == ("Failed", "Completed")
    assert "instructions" in failed
    assert {one for one in failed if one.startswith("instructions by ")} <= {
        "instructions by attributed_grounding",
        "instructions by knn_instruct",
    }
    assert len(failed) > 1  # the program's own task, in that of its stage
    assert server.answered == whole.answered
    assert set(server.answered.values()) == {1}
    assert exported(store) == exported(calm)
    for program in ("attributed_grounding", "knn_instruct"):
        assert program in page.read_text(encoding="utf-8")
        assert any(one.startswith(f"instructions by {program}: ") for one in said), said


def calls_of(store: Path) -> dict[str, int]:
    """Return how many calls each stage made in the latest run."""
    with Store.read(store) as opened:
        run = opened.query("runs/latest")["run_id"][0]
        return dict(opened.query("runs/receipts", run_id=run).select("stage", "calls").rows())


def attempts(store: Path) -> int:
    """Return how many calls have gone to a model, by the journal."""
    return sum(row[2] for row in journal.outcomes(store / "completions.sqlite"))


@pytest.mark.usefixtures("worker")
def test_who_parks_or_is_cancelled_calls_nobody_and_who_fails_calls_a_person(
    prefect: Prefect, pager: Pager, tmp_path: Path
) -> None:
    store, before = tmp_path / "ws", len(pager.calls)
    with holding(store):
        parked = prefect.run("quality/quality-hourly", store=str(store))
        in_use = prefect.ended(parked)
        waits = prefect.run("grounding/grounding-daily", store=str(store), overrides=["wait=true"])
        until(lambda: prefect.state(waits) == "Running", "run that waits")
        prefect.ask(f"flow_runs/{waits}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})
        stopped = prefect.ended(waits)
    prefect.type("prefect", "--no-prompt", "flow-run", "retry", parked)
    again = prefect.ended(parked, 2)
    spent = prefect.run("dataset/dataset", store=str(store), overrides=["limit=8", "budget.max_calls=3"])
    out_of_budget = prefect.ended(spent)
    gone = prefect.run("corpus/corpus-nightly", store=str(store), overrides=['sources.corpora=[{path="/nowhere.wet"}]'])
    broken = prefect.ended(gone)
    until(lambda: pager.calls[before:], "call")

    said = prefect.ask(f"flow_runs/{parked}")
    assert (in_use, stopped, again, out_of_budget, broken) == ("Parked", "Cancelled", "Completed", "Parked", "Failed")
    assert said["name"].startswith(f"quality {store_label(store)} 20")
    assert all(
        "nowhere.wet" in call and "failed" in call for call in pager.calls[before:]
    )  # a busy one is called twice


def test_a_run_that_was_killed_with_its_worker_is_ended_and_the_next_one_starts(
    prefect: Prefect, pager: Pager, tmp_path: Path
) -> None:
    store, before = tmp_path / "ws", len(pager.calls)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        first_worker = prefect.worker()
        ghost = prefect.run("dataset/dataset", store=str(store), overrides=[f"models.base_url={url}", "limit=8"])
        until((store / "completions.sqlite").is_file, "call that nobody answers")
        kill(first_worker)
    gone = {  # how far each had come when nobody was left to say so
        "quality/quality-hourly": ["PENDING"],
        "retry/retry-failed": ["RUNNING"],
        "curation/curation-weekly": ["RUNNING", "CANCELLING"],
    }
    dead = [prefect.run(deployment, store=str(store)) for deployment in gone]
    for run, kinds in zip(dead, gone.values(), strict=True):
        for kind in kinds:
            prefect.ask(f"flow_runs/{run}/set_state", state={"type": kind, "name": kind.title()})
    second_worker = prefect.worker()
    after = prefect.run("dataset/dataset", store=str(store), overrides=["limit=8"])

    ended = prefect.ended(after)
    given_up = [prefect.ended(run, 0) for run in dead]
    unended = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}
    until(lambda: not prefect.runs(flow_runs=unended), "end of the parts of the dead run")
    stop(second_worker)
    with Store.read(store) as opened:
        runs = opened.query("runs/all")["status"].to_list()

    assert prefect.states(ghost)[-2:] == ["Running", "Crashed"]
    assert given_up == ["Crashed", "Crashed", "Cancelled"]  # the last one by the new worker
    assert "Late" in prefect.states(after)
    assert ended == "Completed"
    assert sorted(runs) == ["crashed", "done"]
    assert len([call for call in pager.calls[before:] if "crashed" in call]) >= 3


HANGING = """
import sys, time
from prefect import flow
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs

@flow
def corpus():
    with runs.start("corpus", settings.load(), sys.argv[1], quiet=True) as run:
        print(runs._prefect_run(), flush=True)
        time.sleep(600)

corpus()
"""


def test_a_killed_flow_run_is_marked_crashed_by_the_next_run_on_its_store(prefect: Prefect, tmp_path: Path) -> None:
    store = tmp_path / "ws"
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(store)],
        cwd=ROOT,
        env=prefect.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    flow_run = next(line for line in process.stdout if "prefect:" in line).strip().removeprefix("prefect:")
    process.kill()
    process.wait()
    process.stdout.close()
    before = prefect.state(flow_run)

    looked = f"from wellspring.flows.quality import quality; quality('smoke', {str(store)!r})"
    prefect.type(sys.executable, "-c", looked)

    assert before == "Running"
    assert prefect.state(flow_run) == "Crashed"


def test_serving_what_a_worker_runs_is_refused_before_anything_runs(prefect: Prefect, tmp_path: Path) -> None:
    command = ("-m", "wellspring.flows.cli", "serve", "--profile", "smoke", "--store", str(tmp_path / "ws"))

    said = prefect.type(sys.executable, *command, code=2)
    pools = {deployment["work_pool_name"] for deployment in prefect.ask("deployments/filter")}

    assert "work pool `wellspring`: corpus/corpus-nightly, " in said
    assert "prefect worker start --pool wellspring" in said
    assert "prefect deployment delete" in said
    assert pools == {"wellspring"}


def test_the_kubernetes_work_pool_is_one_that_a_server_takes(prefect: Prefect) -> None:
    template = str(DEPLOYMENTS / "kubernetes.json")

    prefect.type(
        *("prefect", "work-pool", "create", "wellspring-k8s", "--type", "kubernetes", "--base-job-template", template)
    )
    pool = prefect.ask("work_pools/wellspring-k8s")

    assert pool["base_job_template"]["variables"]["required"] == ["image", "claim"]
