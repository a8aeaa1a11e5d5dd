"""The command line: it teaches, its errors name the next move, and its exit codes say by whom."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wellspring.flows import cli, terminal
from wellspring.tasks.contracts import settings
from wellspring.tasks.io import interrupts

COMMANDS = sorted(typer.main.get_group(cli.app).commands)


def wellspring(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wellspring.flows.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(Path(cli.__file__).parents[1]), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )


def test_help_lists_every_command_and_how_to_begin() -> None:
    said = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "160"}).output

    assert all(command in said for command in COMMANDS)
    assert "wellspring build" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_by_example(command: str) -> None:
    result = CliRunner().invoke(cli.app, [command, "--help"], env={"COLUMNS": "160"})

    assert result.exit_code == 0
    assert f"wellspring {command}" in result.output
    assert "Example" in result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["build", "--set", "documents.extracter=x"], 2, "did you mean `extractor`?"),
        (["build", "--profile", "nowhere"], 2, "there is no profile `nowhere`"),
        (["build", "--corpus", "nowhere.warc.gz", "--only", "corpus"], 2, "nowhere.warc.gz"),
        (["build", "--set", "models.generator.model=gpt-4.1-mini"], 2, "set models.base_url"),
        (
            [
                *("build", "--set", "models.base_url=http://127.0.0.1:9/v1"),
                *("--set", "models.generator.model=m", "--set", "models.responder.model=m"),
            ],
            2,
            "models.judge is `offline-judge`, the offline stand-in",
        ),
        (["trace", "abcd", "--store", "nowhere"], 1, "there is no store"),
        (["status", "--store", "nowhere"], 1, "wellspring build"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_what_goes_wrong_is_named_with_the_next_move(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    result = wellspring(*arguments, cwd=tmp_path)

    assert result.returncode == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.slow
def test_init_writes_a_profile_once(tmp_path: Path) -> None:
    first = wellspring("init", "mine.toml", cwd=tmp_path)
    second = wellspring("init", "mine.toml", cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 2)
    assert "there already" in second.stderr
    text = (tmp_path / "mine.toml").read_text()
    assert "[documents]" in text
    assert "[methods.calibration]\n# confidence = " in text
    whole = re.sub(r"(?m)^# ([a-z_]+ = \S)", r"\1", text[text.index("\n[methods.") : text.index("[sources]")])
    assert settings.load(None, environment={}, extra=tomllib.loads(whole)).methods["calibration"]["bins"] == 10


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["build", "--json", "--set", "documents.extracter=x"], 2, "did you mean `extractor`?"),
        (["build", "--json", "--nonsense"], 2, "--nonsense"),
        (["build", "--json", "--only", "half"], 2, "half"),
        (["nonsense", "--json"], 2, "nonsense"),
        (["trace", "--json"], 2, "target"),
        (["trace", "abcd", "--store", "nowhere", "--json"], 1, "there is no store"),
        (["export", "--json", "--store", "nowhere"], 1, "there is no store"),
    ],
)
def test_under_json_every_error_is_one_object_on_stdout(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["wellspring", *arguments])
    monkeypatch.setattr(interrupts, "own_process", lambda: None)

    with pytest.raises(SystemExit) as ended:
        cli.main()

    out, err = capfd.readouterr()
    told = json.loads(out)
    assert ended.value.code == told["exit_code"] == code
    assert said in told["error"] + told["hint"]
    assert told["hint"]
    assert err == ""


def test_under_json_a_fault_of_ours_is_an_object_too_and_keeps_its_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ZeroDivisionError), terminal.told(is_json=True):
        raise ZeroDivisionError("by nought")

    told = json.loads(capfd.readouterr().out)
    assert (told["error"], told["exit_code"]) == ("ZeroDivisionError: by nought", 1)


def test_under_json_a_command_that_was_stopped_says_how_to_go_on(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), terminal.stoppable("wellspring build", is_json=True):
        raise KeyboardInterrupt
    interrupts._code.clear()

    told = json.loads(capfd.readouterr().out)
    assert (told["kind"], told["exit_code"]) == ("stopped", 130)
    assert "wellspring build" in told["hint"]


def test_a_reason_is_shown_as_retry_takes_it() -> None:
    said = terminal.because({"no_page_fits": 3, "other_language": 1})

    assert said == "3 no_page_fits, 1 other_language"
