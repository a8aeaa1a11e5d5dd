"""A Hub on loopback: it speaks as much of the Hugging Face Hub's API as a push, a pull and an `hf://` path need."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_loopbackTokenForTests"
_API = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(preupload|commit|revision|tree|paths-info)/([^/]+)(?:/(.*))?)?")
_RESOLVE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


class Hub:
    """What it holds, and what it was asked.

    Attributes:
        repos: Name -> path -> bytes.
        asked: Method, path, and authorization of each request.
        private: Names of datasets that a token alone may read.
    """

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.private: set[str] = set()
        self.large: dict[str, bytes] = {}
        self.commits = 0
        self.url = ""

    def sha(self, repo: str) -> str:
        """The commit that a dataset is at."""
        told = sorted((path, hashlib.sha256(data).hexdigest()) for path, data in self.repos[repo].items())
        return hashlib.sha1(json.dumps(told).encode()).hexdigest()


def entry(path: str, data: bytes) -> dict[str, Any]:
    """A file as the tree of a repository says it."""
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    told: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": blob}
    if path.endswith(".parquet"):
        told["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return told


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _answer(self, said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _no(self, status: int, code: str, said: str) -> None:
        self._answer({"error": said}, status, {"X-Error-Code": code, "X-Error-Message": said})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _do(self) -> None:
        body, path = self._body(), unquote(urlsplit(self.path).path)
        authorization = self.headers.get("Authorization", "")
        self.hub.asked.append((self.command, path, authorization))
        is_ours = authorization == f"Bearer {TOKEN}"
        if self.command == "PUT":
            self.hub.large[path.rpartition("/")[2]] = body
            self._answer({})
        elif path == "/api/validate-yaml":
            self._validate(json.loads(body)["content"])
        elif path == "/api/repos/create":
            self._create(json.loads(body), is_ours=is_ours)
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif match := _RESOLVE.fullmatch(path):
            self._resolve(match[1], match[3], is_ours=is_ours)
        elif match := _API.fullmatch(path):
            self._api(match, body, is_ours=is_ours)
        else:
            self._no(404, "", f"no such path {path}")

    do_GET = do_POST = do_PUT = do_HEAD = _do  # noqa: N815 - as the library calls them

    def _validate(self, content: str) -> None:
        header = yaml.safe_load(content.split("---")[1])
        errors = [] if "license" in header else [{"message": "license is missing"}]
        self._answer({"errors": errors, "warnings": []}, 400 if errors else 200)

    def _create(self, asked: dict[str, Any], *, is_ours: bool) -> None:
        if not is_ours:
            return self._no(401, "", f"Invalid token {self.headers.get('Authorization')}")
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.hub.repos:
            return self._answer({"url": f"{self.hub.url}/datasets/{name}"}, 409)
        self.hub.repos[name] = {".gitattributes": b"*.parquet filter=lfs\n"}
        self.hub.private |= {name} if asked.get("visibility") == "private" else set()
        return self._answer({"url": f"{self.hub.url}/datasets/{name}"})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = [
            one | {"authenticated": True, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}}}
            for one in asked["objects"]
        ]
        self._answer({"transfer": "basic", "objects": objects})

    def _api(self, match: re.Match[str], body: bytes, *, is_ours: bool) -> None:
        repo, what = match[1], match[2]
        if repo not in self.hub.repos or (repo in self.hub.private and not is_ours):
            return self._no(404, "RepoNotFound", "Repository not found")
        found = self.hub.repos[repo]
        if match[3] not in {None, "main", self.hub.sha(repo)}:
            return self._no(404, "RevisionNotFound", f"Invalid rev id: {match[3]}")
        if what == "commit":
            return self._commit(repo, body, is_ours=is_ours)
        if what == "preupload":
            asked = [one["path"] for one in json.loads(body)["files"]]
            modes = [{"path": p, "uploadMode": "lfs" if p.endswith("parquet") else "regular"} for p in asked]
            return self._answer({"files": [one | {"shouldIgnore": False} for one in modes]})
        if what in {"tree", "paths-info"}:
            under = match[4] or ""
            wanted = json.loads(body)["paths"] if what == "paths-info" else [p for p in found if p.startswith(under)]
            return self._answer(self._entries(found, wanted, is_tree=what == "tree", under=under))
        siblings = [{"rfilename": path} for path in sorted(found)]
        return self._answer({"id": repo, "sha": self.hub.sha(repo), "siblings": siblings, "private": False, "tags": []})

    def _entries(self, found: dict[str, bytes], wanted: list[str], *, is_tree: bool, under: str) -> list[Any]:
        if not is_tree:
            folders = {p for p in wanted if any(name.startswith(f"{p}/") for name in found)}
            told = [entry(p, found[p]) for p in wanted if p in found]
            return told + [{"type": "directory", "path": p, "oid": "0" * 40} for p in sorted(folders)]
        if "recursive=true" in self.path.lower():
            return [entry(p, found[p]) for p in sorted(wanted)]
        inside = {p: p[len(under) :].lstrip("/").split("/")[0] for p in wanted}
        direct = [entry(p, found[p]) for p, name in inside.items() if p.endswith(f"/{name}") or p == name]
        deeper = {
            f"{under}/{name}".lstrip("/") for p, name in inside.items() if not (p.endswith(f"/{name}") or p == name)
        }
        return direct + [{"type": "directory", "path": p, "oid": "0" * 40} for p in sorted(deeper)]

    def _commit(self, repo: str, body: bytes, *, is_ours: bool) -> None:
        if not is_ours:
            self._no(403, "", f"Forbidden for {self.headers.get('Authorization')}")
            return
        after = dict(self.hub.repos[repo])
        for line in body.decode().splitlines():
            told = json.loads(line)
            key, value = told["key"], told["value"]
            if key == "file":
                after[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                after[value["path"]] = self.hub.large[value["oid"]]
            elif key == "deletedFile":
                del after[value["path"]]
        self.hub.repos[repo] = after
        self.hub.commits += 1
        sha = self.hub.sha(repo)
        self._answer({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.url}/datasets/{repo}/commit/{sha}"})

    def _resolve(self, repo: str, path: str, *, is_ours: bool) -> None:
        if repo not in self.hub.repos or (repo in self.hub.private and not is_ours):
            return self._no(404, "RepoNotFound", "Repository not found")
        if path not in self.hub.repos[repo]:
            return self._no(404, "EntryNotFound", "Entry not found")
        data = self.hub.repos[repo][path]
        named = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": self.hub.sha(repo)}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            return self._answer(data, 200, named)
        start, stop = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        span = {"Content-Range": f"bytes {start}-{stop}/{len(data)}"}
        return self._answer(data[start : stop + 1], 206, named | span)


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve a Hub for the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
