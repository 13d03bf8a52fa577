"""Repositories of the loopback Hub: lists of commits, each with all its files."""

import hashlib
import itertools
from collections.abc import Mapping

LARGE_SUFFIXES = (".safetensors", ".bin", ".pt", ".onnx", ".parquet", ".arrow")


def is_large(path: str) -> bool:
    """Whether the Hub would store this file with LFS."""
    return path.endswith(LARGE_SUFFIXES)


def object_id(path: str, content: bytes) -> str:
    """Id of a file: sha256 of a large file, git blob hash of another. Clients skip files with an unchanged id."""
    if is_large(path):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Repository:
    """The commits of one repository, each with all its files. There is one branch, `main`.

    Args:
        repo_id (`str`): id of the repository, for example `"tester/name"`.
    """

    def __init__(self, repo_id: str):
        self.repo_id = repo_id
        self._counter = itertools.count()
        self.commits: dict[str, dict[str, bytes]] = {}
        self.commit({})

    @property
    def head(self) -> str:
        return next(reversed(self.commits))

    @property
    def files(self) -> dict[str, bytes]:
        """Content of each file of the newest commit, by path."""
        return self.commits[self.head]

    def commit(self, files: Mapping[str, bytes]) -> str:
        """Adds a commit with these files, and returns its hash."""
        sha = hashlib.sha1(f"{self.repo_id} {next(self._counter)}".encode()).hexdigest()
        self.commits[sha] = dict(files)
        return sha

    def resolve(self, revision: str) -> str | None:
        """Commit hash of a branch or hash; `None` if it does not exist."""
        if revision in ("main", "refs/heads/main"):
            return self.head
        return revision if revision in self.commits else None
