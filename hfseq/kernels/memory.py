"""A setting of the C library that keeps freed memory in the process."""

import ctypes
import sys

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Makes the C library keep freed memory instead of returning it to the system, for the rest of the process.

    A training step allocates and frees the same large blocks repeatedly, and new memory from the system causes a page
    fault per 4 KiB. The drawback is that the memory of the process never shrinks.

    Returns:
        `bool`: whether the C library supports it. glibc does; musl, macOS and Windows do not.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # musl has no mallopt, or one that does nothing and returns 0.
    return mallopt is not None and bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
