"""The memory pool: memory of existing tensors is not reused, and the pool does not grow without limit."""

import os
import threading

import pytest
import torch

from hfseq.kernels import buffers

LARGE = (1000, 500)


@pytest.fixture(autouse=True)
def empty_pool():
    buffers.release()
    yield
    buffers.release()


def test_memory_returns_with_the_last_tensor_that_shares_it():
    tensor = buffers.empty(LARGE)
    assert tensor.shape == LARGE and tensor.dtype == torch.float32 and tensor.is_contiguous()
    address, row = tensor.data_ptr(), tensor[7]
    del tensor
    assert buffers.empty(LARGE).data_ptr() != address  # the row still uses the memory
    del row
    assert {buffers.empty(LARGE).data_ptr(), buffers.empty((900, 500)).data_ptr()} <= {
        address, *(torch.frombuffer(block, dtype=torch.uint8).data_ptr() for block in buffers._free),
    }  # fmt: skip


def test_two_tensors_do_not_share_memory():
    first, second = buffers.empty(LARGE).fill_(1), buffers.empty(LARGE).fill_(2)
    assert (first == 1).all() and (second == 2).all()


def test_saved_tensors_of_autograd_are_not_overwritten():
    tensor = buffers.empty(LARGE).fill_(3).requires_grad_()
    loss = tensor.square().sum()
    other = buffers.empty(LARGE).fill_(5)
    loss.backward()
    assert (tensor.grad == 6).all() and (other == 5).all()


def pool_size():
    return sum(map(len, buffers._free))


def test_pool_has_at_most_the_memory_that_was_in_use():
    for megabytes in (4, 5, 6, 8, 20, 9, 3, 7, 2):
        buffers.empty((megabytes, 250_000))
        assert pool_size() <= 20_000_000
    two = [buffers.empty((20, 250_000)), buffers.empty((8, 250_000))]
    del two
    for megabytes in (8, 20, 8, 20):
        buffers.empty((megabytes, 250_000))
    assert pool_size() == 28_000_000  # a training step needs both repeatedly


def test_pool_can_be_released():
    tensor = buffers.empty(LARGE).fill_(1)
    buffers.empty(LARGE)
    buffers.release()
    assert buffers._free == [] and (tensor == 1).all()


def test_small_tensor_does_not_use_a_large_block():
    buffers.empty((10, 10))
    assert buffers._free == []
    large = buffers.empty((1_000_000,))
    del large
    small = buffers.empty((100_000,))  # large enough, but most of it would be unused
    assert small.numel() == 100_000


def test_pool_works_without_huge_pages(monkeypatch):
    class Block(buffers.mmap.mmap):
        def madvise(self, *_):
            raise OSError("Invalid argument")

    monkeypatch.setattr(buffers.mmap, "mmap", Block)
    assert buffers.empty(LARGE).fill_(2).mean() == 2


def test_pool_is_thread_safe():
    wrong = []

    def work(number):
        for _ in range(200):
            tensor = buffers.empty(LARGE)
            tensor[::100] = number
            if not (tensor[::100] == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Each thread keeps its last tensor while it allocates the next one.
    assert wrong == [] and len(buffers._free) <= 2 * len(threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_forked_process_has_its_own_memory():
    tensor = buffers.empty(LARGE).fill_(1)
    child = os.fork()
    if child == 0:
        tensor.numpy()[:] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert (tensor == 1).all()
