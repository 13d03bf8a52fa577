"""Clear errors for folders that cannot be written to and for full disks."""

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfseq.errors import HfseqError, first_line

_STORAGE_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EIO,
    errno.ENOTDIR, errno.ENXIO,
}  # fmt: skip
# Format in which safetensors and pyarrow quote the number of a system error.
_QUOTED_NUMBER = re.compile(r"\b(?:os error|errno) (\d+)", re.IGNORECASE)
# Message of torch for a file that could not be written completely.
_TORCH_WRITER = ("PytorchStreamWriter failed", "file write failed", "unexpected pos")
# A full disk is only noticed when something is written to it.
_PROBE = b"\0" * 65536


def check_output_name(output_dir: str | os.PathLike[str] | None) -> None:
    """
    Raises:
        HfseqError: the name of an output folder is empty, which would mean the current folder.
    """
    if output_dir is None or not str(output_dir).strip():
        raise HfseqError("output_dir is empty; name a folder, such as --output_dir runs/first (`.` for this one)")


def check_writable(folder: Path, setting: str = "output_dir") -> None:
    """Makes a folder if it does not exist, and tries to write to it.

    Args:
        folder (`Path`): the folder.
        setting (`str`, *optional*, defaults to `"output_dir"`): the setting that names it, for the message.

    Raises:
        HfseqError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".hfseq-probe-") as probe:
            probe.write(_PROBE)
            probe.flush()
    except (OSError, ValueError) as error:
        raise cannot_write(folder, error, setting) from error


def cannot_write(folder: Path, error: Exception, setting: str = "output_dir") -> HfseqError:
    """The error for a folder that cannot be made or written to.

    Args:
        folder (`Path`): the folder.
        error (`Exception`): error of the system.
        setting (`str`, *optional*, defaults to `"output_dir"`): the setting that names the folder.
    """
    if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTDIR):
        what = "is a file" if error.errno == errno.EEXIST else "lies below a file"
        return HfseqError(f"{setting} {folder} {what}; name a folder")
    reason = getattr(error, "strerror", None) or first_line(error)
    return HfseqError(f"cannot write to {setting} {folder}: {reason}. Name a folder that can be written to")


@contextmanager
def storage_errors(doing: str, then: str) -> Iterator[None]:
    """Turns errors of a full disk, of missing permissions and the like into an HfseqError.

    Args:
        doing (`str`): the action, such as `"train in runs/gru"`.
        then (`str`): what the user can do when there is space.
    """
    try:
        yield
    except HfseqError:
        raise
    except Exception as error:
        reason = storage_reason(error)
        if reason is None:
            raise
        raise HfseqError(f"cannot {doing}: {reason}. {then}") from error


def storage_reason(error: BaseException | None) -> str | None:
    """The reason of an error of storage, or `None` for other errors.

    Args:
        error (`BaseException`, *optional*): the error; its causes are read as well.
    """
    unnamed = None
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if number is None and (found := _QUOTED_NUMBER.search(str(error))):
            number = int(found[1])
        if number in _STORAGE_ERRORS:
            # If a file is copied, the second name is that of the copy.
            path = getattr(error, "filename2", None) or getattr(error, "filename", None)
            return os.strerror(number) + (f" ({path})" if path else "")
        if any(words in str(error) for words in _TORCH_WRITER):
            unnamed = "a file could not be written to its end; the disk may be full"
        error = error.__cause__ or error.__context__
    return unnamed
