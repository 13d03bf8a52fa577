"""What the loopback Hub keeps: repositories as lists of commits, each a whole set of files."""

import hashlib
import itertools
from collections.abc import Mapping

LARGE_SUFFIXES = (".safetensors", ".bin", ".pt", ".onnx", ".parquet", ".arrow")


def is_large(path: str) -> bool:
    """Whether the Hub would store this file by LFS."""
    return path.endswith(LARGE_SUFFIXES)


def object_id(path: str, content: bytes) -> str:
    """The sha256 of a large file, git's own blob hash of any other: clients skip files whose id has not changed."""
    if is_large(path):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Repository:
    """The commits of one repository, each a whole set of files; one branch, `main`.

    Args:
        repo_id (`str`): such as `"tester/name"`.
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
        """The content of each file of the newest commit, by its path."""
        return self.commits[self.head]

    def commit(self, files: Mapping[str, bytes]) -> str:
        """Makes this set of files the newest commit and returns its hash."""
        sha = hashlib.sha1(f"{self.repo_id} {next(self._counter)}".encode()).hexdigest()
        self.commits[sha] = dict(files)
        return sha

    def resolve(self, revision: str) -> str | None:
        """The hash that a branch or hash stands for, `None` where there is none."""
        if revision in ("main", "refs/heads/main"):
            return self.head
        return revision if revision in self.commits else None
