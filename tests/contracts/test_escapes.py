"""Backslashes of models in JSON: commands, patterns and paths stay; what is an escape stays one."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.escapes import mended

# What a model wrote between the quotes of a JSON text -> the text that it meant.
MEANT = {
    r"\frac{1}{2} \theta \beta \neq \nu": r"\frac{1}{2} \theta \beta \neq \nu",
    r"if \(x \to \infty\) then \[\lim f = 0\]": r"if \(x \to \infty\) then \[\lim f = 0\]",
    r"\begin{aligned} a &= \rho \\ b &= \tau \end{aligned}": r"\begin{aligned} a &= \rho \ b &= \tau \end{aligned}",
    r"\\frac{1}{2}\nand \\beta": "\\frac{1}{2}\nand \\beta",
    r"\text{rate} \times 3\%": r"\text{rate} \times 3\%",
    r"one\ntwo\n\nthree": "one\ntwo\n\nthree",
    r"def f():\n\treturn x\n\ttotal = 1": "def f():\n\treturn x\n\ttotal = 1",
    r"a\tb\nnew\to": "a\tb\nnew\to",
    r"\d+\.\w*\b and \s": r"\d+\.\w*\b and \s",
    r"C:\Users\ann\new\table.txt is there\nread it": "C:\\Users\\ann\\new\\table.txt is there\nread it",
    r"A:\nyes\nB:\nno": "A:\nyes\nB:\nno",
    r"C:\\Users\\ann": r"C:\Users\ann",
    r"it\'s": "it's",
    r"caf\u00e9 \usepackage{x} \u{1F600}": r"café \usepackage{x} \u{1F600}",
    r"\"quoted\" \/ slash": '"quoted" / slash',
    r"\rightarrow, \right) and a\r\nline": "\\rightarrow, \\right) and a\r\nline",
    r"snake\_case \& 5\$": r"snake\_case \& 5\$",
}


@pytest.mark.parametrize(("written", "meant"), MEANT.items(), ids=range(len(MEANT)))
def test_what_a_model_meant_is_read(written: str, meant: str) -> None:
    assert prompting.json_object(f'{{"a": "{written}", "b": 1}}', ("a",)) == {"a": meant, "b": 1}


ESCAPED = st.text(st.characters(exclude_characters="\b\f", exclude_categories=("Cs",)))


@given(st.dictionaries(ESCAPED, ESCAPED | st.lists(ESCAPED)))
def test_what_a_writer_of_json_wrote_stays_as_it_is(value: dict[str, Any]) -> None:
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert json.loads(mended(written)) == value


@given(st.lists(st.text(string.ascii_letters, min_size=1).filter(lambda w: w[0] not in "nrtu"), min_size=1))
def test_any_command_that_json_does_not_know_survives(commands: list[str]) -> None:
    said = " ".join(f"\\{command}" for command in commands)

    assert json.loads(mended(json.dumps("TEXT").replace("TEXT", said))) == said


@pytest.mark.parametrize("piece", ['\\"', '"', "\\", "C:\\", "\\n", '"\\', "\\u00"])
def test_it_takes_time_in_proportion_to_the_text(piece: str) -> None:
    mended('{"a": "' + piece * 200_000)
