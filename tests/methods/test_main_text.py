"""The main text of a page is found, in Markdown, and nothing else."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.methods.pages import extraction, main_text

SENTENCE = "The river rose for three days before anyone in the valley thought of moving the boats and the hay."
STORY = "".join(f"<p>{i}. {SENTENCE}</p>" for i in range(8))


def text_of(body: str, url: str = "http://site.example/story") -> str:
    return main_text.extract(LexborHTMLParser(f"<html><body>{body}</body></html>"), url)


def test_an_article_is_taken_and_its_furniture_is_left() -> None:
    text = text_of(
        "<nav><a href=/>Home</a> <a href=/news>News</a></nav><div class=cookie-consent><p>We use cookies.</p></div>"
        f"<main><h1>The flood</h1><div class=share-buttons>Share this</div>{STORY}"
        "<ul class=related><li><a href=/x>Other</a></ul></main>"
        "<div id=comments><p>I was there, and it was much worse than they say it was, believe me.</p></div>"
        "<footer>Imprint</footer>"
    )

    assert text.startswith("# The flood\n\n0. The river rose")
    assert text.count(SENTENCE) == 8
    assert not any(word in text for word in ("Home", "cookies", "Share", "Other", "worse", "Imprint"))


def test_structure_is_kept_as_markdown() -> None:
    text = text_of(
        f"{STORY}<h2>Parts</h2><ul><li>One<ul><li>Inner</ul><li>Two</ul><ol><li>First<li>Second</ol>"
        "<pre><code class='language-python'>def f(x):\n    return x</code></pre>"
        "<table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>7</td></tr></table>"
        "<blockquote><p>Said<br>twice</p></blockquote><p>Call <code>f(1)</code> now.</p>"
    )

    for part in (
        "## Parts\n\n- One\n  - Inner\n- Two\n1. First\n2. Second",
        "```python\ndef f(x):\n    return x\n```",
        "| Name | Age |\n| --- | --- |\n| Ann | 7 |",
        "> Said\n> twice",
        "Call `f(1)` now.",
    ):
        assert part in text


def test_replies_are_the_text_of_a_thread_and_not_of_an_article() -> None:
    body = f"<div class=post>{STORY}</div><div class=comments>" + "".join(
        f"<div class=comment><p>Reply {i}. {SENTENCE}</p></div>" for i in range(9)
    )

    assert "Reply 3" in text_of(body, "http://site.example/forum/thread/1")
    assert "Reply 3" not in text_of(body, "http://site.example/2024/story")


def test_the_cards_of_a_listing_stay_together() -> None:
    cards = "".join(
        f"<div class=card><h3><a href=/{i}>Kettle {i}</a></h3><p>Holds {i} litres. {SENTENCE}</p></div>"
        for i in range(6)
    )

    text = text_of(f"<header><a href=/>Shop</a></header><div class=grid>{cards}</div>")

    assert all(f"### Kettle {i}" in text for i in range(6))


def test_names_that_mislead_do_not_empty_the_page() -> None:
    assert text_of(f"<div class=sidebar>{STORY}</div>").count(SENTENCE) == 8


def test_text_in_noscript_is_read_where_there_is_no_other() -> None:
    assert text_of(f"<div id=app></div><noscript>{STORY}</noscript>").count(SENTENCE) == 8


def test_hidden_text_is_not_read() -> None:
    text = text_of(f"{STORY}<div hidden><p>Secret one.</p></div><div style='display: none'>Secret two.</div>")

    assert "Secret" not in text


@given(st.text(alphabet=st.sampled_from("<>/apdivtrulbq= \"'x&;\n"), max_size=400))
def test_no_markup_breaks_it(html: str) -> None:
    assert isinstance(text_of(html), str)


@pytest.mark.parametrize("extractor", ["wellspring", "resiliparse", "trafilatura"])
def test_every_extractor_gives_text_and_metadata(extractor: str) -> None:
    html = (
        f"<html><head><title>The flood</title></head><body><article><h1>The flood</h1>{STORY}</article></body></html>"
    )

    found = extraction.extract(html, "http://site.example/", extractor)

    assert found.metadata.title == "The flood"
    assert found.text.count(SENTENCE) == 8


def test_a_page_without_text_is_refused() -> None:
    with pytest.raises(Rejection, match="no_text"):
        extraction.extract("<html><body><script>1</script></body></html>", "http://site.example/")


@pytest.mark.slow
@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 60_000 + "x",
        "<table><tr><td>" * 20_000 + "x",
        "<ul><li>" * 30_000 + f"<p>{SENTENCE}",
        "<p><font><b><i>" * 5_000,
        "<!--" * 500_000,
        "&amp;" * 1_000_000,
        f"<div class='{'nav ' * 100_000}'>{SENTENCE}</div>",
    ],
)
def test_hostile_pages_end(html: str) -> None:
    assert isinstance(main_text.extract(LexborHTMLParser(html), ""), str)


@pytest.mark.slow
@pytest.mark.shared
def test_the_deepest_page_of_the_adversarial_set_ends(shared: Path) -> None:
    html = gzip.decompress((shared / "adversarial/deep_nesting.html.gz").read_bytes()).decode()

    assert isinstance(main_text.extract(LexborHTMLParser(html), ""), str)
