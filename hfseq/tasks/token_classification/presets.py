"""Presets of token classification."""

from typing import Any

from hfseq.registry import register_family_settings, register_preset, register_recurrent_presets
from hfseq.tasks.families import ATTENTION, RECURRENT, WHOLE
from hfseq.tasks.presets import TRANSFORMER, recurrent_preset

# Cased word pieces: word endings and capital letters are informative for tags.
_TOKENIZER: dict[str, Any] = {
    "tokenizer_name": "wordpiece",
    "tokenizer_lowercase": False,
    "tokenizer_vocab_size": 8000,
}
# The tagger of Huang et al. (2015) without its conditional random field, which `use_crf` adds.
_RECURRENT: dict[str, Any] = {
    "embedding_size": 128,
    "hidden_size": 128,
    "bidirectional": True,
    "embedding_dropout": 0.2,
    "dropout": 0.5,
    "classifier_dropout": 0.5,
}
register_recurrent_presets(lambda cell: recurrent_preset(cell, _RECURRENT, **_TOKENIZER), task="token_classification")
register_preset("transformer", {**TRANSFORMER, **_TOKENIZER}, task="token_classification")

# Spans are rare: with a few thousand sentences, ten epochs of large batches end before the model has learned them.
for _family in (RECURRENT, ATTENTION):
    register_family_settings(
        _family,
        {"per_device_train_batch_size": 16, "num_train_epochs": 15, "early_stopping_patience": 5},
        task="token_classification",
    )
# Small training sets need more than three epochs (Mosbach et al. 2021).
register_family_settings(WHOLE, {"num_train_epochs": 5}, task="token_classification")
