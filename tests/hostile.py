"""Values that nobody thought of, to be put into every field of every record that is read from outside."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

VALUES: dict[str, str] = {  # as JSON, since Python cannot write all of it
    "null": "null",
    "true": "true",
    "a number": "7",
    "a fraction": "0.5",
    "a huge integer": "1" * 401,
    "too many digits": "1" * 5000,
    "past a bigint": str(2**64),
    "infinite": "1e400",
    "infinity": "-Infinity",
    "nan": "NaN",
    "half a character": '"cut \\ud83d"',
    "the other half": '"\\ude00 and a long text about kettles, which stood on the stove"',
    "nul": '"a\\u0000b"',
    "controls": '"\\u0001\\u001b[31m\\u2028"',
    "empty": '""',
    "blank": '"  \\n"',
    "a list": '["a", 1, null, {"b": "\\ud83d"}]',
    "an empty list": "[]",
    "an object": '{"text": "\\udc00", "content": 1, "role": ["user"], "name": {"name": {"name": []}}}',
    "an empty object": "{}",
    "deep lists": "[" * 190 + "]" * 190,
    "deep objects": '{"name":' * 150 + '"x"' + "}" * 150,
    "deeper than JSON": "[" * 5000 + "]" * 5000,
}


def anything() -> st.SearchStrategy[Any]:
    """Return a strategy of JSON values with half characters, NUL and numbers that no column holds."""
    texts = st.text(st.characters(exclude_categories=[]), max_size=8)
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from([10**400, 2**64, "\x00"])
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=12
    )


def lines(record: Mapping[str, Any], fields: list[str]) -> Iterator[str]:
    """Yield a record as JSON for each field and each value in its place."""
    for field in fields:
        rest = {key: value for key, value in record.items() if key != field}
        head = json.dumps(rest)[:-1]
        for value in VALUES.values():
            yield f"{head}{', ' if rest else ''}{json.dumps(field)}: {value}}}"


ASKED = "How does a kettle whistle, and why?"
_HALVES = b"How does a \xed\xa0\xbd \xff sing, and why?"
_TEXTS = pa.array([_HALVES, ASKED.encode()], pa.binary()).view(pa.string())
_ENDS = pa.array([0, 1, 2], pa.int64())
_TURNS = pa.StructArray.from_arrays([_TEXTS, pa.array(["user", "user"])], ["content", "role"])
COLUMNS: dict[str, pa.Array] = {  # of Parquet; the first value of each is odd, the second is not
    "texts": _TEXTS,
    "large texts": _TEXTS.cast(pa.binary()).cast(pa.large_binary()).view(pa.large_string()),
    "bytes": _TEXTS.view(pa.binary()),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), _TEXTS),
    "lists": pa.ListArray.from_arrays(_ENDS.cast(pa.int32()), _TEXTS),
    "large lists": pa.LargeListArray.from_arrays(_ENDS, _TEXTS),
    "fixed lists": pa.FixedSizeListArray.from_arrays(_TEXTS, 1),
    "maps": pa.MapArray.from_arrays(_ENDS.cast(pa.int32()), pa.array(["content", "content"]), _TEXTS),
    "structs": _TURNS,
    "lists of structs": pa.ListArray.from_arrays(_ENDS.cast(pa.int32()), _TURNS),
    "large lists of structs": pa.LargeListArray.from_arrays(_ENDS, _TURNS),
    "lists in lists": pa.LargeListArray.from_arrays(_ENDS, pa.LargeListArray.from_arrays(_ENDS, _TURNS)),
    "moments": pa.array([2**62, 0], pa.timestamp("us")),
    "moments of a zone": pa.array([0, 1], pa.timestamp("us", tz="Mars/Base")),
    "nanoseconds": pa.array([2**62 + 1, 0], pa.timestamp("ns")),
    "days": pa.array([2**30, 0], pa.int32()).view(pa.date32()),
    "durations": pa.array([2**62, 0], pa.duration("s")),
    "lists of moments": pa.ListArray.from_arrays(_ENDS.cast(pa.int32()), pa.array([2**62, 0], pa.timestamp("us"))),
    "decimals": pa.array([10**60, 1], pa.decimal256(70, 0)),
    "fractions": pa.array([float("nan"), float("inf")]),
    "huge integers": pa.array([2**64 - 1, 0], pa.uint64()),
    "truths": pa.array([True, None]),
    "nothing": pa.nulls(2),
}
