"""A text that goes in circles is told from one that only has a refrain, a table or a list."""

import pytest

from wellspring.tasks.methods.instructions.loops import is_loop

LOOPS = [
    "The river is long. " * 30,
    "It begins well, and then: " + "and the water is cold, " * 20 + "and the wat",
    '{"scene": "' + "a person who is a person who is " * 12,
    "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,",
    "\n" * 200,
    "ha" * 80,
]
OTHERS = [
    "",
    "A short answer.",
    "no no no no",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |",
    "\n".join(f"{n}. Step {n} of the plan takes {n * n} minutes." for n in range(1, 40)),
    "-" * 70 + "\nThe end of the table above is marked by a rule, and the text goes on after it for a while.",
    "def f(x):\n    return x + 1\n\n\ndef g(x):\n    return x + 2\n",
]


@pytest.mark.parametrize("text", LOOPS)
def test_a_loop_is_seen(text: str) -> None:
    assert is_loop(text)


@pytest.mark.parametrize("text", OTHERS)
def test_what_only_repeats_a_little_is_no_loop(text: str) -> None:
    assert not is_loop(text)
