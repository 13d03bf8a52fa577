"""Measured costs in the folder of a comparison, so that a resumed comparison does not measure them again."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch

from hfseq.comparison.costs.measurement import Measurement
from hfseq.errors import HfseqError
from hfseq.modalities.file_digests import file_digest
from hfseq.training.costs import environment
from hfseq.training.manifest import Manifest
from hfseq.writing import write_json

FILE_NAME = "_costs.json"
# Changes when other costs are measured, or in another way.
_VERSION = 1
_MACHINE = ("platform", "processor", "python", "recurrence")
_PACKAGES = ("hfseq", "torch", "transformers", "numpy", "scikit-learn")


def machine() -> dict[str, Any]:
    """The properties of this machine and its software on which costs depend."""
    found = environment(torch.device("cpu"))
    return {
        **{name: found[name] for name in _MACHINE},
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "versions": {name: found["versions"][name] for name in _PACKAGES if name in found["versions"]},
    }


def conditions(folder: Path, data_fingerprint: str, this_machine: dict[str, Any]) -> dict[str, Any]:
    """What costs depend on. They are measured again if one of these values has changed.

    Args:
        folder (`Path`): folder of the run whose model is measured.
        data_fingerprint (`str`): fingerprint of the data.
        this_machine (`dict`): see [`machine`].

    Raises:
        HfseqError: a file of the model cannot be read.
    """
    return {
        "version": _VERSION,
        "model": model_fingerprint(folder),
        "data": data_fingerprint,
        "machine": this_machine,
    }


def model_fingerprint(folder: Path) -> str:
    """Hash of the files of a model.

    Raises:
        HfseqError: a file cannot be read.
    """
    manifest = Manifest.load(folder)
    if manifest is not None and manifest.files:
        digests = {name: entry["sha256"] for name, entry in manifest.files.items()}
    else:
        try:
            digests = {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()}
        except OSError as error:
            raise HfseqError(f"{folder} cannot be read: {error.strerror or error}") from error
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]


def costs_file(folder: Path) -> Path:
    """The file of the costs of a model.

    Args:
        folder (`Path`): folder of the run that was measured, such as `COMPARISON/lstm/seed-0`.
    """
    return folder.parent / FILE_NAME


def load_costs(file: Path, expected: dict[str, Any]) -> Measurement | None:
    """The costs in a file; `None` if they were measured under other conditions, incompletely, or the file is damaged.

    Args:
        file (`Path`): see [`costs_file`].
        expected (`dict`): see [`conditions`].
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["conditions"] != expected or content["failures"]:
            return None
        return Measurement(dict(content["costs"]), dict(content["intervals"]), dict(content["details"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def save_costs(file: Path, measured: Measurement, under: dict[str, Any]) -> None:
    """Writes costs and the conditions under which they were measured.

    Raises:
        HfseqError: the file cannot be written.
    """
    write_json(file, {"conditions": under, **dataclasses.asdict(measured)})
