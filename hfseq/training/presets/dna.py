"""The presets of DNA."""

from typing import Any

from hfseq.training.presets.cells import for_each_cell

# DNA has four letters, or a few k-mers: dropping one everywhere, as embedding dropout does, would leave gaps in every
# sequence, and there is less to learn by heart than of words. Motifs stand anywhere: max pooling finds them.
DNA: dict[str, dict[str, Any]] = for_each_cell(
    {
        "model_type": "hfseq_recurrent",
        "learning_rate": 4e-3,
        "config_overrides": {
            "embedding_size": 32,
            "hidden_size": 64,
            "pooling": "max",
            "dropout": 0.2,
            "classifier_dropout": 0.3,
        },
    }
)
