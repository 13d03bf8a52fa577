"""Costs of a run: memory, disk space, device."""

import platform
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

from hfseq.hub import RECORD_NAME
from hfseq.models.recurrent.engines import describe_engine
from hfseq.training.record import git_hash, package_versions

# Files in the folder of a model that are not part of the model.
_NOT_THE_MODEL = {RECORD_NAME, "README.md", "training_args.bin", "config.yaml", "train.log"}


def peak_memory_bytes(device: torch.device) -> int:
    """Peak memory of this process: on the GPU if it trained on one, else resident memory in RAM.

    In RAM, it includes the interpreter and the libraries.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.is_file():
        # Not getrusage: on Linux its peak begins with that of the process this one was started from.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def size_on_disk_bytes(folder: Path) -> int:
    """Size of a saved model in bytes: weights, configuration, tokenizer, code."""
    return sum(
        path.stat().st_size
        for path in folder.iterdir()
        if path.is_file() and path.name not in _NOT_THE_MODEL and not path.name.startswith((".", "_"))
    )


def environment(device: torch.device) -> dict[str, Any]:
    """Versions, device and machine of a run."""
    on_gpu = device.type == "cuda"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "device": torch.cuda.get_device_name(device) if on_gpu else device.type,
        "num_threads": torch.get_num_threads(),
        "recurrence": "torch's modules (cuDNN)" if on_gpu else describe_engine(),
        "versions": package_versions(),
        "git_hash": git_hash(),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
