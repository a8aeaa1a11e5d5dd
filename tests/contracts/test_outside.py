"""What comes from outside is read so that every table can hold it, or refused with a reason."""

import json
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import anything
from wellspring.tasks.contracts import outside, records
from wellspring.tasks.contracts.errors import Rejection

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(PLAIN)
def test_what_is_plain_is_read_as_it_was_written(value: object) -> None:
    assert outside.loads(json.dumps(value)) == value
    assert outside.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(anything())
def test_whatever_is_read_can_be_encoded_counted_and_shown(value: object) -> None:
    try:
        read = outside.loads(json.dumps(value))
    except ValueError:
        return
    json.dumps(read, ensure_ascii=False).encode()
    outside.shown(read).encode()
    assert outside.depth(read) <= outside.MAX_DEPTH
    if isinstance(read, (int, float)):
        float(read)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r'"\ud83d"', "\ufffd"),
        (r'"\ude00 after"', "\ufffd after"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (r'"\uD83D\n"', "\ufffd\n"),
        ('"raw \ud83d"', "raw \ufffd"),
    ],
)
def test_half_a_character_is_the_replacement_character(source: str, text: str) -> None:
    assert outside.loads(source) == text


@pytest.mark.parametrize("source", ["[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300, "[" * 200_000])
def test_what_has_no_end_is_no_json(source: str) -> None:
    with pytest.raises(ValueError, match=r"nested deeper|unexpected|Expecting"):
        outside.loads(source)


@pytest.mark.parametrize("value", [True, False, None, "1", [1], math.nan, math.inf, 10**400, -(10**400)])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert outside.number(value) is None


@pytest.mark.parametrize(
    ("value", "whole"), [(3, 3), (" 3 ", 3), ("\u00b2", None), ("9" * 5000, None), (True, None), (2**63, None)]
)
def test_a_whole_number_fits_its_column(value: object, whole: int | None) -> None:
    assert outside.whole(value) == whole


@given(st.text(st.characters(exclude_categories=[]) | st.just("\x00")))
def test_a_record_is_stored_with_sound_texts(text: str) -> None:
    row = outside.storable(records.Score("s", "f", "j", "c", 1.0, text, None, "r"))

    stored = records.to_arrow("scores", [row])["reason"].to_pylist()

    assert stored == [outside.sound(text)]
    assert "\x00" not in row.reason


@pytest.mark.parametrize("value", [math.nan, math.inf, 10**400, -(2**63) - 1])
def test_a_number_that_fits_no_column_is_a_refusal(value: float) -> None:
    with pytest.raises(Rejection, match="unstorable_value"):
        outside.storable(records.Score("s", "f", "j", "c", value, "", None, "r"))


def test_what_passes_is_the_record_itself() -> None:
    row = records.Score("s", "f", "j", "c", 1.0, "caf\u00e9", None, "r")

    assert outside.storable(row) is row
    assert pa.schema(records.schema("scores")).names[0] == "subject_id"
