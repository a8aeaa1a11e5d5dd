"""Runs without what a test does not look at: what it does look at is the same, and sooner there."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wellspring.tasks.io import suites
from wellspring.tasks.spine import pages


@contextmanager
def unaudited() -> Iterator[None]:
    """Hold no row against a suite: each table is published as it was written."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(suites, "check", lambda *_: [])
        yield


@contextmanager
def pageless() -> Iterator[None]:
    """Write no pages."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "write_site", lambda store: store.pages / "index.html")
        yield
