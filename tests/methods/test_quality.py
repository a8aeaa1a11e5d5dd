"""Rules of quality measure what their papers say, and a refusal carries rule, value and bound."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import made_texts
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.methods.pages import quality
from wellspring.tasks.methods.pages.quality import Measured

GOOD = (
    "The ferry that crosses the sound has run since before the war, and its captain says that it will outlive him. "
    "In winter it carries mail, milk and the schoolchildren of two islands; in summer people with cameras.\n\n"
    "Nobody remembers a day on which it did not sail. There was ice one hard year, thick enough to walk on, and "
    "then "
    "the crew walked ahead with axes. What they have to fear now is a bridge, drawn and drawn again. "
    "Would the shop close? Most think so, though some of them also think that the doctor might come sooner.\n\n"
    "Until it is built the bell rings at six, and whoever is late can wait for the next one with a cup of tea."
)
ALL = tuple(quality.SETS)


def test_prose_passes_every_rule() -> None:
    quality.check(GOOD, quality.rules(ALL), "en")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("gopher_quality.words", "Too few words."),
        ("gopher_quality.mean_word_chars", "incomprehensibilities " * 60),
        ("gopher_quality.hashes_per_word", "#tag word " * 60),
        ("gopher_quality.bullet_lines", "- an item of a list\n" * 60),
        ("gopher_quality.ellipsis_lines", "It goes on and on...\n" * 60),
        ("gopher_quality.words_with_a_letter", "1 2 3 four " * 60),
        ("gopher_quality.stop_words", "river boat people word " * 60),
        ("gopher_repetition.lines", "one line\nanother line\n" * 5),
        ("gopher_repetition.paragraphs", "one part\n\nanother part\n\n" * 5),
        ("gopher_repetition.top_2_gram", "very good very good very good very good indeed"),
        ("gopher_repetition.10_grams", f"{GOOD[:400]} {GOOD[:400]}"),
        ("c4.sentences", "One. Two. Three."),
        ("c4.lorem_ipsum", GOOD + " Lorem ipsum dolor."),
        ("c4.curly_brackets", GOOD + " { x }"),
        ("fineweb.line_punctuation", "no end\n" * 20),
        ("fineweb.short_lines", "Short one.\n" * 20),
        ("fineweb.line_ends_per_word", "a\nb\nc\nd"),
    ],
)
def test_each_rule_refuses_what_it_is_there_for(rule: str, text: str) -> None:
    with pytest.raises(Rejection) as refusal:
        quality.check(text, quality.rules([rule]), "en")

    assert refusal.value.reason == "quality"
    assert refusal.value.detail.startswith(f"{rule} is ")


def test_repeated_characters_count_once() -> None:
    measured = Measured("a b c a b c a b c")

    assert measured.repeated_grams(3) == pytest.approx(6 / 9)
    assert measured.top_gram(2) == pytest.approx(6 / 9)
    assert Measured("x\ny\nx").repeated(Measured("x\ny\nx").lines) == (pytest.approx(1 / 3), pytest.approx(1 / 5))


def test_a_profile_names_sets_and_rules_in_its_order() -> None:
    assert list(quality.rules(["c4.sentences", "fineweb"]))[:2] == ["c4.sentences", "fineweb.line_punctuation"]
    with pytest.raises(UsageError, match="no set of quality rules `gopher`"):
        quality.rules(["gopher"])


CHINESE = "\n\n".join("".join(made_texts.sentences("zh", random.Random(i), 12)) for i in range(4))


def test_rules_are_left_out_for_scripts_and_languages_that_they_were_not_made_for() -> None:
    german = GOOD.replace("the", "der").replace("and", "und").replace("to", "zu").replace("that", "dass")
    german = german.replace("with", "mit").replace("of", "von").replace("be ", "sei ").replace("have", "habe")

    quality.check(CHINESE, quality.rules(["gopher_quality", "gopher_repetition"]), "zh")
    quality.check(german, quality.rules(["gopher_quality"]), "de")
    with pytest.raises(Rejection, match="stop_words"):
        quality.check(german, quality.rules(["gopher_quality"]), "en")
    with pytest.raises(Rejection, match=r"gopher_quality\.words is 1[0-9]"):
        quality.check(CHINESE[:30], quality.rules(["gopher_quality"]), "zh")
    with pytest.raises(Rejection, match=r"gopher_repetition\.10_grams"):
        quality.check(CHINESE[:200] * 2, quality.rules(["gopher_repetition.10_grams"]), "zh")


def test_a_bound_stands_behind_a_name() -> None:
    chosen = quality.rules(["fineweb", "fineweb.repeated_line_chars<=0.01", "c4.sentences >= 3"])

    assert (chosen["fineweb.repeated_line_chars"].most, chosen["c4.sentences"].least) == (0.01, 3)
    assert chosen["fineweb.short_lines"].most == 0.67
    for wrong in ("fineweb<=0.1", "c4.sentences>=1.2.3", "c4.sentences=3"):
        with pytest.raises(UsageError):
            quality.rules([wrong])


def test_rules_for_lines_take_lines_out_and_refuse_no_page() -> None:
    text = "Home\nThis line is whole.\n\nIt ends in dots...\nWe use cookies on it.\nTurn Javascript on.\nOh no!"

    assert quality.without_lines(text, quality.rules(["c4_lines"]), "en") == "This line is whole."
    assert quality.without_lines(text, quality.rules(["c4_lines.words>=5", "c4"]), "en").startswith("We use cookies")
    assert quality.without_lines(text, quality.rules(["c4"]), "en") == text
    assert quality.without_lines("ไม่มีจุด\nยาวพอสมควร", quality.rules(["c4_lines"]), "th") == "ไม่มีจุด\nยาวพอสมควร"
    quality.check("x", quality.rules(["c4_lines"]), "en")


@pytest.mark.slow
@given(st.text(max_size=300))
def test_no_text_breaks_a_rule(text: str) -> None:
    for rule in quality.rules(ALL).values():
        assert rule.measure(Measured(text)) >= 0
