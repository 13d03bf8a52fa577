"""Presets of sequence classification and regression, for modalities other than text."""

from typing import Any

from hfseq.registry import register_family_settings, register_preset, register_recurrent_presets
from hfseq.tasks.families import ATTENTION, RECURRENT
from hfseq.tasks.presets import recurrent_preset

# Sequences of numbers: series, audio and video. Attention models have a linear projection in place of embeddings.
_NUMERIC: dict[str, Any] = {"hidden_size": 128, "pooling": "mean", "dropout": 0.1, "classifier_dropout": 0.2}
register_recurrent_presets(lambda cell: recurrent_preset(cell, _NUMERIC), modality="numeric")
register_preset(
    "transformer",
    {
        "model_type": "hfseq_feature_transformer",
        "config_overrides": {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4},
    },
    modality="numeric",
)

# DNA has four letters, or a few k-mers. Embedding dropout, which drops a token everywhere, would leave gaps in each
# sequence; and there is less to memorise than with words. Motifs occur anywhere: max pooling finds them.
_DNA: dict[str, Any] = {
    "embedding_size": 32,
    "hidden_size": 64,
    "pooling": "max",
    "dropout": 0.2,
    "classifier_dropout": 0.3,
}
register_recurrent_presets(lambda cell: recurrent_preset(cell, _DNA, learning_rate=4e-3), modality="dna")

# Labelled series and videos are few, and an epoch takes a second or two: both families train until they converge.
for _modality, _epochs, _patience in (("series", 40, 10), ("video", 30, 8), ("dna", 20, 5)):
    for _family in (RECURRENT, ATTENTION):
        register_family_settings(
            _family,
            {"num_train_epochs": _epochs, "early_stopping_patience": _patience},
            task="sequence_classification",
            modality=_modality,
        )
