"""`hfseq env`."""

import argparse
import importlib.metadata
import platform
import re
from collections.abc import Sequence

from hfseq.commands import CommandParser
from hfseq.commands.output import add_output_flags, open_output, output_format, write_values


def make_parser() -> argparse.ArgumentParser:
    """The parser of the flags of the command."""
    parser = CommandParser("env")
    add_output_flags(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Writes the versions of packages, the device, and which extras are installed."""
    arguments = make_parser().parse_args(argv)
    import torch

    from hfseq.models.recurrent.engines import describe_engine
    from hfseq.training.engine import check_recurrence_engine
    from hfseq.training.record import git_hash, package_versions

    check_recurrence_engine()

    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    lines = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **package_versions(),
        "git commit": git_hash() or "not in a checkout",
        "CPU threads": str(torch.get_num_threads()),
        "GPU": cuda,
        "bf16 on GPU": "yes" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no",
        "recurrence on the CPU": describe_engine(),
        "recurrence on a GPU": "torch's modules (cuDNN)" if torch.backends.cudnn.is_available() else "none",
    }
    for extra, packages in _extras().items():
        missing = [package for package in packages if not _installed(package)]
        lines[f"extra {extra}"] = f'missing: pip install "hfseq[{extra}]"' if missing else "installed"
    with open_output(arguments.output) as out:
        write_values(out, output_format(arguments), lines)
    return 0


def _extras() -> dict[str, list[str]]:
    """The extras of hfseq and their packages, as declared in the installed metadata."""
    extras: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("hfseq") or []:
        found = re.match(r"([\w.-]+)[^;]*;\s*extra == ['\"]([\w-]+)['\"]", requirement)
        if found and found[2] not in ("dev", "test"):
            extras.setdefault(found[2], []).append(found[1])
    return extras


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
