"""What stands for other files: ZIP, WACZ and TAR, lists of paths, and crawls by their names.

A file in a container has an address of its own (`zip://page.html::/path/to/a.zip`), so it is read, cut in ranges and
traced as any other. A list (`warc.paths.gz`) names its files from the server that it is on; one that lies here names
files beside it, or Common Crawl's. `CC-MAIN-2024-10/wet` is the list of that crawl. What is named outside of these
places by a list is refused: a list may come from a stranger.
"""

import posixpath
import re
from pathlib import Path
from urllib.parse import urlsplit

import fsspec

from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.io.corpora import streams
from wellspring.tasks.io.corpora.streams import Window

CRAWLS = "https://data.commoncrawl.org/"
MOST_LIST_BYTES = 2**26
_CRAWL = re.compile(r"^(.*?)(?:crawl-data/)?(CC-MAIN-\d{4}-\d{2}(?:-\w+)?)(?:/(warc|wet|robotstxt))?/?$")
_LIST = re.compile(r"(?:^|[./])paths(?:\.(?:gz|txt|txt\.gz))?$", re.IGNORECASE)
_CONTAINERS = {"zip": (".zip", ".wacz"), "tar": (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")}


def crawl(path: str) -> str:
    """Return the list of files that the name of a crawl stands for; empty where it is no such name."""
    named = _CRAWL.match(path)
    return f"{named[1] or CRAWLS}crawl-data/{named[2]}/{named[3] or 'warc'}.paths.gz" if named else ""


def inside(uri: str) -> list[str] | None:
    """Return the files that a container or a list stands for, in order; None where a file is neither.

    Raises:
        BrokenError: It cannot be opened, or it names files that it may not.
    """
    if _LIST.search(uri):
        return _listed(uri)
    protocol = next((one for one, ends in _CONTAINERS.items() if uri.lower().endswith(ends)), "")
    if not protocol or "::" in uri:
        return None
    outer = uri if "://" in uri else str(Path(uri).absolute())
    try:
        held = fsspec.filesystem(protocol, fo=outer)
        names = sorted(name.lstrip("/") for name in held.find(""))
    except Exception as error:  # each library of containers has its own
        raise BrokenError(f"{uri} cannot be opened: {error}", hint="is it whole? fetch it again") from error
    if uri.lower().endswith(".wacz"):
        names = [name for name in names if name.startswith("archive/")]
    return [f"{protocol}://{name}::{outer}" for name in names]


def _listed(uri: str) -> list[str]:
    try:
        with streams.inflated(uri) as read:
            lines = Window(read).take(MOST_LIST_BYTES).decode("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenError(f"the list {uri} cannot be read: {error}", hint="is it whole? fetch it again") from error
    return [resolved(uri, line) for line in lines]


def resolved(index: str, name: str) -> str:
    """Return the address of a file that a list or an index names.

    Raises:
        BrokenError: It lies elsewhere than beside the list, on its server, or with Common Crawl.
    """
    base = index.partition("crawl-data/")[0] if "crawl-data/" in index else posixpath.dirname(index) + "/"
    near = {urlsplit(base).netloc, urlsplit(CRAWLS).netloc, "commoncrawl"} - {""}
    if "://" in name and urlsplit(name).scheme in {"http", "https", "s3"} and urlsplit(name).netloc in near:
        return name
    if "://" in name or name.startswith("/") or ".." in name.split("/"):
        raise BrokenError(f"{index} names {name}, which is not beside it", hint="give that file as a corpus of its own")
    if "://" in base or not name.startswith("crawl-data/") or Path(base, name).exists():
        return base + name
    return CRAWLS + name
