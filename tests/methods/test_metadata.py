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
        ("2024-02-31", None),
        ("Tue, 05 Mar 2024 10:00:00 +0200", "2024-03-05"),
        ("Am 12. März 2024 um 9 Uhr", "2024-03-12"),
        ("March 12th, 2024", "2024-03-12"),
        ("le 1er août 2023", "2023-08-01"),
        ("12 de marzo de 2024", "2024-03-12"),
        ("03.04.2024", "2024-04-03"),
        ("2024年3月5日 11:21", "2024-03-05"),
        ("25/03/2024", "2024-03-25"),
        ("3/25/2024", "2024-03-25"),
        ("03/04/2024", None),
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


RSL = (
    '<script type="application/rsl+xml"><rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>{}</license>'
    "</content></rsl></script>"
)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ('<meta name="robots" content="NOINDEX, follow">', ("meta robots: noindex",)),
        ('<meta name="robots" content="noai, noimageai">', ("meta robots: noai",)),
        ('<meta name="GPTBot" content="noindex">', ("meta gptbot: noindex",)),
        ('<meta name="tdm-reservation" content="1">', ("meta tdm-reservation: 1",)),
        ('<meta name="robots" content="noarchive">', ("meta robots: noarchive",)),
        ('<meta http-equiv="X-Robots-Tag" content="noai">', ("meta x-robots-tag: noai",)),
        ('<meta http-equiv="Content-Usage" content="search=y, train-ai=n">', ("meta content-usage: train-ai=n",)),
        ('<meta http-equiv="Content-Usage" content="search=n, train-ai=y">', ()),
        ('<meta name="tdm-reservation" content="0">', ()),
        (
            '<link rel="license" type="application/rsl+xml" href="https://site.example/license.xml">',
            ("RSL: terms at https://site.example/license.xml",),
        ),
        ('<link rel=x type="application/rsl+xml" href=y><SCRIPT>"<prohibits type=usage>all<"</SCRIPT>', ()),
        (RSL.format('<prohibits type="usage">train-ai search</prohibits>'), ("RSL: prohibits train-ai",)),
        (RSL.format('<permits type="usage">search</permits>'), ("RSL: does not permit training",)),
        (RSL.format('<payment type="per-crawl"/>'), ("RSL: payment by per-crawl",)),
        (RSL.format('<permits type="usage">all</permits><payment type="attribution"/>'), ()),
        ('<meta name="robots" content="index, follow, max-image-preview:large">', ()),
        ('<meta name="robots" content="nofollow">', ()),
    ],
)
def test_reservations_in_markup_are_found(head: str, found: tuple[str, ...]) -> None:
    assert read(head).opt_outs == found
    assert metadata.read_html(f"<html><head>{head}</head><body>", "http://site.example/a").opt_outs == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-robots-tag": "noindex"}, ("X-Robots-Tag: noindex",)),
        ({"x-robots-tag": "googlebot: nofollow, gptbot: noai"}, ("X-Robots-Tag: noai",)),
        ({"x-robots-tag": "otherbot: noindex"}, ()),
        ({"x-robots-tag": "otherbot: nofollow, noindex"}, ()),
        ({"x-robots-tag": "otherbot: noindex, noai"}, ("X-Robots-Tag: noai",)),
        ({"x-robots-tag": "unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"}, ("X-Robots-Tag: noindex",)),
        ({"content-usage": "train-ai=n;reason=x"}, ("Content-Usage: train-ai=n",)),
        ({"content-signal": "search=yes, ai-train=no"}, ("Content-Signal: ai-train=no",)),
        ({"content-usage": "train-ai=y, search=n"}, ()),
        ({"link": '</license.xml>; rel="license"; type="application/rsl+xml"'}, ("RSL: linked by the server",)),
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


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/caf%C3%A9", "/caf\u00e9/menu"),
        ("/caf\u00e9", "/caf%c3%a9"),
        ("/%7Eann/", "/~ann/x"),
        ("/a%2fb", "/a%2Fb/c"),
        ("/x*.html$", "/x/y.html"),
    ],
)
def test_paths_are_compared_as_rfc_9309_does(pattern: str, path: str) -> None:
    (rule,) = opt_outs.rules_of(
        f"\ufeffuser-agent: GPTBot/1.2\rcrawl-delay: 3\ruser-agent: x\rDISALLOW : {pattern} # no"
    )

    assert opt_outs.reserving([rule], f"http://site.example{path}") == rule
    assert opt_outs.may_use([rule], "http://site.example/a/b")


def test_of_two_rules_as_long_the_one_that_allows_decides() -> None:
    assert opt_outs.may_use(["disallow: /a", "allow: /a"], "http://site.example/a/b")
    assert not opt_outs.may_use(["allow: /a", "disallow: /a/"], "http://site.example/a/b")


def test_what_robots_txt_says_of_use_holds_for_all_and_beside_what_it_says_of_fetching() -> None:
    rules = opt_outs.rules_of(
        "User-agent: *\nAllow: /\nContent-Usage: train-ai=n\nContent-Usage: /open/ train-ai=y\n"
        "Content-Signal: /shop search=yes, ai-train=no\n\nUser-agent: gptbot\nAllow: /\n"
    )

    assert opt_outs.reserving(rules, "http://site.example/a") == "usage: / train-ai=n"
    assert opt_outs.reserving(rules, "http://site.example/shop/1") == "usage: /shop ai-train=no"
    assert opt_outs.may_use(rules, "http://site.example/open/a")
    assert opt_outs.rules_of("User-agent: otherbot\nContent-Usage: train-ai=n") == []
    assert opt_outs.rules_of("License: https://site.example/rsl.xml") == [
        "usage: / License https://site.example/rsl.xml"
    ]


def test_tdmrep_json_reserves_locations() -> None:
    rules = opt_outs.rules_of(
        '[{"location": "/", "tdm-reservation": 1}, {"location": "/free/*", "tdm-reservation": 0}, 3, {"location": 4}]',
        "tdmrep.json",
    )

    assert opt_outs.reserving(rules, "http://site.example/a") == "disallow: /"
    assert opt_outs.may_use(rules, "http://site.example/free/a")
    assert opt_outs.rules_of("[" * 100_000, "tdmrep.json") == []


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('{"@type": "CreativeWork", "url": "https://creativecommons.org/licenses/by/4.0/"}', "CC-BY-4.0"),
        ('{"@id": "https://creativecommons.org/licenses/by-nc/4.0/"}', "CC-BY-NC-4.0"),
        ('["https://creativecommons.org/licenses/by/4.0/", {"name": "CC BY-SA 4.0"}]', "CC-BY-SA-4.0"),
        ('{"name": ["?"]}', None),
    ],
)
def test_a_licence_that_is_an_object_or_a_list_is_read(said: str, name: str | None) -> None:
    assert (
        read(f'<script type="application/ld+json">{{"@type": "WebPage", "license": {said}}}</script>').license == name
    )


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


@pytest.mark.parametrize(
    ("body", "author", "date"),
    [
        ("<p class=byline>By Ann Lee | 5 March 2024</p>", "Ann Lee", "2024-03-05"),
        ("<a rel=author href=/ann>Ann Lee</a> <span class=posted-on>05.03.2024</span>", "Ann Lee", "2024-03-05"),
        ("<h1>The flood</h1><p>2024年3月5日 11:21</p><p>作者\uff1a李安</p>", "李安", "2024-03-05"),
        ("<div class=related-card><span class=author>Bo Ng</span><time>2020-01-01</time></div>", None, None),
        ("<p>by the river that rose for three days</p>", None, None),
        ("<span class=author>About the author</span><span class=date>31.02.2024</span>", None, None),
    ],
)
def test_a_byline_and_a_date_that_are_shown_are_read(body: str, author: str | None, date: str | None) -> None:
    told = read("<title>The flood</title>", f"<article>{body}</article>")

    assert (told.author, told.published_at) == (author, date)


def test_a_date_in_the_address_is_read() -> None:
    tree = LexborHTMLParser("<body><p>Text</p></body>")

    assert metadata.metadata_of(tree, "http://site.example/2024/03/05/flood.html").published_at == "2024-03-05"
    assert metadata.metadata_of(tree, "http://site.example/2024/13/05/flood.html").published_at is None
