"""Code blocks: found by their fences, parsed where we can, never run."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.answers.code_blocks import CodeBlock, code_blocks, syntax_error

TEXT = "First:\n```python\nx = 1\n```\nthen\n  ```json\n  {}\n  ```\nand\n```\nplain\n```\nopen:\n```bash\necho"


def test_closed_blocks_are_found_with_their_language() -> None:
    assert [block.language for block in code_blocks(TEXT)] == ["python", "json", ""]
    assert code_blocks(TEXT)[0].code == "x = 1\n"


@pytest.mark.parametrize("line", ["```python\n", "```x\ny\n", "```a\nb ```\n"])
def test_fences_that_nothing_closes_are_read_in_linear_time(line: str) -> None:
    started = time.process_time()

    assert code_blocks(line * 8_000) == []
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("language", "code", "error"),
    [
        ("python", "def f(x):\n    return x\n", ""),
        ("py", "def f(x)\n    return x\n", "SyntaxError"),
        ("json", '{"a": [1, 2]}', ""),
        ("json", "{'a': 1}", "JSONDecodeError"),
        ("toml", "[a]\nb = 1\n", ""),
        ("toml", "b = \n", "TOMLDecodeError"),
        ("python", "(" * 500 + ")" * 500, "SyntaxError"),
        ("python", "x = '\\d'\n", ""),
        ("python", "a\x00b", "SyntaxError"),
    ],
)
def test_a_block_in_a_language_we_parse_is_right_or_says_what_is_wrong(language: str, code: str, error: str) -> None:
    found = syntax_error(CodeBlock(language, code))

    assert found is not None
    assert found.startswith(error) if error else found == ""


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("rust", "fn main( {"),
        ("", "x ="),
        ("python", ">>> 1 +\n"),
        ("json", '{"a": 1, ... }'),
        ("python", "x" * 200_000),
    ],
)
def test_other_languages_sessions_and_illustrations_are_not_judged(language: str, code: str) -> None:
    assert syntax_error(CodeBlock(language, code)) is None


@given(st.text(alphabet="`pyjson\n (){}[]x=1:'\"\\", max_size=200))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    for block in code_blocks(f"```python\n{text}\n```"):
        assert syntax_error(block) is None or isinstance(syntax_error(block), str)
