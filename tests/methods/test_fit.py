"""A fit is a share of the searched words by their rarity: long queries and large corpora have no other scale."""

from wellspring.tasks.io.vectors.keywords import KeywordIndex
from wellspring.tasks.methods.instructions.fit import fit


def test_rare_words_count_more_than_common_ones_and_unknown_ones_most() -> None:
    index = KeywordIndex.build([["bread", "rye"], ["bread", "oven"], ["bread", "salt"]])

    rarity = index.rarity(["bread", "rye", "tuba"])

    assert rarity["bread"] < rarity["rye"] < rarity["tuba"]
    assert fit(rarity, {"bread"}) < fit(rarity, {"rye"}) < 0.5
    assert fit(rarity, {"bread", "rye", "tuba"}) == 1


def test_a_page_of_other_words_and_a_search_for_nothing_fit_not_at_all() -> None:
    assert fit({"bread": 2.0}, {"tide"}) == 0
    assert fit({}, {"tide"}) == 0


def test_the_same_share_of_a_larger_corpus_has_about_the_same_value() -> None:
    values: list[float] = []
    for copies in (1, 100):
        index = KeywordIndex.build([["rye", "oven"], ["salt", "tide"], ["moon", "tide"]] * copies)
        values.append(fit(index.rarity(["rye", "oven", "salt"]), {"rye", "oven"}))

    assert abs(values[0] - values[1]) < 0.1
