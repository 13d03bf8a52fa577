import random

import numpy as np
import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler

from hfseq.data.batching.bucketing import BATCHES_PER_POOL, LengthBucketSampler, SortedByLengthSampler


@pytest.fixture(scope="module")
def lengths():
    """Lengths of many short texts and a few long ones, more than one pool of batches of 8."""
    return np.random.default_rng(0).geometric(0.03, size=2 * 8 * BATCHES_PER_POOL + 203)


def batches_of(order, size=8):
    order = list(order)
    return [order[start : start + size] for start in range(0, len(order), size)]


def padding(batches, lengths):
    return sum(int(lengths[batch].max()) * len(batch) - int(lengths[batch].sum()) for batch in batches)


@pytest.mark.parametrize("number", [0, 1, 7, 8, 9, 401])
def test_sampler_returns_every_example_once(lengths, number):
    sampler = LengthBucketSampler(lengths[:number], batch_size=8)
    assert sorted(sampler) == list(range(number)) and len(sampler) == number
    assert all(type(index) is int for index in sampler)


def test_sampler_order_depends_on_seed_and_epoch(lengths):
    def order(seed, epoch):
        sampler = LengthBucketSampler(lengths.tolist(), 8, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    orders = [order(seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(each) for each in orders}) == 4
    assert orders[3] == order(1, 1)
    sampler = LengthBucketSampler(lengths, 8)
    assert list(sampler) == list(sampler) == orders[0], "iterating does not change the order"
    assert {frozenset(batch) for batch in batches_of(orders[0])} != {
        frozenset(batch) for batch in batches_of(orders[1])
    }


def test_sampler_does_not_use_global_random_states(lengths):
    first = list(LengthBucketSampler(lengths, 8))
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert list(LengthBucketSampler(lengths, 8)) == first
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before


@pytest.mark.parametrize("processes", [2, 4])
def test_several_processes_have_the_steps_of_one_process(lengths, processes):
    """The shards of accelerate, taken together, have the same optimizer steps as one process."""
    lengths = lengths[: 8 * 100]
    sampler = LengthBucketSampler(lengths, 8)
    sampler.set_epoch(2)
    shards = [
        list(BatchSamplerShard(BatchSampler(sampler, 8 // processes, drop_last=False), processes, process))
        for process in range(processes)
    ]
    steps = [sorted(index for batch in step for index in batch) for step in zip(*shards, strict=True)]
    assert steps == [sorted(batch) for batch in batches_of(sampler)]


def test_sampler_reduces_padding(lengths):
    shuffled = np.random.default_rng(1).permutation(len(lengths))
    bucketed = padding(batches_of(LengthBucketSampler(lengths, 8)), lengths)
    assert bucketed < 0.1 * padding(batches_of(shuffled), lengths)


def test_batches_have_similar_lengths_and_random_order():
    lengths = np.random.default_rng(3).permutation(8 * 30)
    batches = batches_of(LengthBucketSampler(lengths, 8))
    assert all(np.ptp(lengths[batch]) == 7 for batch in batches)
    shortest = [lengths[batch].min() for batch in batches]
    assert shortest != sorted(shortest) and shortest != sorted(shortest, reverse=True)


@pytest.mark.parametrize("number", [3, 8 * 20 + 5, 8 * (BATCHES_PER_POOL + 3) + 1])
def test_short_batch_is_the_last_one(number):
    lengths = np.random.default_rng(3).permutation(number)
    for epoch in range(5):
        sampler = LengthBucketSampler(lengths, 8)
        sampler.set_epoch(epoch)
        *whole, short = batches_of(sampler)
        assert len(short) == number % 8
        # If a short batch were not the last one, the following batches would contain examples of two buckets.
        bound = 8 if number <= 8 * BATCHES_PER_POOL else 0.5 * number
        assert all(np.ptp(lengths[batch]) < bound for batch in whole)


def test_sorted_sampler_starts_with_the_longest_examples():
    sampler = SortedByLengthSampler([3, 9, 1, 9, 3, 0])
    assert list(sampler) == [1, 3, 0, 4, 2, 5] == list(sampler)
    assert len(sampler) == 6 and all(type(index) is int for index in sampler)
    assert list(SortedByLengthSampler([])) == []
