"""A cell of a package outside hfseq has everything that hfseq's own cells have."""

import pytest
import torch
from encoder_decoder_cases import make_model as make_encoder_decoder
from encoder_decoder_cases import make_sources, make_targets, pad_labels
from huggingface_hub.errors import StrictDataclassError
from own_cells import PLUGINS, registered_cells
from own_code.cells import MinimalGatedUnit
from ragged import SIDES, assert_all_close, gradients, make_rows, pad_rows, scalar
from safetensors.torch import load_file, save_file
from test_causal_lm import make_model as make_language_model
from test_recurrent_models import TestRecurrentForSequenceClassification as Classifier
from test_recurrent_models import TestRecurrentModel as Backbone
from torch import nn
from transformers import AutoModelForSequenceClassification

from hfseq import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.models.recurrent import RecurrentCell, register_cell
from hfseq.models.recurrent.cell_types import CELL_TYPES
from hfseq.models.recurrent.recurrent_cell import CellLayer

cells = pytest.mark.parametrize("cell_type", PLUGINS)
directions = pytest.mark.parametrize("bidirectional", [False, True], ids=["one direction", "both directions"])


@pytest.fixture(scope="module", autouse=True)
def registered():
    """The cells are registered during the tests of this file only."""
    with registered_cells():
        yield


def read_slowly(layer, row):
    """The outputs for one sequence, one step after the other."""
    outputs = []
    for number, cell in enumerate(layer.cells):
        state = (row.new_zeros(1, layer.hidden_size),) * layer.num_states
        steps = []
        for token in row.flip(0) if number else row:
            state = cell.step(cell.project(token[None]), state)
            steps.append(state[0])
        outputs.append(torch.cat(steps[::-1] if number else steps))
    return torch.cat(outputs, 1)


@cells
@directions
def test_padding_does_not_change_outputs_or_gradients(cell_type, bidirectional):
    tests = Classifier()
    model = tests.make_model(cell_type=cell_type, bidirectional=bidirectional).double()
    rows = make_rows()
    expected, expected_gradients = tests.run_alone(model, rows)
    assert all(gradient.any() for gradient in expected_gradients.values())
    for side, extra in zip(SIDES, (0, 3, 2), strict=True):
        outputs, found = tests.run(model, rows, side, extra)
        torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-10)
        assert_all_close(found, expected_gradients)


@cells
@directions
def test_outputs_and_gradients_are_those_of_single_steps(cell_type, bidirectional):
    model = Backbone().make_model(cell_type=cell_type, bidirectional=bidirectional, num_hidden_layers=1).double()
    rows = make_rows()
    batch, mask = pad_rows(rows, "mixed", 2)
    found = model(batch, attention_mask=mask).last_hidden_state
    found = [states[real] for states, real in zip(found, mask.bool(), strict=True)]
    expected = [read_slowly(model.encoder.layers[0], model.embed_tokens(row)) for row in rows]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert_all_close(gradients(model, scalar(found)), gradients(model, scalar(expected)))


@cells
def test_reading_in_pieces_equals_reading_at_once(cell_type):
    model = Backbone().make_model(cell_type=cell_type, bidirectional=False, use_cache=True).double()
    batch, mask = pad_rows(make_rows(), "right", 1)
    at_once = model(batch, attention_mask=mask)
    assert len(at_once.past_key_values.tensors()) == PLUGINS[cell_type].num_states
    state, outputs = None, []
    for piece in (slice(0, 4), slice(4, 5), slice(5, 10)):
        read = model(batch[:, piece], attention_mask=mask[:, piece], past_key_values=state)
        outputs.append(read.last_hidden_state)
        state = read.past_key_values
    torch.testing.assert_close(torch.cat(outputs, 1), at_once.last_hidden_state)
    for part, expected in zip(state.tensors(), at_once.past_key_values.tensors(), strict=True):
        torch.testing.assert_close(part, expected)


@cells
def test_rows_without_tokens_change_nothing(cell_type):
    model = Classifier().make_model(cell_type=cell_type)
    batch, mask = pad_rows(make_rows(), "left")
    mask[2] = 0
    logits = model(batch, attention_mask=mask).logits
    others = [number for number in range(len(batch)) if number != 2]
    torch.testing.assert_close(logits[others], model(batch[others], attention_mask=mask[others]).logits)
    assert torch.equal(model(batch, attention_mask=torch.zeros_like(mask)).logits[0], logits[2])


@cells
@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"use_cache": False}], ids=["greedy", "beams", "no cache"])
def test_generate_gives_the_same_text_in_a_padded_batch(cell_type, settings):
    model = make_language_model(cell_type=cell_type)
    rows = make_rows((3, 5, 1))
    batch, mask = pad_rows(rows, "left")
    arguments = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None, **settings}
    found = model.generate(batch, attention_mask=mask, **arguments)[:, batch.size(1) :]
    for row, continuation in zip(rows, found, strict=True):
        assert torch.equal(model.generate(row[None], **arguments)[0, len(row) :], continuation)


@cells
@pytest.mark.parametrize(
    ("attention", "feeding"), [("additive", True), ("multiplicative", True), ("none", True), ("additive", False)]
)
def test_decoder_with_the_cell_does_not_depend_on_padding(cell_type, attention, feeding):
    settings = {"cell_type": cell_type, "attention": attention, "input_feeding": feeding}
    model = make_encoder_decoder(**settings).double()
    sources, targets = make_sources("recurrent"), make_targets()
    pairs = zip(sources, targets, strict=True)
    expected = [model(source[None], labels=target[None]).logits[0] for source, target in pairs]
    batch, mask = pad_rows(sources, "mixed", 1)
    labels = pad_labels(targets, "right", 1)
    found = model(batch, attention_mask=mask, labels=labels).logits
    found = [logits[real] for logits, real in zip(found, labels.ne(-100), strict=True)]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@cells
def test_saved_model_gives_equal_outputs(cell_type, tmp_path):
    model = Classifier().make_model(cell_type=cell_type)
    model.save_pretrained(tmp_path)
    batch, mask = pad_rows(make_rows(), "mixed")
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(loaded) is RecurrentForSequenceClassification
    assert torch.equal(loaded(batch, attention_mask=mask).logits, model(batch, attention_mask=mask).logits)


def test_missing_weights_are_initialised(tmp_path):
    model = Classifier().make_model(cell_type="mgu")
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.25)
    model.save_pretrained(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in saved.items() if "cells.0" not in name}
    assert 0 < len(kept) < len(saved)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    loaded = RecurrentForSequenceClassification.from_pretrained(tmp_path)
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in kept.items())
    cell = loaded.model.encoder.layers[0].cells[0]
    assert not cell.offset.any() and not cell.of_input.bias.any()
    limit = (6 / sum(cell.of_hidden.weight.shape)) ** 0.5
    assert limit / 4 < cell.of_hidden.weight.std() and cell.of_hidden.weight.abs().max() <= limit


def test_cell_is_computed_in_the_precision_of_its_weights_under_autocast():
    model = Backbone().make_model(cell_type="coupled-lstm", use_cache=True)
    batch, mask = pad_rows(make_rows(), "left")
    expected = model(batch, attention_mask=mask).last_hidden_state
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(batch, attention_mask=mask)
    assert all(part.dtype == torch.float32 for part in found.past_key_values.tensors())
    torch.testing.assert_close(found.last_hidden_state.float(), expected)


def test_config_names_the_plugin(tmp_path):
    config = RecurrentConfig(vocab_size=5, cell_type="mgu")
    assert config.cell_plugin == "own_code.cells"
    config.save_pretrained(tmp_path)
    assert RecurrentConfig.from_pretrained(tmp_path).cell_plugin == "own_code.cells"
    assert RecurrentConfig(vocab_size=5, cell_type="gru").cell_plugin is None


def test_loading_without_the_plugin_names_it(tmp_path, monkeypatch):
    RecurrentConfig(vocab_size=5, cell_type="mgu").save_pretrained(tmp_path)
    monkeypatch.delitem(CELL_TYPES, "mgu")
    with pytest.raises(StrictDataclassError, match=r"registered by the plug-in 'own_code\.cells', which is not"):
        RecurrentConfig.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell_type": "mgx"}, "cell_type must be one of rnn, .*mgu, not 'mgx': did you mean 'mgu'"),
        ({"cell_type": "mgu", "recurrent_dropout": 0.1}, "recurrent_dropout must be 0 for the cell 'mgu'"),
    ],
)
def test_config_rejects_invalid_settings(settings, message):
    with pytest.raises(StrictDataclassError, match=message):
        RecurrentConfig(**settings)


def test_register_cell_rejects_what_cannot_work():
    with pytest.raises(ValueError, match=r"'gru' is registered already, by torch\.nn\.GRU: choose another name"):
        register_cell("gru")(MinimalGatedUnit)
    with pytest.raises(ValueError, match="a cell cannot be called 'my cell'"):
        register_cell("my cell")
    with pytest.raises(ValueError, match=r"Linear cannot be registered as the cell 'mine': derive it from Recurrent"):
        register_cell("mine")(nn.Linear)
    assert register_cell("mgu")(MinimalGatedUnit) is MinimalGatedUnit


def test_step_of_another_shape_is_an_error(monkeypatch):
    model = Classifier().make_model(cell_type="mgu")
    monkeypatch.setattr(MinimalGatedUnit, "step", lambda self, inputs, state: (state[0][:, :1],))
    with pytest.raises(ValueError, match=r"MinimalGatedUnit.step\(\) must return a tuple of 1 tensors of shape"):
        model(torch.ones(1, 3, dtype=torch.long))


def test_kernel_cannot_run_the_cell(monkeypatch):
    model = Classifier().make_model(cell_type="mgu")
    monkeypatch.setenv("HFSEQ_ENGINE", "kernel")
    with pytest.raises(RuntimeError, match="MinimalGatedUnit is a cell of a plug-in, which runs in plain torch"):
        model(torch.ones(1, 3, dtype=torch.long))


def test_scan_can_be_overridden():
    class Summing(RecurrentCell):
        def scan(self, inputs, walk, state):
            return (inputs,), (walk.final(inputs),)

    layer_inputs = torch.randn(2, 3)
    layer = CellLayer(Summing, 3, 3)
    outputs, final = layer(nn.utils.rnn.PackedSequence(layer_inputs, torch.tensor([1, 1])))
    assert torch.equal(outputs.data, layer_inputs) and torch.equal(final[0][0], layer_inputs[1:])
