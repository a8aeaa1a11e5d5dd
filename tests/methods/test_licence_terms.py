"""Licences: read as one or not at all, and combined so that nothing more is promised than every source allows."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.datasets.licence_terms import (
    NOT_STATED,
    OTHER,
    combined,
    may_stand_for,
    promises_more,
    shown,
    terms_of,
)

NAMES = [
    "CC0-1.0",
    "cc-by-4.0",
    "CC-BY-SA-3.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0",
    "mit",
]


@pytest.mark.parametrize(
    ("text", "name", "asks"),
    [
        ("CC0-1.0", "cc0-1.0", ""),
        ("CC0", "cc0-1.0", ""),
        ("PDM-1.0", "cc0-1.0", ""),
        (" CC BY 4.0 ", "cc-by-4.0", "by"),
        ("CC-BY-NC-SA-4.0", "cc-by-nc-sa-4.0", "by nc sa"),
        ("https://creativecommons.org/licenses/by-nd/4.0/deed.de", "cc-by-nd-4.0", "by nd"),
        ("//creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0", ""),
        ("Creative Commons Attribution-ShareAlike 4.0 International License", "cc-by-sa-4.0", "by sa"),
        ("Attribution-NonCommercial-NoDerivatives 4.0 International (CC BY-NC-ND 4.0)", None, ""),
        ("https://opensource.org/licenses/MIT", "mit", "by"),
        ("Apache-2.0", "apache-2.0", "by"),
        ("GNU FDL", "gfdl", "by sa"),
        ("All rights reserved. Figures: CC BY 4.0", None, ""),
        ("CC-BY-4.0 OR MIT", None, ""),
        ("not CC0", None, ""),
        ("cc0-1.0\nlicense: mit", None, ""),
        ("https://publisher.example/terms", None, ""),
        ("other", None, ""),
        ("", None, ""),
        ("CC0-1.0 " * 100_000, None, ""),
    ],
)
def test_a_licence_is_read_where_a_text_is_the_name_of_one_and_nothing_else(
    text: str, name: str | None, asks: str
) -> None:
    found = terms_of(text)

    assert (found and (found.name, found.asks)) == (name and (name, frozenset(asks.split())))


@pytest.mark.parametrize(
    ("sources", "together"),
    [
        (["CC0-1.0"], "cc0-1.0"),
        (["CC0-1.0", "CC-BY-4.0"], "cc-by-4.0"),
        (["CC-BY-3.0", "CC-BY-4.0"], "cc-by-4.0"),
        (["CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0"], "cc-by-sa-4.0"),
        (["CC-BY-SA-3.0", "CC-BY-SA-4.0"], "cc-by-sa-4.0"),
        (["CC-BY-4.0", "CC-BY-NC-4.0"], "cc-by-nc-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"], "cc-by-nc-sa-4.0"),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], OTHER),
        (["CC-BY-ND-4.0", "CC-BY-SA-4.0"], OTHER),
        (["CC-BY-ND-4.0", "CC0-1.0"], "cc-by-nd-4.0"),
        (["MIT", "CC0-1.0"], "mit"),
        (["MIT", "CC-BY-4.0"], OTHER),
        (["GNU FDL", "CC-BY-SA-4.0"], OTHER),
        (["CC0-1.0", NOT_STATED], OTHER),
        (["CC0-1.0", "ask the editor"], OTHER),
        (["CC-BY"], OTHER),
        ([], OTHER),
    ],
)
def test_licences_are_combined_to_the_one_that_may_stand_for_all(sources: list[str], together: str) -> None:
    assert {combined(order) for order in itertools.permutations(sources)} == {together}


@pytest.mark.parametrize(
    ("chosen", "source", "is_more"),
    [
        ("cc0-1.0", "CC-BY-4.0", True),
        ("cc-by-4.0", "CC0-1.0", False),
        ("mit", "CC-BY-4.0", False),
        ("cc-by-4.0", "CC-BY-SA-4.0", True),
        ("cc-by-nc-sa-4.0", "CC-BY-SA-4.0", True),
        ("cc-by-sa-3.0", "CC-BY-SA-4.0", True),
        ("cc-by-sa-4.0", "CC-BY-SA-3.0", False),
        ("cc-by-4.0", "CC-BY-NC-4.0", True),
        ("cc-by-sa-4.0", "CC-BY-ND-4.0", True),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "All rights reserved", True),
        ("CC0", "CC-BY-4.0", True),
        ("cc0-1.0", NOT_STATED, False),
        ("other", "CC-BY-NC-4.0", False),
        ("in-house", "CC-BY-NC-4.0", False),
    ],
)
def test_a_licence_that_promises_more_than_a_source_allows_is_told(chosen: str, source: str, is_more: bool) -> None:  # noqa: FBT001 - a parameter
    assert promises_more(chosen, source) == is_more


@given(st.lists(st.sampled_from([*NAMES, "GNU FDL", NOT_STATED, "free text"]), max_size=5))
def test_what_is_combined_never_promises_more_than_a_source(sources: list[str]) -> None:
    terms = terms_of(combined(sources))

    assert terms is None or all((given := terms_of(one)) and may_stand_for(terms, given) for one in sources)


@given(st.text())
def test_any_text_is_a_licence_or_none_and_is_shown_on_one_short_line(text: str) -> None:
    terms_of(text)

    assert len(shown(text)) <= 83
    assert shown(text).isprintable()
