"""Embeddings: every valid text once for each embedder, and matrices, neighbours and candidates made of them."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.embedding_server import Embedder, answer, embedder, refuse
from wellspring.tasks import embeddings
from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.io.vectors import encoder, index
from wellspring.tasks.spine.provenance import forgetting
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import embedders, fits, retrieval, sharded_search
from wellspring.tasks.spine.watching import stage_status
from wellspring.tasks.spine.watching.progress import Progress

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]

TOPICS = {
    "wing": "The wing lifts the aircraft because air flows faster over its upper surface than below.",
    "bread": "A sourdough starter is fed with flour and water until the dough rises in a warm kitchen.",
    "tide": "Tides follow the moon, and the spring tide comes a day after the full moon.",
    "empty": "... --- ...",
}


def put_passages(run: Run, texts: dict[str, str]) -> None:
    """Write documents of one passage each, published, as the stages before would."""
    documents, passages = [], []
    for name, text in texts.items():
        document_id = content_id("document", name, text)
        documents.append(
            records.Document(
                document_id=document_id,
                fingerprint="extract",
                source_id="s",
                record_offset=0,
                record_length=1,
                url=f"https://{name}.example",
                domain=f"{name}.example",
                title=None,
                author=None,
                published_at=None,
                fetched_at=None,
                language="en",
                license=None,
                text=text,
                tokens=9,
                text_digest=content_id(text),
                duplicate_of=None,
                run_id=run.run_id,
            )
        )
        passages.append(
            records.Passage(content_id(document_id, 0), "spans", document_id, 0, len(text), text, 9, run.run_id)
        )
    publish(run, "documents", "extract", documents)
    publish(run, "passages", "spans", passages)


def put_seeds(run: Run, texts: list[str]) -> list[str]:
    rows = [
        records.Seed(content_id("seed", text), "read", "s", line, text, None, "en", 9, run.run_id)
        for line, text in enumerate(texts)
    ]
    publish(run, "seeds", "read", rows)
    return [row.seed_id for row in rows]


def publish(run: Run, noun: str, fingerprint: str, rows: Sequence[object]) -> None:
    run.activate(noun, {fingerprint: noun})
    run.store.append(noun, rows)
    run.store.execute(f"{noun}/publish")


def embed(run: Run, of: embeddings.Noun = "passages") -> tuple[int, int, int]:
    """Embed and publish, and return rows in, out, refused."""
    counts = embeddings.embed(run, of=of).counts
    run.store.execute("embeddings/publish")
    return counts.rows_in, counts.rows_out, counts.rows_rejected


def test_every_valid_passage_gets_a_unit_vector_and_an_empty_one_a_rejection(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)

        assert embed(run) == (4, 3, 1)

        pool = retrieval.vectors(run, "passages")
        refused = run.store.query("rejections/all")
    assert pool.matrix.shape == (3, 256)
    assert np.allclose(np.linalg.norm(pool.matrix, axis=1), 1, atol=1e-6)
    assert pool.ids == sorted(pool.ids)
    assert refused["reason"].to_list() == ["no_words"]


def test_twice_is_once(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)

        assert embed(run) == (0, 0, 0)


@pytest.mark.slow
def test_a_grown_corpus_keeps_the_first_fit_and_embeds_only_what_is_new(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)
        before = embedders.embedder(run, "passages").fingerprint
    with start(settings()) as run:
        put_passages(run, {"rye": "Rye dough is sticky and is baked in a tin."})

        assert embed(run) == (1, 1, 0)
        assert embedders.embedder(run, "passages").fingerprint == before


@pytest.mark.slow
def test_refit_learns_from_the_corpus_as_it_is_and_embeds_it_anew(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)
        before = embedders.embedder(run, "passages").fingerprint
    with start(settings("embeddings.refit=true")) as run:
        put_passages(run, {"rye": "Rye dough is sticky and is baked in a tin."})

        assert embed(run) == (5, 4, 1)
        assert embedders.embedder(run, "passages").fingerprint != before
        assert len(retrieval.vectors(run, "passages").ids) == 4


def test_a_damaged_fit_is_made_again_and_is_the_same(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)
        mine = embedders.embedder(run, "passages")
        assert mine.folder is not None
        components = mine.folder / "components.npy"
        data = bytearray(components.read_bytes())
        data[-1] ^= 1
        components.write_bytes(data)

        again = embedders.embedder(run, "passages")

        assert again.fingerprint == mine.fingerprint
        assert components.read_bytes() != bytes(data)
        assert embed(run) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("is_on_record", [True, False])
def test_the_fit_of_another_store_is_not_believed(
    start: Start, settings: Make, tmp_path: Path, *, is_on_record: bool
) -> None:
    with runs.start("test", settings(), tmp_path / "other", quiet=True, may_mix=True) as run:
        put_passages(run, {"rye": "Rye dough is sticky and is baked in a tin."})
        embed(run)
        theirs = embedders.embedder(run, "passages")
    with start(settings()) as run:
        put_passages(run, TOPICS)
        expected = embed(run) if is_on_record else (len(TOPICS), len(TOPICS) - 1, 1)
        assert theirs.folder is not None
        place = run.store.indexes / theirs.folder.name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(theirs.folder, place)

        mine = embedders.embedder(run, "passages")

        assert mine.fingerprint != theirs.fingerprint
        assert embed(run) == ((0, 0, 0) if is_on_record else expected)


@pytest.mark.slow
@pytest.mark.parametrize("is_gone", [False, True])
def test_a_fit_that_is_lost_after_the_corpus_grew_is_made_of_what_it_learned_from_or_that_is_said(
    start: Start,
    settings: Make,
    monkeypatch: pytest.MonkeyPatch,
    is_gone: bool,  # noqa: FBT001 - a parameter
) -> None:
    said: list[str] = []
    with start(settings()) as run:
        put_passages(run, {"wing": TOPICS["wing"], "bread": TOPICS["bread"]})
        embed(run)
        folder = embedders.embedder(run, "passages").folder
        assert folder is not None
        put_passages(run, {"tide": TOPICS["tide"]})
        shutil.rmtree(folder)
        if is_gone:
            run.store._connection.execute("DELETE FROM passages WHERE text = ?", [TOPICS["wing"]])
        monkeypatch.setattr(run.progress, "note", said.append)

        rows_in, _, _ = embed(run)

    assert rows_in == (2 if is_gone else 1)  # all that are left, or the new one
    assert bool([line for line in said if "all are embedded anew" in line]) == is_gone


def test_a_fit_outlives_the_database_also_where_one_of_its_texts_was_forgotten(settings: Make, store_dir: Path) -> None:
    fingerprints = []
    for topics in (("wing", "bread", "tide"), ("bread", "tide")):  # `wing` is forgotten, and then the database is lost
        with runs.start("test", settings(), store_dir, quiet=True) as run:
            put_passages(run, {topic: TOPICS[topic] for topic in topics})
            embed(run)
            fingerprints.append(embedders.embedder(run, "passages").fingerprint)
        (store_dir / "wellspring.duckdb").unlink()

    assert fingerprints[0] == fingerprints[1]


@pytest.mark.parametrize("is_lost_before", [False, True])
def test_a_fit_outlives_all_but_the_journal_once_one_of_its_texts_was_forgotten(
    settings: Make,
    store_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_lost_before: bool,  # noqa: FBT001 - a parameter
) -> None:
    monkeypatch.setattr(fits, "PART_BYTES", 10_000)
    found = []
    for topics, chosen in ((TOPICS, ""), (("bread", "tide"), ""), (("bread", "tide"), "embeddings.refit=true")):
        with runs.start("test", settings(*filter(None, [chosen])), store_dir, quiet=True) as run:
            put_passages(run, {topic: TOPICS[topic] for topic in topics})
            embed(run)
            mine = embedders.embedder(run, "passages")
            found.append((mine.fingerprint, mine.embed([TOPICS["tide"]]).vectors.tobytes()))
            if topics is TOPICS and is_lost_before:
                shutil.rmtree(run.store.indexes / str(mine.folder))
            if topics is TOPICS:
                forgetting.forget(run.store, url="https://wing.example")
        shutil.rmtree(store_dir / "indexes")
        (store_dir / "wellspring.duckdb").unlink()

    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_a_fresh_store_of_the_same_inputs_has_the_same_vectors(settings: Make, tmp_path: Path) -> None:
    found = []
    for name, order in (("one", list(TOPICS)), ("two", list(TOPICS)[::-1])):
        with runs.start("test", settings(), tmp_path / name, quiet=True) as run:
            put_passages(run, {topic: TOPICS[topic] for topic in order})
            embed(run)
            pool = retrieval.vectors(run, "passages")
            found.append((embedders.embedder(run, "passages").fingerprint, pool.ids, pool.matrix.tobytes()))

    assert found[0] == found[1]


def test_a_matrix_that_was_tampered_with_is_written_again(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)
        truth = retrieval.vectors(run, "passages").matrix.tobytes()
        path = run.store.indexes / "matrix-passages" / "vectors.npy"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)

        assert retrieval.vectors(run, "passages").matrix.tobytes() == truth


def test_seeds_have_their_own_fit_and_both_embedders_are_in_force(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)
        put_seeds(run, ["Why does my bread not rise?", "Explain lift of a wing."])

        assert embed(run, "seeds") == (2, 2, 0)

        assert len(run.store.query("methods/active", stage="embeddings")) == 2
        assert len(retrieval.vectors(run, "passages").ids) == 3
        assert len(retrieval.vectors(run, "seeds").ids) == 2


def test_neighbours_leave_out_the_text_itself_and_near_copies(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        ids = put_seeds(
            run,
            [
                "How do I bake bread?",
                "How do I bake BREAD",
                "How do I bake bread and rolls at home?",
                "Explain the moon and the tides.",
            ],
        )
        embed(run, "seeds")

        near = retrieval.neighbours(run, "seeds", k=2)
        apart = retrieval.neighbours(run, "seeds", k=2, max_cosine=0.95)

    assert [text_id for text_id, _ in near.of(ids[0])] == [ids[1], ids[2]]
    assert [text_id for text_id, _ in apart.of(ids[0])] == [ids[2], ids[3]]
    assert apart.rows.shape == (4, 2)


def test_candidates_are_the_documents_that_words_and_vectors_agree_on(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)

        found = retrieval.candidates(run, ["sourdough kitchen", "moon tides", "..."], 2)

    assert found[0][0][0] == content_id("document", "bread", TOPICS["bread"])
    assert found[1][0][0] == content_id("document", "tide", TOPICS["tide"])
    assert found[2] == []
    assert len(found[0]) == 2


FLAT_TYRE = {
    "tyre": "A puncture of a bike: take the tyre off the wheel, patch the hole in the tube, pump it up.",
    "rent": "How do the tenant and the landlord of a flat share repairs, and how do they when a lease is silent?",
    "tide": TOPICS["tide"],
    "bread": TOPICS["bread"],
}
needs_encoder = pytest.mark.skipif(bool(encoder.missing()), reason=f"needs {', '.join(encoder.missing())}")


@needs_encoder
def test_what_words_bring_in_the_wrong_order_an_encoder_that_reads_it_again_puts_right(
    start: Start, settings: Make
) -> None:
    asked = ["How do I mend my bicycle when its wheel is flat?", "moon", "..."]
    ids = {name: content_id("document", name, text) for name, text in FLAT_TYRE.items()}
    with start(settings()) as run:
        put_passages(run, FLAT_TYRE)
        embed(run)
        by_words = retrieval.candidates(run, asked, 3)
    with start(settings("groundings.reread=100")) as run:
        found = retrieval.candidates(run, asked, 3)
        alone = [retrieval.candidates(run, [query], 3)[0] for query in reversed(asked)]
    with start(settings("groundings.reread=1")) as run:
        first = retrieval.candidates(run, asked[:1], 3)[0]

    assert [by_words[0][0][0], found[0][0][0]] == [ids["rent"], ids["tyre"]]
    assert [found[1][0][0], found[2]] == [ids["tide"], []]
    assert found == alone[::-1]
    assert [name for name, _ in first] == [ids["rent"]]


@needs_encoder
def test_a_query_of_which_the_encoder_knows_no_word_keeps_its_candidates(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, {**FLAT_TYRE, "javanese": "ꦗꦮ ꦱꦸꦤ꧀ꦝ"})
        embed(run)
        found = retrieval.candidates(run, ["ꦱꦸꦤ꧀ꦝ"], 3)
    with start(settings("groundings.reread=100")) as run:
        again = retrieval.candidates(run, ["ꦱꦸꦤ꧀ꦝ"], 3)

    assert found[0]
    assert again == found


def test_reading_again_without_the_encoder_says_what_to_install(
    start: Start, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "missing", lambda: ["onnxruntime"])
    encoder.load.cache_clear()
    with start(settings("groundings.reread=9")) as run:
        put_passages(run, TOPICS)

        with pytest.raises(UsageError, match="onnxruntime"):
            retrieval.candidates(run, ["bread"], 2)


def test_candidates_without_passages_say_what_is_missing(start: Start, settings: Make) -> None:
    with start(settings()) as run, pytest.raises(UsageError, match="no documents"):
        retrieval.candidates(run, ["bread"], 2)


def test_a_text_without_a_vector_is_named(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embed(run)

        with pytest.raises(BrokenError, match="such as nobody"):
            retrieval.vectors(run, "passages").of(["nobody"])


def test_an_endpoint_embeds_through_the_model_door(start: Start, settings: Make) -> None:
    with start(settings("embeddings.embedder=endpoint")) as run:
        put_passages(run, TOPICS)

        assert embed(run) == (4, 4, 0)
        assert embed(run) == (0, 0, 0)


def endpoint(server: Embedder, **more: Any) -> dict[str, Any]:
    role = {"model": "m", "endpoints": [{"base_url": server.url, "key_env": ""}]}
    return {"models": {"embedder": role}, "embeddings": {"embedder": "endpoint"} | more}


def test_one_text_that_a_server_will_not_take_costs_one_text(start: Start, settings: Make) -> None:
    def says(texts: list[str]) -> tuple[int, Any]:
        return (
            refuse("blocked: content policy") if any("Bread rises" in text for text in texts) else (200, answer(texts))
        )

    with embedder() as server, start(settings(**endpoint(server))) as run:
        server.says = says
        put_passages(run, TOPICS | {"blocked": "Bread rises"})

        assert embed(run) == (5, 4, 1)
        assert run.store.query("rejections/all")["reason"].to_list() == ["content_filter"]
        assert embed(run) == (0, 0, 0)


def test_a_text_that_is_cut_for_the_server_is_said_and_counted(
    start: Start, settings: Make, store_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(Progress, "note", lambda _, text: notes.append(text))
    with embedder() as server, start(settings(**endpoint(server))) as run:
        server.says = lambda texts: (
            refuse("at most 200 characters") if max(map(len, texts)) > 200 else (200, answer(texts))
        )
        put_passages(run, TOPICS | {"long": "A long river. " * 40})

        assert embed(run) == (5, 5, 0)
    with Store.open(store_dir) as store:
        facts = stage_status.of_store(store)

    assert "1 texts were longer than the server takes" in "".join(notes)
    assert facts["cut_texts"] == 1


def test_what_asks_and_what_is_asked_for_have_prefixes_of_their_own(start: Start, settings: Make) -> None:
    chosen = {"query_prefix": "query: ", "passage_prefix": "passage: "}
    with embedder() as server, start(settings(**endpoint(server, **chosen))) as run:
        put_passages(run, TOPICS)
        embed(run)
        sent = [text for texts in server.asked for text in texts]
        mine = embedders.embedder(run, "passages")
        theirs = embedders.embedder(run, "seeds")
        theirs.embed(["who asks"])
        embedders.embedder(run, "passages", is_query=True).embed(["who looks"])

    assert all(text.startswith("passage: ") for text in sent)
    assert server.asked[-2:] == [["query: who asks"], ["query: who looks"]]
    assert mine.fingerprint == theirs.fingerprint


def test_without_prefixes_an_embedder_is_the_one_it_was(start: Start, settings: Make) -> None:
    with embedder() as server:
        with start(settings(**endpoint(server, prefix="q: "))) as run:
            old = embedders.embedder(run, "seeds").fingerprint
        with start(settings(**endpoint(server, passage_prefix="p: "))) as run:
            new = embedders.embedder(run, "seeds").fingerprint

    assert old == content_id("endpoint", "m", "q: ")
    assert new != content_id("endpoint", "m", "")


def test_a_model_that_is_not_installed_is_said(start: Start, settings: Make) -> None:
    with start(settings("embeddings.embedder=sentence_transformers")) as run:
        put_passages(run, TOPICS)

        with pytest.raises(UsageError, match="names no model"):
            embed(run)


@pytest.mark.slow
def test_many_texts_are_embedded_in_shards_by_workers_as_they_are_here(
    start: Start, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {f"p{i}": f"{topic} number {i}" for i, topic in enumerate(list(TOPICS.values())[:3] * 4)}
    with start(settings("threads=2")) as run:
        put_passages(run, texts)
        monkeypatch.setattr(embeddings, "SHARD_TEXTS", 5)

        assert embed(run) == (12, 12, 0)

        pool = retrieval.vectors(run, "passages")
        mine = embedders.embedder(run, "passages")
        passages = run.store.query("embeddings/passages_of_documents").sort("passage_id")
    assert mine.embed(passages["text"].to_list()).vectors.tobytes() == pool.matrix.tobytes()


@pytest.mark.slow
def test_the_audit_publishes_what_was_embedded(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        embeddings.embed(run)

        validation.audit(run, "embeddings")

        assert len(retrieval.vectors(run, "passages").ids) == 3


@pytest.mark.slow
def test_a_forced_index_lies_beside_the_store_and_gives_the_same_neighbours(start: Start, settings: Make) -> None:
    questions = [
        f"{verb} {thing}?" for verb in ("bake", "explain", "draw", "sell") for thing in ("bread", "tides", "wings")
    ]
    with start(settings()) as run:
        put_seeds(run, questions)
        embed(run, "seeds")
        exact = retrieval.neighbours(run, "seeds", k=3)
    with start(settings("embeddings.index=ivf_flat")) as run:
        found = retrieval.neighbours(run, "seeds", k=3)
        again = retrieval.neighbours(run, "seeds", k=3)

        assert (run.store.indexes / "index-seeds" / "engine.faiss").is_file()
    assert found.rows.tolist() == again.rows.tolist() == exact.rows.tolist()


def test_a_large_matrix_that_is_to_be_searched_exactly_is_searched_in_parts(
    start: Start, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [f"{verb} {thing}?" for verb in ("bake", "explain", "draw") for thing in ("bread", "tides", "wings")]
    with start(settings()) as run:
        put_seeds(run, questions)
        embed(run, "seeds")
        whole = retrieval.neighbours(run, "seeds", k=3)
    monkeypatch.setattr(index, "FLAT_ROWS", 5)
    monkeypatch.setattr(sharded_search, "PART_ROWS", 4)
    with start(settings("embeddings.index=flat", "runner=thread")) as run:
        parts = retrieval.neighbours(run, "seeds", k=3)

    assert parts.rows.tolist() == whole.rows.tolist()
    assert parts.scores.tobytes() == whole.scores.tobytes()


@pytest.mark.slow
def test_a_document_whose_passage_means_what_a_benchmark_asks_is_read_by_nobody(
    start: Start, settings: Make, tmp_path: Path
) -> None:
    bench = tmp_path / "bench.jsonl"
    bench.write_text(json.dumps({"id": "q7", "prompt": next(iter(TOPICS.values()))}) + "\n")
    chosen = settings(f'benchmarks.paths={{mine = "{bench}"}}')
    with start(settings()) as run:
        put_passages(run, TOPICS)
        assert embed(run) == (4, 3, 1)

    with start(chosen) as run:
        looked = embed(run)
        again = embed(run)
        refused = run.store.query("rejections/all").filter(reason="contaminated").to_dicts()
        left = run.store.query("documents/audience")["rows_valid"][0]
    with start(settings()) as run:
        embed(run)
        without = run.store.query("documents/audience")["rows_valid"][0]

    assert looked == (0, -1, 1)
    assert again == (0, 0, 0)
    assert [row["detail"].startswith("embedding 1.00 mine:q7") for row in refused] == [True]
    assert (left, without) == (3, 4)


TALKS = {
    "alone": ([], TOPICS["wing"]),
    "of bread": ([TOPICS["bread"], "Then it needs more flour."], "And in winter?"),
    "of tides": ([TOPICS["tide"], "Then the sea rises."], "And in winter?"),
}


def put_instructions(run: Run) -> dict[str, str]:
    """Write an instruction alone and two that end alike; name -> id."""
    rows = [
        records.Instruction(
            *(name, "told", "d", "r", 0, 0, text, None, [], None, None, None, None, None, "c", run.run_id),
            history=json.dumps(
                [{"role": ("user", "assistant")[i % 2], "content": said} for i, said in enumerate(before)]
            )
            if before
            else "",
        )
        for name, (before, text) in TALKS.items()
    ]
    publish(run, "instructions", "told", rows)
    return {row.instruction_id: row.text for row in rows}


def cosine(pool: retrieval.Matrix, *names: str) -> float:
    return float(np.prod(pool.of(list(names)), axis=0).sum())


def test_an_instruction_is_embedded_with_the_turns_before_it(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        put_passages(run, TOPICS)
        put_seeds(run, [*TOPICS.values(), "And in winter?"])
        put_instructions(run)

        embed(run, "seeds")
        assert embed(run, "instructions") == (3, 3, 0)

        pool = retrieval.vectors(run, "instructions")
        asked = [text for before, text in TALKS.values() for text in [*before, text]]
        alone, bread, _, _, tide, _, _ = embedders.embedder(run, "seeds").embed(asked).vectors
        model = embedders.embedder(run, "instructions").fingerprint
        named = {noun: retrieval.vectors(run, noun) for noun in ("seeds", "instructions")}
    by_ids = {noun: hashlib.sha256("\n".join([model, *own.ids]).encode()).hexdigest() for noun, own in named.items()}
    assert named["seeds"].fingerprint == by_ids["seeds"]  # where nothing has turns, a matrix keeps its name
    assert named["instructions"].fingerprint != by_ids["instructions"]  # one of last turns alone is not read
    assert cosine(pool, "of bread", "of tides") < 0.5
    assert np.array_equal(pool.of(["alone"])[0], alone)
    assert all(float(pool.of([name])[0] @ topic) > 0.5 for name, topic in (("of bread", bread), ("of tides", tide)))


@pytest.mark.skipif(bool(encoder.missing()), reason="needs the extra `encoder`")
def test_the_encoder_reads_the_newest_turns_and_takes_no_last_turn_for_its_conversation(
    start: Start, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = " ".join([TOPICS["bread"]] * 20)  # more than it reads
    ends = {"wings": TOPICS["wing"], "tides": TOPICS["tide"]}
    monkeypatch.setattr("tests.test_embeddings.TALKS", {name: ([long, "Yes."], text) for name, text in ends.items()})
    with start(settings("embeddings.embedder=encoder")) as run:
        put_instructions(run)
        embed(run, "instructions")

        pool = retrieval.vectors(run, "instructions")
        last = embedders.embedder(run, "instructions").embed(list(ends.values())).vectors
        last_alone = encoder.load()(list(ends.values()))
    assert cosine(pool, "wings", "tides") < 0.9
    assert np.array_equal(last, last_alone)


def test_a_store_that_embedded_last_turns_alone_embeds_these_again_and_selects_anew(
    start: Start, settings: Make
) -> None:
    with start(settings()) as run:
        texts = put_instructions(run)
        now = embed(run, "instructions")
        old = embedders.embedder(run, "instructions").embed(list(texts.values())).vectors.tolist()
        for name, vector in zip(texts, old, strict=True):
            run.store._connection.execute("UPDATE embeddings SET vector = ? WHERE text_id = ?", [vector, name])
        run.store.append(
            "selections",
            [records.Selection("p", of, name, 0, 0, "x") for of, name in (("a", "alone"), ("b", "of bread"))],
        )
        run.store.append(
            "rejections",
            [
                records.RejectionRow("embeddings", "of tides", "m", "no_words", "", "x"),
                records.RejectionRow("selections", "alone", "b", "over_budget", "", "x"),
                records.RejectionRow("selections", "alone", "a", "over_budget", "", "x"),
            ],
        )
        run.store._connection.execute("UPDATE upgrades SET version = 5")
    with start(settings()) as run:
        chosen = run.store._connection.execute("SELECT fingerprint FROM selections").fetchall()
        refused = run.store._connection.execute("SELECT stage, fingerprint FROM rejections").fetchall()
        again = embed(run, "instructions")
        pool = retrieval.vectors(run, "instructions")

    assert (now, again) == ((3, 3, 0), (2, 2, 0))
    assert (chosen, refused) == ([("a",)], [("selections", "a")])
    assert cosine(pool, "of bread", "of tides") < 0.5
