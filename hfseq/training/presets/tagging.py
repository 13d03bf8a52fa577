"""The presets of token classification, and how their families are trained."""

from typing import Any

from hfseq.training.presets.cells import for_each_cell
from hfseq.training.presets.defaults import ATTENTION, MODEL_PRESETS, RECURRENT

# Pieces of words, with their case: what a word is shows in its ending, and names in their capitals.
_WORDS: dict[str, Any] = {
    "tokenizer_name": "wordpiece",
    "tokenizer_lowercase": False,
    "tokenizer_vocab_size": 8000,
}

TAGGERS: dict[str, dict[str, Any]] = {
    # The tagger of Huang et al. (2015) without its field, which `use_crf` adds.
    **for_each_cell(
        {
            **_WORDS,
            "model_type": "hfseq_recurrent",
            "config_overrides": {
                "embedding_size": 128,
                "hidden_size": 128,
                "bidirectional": True,
                "embedding_dropout": 0.2,
                "dropout": 0.5,
                "classifier_dropout": 0.5,
            },
        }
    ),
    "transformer": {**MODEL_PRESETS["transformer"], **_WORDS},
}

# Spans are rare: of some thousand sentences, ten epochs of large batches are over when the first of them are found.
_MORE_STEPS: dict[str, Any] = {"per_device_train_batch_size": 16, "num_train_epochs": 15, "early_stopping_patience": 5}
TAGGING_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    ("token_classification", RECURRENT): _MORE_STEPS,
    ("token_classification", ATTENTION): _MORE_STEPS,
    # Few examples want more epochs than three (Mosbach et al. 2021).
    ("token_classification", "whole"): {"num_train_epochs": 5},
}
