"""The result for a sequence does not depend on the amount or the side of padding, or on the other sequences.

There are two references: single sequences without padding, and the packed modules of torch. The tests use double
precision, so differences can only be rounding errors.
"""

import itertools

import pytest
import torch
from engine_choice import ENGINES, force_engine
from ragged import CELLS, SIDES, SMALL, TORCH_CELLS, assert_all_close, gradients, make_rows, pad_rows, scalar
from test_recurrent_models import TestRecurrentForSequenceClassification as Classifier
from test_recurrent_models import TestRecurrentModel as Backbone
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from hfseq.models.recurrent import RecurrentConfig, RecurrentForSequenceClassification, RecurrentState

POOLINGS = ("last", "mean", "max", "attention")
LENGTHS = (3, 9, 1, 6, 2, 8, 4, 7, 5)

cells = pytest.mark.parametrize("cell_type", CELLS)
directions = pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
layers = pytest.mark.parametrize("num_hidden_layers", [1, 2])


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def assert_same_state(found, expected):
    for one, other in zip(found.tensors(), expected.tensors(), strict=True):
        assert_close(one, other)


def random_state(model, rows):
    shape = (model.config.num_hidden_layers * model.config.num_directions, rows, model.config.hidden_size)
    tensors = [torch.randn(shape, dtype=torch.float64) for _ in range(2 if model.config.cell_type == "lstm" else 1)]
    return RecurrentState(*tensors)


def rows_of(state, rows):
    return RecurrentState(*(tensor[:, rows] for tensor in state.tensors()))


def test_mixed_padding_is_on_both_sides_and_inside():
    _, mask = pad_rows(make_rows(LENGTHS), "mixed", 3)
    steps = mask.diff(dim=1)
    assert ((mask[:, 0] == 0) & (mask[:, -1] == 0)).any()
    assert ((steps == 1).sum(1) > 1).any()
    assert mask.sum(1).tolist() == list(LENGTHS)


@cells
@directions
@layers
@pytest.mark.parametrize("pooling", POOLINGS)
def test_logits_and_gradients_equal_those_of_single_rows(cell_type, bidirectional, num_hidden_layers, pooling):
    tests = Classifier()
    model = tests.make_model(
        cell_type=cell_type, bidirectional=bidirectional, num_hidden_layers=num_hidden_layers, pooling=pooling
    ).double()
    rows = make_rows(LENGTHS)
    expected, expected_gradients = tests.run_alone(model, rows)
    for side, extra in zip((*SIDES, *SIDES), (0, 0, 0, 1, 3, 4), strict=True):
        logits, found = tests.run(model, rows, side, extra)
        assert_close(logits, expected)
        assert_all_close(found, expected_gradients)


@pytest.mark.parametrize("cell_type", TORCH_CELLS)
@directions
@layers
def test_backbone_equals_the_packed_modules_of_torch(cell_type, bidirectional, num_hidden_layers):
    model = (
        Backbone()
        .make_model(cell_type=cell_type, bidirectional=bidirectional, num_hidden_layers=num_hidden_layers)
        .double()
    )
    reference = TORCH_CELLS[cell_type](
        SMALL["embedding_size"],
        SMALL["hidden_size"],
        num_hidden_layers,
        batch_first=True,
        bidirectional=bidirectional,
        dtype=torch.float64,
    )
    # The names of weights end with _lk for layer k of the reference, and always with _l0 for layers of the family.
    ours = {
        f"encoder.layers.{layer}.{name}": name.replace("_l0", f"_l{layer}")
        for layer in range(num_hidden_layers)
        for name, _ in model.encoder.layers[layer].named_parameters()
    }
    reference.load_state_dict({theirs: model.get_parameter(name).detach() for name, theirs in ours.items()})

    rows = make_rows(LENGTHS)
    batch, mask = pad_rows(rows, "right", 2)
    found = model(batch, attention_mask=mask, use_cache=True)
    packed = pack_padded_sequence(model.embed_tokens(batch), mask.sum(1), batch_first=True, enforce_sorted=False)
    packed_outputs, final = reference(packed)
    outputs, _ = pad_packed_sequence(packed_outputs, batch_first=True, total_length=batch.size(1))

    assert_close(found.last_hidden_state, outputs)
    assert_same_state(found.past_key_values, RecurrentState(*(final if cell_type == "lstm" else (final,))))
    real = [row[: len(tokens)] for row, tokens in zip(found.last_hidden_state, rows, strict=True)]
    expected = [row[: len(tokens)] for row, tokens in zip(outputs, rows, strict=True)]
    states = torch.cat(found.past_key_values.tensors()), torch.cat(final if cell_type == "lstm" else (final,))
    found_gradients = gradients(model, scalar([*real, states[0]]))
    expected_gradients = gradients(reference, scalar([*expected, states[1]]))
    assert_all_close({theirs: found_gradients[name] for name, theirs in ours.items()}, expected_gradients)


@cells
@directions
def test_outputs_and_state_do_not_depend_on_side_and_amount(cell_type, bidirectional):
    tests = Backbone()
    model = tests.make_model(cell_type=cell_type, bidirectional=bidirectional).double()
    rows = make_rows(LENGTHS)
    first = None
    for side, extra in itertools.product(SIDES, range(5)):
        batch, mask = pad_rows(rows, side, extra)
        outputs = model(batch, attention_mask=mask, use_cache=True)
        assert not outputs.last_hidden_state[~mask.bool()].any()
        read = tests.outputs_of_rows(outputs, mask), outputs.past_key_values
        first = first or read
        assert_close(read[0], first[0])
        assert_same_state(read[1], first[1])


@pytest.mark.parametrize("dtype", [torch.long, torch.bool, torch.float64, torch.int32])
def test_mask_can_have_any_dtype(dtype):
    model = Classifier().make_model().double()
    batch, mask = pad_rows(make_rows(LENGTHS), "mixed")
    expected = model(batch, attention_mask=mask).logits
    assert torch.equal(model(batch, attention_mask=mask.to(dtype)).logits, expected)


@cells
@directions
@pytest.mark.parametrize("pooling", POOLINGS)
def test_row_of_padding_is_zero_and_does_not_change_others(cell_type, bidirectional, pooling):
    tests = Classifier()
    model = tests.make_model(cell_type=cell_type, bidirectional=bidirectional, pooling=pooling).double()
    rows = make_rows(LENGTHS)
    empty = torch.empty(0, dtype=torch.long)
    expected, _ = tests.run_alone(model, rows)
    logits, found = tests.run(model, [rows[0], empty, *rows[1:], empty], "left", 1)
    # The pooled vector is zero, so the logits are the bias of the classifier.
    assert_close([logits[1], logits[-1]], [model.classifier.bias, model.classifier.bias])
    assert_close([logits[0], *logits[2:-1]], expected)
    bias = model.classifier.bias
    nothing = torch.autograd.grad(scalar([bias, bias]), bias)[0]
    expected_gradients = tests.run_alone(model, rows)[1]
    expected_gradients["classifier.bias"] = expected_gradients["classifier.bias"] + nothing
    assert_all_close(found, expected_gradients)

    batch, mask = pad_rows([empty, empty], "right", 3)
    only = model(batch, attention_mask=mask)
    assert_close(only.logits, model.classifier.bias.expand(2, -1))
    assert all(value.isfinite().all() for value in gradients(model, only.logits.square().sum()).values())
    hidden = model.model(batch, attention_mask=mask, use_cache=True)
    assert not hidden.last_hidden_state.any() and not hidden.past_key_values.hidden.any()


@cells
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_embeddings_at_padding_are_never_read(cell_type, side, pooling):
    model = Classifier().make_model(cell_type=cell_type, pooling=pooling).double()
    batch, mask = pad_rows(make_rows(LENGTHS), side, 2)
    clean = model.get_input_embeddings()(batch).detach()
    results = []
    for filler in (0.0, torch.nan, torch.inf):
        embeds = clean.masked_fill(~mask.bool().unsqueeze(-1), filler).requires_grad_()
        logits = model(inputs_embeds=embeds, attention_mask=mask).logits
        value = scalar(list(logits))
        results.append((logits, torch.autograd.grad(value, embeds, retain_graph=True)[0], gradients(model, value)))
    for logits, input_gradient, found in results:
        assert torch.equal(logits, results[0][0])
        assert torch.equal(input_gradient, results[0][1])
        assert not input_gradient[~mask.bool()].any() and input_gradient[mask.bool()].any()
        assert_all_close(found, results[0][2], 0)


@cells
@directions
@pytest.mark.parametrize("pooling", POOLINGS)
def test_dense_batches_equal_packed_batches(cell_type, bidirectional, pooling):
    tests = Classifier()
    model = tests.make_model(cell_type=cell_type, bidirectional=bidirectional, pooling=pooling).double()
    rows = make_rows((6, 6, 6))
    for chosen in (rows, rows[:1]):
        whole, whole_gradients = tests.run(model, chosen, "right")
        packed, packed_gradients = tests.run(model, chosen, "mixed", 2)
        assert_close(packed, whole)
        assert_all_close(packed_gradients, whole_gradients)
        without_mask = model(torch.stack(chosen)).logits
        assert torch.equal(without_mask, torch.stack(whole))


@cells
@directions
@layers
def test_initial_state_is_used(cell_type, bidirectional, num_hidden_layers):
    model = (
        Backbone()
        .make_model(
            cell_type=cell_type, bidirectional=bidirectional, num_hidden_layers=num_hidden_layers, use_cache=True
        )
        .double()
    )
    rows = [*make_rows(LENGTHS), torch.empty(0, dtype=torch.long)]
    state = random_state(model, len(rows))
    batch, mask = pad_rows(rows, "mixed", 2)
    found = model(batch, attention_mask=mask, past_key_values=state)
    for number, row in enumerate(rows[:-1]):
        alone = model(row[None], past_key_values=rows_of(state, [number]))
        assert_close(found.last_hidden_state[number][mask[number].bool()], alone.last_hidden_state[0])
        assert_same_state(rows_of(found.past_key_values, [number]), alone.past_key_values)
    last = [len(rows) - 1]
    for one, other in zip(rows_of(found.past_key_values, last).tensors(), rows_of(state, last).tensors(), strict=True):
        assert torch.equal(one, other)
    nothing_read = model(batch, attention_mask=torch.zeros_like(mask), past_key_values=state)
    assert_same_state(nothing_read.past_key_values, state)


@cells
@layers
def test_reading_in_pieces_equals_reading_at_once(cell_type, num_hidden_layers):
    model = (
        Backbone()
        .make_model(cell_type=cell_type, bidirectional=False, num_hidden_layers=num_hidden_layers, use_cache=True)
        .double()
    )
    # Short rows end within the first piece. In later pieces they have only padding.
    batch, mask = pad_rows(make_rows(LENGTHS), "right", 1)
    at_once = model(batch, attention_mask=mask)
    outputs, state = [], None
    for piece in (slice(0, 4), slice(4, 5), slice(5, 10)):
        read = model(batch[:, piece], attention_mask=mask[:, piece], past_key_values=state)
        outputs.append(read.last_hidden_state)
        state = read.past_key_values
    assert_close(torch.cat(outputs, 1), at_once.last_hidden_state)
    assert_same_state(state, at_once.past_key_values)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_batch_of_length_zero_pools_to_zeros(pooling):
    config = RecurrentConfig(vocab_size=5, hidden_size=3, pooling=pooling, num_labels=2)
    model = RecurrentForSequenceClassification(config).eval()
    found = model(torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, 0)).logits
    torch.testing.assert_close(found, model.classifier.bias.expand(2, 2))


@cells
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_without_tokens_keep_their_state_with_each_engine(cell_type, engine, monkeypatch):
    """Their outputs are zero, their state does not change, and other rows do not change. In single precision."""
    force_engine(monkeypatch, engine)
    model = Backbone().make_model(cell_type=cell_type, use_cache=True)
    batch, mask = pad_rows(make_rows(LENGTHS), "mixed", 2)
    state = random_state(model, len(LENGTHS))
    state = RecurrentState(*(tensor.float() for tensor in state.tensors()))
    others = [number for number in range(len(LENGTHS)) if number not in (0, 4)]
    mask[[0, 4]] = 0
    for given in (state, None):
        found = model(batch, attention_mask=mask, past_key_values=given)
        given_others = given and rows_of(given, others)
        alone = model(batch[others], attention_mask=mask[others], past_key_values=given_others)
        assert not found.last_hidden_state[[0, 4]].any()
        torch.testing.assert_close(found.last_hidden_state[others], alone.last_hidden_state, rtol=1e-5, atol=1e-6)
        unchanged = rows_of(found.past_key_values, [0, 4]).tensors()
        initial = rows_of(state, [0, 4]).tensors() if given else map(torch.zeros_like, unchanged)
        assert all(torch.equal(one, other) for one, other in zip(unchanged, initial, strict=True))
        assert all(gradient.isfinite().all() for gradient in gradients(model, scalar([found[0]])).values())
        for nothing in (torch.zeros_like(mask), mask[:, :0]):
            read = model(batch[:, : nothing.size(1)], attention_mask=nothing, past_key_values=given)
            expected = state.tensors() if given else [torch.zeros_like(part) for part in state.tensors()]
            assert all(map(torch.equal, read.past_key_values.tensors(), expected)) and not read[0].any()
    for size in (0, 1):
        assert model(batch[:size], attention_mask=mask[:size])[0].shape[0] == size
