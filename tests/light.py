"""Runs without what a test does not look at: what it does look at is the same, and sooner there."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wellspring.tasks.io import suites
from wellspring.tasks.site import ending
from wellspring.tasks.spine.vectors import dataset_measures


@contextmanager
def unaudited() -> Iterator[None]:
    """Hold no row against a suite: each table is published as it was written."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(suites, "check", lambda *_: [])
        yield


@contextmanager
def pageless() -> Iterator[None]:
    """Write no pages, and place no dots on the map that one of them shows."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dataset_measures, "_points", lambda *_: [])
        patched.setattr(ending, "drawn", lambda _: [])
        yield
