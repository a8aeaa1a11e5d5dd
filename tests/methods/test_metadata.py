"""What a page says of itself is read and cleaned: title, author, date, address, licence, reservations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from wellspring.tasks.methods.pages import licences, metadata, opt_outs


def read(head: str, body: str = "") -> metadata.Metadata:
    return metadata.metadata_of(
        LexborHTMLParser(f"<html><head>{head}</head><body>{body}</body></html>"), "http://site.example/a"
    )


def test_json_ld_meta_and_markup_are_read() -> None:
    told = read(
        """<title>The flood | Valley News</title><link rel=canonical href=/flood>
        <script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "headline": "The flood",
        "datePublished": "2024-03-02T10:00:00Z", "author": [{"name": "Ann Lee"}, {"name": "Bo Ng"}],
        "license": "https://creativecommons.org/licenses/by-sa/4.0/"}]}</script>""",
        "<h1>The flood</h1>",
    )

    assert told == metadata.Metadata(
        "The flood", "Ann Lee, Bo Ng", "2024-03-02", "http://site.example/flood", "CC-BY-SA-4.0", ()
    )


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>  A\n title </title>", "A title"),
        ("<title>A title - Site</title>", "A title"),
        ('<meta property="og:title" content="Told"><title>Other</title>', "Told"),
        ("", None),
    ],
)
def test_a_title_is_one_line_without_the_site(head: str, title: str | None) -> None:
    assert read(head).title == title


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-05-06T07:08:09+02:00", "2024-05-06"),
        ("Published 2024/5/6", "2024-05-06"),
        ("20240506", "2024-05-06"),
        ("2024-13-40", None),
        ("yesterday", None),
        (None, None),
        (20240506, None),
    ],
)
def test_dates_are_read_where_they_are_dates(text: object, date: str | None) -> None:
    assert metadata.date_of(text) == date


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://creativecommons.org/licenses/by/4.0/deed.de", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0", "CC-BY-NC-ND-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Text under CC BY-SA 3.0", "CC-BY-SA-3.0"),
        ("https://www.gnu.org/licenses/fdl-1.3.html", "GNU FDL"),
        ("All rights reserved", None),
    ],
)
def test_licences_are_named(text: str, name: str | None) -> None:
    assert licences.name_of(text) == name


def test_the_most_restrictive_of_several_licences_is_taken() -> None:
    body = """<a rel=license href="https://creativecommons.org/licenses/by/4.0/">text</a>
    <a href="https://creativecommons.org/licenses/by-nc/4.0/">images</a>"""

    assert read("", body).license == "CC-BY-NC-4.0"


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ('<meta name="robots" content="NOINDEX, follow">', ("meta robots: noindex",)),
        ('<meta name="robots" content="noai, noimageai">', ("meta robots: noai",)),
        ('<meta name="GPTBot" content="noindex">', ("meta gptbot: noindex",)),
        ('<meta name="tdm-reservation" content="1">', ("meta tdm-reservation: 1",)),
        ('<meta name="robots" content="index, follow, max-image-preview:large">', ()),
        ('<meta name="robots" content="nofollow">', ()),
    ],
)
def test_reservations_in_markup_are_found(head: str, found: tuple[str, ...]) -> None:
    assert read(head).opt_outs == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-robots-tag": "noindex"}, ("X-Robots-Tag: noindex",)),
        ({"x-robots-tag": "googlebot: nofollow, gptbot: noai"}, ("X-Robots-Tag: noai",)),
        ({"x-robots-tag": "otherbot: noindex"}, ()),
        ({"tdm-reservation": "1"}, ("TDM-Reservation: 1",)),
        ({}, ()),
    ],
)
def test_reservations_in_headers_are_found(headers: dict[str, str], found: tuple[str, ...]) -> None:
    assert opt_outs.in_headers(headers) == found


def test_robots_txt_speaks_to_those_who_train_models() -> None:
    rules = opt_outs.rules_of(
        "User-agent: *\nDisallow: /search\n\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n"
        "Allow: /open/*.html$  # ok\n"
    )

    assert not opt_outs.may_use(rules, "http://site.example/a")
    assert opt_outs.may_use(rules, "http://site.example/open/b/c.html")
    assert not opt_outs.may_use(rules, "http://site.example/open/c.htm")
    assert opt_outs.rules_of("User-agent: *\nDisallow: /") == []
    assert opt_outs.rules_of("User-agent: *\nDisallow: /", "ai.txt") == ["disallow: /"]


@given(st.text(max_size=200), st.text(alphabet="/ab*$?", max_size=30))
def test_no_robots_txt_breaks_or_stalls(text: str, path: str) -> None:
    rules = opt_outs.rules_of(f"User-agent: gptbot\nDisallow: {path}\n{text}")
    may_use = opt_outs.may_use(rules, f"http://site.example/{path}")

    assert may_use == opt_outs.may_use(rules[::-1], f"http://site.example/{path}")


@pytest.mark.parametrize(
    "body",
    [
        "<h1>The <b>flood</b></h1><p>Text</p><time datetime=2024-03-02>March</time>",
        """<time datetime="2023-01-01">then</time>
        <script type="application/ld+json">{"@type": "Article", "datePublished": "2024-03-02"}</script>""",
        '<footer><a rel="license" href="https://creativecommons.org/licenses/by/4.0/">some rights</a></footer>',
        "no markup",
    ],
)
def test_a_page_parsed_elsewhere_says_the_same_of_itself(body: str) -> None:
    html = f"""<html><head><script>var a = "<title>no</title>";</script><style>h1 {{}}</style>
    <title>The flood | News</title><meta name=robots content=noai>
    <meta name=author content="Ann Lee"><link rel=canonical href=/flood></head>
    <body class=page>{body}</body></html>"""

    whole = metadata.metadata_of(LexborHTMLParser(html), "http://site.example/a")

    assert metadata.read_html(html, "http://site.example/a") == whole
    assert whole.author == "Ann Lee"
