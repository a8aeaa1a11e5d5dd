"""Odd names: of corpora, seeds, stores and profiles; each is read as it is, or named with the way out."""

import os
from pathlib import Path

import pytest

from wellspring.flows import choices
from wellspring.flows.corpus import corpus
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.io.corpora import benchmarks, conversations, corpus_files
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import preflight

ROW = '{"prompt": "How?", "text": "A river cuts its valley."}\n'
ODD = ["😀", "a b", "a'b\"c", "a\nb", "a\tb", "a\x7fb", "a#b", "a%20b", "a?b", "a[1]", "a*b", "-a", "a\\b", "a:b"]
ODD += ["2026-11-29", "{a}", "$a", "~", "e\u0301", "null", "a" * 200]
NOT_UTF8 = os.fsdecode(b"a\xff")


@pytest.mark.parametrize("name", ODD)
def test_a_file_of_an_odd_name_is_read(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_text(ROW)

    chosen = settings.load(None, choices.overrides([name], [name]), environment={})

    assert [one.path for one in chosen.sources.corpora] == list(chosen.seeds.paths) == [str(path)]
    assert corpus_files.expand(str(path)) == [str(path)]
    assert corpus_files.look(str(path)).kind == "jsonl"
    assert conversations.survey(path) == 1
    assert list(benchmarks.read({"mine": str(path)})) == [("mine", "0", "How?")]


def test_a_star_is_a_glob_where_no_file_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "ab.jsonl").write_text(ROW)

    assert corpus_files.expand(f"{tmp_path}/a*.jsonl") == [f"{tmp_path}/ab.jsonl"]


def test_a_name_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / NOT_UTF8).write_text(ROW)

    with pytest.raises(UsageError, match=r"udcff' is not UTF-8"):
        choices.overrides([NOT_UTF8], [])
    with pytest.raises(UsageError, match=r"udcff' is not UTF-8"):
        choices.overrides([], [NOT_UTF8])
    with pytest.raises(BrokenError, match=r"udcff' is not UTF-8"):
        corpus_files.expand(str(tmp_path))


@pytest.mark.parametrize("name", ["what?", NOT_UTF8])
def test_a_store_where_no_database_can_be_is_refused_before_it_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="the store cannot be at"):
        preflight.look(settings.load(environment={}), tmp_path / name, ["curation"])


@pytest.mark.slow
def test_a_store_and_a_profile_in_a_folder_of_an_odd_name_are_used(tmp_path: Path) -> None:
    folder = tmp_path / "e 😀 #%'[1]\"\n*"
    (folder / "in").mkdir(parents=True)
    text = " ".join(f"The mill number {n} stands at the river, and its wall is repaired by hand." for n in range(9))
    (folder / "in" / "😀#%20?[1]*.jsonl").write_text(f'{{"text": "{text}"}}\n')
    (folder / "my 😀.toml").write_text("[embeddings]\ndimensions = 8\n")

    chosen = [*choices.overrides([str(folder / "in")], []), "runner=thread"]
    corpus.fn(str(folder / "my 😀.toml"), str(folder / "ws 😀"), chosen)

    with Store.read(folder / "ws 😀") as store:
        assert store.query("sources/all")["name"].to_list() == ["😀#%20?[1]*.jsonl"]
        assert store.query("rejections/all").is_empty()
