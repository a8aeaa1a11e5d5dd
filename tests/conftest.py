"""What many tests start from: a store in a temporary folder, settings for it, and the shared corpora where they are."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import light
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.site import ending
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.running.runs import Run

SHARED = Path(__file__).parents[1].parent / "shared" / "data"

os.environ.update(
    DO_NOT_TRACK="1",
    GX_ANALYTICS_ENABLED="false",
    HF_HUB_OFFLINE="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
)
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 6 * 2**30  # what has to be free there

if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:  # a test's files need not outlive a power cut
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

hypothesis.settings.register_profile("house", deadline=None)  # a busy machine is no counterexample
hypothesis.settings.load_profile("house")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest, so that no worker is left alone with it; the fast part comes last."""

    def haste(item: pytest.Item) -> tuple[bool, float]:
        given = item.get_closest_marker("timeout")
        return item.get_closest_marker("slow") is None, -float(given.args[0]) if given else 0.0

    items.sort(key=haste)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real corpora beside the project (`../shared/data`), or a skip that says so."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data, which is not here")
    return SHARED


@pytest.fixture
def store_dir(tmp_path: Path) -> Path:
    """Where this test's store is."""
    return tmp_path / "ws"


@pytest.fixture
def settings() -> Callable[..., Settings]:
    """Make settings: `settings("limit=3", seeds={"paths": [...]})`; the models are the offline stand-in.

    Any page fits a seed, unless a test says otherwise: the stand-in searches for words out of its prompt. Texts are
    embedded by `hashing`, which is there on any machine and fast.
    """

    def make(*overrides: str, **extra: Any) -> Settings:
        embeddings = {"embedder": "hashing"} | extra.get("embeddings", {})
        asked = extra | {"embeddings": embeddings}
        return settings_.load(None, ("groundings.min_fit=0", *overrides), environment={}, extra=asked)

    return make


@pytest.fixture
def start(store_dir: Path) -> Callable[[Settings], AbstractContextManager[Run]]:
    """Begin a run on this test's store, as a context manager; one role may be scripted beside the stand-in."""

    def begin(chosen: Settings, *, with_pages: bool = False) -> AbstractContextManager[Run]:
        then = ending.show if with_pages else None
        return runs.start("test", chosen, store_dir, quiet=True, may_mix=True, has_readers=with_pages, then=then)

    return begin


@pytest.fixture
def unaudited() -> Iterator[None]:
    """Runs in this process hold no row against a suite: for tests that look at no audit, in two thirds of the time."""
    with light.unaudited():
        yield


@pytest.fixture
def pageless() -> Iterator[None]:
    """Runs in this process write no pages: for tests that look at none."""
    with light.pageless():
        yield


@pytest.fixture(scope="session", autouse=True)
def _orders_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests order is noted apart from what a developer did."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own endpoint and profile must not reach a test."""
    for name in list(os.environ):
        if name.startswith("WELLSPRING_") or name in {"OPENAI_API_KEY", "OPENAI_BASE_URL", "PREFECT_API_URL"}:
            monkeypatch.delenv(name)
