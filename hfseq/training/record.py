"""The record of a run: one JSON file with its settings, data, metrics and costs."""

import dataclasses
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from hfseq.errors import HfseqError
from hfseq.hub import RECORD_NAME
from hfseq.hub.public_record import public_record
from hfseq.training.record_checks import record_fault
from hfseq.writing import write_json

# Version 2 has the history of the training. Finished runs of this version have a manifest.
FORMAT_VERSION = 2

# Settings that affect neither the model nor its metrics. They may change when a run is resumed.
_NEUTRAL_SETTINGS = frozenset(
    {
        "cache_dir",
        "dataloader_num_workers",
        "dataloader_pin_memory",
        "dataloader_persistent_workers",
        "dataloader_prefetch_factor",
        "disable_tqdm",
        "log_level",
        "log_level_replica",
        "logging_first_step",
        "logging_steps",
        "logging_strategy",
        "max_media_values",
        "max_music_steps",
        "output_dir",
        "overwrite_output_dir",
        "per_device_eval_batch_size",
        "preprocessing_num_workers",
        "project",
        "report_to",
        "run_name",
        "save_total_limit",
    }
)

_VERSIONED = (
    "hfseq", "torch", "transformers", "datasets", "evaluate", "accelerate", "tokenizers", "huggingface_hub", "numpy",
    "scikit-learn", "peft",
)  # fmt: skip


_CODE = Path(__file__).parents[1]


@dataclass
class RunRecord:
    """Settings, data, metrics and costs of one training run.

    Attributes:
        name (`str`): name of the run in tables.
        task (`str`): the task.
        seed (`int`): the seed.
        config (`dict`): the settings that were given, and those of the preset and the family.
        config_fingerprint (`str`): hash of the settings that affect the result.
        status (`str`): `"running"`, `"finished"`, `"failed"` or `"interrupted"`.
        model (`dict`): name, model type, architecture, initialization, base model, description.
        data (`dict`): source, fingerprint, examples by split, labels, what was truncated, notes.
        metrics (`dict[str, dict[str, float]]`): metrics by split.
        costs (`dict`): parameters, seconds, tokens per second, bytes.
        environment (`dict`): versions, device, threads, git hash.
        num_processes (`int`): number of processes.
        details (`dict[str, dict]`): further results by split, such as the errors of each channel.
        history (`list[dict]`): the log of the training by step: losses and metrics.
        started_at, finished_at (`str`): times, ISO 8601, UTC.
        error (`str`, *optional*): error message of a failed run.
        format_version (`int`): version of this layout.
    """

    name: str
    task: str
    seed: int
    config: dict[str, Any]
    config_fingerprint: str
    status: str = "running"
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    costs: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    num_processes: int = 1
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    started_at: str = ""
    finished_at: str | None = None
    error: str | None = None
    format_version: int = FORMAT_VERSION

    def save(self, folder: str | os.PathLike) -> Path:
        """Writes the record into a folder, completely or not at all, without absolute paths: see [`public_record`].

        Raises:
            HfseqError: it cannot be written, for example on a full disk. An earlier record is kept.
        """
        path = Path(folder) / RECORD_NAME
        write_json(path, public_record(dataclasses.asdict(self)))
        return path

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "RunRecord | None":
        """Reads the record of a folder; returns `None` if there is none.

        Raises:
            HfseqError: the file is damaged or was written by a newer hfseq.
        """
        path = Path(folder) / RECORD_NAME
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format_version"] > FORMAT_VERSION:
                raise HfseqError(
                    f"{path} has format {values['format_version']}; this hfseq reads up to {FORMAT_VERSION}: upgrade"
                )
            if fault := record_fault(values, cls):
                raise TypeError(fault)
            return cls(**values)
        except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError, RecursionError) as error:
            raise HfseqError(f"{path} is not a run record ({error}); move it away to start again") from error


def fingerprint_settings(settings: dict[str, Any]) -> str:
    """Hash of the settings that affect the result of a run."""
    relevant = {
        name: value
        for name, value in settings.items()
        if name not in _NEUTRAL_SETTINGS and not name.startswith(("hub_", "push_", "trackio_"))
    }
    text = json.dumps(relevant, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def now() -> str:
    """The current time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def package_versions() -> dict[str, str]:
    """Installed versions of hfseq and its libraries."""
    versions = {}
    for name in _VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_hash() -> str | None:
    """The commit of the repository of this code, with `+` if files were changed.

    `None` if it does not run from a repository, for example if it was installed by pip.
    """
    # git sets these variables while it runs a hook. They name another repository.
    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, check=True, timeout=10, cwd=_CODE, env=environment
        ).stdout.strip()

    try:
        # A virtual environment may be inside another repository.
        git("ls-files", "--error-unmatch", "__init__.py")
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None
