"""Memory for the large tensors of a training step, used again from step to step.

What is fresh from the system costs a page fault every 4 KiB when it is first written, which for a batch of documents
took as long as a third of the recurrence itself.
"""

import math
import mmap
import weakref

import torch
from torch import Tensor

# Smaller tensors come from the C library, which keeps blocks of their size itself.
_SMALL = 1 << 18
# A request takes a block of up to this many times its size.
_SLACK = 2

_free: list[mmap.mmap] = []


def empty(shape: tuple[int, ...]) -> Tensor:
    """A float32 tensor on the CPU with undefined content, as `torch.empty` gives it.

    Its memory comes back here when the tensor, and whatever shares its storage, is gone. No more is kept than was in
    use at one time.
    """
    count = math.prod(shape)
    size = 4 * count
    if size < _SMALL:
        return torch.empty(shape)
    block = _take(size)
    # The tensor's storage holds the view; the view's end is the storage's.
    view = memoryview(block)
    weakref.finalize(view, _free.append, block).atexit = False
    return torch.frombuffer(view, dtype=torch.float32, count=count).view(shape)


def _take(size: int) -> mmap.mmap:
    # Without a lock: a block may be given back at any moment, by any thread, so that nothing is taken for granted.
    fitting = [block for block in list(_free) if size <= len(block) <= _SLACK * size]
    for block in sorted(fitting, key=len):
        try:
            _free.remove(block)
        except ValueError:
            continue  # another thread was faster
        return block
    # One that is too small gives way, or sizes that grow from step to step would leave a trail of blocks.
    smaller = [block for block in list(_free) if size <= _SLACK * len(block) < _SLACK * size]
    if smaller:
        try:
            _free.remove(max(smaller, key=len))
        except ValueError:
            smaller = []
    # Private: a process that is forked off must not write into ours.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block
