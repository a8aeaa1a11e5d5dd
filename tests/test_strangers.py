"""A store from elsewhere gives no orders: nothing is asked, read, told or written outside of it on its word."""

import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.exported import digests
from tests.hostile import VALUES
from wellspring.flows import cli
from wellspring.tasks.contracts import orders
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, UsageError, WellspringError
from wellspring.tasks.contracts.records import Source
from wellspring.tasks.contracts.settings import KEPT, Settings
from wellspring.tasks.io.storage import journal_file, links
from wellspring.tasks.io.storage.journal import Journal
from wellspring.tasks.io.storage.store import DATABASE, JOURNAL, Store, holder
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.running import runs

SECRET, VARIABLE = "canary-of-the-environment-0123456789", "AWS_SECRET_ACCESS_KEY"
JOB = (
    "INSERT INTO batches (role, endpoint, run_id, digest, state, job_id, reserved_micro_usd)"
    " VALUES ('generator', ?, 'r', '', 'submitted', 'batch_1', 0)"
)
EXAMPLES = Path(__file__).parents[1] / "deployments" / "sample" / "prompt-examples.jsonl"
OF_FOLDERS = {"papers", "keys", "sign", "verify", "push", "pull", "environment"}
NO_STORE = {"check-plugin", "init", "recipes", *OF_FOLDERS}  # they take none
SERVES = {"serve", "offline-model", "mcp"}  # until they are stopped; the first takes a profile of one's own
DECIDES = {"release", "releases", "rollback", "exclude", "include", "excluded"}
LOOKS = {
    "status",
    "impact",
    "review",
    "dashboard",
    "doctor",
    "trace",
    "forget",
    *DECIDES,
    *NO_STORE,
}  # by no settings of a store


@contextmanager
def recording() -> Iterator[tuple[str, list[str]]]:
    """Have a server that answers nothing of use, and yield its address and what it was asked."""
    heard: list[str] = []

    class Recorder(http.server.BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.connection.settimeout(1)
            heard.append(self.rfile.readline().decode("latin-1"))
            self.close_connection = True

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


def wishes(url: str, elsewhere: Path) -> dict[str, Any]:
    """Return settings with every order there is."""
    said: dict[str, Any] = json.loads(Settings().model_dump_json())
    asked = {"base_url": f"{url}/v1", "key_env": VARIABLE, "proxy": url}
    said["models"] |= asked | {"prices": str(elsewhere)}
    for name in ("generator", "judge", "responder", "embedder"):
        said["models"][name] |= {"model": f"m-{name}", "endpoints": [asked]}
        said["models"][name]["extra_headers"] = {"X-Tenant": f"env:{VARIABLE}"}
        said["models"][name]["extra_query"] = {"v": "hidden"}
    said["sources"]["corpora"] = [{"path": str(elsewhere)}, {"path": f"{url}/crawl.jsonl"}]
    said["seeds"]["paths"] = [str(elsewhere)]
    said["benchmarks"]["paths"] = {"b": str(elsewhere)}
    said["groundings"] |= {"search_url": f"{url}/search", "search_key_env": VARIABLE}
    said["embeddings"] |= {"embedder": "sentence_transformers", "model": str(elsewhere.parent), "revision": "main"}
    said["events"]["url"] = f"{url}/events"
    return said | {"runner": "dask", "dask_address": url.replace("http", "tcp")}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the user's that no store may read or change, and a secret in the environment."""
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(orders, "_noted", set[str]())
    file = tmp_path / "home" / "private.jsonl"
    file.parent.mkdir()
    file.write_text('{"text": "what is mine stays here"}\n')
    return file


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables and nothing in them, to be copied."""
    store = tmp_path_factory.mktemp("empty") / "ws"
    with Store.open(store):
        pass
    Journal(store / JOURNAL, owner="test").close()
    (store / KEPT).write_text(Settings().model_dump_json())
    return store


@pytest.fixture
def store_dir(tmp_path: Path, empty: Path) -> Path:
    """A store with nothing in it."""
    return shutil.copytree(empty, tmp_path / "ws")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A store that this user ran, with where his orders are noted, and the file that he named."""
    folder = tmp_path_factory.mktemp("mine")
    state, file = folder / "state", folder / "seeds.jsonl"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(state))
        chosen = [f'seeds.paths=["{file}"]', 'models.base_url="http://u:pw@mine.example/v1"']
        with runs.start("test", settings_.load(None, chosen), folder / "ws", quiet=True, may_mix=True):
            pass
    return folder / "ws", state, file


@pytest.fixture
def strange(tmp_path: Path, empty: Path, outside: Path) -> Iterator[tuple[Path, list[str]]]:
    """A stranger's store: settings with every order, a batch job at his server, a source that lies there."""
    store = shutil.copytree(empty, tmp_path / "ws")
    with recording() as (url, heard):
        with Store.open(store) as opened:
            opened.append("sources", [Source("s", "crawl", f"{url}/c.jsonl", "jsonl", None, "0" * 64, 9, "r")])
        with closing(journal_file.connect(store / JOURNAL)) as journal:
            journal.execute(JOB, (f"{url}/v1",))
        (store / KEPT).write_text(json.dumps(wishes(url, outside)))
        yield store, heard


def run(*words: str) -> tuple[int, str]:
    """Run a command in this process; returns its exit code, and all that it said."""
    result = CliRunner().invoke(cli.app, [*words])
    error = result.exception
    assert isinstance(error, WellspringError | SystemExit | None), repr(error)
    code = error.exit_code if isinstance(error, WellspringError) else result.exit_code
    return code, f"{result.output}{error or ''}"


def words_of(command: str, store: Path) -> list[str]:
    """Return a command as it is typed for a store whose settings it would go by, or which it looks at."""
    more = {
        "build": ["--profile", str(store / KEPT)],
        "estimate": ["--profile", str(store / KEPT)],
        "batches": ["--cancel", "all"],
        "trace": ["s", "--record"],
        "impact": ["--url", "http://x.example/"],
        "forget": ["--url", "http://x.example/"],
        "release": ["v1"],
        "diff": ["now", "v1"],
        "rollback": ["v1"],
        "exclude": ["s"],
        "include": ["s"],
        "environment": [str(store / "exports" / "x"), str(store.parent / "environment")],
        "init": [str(store.parent / "mine.toml")],
        "tune-prompt": ["href", "kind", "--examples", str(EXAMPLES)],
    }
    return [command, *more.get(command, []), *([] if command in NO_STORE else ["--store", str(store)])]


COMMANDS = sorted(each.__name__.replace("_", "-") for each in cli.COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted({*COMMANDS} - SERVES))
def test_a_strangers_store_gives_no_command_an_order(
    command: str, strange: tuple[Path, list[str]], outside: Path
) -> None:
    store, heard = strange
    before = digests(outside.parent)

    code, said = run(*words_of(command, store))

    assert heard == []
    assert SECRET not in said
    assert digests(outside.parent) == before
    assert not any(SECRET.encode() in path.read_bytes() for path in store.rglob("*") if path.is_file())
    if command not in LOOKS:
        assert code == 2
        assert f"models.judge.endpoints.0.key_env = '{VARIABLE}'" in said
        assert "--trust-store" in said


def test_a_refusal_names_every_order_and_shows_no_value_that_may_be_secret(outside: Path) -> None:
    found = orders.of(Settings.model_validate(wishes("http://there.example", outside)))

    said = orders.refusal(Path("ws/settings.json"), dict.fromkeys(found, "x\x1b[31m") | {"models.a.extra_query.v": "k"})

    names = {name.split(".")[0] for name in found}
    assert {"sources", "seeds", "benchmarks", "models", "groundings", "embeddings", "events", "dask_address"} == names
    assert {"models.prices", "models.judge.extra_headers.X-Tenant", "models.judge.endpoints.0.proxy"} <= set(found)
    assert "\x1b" not in said.message
    assert "and 30 more" in said.message or " more" in said.message


@pytest.mark.usefixtures("outside")
def test_what_this_user_ran_goes_on_without_a_question_also_where_it_was_moved_to(
    mine: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, state, file = mine
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copyfile(store / KEPT, moved / KEPT)

    again = [settings_.load(str(each / KEPT)) for each in (store, moved)]

    assert [one.seeds.paths for one in again] == [(str(file),)] * 2
    assert [one.models.judge.endpoints[0].base_url for one in again] == ["http://***@mine.example/v1"] * 2


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("where", ["events.url", "models.judge.endpoints.0.key_env", "seeds.paths", "dask_address"])
def test_one_changed_order_of_ones_own_store_is_refused_by_its_name(
    where: str, mine: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, state, _ = mine
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    said: Any = json.loads((store / KEPT).read_text())
    section = said
    *path, last = [int(part) if part.isdigit() else part for part in where.split(".")]
    for part in path:
        section = section[part]
    section[last] = ["/elsewhere"] if last == "paths" else "SOME_KEY_OF_MINE"
    (tmp_path / KEPT).write_text(json.dumps(said))

    with pytest.raises(UsageError, match=where) as refused:
        settings_.load(str(tmp_path / KEPT))

    assert refused.value.exit_code == 2


def test_what_the_command_line_and_the_environment_say_is_the_users_own(store_dir: Path, outside: Path) -> None:
    said: Any = json.loads(Settings().model_dump_json()) | {"dask_address": "tcp://here.example:1"}
    said["seeds"]["paths"] = [str(outside)]
    (store_dir / KEPT).write_text(json.dumps(said))
    mine = {"WELLSPRING_DASK_ADDRESS": "tcp://here.example:1"}

    chosen = settings_.load(str(store_dir / KEPT), [f'seeds.paths=["{outside}"]'], environment=mine)

    assert chosen.dask_address == "tcp://here.example:1"
    with pytest.raises(UsageError, match=r"seeds\.paths\.0") as refused:
        settings_.load(str(store_dir / KEPT), environment=mine)
    assert "dask_address" not in refused.value.message


def test_a_store_that_is_trusted_once_stays_so(store_dir: Path, outside: Path) -> None:
    (store_dir / KEPT).write_text(json.dumps(wishes("http://there.example", outside)))

    settings_.trust(str(store_dir / KEPT))
    orders._noted.clear()

    assert settings_.load(str(store_dir / KEPT)).events.url == "http://there.example/events"
    with pytest.raises(UsageError, match="profile of your own"):
        settings_.trust("smoke")


def test_where_nothing_can_be_noted_trust_holds_for_the_command(
    store_dir: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(outside))  # a file
    (store_dir / KEPT).write_text(json.dumps(wishes("http://there.example", outside)))

    settings_.trust(str(store_dir / KEPT))

    assert settings_.load(str(store_dir / KEPT)).dask_address
    assert not orders.note({"seeds.paths.0": "x"})


def test_a_record_is_read_from_an_address_only_where_this_user_had_it_read(outside: Path) -> None:
    orders.note_places(settings_.load(None, ['sources.corpora=[{path = "s3://mine/2026/*.gz"}]'], environment={}))

    assert orders.is_known_place("s3://mine/2026/a/b.gz")
    assert orders.is_known_place(str(outside))
    assert not any(map(orders.is_known_place, ["s3://mine/2025/b.gz", "http://there.example/", f"zip::{outside}"]))


def test_a_record_is_not_fetched_from_where_a_strangers_store_says(strange: tuple[Path, list[str]]) -> None:
    directory, heard = strange

    with Store.open(directory) as store, pytest.raises(BrokenError, match="an address that only the store names"):
        lineage.bytes_at(store, source_id="s", record_offset=0, record_length=9)

    assert heard == []


def fields(said: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where every value of nested settings is."""
    yield path
    pairs = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for key, value in pairs:
        yield from fields(value, (*path, key))


WISHES = wishes("http://there.example", Path("/home/x/private.jsonl"))
PLAIN: dict[str, Any] = json.loads(Settings().model_dump_json())
FIELDS = [path for path in fields(WISHES) if path]


@pytest.mark.slow
@settings(max_examples=100)
@given(st.sampled_from(FIELDS), st.sampled_from(sorted(VALUES)), st.sampled_from([PLAIN, WISHES]))
def test_an_odd_value_in_any_field_is_a_refusal_and_no_order(
    tmp_path_factory: pytest.TempPathFactory, path: tuple[Any, ...], value: str, start: dict[str, Any]
) -> None:
    said = json.loads(json.dumps(start))
    section = said
    for part in path[:-1]:
        if isinstance(part, int) and len(section) <= part:
            return
        section = section[part] if isinstance(part, int) else section.setdefault(part, {})
    if isinstance(section, list) and len(section) <= path[-1]:
        return
    section[path[-1]] = "@@@"
    file = tmp_path_factory.mktemp("odd") / KEPT
    file.write_text(json.dumps(said).replace('"@@@"', VALUES[value]), encoding="utf-8")

    try:
        chosen = settings_.load(str(file), environment={})
    except UsageError:
        return

    assert orders.of(chosen) == {}


LINKED = ["wellspring.lock", DATABASE, JOURNAL, "completions.lock", KEPT, "pages", "exports/a/deep", "indexes/f.json"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *(("status", name) for name in LINKED),
        *((command, "exports/a/deep") for command in sorted({*COMMANDS} - SERVES - NO_STORE)),
    ],
)
def test_a_link_inside_a_store_is_refused_by_name(command: str, name: str, store_dir: Path, outside: Path) -> None:
    place = store_dir / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside.parent if name == "pages" else outside)
    before = digests(outside.parent)

    code, said = run(*words_of(command, store_dir))

    assert code == 1
    assert str(place) in said.replace("\n", "")
    assert digests(outside.parent) == before


def test_the_store_itself_may_be_a_link_and_a_pipe_in_it_is_no_file(store_dir: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(store_dir)

    with Store.open(link):
        pass
    assert holder(link) is None
    os.mkfifo(store_dir / "indexes" / "pipe")
    with pytest.raises(BrokenError, match="indexes/pipe"):
        links.refuse(store_dir)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE MACRO count(x) AS 42", "macro count"),
        ("CREATE MACRO duckdb_tables() AS TABLE SELECT 'upgrades' AS table_name", "macro duckdb_tables"),
        ("CREATE MACRO max(x) AS 0", "macro max"),
        ("DROP TABLE seeds CASCADE; CREATE VIEW seeds AS FROM read_csv('{file}')", "view seeds"),
        ("CREATE SCHEMA system2", "schema system2"),
        ("DROP TABLE methods CASCADE; CREATE TABLE methods (stage VARCHAR DEFAULT (upper('x')))", "methods.stage"),
    ],
)
def test_a_database_with_anothers_functions_or_views_for_tables_is_refused(
    made: str, named: str, store_dir: Path, outside: Path
) -> None:
    with duckdb.connect(str(store_dir / DATABASE)) as connection:
        connection.execute(made.format(file=outside))

    code, said = run("status", "--store", str(store_dir))

    assert code == 1
    assert named in said
    assert "makes it anew from the journal" in said


def test_views_are_made_anew_and_those_of_other_names_read_nothing(store_dir: Path, outside: Path) -> None:
    with duckdb.connect(str(store_dir / DATABASE)) as connection:
        connection.execute("CREATE OR REPLACE VIEW valid_documents AS SELECT 'theirs' AS document_id")
        connection.execute(f"CREATE VIEW theirs AS FROM read_csv('{outside}')")

    with Store.open(store_dir) as store:
        assert store.count("documents/size") == 1
        assert "theirs" not in str(store._connection.sql("FROM valid_documents").fetchall())
        store.rewrite()
        with pytest.raises(duckdb.PermissionException):
            store._connection.sql("FROM theirs").fetchall()
