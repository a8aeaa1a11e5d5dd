"""Lineage: from any row up to its bytes, and from any page down to every exported line."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.contracts import records
from tasks.contracts.errors import BrokenError, UsageError
from tasks.contracts.records import Export, content_id
from tasks.spine import lineage
from tests import sample_store
from tests.sample_store import PAGES, Sample


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


def test_a_line_is_known_by_any_path_that_ends_like_the_export(sample: Sample) -> None:
    absolute = sample.store.exports / sample.export_path

    assert lineage.find(sample.store, f"{absolute}:2") == lineage.find(sample.store, f"./{sample.export_path}:2")


@pytest.mark.parametrize("target", ["", "abc", "not an id", "ffffffffffffffffffff", "train.jsonl:99", "other.jsonl:1"])
def test_what_names_nothing_is_refused_with_a_hint(sample: Sample, target: str) -> None:
    with pytest.raises(UsageError) as caught:
        lineage.trace(sample.store, target)

    assert caught.value.hint


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
