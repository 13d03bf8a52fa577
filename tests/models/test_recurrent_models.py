import pytest
import torch
from head_tests import RecurrentHeadTests, RecurrentModelTests
from ragged import SMALL, TORCH_CELLS, gradients, make_rows, pad_rows
from torch.nn import functional as F
from transformers import AutoModel, AutoModelForSequenceClassification, pipeline

from hfseq import RecurrentConfig, RecurrentForSequenceClassification, RecurrentModel
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import engines, recurrent_stack


class TestRecurrentModel(RecurrentModelTests):
    model_class, auto_class = RecurrentModel, AutoModel

    def outputs_of_rows(self, outputs, attention_mask):
        rows = zip(outputs.last_hidden_state, attention_mask.bool(), strict=True)
        return [hidden[mask] for hidden, mask in rows]

    def test_state_is_returned_on_request(self):
        ids = torch.ones(2, 3, dtype=torch.long)
        assert self.make_model()(ids).past_key_values is None
        assert self.make_model()(ids, use_cache=True).past_key_values.cell is not None
        assert self.make_model(use_cache=True, cell_type="gru")(ids).past_key_values.cell is None

    def test_model_needs_an_input_size(self):
        with pytest.raises(ValueError, match=r"needs vocab_size \(for tokens\) or input_features"):
            RecurrentModel(RecurrentConfig())


class TestRecurrentForSequenceClassification(RecurrentHeadTests):
    model_class, auto_class = RecurrentForSequenceClassification, AutoModelForSequenceClassification
    # Anchored, because keys of the backbone begin with "model." and may contain these words.
    head_weights = {"attention pooling": r"^pooling\.", "classifier": r"^classifier\."}  # noqa: RUF012
    problem_types = ("single_label_classification", "multi_label_classification", "regression")

    def make_labels(self, problem_type, attention_mask):
        rows, classes = len(attention_mask), SMALL["num_labels"]
        if problem_type == "single_label_classification":
            return torch.arange(rows) % classes
        targets = torch.linspace(-1, 1, rows * classes).view(rows, classes)
        return targets if problem_type == "regression" else targets.gt(0.2).float()


def make_classifier(**config):
    return TestRecurrentForSequenceClassification().make_model(**config)


def make_backbone(**config):
    return TestRecurrentModel().make_model(**config)


def test_initial_values_are_correct_at_full_size():
    model = make_classifier(
        vocab_size=2000, embedding_size=64, hidden_size=128, pooling="mean", initializer_range=0.05
    )
    weights = dict(model.named_parameters())
    embeddings = weights["model.embed_tokens.weight"]
    assert not embeddings[0].any()
    assert embeddings[1:].std().item() == pytest.approx(0.05, rel=0.02)
    assert embeddings.mean().item() == pytest.approx(0, abs=0.001)
    for gate in weights["model.encoder.layers.0.weight_ih_l0_reverse"].split(128):
        assert gate.std().item() == pytest.approx((2 / (64 + 128)) ** 0.5, rel=0.05)


WEIGHTS = [0.5, 2.0, 1.25]
INTEGERS = torch.tensor([0, 2, 1, 2, 0])
MULTI_HOT = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 1.0]])
TARGETS = torch.linspace(-2, 2, 15).view(5, 3)


@pytest.mark.parametrize(
    ("config", "labels", "reference"),
    [
        ({}, INTEGERS, F.cross_entropy),
        ({}, MULTI_HOT, F.binary_cross_entropy_with_logits),
        ({"problem_type": "regression"}, TARGETS, F.mse_loss),
        ({"num_labels": 1}, TARGETS[:, 0], lambda logits, labels: F.mse_loss(logits[:, 0], labels)),
        ({"num_labels": 1}, INTEGERS, lambda logits, labels: F.mse_loss(logits[:, 0], labels.float())),
        (
            {"problem_type": "multi_label_classification"},
            MULTI_HOT.long(),
            lambda logits, labels: F.binary_cross_entropy_with_logits(logits, labels.float()),
        ),
        ({}, torch.tensor([0, -100, 1, -100, 2]), F.cross_entropy),
        (
            {"class_weights": WEIGHTS},
            INTEGERS,
            lambda logits, labels: F.cross_entropy(logits, labels, torch.tensor(WEIGHTS), reduction="sum") / 5,
        ),
        (
            {"class_weights": WEIGHTS},
            MULTI_HOT,
            lambda logits, labels: F.binary_cross_entropy_with_logits(
                logits, labels, pos_weight=torch.tensor(WEIGHTS)
            ),
        ),
        (
            {"label_smoothing": 0.2},
            INTEGERS,
            lambda logits, labels: F.cross_entropy(logits, labels, label_smoothing=0.2),
        ),
        (
            {"label_smoothing": 0.2},
            MULTI_HOT,
            lambda logits, labels: F.binary_cross_entropy_with_logits(logits, labels * 0.8 + 0.1),
        ),
        (
            {"label_smoothing": 0.2, "class_weights": WEIGHTS},
            INTEGERS,
            lambda logits, labels: (
                F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.2) * torch.tensor(WEIGHTS)[labels]
            ).mean(),
        ),
    ],
)
def test_loss_equals_the_reference(config, labels, reference):
    model = make_classifier(**config)
    batch, mask = pad_rows(make_rows((4, 1, 7, 2, 3)), "left")
    outputs = model(batch, attention_mask=mask, labels=labels)
    torch.testing.assert_close(outputs.loss, reference(outputs.logits, labels))


def test_loss_is_zero_if_all_labels_are_ignored():
    outputs = make_classifier()(torch.ones(2, 3, dtype=torch.long), labels=torch.tensor([-100, -100]))
    assert outputs.loss.item() == 0


DROPOUTS = [
    {"dropout": 0.5},
    {"dropout": 0.5, "locked_dropout": True},
    {"embedding_dropout": 0.5},
    {"recurrent_dropout": 0.5},
    {"classifier_dropout": 0.5},
]


@pytest.mark.parametrize("side", ["right", None])
@pytest.mark.parametrize("dropout", DROPOUTS, ids=lambda value: "-".join(value))
def test_dropout_is_active_only_in_training(dropout, side):
    batch, mask = pad_rows(make_rows() if side else make_rows((6, 6, 6)), side or "right")
    still = make_classifier()(batch, attention_mask=mask).logits
    model = make_classifier(**dropout)
    assert torch.equal(model(batch, attention_mask=mask).logits, still)
    model.train()
    first, second = (model(batch, attention_mask=mask).logits for _ in range(2))
    assert first.isfinite().all() and not torch.allclose(first, still) and not torch.allclose(first, second)


def layer_inputs(monkeypatch, model, layer, **inputs):
    """The padded inputs of a recurrent layer."""
    seen = []

    def run_layer(_, data, layout, *rest):
        seen.append(layout.unpack(data))
        return engines.run_layer(_, data, layout, *rest)

    monkeypatch.setattr(recurrent_stack, "run_layer", run_layer)
    model(**inputs)
    return seen[layer]


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("lengths", [(9, 7, 4), (6, 6, 6)], ids=["packed", "whole rows"])
def test_locked_dropout_has_one_mask_per_sequence(locked, lengths, monkeypatch):
    model = make_backbone(embedding_size=40, hidden_size=20, dropout=0.5, locked_dropout=locked).train()
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ones = {"inputs_embeds": torch.ones(*mask.shape, 40), "attention_mask": mask}
    for layer in (0, 1):
        hidden = layer_inputs(monkeypatch, model, layer, **ones)
        kept = [row[:length].detach() != 0 for row, length in zip(hidden, lengths, strict=True)]
        assert all((row == row[0]).all() == locked for row in kept)
        assert not torch.equal(kept[0][0], kept[1][0])
        assert 0.2 < torch.cat(kept).float().mean() < 0.8
        if layer == 0:
            assert set(hidden[0, : lengths[0]].unique().tolist()) == {0.0, 2.0}


def test_embedding_dropout_drops_token_types():
    model = make_backbone(embedding_dropout=0.5).train()
    ids = torch.arange(1, 23).repeat(4, 2)
    embedded = model(ids, output_hidden_states=True).hidden_states[0]
    scale = (embedded / model.embed_tokens(ids)).round(decimals=4)
    of_type = scale[0, :22, 0]
    assert set(of_type.tolist()) == {0.0, 2.0}
    assert torch.equal(scale, of_type.repeat(4, 2).unsqueeze(-1).expand_as(scale))


@pytest.mark.parametrize("lengths", [(9, 7, 4), (6, 6, 6)], ids=["packed", "whole rows"])
@pytest.mark.parametrize("cell_type", TORCH_CELLS)
def test_recurrent_dropout_drops_hidden_weights(cell_type, lengths):
    model = make_backbone(cell_type=cell_type, hidden_size=8, recurrent_dropout=0.5).train()
    batch, mask = pad_rows(make_rows(lengths), "right")
    found = gradients(model, model(batch, attention_mask=mask).last_hidden_state.square().sum())
    for name, gradient in found.items():
        if name == "embed_tokens.weight":
            continue
        untouched = (gradient == 0).float().mean()
        assert 0.3 < untouched < 0.7 if "weight_hh" in name else untouched < 0.05, name
    assert {id(parameter) for parameter in model.parameters()} == {id(model.get_parameter(name)) for name in found}


def test_pipeline_returns_the_scores_of_the_model():
    texts = ["a good film", "bad", "good good bad film, a film"]
    tokenizer = train_tokenizer("word", texts * 2, vocab_size=40, model_max_length=16)
    names = {0: "bad", 1: "fine", 2: "good"}
    model = make_classifier(vocab_size=len(tokenizer), id2label=names, label2id={v: k for k, v in names.items()})
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")
    with torch.no_grad():
        expected = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(-1)
    for batch_size in (1, 3):
        found = classify(texts, batch_size=batch_size)
        for scores, row in zip(found, expected, strict=True):
            by_name = {score["label"]: score["score"] for score in scores}
            assert [by_name[names[i]] for i in range(3)] == pytest.approx(row.tolist(), abs=1e-6)
