"""Changes of the sizes of configurations, in the names that each of them uses."""

import pytest
from transformers import GPT2Config, MarianConfig, ModernBertConfig, PatchTSTConfig

from hfseq.comparison.budgets.architecture import add_layers, has_inner_sizes, scale_dropout, scale_widths
from hfseq.models.recurrent.configuration_encoder_decoder import RecurrentEncoderDecoderConfig
from hfseq.models.recurrent.configuration_recurrent import RecurrentConfig


def test_widths_scale_in_the_names_of_the_overrides():
    given = {"hidden_size": 128, "num_attention_heads": 4}
    assert scale_widths(GPT2Config(**given), given, 2) == {"hidden_size": 256, "n_inner": 1024}
    assert scale_widths(GPT2Config(n_embd=128, n_head=4, n_inner=256), {"n_embd": 128}, 0.5) == {
        "n_embd": 64,
        "n_inner": 128,
    }
    config = ModernBertConfig(hidden_size=128, num_attention_heads=4, intermediate_size=192)
    # The hidden size stays divisible by twice the number of heads.
    assert scale_widths(config, {}, 1.1) == {"hidden_size": 144, "intermediate_size": 211}
    assert scale_widths(config, {}, 1, inner=2) == {"hidden_size": 128, "intermediate_size": 384}
    assert scale_widths(config, {}, 0.001) == {"hidden_size": 8, "intermediate_size": 1}
    assert scale_widths(config, {}, 1) == {}
    assert scale_widths(PatchTSTConfig(d_model=64, num_attention_heads=4, ffn_dim=128), {}, 2) == {
        "d_model": 128,
        "ffn_dim": 256,
    }
    assert scale_widths(RecurrentConfig(hidden_size=100), {}, 0.33) == {"hidden_size": 33}
    assert has_inner_sizes(config, {}) and not has_inner_sizes(RecurrentConfig(), {})


def test_encoders_and_decoders_scale_together():
    encoder = {"model_type": "resnet", "hidden_sizes": [32, 64], "depths": [1, 1]}
    given = {"hidden_size": 128, "dropout": 0.2, "encoder": encoder}
    config = RecurrentEncoderDecoderConfig(**given)
    assert scale_widths(config, given, 0.5) == {"hidden_size": 64, "encoder": {"hidden_sizes": [16, 32]}}
    assert add_layers(config, given, 1) == {"num_hidden_layers": 2}
    assert scale_dropout(config, given, 0.5) == {"dropout": 0.1}
    marian = MarianConfig(d_model=64, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=128)
    assert scale_widths(marian, {}, 2)["d_model"] == 128 and scale_widths(marian, {}, 2)["encoder_ffn_dim"] == 256
    assert add_layers(MarianConfig(encoder_layers=2, decoder_layers=1), {}, -1) == {
        "encoder_layers": 1,
        "decoder_layers": 1,
    }


def test_dropout_is_limited():
    config = RecurrentConfig(dropout=0.5, classifier_dropout=0.6, embedding_dropout=0.0)
    assert scale_dropout(config, {}, 1.5) == {"dropout": 0.75, "classifier_dropout": pytest.approx(0.8)}
    assert scale_dropout(config, {}, 0.0) == {"dropout": 0.0, "classifier_dropout": 0.0}
    assert scale_dropout(config, {}, 1.0) == {}
