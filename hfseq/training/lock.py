"""Locks of the folders of runs and comparisons: one process per folder."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from hfseq.errors import HfseqError
from hfseq.training.launched import lock_patience
from hfseq.training.processes import on_main_process
from hfseq.training.storage import cannot_write, check_writable

# The underscore keeps it, which names a host, out of what Trainer pushes while it trains.
LOCK_NAME = "_hfseq.lock"
# Long enough for a process that is about to end, or to write its name into the lock file.
_PATIENCE = 1.0


@contextmanager
def lock_folder(folder: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Holds the lock of a folder. No other process can hold it at the same time.

    The system releases the lock when the process ends, also after a crash. A lock file that is left behind does not
    block other processes. Over a shared file system, the lock holds between machines if the file system supports
    `flock` (NFS since Linux 2.6.12, Lustre mounted with `-o flock`); where it does not, only between the processes of
    one machine. Folders that were made only for the lock are removed again.

    Args:
        folder (`Path`): the folder of a run or of a comparison. It is made if it does not exist.
        patience (`float`, *optional*, defaults to 1): seconds to wait until another process releases the lock.

    Raises:
        HfseqError: another process holds the lock (the message names its id and host), or the folder cannot be made
            or written to.
    """
    lock = FileLock(folder / LOCK_NAME)
    made: list[Path] = []
    try:
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=patience, poll_interval=0.05)
    except Timeout:
        raise HfseqError(
            f"output_dir {folder} is in use by {_holder(folder)}. Wait until it has ended, or give another "
            "--output_dir"
        ) from None
    except (OSError, ValueError) as error:
        raise cannot_write(folder, error) from error
    try:
        _name_holder(folder)
        check_writable(folder)
        yield
    finally:
        # Deleted while it is held: whoever has opened it meanwhile notices, and makes a new one.
        (folder / LOCK_NAME).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # not empty: something was written
            for path in made:
                path.rmdir()


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Holds the lock of a run. If several processes train it together, the main process holds it for all.

    A run that a launcher starts again may find the lock held by its earlier process, which is about to end, or whose
    machine no longer answers. It waits for the lock for two minutes.

    Args:
        folder (`Path`): the folder of the run.

    Raises:
        HfseqError: in all processes of the run, where the main process cannot have the lock.
    """
    with ExitStack() as stack:
        on_main_process(lambda: stack.enter_context(lock_folder(folder, lock_patience(_PATIENCE))))
        yield


def _name_holder(folder: Path) -> None:
    holder = {"pid": os.getpid(), "host": socket.gethostname()}
    try:
        (folder / LOCK_NAME).write_text(json.dumps(holder), encoding="utf-8")
    except OSError as error:
        raise cannot_write(folder, error) from error


def _holder(folder: Path) -> str:
    """The process that holds the lock. The file may still be empty just after the lock was taken."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        with suppress(OSError, ValueError, KeyError, TypeError):
            holder = json.loads((folder / LOCK_NAME).read_text(encoding="utf-8"))
            return f"process {int(holder['pid'])} on {holder['host']}"
        if time.monotonic() > deadline:
            return "another process"
        time.sleep(0.05)
