"""The embedder that `auto` comes to: for which texts, what it leaves alone, and from which cosine on two are alike."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from tests import page_store
from wellspring.tasks import embeddings, seeds
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.vectors import encoder
from wellspring.tasks.spine.operations import diagnosis
from wellspring.tasks.spine.running import preflight
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import ceilings, embedders, retrieval
from wellspring.tasks.spine.watching.progress import Progress

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]

AUTO = ("embeddings.embedder=auto", "embeddings.dimensions=16", "runner=thread")
TEXTS = (
    "How do I bake sourdough bread at home?",
    "How do I bake banana bread at home?",
    "What causes the tides of the sea?",
    "ꦗꦮ ꦱꦸꦤ꧀ꦝ ꦧꦭꦶ",
)
needs_encoder = pytest.mark.skipif(bool(encoder.missing()), reason=f"needs {', '.join(encoder.missing())}")
pytestmark = [needs_encoder, pytest.mark.usefixtures("unaudited", "pageless")]


@pytest.fixture
def auto(settings: Make, tmp_path: Path) -> Settings:
    path = page_store.write_seeds(tmp_path / "seeds.jsonl", TEXTS)
    return settings(*AUTO, "seeds.deduplicate_cosine=1.01", "seeds.min_tokens=0", seeds={"paths": [path]})


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Take the encoder's packages away."""
    return lambda: monkeypatch.setattr(encoder, "missing", lambda: ["onnxruntime"])


def test_auto_is_the_encoder_for_what_people_ask_and_names_things_as_what_it_comes_to(
    settings: Make, without: Callable[[], None]
) -> None:
    chosen = settings(*AUTO).embeddings
    plain, whole = (settings(*AUTO, f"embeddings.embedder={name}").embeddings for name in ("hashing", "encoder"))

    assert [embedders.kind(chosen, noun) for noun in embedders.SPACES] == ["hashing", "encoder", "encoder"]
    assert embedders.described(chosen, "seeds") == embedders.described(whole, "seeds")
    assert embedders.described(chosen, "passages") == embedders.described(plain, "passages")
    assert embedders.described(chosen, "seeds") != embedders.described(plain, "seeds")
    assert embedders.methods_of(chosen, "seeds") == ("spine.embedders",)

    without()

    assert embedders.described(chosen, "seeds", "passages") == embedders.described(plain, "seeds", "passages")


def test_seeds_lie_in_the_encoders_space_and_pages_in_their_own(
    start: Start, auto: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(auto) as run:
        page_store.fill_pages(run)
        page_store.fill_seeds(run)

        asked = retrieval.vectors(run, "seeds")
        assert (retrieval.vectors(run, "passages").matrix.shape[1], asked.matrix.shape) == (16, (3, 384))
        assert all(retrieval.candidates(run, ["bread"], 2))
        monkeypatch.setattr(encoder.Encoder, "_alone", lambda *_: pytest.fail("embedded again"))
        again = embedders.embedder(run, "seeds").embed(TEXTS)
    by_text = {vector.tobytes() for vector in asked.matrix}
    assert {vector.tobytes() for vector in again.vectors[:3]} == by_text
    assert again.is_empty.tolist() == [False, False, False, True]
    assert again.refused[0][:2] == (3, embedders.UNKNOWN_WORDS)


def test_without_its_packages_a_store_goes_on_with_hashing_and_says_so_and_back(
    start: Start, auto: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(Progress, "note", lambda _, text: notes.append(text))
    with start(auto) as run:
        page_store.fill_seeds(run)
        first = retrieval.vectors(run, "seeds").matrix.copy()
    with pytest.MonkeyPatch.context() as gone:
        gone.setattr(encoder, "missing", lambda: ["onnxruntime"])
        with start(auto) as run:
            counts = embeddings.embed(run, of="seeds").counts
            embedders_now = set(embedders.active(run, "seeds").values())
    with start(auto) as run:
        back = embeddings.embed(run, of="seeds").counts
        last = retrieval.vectors(run, "seeds").matrix

    assert counts.rows_out == 4
    assert not any(encoder.NAME in name for name in embedders_now)
    assert f"embedded by {encoder.NAME}, which needs onnxruntime: not installed here" in " ".join(notes)
    assert f"{encoder.NAME} is installed now" in notes[-1]
    assert back.rows_in == 0
    assert np.array_equal(first, last)


@pytest.mark.parametrize(("embedder", "stays"), [("encoder", 2), ("hashing", 3)])
def test_an_unset_cosine_is_the_one_that_was_measured_of_the_embedder(
    start: Start, settings: Make, tmp_path: Path, embedder: str, stays: int
) -> None:
    asked = ("Write a short poem about autumn leaves.", "Compose a brief poem on the leaves of autumn.",
             "Write a short poem about the first snow of winter.")  # fmt: skip
    path = page_store.write_seeds(tmp_path / "seeds.jsonl", asked)
    with start(settings(*AUTO, f"embeddings.embedder={embedder}", seeds={"paths": [path]})) as run:
        seeds.ingest(run)

        assert len(run.store.query("seeds/fresh", fingerprint=seeds._reading(run.settings))) == stays


def test_a_number_overrides_what_was_measured_and_of_a_model_of_ones_own_nothing_was(settings: Make) -> None:
    chosen = settings(*AUTO)

    assert ceilings.cosine(chosen, "seeds", 0.7) == 0.7
    assert ceilings.cosine(chosen, "seeds", None) == ceilings.MEASURED["encoder"].cosine
    assert ceilings.cosine(chosen, "passages", None) == ceilings.MEASURED["hashing"].cosine
    own = settings(*AUTO, "embeddings.embedder=endpoint")
    assert ceilings.cosine(own, "seeds", None) == ceilings.MEASURED["encoder"].cosine
    assert "not of this model" in ceilings.described(own, "seeds")


def test_who_embeds_what_is_said_before_a_run_and_what_lacks_refuses_it(
    settings: Make, tmp_path: Path, without: Callable[[], None]
) -> None:
    found = {one.what: one for one in diagnosis.examine(settings(*AUTO), tmp_path)}["embedders"]
    assert f"passages: hashing, the same from cosine {ceilings.MEASURED['hashing'].cosine}" in found.found
    assert f"seeds: {encoder.NAME}, the same from cosine {ceilings.MEASURED['encoder'].cosine}" in found.found

    without()

    with pytest.raises(UsageError, match="`encoder` needs onnxruntime"):
        preflight.look(settings(*AUTO, "embeddings.embedder=encoder"), tmp_path / "ws", [])
    preflight.look(settings(*AUTO), tmp_path / "ws", [])
