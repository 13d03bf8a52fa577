"""Keeping freed memory in the process, for those who ask for it."""

import ctypes
import sys

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Tells the C library to keep freed memory instead of handing it back to the system.

    A training step frees and asks for the same large blocks again and again; what comes fresh from the system costs a
    page fault every 4 KiB. The price is that the process stays as large as it ever was. For the whole process, from
    now on.

    Returns:
        `bool`: whether the C library has it: glibc does; musl and those of macOS and Windows do not.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # musl has no mallopt, or one that does nothing and says 0.
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
