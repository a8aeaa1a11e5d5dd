"""Nearest neighbours, against the product of matrices in float64."""

from pathlib import Path

import numpy as np
import pytest

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.vectors import Rows, Scores, Vectors, unit
from wellspring.tasks.io.vectors import index


def drawn(rows: int, width: int = 32, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((rows, width)))


def naive(queries: Vectors, base: Vectors, k: int) -> tuple[Scores, Rows]:
    truth = (queries.astype(np.float64) @ base.T.astype(np.float64)).astype(np.float32)
    rows = np.argsort(-truth, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(truth, rows, 1), rows


@pytest.mark.parametrize(("queries", "rows", "k"), [(1, 1, 1), (3, 5, 5), (200, 1000, 10), (2, 1000, 700)])
def test_exact_search_is_the_naive_search(queries: int, rows: int, k: int) -> None:
    base = drawn(rows)
    asked = drawn(queries, seed=1)

    scores, found = index.exact(asked, base, k)

    truth_scores, truth_rows = naive(asked, base, k)
    assert found.tolist() == truth_rows.tolist()
    assert np.abs(scores - truth_scores).max() < 1e-6


def test_many_equal_vectors_give_the_lowest_rows_first() -> None:
    base = drawn(1000)
    base[100:400] = base[5]

    scores, rows = index.exact(base[[5, 250]], base, 10)

    assert rows.tolist() == [[5, *range(100, 109)]] * 2
    assert np.unique(scores).size == 1


def test_the_answer_does_not_depend_on_the_batch() -> None:
    base = drawn(3000, width=48)

    together = index.exact(base[:400], base, 7)
    alone = [index.exact(base[i : i + 1], base, 7) for i in range(400)]

    assert together[0].tobytes() == np.concatenate([scores for scores, _ in alone]).tobytes()
    assert together[1].tobytes() == np.concatenate([rows for _, rows in alone]).tobytes()


@pytest.mark.parametrize("side", [7, 64, 100, 700, 5000])
def test_the_answer_does_not_depend_on_the_tile(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    base = drawn(700, width=33)
    base[40:650:9] = base[3]
    truth = naive(base[:300], base, 12)[1]
    monkeypatch.setattr("wellspring.tasks.contracts.vectors.TILE", side)

    scores, rows = index.exact(base[:300], base, 12)

    alone = [index.exact(base[i : i + 1], base, 12) for i in range(300)]
    assert rows.tolist() == truth.tolist()
    assert scores.tobytes() == np.concatenate([own for own, _ in alone]).tobytes()


def test_a_finder_that_rounds_differently_gives_the_same_answer() -> None:
    base = drawn(2000)
    base[500:600] = base[1]

    def coarse(queries: Vectors, rows: Vectors, k: int) -> tuple[Scores, Rows]:
        rough = queries @ rows.T + np.random.default_rng(0).uniform(-1e-6, 1e-6, (len(queries), len(rows)))
        order = np.argsort(-rough, axis=1)[:, :k]
        return np.take_along_axis(rough, order, 1).astype(np.float32), order

    scores, rows = index.exact(base[:50], base, 5, find=coarse)

    truth = index.exact(base[:50], base, 5)
    assert rows.tolist() == truth[1].tolist()
    assert scores.tobytes() == truth[0].tobytes()


@pytest.mark.parametrize("k", [0, 6])
def test_k_out_of_range_is_said(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}, the base has 5 rows"):
        index.exact(drawn(1), drawn(5), k)


def test_widths_must_agree() -> None:
    with pytest.raises(ValueError, match="32 wide, the base 16"):
        index.exact(drawn(1), drawn(5, width=16), 1)


def test_kmeans_finds_the_clusters_and_is_the_same_twice() -> None:
    centres = drawn(5, width=64, seed=2)
    vectors = unit(np.repeat(centres, 60, axis=0) + 0.05 * np.random.default_rng(3).standard_normal((300, 64)))

    centroids, cells = index.kmeans(vectors, 5, seed=0)

    again_centroids, again_cells = index.kmeans(vectors, 5, seed=0)
    assert sorted(np.bincount(cells).tolist()) == [60] * 5
    assert centroids.tobytes() == again_centroids.tobytes()
    assert cells.tobytes() == again_cells.tobytes()


def test_kmeans_makes_no_more_cells_than_there_are_vectors() -> None:
    centroids, cells = index.kmeans(drawn(3), 10, seed=0)

    assert len(centroids) == 3
    assert sorted(cells.tolist()) == [0, 1, 2]


def clustered(rows: int, clusters: int = 40, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, 32))
    return unit(centres[rng.integers(0, clusters, rows)] + 0.3 * rng.standard_normal((rows, 32)))


def names(count: int, prefix: str = "t") -> list[str]:
    return [f"{prefix}{i:05}" for i in range(count)]


APPROXIMATE = ("ivf_flat", "ivf_sq8", "ivf_rabitq", "hnsw")


def test_a_filter_by_query_looks_further_until_k_rows_stand() -> None:
    base = clustered(500)
    documents = np.arange(500) // 50

    scores, rows = index.kept(base, base, 3, lambda own, _, found: documents[found] != documents[own])

    truth = (base @ base.T).astype(np.float64)
    truth[documents[:, None] == documents] = -np.inf
    assert rows.tolist() == np.argsort(-truth, axis=1, kind="stable")[:, :3].tolist()
    assert np.isfinite(scores).all()


def test_a_filter_that_nothing_passes_gives_nothing() -> None:
    scores, rows = index.kept(drawn(2), drawn(5), 3, lambda *_: np.zeros((1, 1), dtype=np.bool_))

    assert rows.tolist() == [[-1] * 3] * 2
    assert np.isneginf(scores).all()


@pytest.mark.parametrize(
    ("rows", "kind"), [(0, "flat"), (200_000, "flat"), (200_001, "ivf_sq8"), (5_000_001, "ivf_rabitq")]
)
def test_the_rule_chooses_by_size(rows: int, kind: str) -> None:
    assert index.choose(rows) == kind


def test_a_profile_can_force_a_kind_and_a_wrong_one_is_said() -> None:
    assert index.choose(10, "hnsw") == "hnsw"
    with pytest.raises(UsageError, match="there is no index `magic`"):
        index.choose(10, "magic")


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_an_approximate_index_finds_what_it_says_with_final_scores(kind: str) -> None:
    vectors = clustered(3000)
    built = index.Index.build(names(3000), vectors, kind=kind)

    scores, rows = built.search(vectors[:300], 10)

    truth_scores, truth = index.exact(vectors[:300], vectors, 10)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), truth.tolist(), strict=True)])
    assert built.recall >= index.LEAST_RECALL
    assert recall >= 0.93
    same = rows == truth
    assert scores[same].tobytes() == truth_scores[same].tobytes()


@pytest.mark.parametrize("kind", ["flat", *APPROXIMATE])
def test_an_index_is_the_same_twice(kind: str) -> None:
    vectors = clustered(1000)

    one, two = (index.Index.build(names(1000), vectors, kind=kind, seed=3).search(vectors, 5) for _ in range(2))

    assert one[0].tobytes() == two[0].tobytes()
    assert one[1].tobytes() == two[1].tobytes()


def test_rows_are_in_the_order_of_ids_whatever_order_they_came_in() -> None:
    vectors = clustered(300)
    order = np.random.default_rng(0).permutation(300)

    straight = index.Index.build(names(300), vectors)
    mixed = index.Index.build([names(300)[i] for i in order], vectors[order])

    assert mixed.ids == straight.ids == names(300)
    assert mixed.search(vectors[:20], 4)[1].tolist() == straight.search(vectors[:20], 4)[1].tolist()


@pytest.mark.parametrize("kind", ["flat", *APPROXIMATE])
@pytest.mark.parametrize("share", [0.02, 0.5])
def test_rows_that_are_not_allowed_are_not_found(kind: str, share: float) -> None:
    vectors = clustered(1500)
    built = index.Index.build(names(1500), vectors, kind=kind)
    allowed = np.random.default_rng(0).random(1500) < share

    _, rows = built.search(vectors[:40], 8, allowed=allowed, keep=lambda own, _, found: found != own)

    assert allowed[rows].all()
    assert (rows != np.arange(40)[:, None]).all()


def test_with_fewer_allowed_rows_than_k_the_rest_is_empty() -> None:
    built = index.Index.build(names(50), clustered(50))
    allowed = np.zeros(50, dtype=np.bool_)
    allowed[[7, 9]] = True

    scores, rows = built.search(clustered(50)[:1], 4, allowed=allowed)

    assert sorted(rows[0].tolist()) == [-1, -1, 7, 9]
    assert np.isneginf(scores[0, 2:]).all()


@pytest.mark.parametrize("kind", ["flat", *APPROXIMATE])
def test_what_is_added_is_found_and_what_is_removed_is_not(kind: str) -> None:
    vectors = clustered(2000)
    ids = names(2000)
    built = index.Index.build(ids[:1900], vectors[:1900], kind=kind)

    assert built.add(ids[1850:], vectors[1850:]) == 100
    assert built.remove([*ids[10:60], "nobody"]) == 50

    left = [i for i in ids if i not in ids[10:60]]
    _, rows = built.search(vectors[1900:], 1)
    assert built.ids == left
    assert [built.ids[row] for row in rows[:, 0]] == ids[1900:]
    _, rows = built.search(vectors[10:60], 5)
    assert not {built.ids[row] for row in rows.ravel()} & set(ids[10:60])


def test_an_index_of_its_own_kind_changes_kind_as_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FLAT_ROWS", 500)
    vectors = clustered(900)
    built = index.Index.build(names(400), vectors[:400])
    assert built.kind == "flat"

    built.add(names(900), vectors)

    assert built.kind == "ivf_sq8"
    built.remove(names(500))
    assert built.kind == "flat"
    assert built.recall == 1


def test_an_index_forgets_for_good_when_much_is_removed() -> None:
    built = index.Index.build(names(1000), clustered(1000), kind="hnsw")

    built.remove(names(300))

    assert built._engine.ntotal == len(built) == 700


def test_ids_must_be_one_for_each_vector() -> None:
    with pytest.raises(UsageError, match=r"3 ids \(2 different\) for 3 vectors"):
        index.Index.build(["a", "b", "a"], drawn(3))


def test_an_empty_index_finds_nothing() -> None:
    _, rows = index.Index.build([], np.empty((0, 32), dtype=np.float32)).search(drawn(2), 3)

    assert rows.tolist() == [[-1] * 3] * 2


@pytest.mark.parametrize("kind", ["flat", *APPROXIMATE])
def test_a_saved_index_answers_as_before(kind: str, tmp_path: Path) -> None:
    vectors = clustered(1200)
    built = index.Index.build(names(1200), vectors, kind=kind)
    built.remove(names(3))
    built.save(tmp_path / "x", "made of this")

    loaded = index.Index.load(tmp_path / "x", "made of this", tmp_path)

    assert loaded is not None
    assert loaded.ids == built.ids
    assert (loaded.kind, loaded.recall) == (built.kind, built.recall)
    for one, two in zip(loaded.search(vectors, 6), built.search(vectors, 6), strict=True):
        assert one.tobytes() == two.tobytes()


def test_any_changed_byte_is_caught_before_faiss_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = index.Index.build(names(200), clustered(200), kind="ivf_flat")
    folder = tmp_path / "x"
    built.save(folder, "f")
    monkeypatch.setattr(index.faiss, "read_index", lambda _: pytest.fail("FAISS read a damaged file"))
    rng = np.random.default_rng(0)
    missed = 0
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for change in range(72):
            place = int(rng.integers(len(whole)))
            damaged = {
                0: whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :],
                1: whole[:place],
                2: whole + b"\0",
            }[change % 3]
            path.write_bytes(damaged)
            missed += index.Index.load(folder, "f", tmp_path) is not None
        path.write_bytes(whole)

    assert len(list(folder.iterdir())) * 72 == 360
    assert missed == 0


def test_a_damaged_or_stale_index_is_built_again(tmp_path: Path) -> None:
    vectors = clustered(100)
    built = 0

    def build() -> index.Index:
        nonlocal built
        built += 1
        return index.Index.build(names(100), vectors)

    for fingerprint in ("one", "one", "two"):
        index.load_or_build(tmp_path / "x", fingerprint, tmp_path, build)
    (tmp_path / "x" / "vectors.npy").write_bytes(b"")
    found = index.load_or_build(tmp_path / "x", "two", tmp_path, build)

    assert built == 3
    assert len(found) == 100


def test_an_index_outside_the_store_or_behind_a_link_is_not_read(tmp_path: Path) -> None:
    built = index.Index.build(names(10), clustered(10))
    (tmp_path / "store").mkdir()
    built.save(tmp_path / "elsewhere", "f")
    (tmp_path / "store" / "x").symlink_to(tmp_path / "elsewhere")

    assert index.Index.load(tmp_path / "elsewhere", "f", tmp_path / "store") is None
    assert index.Index.load(tmp_path / "store" / "x", "f", tmp_path / "store") is None


def test_an_added_file_makes_a_folder_unbelievable(tmp_path: Path) -> None:
    index.Index.build(names(10), clustered(10)).save(tmp_path / "x", "f")
    (tmp_path / "x" / "engine.faiss").write_bytes(b"planted")

    assert index.Index.load(tmp_path / "x", "f", tmp_path) is None
