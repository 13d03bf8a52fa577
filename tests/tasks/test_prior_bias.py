"""Initial bias of a new head. The bias of a trained head is not changed."""

import json

import pytest
import torch
from small import TINY, make_reviews

from hfseq import run_training
from hfseq.data.labels.inference import LabelSchema
from hfseq.tasks import SequenceClassification
from hfseq.tasks.prior_bias import label_prior
from hfseq.training.preparation import load_data, prepare
from hfseq.training.reading import parse_mapping
from hfseq.training.settings import resolve

MULTI = LabelSchema("multi_label_classification", ("often", "seldom", "never"))
# 2,000 examples, so that the half example that is added to the counts is negligible.
SEVERAL = [[float(row % 4 > 0), float(row % 50 == 0), 0.0] for row in range(2000)]
NUMBERS = [100.0 + row % 7 for row in range(70)]


@pytest.mark.parametrize(
    ("labels", "encoded", "settings"),
    [
        (MULTI, SEVERAL, {}),
        (MULTI, SEVERAL, {"class_weights": (1.0, 40.0, 3.0), "label_smoothing": 0.1}),
        (LabelSchema("regression"), NUMBERS, {}),
    ],
    ids=["several labels", "weighted and smoothed", "a number"],
)
def test_label_prior_minimizes_loss(labels, encoded, settings):
    prior = label_prior(encoded, labels, **settings)
    logits = torch.tensor(prior).repeat(len(encoded), 1).requires_grad_()
    task = SequenceClassification(labels, **settings)
    task.loss({"logits": logits}, {"labels": torch.tensor(encoded)}).backward()
    at_zero = torch.zeros_like(logits).requires_grad_()
    task.loss({"logits": at_zero}, {"labels": torch.tensor(encoded)}).backward()
    assert (logits.grad.sum(0).abs() <= 1e-2 * at_zero.grad.sum(0).abs().max()).all()


def test_label_prior_is_none_for_single_label():
    assert label_prior([0, 0, 1], LabelSchema("single_label_classification", ("a", "b"))) is None


@pytest.fixture
def several(tmp_path):
    """Reviews with labels of different frequencies."""
    rows = make_reviews(120, 5)
    for number, row in enumerate(rows):
        row["label"] = [row["label"]] * (number % 3 > 0) + ["rare"] * (number % 10 == 0)
    path = tmp_path / "several.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def prepared_run(dataset, tmp_path, **settings):
    values = {**TINY, "dataset": str(dataset), "output_dir": str(tmp_path / "run"), **settings}
    arguments = resolve(parse_mapping(values, where="test"))
    return prepare(arguments, load_data(arguments.data))


def head_bias(model):
    """The bias of the last layer of a head, whatever its name in the architecture."""
    return [parameter for name, parameter in model.named_parameters() if parameter.shape == (3,)][-1]


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "gru"},
        {"model": "transformer", "config_overrides": "hidden_size=8,num_attention_heads=2,intermediate_size=8"},
        {"model_type": "roberta", "config_overrides": "hidden_size=8,num_attention_heads=2,intermediate_size=8",
         "model": None},
        {"model": "tiny_bert", "config_overrides": None},
        {"model": "tiny_bert", "config_overrides": None, "finetuning": "frozen"},
    ],
    ids=["recurrent", "modernbert", "roberta", "pretrained", "frozen"],
)  # fmt: skip
def test_new_head_bias_equals_label_prior(settings, several, tiny_bert, tmp_path):
    if settings["model"] == "tiny_bert":
        settings = {**settings, "model": str(tiny_bert)}
    run = prepared_run(several, tmp_path, **settings)
    prior = label_prior(run.data.encoded_labels["train"], run.data.labels)
    bias = head_bias(run.built.model)
    torch.testing.assert_close(bias.detach(), torch.tensor(prior))
    assert bias.requires_grad and max(prior) - min(prior) > 1


def test_trained_head_bias_is_kept(several, tmp_path):
    folder = tmp_path / "first"
    run_training({**TINY, "dataset": str(several), "output_dir": str(folder)})
    run = prepared_run(several, tmp_path, model=str(folder), config_overrides=None)
    saved = type(run.built.model).from_pretrained(folder)
    torch.testing.assert_close(head_bias(run.built.model), head_bias(saved))
    prior = torch.tensor(label_prior(run.data.encoded_labels["train"], run.data.labels))
    assert (head_bias(saved) - prior).abs().max() > 1e-3


def test_head_without_bias_is_unchanged(several, tmp_path):
    overrides = "n_embd=8,n_head=2,n_layer=1"
    run = prepared_run(several, tmp_path, model=None, model_type="gpt2", config_overrides=overrides)
    assert not [name for name, value in run.built.model.named_parameters() if value.shape == (3,)]
