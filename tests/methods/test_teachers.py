"""Teachers: what the licence of a model allows, and that what is not known is not open."""

import pytest

from wellspring.tasks.methods.datasets import teachers
from wellspring.tasks.methods.datasets.teachers import teacher


@pytest.mark.parametrize(
    ("names", "licence", "outputs"),
    [
        (("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"), "OpenAI terms", "no_rivals"),
        (("openai/gpt-oss-120b",), "apache-2.0", "free"),
        (("o3-mini",), "OpenAI terms", "no_rivals"),
        (("olmo-2-13b",), "apache-2.0", "free"),
        (("Qwen/Qwen3-8B",), "apache-2.0", "free"),
        (("Qwen2.5-72B-Instruct",), "Qwen licence", "named"),
        (("qwen2.5-3b",), "Qwen research licence", "no_commerce"),
        (("meta-llama/Llama-3.1-8B-Instruct",), "Llama community licence", "named"),
        (("llama-3-70b",), "Llama community licence", "no_rivals"),
        (("Llama-2-7b",), "Llama community licence", "no_rivals"),
        (("mistral-large-2411",), "Mistral research licence", "no_commerce"),
        (("Mistral-7B-Instruct-v0.3",), "apache-2.0", "free"),
        (("given",), "of its source", "free"),
        (("my-model", ""), "not stated", ""),
        (("qwen3-8b", "gpt-4.1"), "OpenAI terms", "no_rivals"),
        (("my-model", "smollm2-135m.gguf"), "apache-2.0", "free"),
    ],
)
def test_a_model_has_the_terms_of_the_first_pattern_that_fits_and_of_two_the_stricter(
    names: tuple[str, ...], licence: str, outputs: str
) -> None:
    found = teacher(names)

    assert found == (licence, outputs)
    assert found.is_open == (outputs == "free")
    assert teachers.OUTPUTS[found.outputs]


@pytest.mark.parametrize(
    ("licence", "outputs"),
    [("Apache 2.0", "free"), ("cc-by-nc-4.0", "no_commerce"), ("CC BY-SA 4.0", "named"), ("Our own terms", "named")],
)
def test_what_a_profile_says_comes_before_what_is_known(licence: str, outputs: str) -> None:
    assert teacher(("gpt-4.1",), {"gpt-4.1": licence}).outputs == outputs
    assert teacher(("gpt-4.1",), {"other": licence}).outputs == "no_rivals"
