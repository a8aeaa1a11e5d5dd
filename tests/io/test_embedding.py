"""Embedding servers as they are: small batches, short texts, vectors out of order, holes, another model tomorrow."""

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.embedding_server import WIDTH, Embedder, Says, answer, embedder, refuse, vector
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, TransientError
from wellspring.tasks.io.models.embedding import NotTaken, is_too_long, shorter, texts_taken
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.storage.journal import Journal


@pytest.fixture
def server() -> Iterator[Embedder]:
    with embedder() as one:
        yield one


@pytest.fixture
def opened(tmp_path: Path, server: Embedder) -> Iterator[Callable[[], Models]]:
    """Open models on this test's store; those still open are closed at its end."""
    all_of_them: list[Models] = []

    def make(**role: Any) -> Models:
        asked = {"model": "m", "endpoints": [{"base_url": server.url, "key_env": ""}], "attempts": 2} | role
        settings = settings_.load(None, environment={}, extra={"models": {"embedder": asked}})
        all_of_them.append(Models(settings, tmp_path, "run"))
        return all_of_them[-1]

    yield make
    for models in all_of_them:
        models.close()


def expected(texts: list[str]) -> np.ndarray[Any, Any]:
    vectors = np.array([vector(text) for text in texts], dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def some(count: int) -> list[str]:
    return [f"river number {number} and the water in it" for number in range(count)]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (422, "batch size {sent} > maximum allowed batch size 32"),
        (413, "batch size {sent} exceeds maximum 32"),
        (400, "Invalid 'input': array too long. Expected an array with maximum length 32, but got an array of {sent}."),
        (400, "invalid request: total number of texts must be at most 32 - received {sent}"),
        (400, "batch size is invalid, it should not be larger than 32.: input.contents"),
        (422, "List should have at most 32 items after validation, not {sent}"),
    ],
)
@pytest.mark.slow
def test_how_many_texts_a_server_takes_is_read_from_its_words_and_remembered(
    opened: Callable[..., Models], server: Embedder, status: int, words: str
) -> None:
    server.says = lambda texts: (
        (200, answer(texts)) if len(texts) <= 32 else refuse(words.format(sent=len(texts)), status)
    )
    texts = some(300)

    models = opened()
    vectors = models.embed(texts)
    models.close()
    refused = [len(one) for one in server.asked if len(one) > 32]
    server.asked.clear()
    opened().embed([f"other {text}" for text in texts])

    assert np.allclose(vectors, expected(texts), atol=1e-6)
    assert refused == [128]
    assert max(len(one) for one in server.asked) == 32
    assert len(server.asked) == math.ceil(300 / 32)


@pytest.mark.slow
def test_how_many_it_takes_is_found_out_where_it_only_says_no(opened: Callable[..., Models], server: Embedder) -> None:
    server.says = lambda texts: (200, answer(texts)) if len(texts) <= 10 else refuse("Bad request")
    texts = some(300)

    vectors = opened().embed(texts)

    assert np.allclose(vectors, expected(texts), atol=1e-6)
    assert [len(one) for one in server.asked if len(one) > 10] == [128, 64, 32, 16]


def test_a_server_that_takes_one_text_a_request_is_asked_so(opened: Callable[..., Models], server: Embedder) -> None:
    words = "Too many inputs. The max number of inputs is 1. We hope to increase the number of inputs soon."
    server.says = lambda texts: (200, answer(texts)) if len(texts) == 1 else refuse(words)
    texts = some(20)

    assert np.allclose(opened().embed(texts), expected(texts), atol=1e-6)
    assert len(server.asked) == 21


def too_long(most_chars: int, words: str) -> Says:
    def says(texts: list[str]) -> tuple[int, Any]:
        longest = max(texts, key=len)
        if len(longest) <= most_chars:
            return 200, answer(texts)
        status = 500 if "physical" in words else 400
        return refuse(words.format(given=len(longest) // 4, most=most_chars // 4, chars=most_chars), status)

    return says


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is {most} tokens, however you requested {given} tokens.",
        "Input validation error: `inputs` must have less than {most} tokens. Given: {given}",
        "input ({given} tokens) is too large to process. increase the physical batch size (current batch size: {most})",
        "the input length exceeds the context length",
        "text is too long: at most {chars} characters",
        "Bad Request",
    ],
)
@pytest.mark.slow
def test_one_text_that_is_too_long_is_cut_alone(opened: Callable[..., Models], server: Embedder, words: str) -> None:
    long = "The long river. " * 400  # 6,400 characters
    texts = [*some(100), long]
    server.says = too_long(2000, words)

    models = opened()
    vectors = models.embed(texts)

    took = [one[0] for one in server.asked if len(one) == 1 and long.startswith(one[0]) and len(one[0]) <= 2000]
    assert np.allclose(vectors[:-1], expected(texts[:-1]), atol=1e-6)
    assert np.allclose(vectors[-1:], expected(took[-1:]), atol=1e-6)
    assert len(took[-1]) > (1700 if "{most}" in words or "{chars}" in words else 900)
    assert len(server.asked) < 30
    assert models.cut_texts() == 1


@pytest.mark.slow
def test_many_long_texts_cost_two_calls_each(opened: Callable[..., Models], server: Embedder) -> None:
    server.says = too_long(2000, "`inputs` must have less than {most} tokens. Given: {given}")
    texts = [f"{number} " + "words of a long river " * 200 for number in range(100)]

    models = opened()
    models.embed(texts)

    assert models.cut_texts() == 100
    assert len(server.asked) < 100 * 2 + 150


def test_a_text_that_is_refused_for_itself_is_left_out_alone(opened: Callable[..., Models], server: Embedder) -> None:
    def says(texts: list[str]) -> tuple[int, Any]:
        bad = any("poison" in text for text in texts)
        return refuse("blocked by our content policy") if bad else (200, answer(texts))

    server.says = says
    texts = [*some(50), "poison", *some(60)[50:]]
    left: dict[int, NotTaken] = {}

    models = opened()
    vectors = models.embed(texts, lambda place, problem: left.update({place: problem}))

    good = [place for place in range(len(texts)) if place != 50]
    assert list(left) == [50]
    assert left[50].reason == "content_filter"
    assert "blocked by our content policy" in left[50].detail
    assert not vectors[50].any()
    assert np.allclose(vectors[good], expected([texts[place] for place in good]), atol=1e-6)
    asked = len(server.asked)
    with pytest.raises(BrokenError, match="refused to embed a text of 6 characters: HTTP 400: blocked"):
        models.embed(texts)
    assert len(server.asked) == asked  # what was refused is recorded, too
    models.reopen("content_filter")
    models.embed(texts, lambda *_: None)
    assert len(server.asked) > asked


def test_words_that_say_nothing_do_not_cut_a_text_for_ever(opened: Callable[..., Models], server: Embedder) -> None:
    poison = "poison " * 200
    server.says = lambda texts: (
        refuse("Bad request") if any("poison" in text for text in texts) else (200, answer(texts))
    )
    left: dict[int, NotTaken] = {}

    models = opened()
    models.embed([*some(5), poison], lambda place, problem: left.update({place: problem}))

    assert left[5].detail == "HTTP 400: Bad request"
    assert len(server.asked) < 20
    assert models.cut_texts() == 0


def test_a_server_that_takes_no_text_stops_the_run_after_a_few_calls(
    opened: Callable[..., Models], server: Embedder
) -> None:
    server.says = lambda _: refuse("unknown field `user_tier`: it is required")

    with pytest.raises(
        BrokenError, match=r"refused to embed any text with `m`: HTTP 400: unknown field `user_tier`"
    ) as said:
        opened().embed(some(500), lambda *_: None)

    assert "extra_body" in said.value.hint
    assert len(server.asked) < 5


def test_a_part_of_the_request_that_it_does_not_know_is_left_out(
    opened: Callable[..., Models], server: Embedder
) -> None:
    def says(texts: list[str]) -> tuple[int, Any]:
        if "encoding_format" in server.bodies[-1]:
            return refuse("[encoding_format] extra fields not permitted")
        return 200, answer(texts)

    server.says = says
    texts = some(3)

    assert np.allclose(opened().embed(texts), expected(texts), atol=1e-6)
    assert len(server.asked) == 2


def test_vectors_are_put_in_order_by_their_numbers(opened: Callable[..., Models], server: Embedder) -> None:
    def says(texts: list[str]) -> tuple[int, Any]:
        said = answer(texts)
        return 200, said | {"data": said["data"][::-1]}

    server.says = says
    texts = some(40)

    assert np.allclose(opened().embed(texts), expected(texts), atol=1e-6)


def test_a_hole_is_asked_for_again_and_then_is_its_texts_own(opened: Callable[..., Models], server: Embedder) -> None:
    def says(texts: list[str]) -> tuple[int, Any]:
        said = answer(texts)
        for item, text in zip(said["data"], texts, strict=True):
            if "poison" in text or (len(texts) > 1 and "number 3 " in text):
                item["embedding"] = [math.nan] * WIDTH
        kept = [
            item for item, text in zip(said["data"], texts, strict=True) if "missing" not in text or len(texts) == 1
        ]
        return 200, said | {"data": kept}

    server.says = says
    texts = [*some(6), "a missing one", "poison"]
    left: dict[int, NotTaken] = {}

    vectors = opened().embed(texts, lambda place, problem: left.update({place: problem}))

    assert np.allclose(vectors[:7], expected(texts[:7]), atol=1e-6)
    assert list(left) == [7]
    assert left[7].reason == "malformed_answer"


def numbered(*numbers: int) -> Says:
    def says(texts: list[str]) -> tuple[int, Any]:
        said = answer(texts)
        for item, number in zip(said["data"], numbers, strict=False):
            item["index"] = number
        return 200, said

    return says


def of_two_widths(texts: list[str]) -> tuple[int, Any]:
    said = answer(texts)
    said["data"][0]["embedding"] = vector("x", 5)
    return 200, said


def without_numbers(texts: list[str]) -> tuple[int, Any]:
    return 200, {"data": [{"embedding": vector(text)} for text in texts[1:]]}


def of_holes(texts: list[str]) -> tuple[int, Any]:
    return 200, {"data": [{"index": i, "embedding": [math.nan] * WIDTH} for i in range(len(texts))]}


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (numbered(0, 0, 0), "numbers its 3 vectors for 3 texts 0, 0, 0"),
        (numbered(1, 2, 3), "numbers its 3 vectors for 3 texts 1, 2, 3"),
        (without_numbers, "gives 2 vectors for 3 texts, and does not say which is whose"),
        (of_two_widths, "vectors of 5 and of 8 numbers"),
        (of_holes, "refused to embed any text"),
    ],
)
def test_vectors_that_make_no_sense_stop_the_run(
    opened: Callable[..., Models], server: Embedder, says: Says, words: str
) -> None:
    server.says = says

    with pytest.raises(BrokenError, match=words):
        opened().embed(some(3), lambda *_: None)

    assert len(server.asked) <= 3


def test_numbers_may_be_left_out_where_none_is_missing(opened: Callable[..., Models], server: Embedder) -> None:
    server.says = lambda texts: (200, {"data": [{"embedding": vector(text)} for text in texts]})
    texts = some(4)

    assert np.allclose(opened().embed(texts), expected(texts), atol=1e-6)


def test_vectors_of_another_width_are_refused_by_both_widths_also_after_a_restart(
    opened: Callable[..., Models], server: Embedder
) -> None:
    models = opened()
    models.embed(some(3))
    server.says = lambda texts: (200, answer(texts, 12))
    words = "vectors of 12 numbers; those before have 8"

    with pytest.raises(BrokenError, match=words):
        models.embed(["another text"])
    models.close()
    with pytest.raises(BrokenError, match=words) as said:
        opened().embed(["a third text"])

    assert "models.embedder.model" in said.value.hint


def test_what_was_answered_before_the_server_went_is_recorded(opened: Callable[..., Models], server: Embedder) -> None:
    texts = some(300)
    server.says = lambda part: (200, answer(part)) if len(server.asked) < 3 else (401, {"error": {"message": "no key"}})

    models = opened(max_concurrency=1)
    with pytest.raises(BrokenError, match="no key"):
        models.embed(texts)
    models.close()
    server.asked.clear()
    server.says = lambda part: (200, answer(part))
    opened().embed(texts)

    assert sum(map(len, server.asked)) == 300 - 2 * 128


def test_calls_go_through_the_throttle_of_all_calls(opened: Callable[..., Models], server: Embedder) -> None:
    lock, out, most = threading.Lock(), [0], [0]

    def says(texts: list[str]) -> tuple[int, Any]:
        with lock:
            out[0] += 1
            most[0] = max(most[0], out[0])
        threading.Event().wait(0.05)
        with lock:
            out[0] -= 1
        return 200, answer(texts)

    server.says = says

    opened(max_concurrency=2).embed(some(128 * 12))

    assert most[0] == 2


@pytest.mark.slow
def test_a_tick_says_how_many_are_done(opened: Callable[..., Models], server: Embedder) -> None:
    ticks: list[int] = []

    def says(texts: list[str]) -> tuple[int, Any]:
        threading.Event().wait(0.7)
        return 200, answer(texts)

    server.says = says

    opened(max_concurrency=1).embed(some(300), tick=ticks.append)

    assert ticks == sorted(ticks)
    assert {0, 128, 256} <= set(ticks)


def test_what_the_profile_adds_to_a_request_makes_other_vectors(
    opened: Callable[..., Models], server: Embedder
) -> None:
    plain = opened()
    plain.embed(["a"])
    plain.close()
    opened(extra_body={"dimensions": 8}).embed(["a"])

    assert server.asked == [["a"], ["a"]]
    assert server.bodies[-1]["dimensions"] == 8


@pytest.mark.parametrize(
    ("words", "sent", "most"),
    [
        ("batch size 64 exceeds maximum 32", 64, 32),
        (
            "input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
            64,
            0,
        ),
        ("at most 100 requests can be in one batch", 128, 100),
        ("Batch too large", 128, 0),
        ("inputs[3] is not a text", 64, 0),
        ("`inputs` must have less than 32 tokens. Given: 40", 64, 0),
    ],
)
def test_words_about_the_number_of_texts_are_told_from_others(words: str, sent: int, most: int) -> None:
    assert texts_taken(words, sent) == most


@pytest.mark.parametrize(
    ("words", "chars"),
    [
        ("maximum context length is 512 tokens, however you requested 1024 tokens", 1945),
        ("must have less than 512 tokens. Given: 1,024", 1945),
        ("error 40001: maximum is 512 tokens", 1945),
        ("HTTP 413: too long", 2048),
        ("at most 2000 characters, 4096 were given", 1900),
        ("maximum length is 99999 tokens", 2048),
    ],
)
def test_a_text_is_cut_to_what_the_server_names_else_to_half(words: str, chars: int) -> None:
    assert shorter("x" * 4096, words) == pytest.approx(chars, abs=2)


def test_a_deadline_is_no_length() -> None:
    assert is_too_long("input length exceeds maximum context length")
    assert not is_too_long("context deadline exceeded")


def test_a_server_that_is_down_parks(opened: Callable[..., Models]) -> None:
    with pytest.raises(TransientError, match="does not answer"):
        opened(endpoints=[{"base_url": "http://127.0.0.1:9/v1", "key_env": ""}]).embed(["a"])


def test_notes_are_counted_in_the_journal(tmp_path: Path, opened: Callable[..., Models], server: Embedder) -> None:
    server.says = too_long(200, "too long: at most {chars} characters")
    models = opened()
    models.embed(["long " * 100, "also long " * 60, "short"])
    models.close()

    journal = Journal(tmp_path / "completions.sqlite")
    details = [row[0] for row in journal.select("SELECT detail FROM attempts WHERE outcome = 'done' AND detail <> ''")]
    journal.close()

    assert sorted(details) == ["cut to 189 of 600 characters", "cut to 189 of 500 characters"][::-1]
