"""Recurrent layers with computed weights, quantized weights or hooks have the same results as the modules of torch."""

import copy

import pytest
import torch
from ragged import CELLS, TORCH_CELLS, make_rows, pad_rows
from torch import nn
from torch.nn.utils import parametrizations, prune
from transformers import BertConfig, set_seed

from hfseq import RecurrentConfig, RecurrentEncoderDecoder, RecurrentEncoderDecoderConfig, RecurrentModel
from hfseq.models.recurrent.engines import choose_engine, kernel_unavailable
from hfseq.models.recurrent.layer_weights import weight_names
from hfseq.models.recurrent.sequence_layout import SequenceLayout

# torch has deprecated these two, but they are still used.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
engines = pytest.mark.parametrize("engine", ["auto", "torch"])
BATCH, MASK = pad_rows(make_rows((3, 9, 1, 6)), "mixed", 1)


def make_model(cell="lstm", **settings):
    set_seed(0)
    config = RecurrentConfig(vocab_size=23, embedding_size=6, hidden_size=8, num_hidden_layers=2, cell_type=cell,
                             **settings)  # fmt: skip
    return RecurrentModel(config).eval()


def weight_norm(layer, name):
    nn.utils.weight_norm(layer, name)


def spectral_norm(layer, name):
    nn.utils.spectral_norm(layer, name)


def parametrized_weight_norm(layer, name):
    parametrizations.weight_norm(layer, name)


def parametrized_spectral_norm(layer, name):
    parametrizations.spectral_norm(layer, name)


def pruned(layer, name):
    prune.l1_unstructured(layer, name, amount=0.6)


def pruned_twice(layer, name):
    prune.l1_unstructured(layer, name, amount=0.3)
    prune.ln_structured(layer, name, amount=0.25, n=2, dim=0)


CHANGES = [weight_norm, spectral_norm, parametrized_weight_norm, parametrized_spectral_norm, pruned, pruned_twice]
NAMES = ["weight_ih_l0", "weight_ih_l0_reverse"]


def change_model(model, change):
    """Changes some weights of each layer, and the parameters that they are computed from."""
    for layer in model.encoder.layers:
        for name in [name for name in weight_names(layer) if name in (*NAMES, "weight_hh_l0")]:
            change(layer, name)
    with torch.no_grad():
        for name, parameter in model.encoder.named_parameters():
            if name.endswith(("_g", "_orig", "original0", ".original")):
                parameter.mul_(1.5)


def plain_copy(model, cell):
    """The same model with ordinary layers that have the current weights."""
    plain = make_model(cell)
    plain.embed_tokens.load_state_dict(model.embed_tokens.state_dict())
    for layer, own in zip(plain.encoder.layers, model.encoder.layers, strict=True):
        layer.load_state_dict({name: getattr(own, name).detach() for name in weight_names(own)})
    return plain


def read(model):
    return model(BATCH, attention_mask=MASK).last_hidden_state


@engines
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_computed_weights_are_used_by_each_engine(change, cell, engine, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", engine)
    model = make_model(cell)
    untouched = read(model).detach()
    change_model(model, change)
    with torch.no_grad():
        first = read(model)
        torch.testing.assert_close(first, read(plain_copy(model, cell)), rtol=1e-5, atol=1e-6)
        assert not torch.allclose(first, untouched, atol=1e-4)
        # Changes the parameters from which the weights are computed.
        for name, parameter in model.encoder.named_parameters():
            if name.endswith(("_g", "_orig", "original0", ".original")):
                parameter.data[0] = -parameter.data[0] * 2
        second = read(model)
        if "spectral" not in change.__name__:
            assert not torch.allclose(second, first, atol=1e-4)
    loss = read(model).square().sum()
    loss.backward()
    for name, parameter in model.encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    if change is pruned:
        layer = model.encoder.layers[0]
        assert not layer.weight_ih_l0_orig.grad[layer.weight_ih_l0_mask == 0].any()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_computed_weights_can_be_trained_with_recurrent_dropout(change):
    model = make_model("lstm", recurrent_dropout=0.5, bidirectional=False)
    change_model(model, change)
    model.train()
    set_seed(1)
    first = read(model)
    set_seed(1)
    if "spectral" not in change.__name__:  # whose estimate of the norm improves at each step
        assert torch.equal(read(model), first)
    assert not torch.allclose(read(model), first, rtol=1e-4, atol=1e-7)
    first.square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.encoder.parameters())


@pytest.mark.parametrize("cell", TORCH_CELLS)
@engines
def test_hooks_of_a_layer_are_run(cell, engine, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", engine)
    model = make_model(cell)
    layer = model.encoder.layers[1]
    with torch.no_grad():
        expected = read(model)
        seen = []
        handle = layer.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs[0].data.shape))
        torch.testing.assert_close(read(model), expected, rtol=1e-5, atol=1e-6)
        assert seen == [(19, 16)]
        handle.remove()
        layer.register_forward_pre_hook(
            lambda module, inputs: (inputs[0]._replace(data=inputs[0].data * 0), *inputs[1:])
        )
        assert not torch.allclose(read(model), expected, atol=1e-3)
    layout = SequenceLayout.from_attention_mask(MASK)
    assert choose_engine(layer, torch.zeros(layout.num_tokens, 16), layout) == "module"
    if kernel_unavailable() is None:
        monkeypatch.setenv("HFSEQ_ENGINE", "kernel")
        with pytest.raises(RuntimeError, match="cannot run here: the layer has hooks, which run only if torch's"):
            read(model)


@engines
def test_layer_with_its_own_forward_is_called(engine, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", engine)
    model = make_model("gru")
    layer = model.encoder.layers[0]
    forward, calls = layer.forward, []

    def watched(*arguments):
        calls.append(len(arguments))
        return forward(*arguments)

    layer.forward = watched
    with torch.no_grad():
        read(model)
    assert calls == [2]


def quantized(model, kinds=(nn.LSTM, nn.GRU, nn.Linear)):
    return torch.ao.quantization.quantize_dynamic(copy.deepcopy(model), set(kinds), dtype=torch.qint8)


@engines
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_dynamically_quantized_layers_are_called(cell, engine, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", engine)
    model = make_model(cell)
    small = quantized(model)
    assert "quantized" in type(small.encoder.layers[0]).__module__
    with torch.no_grad():
        expected = model(BATCH, attention_mask=MASK, use_cache=True)
        found = small(BATCH, attention_mask=MASK, use_cache=True)
        torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state, rtol=0, atol=0.05)
        assert not torch.equal(found.last_hidden_state, expected.last_hidden_state)
        for one, other in zip(found.past_key_values.tensors(), expected.past_key_values.tensors(), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0.05)
        # Dense batches use another code path. A single row is a dense batch.
        for row, mask, hidden in zip(BATCH, MASK.bool(), expected.last_hidden_state, strict=True):
            alone = small(row[mask][None]).last_hidden_state[0]
            torch.testing.assert_close(alone, hidden[mask], rtol=0, atol=0.05)


def test_quantized_model_accepts_features():
    set_seed(0)
    model = RecurrentModel(RecurrentConfig(input_features=3, hidden_size=8)).eval()
    features = torch.randn(2, 5, 3)
    with torch.no_grad():
        expected = model(input_features=features).last_hidden_state
        found = quantized(model)(input_features=features).last_hidden_state
    torch.testing.assert_close(found, expected, rtol=0, atol=0.05)


def encoder_decoder(**settings):
    set_seed(0)
    encoder = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    return RecurrentEncoderDecoder(
        RecurrentEncoderDecoderConfig(
            encoder=encoder, vocab_size=12, hidden_size=8, embedding_size=8, input_feeding=True, pad_token_id=0,
            decoder_start_token_id=1, attention="additive", cell_type="gru", **settings,
        )
    ).eval()  # fmt: skip


def test_decoder_with_input_feeding_uses_the_current_weights():
    model = encoder_decoder()
    inputs = {"input_ids": torch.arange(1, 7)[None], "decoder_input_ids": torch.tensor([[1, 5, 3]])}
    with torch.no_grad():
        before = model(**inputs).logits
        layer = model.decoder.stack.layers[0]
        parametrizations.weight_norm(layer, "weight_hh_l0")
        torch.testing.assert_close(model(**inputs).logits, before, rtol=1e-5, atol=1e-6)
        prune.random_unstructured(layer, "weight_ih_l0", amount=0.9)
        assert not torch.allclose(model(**inputs).logits, before, atol=1e-4)
        with pytest.raises(ValueError, match="a decoder with input feeding computes with the weights of its layers"):
            quantized(encoder_decoder(), (nn.GRU,))(**inputs)
