import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForSequenceClassification

from hfseq import RecurrentConfig, RecurrentForSequenceClassification
from hfseq.comparison.costs.flops import count_operations, training_operations

INPUT, HIDDEN, LABELS, TOKENS = 8, 16, 3, 7
IDS = torch.arange(1, TOKENS + 1)[None]
# Matrices of a layer: of the inputs, and of the state. Each element is multiplied and added once per token.
LAYERS = {
    "lstm": 4 * (INPUT + HIDDEN) * HIDDEN,
    "gru": 3 * (INPUT + HIDDEN) * HIDDEN,
    "rnn": (INPUT + HIDDEN) * HIDDEN,
    "minlstm": 3 * INPUT * HIDDEN,
    "mingru": 2 * INPUT * HIDDEN,
}


@pytest.mark.parametrize("engine", ["auto", "torch"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", LAYERS)
def test_operations_of_a_recurrent_model(cell, bidirectional, engine, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", engine)
    config = RecurrentConfig(
        cell_type=cell, vocab_size=20, embedding_size=INPUT, hidden_size=HIDDEN, num_labels=LABELS, pad_token_id=0,
        bidirectional=bidirectional,
    )  # fmt: skip
    model = RecurrentForSequenceClassification(config).eval()
    directions = 2 if bidirectional else 1
    body = 2 * TOKENS * directions * LAYERS[cell]
    head = 2 * directions * HIDDEN * LABELS
    assert count_operations(model, {"input_ids": IDS}) == {"total": body + head, "body": body}


def make_transformer(attention):
    size, inner, layers = 16, 32, 2
    config = BertConfig(
        vocab_size=20, hidden_size=size, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=2,
        max_position_embeddings=16, num_labels=LABELS, attn_implementation=attention,
    )  # fmt: skip
    return BertForSequenceClassification(config).eval(), layers, size, inner


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_operations_of_a_transformer(attention):
    model, layers, size, inner = make_transformer(attention)
    # Query, key, value, output; two layers of the perceptron; scores and weighted sum of attention.
    layer = TOKENS * (4 * size * size + 2 * size * inner) + 2 * TOKENS * TOKENS * size
    body = 2 * (layers * layer + size * size)  # and the pooler, for one token
    counted = count_operations(model, {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)})
    assert counted == {"total": body + 2 * size * LABELS, "body": body}


def test_a_training_step_takes_three_times_the_forward_pass():
    model, *_ = make_transformer("eager")
    forward = count_operations(model, {"input_ids": IDS})
    with FlopCounterMode(display=False) as counter:
        model(IDS, labels=torch.tensor([1])).loss.backward()
    assert counter.get_total_flops() == training_operations(forward["total"], forward["body"], None)


def test_operations_of_a_training():
    assert training_operations(110, 100, None) == training_operations(110, 100, "whole") == 330
    assert training_operations(110, 100, "frozen") == 100 + 30
    assert training_operations(110, 100, "lora") == 200 + 30
