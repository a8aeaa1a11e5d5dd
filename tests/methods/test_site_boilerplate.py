"""Lines that repeat across a site are taken out, and only there."""

from wellspring.tasks.methods.pages.site_boilerplate import strip


def test_a_line_on_many_pages_of_a_site_is_taken_out() -> None:
    texts = [f"Subscribe to our paper today\nStory {i}\nwith its own end {i}" for i in range(6)]

    assert strip(texts, ["a.example"] * 6) == [f"Story {i}\nwith its own end {i}" for i in range(6)]


def test_few_pages_and_pages_without_a_site_are_left() -> None:
    texts = ["the same line\nanother"] * 8

    assert strip(texts, ["", "", "", "", "", "a.example", "b.example", "b.example"]) == texts
