"""The language model: the loss is that of the next real token, and generated text does not depend on padding."""

import pytest
import torch
from head_tests import RecurrentHeadTests, assert_initial_values
from ragged import CELLS, SIDES, SMALL, assert_all_close, gradients, make_rows, pad_rows
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, set_seed

from hfseq import RecurrentConfig, RecurrentForCausalLM, RecurrentForSequenceClassification, RecurrentModel

EOS = 2
HIDDEN = 16


class TestRecurrentForCausalLM(RecurrentHeadTests):
    model_class, auto_class = RecurrentForCausalLM, AutoModelForCausalLM
    head_weights = {"head": r"^lm_head\."}  # noqa: RUF012
    problem_types = (None,)
    settings = {"bidirectional": False}  # noqa: RUF012
    feature_sizes = (None,)

    def outputs_of_rows(self, outputs, attention_mask):
        return [logits[mask] for logits, mask in zip(outputs.logits, attention_mask.bool(), strict=True)]

    def make_labels(self, problem_type, attention_mask):
        steps = attention_mask.cumsum(1)
        labels = (steps * 7 + torch.arange(len(steps))[:, None]) % SMALL["vocab_size"]
        # The first token of a row is not predicted. One token in the middle is ignored.
        left_out = (attention_mask == 0) | (steps == 1) | (steps == 4)
        return labels.masked_fill(left_out, -100)


def make_model(**config):
    """A model with random weights, so that it does not generate the same token repeatedly."""
    model = TestRecurrentForCausalLM().make_model(
        **{"hidden_size": HIDDEN, "eos_token_id": EOS, "bos_token_id": 1, **config}
    )
    set_seed(4)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=1.5)
    return model


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("side", SIDES)
def test_loss_equals_the_reference_for_each_row(side, smoothing):
    model = make_model(label_smoothing=smoothing)
    rows = make_rows()
    expected = [
        F.cross_entropy(model(row[None]).logits[0, :-1], row[1:], reduction="sum", label_smoothing=smoothing)
        for row in rows
    ]
    batch, mask = pad_rows(rows, side, 2)
    # Labels at padding are tokens, too.
    loss = model(batch, attention_mask=mask, labels=batch).loss
    torch.testing.assert_close(loss, sum(expected) / sum(len(row) - 1 for row in rows))


def test_loss_is_zero_without_targets():
    model = make_model()
    one = torch.tensor([[5], [7]])
    for labels, items in ((one, None), (one, 0), (torch.full((2, 1), -100), torch.tensor(0))):
        loss = model(one, labels=labels, num_items_in_batch=items).loss
        assert loss.item() == 0 and all(not value.any() for value in gradients(model, loss).values())


@pytest.mark.parametrize(("side", "exact"), [("right", True), ("left", False)])
def test_trainer_counts_the_predicted_tokens(side, exact, tmp_path):
    model = make_model()
    assert model.loss_type == "ForCausalLM"
    batch, mask = pad_rows(make_rows(), side)
    labels = batch.masked_fill(mask == 0, -100)
    trainer = Trainer(model, TrainingArguments(tmp_path, use_cpu=True, report_to="none"))

    def count():
        _, items = trainer.get_batch_samples(iter([{"input_ids": batch, "labels": labels}]), 1, torch.device("cpu"))
        return items.item()

    predicted = sum(len(row) - 1 for row in make_rows())
    assert (count() == predicted) == exact
    labels[mask.cumsum(1) == 1] = -100
    assert count() == predicted


@pytest.mark.parametrize("embedding_size", [HIDDEN, 6], ids=["same size", "projected"])
def test_tied_embeddings(embedding_size, tmp_path):
    model = make_model(tie_word_embeddings=True, embedding_size=embedding_size)
    weight = model.get_input_embeddings().weight
    assert model.lm_head.weight is weight and model.get_output_embeddings().weight is weight
    has_projection = "projection.weight" in dict(model.named_parameters())
    assert has_projection == (embedding_size != HIDDEN)
    model.save_pretrained(tmp_path)
    loaded = RecurrentForCausalLM.from_pretrained(tmp_path)
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
    ids = torch.tensor([[3, 4, 5]])
    assert torch.equal(loaded(ids).logits, model(ids).logits)
    # A new weight is initialised like embeddings, not like a linear layer.
    fresh = RecurrentForCausalLM(model.config)
    assert_initial_values(fresh, "embed_tokens")
    fresh.resize_token_embeddings(30)
    assert fresh.lm_head.weight is fresh.model.embed_tokens.weight and fresh(ids).logits.shape == (1, 3, 30)


def test_embeddings_are_not_tied_by_default():
    model = make_model()
    assert model.lm_head.weight.shape == (SMALL["vocab_size"], HIDDEN)
    assert model.lm_head.weight is not model.model.embed_tokens.weight


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"vocab_size": 9}, "has bidirectional=True, which is the default: set bidirectional=False$"),
        (
            {"input_features": 2, "bidirectional": False},
            "needs vocab_size, .* it has vocab_size=None, input_f",
        ),
        ({"vocab_size": 9, "input_features": 2, "bidirectional": False}, "no input_features; it has vocab_size=9"),
    ],
)
def test_causal_lm_rejects_invalid_configurations(config, message):
    with pytest.raises(ValueError, match=message):
        RecurrentForCausalLM(RecurrentConfig(**config))


@pytest.mark.parametrize("locked", [True, False])
def test_dropout_before_the_head_is_locked_on_request(locked):
    model = make_model(classifier_dropout=0.5, locked_dropout=locked, hidden_size=40).train()
    seen = []
    model.lm_head.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    batch, mask = pad_rows(make_rows((9, 7, 4)), "mixed", 2)
    model(batch, attention_mask=mask)
    model.eval()(batch, attention_mask=mask)
    layout = model.model.encode(batch, mask).layout
    kept = layout.unpack((seen[0] != 0).float())
    assert seen[1].ne(0).all()
    rows = [row[real] for row, real in zip(kept, mask.bool(), strict=True)]
    assert all((row == row[0]).all() == locked for row in rows)
    assert 0.3 < torch.cat(rows).mean() < 0.7 and not torch.equal(rows[0][0], rows[1][0])


@pytest.mark.parametrize("cell_type", CELLS)
def test_forward_continues_from_a_state(cell_type):
    model = make_model(cell_type=cell_type).double()
    batch, mask = pad_rows(make_rows(), "mixed", 2)
    whole = model(batch, attention_mask=mask, use_cache=True)
    first = model(batch[:, :6], attention_mask=mask[:, :6], use_cache=True)
    # The mask may include tokens that were read before, as in generate().
    second = model(batch[:, 6:], attention_mask=mask, past_key_values=first.past_key_values, use_cache=True)
    found = torch.cat([first.logits, second.logits], dim=1)
    torch.testing.assert_close(found, whole.logits, rtol=1e-10, atol=1e-10)
    state = whole.past_key_values
    assert state.get_seq_length() == second.past_key_values.get_seq_length() == batch.size(1)
    assert (state.is_compileable, state.is_croppable) == (False, False)
    assert (state.cell is not None) == (cell_type == "lstm")


@pytest.mark.parametrize("keep", [1, 3, torch.tensor([2, 5])], ids=["one", "three", "chosen"])
def test_logits_to_keep_selects_columns(keep):
    model = make_model()
    batch, mask = pad_rows(make_rows(), "mixed", 2)
    full = model(batch, attention_mask=mask, labels=batch)
    kept = slice(-keep, None) if isinstance(keep, int) else keep
    for labels in (None, batch):
        found = model(batch, attention_mask=mask, logits_to_keep=keep, labels=labels)
        torch.testing.assert_close(found.logits, full.logits[:, kept])
    assert torch.equal(found.loss, full.loss)


def new_tokens(model, rows, **options):
    """The continuation of each single prompt, up to the end of the text."""
    found = []
    for row in rows:
        tokens = model.generate(row[None], max_new_tokens=8, **options)[:, len(row) :]
        found += [upto_eos(tokens) for tokens in tokens.tolist()]
    return found


def upto_eos(tokens):
    return tokens[: tokens.index(EOS) + 1] if EOS in tokens else tokens


@pytest.mark.parametrize(
    "options",
    [{}, {"use_cache": False}, {"num_beams": 3, "num_return_sequences": 2}, {"num_beams": 3, "use_cache": False}],
    ids=["greedy", "greedy without cache", "beam", "beam without cache"],
)
@pytest.mark.parametrize("cell_type", CELLS)
def test_padded_prompts_are_continued_like_single_prompts(cell_type, options):
    model = make_model(cell_type=cell_type).double()
    rows = make_rows((3, 6, 1, 4))
    expected = new_tokens(model, rows, **{"use_cache": True, **options})
    assert len({tuple(tokens) for tokens in expected}) > 2
    for side in ("left", "mixed"):
        batch, mask = pad_rows(rows, side, 2)
        found = model.generate(batch, attention_mask=mask, max_new_tokens=8, **options)[:, batch.size(1) :]
        assert [upto_eos(tokens) for tokens in found.tolist()] == expected


def test_sampling_is_seeded():
    model = make_model()
    batch, mask = pad_rows(make_rows((3, 6)), "left")
    options = {"attention_mask": mask, "do_sample": True, "num_return_sequences": 3, "max_new_tokens": 6}
    found = []
    for seed in (1, 1, 2):
        set_seed(seed)
        found.append(model.generate(batch, **options))
    assert torch.equal(found[0], found[1]) and found[0].tolist() != found[2].tolist()
    assert len(found[0]) == 6 and torch.equal(found[0][:, :6], batch.repeat_interleave(3, 0))


def test_generation_continues_from_its_state():
    model = make_model(eos_token_id=None).double()
    batch, mask = pad_rows(make_rows((3, 6)), "left")
    whole = model.generate(batch, attention_mask=mask, max_new_tokens=9)
    first = model.generate(batch, attention_mask=mask, max_new_tokens=4, return_dict_in_generate=True)
    mask = torch.cat([mask, mask.new_ones(2, 4)], dim=1)
    second = model.generate(
        first.sequences, attention_mask=mask, past_key_values=first.past_key_values, max_new_tokens=5
    )
    assert torch.equal(second, whole)


def test_generate_accepts_embeddings():
    model = make_model()
    batch, mask = pad_rows(make_rows((3, 6)), "left")
    embedded = model.get_input_embeddings()(batch)
    found = model.generate(inputs_embeds=embedded, attention_mask=mask, max_new_tokens=5)
    assert torch.equal(found, model.generate(batch, attention_mask=mask, max_new_tokens=5)[:, 6:])


def test_empty_prompts_are_rejected():
    model = make_model()
    beginning = model.generate(torch.tensor([[1]]), max_new_tokens=5)
    assert torch.equal(model.generate(max_new_tokens=5), beginning)
    rule = "no tokens: begin prompts with a token"
    with pytest.raises(ValueError, match=f"^the prompt has {rule}"):
        model.generate(torch.empty(1, 0, dtype=torch.long), max_new_tokens=5)
    with pytest.raises(ValueError, match=f"^of the prompts, row 1 has {rule}"):
        model.generate(torch.ones(2, 2).long(), attention_mask=torch.tensor([[0, 1], [0, 0]]), max_new_tokens=5)


def test_size_of_the_state_is_constant():
    model = make_model(eos_token_id=None)
    states = [
        model.generate(torch.tensor([[3]]), max_new_tokens=count, return_dict_in_generate=True).past_key_values
        for count in (10, 1000)
    ]
    assert [state.get_seq_length() for state in states] == [10, 1000]
    sizes = [sum(tensor.untyped_storage().nbytes() for tensor in state.tensors()) for state in states]
    assert sizes[0] == sizes[1] == 2 * 2 * HIDDEN * 4


@pytest.mark.parametrize("tied", [False, True])
def test_backbone_of_a_language_model_loads_in_other_heads(tied, tmp_path):
    model = make_model(tie_word_embeddings=tied)
    model.save_pretrained(tmp_path)
    for head in (RecurrentForSequenceClassification, RecurrentModel):
        loaded = head.from_pretrained(tmp_path, pooling="last")
        assert_all_close(loaded.base_model.state_dict(), model.model.state_dict(), 0)


def test_bidirectional_classifier_loads_from_a_language_model(tmp_path):
    one_layer, two_layers = (make_model(num_hidden_layers=layers) for layers in (1, 2))
    one_layer.save_pretrained(tmp_path / "one")
    two_layers.save_pretrained(tmp_path / "two")
    # With one layer, the forward direction has the same shapes as in the language model.
    loaded = RecurrentForSequenceClassification.from_pretrained(tmp_path / "one", bidirectional=True)
    weights = loaded.model.state_dict()
    expected = one_layer.model.state_dict()
    assert_all_close({name: weights[name] for name in expected}, expected, 0)
    assert_initial_values(loaded, "_reverse")
    # With more layers, the inputs of the upper layers have twice the size.
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        RecurrentForSequenceClassification.from_pretrained(tmp_path / "two", bidirectional=True)
