"""Ten questions, answered as somebody does who has not seen the site: by links, headings and labels that are visible.

Each answer is held against SQL. What it took is printed: seconds and clicks (`pytest -s`). And every page of the same
site is looked at in four forms: on a phone and on a desk, light and dark.
"""

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import wellspring
from tests import browsing, forms, light
from tests.browsing import Tab
from tests.chromium import BROWSER
from wellspring.tasks.contracts.agreement import agreement
from wellspring.tasks.io.storage.store import Store

pytestmark = [
    pytest.mark.slow,  # its fixture builds a store, end to end
    pytest.mark.timeout(900),
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which is not here"),
]

ARCHIVE = Path(__file__).parents[2] / "deployments" / "sample" / "corpus.warc.gz"
MOST_CLICKS = 4
SHORT, SITE = 40, "short.example"
ASKED = ('scores.judges=["seven_criteria", "deita", "response_quality"]', "limit=6", "preferences.draws=2")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of some nights: a release, a row that a person excluded, a release, and a site with nothing to read."""
    folder = tmp_path_factory.mktemp("ten")
    ws, prices, marks, short = (folder / name for name in ("ws", "prices.toml", "marks.jsonl", "short.jsonl"))
    prices.write_text('[models."offline-*"]\nprompt = 100.0\ncompletion = 300.0\n')
    asked = (*ASKED, f"models.prices={prices}", "runner=thread")
    short.write_text("".join(f'{{"url": "https://{SITE}/{n}", "text": "Only {n} words."}}\n' for n in range(SHORT)))
    with light.unaudited(), light.pageless():
        wellspring.build(profile="smoke", store=ws, overrides=asked)
        wellspring.release("one", ws)
        of_rows = sql(ws, "SELECT DISTINCT row_id FROM exports ORDER BY row_id")
        said = [{"id": row, "mark": "good" if n else "exclude"} for n, (row,) in enumerate(of_rows)]
        marks.write_text("".join(f"{json.dumps(one)}\n" for one in said))
        wellspring.review(ws, marks=marks, by="anna", profile="smoke")
        wellspring.build(profile="smoke", store=ws, overrides=asked)
        wellspring.release("two", ws)
    with light.unaudited():
        wellspring.build(corpus=short, profile="smoke", store=ws, only="corpus", overrides=[*asked, "limit=200"])
    yield ws
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def site(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tab, str]]:
    with browsing.site(store / "pages", tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def sql(store: Path, query: str, *params: Any) -> list[tuple[Any, ...]]:
    """Ask the store itself."""
    with Store.read(store) as opened:
        return opened._connection.execute(query, list(params)).fetchall()


def heads(tab: Tab, within: str) -> list[str]:
    """Return the first cell of each line of a table."""
    return tab.value(f"[...document.querySelectorAll('{within} tbody tr > :first-child')].map((one) => one.innerText)")


def near_duplicates(tab: Tab, store: Path) -> None:
    tab.click("2 copies")
    tab.click("near")
    tab.until("/near/.test(document.querySelector('.way')?.innerText)")
    assert heads(tab, "#lists section") == [
        one for (one,) in sql(store, "SELECT document_id FROM duplicates ORDER BY 1")
    ]
    assert "similarity 0." in tab.text()


def who_wrote_this_row(tab: Tab, store: Path) -> None:
    query = (
        "SELECT i.text, i.recipe, r.model FROM valid_exports e JOIN responses r ON e.row_id = r.response_id "
        "JOIN instructions i USING (instruction_id) ORDER BY e.line DESC LIMIT 1"
    )
    ((text, recipe, model),) = sql(store, query)
    tab.click("Rows")
    tab.type("Search all", text)
    tab.until("/^1 found/.test(document.getElementById('search-count').innerText)")
    tab.click("Read row")
    tab.until("document.querySelector('.reader')")
    assert f"{recipe} {model}" in " ".join(tab.text(".reader .side").split())


def why_did_acceptance_fall(tab: Tab, store: Path) -> None:
    query = "SELECT run_id, stage, rows_in, rows_rejected FROM receipts WHERE stage = 'documents' ORDER BY finished_at"
    *old, (_, _, read, refused) = sql(store, query)
    before = sum(one[3] for one in old) / sum(one[2] for one in old)
    assert f"documents: {before:.0%} of inputs were refused before, {refused / read:.0%} since." in tab.text()
    tab.click("too short")
    tab.until("document.querySelector('#lists section h2')")
    ((many,),) = sql(store, "SELECT count(*) FROM rejections WHERE reason = 'too_short'")
    assert tab.text("#lists section h2") == f"{many} rows"


def which_pages_of_a_site_were_refused(tab: Tab, store: Path) -> None:
    tab.click("Corpus")
    tab.click(str(SHORT), near=SITE)
    tab.until("document.querySelector('#lists section h2')")
    query = "SELECT input_id FROM rejections WHERE detail LIKE ? ORDER BY input_id"
    assert heads(tab, "#lists section") == [one for (one,) in sql(store, query, f"%https://{SITE}/%")]
    assert f"too short\t{SHORT}" in tab.text()


def the_weakest_ten_rows_of_a_recipe(tab: Tab, store: Path) -> None:
    tab.click("Dataset")
    tab.click("weakest first", near="knn_instruct")
    tab.until("/found/.test(document.getElementById('search-count').innerText)")
    query = (
        "SELECT i.text, min(s.value) FROM valid_exports e JOIN responses r ON e.row_id = r.response_id "
        "JOIN instructions i USING (instruction_id) JOIN valid_scores s ON s.subject_id = i.instruction_id "
        "WHERE i.recipe = 'knn_instruct' AND s.judge = 'seven_criteria' AND s.criterion = 'total' GROUP BY ALL"
    )
    scores = dict(sql(store, query))
    seen = tab.value("[...document.querySelectorAll('#browser .card h2')].map((one) => one.innerText)")
    assert len({*scores.values()}) > 1
    assert [scores[one] for one in seen] == sorted(scores.values())[:10]


def what_a_release_changed(tab: Tab, store: Path) -> None:
    tab.click("Compare")
    ((id_,),) = sql(store, "SELECT value FROM decisions WHERE kind = 'exclude'")
    assert "one → two" in tab.text()
    assert "removed\t1\t1 excluded" in tab.text(".step table")
    tab.click("Read 1 of 1 row that went")
    tab.until("/wellspring trace/.test(document.querySelector('.step details').innerText)")
    ((text,),) = sql(store, "SELECT text FROM responses WHERE response_id = ? LIMIT 1", id_)
    assert " ".join(text.split())[:60] in " ".join(tab.text(".step details").split())


def what_needs_a_person(tab: Tab, store: Path) -> None:
    ((failed, marks),) = sql(store, "SELECT count(*) FILTER (WHERE value IS NULL), count(*) FROM valid_scores")
    assert f"{failed / marks:.1%} of marks could not be given, since the judge failed." in tab.text(".needed")


def what_did_it_cost(tab: Tab, store: Path) -> None:
    ((cost, calls),) = sql(store, "SELECT sum(cost_usd), count(*) FROM completions")
    tab.click("Spend")
    assert cost > 0
    told = f"${cost:,.2f}" if cost >= 1 else f"${cost:.4f}"
    assert re.search(rf"Spent in all\s+{re.escape(told)}\s+for {calls} answered calls", tab.text(".tiles"))


def which_judge_disagrees(tab: Tab, store: Path) -> None:
    tab.click("Dataset")
    query = "SELECT judge, subject_id, value FROM valid_scores WHERE criterion = 'total' AND value IS NOT NULL"
    of: dict[str, dict[str, float]] = {}
    for judge, subject, value in sql(store, query):
        of.setdefault(judge, {})[subject] = value
    passes = {judge: {s: v >= sorted(m.values())[len(m) // 2] for s, v in m.items()} for judge, m in of.items()}
    shared = sorted(of["deita"].keys() & of["response_quality"].keys())
    found = agreement(*([passes[judge][one] for one in shared] for judge in ("deita", "response_quality")))
    first = tab.text("[aria-label='How far judges agree with each other'] tbody tr").split()
    assert first[:3] == ["deita", "response_quality", str(len(shared))]
    assert float(first[4]) == pytest.approx(found.kappa, abs=0.15)  # the middle of an even number is told otherwise
    assert "human:anna" in tab.text("[aria-label='How far people agree with judges']")


def from_a_chart_to_a_row_to_the_bytes_of_its_page(tab: Tab, store: Path) -> None:
    ((many,),) = sql(
        store,
        "SELECT count(*) FROM valid_exports e JOIN responses r ON e.row_id = r.response_id "
        "JOIN instructions i USING (instruction_id) WHERE i.recipe = 'attributed_grounding'",
    )
    tab.click(str(many), near="attributed_grounding")
    tab.click("Read row")
    tab.until("document.querySelector('.page-text')")
    tab.click("How this row was made")
    tab.until("document.querySelector('#made code')")
    command = tab.text("#made code").split()
    assert "--record" in tab.text("#made")
    url = tab.text(".reader .column:nth-child(2) .note")
    with wellspring.open(store) as opened:
        assert url.encode() in opened.record(command[2])


TASKS: dict[str, Callable[[Tab, Path], None]] = {
    task.__name__: task
    for task in (
        near_duplicates,
        who_wrote_this_row,
        why_did_acceptance_fall,
        which_pages_of_a_site_were_refused,
        the_weakest_ten_rows_of_a_recipe,
        what_a_release_changed,
        what_needs_a_person,
        what_did_it_cost,
        which_judge_disagrees,
        from_a_chart_to_a_row_to_the_bytes_of_its_page,
    )
}


@pytest.mark.parametrize("task", TASKS)
def test_a_question_is_answered_by_what_is_seen_in_few_clicks(
    task: str, site: tuple[Tab, str], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tab, address = site
    tab.form(1280, 900)
    tab.go(f"{address}/index.html")
    tab.clicks, began = 0, time.perf_counter()
    TASKS[task](tab, store)
    with capsys.disabled():
        sys.stdout.write(f"\n{task.replace('_', ' ')}: {time.perf_counter() - began:.1f} s, {tab.clicks} clicks ")
    assert tab.clicks <= MOST_CLICKS


PLACES = (  # pages that a script fills, as they are when something is chosen
    *("rows/index.html", "rows/index.html#r=0", "rows/index.html#r=1&t=1", "rows/index.html#q=a", "pairs.html#0"),
    *("lists.html#sites", "lists.html#copies/documents", "compare.html#by=recipe"),
)


@pytest.mark.parametrize("form", forms.FORMS)
def test_every_page_looks_right_on_a_phone_and_on_a_desk_in_light_and_dark(
    form: str, site: tuple[Tab, str], store: Path
) -> None:
    tab, address = site
    every = [path.relative_to(store / "pages").as_posix() for path in (store / "pages").rglob("*.html")]
    wide, tall, is_dark = forms.FORMS[form]
    found: dict[str, list[str]] = {}
    for place in sorted({*every, *PLACES}):
        tab.form(wide, tall, is_dark=is_dark)
        tab.go(f"{address}/{place}")
        tab.until("document.querySelector('#browser, #lists, #pairs, #kinds')?.childElementCount !== 0")
        found[place] = forms.faults(tab, form)

    assert len(found) > 20
    assert {place: faults for place, faults in found.items() if faults} == {}


WRONG = """<!doctype html><title>x</title><style>button:focus { outline: none }</style>
<p style="font-size: 9px">small</p><p style="color: #999">pale</p><p style="width: 2000px">wide</p>
<p style="width: 20px; overflow: hidden; white-space: nowrap">cut off here</p><button>no sign of focus</button>"""


def test_each_fault_is_found_on_a_page_that_has_them_all(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(WRONG)
    with browsing.site(tmp_path, tmp_path / "browser") as (tab, address):
        tab.form(390, 844)
        tab.go(f"{address}/index.html")
        found = {fault.partition(":")[0] for fault in forms.faults(tab, "phone")}

    assert found == {"scrolls sideways", "small", "contrast", "cut", "no focus seen"}
