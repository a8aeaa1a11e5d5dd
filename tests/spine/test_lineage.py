"""Lineage: from any row up to its bytes, and from any page down to every exported line."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests import sample_store
from tests.sample_store import PAGES, Sample
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import Export, content_id
from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.spine.provenance import lineage


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    filled = sample_store.fill(tmp_path)
    yield filled
    filled.store.close()


def test_every_exported_line_is_traced_to_an_archive_a_place_and_a_model(sample: Sample) -> None:
    for line in (1, 2, 3):
        tree = lineage.trace(sample.store, f"{sample.export_path}:{line}")
        nodes = list(tree.walk())
        kinds = {node.kind for node in nodes}

        assert {"export", "response", "instruction", "completion", "source"} <= kinds
        assert "missing" not in kinds
        assert all(n.facts["sha256"] for n in nodes if n.kind == "source")
        assert all(n.facts["record_length"] > 0 for n in nodes if n.kind == "document")
        assert all(n.facts["model"] == "sample-model" for n in nodes if n.kind == "completion")


def test_a_demonstration_is_followed_to_its_seed_and_its_own_page(sample: Sample) -> None:
    tree = lineage.trace(sample.store, sample.instructions[0])
    shown = next(child for child in tree.children if child.relation == "shown")

    assert {(c.relation, c.id) for c in shown.children if c.kind != "completion"} == {
        ("explains", sample.seeds[0]),
        ("grounded in", sample.documents["https://bread.example/sourdough"]),
    }


def test_the_beginning_of_an_id_is_enough_and_what_judges_said_is_there(sample: Sample) -> None:
    tree = lineage.trace(sample.store, sample.instructions[0][:12])

    assert tree.id == sample.instructions[0]
    assert tree.facts["judged"]["seven_criteria.total"] == "6.0"
    assert tree.facts["judged"]["selected by best_per_topic"] == "rank 0"


def test_the_calls_on_the_way_to_a_row_are_named_in_their_order(sample: Sample) -> None:
    grounding = sample.groundings[0]
    step = sample.store.query("steps/of_things", ids=[grounding]).to_dicts()[0]
    seed = sample.store.query("groundings/of_ids", ids=[grounding])["seed_id"][0]
    sample.store._connection.execute(
        "UPDATE steps SET place = '1', heading = 'scene' WHERE completion_id = ?", [step["completion_id"]]
    )
    keywords = records.Step(seed, "ground-1", "0", "keywords", "generator", "0" * 20, sample_store.RUN)
    sample.store.append("steps", [keywords])

    asked = lineage.trace(sample.store, grounding).facts["asked"]

    assert asked == [f"keywords of the generator [{'0' * 20}]", f"scene of the generator [{step['completion_id']}]"]


def test_a_line_is_known_by_any_path_that_ends_like_the_export(sample: Sample) -> None:
    absolute = sample.store.exports / sample.export_path

    assert lineage.find(sample.store, f"{absolute}:2") == lineage.find(sample.store, f"./{sample.export_path}:2")


@pytest.mark.parametrize("target", ["", "abc", "not an id", "ffffffffffffffffffff", "train.jsonl:99", "other.jsonl:1"])
def test_what_names_nothing_is_refused_with_a_hint(sample: Sample, target: str) -> None:
    with pytest.raises(UsageError) as caught:
        lineage.trace(sample.store, target)

    assert caught.value.hint


def test_a_file_of_before_the_database_was_lost_is_named_with_the_way_out(sample: Sample) -> None:
    file = sample.store.exports / "other" / "messages" / "train.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("{}\n", "utf-8")
    for target in (f"{file}:1", "other/messages/train.jsonl:1"):
        with pytest.raises(BrokenError, match="does not know") as caught:
            lineage.find(sample.store, target)
        assert "wellspring build" in caught.value.hint


def test_an_ambiguous_beginning_lists_what_it_could_be(sample: Sample) -> None:
    twins = [Export(f"abcd{n:016d}", "write-1", "twins.jsonl", "0" * 64, sample.responses[0], n, "r") for n in (1, 2)]
    sample.store.append("exports", twins)

    with pytest.raises(UsageError, match=r"begins 2 ids: .*abcd0000000000000001.*abcd0000000000000002"):
        lineage.trace(sample.store, "abcd0000")


def test_the_tree_survives_json_and_ends_at_the_archive(sample: Sample) -> None:
    tree = lineage.trace(sample.store, sample.responses[2])

    assert json.loads(json.dumps(tree.as_dict()))["id"] == sample.responses[2]
    assert any("pages.warc.gz" in str(node.facts) for node in tree.walk())


def test_a_parent_that_is_gone_is_shown_as_missing(sample: Sample) -> None:
    lost = content_id("lost")
    sample.store.append("exports", [Export(content_id("x"), "write-1", "lost.jsonl", "0" * 64, lost, 1, "r")])

    tree = lineage.trace(sample.store, "lost.jsonl:1")

    assert [(child.kind, child.id) for child in tree.children] == [("missing", lost)]


def test_the_record_read_back_is_the_page_as_it_was_crawled(sample: Sample) -> None:
    for url, document_id in sample.documents.items():
        record = lineage.record_bytes(sample.store, document_id)

        assert f"WARC-Target-URI: {url}\r\n".encode() in record
        assert PAGES[url].encode() in record
        assert sum(other.encode() in record for other in PAGES.values()) == 1


def test_an_archive_that_changed_is_not_read(sample: Sample) -> None:
    sample.archive.write_bytes(sample.archive.read_bytes() + b"more")

    with pytest.raises(BrokenError, match="when it was read it had"):
        lineage.record_bytes(sample.store, next(iter(sample.documents.values())))


def test_impact_of_a_page_reaches_what_was_shown_it_only_as_a_demonstration(sample: Sample) -> None:
    found = lineage.impact(sample.store, url="https://bread.example/sourdough")

    assert found.ids["instructions"] == [sample.instructions[0]]
    assert found.ids["responses"] == [sample.responses[0]]
    assert found.files == [{"path": sample.export_path, "run_id": sample_store.RUN, "lines": 1}]


@pytest.mark.parametrize(
    ("by", "instructions"),
    [
        ({"domain": "bread.example"}, {0}),
        ({"source": "pages"}, {0, 1, 2}),
        ({"prompt": "attributed_grounding"}, {0, 1}),
        ({"prompt": "knn_instruct-1"}, {2}),
        ({"model": "sample-model"}, {0, 1, 2}),
    ],
)
def test_impact_starts_from_a_domain_a_source_a_prompt_or_a_model(
    sample: Sample, by: dict[str, str], instructions: set[int]
) -> None:
    found = lineage.impact(sample.store, **by)

    assert set(found.ids["instructions"]) == {sample.instructions[i] for i in instructions}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://knee surgery.example/first days", "https://knee%20surgery.example/first%20days"),
        ("https://me:secret@bread.example/a", "https://bread.example/a"),
        (" https://bread.example/a\n", "https://bread.example/a"),
    ],
)
def test_a_url_is_compared_as_reading_writes_it(typed: str, kept: str) -> None:
    assert lineage.one_of({"url": typed}) == ("url", kept)


def test_impact_of_a_page_is_the_same_by_its_url_as_a_corpus_may_have_it(sample: Sample) -> None:
    url = next(iter(PAGES))

    found = lineage.impact(sample.store, url=url.replace("https://", "https://me:secret@") + " ")

    assert found.as_dict() == lineage.impact(sample.store, url=url).as_dict()


def test_impact_of_a_seed_reaches_groundings_and_neighbours(sample: Sample) -> None:
    found = lineage.impact(sample.store, seed=sample.seeds[0])

    assert set(found.ids["groundings"]) == {sample.groundings[0]}
    assert set(found.ids["instructions"]) == {sample.instructions[0], sample.instructions[2]}


@pytest.mark.parametrize("by", [{}, {"url": "u", "seed": "s"}, {"colour": "red"}, {"url": "https://nowhere.example/"}])
def test_impact_asks_for_one_thing_that_is_there(sample: Sample, by: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        lineage.impact(sample.store, **by)


def test_a_line_is_that_of_the_method_in_force_though_a_later_run_wrote_the_path_by_another(sample: Sample) -> None:
    tail = (sample.export_path, "0" * 64, sample.responses[1], 1, "later")
    sample.store.append("exports", [records.Export(content_id("other"), "other-settings", *tail)])
    later = sample.store.query("runs/all").to_dicts()[0]
    later |= {"run_id": "later", "started_at": later["started_at"] + timedelta(days=9)}
    sample.store.append("runs", [records.RunRow(**later)])

    _, found = lineage.find(sample.store, f"{sample.export_path}:1")

    assert found != content_id("other")


def _edited(archive: Path) -> bytes:
    """Change one letter of a stored record, and neither size nor time of its archive."""
    before, state = archive.read_bytes(), archive.stat()
    place = before.index(b"walks") if b"walks" in before else len(before) // 2
    archive.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
    os.utime(archive, ns=(state.st_atime_ns, state.st_mtime_ns))
    return before


def test_bytes_of_an_archive_that_was_edited_to_the_same_size_are_not_printed(sample: Sample, tmp_path: Path) -> None:
    corpus_files.look(str(sample.archive), sample.store.indexes / corpus_files.CACHE)  # as a run has
    whole = _edited(sample.archive)

    with pytest.raises(BrokenError, match=r"has other bytes, sha256 .*; when it was read it had"):
        lineage.record_bytes(sample.store, next(iter(sample.documents.values())))

    elsewhere = tmp_path / "copies"
    elsewhere.mkdir()
    (elsewhere / "other.warc.gz").write_bytes(whole)
    assert lineage.record_bytes(sample.store, next(iter(sample.documents.values())), [str(elsewhere)])


def test_an_archive_that_moved_is_found_where_a_run_has_seen_it_since(sample: Sample, tmp_path: Path) -> None:
    document = next(iter(sample.documents.values()))
    before = lineage.record_bytes(sample.store, document)
    moved = sample.archive.rename(tmp_path / "moved.warc.gz")
    with pytest.raises(BrokenError, match="is not there") as caught:
        lineage.record_bytes(sample.store, document)
    corpus_files.look(str(moved), sample.store.indexes / corpus_files.CACHE)

    assert lineage.record_bytes(sample.store, document) == before
    assert "--corpus" in caught.value.hint


def _rounds(sample: Sample, rounds: int, neighbours: int) -> str:
    """Deduce instructions round upon round, each from all of the round before; return one of the last."""
    known = sample.store.query("instructions/of_ids", ids=[sample.instructions[2]]).to_dicts()[0]
    parents = list(sample.seeds)
    for number in range(rounds):
        names = [content_id("round", number, n) for n in range(neighbours)]
        rows = [known | {"instruction_id": name, "input_id": parents[0], "parent_ids": parents} for name in names]
        sample.store.append("instructions", [records.Instruction(**row) for row in rows])
        parents = names
    return parents[0]


def test_what_many_rows_share_is_shown_once_and_named_after_that(sample: Sample) -> None:
    last = _rounds(sample, rounds=6, neighbours=8)

    nodes = list(lineage.trace(sample.store, last).walk())

    whole = [node.id for node in nodes if not node.is_repeated]
    assert len(nodes) < 1000  # as many as there are edges; a tree of copies has 300,000
    assert len(whole) == len(set(whole))
    assert {node.id for node in nodes if node.is_repeated} <= set(whole)
    assert all(not node.children and not node.as_dict()["facts"] for node in nodes if node.is_repeated)
    assert sum(node.kind == "instruction" for node in nodes if not node.is_repeated) == 5 * 8 + 1


def test_a_circle_in_a_broken_store_is_named_and_not_followed(sample: Sample) -> None:
    known = sample.store.query("instructions/of_ids", ids=[sample.instructions[2]]).to_dicts()[0]
    names = [content_id("circle", n) for n in range(2)]
    rows = [known | {"instruction_id": own, "parent_ids": [other]} for own, other in (names, names[::-1])]
    sample.store.append("instructions", [records.Instruction(**row) for row in rows])

    tree = lineage.trace(sample.store, names[0])

    assert [node.is_repeated for node in tree.walk() if node.id == names[0]] == [False, True]


def _refuse(sample: Sample, stage: str, input_id: str, reason: str, detail: str) -> str:
    sample.store.append("rejections", [records.RejectionRow(stage, input_id, "f", reason, detail, sample_store.RUN)])
    return input_id


def test_a_refused_record_is_traced_to_its_place_and_its_bytes(sample: Sample) -> None:
    document = sample.store.query("documents/of_ids", ids=[next(iter(sample.documents.values()))]).to_dicts()[0]
    offset, length = document["record_offset"], document["record_length"]
    item = content_id("item", document["source_id"], offset)
    _refuse(sample, "documents", item, "too_short", f"/where/it/was.warc.gz at {offset}+{length} https://a.example: 3")

    tree = lineage.trace(sample.store, item[:9])

    assert (tree.kind, tree.id) == ("refusal", item)
    assert (tree.facts["stage"], tree.facts["reason"]) == ("documents", "too_short")
    assert [(child.kind, child.relation) for child in tree.children] == [("source", "read from")]
    place = {name: tree.facts[name] for name in lineage.PLACE}
    assert lineage.bytes_at(sample.store, **place) == lineage.record_bytes(sample.store, document["document_id"])


def test_a_refused_draw_line_or_copy_is_traced_to_what_it_came_from(sample: Sample) -> None:
    document, source = next(iter(sample.documents.values())), sample.store.query("sources/all")["source_id"][0]
    call = sample.store.query("instructions/of_ids", ids=sample.instructions[:1])["completion_id"][0]
    draw = _refuse(sample, "instructions", f"{document}#2", "unparsable_answer", f"Sorry [{call}]")
    line = _refuse(sample, "seeds", f"{source}:17", "too_short", "2 tokens")
    copy = content_id("copy")
    _refuse(sample, "documents", copy, "already_seen", f"the same page and text are document {document} (x+1)")

    of = {target: lineage.trace(sample.store, target) for target in (draw, line, copy)}

    assert {child.id for child in of[draw].children} == {document, call}
    assert {child.id for child in of[line].children} == {source}
    assert {child.id for child in of[copy].children} == {document}
    assert all(tree.kind == "refusal" and tree.facts["reason"] for tree in of.values())


def test_a_row_that_was_refused_later_is_traced_as_ever_and_says_so(sample: Sample) -> None:
    document = _refuse(sample, "instructions", next(iter(sample.documents.values())), "content_filter", "no")

    tree = lineage.trace(sample.store, document)

    assert tree.kind == "document"
    assert tree.facts["refused"] == ["instructions: content_filter: no"]


def test_a_beginning_that_several_refusals_share_lists_them(sample: Sample) -> None:
    names = [_refuse(sample, "documents", f"eeee{n:016d}", "too_short", "") for n in range(2)]

    with pytest.raises(UsageError, match=f"{names[0]}, {names[1]}"):
        lineage.trace(sample.store, "eeee0000")
