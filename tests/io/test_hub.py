"""The Hub: a folder goes up in one commit and comes back byte for byte, and no word holds the token."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import wellspring
from tests import hub_server
from tests.hub_server import TOKEN, Hub
from wellspring.tasks import documents, seeds, sources
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import signatures
from wellspring.tasks.io.corpora import corpus_files
from wellspring.tasks.io.protocol import hub as door
from wellspring.tasks.spine.running.runs import Run

constants = pytest.importorskip("huggingface_hub.constants")
pytestmark = pytest.mark.filterwarnings("ignore:Use .content:DeprecationWarning")  # the library, of its own client
ADDRESS = "hf://mill/loaves"
CARD = "---\nlicense: cc0-1.0\nlanguage:\n- en\n---\n\n# loaves\n"
TEXT = "The kettle stood on the stove for an hour before anyone thought of it, on a day of the long cold month. " * 3


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub on loopback, and the library turned to it."""
    with hub_server.serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)  # as a process that begins with HF_ENDPOINT has them
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small dataset with its card and manifest."""
    place = tmp_path / "dataset"
    (place / "messages").mkdir(parents=True)
    (place / "README.md").write_text(CARD)
    (place / "messages" / "train.jsonl").write_text('{"instruction": "How is a loaf baked in a small oven?"}\n' * 3)
    pq.write_table(pa.table({"text": [TEXT + str(n) for n in range(3)]}), place / "messages" / "train.parquet")
    (place / "manifest.json").write_text(described(place))
    return place


def described(place: Path) -> str:
    paths = [path for path in signatures.listed(place) if path != "manifest.json"]
    files = [
        {"path": p, "bytes": (place / p).stat().st_size, "sha256": sha256((place / p).read_bytes()).hexdigest()}
        for p in paths
    ]
    return json.dumps({"files": files})


def contents(place: Path) -> dict[str, bytes]:
    return {path: (place / path).read_bytes() for path in signatures.listed(place)}


def test_what_was_pushed_is_pulled_byte_for_byte(hub: Hub, folder: Path, tmp_path: Path) -> None:
    pushed = wellspring.push(ADDRESS, folder)
    pulled = wellspring.pull(ADDRESS, tmp_path / "pulled")

    assert contents(tmp_path / "pulled") == contents(folder)
    assert hub.repos["mill/loaves"].keys() - {".gitattributes"} == contents(folder).keys()
    assert hub.private == {"mill/loaves"}
    assert (hub.commits, pushed["commit"]) == (1, pulled["commit"])
    assert sum(method == "PUT" for method, _, _ in hub.asked) == 1  # the table, as a large file
    assert not list(tmp_path.glob(".pulled*"))


def test_a_second_push_sends_what_changed_and_removes_what_is_gone(hub: Hub, folder: Path) -> None:
    wellspring.push(ADDRESS, folder)
    idle = wellspring.push(ADDRESS, folder)
    (folder / "messages" / "train.jsonl").unlink()
    (folder / "README.md").write_text(CARD + "More.\n")
    (folder / "manifest.json").write_text(described(folder))
    again = wellspring.push(ADDRESS, folder)

    assert (idle["added"], idle["removed"], idle["commit"]) == ([], [], "")
    assert (again["added"], again["removed"]) == (["README.md", "manifest.json"], ["messages/train.jsonl"])
    assert again["unchanged"] == 1
    assert hub.commits == 2
    assert "messages/train.jsonl" not in hub.repos["mill/loaves"]


def test_a_dry_run_says_what_would_be_sent_and_only_looks(hub: Hub, folder: Path) -> None:
    plan = wellspring.push(ADDRESS, folder, dry_run=True)

    assert plan["added"] == signatures.listed(folder)
    assert {method for method, _, _ in hub.asked} == {"GET"}
    assert hub.repos == {}


def test_no_error_and_no_file_holds_the_token(
    hub: Hub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "hf_wrongTokenOfSomebody"
    monkeypatch.setenv("HF_TOKEN", wrong)
    with pytest.raises(UsageError, match="401") as refused:
        wellspring.push(ADDRESS, folder)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UsageError, match="HF_TOKEN is not set"):
        wellspring.push(ADDRESS, folder)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    wellspring.push(ADDRESS, folder)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UsageError, match="no dataset mill/loaves"):
        wellspring.pull(ADDRESS, tmp_path / "pulled")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert wrong not in str(refused.value)
    assert TOKEN.encode() not in written
    assert wrong.encode() not in written
    assert {sent for _, _, sent in hub.asked} == {"", f"Bearer {TOKEN}", f"Bearer {wrong}"}


def test_a_token_of_a_login_is_not_read(
    hub: Hub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN")

    wellspring.push(ADDRESS, folder, dry_run=True)

    assert {sent for _, _, sent in hub.asked} == {""}


def test_a_damaged_folder_and_a_bad_card_are_not_sent(hub: Hub, folder: Path) -> None:
    (folder / "messages" / "train.jsonl").write_text("{}")
    with pytest.raises(BrokenError, match=r"messages/train\.jsonl: has 2 bytes"):
        wellspring.push(ADDRESS, folder)
    (folder / "README.md").write_text("---\nlanguage: [\n---\n")
    (folder / "manifest.json").write_text(described(folder))
    with pytest.raises(UsageError, match=r"the header of README\.md is refused"):
        wellspring.push(ADDRESS, folder)
    (folder / "README.md").write_text("---\npretty_name: loaves\n---\n")
    (folder / "manifest.json").write_text(described(folder))
    with pytest.raises(UsageError, match="license is missing"):  # the Hub's own validation says so
        wellspring.push(ADDRESS, folder)

    (folder / "manifest.json").unlink()
    (folder / "link").symlink_to(folder.parent)
    with pytest.raises(BrokenError, match=r"manifest\.json: is missing"):
        wellspring.push(ADDRESS, folder)

    assert hub.commits == 0


def test_what_does_not_come_as_its_manifest_says_is_not_put_in_place(hub: Hub, folder: Path, tmp_path: Path) -> None:
    wellspring.push(ADDRESS, folder)
    hub.repos["mill/loaves"]["messages/train.jsonl"] += b"{}\n"
    with pytest.raises(BrokenError, match=r"messages/train\.jsonl"):
        wellspring.pull(ADDRESS, tmp_path / "pulled")
    hub.repos["mill/loaves"]["../outside"] = b"x"
    with pytest.raises(BrokenError, match=r"a file named '\.\./outside'"):
        wellspring.pull(ADDRESS, tmp_path / "pulled")

    assert {path.name for path in tmp_path.iterdir()} == {"dataset"}
    with pytest.raises(UsageError, match="is there already"):
        wellspring.pull(ADDRESS, folder)


@pytest.mark.parametrize("address", ["mill/loaves", "hf://mill", "hf://mill/loaves/x/y", "hf://../etc", "hf://a/b@..x"])
def test_an_address_that_names_no_dataset_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="names no dataset"):
        door.place_of(address)


@pytest.mark.usefixtures("hub")
def test_a_hub_that_does_not_answer_is_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(TransientError, match="cannot be reached"):
        wellspring.pull(ADDRESS, tmp_path / "pulled")


@pytest.mark.slow
@pytest.mark.usefixtures("hub")
def test_pages_and_seeds_are_read_from_the_hub(
    folder: Path,
    settings: Callable[..., Settings],
    start: Callable[[Settings], AbstractContextManager[Run]],
    store_dir: Path,
) -> None:
    wellspring.push(ADDRESS, folder)
    pages, asked = f"{ADDRESS}/messages/*.parquet", f"{ADDRESS}/messages/train.jsonl"

    chosen = settings("runner=thread", sources={"corpora": [{"path": pages}]}, seeds={"paths": [asked]})
    with start(chosen) as run:
        sources.register(run)
        read = documents.extract(run).counts
        kept = seeds.ingest(run).counts
        named = run.store.query("sources/all").to_dicts()

    assert (read.rows_out, kept.rows_out) == (3, 1)
    assert corpus_files.expand(pages) == ["hf://datasets/mill/loaves/messages/train.parquet"]
    assert {source["sha256"] for source in named} == {
        sha256((folder / "messages" / name).read_bytes()).hexdigest() for name in ("train.parquet", "train.jsonl")
    }
    held = b"".join(path.read_bytes() for path in store_dir.rglob("*") if path.is_file())
    assert TOKEN.encode() not in held
