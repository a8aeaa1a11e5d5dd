"""Forgetting: nothing that was made from a page is left, nothing of its text, and it does not come back."""

import asyncio
import contextlib
import functools
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests import sample_store
from tests.sample_store import PAGES, RUN, Sample
from wellspring.tasks import documents
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, Rejection, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.io.storage.journal import Entry, Journal
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.methods.pages import near_duplicates
from wellspring.tasks.site import browser, pages
from wellspring.tasks.spine.provenance import forgetting
from wellspring.tasks.spine.watching import stage_status

BREAD, TIDES, RYE = PAGES
forget = functools.partial(forgetting.forget, draw=pages.write_site)
GONE = "Bakers keep a cup of it back for the next loaf"


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    sample_store.publish(filled)
    _remember(filled)
    _keep_shards(filled)
    pages.write_site(filled.store)
    yield filled
    filled.store.close()


def _remember(sample: Sample) -> None:
    """Put the store's model calls into a journal, as a run would have."""
    journal = Journal(sample.store.path / "completions.sqlite")
    for row in sample.store._connection.sql("SELECT * FROM completions ORDER BY sequence").fetchall():
        known = dict(zip(records.schema("completions").names, row, strict=True))
        _record(journal, known["completion_id"], known["request"], known["text"])
    journal.close()


def _record(journal: Journal, completion_id: str, request: str, text: str) -> None:
    async def called() -> None:
        known = {"role": "generator", "model": "m", "request": request, "endpoint": "e", "run_id": RUN}
        attempt: Any = await journal.claim(completion_id, reserve=7, **known)
        entry = Entry(completion_id, "done", "m", text, "stop", 3, 3, 0, 5, 1, 0.1)
        await journal.finish(attempt, entry, reserve=7, paid=5, status=200, body=text.encode(), run_id=RUN)

    asyncio.run(called())


def _keep_shards(sample: Sample) -> None:
    """Keep documents and passages as Parquet too, as a run does."""
    for table in ("documents", "passages"):
        folder = sample.store.shards / table / "f"
        folder.mkdir(parents=True)
        rows = sample.store._connection.sql(f'SELECT * FROM "{table}"').to_arrow_table()
        pq.write_table(rows, folder / f"0.{table}.parquet", compression="zstd")


def everywhere(sample: Sample, text: str) -> list[str]:
    """Every file of the store that holds a text, read through Parquet and SQL, and as bytes."""
    sample.store.checkpoint()
    found = [str(p) for p in sample.store.path.rglob("*") if p.is_file() and text.encode() in p.read_bytes()]
    found += [str(p) for p in sample.store.path.rglob("*.parquet") if text in str(pq.read_table(p).to_pylist())]
    return found


@pytest.mark.slow
def test_a_page_is_gone_from_store_journal_shards_exports_and_pages(sample: Sample) -> None:
    before = everywhere(sample, GONE)
    receipt = forget(sample.store, url=BREAD)

    assert {Path(p).name for p in before} >= {"wellspring.duckdb", "completions.sqlite"}
    assert everywhere(sample, GONE) == []
    assert (receipt.documents, receipt.descendants_left, receipt.texts_left) == (1, 0, 0)
    assert receipt.rows["exports"] == 3  # all lines of the dataset, which is written anew without it
    assert receipt.fragments_looked_for > 0
    assert json.loads(json.dumps(receipt.as_dict()))["value"] == BREAD


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wellspring.duckdb.wal.damaged-1", "wellspring.duckdb.damaged-2"])
def test_a_file_that_was_set_aside_keeps_nothing_of_it(sample: Sample, name: str) -> None:
    (sample.store.path / name).write_text(f"the log of a database that was lost: {GONE}")

    receipt = forget(sample.store, url=BREAD)

    assert everywhere(sample, GONE) == []
    assert receipt.texts_left == 0


@pytest.mark.slow
def test_what_was_made_from_it_goes_and_what_was_not_stays(sample: Sample) -> None:
    forget(sample.store, url=BREAD)
    left = sample.store.query("marts/health").to_dicts()[0]
    instructions = sample.store.query("instructions/of_ids", ids=sample.instructions)["instruction_id"].to_list()

    assert left["documents"] == 2
    assert left["seeds"] == 2
    assert left["groundings"] == 1
    assert sorted(instructions) == sorted(sample.instructions[1:])  # the first was shown it as a demonstration
    assert everywhere(sample, "Tides follow the moon")


@pytest.mark.slow
@pytest.mark.parametrize(("policy", "refused"), [("drop", True), ("remake", False)])
def test_what_was_only_shown_it_is_refused_or_due_again_by_policy(
    sample: Sample, policy: Any, *, refused: bool
) -> None:
    forget(sample.store, url=BREAD, policy=policy)
    reasons = sample.store.query("rejections/all").filter(reason="forgotten").select("stage", "input_id").rows()

    wanted = {("instructions", sample.documents[RYE]), ("groundings", sample.seeds[0])}
    assert set(reasons) == (wanted if refused else set())


@pytest.mark.slow
def test_money_that_was_spent_stays_on_record(sample: Sample) -> None:
    forget(sample.store, domain="bread.example")
    journal = Journal(sample.store.path / "completions.sqlite")
    spent = journal.ledger.spent_micro_usd
    journal.close()

    assert spent == 5 * 11


@pytest.mark.slow
def test_a_tombstone_keeps_the_page_and_copies_of_its_text_from_coming_back(sample: Sample) -> None:
    forget(sample.store, url=BREAD, reason="the author asked")
    tombstones = set(sample.store.query("documents/forgotten").rows())
    kinds = {kind for kind, _ in tombstones}

    assert ("url", BREAD) in tombstones
    assert kinds == {"url", "text"}


def _page_of(sample: Sample, domain: str, text: str) -> records.Document:
    known = sample.store.query("documents/of_ids", ids=[sample.documents[TIDES]]).to_dicts()[0]
    new = {"document_id": content_id(domain), "url": f"https://{domain}/1", "domain": domain, "text": text}
    return records.Document(**known | new | {"text_digest": content_id(text), "run_id": "later"})


@pytest.mark.slow
def test_a_forgotten_site_is_forgotten_with_subdomains_that_come_later(sample: Sample) -> None:
    forget(sample.store, domain="Bread.example")
    forgotten = set(sample.store.query("documents/forgotten").rows())
    sample.store.append(
        "documents", [_page_of(sample, "new.bread.example", "x"), _page_of(sample, "notbread.example", "y")]
    )

    facts = sample.store.query("documents/audit", run_id="").to_dicts()[0]

    assert facts["forgotten"] == 1
    for domain, is_refused in (("new.bread.example", True), ("bread.example", True), ("notbread.example", False)):
        row = {"document_id": "d", "url": "u", "domain": domain, "source_id": "s", "text_digest": "t"}
        with pytest.raises(Rejection, match="forgotten") if is_refused else contextlib.nullcontext():
            documents._check_new(row, {}, forgotten)


@pytest.mark.slow
def test_pages_that_a_live_search_kept_are_blanked_and_the_others_keep_their_place(sample: Sample) -> None:
    found = sample.store.path / "found" / "0.jsonl"
    found.parent.mkdir()
    lines = [json.dumps({"url": url, "title": "", "text": text}) + "\n" for url, text in PAGES.items()]
    found.write_text("".join(lines), encoding="utf-8")

    forget(sample.store, url=BREAD)

    assert everywhere(sample, GONE) == []
    assert found.read_text(encoding="utf-8") == " " * (len(lines[0]) - 1) + "\n" + lines[1] + lines[2]


@pytest.mark.slow
def test_ids_that_stages_asked_for_are_forgotten_too(sample: Sample) -> None:
    ids = [sample.seeds[0], sample.instructions[0], sample.instructions[1]]
    asked = {"view": "inputs_pool", "stage": "instructions", "fingerprint": "f", "most": None}
    sample.store.query("settled/pending", **asked, among=ids)
    stage_status.remember(sample.store)

    forget(sample.store, url=BREAD)
    kept = json.loads((sample.store.path / "due.json").read_text())

    assert kept["settled/pending"][0]["among"] == [sample.seeds[0], sample.instructions[1]]


@pytest.mark.slow
def test_copies_of_the_text_on_other_pages_go_too(sample: Sample) -> None:
    known = sample.store.query("documents/of_ids", ids=[sample.documents[BREAD]]).to_dicts()[0]
    copy = known | {"document_id": content_id("copy"), "url": "https://mirror.example/1", "domain": "mirror.example"}
    sample.store.append("documents", [records.Document(**copy | {"duplicate_of": known["document_id"]})])

    receipt = forget(sample.store, url=BREAD)

    assert receipt.documents == 2
    assert everywhere(sample, GONE) == []


@pytest.mark.slow
def test_a_near_duplicate_takes_the_place_of_the_original(sample: Sample) -> None:
    near = [sample.documents[BREAD], sample.documents[RYE]]
    rows = [records.Duplicate(id_, "near-1", sample.documents[TIDES], 0.9, RUN) for id_ in near]
    sample.store.append("duplicates", rows)

    receipt = forget(sample.store, url=TIDES, near_copies="name")
    left = sample.store._connection.sql("SELECT document_id, duplicate_of FROM duplicates").fetchall()

    assert left == [(max(near), min(near))]
    assert receipt.near_copies_named == sorted([BREAD, RYE])
    assert receipt.found["near copies"] == 2


@pytest.mark.slow
def test_a_call_that_only_showed_the_page_loses_its_words_and_its_row_stays(sample: Sample) -> None:
    journal = Journal(sample.store.path / "completions.sqlite")
    chosen_from = json.dumps({"candidates": [PAGES[BREAD], PAGES[TIDES]]})
    kept = sample.store.query("groundings/of_ids", ids=[sample.groundings[1]])["completion_id"][0]
    journal.erase([kept])
    _record(journal, kept, chosen_from, "the second")
    journal.close()
    sample.store._connection.execute("UPDATE completions SET request = ? WHERE completion_id = ?", [chosen_from, kept])

    forget(sample.store, url=BREAD)

    assert everywhere(sample, GONE) == []
    assert sample.store.query("groundings/of_ids", ids=[sample.groundings[1]]).height == 1


@pytest.mark.slow
def test_words_that_a_killed_writer_of_the_site_left_are_gone_too(sample: Sample) -> None:
    for step in ("open", "lines", "parts"):
        sample.store.execute(f"rows/{step}")
    sample.store.execute("rows/cut", start=0, stop=100, most=9)
    words = sample.store.query("rows/words")

    forgetting.forget(sample.store, url=BREAD)
    tables = sample.store._connection.sql(
        "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'browsed'"
    ).fetchall()

    assert words.height > 0
    assert tables == []


@pytest.mark.slow
def test_quotations_in_errors_refusals_and_events_are_taken_out(sample: Sample) -> None:
    quotation = f"such as ['{PAGES[BREAD]}']"
    sample.store._connection.execute("UPDATE runs SET error = ?", [quotation])
    row = records.RejectionRow("instructions", "x", "f", "unparsable_answer", quotation, RUN)
    sample.store.append("rejections", [row])
    (sample.store.events / "r.jsonl").write_text(json.dumps({"message": quotation}) + "\n")

    receipt = forget(sample.store, url=BREAD)

    assert receipt.texts_left == 0
    assert everywhere(sample, GONE) == []


@pytest.mark.slow
def test_a_whole_source_is_forgotten_with_its_seeds(sample: Sample) -> None:
    (read_from,) = set(sample.store.query("documents/all")["source_id"])
    forget(sample.store, source="pages")
    left = sample.store.query("marts/health").to_dicts()[0]

    assert (left["documents"], left["seeds"], left["instructions"], left["exported"]) == (0, 0, 0, 0)
    assert ("source", read_from) in sample.store.query("documents/forgotten").rows()  # whatever its file is called then
    assert {kind for kind, _ in sample.store.query("documents/forgotten").rows()} == {"source", "text"}


@pytest.mark.slow
def test_the_turns_about_a_seed_are_forgotten_with_it(sample: Sample) -> None:
    said = "Zwei Laibe, sagte der Backmeister zur Nacht"
    turns = json.dumps([{"role": "assistant", "content": said}])
    sample.store._connection.execute("UPDATE seeds SET system = ?, turns = ?, tools = ?", [said, turns, f'["{said}"]'])
    before = sample.store.query("lineage/kept_words", fragments=[said], ids=[])["text"].to_list()

    forget(sample.store, source="pages")

    assert before == [said]
    assert everywhere(sample, said) == []


@pytest.mark.slow
def test_forgetting_again_after_an_interruption_finishes_and_what_never_was_is_refused(sample: Sample) -> None:
    forget(sample.store, url=BREAD)
    again = forget(sample.store, url=BREAD)

    assert again.documents == 0
    with pytest.raises(UsageError, match="no url"):
        forget(sample.store, url="https://never.example/")
    with pytest.raises(UsageError, match="cannot be forgotten"):
        forget(sample.store, model="sample-model")


@pytest.mark.slow
def test_something_that_is_left_is_an_error_that_says_where(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "_rewrite_shards", lambda *_: None)

    with pytest.raises(BrokenError, match=r"shards/documents/f/0\.documents\.parquet"):
        forget(sample.store, url=BREAD)


@pytest.mark.slow
@pytest.mark.usefixtures("unaudited")
def test_a_page_of_the_sample_is_forgotten_and_does_not_come_back_with_the_next_run(store_dir: Path) -> None:
    from wellspring.flows.dataset import dataset

    dataset.fn(profile="smoke", store=str(store_dir), overrides=["limit=8"])
    with Store.open(store_dir) as store:
        url = next(row["url"] for row in browser.first(store) if row["url"])
        receipt = forget(store, url=url, policy="remake")
    dataset.fn(profile="smoke", store=str(store_dir), overrides=["limit=8"])
    with Store.open(store_dir) as store:
        back = store.query("lineage/by_url", value=url)
        exported = store.query("marts/health")["exported"][0]

    assert receipt.texts_left == receipt.descendants_left == 0
    assert back.is_empty()
    assert exported > 0


def _without_database(sample: Sample) -> Store:
    """Move the database away, as the runbook says, and open the store again."""
    folder = sample.store.path
    sample.store.close()
    (folder / "wellspring.duckdb").unlink()
    sample.store = Store.open(folder)
    return sample.store


@pytest.mark.slow
def test_tombstones_outlive_the_database_and_so_does_what_is_not_to_be_made_again(sample: Sample) -> None:
    forget(sample.store, url=BREAD)
    before = sample.store.query("tombstones/all").to_dicts()
    refused = sample.store.query("rejections/all").filter(reason="forgotten").to_dicts()

    store = _without_database(sample)

    assert ("url", BREAD) in set(store.query("documents/forgotten").rows())
    assert store.query("tombstones/all").to_dicts() == before
    assert store.query("rejections/all").to_dicts() == refused
    assert refused


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.slow
def test_tombstones_of_an_older_store_are_copied_to_its_journal_when_it_is_opened(
    sample: Sample,
    *,
    has_journal: bool,
) -> None:
    sample.store.append("tombstones", [records.Tombstone("url", BREAD, "asked", sample_store.START)])
    folder = sample.store.path
    sample.store.close()
    if not has_journal:
        (folder / "completions.sqlite").unlink()
    Store.open(folder).close()

    store = _without_database(sample)

    assert store.query("tombstones/all").rows() == [("url", BREAD, "asked", sample_store.START)]


@pytest.mark.slow
def test_a_damaged_journal_stops_a_store_whose_database_is_gone_and_is_saved_by_the_next_opening(
    sample: Sample,
) -> None:
    forget(sample.store, url=BREAD)
    journal = sample.store.path / "completions.sqlite"
    sample.store.close()
    (sample.store.path / "wellspring.duckdb").unlink()
    data = bytearray(journal.read_bytes())
    whole = bytes(data)
    data[:16] = b"no database here"
    journal.write_bytes(data)

    with pytest.raises(BrokenError, match="is damaged"):
        Store.open(sample.store.path)
    journal.write_bytes(whole)  # what is readable is all of it
    sample.store = Store.open(sample.store.path)

    assert ("url", BREAD) in set(sample.store.query("documents/forgotten").rows())


NEARLY = "https://mirror.example/sourdough"


def _mirrored(sample: Sample, *, is_marked: bool) -> str:
    """Put a near copy of the page beside it, set aside as such or not looked at yet; return its text."""
    text = f"{PAGES[BREAD]} {PAGES[BREAD].replace('six', 'seven')} Seen on a mirror of this site."
    own = text.replace("cup", "jar")
    copy = _page_of(sample, "mirror.example", own)
    kept = records.Document(**{f.name: getattr(copy, f.name) for f in fields(copy)} | {"url": NEARLY})
    sample.store.append("documents", [kept])
    sample.store._connection.execute(
        "UPDATE documents SET text = ? WHERE document_id = ?", [text, sample.documents[BREAD]]
    )
    original = sample.documents[BREAD]
    bands = near_duplicates.bands([text, own]).tolist()
    names = [original, kept.document_id]
    rows = [records.Signature(name, "extract-1", own_, RUN) for name, own_ in zip(names, bands, strict=True)]
    if is_marked:
        sample.store.append("duplicates", [records.Duplicate(original, "near-1", kept.document_id, 0.9, RUN)])
    else:
        sample.store.append("signatures", rows)
    return own


@pytest.mark.slow
@pytest.mark.parametrize("is_marked", [True, False])
def test_a_near_copy_goes_too_whichever_of_the_two_was_kept_and_does_not_come_back(
    sample: Sample, *, is_marked: bool
) -> None:
    _mirrored(sample, is_marked=is_marked)

    receipt = forget(sample.store, url=BREAD)
    forgotten = set(sample.store.query("documents/forgotten").rows())

    assert receipt.near_copies_named == [NEARLY]
    assert receipt.documents == 2
    assert ("url", NEARLY) in forgotten
    assert sample.store.query("lineage/by_url", value=NEARLY).is_empty()
    assert everywhere(sample, "Seen on a mirror of this site") == []


@pytest.mark.slow
def test_a_near_copy_that_is_only_to_be_named_stays_and_is_said_to_hold_texts_of_it(sample: Sample) -> None:
    _mirrored(sample, is_marked=False)

    receipt = forget(sample.store, url=BREAD, near_copies="name")

    assert receipt.near_copies_named == [NEARLY]
    assert receipt.quoted_by == [NEARLY]
    assert receipt.documents == 1
    assert not sample.store.query("lineage/by_url", value=NEARLY).is_empty()


@pytest.mark.slow
def test_what_was_told_of_a_page_is_found_in_calls_that_left_no_row(sample: Sample) -> None:
    story = "A retired miller keeps a jar of old dough beside the stove and asks what became of it."
    sample.store._connection.execute(
        "UPDATE groundings SET scene = ? WHERE grounding_id = ?", [story, sample.groundings[0]]
    )
    tried, judged, other = (content_id(name) for name in ("first try", "judge", "other"))
    journal = Journal(sample.store.path / "completions.sqlite")
    _record(journal, tried, json.dumps({"demonstrations": [f"Scene: {story}"]}), "no answer")
    _record(journal, judged, json.dumps({"text": "unlike it"}), "hm")
    _record(journal, other, json.dumps({"text": "The harbour is quiet in winter and the boats are on land."}), "yes")
    journal.close()
    failed = records.Score(
        sample.instructions[0], "x", "seven_criteria", "total", None, f"unparsable_answer: hm [{judged}]", None, RUN
    )
    sample.store.append("scores", [failed])
    sample.store.append("steps", [records.Step(failed.subject_id, "x", "0", "seven_criteria", "judge", judged, RUN)])

    receipt = forget(sample.store, url=BREAD)
    journal = Journal(sample.store.path / "completions.sqlite")
    left = journal.lookup([tried, judged, other])
    journal.close()

    assert everywhere(sample, "keeps a jar of old dough") == []
    assert left.keys() == {other}
    assert receipt.found["other calls that hold such texts"] == 1
    assert receipt.found["groundings in them"] == 1
    assert receipt.found["instructions that were only shown them"] == 1
    assert receipt.found["texts that only what was written from them has"] > 0


@pytest.mark.slow
def test_the_beginning_of_a_long_page_is_found_in_a_prompt_that_shows_nothing_else_of_it(sample: Sample) -> None:
    words = " ".join(f"word{n} of the long page" for n in range(2000))
    sample.store._connection.execute(
        "UPDATE documents SET text = ? WHERE document_id = ?", [words, sample.documents[BREAD]]
    )
    offered = content_id("offered")
    journal = Journal(sample.store.path / "completions.sqlite")
    _record(journal, offered, json.dumps({"candidates": [words[:700]]}), "none")
    journal.close()

    forget(sample.store, url=BREAD)

    assert everywhere(sample, words[200:400]) == []


@pytest.mark.slow
def test_a_row_that_quotes_the_page_goes_though_no_parent_of_it_is_the_page(sample: Sample) -> None:
    sample.store._connection.execute(
        "UPDATE groundings SET knowledge = ? WHERE grounding_id = ?", [PAGES[BREAD], sample.groundings[1]]
    )

    receipt = forget(sample.store, url=BREAD)

    assert receipt.texts_left == 0
    assert sample.store.query("groundings/of_ids", ids=[sample.groundings[1]]).is_empty()


@pytest.mark.slow
def test_the_receipt_says_of_each_thing_what_was_looked_for_and_found(sample: Sample) -> None:
    seen = records.RejectionRow(
        *("documents", content_id("item", "s", 9), "extract-1", "already_seen"),
        f"the same page and text are document {sample.documents[BREAD]} (s+1)",
        RUN,
    )
    sample.store.append("rejections", [seen])

    found = forget(sample.store, domain="bread.example").found

    assert found["pages that were named"] == 2
    assert found["exact copies of their text"] == found["near copies"] == 0
    assert found["records refused as copies"] == 1
    assert found["calls that they came from"] > 0
