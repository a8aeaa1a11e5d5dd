"""The cast of a profile: the stand-in never answers under another's name, and never judges a real model's rows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wellspring.tasks.contracts.casting import cast, is_stand_in, refuse_stand_ins, without_directories
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import runs

Make = Callable[..., Settings]
SERVER = "models.base_url=http://127.0.0.1:8000/v1"
WRITERS = ("models.generator.model=real-7b", "models.responder.model=real-7b")


def test_a_profile_of_stand_ins_alone_may_run(settings: Make) -> None:
    refuse_stand_ins(settings())
    refuse_stand_ins(settings(SERVER))  # `wellspring offline-model`, by its names


def test_a_profile_of_real_models_may_run_with_whatever_embedder_and_moderator_it_does_not_ask(settings: Make) -> None:
    refuse_stand_ins(settings(SERVER, *WRITERS, "models.judge.model=judge-70b"))


def test_a_real_judge_may_look_at_rows_of_the_stand_in(settings: Make) -> None:
    judge = {"model": "judge-70b", "endpoints": [{"base_url": "http://127.0.0.1:8000/v1"}]}

    refuse_stand_ins(settings(models={"judge": judge}))


@pytest.mark.parametrize("role", ["generator", "responder", "judge"])
def test_a_real_name_at_the_built_in_stand_in_is_refused_with_what_to_set(settings: Make, role: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_stand_ins(settings(f"models.{role}.model=gpt-4.1-mini"))

    assert caught.value.message == (
        "models.base_url is `offline`, so the built-in stand-in would answer as gpt-4.1-mini; set models.base_url"
    )
    assert "--set models.base_url=" in caught.value.hint


def test_a_role_with_endpoints_of_its_own_is_told_to_change_those(settings: Make) -> None:
    mixed = [{"base_url": "http://127.0.0.1:8000/v1"}, {"base_url": "offline"}]
    chosen = settings(SERVER, *WRITERS, models={"judge": {"model": "judge-70b", "endpoints": mixed}})

    with pytest.raises(UsageError, match=r"models\.judge\.endpoints is `offline`.*answer as judge-70b"):
        refuse_stand_ins(chosen)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ((), "models.judge is `offline-judge`"),
        (("scores.judges=[]", "seeds.min_score=7"), "models.judge"),
        (("scores.judges=[]", "groundings.choice=listwise"), "models.judge"),
        (("scores.judges=[]", "groundings.judge_support=true"), "models.judge"),
        (("scores.judges=[]", "preferences.draws=2"), "models.judge"),
        (("scores.judges=[]", 'verdicts.judges=["moderation"]'), "models.judge"),
        (("models.judge.model=j", "embeddings.embedder=endpoint"), "models.embedder is `offline-embedding`"),
        (
            ("models.judge.model=j", 'verdicts.judges=["moderation"]', "models.moderator.model=offline-judge"),
            "models.moderator",
        ),
        (("models.judge.model=j", "models.responder.model=offline-extractive"), "models.responder"),
        (("models.judge.model=j", "models.generator.model=offline-extractive"), "models.generator"),
    ],
)
def test_a_stand_in_that_is_asked_beside_a_real_writer_is_refused_by_its_role(
    settings: Make, overrides: tuple[str, ...], named: str
) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_stand_ins(settings(SERVER, *WRITERS, *overrides))

    assert named in caught.value.message
    assert "real-7b" in caught.value.message
    assert f"--set {named.split(' ', maxsplit=1)[0]}.model=NAME" in caught.value.hint


def test_a_judge_that_is_asked_nothing_may_be_anyone(settings: Make) -> None:
    unasked = settings(SERVER, *WRITERS, "scores.judges=[]")

    refuse_stand_ins(unasked)

    assert set(cast(unasked)) == {"generator", "responder"}


def test_a_run_is_refused_before_its_store_is_made_and_an_estimate_is_not(settings: Make, tmp_path: Path) -> None:
    chosen = settings("models.generator.model=gpt-4.1-mini")
    with pytest.raises(UsageError), runs.start("dataset", chosen, tmp_path / "ws", quiet=True):
        pass

    assert not (tmp_path / "ws").exists()
    with runs.start("estimate", chosen, tmp_path / "ws", quiet=True, may_mix=True) as run:
        assert run.flow == "estimate"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("gpt-4.1-mini", "gpt-4.1-mini"),
        ("accounts/x/models/y-v3", "accounts/x/models/y-v3"),
        ("/home/me/models/q4.gguf", "q4.gguf"),
        ("models/q4.GGUF", "q4.GGUF"),
        ("/models/Qwen3-8B/", "Qwen3-8B"),
        ("C:\\models\\q4.gguf", "q4.gguf"),
        ("~/q4.gguf", "q4.gguf"),
        ("./here", "here"),
        ("", ""),
    ],
)
def test_a_model_that_is_named_by_its_file_is_shown_without_folders(name: str, shown: str) -> None:
    assert without_directories(name) == shown


def test_a_stand_in_is_known_by_the_name_it_was_asked_for_or_answered_under() -> None:
    assert is_stand_in("offline-extractive")
    assert is_stand_in("gpt-4.1", "offline-extractive")
    assert not is_stand_in("gpt-4.1", "", None)
