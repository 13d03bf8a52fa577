"""Presets of transcription with CTC."""

from typing import Any

from hfseq.registry import register_family_settings, register_preset, register_recurrent_presets
from hfseq.tasks.families import ATTENTION, RECURRENT
from hfseq.tasks.presets import recurrent_preset

_RECURRENT: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "bidirectional": True,
    "dropout": 0.3,
    "classifier_dropout": 0.3,
}
register_recurrent_presets(lambda cell: recurrent_preset(cell, _RECURRENT), task="ctc")

# About as many parameters as the GRU.
register_preset(
    "transformer",
    {
        "model_type": "hfseq_feature_transformer",
        "config_overrides": {
            "hidden_size": 128,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "intermediate_size": 256,
            "dropout": 0.1,
            "classifier_dropout": 0.1,
        },
    },
    task="ctc",
)

# In its first epochs a CTC model outputs blanks only, so early stopping has to wait (Graves et al. 2006 train for
# hundreds of epochs).
register_family_settings(
    RECURRENT,
    {"num_train_epochs": 40, "early_stopping_patience": 15, "per_device_train_batch_size": 16},
    task="ctc",
)
register_family_settings(
    ATTENTION,
    {"num_train_epochs": 60, "early_stopping_patience": 20, "per_device_train_batch_size": 16},
    task="ctc",
)
