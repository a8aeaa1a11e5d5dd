"""A server is learned before a run pays: by what it tells, and by two short questions; once, and kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from tests.scripted_model import scripted_model
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.calls import Answer, Call
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.contracts.prompting import Message, Prompt
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.protocol.requests import BOUND_CHARS
from wellspring.tasks.io.standin import quirks
from wellspring.tasks.io.standin.offline import Response


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


class Colour(Answered):
    """The colour of a thing."""

    colour: Annotated[str, Field(max_length=20)]


def ask(models: Models, number: int, retry: int = 0) -> None:
    prompt = Prompt((Message("user", f"What colour is {number}?"),), Colour.identity(), "colour", Colour.wire())
    (outcome,) = models.ask("generator", [Call(str(number), prompt, retry=retry)])
    assert isinstance(outcome, Answer)


def test_lengths_of_texts_are_sent_once_a_server_was_seen_to_take_them(tmp_path: Path) -> None:
    with scripted_model(lambda _: '{"colour": "green"}') as server:
        for numbers in ((1, 2), (3, 4)):  # the second run knows it from the first
            with Models(chosen(server.base_url), tmp_path, "run") as models:
                ask(models, numbers[0])
                ask(models, numbers[1], retry=numbers[0] == 1)
        texts = [body["response_format"]["json_schema"]["schema"]["properties"]["colour"] for body in server.asked]

    assert [text.get("maxLength") for text in texts] == [None, BOUND_CHARS, 20, 20]


def test_lengths_are_never_sent_again_to_a_server_that_refused_them(tmp_path: Path) -> None:
    with quirks.running("no_maxlength") as server, Models(chosen(server.url), tmp_path, "run") as models:
        ask(models, 1, retry=1)
        before = server.stats()["requests"]
        ask(models, 2)
        ask(models, 3, retry=1)
        asked = server.stats()["requests"] - before

    assert models.doors["generator"].servers[0].ability["bounds"] is False
    assert asked == 2


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
