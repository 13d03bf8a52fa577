"""Inference uses packed weights, but changes of the weights must be detected."""

import copy
import gc
import io
import pickle

import pytest
import torch
from recurrence_cases import KERNELS, MODULES, needs_kernel
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils.data import DataLoader, Dataset
from transformers import set_seed

from hfseq import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.kernels import recurrence
from hfseq.kernels.library import use_build
from hfseq.kernels.recurrence import recurrent_layer

pytestmark = needs_kernel

BATCH_SIZES = torch.tensor([3, 2, 2])
DATA = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
cells = pytest.mark.parametrize("cell", MODULES)


def make_module(cell):
    set_seed(0)
    return MODULES[cell](4, 5, bidirectional=True)


@torch.no_grad()
def read(cell, module):
    return recurrent_layer(cell, DATA, BATCH_SIZES, list(module.parameters()))[0]


@torch.no_grad()
def assert_up_to_date(cell, module):
    expected = module(PackedSequence(DATA, BATCH_SIZES))[0].data
    torch.testing.assert_close(read(cell, module), expected, rtol=1e-5, atol=1e-6)


def in_place(module, weight):
    with torch.no_grad():
        weight.mul_(-2)


def one_element(module, weight):
    with torch.no_grad():
        weight.flatten()[-1] += 3


def load_state_dict(module, weight):
    module.load_state_dict({name: value * 0.5 - 0.1 for name, value in module.state_dict().items()})


def assign_state_dict(module, weight):
    module.load_state_dict({name: value * 0.5 for name, value in module.state_dict().items()}, assign=True)


def data_replaced(module, weight):
    weight.data = weight.data * -3


def some_rows_of_data(module, weight):
    weight.data[:2] = 3


def optimizer_step(module, weight):
    sum(parameter.sum() for parameter in module.parameters()).backward()
    torch.optim.AdamW(module.parameters(), lr=0.5).step()


def fused_optimizer_step(module, weight):
    sum(parameter.sum() for parameter in module.parameters()).backward()
    torch.optim.AdamW(module.parameters(), lr=0.5, fused=True).step()


def parameter_replaced(module, weight):
    for name, parameter in list(module.named_parameters()):
        setattr(module, name, nn.Parameter(parameter.detach() * 0.3))


def through_a_view(module, weight):
    weight.detach().view(-1).add_(1)


def column_of_data(module, weight):
    weight.data.view(len(weight), -1)[:, 0] = 0


def pruned_data(module, weight):
    weight.data[weight.abs() < weight.abs().median()] = 0


def signs_of_data(module, weight):
    weight.data.neg_()


CHANGES = [
    column_of_data, pruned_data, signs_of_data, in_place, one_element, load_state_dict, assign_state_dict,
    data_replaced, optimizer_step, fused_optimizer_step, parameter_replaced, through_a_view, some_rows_of_data,
]  # fmt: skip


@cells
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_changed_weights_are_detected(cell, change):
    module = make_module(cell)
    count = len(list(module.parameters()))
    for number in range(count):
        before = read(cell, module)
        assert_up_to_date(cell, module)
        change(module, list(module.parameters())[number])
        assert_up_to_date(cell, module)
        assert not torch.equal(read(cell, module), before)


@cells
def test_temporary_weights_are_not_cached(cell):
    """New weights can have the same address, such as in Monte Carlo dropout of recurrent weights."""
    module = make_module(cell)
    for seed in range(30):
        set_seed(seed)
        with torch.no_grad():
            dropped = [torch.dropout(weight, 0.05, train=True) for weight in module.parameters()]
            found = recurrent_layer(cell, DATA, BATCH_SIZES, dropped)[0]
            names = [name for name, _ in module.named_parameters()]
            expected = torch.func.functional_call(
                module, dict(zip(names, dropped, strict=True)), (PackedSequence(DATA, BATCH_SIZES),)
            )[0].data
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        del dropped


@cells
def test_weights_changed_through_data_are_detected(cell):
    """`parameter.data` has its own version, so the version of the parameter does not change."""
    module = make_module(cell)
    for number in range(len(list(module.parameters()))):
        assert_up_to_date(cell, module)
        list(module.parameters())[number].data.mul_(-2)
        assert_up_to_date(cell, module)


@pytest.mark.parametrize("build", [runner.build for runner in KERNELS])
def test_digest_depends_on_each_weight(build):
    """Changes of single numbers, single bits, and pairs of signs, at several positions."""
    set_seed(0)
    module = nn.GRU(7, 23, bidirectional=True)
    data = torch.randn(7, 7)
    weights = list(module.parameters())

    def packed():
        with torch.no_grad():
            recurrent_layer("gru", data, BATCH_SIZES, weights)
        return recurrence._packed[weights[0]]

    with use_build(build):
        known = packed()
        assert packed() is known
        for weight in weights:
            flat = weight.data.view(-1)
            bits = flat.view(torch.int32)
            for place in torch.randint(len(flat), (40,)).tolist():
                for bit in (0, 22, 31):
                    bits[place] ^= 1 << bit if bit < 31 else -(1 << 31)
                    assert packed() is not known
                    bits[place] ^= 1 << bit if bit < 31 else -(1 << 31)
                    known = packed()
                others = (place + torch.tensor([0, 64, 128])) % len(flat)
                for pair in (others[:2], others[::2]):
                    flat[pair] = -flat[pair]
                    assert packed() is not known
                    flat[pair] = -flat[pair]
                    known = packed()


def test_digest_does_not_depend_on_the_number_of_threads():
    module = nn.LSTM(200, 128, bidirectional=True)  # large enough for two threads
    data = torch.randn(7, 200)
    before = torch.get_num_threads()
    try:
        known = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with torch.no_grad():
                recurrent_layer("lstm", data, BATCH_SIZES, list(module.parameters()))
            known.append(recurrence._packed[module.weight_ih_l0])
    finally:
        torch.set_num_threads(before)
    assert known[0] is known[1]


def test_constant_weights_are_digested_once():
    module = make_module("lstm")
    with recurrence.constant_weights():
        with recurrence.constant_weights():
            before = read("lstm", module)
        module.weight_hh_l0.data.mul_(2)
        assert torch.equal(read("lstm", module), before)
    assert not torch.equal(read("lstm", module), before)
    assert_up_to_date("lstm", module)


@cells
def test_weights_are_packed_once_for_all_calls(cell, monkeypatch):
    module = make_module(cell)
    first = read(cell, module)
    known = recurrence._packed[module.weight_ih_l0]
    assert torch.equal(read(cell, module), first)
    assert recurrence._packed[module.weight_ih_l0] is known


@cells
def test_each_build_packs_its_own_weights(cell):
    module = make_module(cell)
    for runner in [*KERNELS, *reversed(KERNELS)]:
        with use_build(runner.build):
            assert_up_to_date(cell, module)


def test_layers_can_share_a_weight():
    one, other = make_module("gru"), make_module("gru")
    other.weight_ih_l0 = one.weight_ih_l0
    with torch.no_grad():
        other.weight_hh_l0.mul_(2)
    for _ in range(2):
        assert_up_to_date("gru", one)
        assert_up_to_date("gru", other)


def test_weights_created_in_inference_mode_are_accepted():
    with torch.inference_mode():
        module = make_module("lstm")
        for _ in range(2):
            assert_up_to_date("lstm", module)
            module.weight_hh_l0.mul_(2)
        assert_up_to_date("lstm", module)


def test_packed_weights_are_deleted_with_the_weights():
    module = make_module("lstm")
    gc.collect()
    before = len(recurrence._packed)
    read("lstm", module)
    assert len(recurrence._packed) == before + 1
    del module
    gc.collect()
    assert len(recurrence._packed) == before


def make_model(cell="lstm"):
    set_seed(0)
    return RecurrentForSequenceClassification(
        RecurrentConfig(vocab_size=11, embedding_size=4, hidden_size=6, cell_type=cell, num_labels=2)
    ).eval()


IDS = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0], [7, 8, 9, 0]])


@torch.no_grad()
def logits(model):
    return model(IDS, attention_mask=IDS.ne(0).long()).logits


def pickled(model):
    return pickle.loads(pickle.dumps(model))


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@cells
@pytest.mark.parametrize("copied", [copy.deepcopy, pickled, saved], ids=["deepcopy", "pickle", "torch.save"])
def test_copies_of_a_layer_have_their_own_packed_weights(cell, copied):
    model = make_model(cell)
    expected = logits(model)
    other = copied(model)
    assert torch.equal(logits(other), expected)
    with torch.no_grad():
        for weight in other.parameters():
            weight.mul_(2)
    assert not torch.equal(logits(other), expected)
    assert torch.equal(logits(model), expected)


class Scores(Dataset):
    """The output of a model, computed in a worker process."""

    def __init__(self, model):
        self.model = model

    def __len__(self):
        return 2

    def __getitem__(self, index):
        assert torch.get_num_threads() == 1
        return logits(self.model)


@pytest.mark.parametrize("threads", [1, 2])
def test_forked_worker_gives_the_same_results(threads, monkeypatch):
    monkeypatch.setattr(recurrence, "_MIN_PRODUCTS_FOR_THREADS", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        model = make_model()
        expected = logits(model)
        loader = DataLoader(Scores(model), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60)
        assert all(torch.equal(found, expected) for found in loader)
        assert torch.equal(logits(model), expected)
    finally:
        torch.set_num_threads(before)
