"""The main text of a page is found, in Markdown, and nothing else."""

import gzip
import time
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
        "<pre>" + "<span class=gutter>1 " * 20_000 + "x</pre>",
        "<div class=blob-wrapper>" * 20_000 + "<p>x",
    ],
)
def test_hostile_pages_end_soon(html: str) -> None:
    tree, started = LexborHTMLParser(html), time.process_time()

    assert isinstance(main_text.extract(tree, ""), str)
    assert time.process_time() - started < 4


@pytest.mark.slow
@pytest.mark.shared
def test_the_deepest_page_of_the_adversarial_set_ends(shared: Path) -> None:
    html = gzip.decompress((shared / "adversarial/deep_nesting.html.gz").read_bytes()).decode()

    assert isinstance(main_text.extract(LexborHTMLParser(html), ""), str)


NEXT = "Another council has voted on the plan for the new school, which the parents of the town had opposed."


def paragraphs(sentence: str, count: int) -> str:
    return "".join(f"<p>{i}. {sentence}</p>" for i in range(count))


def article_of(body: str, head: str = "") -> str:
    declared = '<title>The flood - News</title><meta property="og:type" content="article">'
    return main_text.extract(LexborHTMLParser(f"<html><head>{declared}{head}</head><body>{body}</body></html>"))


@pytest.mark.parametrize(
    "body",
    [
        "<div class=body>{0}</div><div class=ad>Advertisement</div><div class=body>{1}</div>",
        "<section class='r x'><div class=b>{0}</div></section><section class='r x'><div class=b>{1}</div></section>",
        "<div class='w text a1'><div class=text>{0}</div></div><div class='w text b2'><div class=text>{1}</div></div>",
        "<div class=post-text><p>{2} first.</p><p>{2} second.</p><div class=post-text-hidden>{0}{1}</div></div>",
        "<div class=body>{0}</div><figure class=image><img></figure><div class=body>{1}</div><div class=body>{3}</div>",
    ],
)
def test_all_parts_of_a_body_are_kept(body: str) -> None:
    parts = [paragraphs(f"{said}{SENTENCE}", count) for said, count in (("", 9), ("Then. ", 3), ("Last. ", 2))]
    html = body.format(*parts[:2], SENTENCE, parts[2])

    assert article_of(f"<main><article>{html}</article></main>").count(SENTENCE) == html.count(SENTENCE)


@pytest.mark.parametrize(
    "body",
    [
        "<main><article><h1>The flood</h1>{0}</article><article><h1>The school</h1>{1}{1}</article></main>",
        "<div><div class=story><h1>The flood</h1>{0}</div><div class=story><h1>The school</h1>{1}</div></div>",
        "<main><article><h1>The flood</h1>{0}</article><section class=x><h3><a href=/>One</a></h3>{1}</section></main>",
        "<article>{0}<div class=x><a href=/x><div><h3>The school</h3>{1}</div></a></div></article>",
    ],
)
def test_the_next_article_is_left(body: str) -> None:
    text = article_of(body.format(paragraphs(SENTENCE, 8), paragraphs(NEXT, 8)))

    assert text.count(SENTENCE) == 8
    assert "council" not in text


def test_sections_with_headings_of_their_own_are_no_next_articles() -> None:
    part = "<section class=post-part><h2>{}</h2>{}</section>"
    text = article_of(f"<h1>The flood</h1>{part.format('One', STORY)}{part.format('Two', STORY.replace('.', '!'))}")

    assert "## One" in text
    assert "## Two" in text


def told(body: str) -> str:
    return (
        f'<script type="application/ld+json">{{"@graph": [{{"@type": "Article", "articleBody": "{body}"}}]}}</script>'
    )


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("told", "<div class=preview>{0}</div><div class=x style='display:none'>{1}</div>"),
        ("told", "<div class=preview>{0}</div>"),
        ("", "<div class=preview>{0}</div><div class=article-body style='display:none'>{1}</div>"),
        ("", "<div class=body>{0}<div class=paywall>{1}</div></div>"),
    ],
)
def test_a_body_behind_a_preview_is_read(head: str, body: str) -> None:
    lines = [f"{i}. {SENTENCE}" for i in range(12)]
    shown, hidden = ("".join(f"<p>{line}</p>" for line in part) for part in (lines[:4], lines[4:]))

    text = article_of(f"<article>{body.format(shown, hidden)}</article>", head.replace("told", told("\\n".join(lines))))

    assert [line for line in text.split("\n") if line] == lines


def test_a_hidden_box_that_is_called_nothing_of_a_body_is_left() -> None:
    assert "council" not in article_of(f"<article>{STORY}</article><div hidden class=login>{paragraphs(NEXT, 4)}</div>")


def test_consent_is_never_the_text_however_long() -> None:
    consent = (
        f"<div class='cli-modal cliSettingsPopup'>{paragraphs('We use cookies to see how the pages do.', 90)}</div>"
    )

    assert "cookies" not in text_of(f"<article>{STORY}</article>{consent}")


def test_an_article_in_a_box_with_the_name_of_furniture_is_kept() -> None:
    others = paragraphs("Customers said that this newsletter is the best one that they have read so far.", 5)
    page = f"<div class=newsletter-wrap><article>{STORY}</article></div><div class=quotes>{others}</div>"

    assert text_of(page).count(SENTENCE) == 8


def test_copies_of_a_text_for_other_screens_are_told_once() -> None:
    text = text_of(f"<div><div><div>{STORY}</div></div><div><div>{STORY}</div></div></div>")

    assert text.count(SENTENCE) == 8


def test_a_table_in_a_figure_is_no_caption() -> None:
    table = "<figure><table><tr><th>City<th>Rise</tr><tr><td>Ulm<td>3 m</tr></table></figure>"

    assert "| Ulm | 3 m |" in article_of(f"<article>{STORY}{table}{STORY}</article>")


@pytest.mark.parametrize(
    "line",
    [
        "<p>Read more: <a href=/x>The flood of 1953, as those who were there remember it</a></p>",
        "<p>Lesen Sie auch: <a href=/x>Die Flut von 1953, wie sie jene erlebten, die dort waren</a></p>",
        "<p>Sign up for our weekly newsletter and get the best stories every Friday</p>",
        "<p>Published: 3 March 2024 10:15</p>",
        "<h1>The flood</h1>",
    ],
)
def test_lines_that_are_none_of_an_articles_text_are_left(line: str) -> None:
    assert article_of(f"<article><div>{line}{STORY}</div></article>") == article_of(
        f"<article><div>{STORY}</div></article>"
    )


def test_a_list_that_is_followed_by_more_text_is_not_ended_by_its_heading() -> None:
    text = article_of(
        f"<article><div>{STORY}{STORY}<h3>Related: how boats are built</h3>{paragraphs(NEXT, 6)}</div></article>"
    )

    assert text.count("council") == 6


KATEX = (
    "<span class=katex><span class=katex-mathml><math><semantics><mrow><mi>E</mi></mrow><annotation "
    'encoding="application/x-tex">E=mc^2</annotation></semantics></math></span><span class=katex-html>E</span></span>'
)
MATHJAX = (
    "<span class=MathJax_Preview>b</span><span class=MathJax><math><mi>b</mi></math></span>"
    "<script type='math/tex'>b</script>"
)
ROWS = (
    "<table class=js-file-line-container><tr>\n<td class=blob-num></td><td>if a:</td></tr>\n<tr><td class=blob-num><td>"
    "    b()</td></tr><tr><td class=blob-num><td></tr><tr><td class=blob-num><td>c()</table>"
)
LINES = (
    "<pre><div class=line>if a:</div><div class=line>    b()</div><div class=line></div><div class=line>c()</div></pre>"
)
NUMBERED = (
    "<pre><span class=ln>1</span>if a:\n<span class=ln>2</span>    b()\n<span class=ln>3</span>\n"
    "<span class=ln>4</span>c()</pre>"
)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (
            KATEX,
            "$E=mc^2$",
        ),
        ("<math><mfrac><mi>a</mi><mrow><mn>2</mn><mi>&pi;</mi></mrow></mfrac></math>", r"$\frac{a}{2\pi}$"),
        (
            "<math><msubsup><mi>x</mi><mn>1</mn><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></msubsup></math>",
            "$x_1^{n+1}$",
        ),
        (
            "<math><mroot><mi>x</mi><mn>3</mn></mroot><mo>&le;</mo><mi>sin</mi><mi>y</mi></math>",
            r"$\sqrt[3]{x}\le \sin y$",
        ),
        ("<math alttext='{\\displaystyle x_{i}}'><mi>x</mi></math>", "$x_{i}$"),
        ("<img class=mwe-math-fallback-image-inline alt='{\\displaystyle a^{2}}'>", "$a^{2}$"),
        (
            MATHJAX,
            "$b$",
        ),
        ("10<sup>6</sup> and 5 m<sup><i>2</i></sup>", "10^6 and 5 m^2"),
        ("the 1<sup>st</sup> of March, he said<sup>3</sup> so", "the 1st of March, he said3 so"),
        ("<ruby>漢<rt>kan</rt></ruby>", "漢"),
        ("hy\u00adphen", "hyphen"),
    ],
)
def test_formulas_are_told_once(html: str, shown: str) -> None:
    text = text_of(f"{STORY}<p>We call this value {html} here.</p>")

    assert text.endswith(f"We call this value {shown} here.")


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        (
            "<tr><th>A<th colspan=2>B</tr><tr><td rowspan=2>x<td>1<td>2</tr><tr><td>3<td>4</tr><tr><td>y<td><td>6</tr>",
            "| A | B |  |\n| --- | --- | --- |\n| x | 1 | 2 |\n|  | 3 | 4 |\n| y |  | 6 |",
        ),
        (
            "<tr><th>A<th>B</tr><tr><td><ul><li>one<li>two</ul><td>a|b</tr>",
            "| A | B |\n| --- | --- |\n| one; two | a\\|b |",
        ),
        ("<tr><th>A<th>B</tr><tr><td><td>2</tr><tr><td>3<td>4</tr>", "| A | B |\n| --- | --- |\n|  | 2 |\n| 3 | 4 |"),
    ],
)
def test_tables_keep_their_grid(rows: str, shown: str) -> None:
    assert shown in text_of(f"{STORY}<table>{rows}</table>{STORY}")


@pytest.mark.parametrize(
    "html",
    [
        "<pre>if a:\n    b()\n\nc()</pre>",
        "<table><tr><td class=linenos><pre>1\n2\n3\n4</pre><td class=code><pre>if a:\n    b()\n\nc()</pre></table>",
        LINES,
        NUMBERED,
        "<div class=prism-code><div>if a:</div><div>    b()</div><div></div><div>c()</div></div>",
        "<pre>if a:<br>    b()<br><br>c()</pre>",
        ROWS,
    ],
)
def test_code_keeps_its_lines_and_indentation(html: str) -> None:
    assert "```\nif a:\n    b()\n\nc()\n```" in text_of(f"{STORY}{html}{STORY}")


def test_a_box_of_text_that_is_named_like_code_is_text() -> None:
    assert "```" not in text_of(f"<div class=blob-wrapper>{STORY}</div>")
