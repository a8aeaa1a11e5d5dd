"""A server is learned before a run pays: by what it tells, and by two short questions; once, and kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import quirks
from wellspring.tasks.io.llm import Models
from wellspring.tasks.io.offline import Response


def chosen(url: str, *overrides: str) -> Settings:
    return settings_.load(None, [f"models.base_url={url}", "models.generator.attempts=2", *overrides], environment={})


def met(folder: Path, *names: str, overrides: tuple[str, ...] = ()) -> Mapping[str, Any]:
    with quirks.running(*names) as server, Models(chosen(server.url, *overrides), folder, "run") as models:
        (known,) = models.meet(["generator"]).values()
    return known


def test_a_plain_server_is_met_once_and_remembered(tmp_path: Path) -> None:
    with quirks.running("reasoning_content") as server:
        for _ in range(2):
            with Models(chosen(server.url), tmp_path, "run") as models:
                (known,) = models.meet(["generator"]).values()
        asked = server.stats()["requests"]

    assert asked <= 4  # two questions, and what it tells of itself
    assert known["met"]["thinks"] is True
    assert known["fewest_per_char"] > 0


@pytest.mark.parametrize(
    ("quirk", "fact"),
    [
        ("no_json_schema", ("structured", "json_object")),
        ("schema_ignored", ("structured", "json_object")),
        ("no_system_role", ("system", "user")),
        ("no_top_p", ("unknown", ["top_p"])),
        ("max_tokens_range=128", ("max_tokens_cap", 128)),
    ],
)
def test_what_it_does_not_take_is_learned(quirk: str, fact: tuple[str, Any], tmp_path: Path) -> None:
    known = met(tmp_path, quirk)

    assert known[fact[0]] == fact[1]


def test_what_it_tells_of_itself_is_taken_in(tmp_path: Path) -> None:
    known = met(tmp_path, "llama_cpp")

    assert known["slots"] >= 1
    assert known["context"] > 0


def test_a_server_that_refuses_everything_parks_before_anything_is_paid(tmp_path: Path) -> None:
    with pytest.raises((TransientError, BrokenError)) as caught:
        met(tmp_path, "refuses_all=400")

    assert caught.value.hint


def test_the_context_that_ollama_uses_is_taken_and_not_the_models(tmp_path: Path) -> None:
    known = met(tmp_path, "ollama", "context=3000")

    assert known["context"] == 3000


@pytest.mark.parametrize("told", [b"[]", b'{"parameters": 5, "total_slots": "many"}', b"\xff", b"{" * 5000, b"null"])
def test_odd_words_of_a_server_about_itself_are_no_facts(
    told: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quirks.Quirky, "_shown", lambda *_: Response(200, told))

    known = met(tmp_path)

    assert not known.keys() & {"context", "slots"}
    assert known["met"]


@pytest.mark.parametrize("again", [False, True])
def test_a_role_of_batch_jobs_is_asked_no_question_at_once(
    tmp_path: Path,
    again: bool,  # noqa: FBT001 - a parameter
) -> None:
    with quirks.running() as server:
        with Models(chosen(server.url, "models.generator.mode=batch"), tmp_path, "run") as models:
            (known,) = models.meet(["generator"], again=again).values()
        asked = server.stats().get("requests", 0)

    assert (dict(known), asked) == ({}, 0)
