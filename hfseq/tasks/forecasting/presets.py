"""Presets of forecasting."""

from typing import Any

from hfseq.registry import register_family_settings, register_preset, register_recurrent_presets
from hfseq.tasks.families import ATTENTION, RECURRENT
from hfseq.tasks.presets import recurrent_preset

# The model reads patches of steps, uses the same weights for all channels, and subtracts the last value from each
# series, as the best recurrent forecasting models do (Lin et al. 2023, "SegRNN").
_RECURRENT: dict[str, Any] = {
    "hidden_size": 128,
    "bidirectional": False,
    "pooling": "last",
    "channel_independent": True,
    "patch_length": 4,
    "subtract_last": True,
    "classifier_dropout": 0.1,
}
register_recurrent_presets(lambda cell: recurrent_preset(cell, _RECURRENT), task="forecasting")

# PatchTST (Nie et al. 2023), with about as many parameters. Its dropout was chosen on the validation split of
# builtin:seasonal among two settings. Its head reads all patches, as in the paper; the default of transformers is
# their mean, which loses the order of the patches.
register_preset(
    "transformer",
    {
        "model_type": "patchtst",
        "config_overrides": {
            "d_model": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "ffn_dim": 128,
            "patch_length": 8,
            "patch_stride": 4,
            "ff_dropout": 0.1,
            "pooling_type": None,
        },
    },
    task="forecasting",
)

# Windows overlap, so an epoch is short. The learning rate of attention was chosen on the validation split of
# builtin:seasonal among 5e-4 and 2e-3.
register_family_settings(RECURRENT, {"num_train_epochs": 20, "early_stopping_patience": 5}, task="forecasting")
register_family_settings(
    ATTENTION,
    {"num_train_epochs": 20, "early_stopping_patience": 8, "learning_rate": 2e-3},
    task="forecasting",
)
