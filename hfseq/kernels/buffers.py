"""A pool of memory for the large tensors of a training step.

New memory from the system causes a page fault per 4 KiB when it is first written. For a batch of documents this took a
third of the time of the recurrent layer.
"""

import contextlib
import math
import mmap
import threading
import weakref

import torch
from torch import Tensor

# Smaller tensors are allocated by the C library, which reuses blocks of their size itself.
_MIN_SIZE = 1 << 18
# A block is reused for a tensor if it is at most this number of times larger.
_MAX_RATIO = 2

# Reentrant: while this thread takes a block, a tensor may be deleted and return its block.
_lock = threading.RLock()
_free: list[mmap.mmap] = []
_in_use = 0
_max_in_use = 0


def empty(shape: tuple[int, ...]) -> Tensor:
    """A float32 tensor on the CPU with undefined content, like `torch.empty`.

    When the tensor and all tensors that share its storage are deleted, the memory returns to the pool. The pool never
    has more memory than was in use at the same time; see [`release`].
    """
    count = math.prod(shape)
    size = 4 * count
    if size < _MIN_SIZE:
        return torch.empty(shape)
    block = _take(size)
    # The storage of the tensor references the view, so the view is deleted together with the storage.
    view = memoryview(block)
    weakref.finalize(view, _return, block).atexit = False
    return torch.frombuffer(view, dtype=torch.float32, count=count).view(shape)


def release() -> None:
    """Returns all memory that is not in use to the system."""
    global _max_in_use
    with _lock:
        _free.clear()
        _max_in_use = _in_use


def _take(size: int) -> mmap.mmap:
    global _in_use, _max_in_use
    with _lock:
        fitting = [block for block in _free if size <= len(block) <= _MAX_RATIO * size]
        if fitting:
            block = min(fitting, key=len)
            _free.remove(block)
            _in_use += len(block)
            return block
        _in_use += size
        _max_in_use = max(_max_in_use, _in_use)
        while _free and _in_use + sum(map(len, _free)) > _max_in_use:
            _free.pop(0)  # the block that has not been used for the longest time
    # Private: a forked process must not write to this memory.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without huge pages
            block.madvise(mmap.MADV_HUGEPAGE)
    return block


def _return(block: mmap.mmap) -> None:
    global _in_use
    with _lock:
        _in_use -= len(block)
        _free.append(block)
