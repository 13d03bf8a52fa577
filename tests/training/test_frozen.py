"""A frozen body is in evaluation mode: its running statistics and its answers do not change."""

import copy

import torch
from small import TINY
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, ResNetConfig, ResNetModel

from hfseq import run_training
from hfseq.training import run as run_module
from hfseq.training.model_parts import keep_body_in_evaluation_mode


def bert():
    config = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=9, intermediate_size=8,
        hidden_dropout_prob=0.5, classifier_dropout=0.5,
    )  # fmt: skip
    return BertForSequenceClassification(config)


def test_dropout_is_off_in_the_body_and_on_in_the_head():
    model = bert()
    keep_body_in_evaluation_mode(model)
    for whole in (model, copy.deepcopy(model)):
        assert whole.train() is whole
        assert not any(module.training for module in whole.bert.modules())
        assert whole.dropout.training and whole.training
        assert not whole.eval().training
    ids = torch.arange(4)[None]
    model.train()
    first, second = (model.bert(ids).pooler_output for _ in range(2))
    assert torch.equal(first, second)


def test_running_statistics_do_not_change():
    class Captioner(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = {"embedding_size": 4, "hidden_sizes": [4], "depths": [1], "layer_type": "basic"}
            self.encoder = ResNetModel(ResNetConfig(num_channels=1, **sizes))
            self.config = BertConfig(is_encoder_decoder=True)

        def get_encoder(self):
            return self.encoder

    model = Captioner()
    keep_body_in_evaluation_mode(model)
    before = {name: value.clone() for name, value in model.encoder.named_buffers()}
    model.train()
    model.encoder(torch.randn(2, 1, 8, 8))
    assert any("running_mean" in name for name in before)
    for name, value in model.encoder.named_buffers():
        assert torch.equal(value, before[name]), name


def test_frozen_run_trains_the_head_and_keeps_the_body(reviews, tiny_bert, tmp_path, monkeypatch):
    make, modes = run_module.make_trainer, []

    def watched(*arguments):
        trainer = make(*arguments)
        body = trainer.model.base_model
        body.register_forward_hook(lambda module, *rest: modes.append((module.training, trainer.model.training)))
        return trainer

    monkeypatch.setattr(run_module, "make_trainer", watched)
    settings = {**TINY, "model": str(tiny_bert), "finetuning": "frozen", "config_overrides": None, "max_steps": 2}
    run_training({**settings, "dataset": str(reviews), "output_dir": str(tmp_path)})
    assert (False, True) in modes, "the model was never trained"
    assert not any(body for body, _ in modes)
