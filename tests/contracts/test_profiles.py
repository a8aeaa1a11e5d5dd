"""The commented profile: complete, loadable as it is, and loadable with everything in it switched on."""

import re
import tomllib
from pathlib import Path

from wellspring.tasks.contracts import profiles, settings
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.methods.answers import checks
from wellspring.tasks.methods.vectors import choices


def test_the_profile_as_written_is_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(profiles.commented())

    assert settings.load(str(path), environment={}) == Settings()


def test_every_setting_with_its_comment_taken_away_is_valid_and_the_default(tmp_path: Path) -> None:
    text = profiles.commented().split("# What to read")
    body = text[0] + text[1].split("# requests_per_minute = 600")[1]
    uncommented = re.sub(r"(?m)^# ([a-z_0-9]+ = \S)", r"\1", body)
    path = tmp_path / "all.toml"
    path.write_text(uncommented)

    assert len(tomllib.loads(uncommented)["documents"]) > 5
    assert settings.load(str(path), environment={}) == Settings()


def test_the_profile_lists_what_can_be_named() -> None:
    lines = {
        line.split(" = ")[0]: line.split("  # ")[1] for line in profiles.commented().splitlines() if "  # " in line
    }

    assert {*checks.OURS.uses} <= {*lines["# checks"].removeprefix("one of ").split(", ")}
    assert all(name in lines["# required"] for name in ("code_runs", "moderation", "verified", "checklist.8"))
    assert all(name in lines["# beside"] for name in choices.OURS)


def test_every_section_of_the_settings_is_in_the_profile() -> None:
    text = profiles.commented()

    for name in Settings.model_fields:
        assert f"[{name}]" in text or f"# {name} = " in text
