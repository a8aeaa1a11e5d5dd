"""Which code this is: the versions of what an answer depends on, and the commit of a checkout of ours."""

import functools
import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[3]
_NAME = "wellspring"
_PACKAGES = ("wellspring", "prefect", "duckdb", "polars", "openai", "great-expectations", "faiss-cpu", "faiss-gpu")


@functools.lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions of Python and of what the answer may depend on."""
    found = {"python": sys.version.split()[0]}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.lru_cache(maxsize=1)
def commit() -> str:
    """Return the commit this code was checked out at; where there is no checkout of ours, its version."""
    return (_git("rev-parse", "HEAD") if _is_ours() else "") or versions().get(_NAME, "released")


def _is_ours() -> bool:
    """Whether this folder is the root of a repository of ours that keeps this file.

    The folder around an environment is often a repository: of somebody else, or a clone of ours.
    """
    try:
        said = tomllib.loads((_PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if said.get("project", {}).get("name") != _NAME:
        return False
    return not _git("rev-parse", "--show-cdup") and bool(_git("ls-files", "--", "tasks/spine/running/origin.py"))


def _git(*arguments: str) -> str:
    """Return what git says of this folder, in one line; nothing where it knows none. A hook's GIT_DIR is not asked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            ["git", "-C", str(_PROJECT), *arguments],  # noqa: S607 - git as the person has it
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
