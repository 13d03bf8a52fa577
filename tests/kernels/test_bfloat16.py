"""Products in bfloat16 under autocast: accuracy, and use only if the processor supports them."""

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from hfseq import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.kernels.library import load_library
from hfseq.kernels.recurrence import multiplies_in_bfloat16, recurrent_layer

library = load_library()
pytestmark = pytest.mark.skipif(library is None, reason="the kernels are not compiled here")
in_bfloat16 = pytest.mark.skipif(
    library is None or not library.bfloat16, reason="this build or this processor has no products of bfloat16"
)
CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def run(cell, input_size, hidden_size, bfloat16, with_state=True):
    """Outputs, final states and all gradients of one layer over a ragged batch."""
    torch.manual_seed(0)
    layer = CELLS[cell](input_size, hidden_size, bidirectional=True)
    packed = pack_sequence([torch.randn(length, input_size) for length in (23, 9, 9, 4, 1)])
    data = packed.data.requires_grad_()
    state = tuple(torch.randn(2, 5, hidden_size, requires_grad=True) for _ in range(1 + (cell == "lstm")))
    if not with_state:
        state = None
    weights = list(layer.parameters())
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        outputs, final = recurrent_layer(cell, data, packed.batch_sizes, weights, state)
        with torch.no_grad():
            again, _ = recurrent_layer(cell, data, packed.batch_sizes, weights, state)
    assert torch.equal(outputs, again)  # packed for inference, with the same weights
    loss = sum((part * torch.randn_like(part)).sum() for part in (outputs, *final))
    gradients = torch.autograd.grad(loss, [data, *weights, *(state or ())])
    return [outputs.detach(), *(part.detach() for part in final), *gradients]


@in_bfloat16
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize(("input_size", "hidden_size"), [(300, 128), (7, 6), (33, 100)])
@pytest.mark.parametrize("cell", CELLS)
def test_bfloat16_matches_float32_within_1_percent(cell, input_size, hidden_size, with_state):
    exact = run(cell, input_size, hidden_size, False, with_state)
    found = run(cell, input_size, hidden_size, True, with_state)
    for one, other in zip(found, exact, strict=True):
        assert one.dtype == torch.float32
        # bfloat16 has 8 bits: each factor has an error of up to 0.4 %.
        assert 0 < (one - other).norm() < 0.01 * other.norm()


@pytest.mark.parametrize("cell", CELLS)
def test_odd_hidden_size_is_computed_in_float32(cell):
    for one, other in zip(run(cell, 10, 7, True), run(cell, 10, 7, False), strict=True):
        assert torch.equal(one, other)


def test_bfloat16_is_used_only_under_autocast_to_it():
    assert not multiplies_in_bfloat16()
    with torch.autocast("cpu", torch.float16):
        assert not multiplies_in_bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        assert multiplies_in_bfloat16() == library.bfloat16


@pytest.mark.parametrize("cell_type", [*CELLS, "mingru", "minlstm"])
def test_model_learns_under_autocast(cell_type):
    torch.manual_seed(0)
    model = RecurrentForSequenceClassification(
        RecurrentConfig(
            vocab_size=50, embedding_size=16, hidden_size=32, num_hidden_layers=2, cell_type=cell_type, num_labels=2,
            problem_type="single_label_classification",
        )
    )  # fmt: skip
    ids = torch.randint(1, 50, (16, 12))
    mask = torch.arange(12) < torch.randint(1, 13, (16, 1))
    labels = (ids[:, 0] > 25).long()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert losses[-1] < 0.5 * losses[0]
