"""Counts lead to their rows: lists, facets, the reading view, what changed and what needs a person."""

import functools
import html
import json
import re
import socketserver
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from itertools import starmap
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import numpy as np
import polars as pl
import pytest

from tests import sample_store
from tests.chromium import BROWSER, Quiet, arrived, opened, serving
from tests.sample_store import RUN, START, Sample
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.site import dashboard, facets, pages, since
from wellspring.tasks.spine.provenance import lineage

pytestmark = pytest.mark.slow  # its fixture builds a store, end to end


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    sample_store.publish(filled)
    yield filled
    filled.store.close()


def run_after(days: int, flow: str = "dataset", status: str = "done") -> records.RunRow:
    """Return a run some days after the first."""
    begun = START + timedelta(days=days)
    named = (content_id("run", days, flow), flow, status, begun, begun + timedelta(minutes=1))
    return records.RunRow(*named, '{"pages": {"show_values": true}}', "0" * 40, "{}", "1@x", None)


def receipt(run: records.RunRow, stage: str, rows_in: int, rows_out: int, refused: int) -> records.ReceiptRow:
    return records.ReceiptRow(run.run_id, stage, "f", rows_in, rows_out, refused, 1.0, 0, 0, 0, 0, 0.0, run.started_at)


class Links(HTMLParser):
    """Links of a page with their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._href = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        self._href = dict(attrs).get("href") or "" if tag == "a" else ""

    def handle_data(self, data: str) -> None:
        """Note the text of a link."""
        if self._href:
            self.found.append((self._href, data))
            self._href = ""


def groups(sample: Sample, name: str) -> list[list[Any]]:
    return arrived(sample.store.pages / "lists" / "index.js")["lists"][name]


def listed(sample: Sample, name: str) -> list[list[Any]]:
    files = sorted((sample.store.pages / "lists" / name).glob("*/*.js"), key=lambda p: int(p.stem))
    return [row for path in files for row in arrived(path)]


def test_a_count_on_a_page_is_as_many_rows_as_its_link_leads_to(sample: Sample) -> None:
    pages.write_site(sample.store)
    index = arrived(sample.store.pages / "facets" / "index.js")
    lines = {name: dict(zip(values, counts, strict=True)) for name, _, _, _, counts, values in index["facets"]}
    checked = 0
    for path in [*sample.store.pages.glob("*.html"), *sample.store.pages.glob("runs/*/index.html")]:
        for href, text in Links(path.read_text(encoding="utf-8")).found:
            if not (count := re.match(r"[\d,]+", text)):
                continue
            said, (_, _, rest) = int(count[0].replace(",", "")), href.partition("#")
            if "lists.html#" in href:
                name, *group = map(unquote, rest.split("/"))
                assert said == sum(g[3] for g in groups(sample, name) if g[: len(group)] == group), (path, href)
                checked += 1
            elif "rows/index.html#" in href:
                ((facet, value),) = parse_qsl(rest)
                assert said == lines[facet][value], (path, href)
                checked += 1
    assert checked > 20


def test_groups_of_a_list_are_its_rows_in_order_and_every_refused_id_is_traced(sample: Sample) -> None:
    more = [
        records.RejectionRow("documents", content_id("x", n), "extract-1", f"reason_{n % 7}", "", RUN)
        for n in range(230)
    ]
    sample.store.append("rejections", more)

    pages.write_site(sample.store)
    rows = listed(sample, "refused")
    reasons = [reason for _, reason, _, count in groups(sample, "refused") for _ in range(count)]

    wanted = dict(sample.store.query("rejections/all").select("input_id", "reason").rows())
    assert len(rows) == len(wanted) == 233
    assert {row[0]: reason for row, reason in zip(rows, reasons, strict=True)} == wanted
    for identity, *_ in [row for row in rows if len(row[0]) > 4][:30]:
        assert lineage.trace(sample.store, identity).kind == "refusal"


def test_a_column_says_of_every_row_what_the_database_says_also_with_very_many_values(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = "abc"
    monkeypatch.setattr(facets, "_LETTERS", letters)
    monkeypatch.setattr(facets, "_MOST", 9)
    monkeypatch.setattr(facets, "_BYTES", np.frombuffer(letters.encode(), dtype="uint8"))
    monkeypatch.setattr(facets, "ROWS_A_FILE", 2)
    run = sample.store._connection.execute
    run(
        "INSERT INTO exports SELECT concat(e.export_id, n), e.fingerprint, concat('exports/f', n, '/t.jsonl'), "
        "e.sha256, e.row_id, 10 * n + e.line, e.run_id, e.manifest FROM exports e, range(1, 5) t(n)"
    )
    run("UPDATE sources SET name = 'one'")
    found: list[str] = []

    pages.write_site(sample.store)
    index = arrived(sample.store.pages / "facets" / "index.js")
    rows = [arrived(path) for path in sorted((sample.store.pages / "rows").glob("*/*.js"))]
    for name, _, width, _, counts, values in index["facets"]:
        files = sorted(sample.store.pages.glob(f"facets/{name}-*.js"), key=lambda p: int(p.stem.rpartition("-")[2]))
        text = "".join(arrived(path) for path in files)
        assert len(files) == 8
        codes = [text[n : n + width] for n in range(0, len(text), width)]
        numbers = [sum(letters.index(c) * 3**i for i, c in enumerate(reversed(code))) for code in codes]
        assert [numbers.count(n) for n in range(len(values))] == counts
        found += [f"{name}={values[numbers[0]]}"]
        if name == "form":
            paths = [row["path"] for page in rows for row in page["rows"]]
            assert width == 2
            assert [values[n] for n in numbers] == [path.removeprefix("exports/").split("/")[0] for path in paths]

    assert sum(index["facets"][0][4]) == 15
    assert {"score=6", "verdict=passed", "people=not looked at", "since=new", "model=sample-model"} <= set(found)


def test_rows_that_are_compared_are_from_all_over_the_rows_of_a_value() -> None:
    facet = facets.Facet("recipe", ["a", "b"], [40, 3])
    codes = np.array([0] * 20 + [1] * 3 + [0] * 20, dtype=np.uint32)

    assert facets._sampled(facet, codes) == [[0, 4, 8, 12, 16, 23, 27, 31, 35, 39], [20, 21, 22]]


def test_the_rarest_of_more_values_than_a_column_has_are_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets, "_MOST", 3)
    found = facets.Found()
    for part in ("eaba", "cbaad"):
        found.put(pl.DataFrame({name: list(part) for name in facets.FACETS}))

    facet = facets._facets(found.totals())[0]

    assert (facet.values, facet.counts) == (["a", "b", facets.OTHERS], [4, 2, 3])
    assert facets._ranked(found, facet).tolist() == [2, 0, 1, 0, 2, 1, 0, 0, 2]


def test_what_is_new_is_newer_than_the_run_before_the_last_that_wrote_and_idle_nights_hide_nothing(
    sample: Sample,
) -> None:
    assert since.baseline(sample.store, sample.store.query("marts/runs", run_id=None)).kind == "nothing"
    second, idle = run_after(1), run_after(2)
    sample.store.append("runs", [second, idle])
    sample.store.append("receipts", [receipt(second, "documents", 3, 2, 1), receipt(idle, "documents", 0, 0, 0)])

    found = since.baseline(sample.store, sample.store.query("marts/runs", run_id=None))

    assert (found.kind, found.name, found.at) == ("run", RUN, START)


def test_what_is_new_is_newer_than_the_release_that_is_current(sample: Sample) -> None:
    folder = sample.store.path / "releases" / "one"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"name": "one", "made_at": "2026-03-01T02:59:00+00:00"}))
    (folder.parent / "current").symlink_to("one")

    pages.write_site(sample.store)
    text = (sample.store.pages / "index.html").read_text(encoding="utf-8")

    assert 'Since the release <code>one</code>, which was made on <time datetime="2026-03-01T02:59:00Z">' in text
    assert re.search(r'href="rows/index.html#since=new">3</a>', text)


def test_the_overview_says_what_moved_and_what_needs_a_person(sample: Sample) -> None:
    old, new = run_after(1), run_after(2, status="failed")
    sample.store.append("runs", [old, new])
    sample.store.append("receipts", [receipt(old, "documents", 100, 95, 5), receipt(new, "documents", 100, 60, 40)])
    refused = [records.RejectionRow("documents", f"d{n}", "extract-1", "not_a_page", "", new.run_id) for n in range(40)]
    sample.store.append("rejections", refused)
    sample.store._connection.execute(
        "UPDATE responses SET finish_reason = 'length' WHERE response_id = ?", [sample.responses[0]]
    )

    pages.write_site(sample.store)
    text = (sample.store.pages / "index.html").read_text(encoding="utf-8")

    assert re.search(r"documents: 7% of inputs were refused before, 40% since\. Most for <a [^>]*>not a page</a>", text)
    assert "The latest run failed" in text
    assert "1 answer ended at the limit of tokens." in text
    assert text.index("What changed") < text.index("What needs a person") < text.index("What the rows are")


def test_trends_are_by_date_each_flow_for_itself_and_an_idle_night_is_no_zero(sample: Sample) -> None:
    runs = [run_after(1), run_after(2), run_after(9), run_after(4, flow="corpus")]
    sample.store.append("runs", runs)
    wrote = [(runs[0], "exports", 9, 9, 0), (runs[2], "exports", 7, 7, 0), (runs[3], "documents", 5, 5, 0)]
    sample.store.append("receipts", list(starmap(receipt, wrote)))
    frame = sample.store.query("marts/runs", run_id=None).to_dicts()

    drawn = dashboard._trends(frame, [("exported", "Exported rows", str)])
    own = [run for run in frame if run["flow"] == "dataset" and not dashboard._is_idle(run)]
    points = dashboard._points(own, "exported")

    assert [(point.value, round(point.at or 0, 3)) for point in points] == [(3, 0.0), (9, 0.111), (7, 1.0)]
    assert "1 run had nothing to do, and is left out." in drawn
    assert drawn.count("<h3>") == 2


def test_a_page_of_a_run_folds_long_reasons_away(sample: Sample) -> None:
    more = [records.RejectionRow("documents", f"y{n}", "extract-1", f"reason_{n}", "", RUN) for n in range(30)]
    sample.store.append("rejections", more)

    pages.write_site(sample.store)
    text = (sample.store.pages / "runs" / RUN / "index.html").read_text(encoding="utf-8")

    assert "31 more reasons, 31 inputs" in text
    assert "All 33 reasons" in text


# A page that looks into a row, presses keys, and says what it saw.
PRESSING = """<!doctype html><title>x</title>
<iframe src="rows/index.html#r=0" width=1200 height=900></iframe><pre id=seen></pre>
<script>
const frame = document.querySelector("iframe"), seen = [];
const inside = () => frame.contentDocument;
const press = (key) => () => inside().body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const look = () => seen.push([
  frame.contentWindow.location.hash,
  inside().getElementById("marks").textContent,
  inside().querySelector(".reader")?.innerText || "",
]);
const steps = [look, press("1"), look, press("j"), look, press("x"), look, press("u"), look, press("k"), look];
const go = () => {
  const step = steps.shift();
  if (step) {
    step();
    setTimeout(go, 400);
  } else document.getElementById("seen").textContent = JSON.stringify(seen);
};
setTimeout(go, 2500);
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here")
def test_a_row_is_read_beside_its_page_and_marks_are_made_by_keys(sample: Sample, tmp_path: Path) -> None:
    pages.write_site(sample.store)
    site = sample.store.pages
    (site / "pressing.html").write_text(PRESSING, encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(site))
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as port:
        text = opened(f"http://127.0.0.1:{port}/pressing.html", tmp_path / "browser", 9, milliseconds=12_000)
    found = re.search(r"<pre id=\"seen\">(.+?)</pre>", text, re.DOTALL)
    assert found is not None
    first, marked, turned, excluded, unmarked, back = json.loads(html.unescape(found[1]))

    assert [at for at, _, _ in (first, marked, turned, back)] == ["#r=0", "#r=0", "#r=1", "#r=0"]
    assert marked[1] == "1 marked: 1 good"
    assert excluded[1] == "2 marked: 1 good, 1 to exclude"
    assert unmarked[1] == "1 marked: 1 good"
    every = " ".join(said for _, _, said in (first, turned))
    for said in ("clear", "not_refused", "Rye dough is sticky", "It depends on the day"):
        assert said in every
