"""New archives start a run: once, when they are whole, and also when they came while nobody watched."""

import threading
from pathlib import Path

from wellspring.flows import serving, watching
from wellspring.flows.watching import Watch


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


def test_a_watch_tries_again_when_a_run_could_not_be_started(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("a")
    tries, done = list[int](), threading.Event()

    def start() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("the server is away")
        done.set()

    end = watching.watch([str(tmp_path / "a.jsonl")], tmp_path / "ws", 0.01, start)
    is_started = done.wait(20)
    end()

    assert is_started
    assert len(tries) == 2
    assert (tmp_path / "ws" / watching.SEEN).is_file()


def test_what_a_watch_starts_is_a_deployment_that_is_declared() -> None:
    names = {f"{each.flow_name}/{each.name}" for each in serving.declared("smoke", "ws")}

    assert watching.DEPLOYMENT in names
