"""Routes of the loopback Hub: one function per request, and the routing table."""

import base64
import hashlib
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any

from loopback_repository import Repository, is_large, object_id

if TYPE_CHECKING:
    from loopback_hub import LoopbackHub

KINDS = ("models", "datasets")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message  # the names are case-insensitive, as in HTTP
    body: bytes


@dataclass
class Reply:
    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class RefusalError(Exception):
    """Error reply in the format of the Hub. Clients distinguish the kinds of error by `X-Error-Code`."""

    def __init__(self, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        named = {"X-Error-Code": code} if code else {}
        self.reply = Reply({"error": message}, status, {"X-Error-Message": message, **named, **(headers or {})})


def _require_token(request: Request) -> None:
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        raise RefusalError(401, "Invalid username or password.")


def _whoami(hub: "LoopbackHub", request: Request) -> Reply:
    _require_token(request)
    access = {"type": "access_token", "accessToken": {"displayName": "loopback", "role": "write"}}
    return Reply({"name": "tester", "type": "user", "orgs": [], "auth": access})


def _create(hub: "LoopbackHub", request: Request) -> Reply:
    _require_token(request)
    asked = json.loads(request.body)
    kind = (asked.get("type") or "model") + "s"
    if kind not in KINDS:
        raise RefusalError(400, f"this Hub supports {' and '.join(KINDS)}, not {kind}")
    repo_id = f"{asked.get('organization') or 'tester'}/{asked['name']}"
    url = f"{hub.endpoint}/{'' if kind == 'models' else kind + '/'}{repo_id}"
    with hub.lock:
        if (kind, repo_id) in hub.repositories:
            return Reply({"error": "You already created this repository", "url": url}, 409)
        hub.repositories[kind, repo_id] = Repository(repo_id)
    return Reply({"url": url, "name": repo_id, "id": repo_id}, 201)


def _validate_yaml(hub: "LoopbackHub", request: Request) -> Reply:
    return Reply({"errors": [], "warnings": []})


def _preupload(hub: "LoopbackHub", request: Request, kind: str, repo: str, revision: str) -> Reply:
    _, held = hub.find_files(kind, repo, revision)
    paths = [file["path"] for file in json.loads(request.body)["files"]]
    answers = [
        {
            "path": path,
            "uploadMode": "lfs" if is_large(path) else "regular",
            "shouldIgnore": False,
            "oid": object_id(path, held[path]) if path in held else None,
        }
        for path in paths
    ]
    return Reply({"files": answers})


def _lfs_batch(hub: "LoopbackHub", request: Request, kind: str, repo: str) -> Reply:
    _require_token(request)
    hub.find(kind, repo)
    objects = []
    for wanted in json.loads(request.body)["objects"]:
        answer = {"oid": wanted["oid"], "size": wanted["size"]}
        # An object that is already stored has no upload action, so the client skips it.
        if wanted["oid"] not in hub.large_files:
            answer["actions"] = {"upload": {"href": f"{hub.endpoint}/lfs/{wanted['oid']}", "header": {}}}
        objects.append(answer)
    return Reply({"transfer": "basic", "objects": objects})


def _lfs_put(hub: "LoopbackHub", request: Request, oid: str) -> Reply:
    if hashlib.sha256(request.body).hexdigest() != oid:
        raise RefusalError(400, f"the content does not have the sha256 {oid}")
    hub.large_files[oid] = request.body
    return Reply()


def _commit(hub: "LoopbackHub", request: Request, kind: str, repo: str, revision: str) -> Reply:
    _require_token(request)
    with hub.lock:
        _, held = hub.find_files(kind, repo, revision)
        files = dict(held)
        for line in request.body.splitlines():
            operation = json.loads(line)
            _apply(hub, files, operation["key"], operation["value"])
        sha = hub.find(kind, repo).commit(files)
    url = f"{hub.endpoint}/{'' if kind == 'models' else kind + '/'}{repo}/commit/{sha}"
    return Reply({"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})


def _apply(hub: "LoopbackHub", files: dict[str, bytes], key: str, value: dict[str, str]) -> None:
    if key == "file":
        files[value["path"]] = base64.b64decode(value["content"])
    elif key == "lfsFile":
        if value["oid"] not in hub.large_files:
            raise RefusalError(400, f"{value['path']} was committed before its content was uploaded")
        files[value["path"]] = hub.large_files[value["oid"]]
    elif key == "deletedFile":
        files.pop(value["path"], None)
    elif key == "deletedFolder":
        folder = value["path"].rstrip("/") + "/"
        for path in [path for path in files if path.startswith(folder)]:
            del files[path]
    elif key != "header":
        raise RefusalError(400, f"unknown operation {key!r} in a commit")


def _entry(path: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    if path not in files:
        return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode()).hexdigest()}
    content = files[path]
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": object_id(path, content)}
    if is_large(path):
        entry["lfs"] = {"oid": entry["oid"], "size": len(content), "pointerSize": 130}
    return entry


def _info(hub: "LoopbackHub", request: Request, kind: str, repo: str, revision: str = "") -> Reply:
    sha, files = hub.find_files(kind, repo, revision)
    siblings = [{"rfilename": path, "size": len(content)} for path, content in sorted(files.items())]
    counts = {"downloads": 0, "likes": 0, "tags": [], "private": False, "gated": False, "disabled": False}
    return Reply({"_id": "0", "id": repo, "author": repo.split("/")[0], "sha": sha, "siblings": siblings, **counts})


def _tree(hub: "LoopbackHub", request: Request, kind: str, repo: str, revision: str, path: str) -> Reply:
    _, files = hub.find_files(kind, repo, revision)
    inside = path.strip("/") + "/" if path.strip("/") else ""
    recursive = request.query.get("recursive", ["false"])[0].lower() in ("true", "1")
    listed = set()
    for name in files:
        if name.startswith(inside):
            steps = name.removeprefix(inside).split("/")
            above = {inside + "/".join(steps[:depth]) for depth in range(1, len(steps) + 1)}
            listed |= above if recursive else {inside + steps[0]}
    if inside and not listed:
        raise RefusalError(404, f"{path} does not exist", "EntryNotFound")
    return Reply([_entry(name, files) for name in sorted(listed)])


def _paths_info(hub: "LoopbackHub", request: Request, kind: str, repo: str, revision: str) -> Reply:
    _, files = hub.find_files(kind, repo, revision)
    if request.headers.get("Content-Type", "").startswith("application/json"):
        paths = json.loads(request.body)["paths"]
    else:
        paths = urllib.parse.parse_qs(request.body.decode()).get("paths", [])
    known = [path for path in paths if path in files or any(name.startswith(f"{path}/") for name in files)]
    return Reply([_entry(path, files) for path in known])


def _refs(hub: "LoopbackHub", request: Request, kind: str, repo: str) -> Reply:
    branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": hub.find(kind, repo).head}
    return Reply({"branches": [branch], "tags": [], "converts": [], "pullRequests": []})


def _download(hub: "LoopbackHub", request: Request, kind: str, repo: str, revision: str, path: str) -> Reply:
    sha, files = hub.find_files(kind, repo, revision)
    headers = {"X-Repo-Commit": sha}
    if path not in files:
        raise RefusalError(404, "Entry not found", "EntryNotFound", headers)
    content = files[path]
    headers |= {"ETag": f'"{object_id(path, content)}"', "Accept-Ranges": "bytes"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    if wanted is None:
        return Reply(content, 200, headers)
    first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
    if first > last:
        raise RefusalError(416, "Range not satisfiable", headers={"Content-Range": f"bytes */{len(content)}"})
    return Reply(content[first : last + 1], 206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"})


_API = r"/api/(?P<kind>models|datasets)/(?P<repo>[^/]+(?:/[^/]+)?)"
_PAGE = r"/(?:(?P<kind>datasets)/)?(?P<repo>[^/]+(?:/[^/]+)?)"
_REVISION = r"/(?P<revision>[^/]+)"

ROUTES: list[tuple[str, str, Callable[..., Reply]]] = [
    ("GET", r"/api/whoami-v2", _whoami),
    ("POST", r"/api/repos/create", _create),
    ("POST", r"/api/validate-yaml", _validate_yaml),
    ("POST", _API + r"/preupload" + _REVISION, _preupload),
    ("POST", _API + r"/commit" + _REVISION, _commit),
    ("POST", _API + r"/paths-info" + _REVISION, _paths_info),
    ("GET", _API + r"/tree" + _REVISION + r"(?P<path>(?:/.*)?)", _tree),
    ("GET", _API + r"/revision" + _REVISION, _info),
    ("GET", _API + r"/refs", _refs),
    # The last API route, because its pattern would match `/refs` as the second half of an id.
    ("GET HEAD", _API, _info),
    ("POST", _PAGE + r"\.git/info/lfs/objects/batch", _lfs_batch),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", _lfs_put),
    ("GET HEAD", _PAGE + r"/resolve" + _REVISION + r"/(?P<path>.+)", _download),
]
