"""The pages: whole, readable by anyone, fast over a long history, and deaf to what strangers wrote into them."""

import functools
import html
import http.server
import json
import re
import socketserver
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests import sample_store
from tests.chromium import BROWSER, Quiet, arrived, opened, serving
from tests.sample_store import RUN, Sample
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.site import browser, pages
from wellspring.tasks.site.markup import POLICY, Html, element, joined, plain, said
from wellspring.tasks.spine.watching import marts, saved_measures
from wellspring.tasks.spine.watching.alerts import store_label
from wellspring.tasks.spine.watching.saved_measures import DatasetMeasures

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    sample_store.publish(filled)
    yield filled
    filled.store.close()


SAID = {"lead": r'<p class="lead">(.*?)</p>', "head": r'<th scope="col"[^>]*>([^<]*)</th>'}


SCRIPTS = {f"{name}.js" for name in ("site", "facets", "reading", "rows", "lists", "pairs", "compare", "live")}


class Outline(HTMLParser):
    """What a page is made of, as a reader's software sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag; called by the parser."""
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]


def written(sample: Sample) -> dict[str, Outline]:
    pages.write_site(sample.store)
    root = sample.store.pages
    return {str(p.relative_to(root)): Outline(p.read_text(encoding="utf-8")) for p in sorted(root.rglob("*.html"))}


def test_the_page_of_a_run_shows_its_funnel_refusals_cost_and_samples(sample: Sample) -> None:
    pages.write_site(sample.store)

    text = (sample.store.pages / "runs" / RUN / "index.html").read_text(encoding="utf-8")

    paid = sample.store.query("marts/health")["cost_usd"][0]  # more than receipts say: calls that no stage finished
    for said_of in ("too_short", "unparsable_answer", "sample-model", "My rye loaf is gummy", f"${paid:.4f}"):
        assert said_of in text


def test_a_profile_that_keeps_values_to_itself_keeps_them_off_what_was_written_before_too(sample: Sample) -> None:
    likeness = DatasetMeasures(
        [], [{"topic": "rye loaf", "group": "bread", "rows": 1}], {}, {}, [(0.1, 0.2, "seed", -1, "rye loaf")]
    )
    saved_measures.save(sample.store, likeness)
    check = (RUN, "documents", "expect_x", "text", "fail", False, 3, 1, "1 of 3 rows such as ['rye loaf']", "because")
    sample.store.append("validations", [records.Validation(*check, sample_store.START)])
    pages.write_site(sample.store)
    shown = quoting(sample.store.pages)
    sample.store._connection.execute("UPDATE runs SET settings = '{}'")  # the default

    pages.write_site(sample.store)

    assert {
        "lists/refused/0/0.js",
        "portrait.json",
        "marts/rows.parquet",
        "marts/origins.parquet",
        "rows/0/0.js",
        "quality.html",
    } <= shown
    assert quoting(sample.store.pages) == set()


def quoting(site: Path) -> set[str]:
    """Return the files of the site that quote a row; a refusal's detail may quote its input."""
    found: set[str] = set()
    for path in (p for p in site.rglob("*") if p.is_file()):
        text = path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            text = json.dumps(pl.read_parquet(path).to_dicts(), default=str)
        if "rye loaf" in text or "12 tokens" in text:
            found.add(str(path.relative_to(site)))
    return found


def test_every_link_of_the_site_leads_to_a_file_of_the_site(sample: Sample) -> None:
    for name, outline in written(sample).items():
        here = (sample.store.pages / name).parent
        for attributes in outline.all("a", "link", "script"):
            target, _, _ = (attributes.get("href") or attributes.get("src") or "").partition("#")
            assert not target or (here / target).is_file(), f"{name} leads to {target}"


def test_every_page_can_be_read_by_keyboard_and_screen_reader(sample: Sample) -> None:
    for name, outline in written(sample).items():
        labelled = {a.get("for") for a in outline.all("label")}
        assert outline.all("html")[0]["lang"] == "en", name
        assert len(outline.all("h1")) == 1, name
        assert outline.all("main")[0]["id"] == "content", name
        assert outline.all("a")[0]["href"] == "#content", name
        assert len(outline.all("caption")) == len(outline.all("table")), name
        assert all(a.get("scope") for a in outline.all("th")), name
        assert all(a["id"] in labelled for a in outline.all("input", "select")), name
        assert all(a.get("role") == "img" for a in outline.all("svg")), name
        assert len(outline.all("title")) >= 1 + len(outline.all("svg")), name
        assert all(a.get("tabindex") == "0" for a in outline.all("div") if a.get("class") == "scrolls"), name


def test_every_page_names_its_store(sample: Sample) -> None:
    written(sample)

    for path in sample.store.pages.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert re.search(r"<title>[^<]+ · ws · Wellspring</title>", text), path
        assert re.search(r'<span class="store"><bdi>ws</bdi></span>', text), path


def test_headings_of_a_page_leave_out_no_level(sample: Sample) -> None:
    for name, outline in written(sample).items():
        levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]

        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), name


def test_what_a_page_says_of_itself_is_sentences_and_a_heading_of_a_table_is_a_phrase(sample: Sample) -> None:
    for name in written(sample):
        text = (sample.store.pages / name).read_text(encoding="utf-8")
        said = {kind: re.findall(rule, text) for kind, rule in SAID.items()}
        for lead in said["lead"]:
            assert re.fullmatch(r"[A-Z“].*\.", lead), f"{name}: {lead}"
            assert max(len(one.split()) for one in re.split(r"[.:;] ", lead)) <= 22, f"{name}: {lead}"
        assert [head for head in said["head"] if not 1 < len(head) <= 24] == [], name


def test_no_page_has_a_script_a_style_or_an_address_of_its_own(sample: Sample) -> None:
    for name, outline in written(sample).items():
        policies = [a["content"] for a in outline.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
        scripts = outline.all("script")
        assert policies == [POLICY], name
        assert {(a["src"] or "").rpartition("assets/")[2] for a in scripts} <= SCRIPTS, name
        assert not outline.all("style", "iframe", "object", "embed", "base", "form"), name
        for _, attributes in outline.tags:
            assert not [key for key in attributes if key == "style" or key.startswith("on")], name
            assert "//" not in (attributes.get("href") or attributes.get("src") or ""), name


def test_markup_refuses_what_could_run_or_lead_away() -> None:
    for attributes in ({"onclick": "x()"}, {"style": "x"}, {"href": "javascript:x()"}, {"href": "//evil.example"}):
        with pytest.raises(ValueError, match=r"no attribute|leads out"):
            element("a", "x", **attributes)
    for tag in ("iframe", "style", "a b", "object"):
        with pytest.raises(ValueError, match="is no element"):
            element(tag)
    with pytest.raises(ValueError, match="scripts are files"):
        element("script", "alert(1)")


def test_text_is_escaped_once_and_markup_is_left_alone() -> None:
    assert joined("<b>", Html("<i>"), ["&", 3], None) == "&lt;b&gt;<i>&amp;3"
    assert element("p", "a", class_="x", hidden=True, title='"') == '<p class="x" hidden="" title="&quot;">a</p>'


def test_what_one_cannot_see_is_not_shown() -> None:
    assert plain("a\u202eb\u200bc\x00") == "abc"
    assert said("x" * 500, 10) == f"<bdi>{'x' * 10}…</bdi>"
    assert plain("lone \udc80 surrogate") == "lone ? surrogate"


def browsed(sample: Sample) -> list[dict[str, Any]]:
    """Return the pages of rows as the site's script gets them."""
    files = sorted((sample.store.pages / "rows").glob("*/*.js"), key=lambda p: int(p.stem))
    return [arrived(path) for path in files]


def test_rows_that_are_no_longer_exported_lose_their_place(sample: Sample) -> None:
    pages.write_site(sample.store)
    gone = browsed(sample)[0]["rows"][0]["export_id"]
    sample.store._connection.execute("DELETE FROM exports WHERE export_id = ?", [gone])

    pages.write_site(sample.store)

    assert gone not in json.dumps(browsed(sample))


def test_every_row_is_on_a_page_with_its_lineage_up_to_the_archive(sample: Sample) -> None:
    poison(sample)

    pages.write_site(sample.store)
    found = browsed(sample)

    assert sum(len(page["rows"]) for page in found) == sample.store.query("exports/size")["rows_all"][0]
    assert [len(page["rows"]) for page in found[:-1]] == [browser.ROWS_A_PAGE] * (len(found) - 1)
    for page in found:
        parents = {child: {p for c, _, p in page["edges"] if c == child} for child, _, _ in page["edges"]}
        for n, _ in enumerate(page["rows"]):
            reached, due = set[int](), {n}
            while due:
                reached |= due
                due = {p for child in due for p in parents.get(child, ())} - reached
            kinds = {page["things"][one - len(page["rows"])][1] for one in reached - {n}}
            assert {"response", "instruction", "source"} <= kinds


@pytest.mark.parametrize("memory_mb", [512, 1])
def test_every_word_of_every_row_is_in_the_index_with_its_rows(
    sample: Sample, memory_mb: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(sample)
    monkeypatch.setattr(browser, "ROWS_A_MEGABYTE", 10)  # so that little memory means several parts of the lines
    sample.store.memory_mb = memory_mb

    pages.write_site(sample.store)
    wanted: dict[str, set[int]] = {}
    rows = [row for page in browsed(sample) for row in page["rows"]]
    for n, row in enumerate(rows):
        said = " ".join(row[k] or "" for k in ("instruction", "response", "url", "title", "recipe", "model")).lower()
        for word in re.findall(r"[^\W_]+", said):
            wanted.setdefault(word, set()).add(n)
    index: dict[str, Any] = {}
    for path in (sample.store.pages / "words").glob("[0-9]*.js"):
        index |= arrived(path)

    known = {word: set(accumulate(steps)) for word, (_, *steps) in index.items()}
    assert known == wanted
    assert all(lines == len(known[word]) for word, (lines, *_) in index.items())


def test_the_marts_are_published_as_parquet_and_metrics_as_prometheus_reads_them(sample: Sample) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    pages.write_site(sample.store)
    folder = sample.store.pages / "marts"
    families = {f.name: f for f in text_string_to_metric_families((folder / "metrics.prom").read_text())}

    others = {"attempts", "standing", "seeds_funnel", "rows", "origins", "facets", "people", "marks", "seeded"}
    assert {p.stem for p in folder.glob("*.parquet")} == {*marts.names(), *others}
    assert pl.read_parquet(folder / "stages.parquet").filter(stage="documents")["rows_in"].to_list() == [5]
    assert families["wellspring_documents"].samples[0].value == 3
    assert {f.type for n, f in families.items() if n.removeprefix("wellspring_") in marts._COUNTERS} == {"counter"}
    assert families["wellspring_calls"].samples[0].name == "wellspring_calls_total"
    stores = {one.labels["store"] for family in families.values() for one in family.samples}
    assert stores == {store_label(sample.store.path)}
    assert {s.labels["stage"]: s.value for s in families["wellspring_due"].samples}["responses"] == 0
    assert {s.labels["reason"]: s.value for s in families["wellspring_refusals"].samples}["too_short"] == 1


def test_a_thousand_runs_are_cut_into_pages_that_open_at_once(sample: Sample) -> None:
    start = sample_store.START
    runs = [
        records.RunRow(
            *(content_id("r", n), "corpus", "done", start + timedelta(hours=n), start + timedelta(hours=n, minutes=3)),
            *("{}", "0" * 40, "{}", "1@x", None),
        )
        for n in range(1000)
    ]
    sample.store.append("runs", runs)
    template = {"severity": "fail", "success": True, "evaluated": 9, "unexpected": 0, "observed": "0 of 9 rows"}
    checks = [
        records.Validation(r.run_id, "documents", f"expect_{k}", "text", **template, notes="because", checked_at=start)
        for r in runs
        for k in range(60)
    ]
    sample.store.append("validations", checks)

    pages.write_site(sample.store)
    site = sorted(sample.store.pages.glob("*.html"))

    assert len([p for p in site if p.name.startswith("runs")]) == 11
    assert max(p.stat().st_size for p in site) < 500_000


RUNS = "document.documentElement.setAttribute('data-owned','yes')"
AWAY = "//canary.example/x"
HOSTILE = [
    f"<script>{RUNS}</script>",
    f"</script><script>{RUNS}</script>",
    f"</title><script>{RUNS}</script>",
    f"</textarea><script>{RUNS}</script>",
    f'<img src=x onerror="{RUNS}">',
    f"<img src='http:{AWAY}.png'>",
    f'<svg onload="{RUNS}"></svg>',
    f"</svg><svg/onload={RUNS}>",
    f"<svg><script>{RUNS}</script></svg>",
    f'<svg><style><img src=x onerror="{RUNS}"></style></svg>',
    f'<math><mtext></table><mglyph><style><img src=x onerror="{RUNS}">',
    f'"><script>{RUNS}</script>',
    f"'><script>{RUNS}</script>",
    f'" autofocus onfocus="{RUNS}" x="',
    f"' onmouseover='{RUNS}' x='",
    f"`onload={RUNS}`",
    f"javascript:{RUNS}",
    f"JaVaScRiPt\t:{RUNS}//",
    f'<a href="javascript:{RUNS}">x</a>',
    f'<iframe srcdoc="<script>parent.{RUNS}</script>"></iframe>',
    f'<iframe src="http:{AWAY}"></iframe>',
    f'<object data="http:{AWAY}"></object>',
    f'<embed src="http:{AWAY}">',
    f'<link rel=stylesheet href="http:{AWAY}.css">',
    f"<style>@import 'http:{AWAY}.css';body{{background:url(http:{AWAY}.gif)}}</style>",
    f'<base href="http:{AWAY}/">',
    f'<meta http-equiv=refresh content="0;url=http:{AWAY}">',
    f'<form action="http:{AWAY}"><button autofocus>x</button></form>',
    f'<video src="http:{AWAY}.mp4" autoplay onerror="{RUNS}"></video>',
    f'<details open ontoggle="{RUNS}">x</details>',
    f'<body onload="{RUNS}">',
    f"<!--><script>{RUNS}</script>-->",
    f"<![CDATA[<script>{RUNS}</script>]]>",
    f'<noscript><p title="</noscript><script>{RUNS}</script>">',
    f"\\u003cscript\\u003e{RUNS}\\u003c/script\\u003e",
    f"&lt;script&gt;{RUNS}&lt;/script&gt;",
    f"{{{{constructor.constructor('{RUNS}')()}}}}",
    f"\u2028</script>\u2029<script>{RUNS}</script>",
    f"\u202e>tpircs/<\x00<scr\x00ipt>{RUNS}</scr\x00ipt>",
    "<x" + "<b>" * 50 + f"<script>{RUNS}</script>",
]
OUT_OF = ("", '">', "'>", "`>", "</script>", "</title>", "</textarea>", "</style>", "--!>", "]]>")
VEHICLES = (
    f"<script>{RUNS}</script>",
    f'<img src=x onerror="{RUNS}">',
    f"<svg/onload={RUNS}>",
    f"<input autofocus onfocus={RUNS}>",
    f'<iframe srcdoc="<script>parent.{RUNS}</script>"></iframe>',
    f"<details open ontoggle={RUNS}>x</details>",
    f"<img src='http:{AWAY}.png'>",
    f"<script src='http:{AWAY}.js'></script>",
)
HOSTILE += [out + vehicle for out in OUT_OF for vehicle in VEHICLES]  # PROMISES asks for 120


def poison(sample: Sample) -> None:
    """Put each string where pages show something that a stranger, a model or a profile can write."""
    run = lambda sql, *values: sample.store._connection.execute(sql, list(values))  # noqa: E731
    everything = " ".join(HOSTILE)
    run("UPDATE runs SET error = ?, status = 'failed', flow = ?, commit = ?", everything, HOSTILE[0], HOSTILE[4])
    run("UPDATE completions SET model = concat(role, ?)", HOSTILE[0])
    run("UPDATE sources SET name = ?, uri = ?, license = ?, kind = ?", *HOSTILE[:4])
    run("UPDATE documents SET domain = ?, language = ?, title = ?", *HOSTILE[4:7])
    run("UPDATE seeds SET language = ?, text = ?", HOSTILE[0], everything)
    run("UPDATE responses SET model = ?", HOSTILE[11])
    run("UPDATE groundings SET scene = ?, keywords = ?", everything, HOSTILE)
    run("UPDATE scores SET judge = ?, criterion = ?", HOSTILE[4], HOSTILE[5])
    run("UPDATE exports SET path = concat(?, path)", HOSTILE[4])
    sources = sample.store.query("marts/sources")["source_id"][0]
    for n, text in enumerate(HOSTILE):
        page = content_id("page", n)
        sample.store.append(
            "documents",
            [
                records.Document(
                    *(page, "extract-1", sources, 0, 1, text, f"{n}.example", text, None, None, "2026", "en", None),
                    *(text, 3, page, None, RUN),
                )
            ],
        )
        made = content_id("made", n)
        kinds = ("attributed_grounding", 0, 0, text, page, [sample.seeds[0]], text, text, text, text, text)
        sample.store.append("instructions", [records.Instruction(made, "f", page, *kinds, content_id("c", n), RUN)])
        answer = content_id("answer", n)
        sample.store.append(
            "responses",
            [records.Response(answer, "f", made, text, 0, text, "stop", content_id("c", n), RUN)],
        )
        line = records.Export(content_id("line", n), "write-1", f"{text[:40]}.jsonl", "0" * 64, answer, n, RUN)
        sample.store.append("exports", [line])
        sample.store.append("rejections", [records.RejectionRow("documents", f"{n}{text}", "f", text, text, RUN)])
        check = (text, text, "fail", False, 3, 3, text, text, sample_store.START)
        sample.store.append("validations", [records.Validation(RUN, "documents", *check)])
        sample.store.append(
            "receipts",
            [records.ReceiptRow(RUN, f"{n}{text}", "f", 1, 0, 1, 1.0, 0, 0, 0, 0, 0.0, sample_store.START)],
        )


class Canary(socketserver.ThreadingTCPServer):
    """A proxy that lets nothing through and remembers who was asked for; pages are served by another one."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), self._Handler)

    class _Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked.append(self.path)  # pyright: ignore[reportAttributeAccessIssue] - our server
            self.send_error(403)

        do_CONNECT = do_POST = do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object, **__: object) -> None:
            """Say nothing."""


# All pages at once in frames of one page that is not of the site: what ran, and what each page shows in the end.
LOOKING = """<!doctype html><title>x</title>%s<pre id=seen></pre><script>
setTimeout(() => {
  const frames = [...document.querySelectorAll("iframe")];
  document.getElementById("seen").textContent = JSON.stringify(frames.map((frame) => {
    const page = frame.contentDocument;
    const owned = page.documentElement.hasAttribute("data-owned");
    return [frame.getAttribute("src"), owned, page.body.innerText.length, page.querySelectorAll(".card").length];
  }));
}, 9000);
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here")
def test_nothing_that_strangers_wrote_runs_or_calls_out_in_a_browser(sample: Sample, tmp_path: Path) -> None:
    poison(sample)
    pages.write_site(sample.store)
    site = sample.store.pages
    places = [p.relative_to(site).as_posix() for p in sorted(site.glob("*.html"))]
    places += [f"runs/{RUN}/index.html", "rows/index.html"]
    places += [f"rows/index.html#{at}" for at in ("p=1", "p=2", "q=script", "r=0", "r=1", "r=60", "r=121")]
    places += [f"lists.html#{at}" for at in ("refused", "refused/documents", "documents", "instructions", "copies")]
    places += ["pairs.html#0", "compare.html#by=model"]
    frames = "".join(f'<iframe src="{place}" width=900 height=400></iframe>' for place in places)
    (site / "looking.html").write_text(LOOKING % frames, encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(site))
    canary = Canary()
    with serving(canary) as proxy, serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as port:
        text = opened(f"http://127.0.0.1:{port}/looking.html", tmp_path / "browser", proxy, milliseconds=12_000)
    found = re.search(r"<pre id=\"seen\">(.+?)</pre>", text, re.DOTALL)
    assert found is not None
    seen = {place: rest for place, *rest in json.loads(html.unescape(found[1]))}

    assert len(HOSTILE) == 120
    assert seen.keys() == set(places)
    assert [place for place, (owned, *_) in seen.items() if owned] == []
    assert not re.search(r"<html[^>]*data-owned", text)
    assert not [url for url in canary.asked if "canary.example" in url]
    assert min(length for _, length, _ in seen.values()) > 100
    assert [seen[f"rows/index.html#{at}"][2] for at in ("p=1", "q=script", "r=60")] == [25, 10, 0]


# How wide each page is in a frame as wide as a phone.
MEASURING = """<!doctype html><title>x</title>%s<pre id=seen></pre><script>
setTimeout(() => {
  const frames = [...document.querySelectorAll("iframe")];
  document.getElementById("seen").textContent = JSON.stringify(Object.fromEntries(frames.map((frame) =>
    [frame.getAttribute("src"), frame.contentDocument.documentElement.scrollWidth])));
}, 5000);
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here")
def test_no_page_scrolls_sideways_on_a_phone(sample: Sample, tmp_path: Path) -> None:
    pages.write_site(sample.store)
    site = sample.store.pages
    places = [p.relative_to(site).as_posix() for p in sorted(site.glob("*.html"))]
    places += [f"runs/{RUN}/index.html", "rows/index.html", "rows/index.html#r=0", "lists.html#refused/documents"]
    frames = "".join(f'<iframe src="{place}" width=390 height=844></iframe>' for place in places)
    (site / "measuring.html").write_text(MEASURING % frames, encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(site))
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as port:
        text = opened(f"http://127.0.0.1:{port}/measuring.html", tmp_path / "browser", 9, milliseconds=8000)
    found = re.search(r"<pre id=\"seen\">(.+?)</pre>", text, re.DOTALL)
    assert found is not None
    widths = json.loads(html.unescape(found[1]))

    assert widths.keys() == set(places)
    assert {place: wide for place, wide in widths.items() if wide > 390} == {}


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here")
def test_the_same_strings_do_run_and_call_out_where_nothing_guards_a_page(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(f"<!doctype html><title>x</title><p>{HOSTILE[0]}{HOSTILE[4]}{HOSTILE[5]}")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    canary = Canary()
    with serving(canary) as proxy, serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as port:
        text = opened(f"http://127.0.0.1:{port}/index.html", tmp_path / "browser", proxy)

    assert re.search(r"<html[^>]*data-owned", text)
    assert [url for url in canary.asked if "canary.example" in url]


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here")
def test_the_site_searches_traces_and_compares_when_it_is_opened_as_a_file(sample: Sample, tmp_path: Path) -> None:
    pages.write_site(sample.store)
    site = sample.store.pages.as_uri()

    found = opened(f"{site}/rows/index.html#q=rye%20gum", tmp_path / "a", 9)
    traced = opened(f"{site}/rows/index.html#r=0&t=1", tmp_path / "b", 9)
    compared = opened(f"{site}/compare.html", tmp_path / "c", 9)

    assert "1 found" in found
    assert re.sub(r"<noscript>.*?</noscript>", "", found, flags=re.DOTALL).count('class="card"') == 1
    assert 'class="box source"' in traced
    assert "pages.warc.gz" in traced
    assert "Rows out by stage" in compared
    assert "one run so far, so it is shown beside itself" in compared
    assert re.search(r"<th[^>]*><bdi>Cost</bdi></th><td[^>]*><bdi>\$\d", compared)
