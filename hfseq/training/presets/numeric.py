"""The presets of sequences of numbers: series, recordings and videos to be classified, series to be forecast."""

from typing import Any

from hfseq.training.presets.cells import for_each_cell
from hfseq.training.presets.defaults import ATTENTION, RECURRENT

# Sequences of numbers: the same recurrent models; attention has a linear projection in the place of embeddings.
NUMERIC: dict[str, dict[str, Any]] = {
    **for_each_cell(
        {
            "model_type": "hfseq_recurrent",
            "config_overrides": {"hidden_size": 128, "pooling": "mean", "dropout": 0.1, "classifier_dropout": 0.2},
        }
    ),
    "transformer": {
        "model_type": "hfseq_feature_transformer",
        "config_overrides": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
    },
}

# A season is read as a few patches, by one set of weights for all channels, each history less its last value: what
# recurrence forecasts best with (Lin et al. 2023, "SegRNN").
FORECASTERS: dict[str, dict[str, Any]] = {
    **for_each_cell(
        {
            "model_type": "hfseq_recurrent",
            "config_overrides": {
                "hidden_size": 128,
                "bidirectional": False,
                "pooling": "last",
                "channel_independent": True,
                "patch_length": 4,
                "subtract_last": True,
                "classifier_dropout": 0.1,
            },
        }
    ),
    # PatchTST (Nie et al. 2023), of about the same size. The validation split of builtin:seasonal chose its dropout,
    # of two settings. As in the paper its head reads all patches; transformers' default is their mean, which does not
    # know which of them came last.
    "transformer": {
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
}

# Windows overlap, so an epoch is short. The rate of attention was chosen on the validation split of builtin:seasonal,
# from 5e-4 and 2e-3.
FORECAST_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    ("forecasting", RECURRENT): {"num_train_epochs": 20, "early_stopping_patience": 5},
    ("forecasting", ATTENTION): {"num_train_epochs": 20, "early_stopping_patience": 8, "learning_rate": 2e-3},
}
