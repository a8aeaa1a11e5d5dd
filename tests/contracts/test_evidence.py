"""Evidence: which sentences are claims, and which parts of a page are held to them."""

from wellspring.tasks.contracts.evidence import claims, parts_near, words

PUMPS = "A pump needs a check valve above its outlet. It uses 400 watts. "
BREAD = "A loaf of rye bread rests for an hour. It weighs 900 grams. "
BEES = "A colony of bees eats honey in winter. It needs 15 kilograms. "


def test_each_sentence_that_says_something_is_a_claim_once() -> None:
    assert claims("Fit a valve.\n---\nIt costs 3.50 euros! Fit a valve.") == ["Fit a valve.", "It costs 3.50 euros!"]
    assert claims("水は重い。弁を付ける。") == ["水は重い。", "弁を付ける。"]
    assert claims(" \n *** ") == []


def test_the_parts_that_share_most_words_come_in_the_order_of_the_text() -> None:
    page = PUMPS + BREAD + BEES

    parts = parts_near(page, "Bees eat honey in winter, not bread.", 2, 17)

    assert parts == [BREAD.strip(), BEES.strip()]
    assert parts_near(page, "Nothing of it.", 1, 17) == [PUMPS.strip()]
    assert parts_near(page, "bees", 9) == [page.strip()]
    assert parts_near(" ", "bees", 9) == []


def test_words_are_long_ones_numbers_and_signs_without_spaces() -> None:
    assert words("The Valve of 12 m") == {"valve", "12"}
    assert words("弁を12") >= {"弁", "12"}
