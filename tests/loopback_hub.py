"""A small Hub over HTTP on 127.0.0.1, to test pushing and loading with the clients of the libraries.

`huggingface_hub` reads `HF_ENDPOINT` when it is imported. Therefore each client must run in its own process, with the
environment of [`LoopbackHub.environment`].
"""

import os
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from loopback_repository import Repository
from loopback_routes import ROUTES, RefusalError, Reply, Request


class LoopbackHub:
    """Serves repositories of models and data sets on a free port of 127.0.0.1 while its context is open.

    `requests` logs each request as `"METHOD /path"`.

    Example:
        ```python
        with LoopbackHub() as hub:
            hub.add_dataset("tester/data", folder)
            subprocess.run(command, env=hub.environment(tmp_path / "home"))
            hub.repository("models", "tester/pushed").files["config.json"]
        ```
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.large_files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.lock = threading.Lock()

    def __enter__(self) -> "LoopbackHub":
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def repository(self, kind: str, repo_id: str) -> Repository:
        """The repository of this kind (`"models"` or `"datasets"`) and id. Raises `KeyError` if there is none."""
        return self.repositories[kind, repo_id]

    def add_model(self, repo_id: str, folder: str | os.PathLike[str]) -> Repository:
        """Commits the files of a local folder to the repository of a model. Creates the repository if needed."""
        return self._add("models", repo_id, Path(folder))

    def add_dataset(self, repo_id: str, folder: str | os.PathLike[str]) -> Repository:
        """Commits the files of a local folder to the repository of a data set. Creates the repository if needed."""
        return self._add("datasets", repo_id, Path(folder))

    def _add(self, kind: str, repo_id: str, folder: Path) -> Repository:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        if not files:
            raise ValueError(f"{folder} contains no files")
        repository = self.repositories.setdefault((kind, repo_id), Repository(repo_id))
        repository.commit({**repository.files, **files})
        return repository

    def environment(self, home: str | os.PathLike[str]) -> dict[str, str]:
        """Environment of a client process: that of this process, with this Hub as endpoint and caches in `home`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        return {
            **kept,
            "HF_ENDPOINT": self.endpoint,
            "HF_TOKEN": "hf_loopback",
            "HF_HOME": os.fspath(home),
            "HF_HUB_OFFLINE": "0",
            "TRANSFORMERS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def answer(self, request: Request) -> Reply:
        """Finds the route of a request and answers it."""
        self.requests.append(f"{request.method} {urllib.parse.unquote(request.path)}")
        for methods, pattern, respond in ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and request.method in methods.split():
                parts = {name: urllib.parse.unquote(text) for name, text in match.groupdict("").items()}
                try:
                    return respond(self, request, **parts)
                except RefusalError as error:
                    return error.reply
        return Reply({"error": f"no route for {request.method} {request.path}"}, 404)

    def find(self, kind: str, repo: str) -> Repository:
        """Repository of a request. Raises the error of the Hub if there is none."""
        found = self.repositories.get((kind or "models", repo))
        if found is None:
            raise RefusalError(404, "Repository not found", "RepoNotFound")
        return found

    def find_files(self, kind: str, repo: str, revision: str) -> tuple[str, dict[str, bytes]]:
        """Commit hash and files of a request. Raises the error of the Hub if there are none."""
        repository = self.find(kind, repo)
        sha = repository.resolve(revision or "main")
        if sha is None:
            raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha, repository.commits[sha]


class _Handler(BaseHTTPRequestHandler):
    """Converts between HTTP and [`Request`] / [`Reply`]."""

    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing. The Hub has its own log of requests."""

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _respond(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        reply = self.hub.answer(Request(self.command, url.path, query, self.headers, self._read_body()))
        kind = "application/octet-stream" if isinstance(reply.body, bytes) else "application/json"
        self.send_response(reply.status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(reply.payload)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.payload)

    do_GET = do_HEAD = do_POST = do_PUT = _respond
