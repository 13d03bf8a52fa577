"""Memory that is used again: never while a tensor is there, and not more of it than was in use at one time."""

import os
import threading

import pytest
import torch

from hfseq.kernels import buffers

LARGE = (1000, 500)


@pytest.fixture(autouse=True)
def nothing_kept():
    buffers.release()
    yield
    buffers.release()


def test_memory_comes_back_with_the_last_that_shares_it():
    tensor = buffers.empty(LARGE)
    assert tensor.shape == LARGE and tensor.dtype == torch.float32 and tensor.is_contiguous()
    address, row = tensor.data_ptr(), tensor[7]
    del tensor
    assert buffers.empty(LARGE).data_ptr() != address  # the row still stands in it
    del row
    assert {buffers.empty(LARGE).data_ptr(), buffers.empty((900, 500)).data_ptr()} <= {
        address, *(torch.frombuffer(block, dtype=torch.uint8).data_ptr() for block in buffers._free),
    }  # fmt: skip


def test_two_tensors_share_nothing():
    first, second = buffers.empty(LARGE).fill_(1), buffers.empty(LARGE).fill_(2)
    assert (first == 1).all() and (second == 2).all()


def test_autograd_keeps_what_it_saved():
    tensor = buffers.empty(LARGE).fill_(3).requires_grad_()
    loss = tensor.square().sum()
    other = buffers.empty(LARGE).fill_(5)
    loss.backward()
    assert (tensor.grad == 6).all() and (other == 5).all()


def kept():
    return sum(map(len, buffers._free))


def test_no_more_is_kept_than_was_in_use():
    for megabytes in (4, 5, 6, 8, 20, 9, 3, 7, 2):
        buffers.empty((megabytes, 250_000))
        assert kept() <= 20_000_000
    two = [buffers.empty((20, 250_000)), buffers.empty((8, 250_000))]
    del two
    for megabytes in (8, 20, 8, 20):
        buffers.empty((megabytes, 250_000))
    assert kept() == 28_000_000  # a step of training asks for both, again and again


def test_what_is_kept_can_be_released():
    tensor = buffers.empty(LARGE).fill_(1)
    buffers.empty(LARGE)
    buffers.release()
    assert buffers._free == [] and (tensor == 1).all()


def test_a_small_tensor_takes_no_large_block():
    buffers.empty((10, 10))
    assert buffers._free == []
    large = buffers.empty((1_000_000,))
    del large
    small = buffers.empty((100_000,))  # would fit, and waste most of it
    assert small.numel() == 100_000


def test_a_system_without_huge_pages(monkeypatch):
    class Block(buffers.mmap.mmap):
        def madvise(self, *_):
            raise OSError("Invalid argument")

    monkeypatch.setattr(buffers.mmap, "mmap", Block)
    assert buffers.empty(LARGE).fill_(2).mean() == 2


def test_many_threads():
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
    # Each holds its last tensor while it asks for the next.
    assert wrong == [] and len(buffers._free) <= 2 * len(threads)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_writes_into_memory_of_its_own():
    tensor = buffers.empty(LARGE).fill_(1)
    child = os.fork()
    if child == 0:
        tensor.numpy()[:] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert (tensor == 1).all()
