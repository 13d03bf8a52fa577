"""Presets of language models of text and music."""

from typing import Any

from hfseq.registry import register_family_settings, register_preset, register_recurrent_presets
from hfseq.tasks.families import ATTENTION, RECURRENT
from hfseq.tasks.presets import recurrent_preset

# Cased characters: a small vocabulary, no unknown words, and comparable bits per character.
_TEXT: dict[str, Any] = {"tokenizer_name": "character", "tokenizer_lowercase": False, "max_length": 256}

# One layer, wide enough for a text of a million characters. One dropout mask for all steps, and tied embeddings, as in
# AWD-LSTM (Merity et al. 2018); less dropout than there, because there are many characters. Weight drop is left out:
# it gained nothing with one layer and few epochs.
_RECURRENT_TEXT: dict[str, Any] = {
    "embedding_size": 128,
    "hidden_size": 384,
    "num_hidden_layers": 1,
    "bidirectional": False,
    # Not used by the language model. A classifier that is later made from it takes this value.
    "pooling": "max",
    "dropout": 0.1,
    "locked_dropout": True,
    "classifier_dropout": 0.2,
    "tie_word_embeddings": True,
}
# About as many parameters as the recurrent models, with the small dropout of small character-level models.
_ATTENTION_TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "resid_pdrop": 0.1,
    "embd_pdrop": 0.1,
    "attn_pdrop": 0.1,
}
# A model quickly memorises a few hundred pieces, so it needs more dropout.
_RECURRENT_MUSIC: dict[str, Any] = {
    **_RECURRENT_TEXT,
    "hidden_size": 256,
    "dropout": 0.2,
    "classifier_dropout": 0.4,
}
_ATTENTION_MUSIC: dict[str, Any] = {
    **_ATTENTION_TEXT,
    "num_hidden_layers": 3,
    "resid_pdrop": 0.2,
    "embd_pdrop": 0.2,
    "attn_pdrop": 0.2,
}

register_recurrent_presets(lambda cell: recurrent_preset(cell, _RECURRENT_TEXT, **_TEXT), task="causal_lm")
register_recurrent_presets(lambda cell: recurrent_preset(cell, _RECURRENT_MUSIC), task="causal_lm", modality="music")
# GPT-2 is causal by its architecture; transformers has many more such models (`model_type: llama`, `mamba`, ...).
register_preset("transformer", {**_TEXT, "model_type": "gpt2", "config_overrides": _ATTENTION_TEXT}, task="causal_lm")
register_preset(
    "transformer", {"model_type": "gpt2", "config_overrides": _ATTENTION_MUSIC}, task="causal_lm", modality="music"
)

# Blocks are long, and each token is an example: small batches suffice. The logits of a large vocabulary take much
# memory, so evaluation uses small batches too. Attention starts more slowly and gets one more epoch.
_BATCH: dict[str, Any] = {"per_device_train_batch_size": 16, "per_device_eval_batch_size": 16}
register_family_settings(RECURRENT, {"learning_rate": 4e-3, "num_train_epochs": 5, **_BATCH}, task="causal_lm")
register_family_settings(ATTENTION, {"learning_rate": 1e-3, "num_train_epochs": 6, **_BATCH}, task="causal_lm")
register_family_settings(
    RECURRENT, {"num_train_epochs": 30, "early_stopping_patience": 5}, task="causal_lm", modality="music"
)
register_family_settings(
    ATTENTION, {"num_train_epochs": 40, "early_stopping_patience": 6}, task="causal_lm", modality="music"
)
