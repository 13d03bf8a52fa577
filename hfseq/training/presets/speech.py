"""What the presets stand for where recordings are transcribed."""

from typing import Any

from hfseq.training.presets.cells import for_each_cell
from hfseq.training.presets.defaults import ATTENTION, RECURRENT

TRANSCRIBERS: dict[str, dict[str, Any]] = {
    **for_each_cell(
        {
            "model_type": "hfseq_recurrent",
            "config_overrides": {
                "hidden_size": 128,
                "num_hidden_layers": 2,
                "bidirectional": True,
                "dropout": 0.3,
                "classifier_dropout": 0.3,
            },
        }
    ),
    # With about as many parameters as the GRU.
    "transformer": {
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
}

# (task, family) -> what differs from the family's usual training. For some epochs a model says nothing but the blank,
# which an early stop has to wait for (Graves et al. 2006 train for hundreds).
SPEECH_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    ("ctc", RECURRENT): {"num_train_epochs": 40, "early_stopping_patience": 15, "per_device_train_batch_size": 16},
    ("ctc", ATTENTION): {"num_train_epochs": 60, "early_stopping_patience": 20, "per_device_train_batch_size": 16},
}
