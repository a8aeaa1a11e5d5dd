"""Of several texts of one page the newest is in force, whatever the order and the runs that they came in."""

import gzip
import json
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from tests import light, page_store, sample_store
from tests.page_store import WRITER
from wellspring.flows.dataset import dataset
from wellspring.tasks import documents, embeddings, passages, sources
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.provenance import forgetting, lineage
from wellspring.tasks.spine.reading import site_rules, superseding
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.running.runs import Counts, Run
from wellspring.tasks.spine.vectors import embedders
from wellspring.tasks.spine.watching import marts, stage_status
from wellspring.tasks.spine.writing import runner

pytestmark = pytest.mark.slow

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]

ASKED = page_store.ASKED[0]
URL = "http://site.example/kettle"
MOVED = "http://mirror.example/kettle"
PROSE = (
    "The kettle stood on the stove for an hour before anyone thought of it. By then the water had boiled away, and the "
    "bottom had turned {colour}. She put it under the tap, where it hissed, and opened the window. The neighbour had "
    "the same stove, the same kettle, and as it turned out the same habit of forgetting it. He bought a timer that "
    "rings, and she a kettle that whistles, and neither of them has boiled one dry since the spring of that year."
)
OLD, NEW, NEWEST = (PROSE.format(colour=colour) for colour in ("blue", "black", "brown"))
OTHER = "Bread wants time more than flour: a slow dough of one night tastes of more than a quick one of two hours. " * 3


def warc(path: Path, *pages: tuple[str, str, str]) -> Path:
    """Write an archive of (date, text, url)."""
    members: list[bytes] = []
    for date, text, url in pages:
        block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<body><p>{text}</p></body>".encode()
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: {date}\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        )
        members.append(gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0))
    path.write_bytes(b"".join(members))
    return path


def lines(path: Path, *rows: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(store: Path, settings: Make, *paths: Path, more: Sequence[str] = ()) -> Counts:
    """Read archives in a run of their own, up to passages."""
    chosen = settings("runner=thread", *more, sources={"corpora": [{"path": str(path)} for path in paths]})
    with light.unaudited(), runs.start("test", chosen, store, quiet=True, may_mix=True) as run:
        sources.register(run)
        counts = documents.extract(run).counts
        validation.audit(run, "documents")
        passages.split(run)
        validation.audit(run, "passages")
    return counts


def read_in_turn(store: Path, settings: Make, steps: Sequence[Sequence[Path]]) -> dict[str, str]:
    """Read archives in some runs, and return the texts that are in force then."""
    for step in steps:
        read(store, settings, *step)
    return in_force(store)


def in_force(store: Path) -> dict[str, str]:
    """Return the texts that are in force, by address, as their passages: each of these pages has one."""
    with Store.read(store) as opened:
        valid = opened._connection.execute(
            "SELECT documents.url, passages.text FROM valid_passages AS passages "
            "JOIN valid_documents AS documents ON passages.document_id = documents.document_id"
        ).fetchall()
    assert len({url for url, _ in valid}) == len(valid)
    return dict(valid)


def refused(store: Path) -> dict[str, str]:
    with Store.read(store) as opened:
        return {row["detail"]: row["reason"] for row in opened.query("rejections/all").to_dicts()}


def test_a_corrected_text_of_a_later_archive_takes_the_place_of_the_old_one(
    tmp_path: Path, store_dir: Path, settings: Make
) -> None:
    old = warc(tmp_path / "a.warc.gz", ("2024-01-01T00:00:00Z", OLD, URL))
    new = warc(tmp_path / "b.warc.gz", ("2025-01-01T00:00:00Z", NEW, URL))

    read(store_dir, settings, old)
    before = in_force(store_dir)
    counts = read(store_dir, settings, old, new)

    assert before == {URL: OLD}
    assert in_force(store_dir) == {URL: NEW}
    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (1, 0, 1)
    ((detail, reason),) = refused(store_dir).items()
    assert reason == "superseded"
    assert detail.startswith(f"{URL}: of 2024-01-01T00:00:00Z, superseded by document ")
    assert read(store_dir, settings, old, new) == Counts()


def test_a_fit_that_learned_from_a_superseded_text_outlives_all_but_the_journal(
    tmp_path: Path, store_dir: Path, settings: Make
) -> None:
    pages = [("2024-01-01T00:00:00Z", OTHER, "http://bread.example/")]
    old = warc(tmp_path / "a.warc.gz", ("2024-01-01T00:00:00Z", OLD, URL), *pages)
    new = warc(tmp_path / "b.warc.gz", ("2025-01-01T00:00:00Z", NEW, URL))

    fits = [embedded(store_dir, settings, old), embedded(store_dir, settings, old, new)]
    shutil.rmtree(store_dir / "indexes")
    (store_dir / "wellspring.duckdb").unlink()
    fits += [embedded(store_dir, settings, old, new), embedded(tmp_path / "fresh", settings, old, new)]

    assert fits[0] == fits[1] == fits[2] != fits[3]


def embedded(store: Path, settings: Make, *paths: Path) -> str:
    """Read archives in a run, embed their passages in another, and return what tells the fit from others."""
    read(store, settings, *paths)
    with runs.start("test", settings(), store, quiet=True, may_mix=True) as run:
        embeddings.embed(run)
        return embedders.embedder(run, "passages").fingerprint


@pytest.mark.slow
@pytest.mark.parametrize("turn", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=str)
def test_the_newest_of_three_stands_in_any_order_and_any_runs(
    turn: tuple[int, ...], tmp_path: Path, settings: Make
) -> None:
    texts = (OLD, OTHER.strip(), NEWEST)
    made = [warc(tmp_path / f"{9 - n}.warc.gz", (f"202{n}-05-01T00:00:00Z", texts[n], URL)) for n in range(3)]
    paths = [made[n] for n in turn]

    found = [
        (read_in_turn(tmp_path / f"ws{n}", settings, steps), sorted(refused(tmp_path / f"ws{n}").values()))
        for n, steps in enumerate(([paths], [[path] for path in paths]))
    ]

    assert found == [({URL: NEWEST}, ["superseded"] * 2)] * 2


@pytest.mark.slow
@pytest.mark.parametrize("date", ["2024-01-01T00:00:00Z", ""], ids=["of one date", "of no date"])
def test_of_one_date_or_none_the_later_archive_has_the_newest(date: str, tmp_path: Path, settings: Make) -> None:
    first = warc(tmp_path / "1.warc.gz", (date, NEW, URL))
    second = warc(tmp_path / "2.warc.gz", (date, OLD, URL))
    ways = ([[first, second]], [[second, first]], [[first], [second]], [[second], [first]])

    found = [read_in_turn(tmp_path / f"ws{n}", settings, steps) for n, steps in enumerate(ways)]

    assert found == [{URL: OLD}] * 4


def test_a_file_that_was_written_anew_is_the_later_archive(tmp_path: Path, store_dir: Path, settings: Make) -> None:
    read(store_dir, settings, lines(tmp_path / "pages.jsonl", {"url": URL, "text": NEW}))
    read(store_dir, settings, lines(tmp_path / "pages.jsonl", {"url": URL, "text": OLD}))

    assert in_force(store_dir) == {URL: OLD}


def test_rows_have_the_date_that_they_say_they_were_fetched_at(tmp_path: Path, store_dir: Path, settings: Make) -> None:
    rows = [
        {"url": URL, "text": NEW, "crawl_date": "2025-03-01T10:00:00+02:00"},
        {"url": URL, "text": OLD, "fetched_at": "2025-03-01T09:00:00Z"},
        {"url": URL, "text": NEWEST, "timestamp": "2025-02"},
        {"url": URL, "text": OTHER, "fetched_at": "never"},
    ]
    read(store_dir, settings, lines(tmp_path / "pages.jsonl", *rows))

    assert in_force(store_dir) == {URL: OLD}


@pytest.mark.parametrize("date", [{}, {"fetched_at": "never"}], ids=["no date", "none that can be read"])
def test_rows_of_one_file_and_one_address_that_have_no_date_all_stand_until_a_later_file_has_the_address(
    date: dict[str, str], tmp_path: Path, store_dir: Path, settings: Make
) -> None:
    texts = (OLD, OTHER.strip(), "Two boats were lost in the harbour last winter, and a light is asked for. " * 4)
    rows = [{"url": URL, "text": text, **date} for text in texts]
    first = lines(tmp_path / "1.jsonl", *rows)
    counts = read(store_dir, settings, first)
    with Store.read(store_dir) as opened:
        valid = opened.query("documents/all")["document_id"].to_list()

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (3, 3, 0)
    assert len(valid) == 3
    assert refused(store_dir) == {}
    read(store_dir, settings, first, lines(tmp_path / "2.jsonl", {"url": URL, "text": NEWEST}))
    assert in_force(store_dir) == {URL: NEWEST}
    assert len(refused(store_dir)) == 1  # said of each with the same words
    read(store_dir, settings, lines(tmp_path / "3.jsonl", {"url": URL, "text": OLD, "fetched_at": "2024"}))
    assert in_force(store_dir) == {URL: OLD}


def passages_cut(store: Path) -> int:
    with Store.read(store) as opened:
        return opened.query("passages/size")["rows_all"][0]


def test_the_same_text_again_is_the_newest_once_more_and_nothing_is_due(
    tmp_path: Path, store_dir: Path, settings: Make
) -> None:
    first = warc(tmp_path / "a.warc.gz", ("2023-01-01T00:00:00Z", OLD, URL))
    again = warc(tmp_path / "b.warc.gz", ("2024-01-01T00:00:00Z", OLD, URL))
    other = warc(tmp_path / "c.warc.gz", ("2023-06-01T00:00:00Z", NEW, URL))
    read(store_dir, settings, first)

    counts = read(store_dir, settings, again)
    cut = passages_cut(store_dir)
    read(store_dir, settings, other)

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (1, 0, 1)
    assert cut == 1
    assert in_force(store_dir) == {URL: OLD}


def test_a_text_that_came_back_is_in_force_again(tmp_path: Path, store_dir: Path, settings: Make) -> None:
    pages = [("2023-01-01T00:00:00Z", OLD, URL), ("2024-01-01T00:00:00Z", NEW, URL), ("2025-01-01T00:00:00Z", OLD, URL)]
    steps = [warc(tmp_path / f"{n}.warc.gz", page) for n, page in enumerate(pages)]

    found = []
    for step in steps:
        read(store_dir, settings, step)
        found.append(in_force(store_dir)[URL])

    assert found == [OLD, NEW, OLD]
    assert sorted(refused(store_dir).values()) == ["already_seen", "superseded"]


@pytest.mark.parametrize("copy", [OLD, NEW], ids=["a copy", "a near copy"])
def test_a_copy_elsewhere_stands_when_the_kept_one_is_superseded(
    copy: str, tmp_path: Path, store_dir: Path, settings: Make
) -> None:
    first = warc(tmp_path / "a.warc.gz", ("2023-01-01T00:00:00Z", OLD, URL), ("2023-02-01T00:00:00Z", copy, MOVED))
    second = warc(tmp_path / "b.warc.gz", ("2024-01-01T00:00:00Z", OTHER, URL))
    read(store_dir, settings, first)
    before = in_force(store_dir)

    read(store_dir, settings, second)

    assert before == {URL: OLD}
    assert in_force(store_dir) == {URL: OTHER.strip(), MOVED: copy}


def test_a_rule_for_robots_outweighs_that_a_text_is_superseded(
    tmp_path: Path, store_dir: Path, settings: Make, start: Start
) -> None:
    pages = [("2023-01-01T00:00:00Z", OLD, URL), ("2024-01-01T00:00:00Z", NEW, URL)]
    read(store_dir, settings, warc(tmp_path / "a.warc.gz", *pages))
    rule = {"site_rules_id": "0" * 20, "host": "site.example", "name": "robots.txt", "rules": ["disallow: /kettle"]}
    with start(settings("runner=thread")) as run:
        run.store.append("site_rules", [records.SiteRules(**rule, run_id=run.run_id)])
        fingerprint = run.store.query("methods/active", stage="documents")["fingerprint"][0]
        counts = site_rules.withhold(run, fingerprint) + superseding.mark(run, fingerprint)

    assert (counts.rows_out, counts.rows_rejected) == (-1, 1)
    assert set(refused(store_dir).values()) == {"opt_out"}


def test_status_the_corpus_page_and_a_trace_say_what_was_superseded(
    tmp_path: Path, store_dir: Path, settings: Make, start: Start
) -> None:
    read(store_dir, settings, warc(tmp_path / "a.warc.gz", ("2023-01-01T00:00:00Z", OLD, URL)))
    read(store_dir, settings, warc(tmp_path / "b.warc.gz", ("2024-01-01T00:00:00Z", NEW, URL)))

    with start(settings()) as run:
        (stands,) = [row for row in stage_status.of_store(run.store)["stages"] if row["stage"] == "documents"]
        old, new = sorted(run.store.query("documents/all").to_dicts(), key=lambda row: row["fetched_at"])
        traced = lineage.trace(run.store, old["document_id"])
        dropped = marts.read(run.store)["dropped"].rows()

    assert stands["reasons"]["superseded"] == 1
    assert ("superseded", "", 1) in dropped
    assert f"superseded by document {new['document_id']}" in traced.facts["judged"]["superseded"]


def test_to_forget_a_page_takes_all_its_texts(tmp_path: Path, store_dir: Path, settings: Make, start: Start) -> None:
    read(store_dir, settings, warc(tmp_path / "a.warc.gz", ("2023-01-01T00:00:00Z", OLD, URL)))
    read(store_dir, settings, warc(tmp_path / "b.warc.gz", ("2024-01-01T00:00:00Z", NEW, URL)))
    read(store_dir, settings, warc(tmp_path / "c.warc.gz", ("2025-01-01T00:00:00Z", NEW, URL)))

    with start(settings()) as run:
        receipt = forgetting.forget(run.store, url=URL)
        left = [
            run.store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("documents", "passages", "duplicates", "similarities", "repeats", "signatures")
        ]

    assert receipt.documents == 2
    assert left == [(0,)] * 6


@pytest.mark.slow
def test_what_is_kept_of_near_copies_depends_on_the_pages_alone(tmp_path: Path, settings: Make) -> None:
    chance = random.Random(0)
    words = PROSE.format(colour="blue").split()
    pages: list[tuple[str, str, str]] = []
    for n in range(24):
        text = [*words]
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = f"word{chance.randrange(9)}"
        date = chance.choice(["", "2024-01-01T00:00:00Z", f"2024-02-0{1 + n % 9}T00:00:00Z"])
        pages.append((date, " ".join(text), f"http://site{n % 16}.example/"))
    paths = [warc(tmp_path / f"{n}.warc.gz", *pages[n * 8 : n * 8 + 8]) for n in range(3)]
    ways = ([paths], [[path] for path in paths], [[path] for path in paths[::-1]])

    found = [read_in_turn(tmp_path / f"ws{n}", settings, steps) for n, steps in enumerate(ways)]

    assert found[0] == found[1] == found[2]
    assert 1 < len(found[0]) < 15


def made_from_an_older_text(run: Run) -> list[str]:
    """Fill a store with a page that has changed: a grounding and an instruction were made from its old text."""
    pages = [
        replace(page_store.document("kettle", text), fetched_at=f"202{n}", text_digest=str(n))
        for n, text in enumerate((OLD, NEW))
    ]
    old, new = page_store.fill_pages(run, pages)
    seed = records.Seed("1" * 20, "read-1", page_store.SOURCE, 1, ASKED, None, "en", 9, WRITER)
    told = dict.fromkeys(("intention", "scene", "ability", "knowledge", "output", "extra_information"), "as it was")
    made = {"fingerprint": "method-1", "document_id": old, "completion_id": "3" * 20, "run_id": WRITER}
    grounding = records.Grounding(
        grounding_id="2" * 20, seed_id=seed.seed_id, keywords=["kettle"], agreement=None, **told, **made
    )
    written = dict.fromkeys(("scene", "ability", "knowledge", "output", "extra_information"))
    instruction = records.Instruction(
        instruction_id="4" * 20, input_id=old, recipe="r", draw=0, round=0, text=ASKED, parent_ids=[], **written, **made
    )
    for table, row, fingerprint in (
        ("seeds", seed, "read-1"),
        ("groundings", grounding, "method-1"),
        ("instructions", instruction, "method-1"),
    ):
        run.store.append(table, [row])
        run.store.append("methods", [records.MethodRow(table, fingerprint, table, "{}", True, WRITER)])
        run.store.execute(f"{table}/publish")
    sample_store.settle(run.store)
    return [old, new]


def due_and_valid(run: Run) -> dict[str, list[str] | int]:
    due = {
        noun: runner.due(run, noun, takes, "method-1")
        for noun, takes in {"groundings": "seeds", "instructions": "documents"}.items()
    }
    valid = {
        f"valid {noun}": run.store.query(f"{noun}/audience")["rows_valid"][0]
        for noun in ("documents", "passages", "groundings", "instructions")
    }
    return due | valid


def test_what_was_made_from_an_older_text_is_due_again_or_left_out_as_the_profile_says(
    settings: Make, start: Start
) -> None:
    found: list[dict[str, list[str] | int]] = []
    with start(settings()) as run:
        _, new = made_from_an_older_text(run)
        found.append(due_and_valid(run))
        superseding.mark(run, "extract-1")
        found.append(due_and_valid(run))
    for way in ("leave_out", "leave_out", "again"):
        with start(settings(f"documents.superseded={way}")) as run:
            superseding.mark(run, "extract-1")
            found.append(due_and_valid(run))
            said = [row["stage"] for row in run.store.query("documents/said_left_out").to_dicts()]
        assert said == (["groundings", "instructions"] if way == "leave_out" else [])

    one = {"valid documents": 1, "valid passages": 1, "valid groundings": 0, "valid instructions": 0}
    again = {"groundings": ["1" * 20], "instructions": [new], **one}
    left_out = {"groundings": [], "instructions": [], **one}
    assert found[0]["valid instructions"] == found[0]["valid groundings"] == 1
    assert found[1:] == [again, left_out, left_out, again]


@pytest.mark.slow
def test_the_next_export_has_rows_of_the_newest_text_alone(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.jsonl"
    page_store.write_seeds(seeds)
    rows = [{"url": f"http://site.example/{name}", "text": f"{text} {text}"} for name, text in page_store.PAGES.items()]
    corpora = [lines(tmp_path / "1.jsonl", *rows)]
    shown: list[set[str]] = []
    for changed in (False, True):
        if changed:
            newer = [row | {"text": row["text"].replace(".", ", as it is said.")} for row in rows[:2]]
            corpora.append(lines(tmp_path / "2.jsonl", *newer))
        named = ", ".join(f"{{path = '{path}'}}" for path in corpora)
        asked = ["runner=thread", f"sources.corpora=[{named}]", f"seeds.paths=['{seeds}']"]
        dataset.fn(profile="smoke", store=str(tmp_path / "ws"), overrides=asked)
        with Store.read(tmp_path / "ws") as opened:
            text = {row["document_id"]: row["text"] for row in opened.query("documents/all").to_dicts()}
            found = opened._connection.execute(
                "SELECT DISTINCT instructions.document_id FROM valid_exports AS exports "
                "JOIN responses ON exports.row_id = responses.response_id "
                "JOIN instructions ON responses.instruction_id = instructions.instruction_id"
            ).fetchall()
        shown.append({text[id_] for (id_,) in found if id_})

    before, after = shown
    assert {row["text"] for row in rows[:2]} & before
    assert not {row["text"] for row in rows[:2]} & after
    assert any("as it is said" in text for text in after)
