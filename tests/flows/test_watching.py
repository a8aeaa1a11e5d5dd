"""New archives start a run: once, when they are whole, and also when they came while nobody watched."""

import functools
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fsspec.config import conf

from tests.page_store import PAGES
from tests.prefect_server import Prefect, until
from wellspring.flows import serving, watching
from wellspring.flows.watching import Watch
from wellspring.tasks.io.storage.store import Store


def test_a_new_file_is_told_once_and_only_when_it_stands_still(tmp_path: Path) -> None:
    places, store = [str(tmp_path / "crawl")], tmp_path / "ws"
    (tmp_path / "crawl").mkdir()
    seen = Watch(places, store)
    looks = [seen.look(), seen.look()]
    with (tmp_path / "crawl" / "a.warc").open("w") as file:
        for _ in range(3):
            file.write("x")
            file.flush()
            looks.append(seen.look())
    looks.append(seen.look())
    seen.keep()
    looks.append(seen.look())

    assert looks == [False] * 5 + [True, False]
    assert not any([(again := Watch(places, store)).look(), again.look()])


def test_what_came_while_nobody_watched_is_new_and_what_went_is_not(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(name)
    seen = Watch([f"{tmp_path}/*.jsonl", str(tmp_path / "nowhere")], tmp_path / "ws")
    assert [seen.look(), seen.look()] == [False, True]
    seen.keep()
    (tmp_path / "a.jsonl").unlink()
    gone = [seen.look(), seen.look()]
    (tmp_path / "c.jsonl").write_text("c")
    later = Watch(seen.places, seen.store)

    assert gone == [False, False]
    assert [later.look(), later.look()] == [False, True]


def test_a_burst_of_files_is_one_run_and_one_that_is_written_for_ever_holds_nobody_back(tmp_path: Path) -> None:
    seen, said = Watch([str(tmp_path)], tmp_path / "ws"), list[bool]()
    for n in range(20):
        (tmp_path / f"{n}.jsonl").write_text("whole")
        if n % 4 == 0:
            said.append(seen.look())
    said += [seen.look(), seen.look()]
    seen.keep()
    (tmp_path / "late.jsonl").write_text("whole")
    with (tmp_path / "log.jsonl").open("w") as file:
        late = list[bool]()
        while not any(late) and len(late) < 2 * watching.MOST_WAITS:
            file.write("more")
            file.flush()
            late.append(seen.look())
        seen.keep()
    is_new_at_rest = seen.look()

    assert said == [False] * 6 + [True]
    assert late == [False] * watching.MOST_WAITS + [True]
    assert is_new_at_rest  # the log, once it stands still


@pytest.mark.parametrize("name", ["half.zip", "half.docx"])
def test_a_container_that_is_half_there_hides_nothing_beside_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "a.jsonl").write_text("{}")
    seen = Watch([str(tmp_path)], tmp_path / "ws")

    assert [seen.look(), seen.look()] == [False, True]


def test_a_file_comes_again_under_its_name_or_under_another_and_one_that_comes_back_is_not_new(tmp_path: Path) -> None:
    first, aside = tmp_path / "in" / "a.jsonl", tmp_path / "aside.jsonl"
    first.parent.mkdir()
    first.write_text("one")
    seen = Watch([str(first.parent)], tmp_path / "ws")

    def is_new() -> bool:
        found = [seen.look(), seen.look()][-1]
        if found:
            seen.keep()
        return found

    told = [is_new(), is_new()]
    first.write_text("two")
    told.append(is_new())
    first.rename(aside)
    told.append(is_new())
    aside.rename(first)
    told.append(is_new())
    first.rename(first.with_name("b.jsonl"))
    told.append(is_new())

    assert told == [True, False, True, False, False, True]


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A folder as a web server lists it, to who keeps what is listed as long as it lives: so buckets are kept."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setitem(conf, "http", {"use_listings_cache": True})
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


def test_what_comes_or_changes_on_a_server_is_seen_though_what_was_listed_is_kept(
    web: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = web
    (folder / "a.jsonl").write_text("a")
    told = list[bool]()
    seen = Watch([f"{url}/"], tmp_path / "ws")
    for name, text in (("a", "a"), ("b", "b"), ("a", "another")):
        (folder / f"{name}.jsonl").write_text(text)
        told += [seen.look(), seen.look()]
        seen.keep()

    assert told == [False, True] * 3


def test_what_is_wrong_with_a_place_is_said_once_and_other_places_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("a")
    said = list[str]()
    seen = Watch([str(tmp_path / "nowhere"), f"{tmp_path}/*.jsonl"], tmp_path / "ws", said.append)

    assert [seen.look(), seen.look(), seen.look()] == [False, True, True]
    assert len(said) == 1
    assert "there is no corpus at" in said[0]


def test_what_was_seen_in_a_place_that_was_away_for_a_while_is_not_new(tmp_path: Path) -> None:
    mount, away = tmp_path / "mount", tmp_path / "away"
    for name in ("mount", "here"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jsonl").write_text("a")
    seen = Watch([str(mount), str(tmp_path / "here")], tmp_path / "ws", lambda _: None)
    told = [seen.look(), seen.look()]
    seen.keep()
    mount.rename(away)
    (tmp_path / "here" / "b.jsonl").write_text("b")
    told += [seen.look(), seen.look()]
    seen.keep()
    away.rename(mount)

    assert [*told, seen.look(), seen.look()] == [False, True, False, True, False, False]


def test_a_run_is_started_when_the_one_before_has_ended_and_again_when_that_came_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("a")
    started, states = list[int](), ["", "Parked", "", "Parked", "Completed", "Failed"]
    looks = 0

    def start() -> str:
        started.append(looks)
        return "run"

    runs = watching.Runs(Watch([str(tmp_path)], tmp_path / "ws"), start, lambda _: states.pop(0))
    for looks in range(18):
        if looks == 12:
            (tmp_path / "b.jsonl").write_text("b")
        runs.look()

    assert started == [1, 4, 8, 13]  # after one look, and after three; then for what came later
    assert states == []


def test_what_a_store_that_lies_among_the_archives_writes_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("a")
    seen = Watch([str(tmp_path)], tmp_path / "ws")
    told = [seen.look(), seen.look()]
    seen.keep()

    assert [*told, seen.look(), seen.look()] == [False, True, False, False]


def test_a_watch_tries_again_when_a_run_could_not_be_started(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("a")
    tries, done = list[int](), threading.Event()

    def start() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("the server is away")
        done.set()
        return "run"

    end = watching.watch([str(tmp_path / "a.jsonl")], tmp_path / "ws", 0.01, start, lambda _: "Completed")
    is_started = done.wait(20)
    end()

    assert is_started
    assert len(tries) == 2
    assert (tmp_path / "ws" / watching.SEEN).is_file()


def test_what_a_watch_starts_is_a_deployment_that_is_declared() -> None:
    names = {f"{each.flow_name}/{each.name}" for each in serving.declared("smoke", "ws")}

    assert watching.DEPLOYMENT in names


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Prefect]:
    """A Prefect server that knows of no deployment yet."""
    started = Prefect(tmp_path)
    try:
        started.begin("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(started.port))
        if not started.comes_up():
            pytest.skip(f"no Prefect server starts here: {started.last_words()}")
        yield started
    finally:
        started.end()


def archive(path: Path, names: range) -> None:
    """Write an archive of one page for each name."""
    said = [
        {"url": f"https://{n}.example/", "text": f"Page {n} tells of boat {n * 7}. {PAGES['tides']}"} for n in names
    ]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in said), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_archives_that_come_while_it_serves_are_read_by_one_run_for_a_burst(server: Prefect, tmp_path: Path) -> None:
    folder, store, profile = tmp_path / "crawl", tmp_path / "ws", tmp_path / "mine.toml"
    profile.write_text('runner = "thread"\nthreads = 1\nsources.corpora = [{path = "crawl"}]\n', encoding="utf-8")
    serves = ("serve", "--watch", "2", "--profile", str(profile), "--store", str(store))
    log = server.folder / "wellspring-1.log"

    def runs() -> list[str]:
        found = server.runs(flow_runs={"tags": {"all_": ["new-archives"]}}, sort="START_TIME_ASC")
        return [one["state"]["name"] for one in found]

    def urls() -> set[str]:
        with Store.read(store) as opened:
            return set(opened.query("documents/all")["url"].to_list())

    def settled(number: int) -> list[str]:
        return until(lambda: (found := runs())[number - 1 :] and set(found) == {"Completed"} and found, "runs", 900)

    server.environment["COLUMNS"] = "200"
    server.begin("wellspring", *serves)
    until(lambda: "there is no corpus at" in log.read_text(encoding="utf-8"), "look at what is not there", 900)
    folder.mkdir()
    for n in range(20):
        archive(tmp_path / "part", range(5 * n, 5 * n + 5))
        (tmp_path / "part").rename(folder / f"{n}.jsonl")
    burst, first = settled(1), urls()
    archive(folder / "3.jsonl", range(200, 205))
    (folder / "4.jsonl").unlink()
    again, second = settled(2), urls()

    assert len(burst) == 1
    assert len(first) == 100
    assert len(again) == 2
    assert second - first == {f"https://{n}.example/" for n in range(200, 205)}
