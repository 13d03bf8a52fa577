"""General presets: settings for each name of a model, unless the task or modality has its own."""

from typing import Any

from hfseq.registry import register_preset, register_recurrent_presets

_RECURRENT_CONFIG = {
    "embedding_size": 128,
    "hidden_size": 128,
    "num_hidden_layers": 1,
    "bidirectional": True,
    "pooling": "max",
    # Most labelled data has few words: dropout helps a recurrent model more than size (Zaremba et al. 2014). Chosen
    # for the LSTM on the validation split of SST-2 among four settings of dropout; the other cells use the same.
    "dropout": 0.5,
    "embedding_dropout": 0.2,
    "classifier_dropout": 0.5,
}

# A small modern encoder (Warner et al. 2024: pre-normalisation, rotary positions, gated units), with about as many
# parameters as the LSTM apart from the embeddings. With little data, mean pooling learns more than BERT's pooling of
# the first token. Its learning rate was chosen on the validation split of builtin:docstrings among three.
TRANSFORMER: dict[str, Any] = {
    "model_type": "modernbert",
    "config_overrides": {
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 192,
        "classifier_pooling": "mean",
        "embedding_dropout": 0.2,
        "mlp_dropout": 0.1,
        "attention_dropout": 0.1,
        "classifier_dropout": 0.3,
    },
}


def recurrent_preset(cell_type: str, config: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Settings of a recurrent model.

    Args:
        cell_type (`str`): the recurrent cell.
        config (`dict`): settings of the configuration.
        settings: further flat settings of the run.
    """
    return {**settings, "model_type": "hfseq_recurrent", "config_overrides": {"cell_type": cell_type, **config}}


register_recurrent_presets(lambda cell: recurrent_preset(cell, _RECURRENT_CONFIG))
register_preset("transformer", TRANSFORMER)
register_preset("minilm", {})
