"""Memory for the large tensors of a training step, used again from step to step.

What is fresh from the system costs a page fault every 4 KiB when it is first written, which for a batch of documents
took as long as a third of the recurrence itself.
"""

import contextlib
import math
import mmap
import threading
import weakref

import torch
from torch import Tensor

# Smaller tensors come from the C library, which keeps blocks of their size itself.
_SMALL = 1 << 18
# A request takes a block of up to this many times its size.
_SLACK = 2

# Reentrant: a tensor may die, and give its block back, while this thread takes one.
_lock = threading.RLock()
_free: list[mmap.mmap] = []
_in_use = 0
_most_in_use = 0


def empty(shape: tuple[int, ...]) -> Tensor:
    """A float32 tensor on the CPU with undefined content, as `torch.empty` gives it.

    Its memory comes back here when the tensor, and whatever shares its storage, is gone, and is kept for the next of
    about its size. No more is kept than was in use at one time; see [`release`].
    """
    count = math.prod(shape)
    size = 4 * count
    if size < _SMALL:
        return torch.empty(shape)
    block = _take(size)
    # The tensor's storage holds the view; the view's end is the storage's.
    view = memoryview(block)
    weakref.finalize(view, _give_back, block).atexit = False
    return torch.frombuffer(view, dtype=torch.float32, count=count).view(shape)


def release() -> None:
    """Gives what is kept, and not in use, back to the system."""
    global _most_in_use
    with _lock:
        _free.clear()
        _most_in_use = _in_use


def _take(size: int) -> mmap.mmap:
    global _in_use, _most_in_use
    with _lock:
        fitting = [block for block in _free if size <= len(block) <= _SLACK * size]
        if fitting:
            block = min(fitting, key=len)
            _free.remove(block)
            _in_use += len(block)
            return block
        _in_use += size
        _most_in_use = max(_most_in_use, _in_use)
        while _free and _in_use + sum(map(len, _free)) > _most_in_use:
            _free.pop(0)  # the one that has not been of use for the longest time
    # Private: a process that is forked off must not write into ours.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without huge pages
            block.madvise(mmap.MADV_HUGEPAGE)
    return block


def _give_back(block: mmap.mmap) -> None:
    global _in_use
    with _lock:
        _in_use -= len(block)
        _free.append(block)
