"""Text as a person sees it: the short way for plain text takes out what the long way does."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts import visible as module
from wellspring.tasks.contracts.visible import visible


@given(st.text() | st.text(alphabet=[chr(n) for n in range(128)]))
def test_what_is_plain_is_looked_at_once_and_nothing_else_comes_of_it(text: str) -> None:
    whole = module._HIDDEN.sub("", unicodedata.normalize("NFC", text))

    assert visible(text) == module._CONTROL.sub("", whole)


def test_controls_and_what_has_no_width_go_and_joiners_stay_where_words_need_them() -> None:
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"

    assert visible("a\x00b\u200bc\u00add\u202e") == "abcd"
    assert visible(f"{persian} a\u200cb") == f"{persian} ab"
