"""What a model's name stands for in each task, and how a family is trained for it.

`lstm` is always an LSTM, but a tagger needs no pooling, a language model must not look ahead, and a translator has two
halves. What stands here goes over the presets and family defaults of `hfseq.training.defaults`, key by key.
"""

from typing import Any

from hfseq.training.defaults import ATTENTION, MODEL_PRESETS, RECURRENT

CELLS = ("rnn", "lstm", "gru", "mingru", "minlstm")


def _for_each_cell(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The same settings for each recurrent preset, with its own cell."""
    overrides = settings.get("config_overrides", {})
    return {cell: {**settings, "config_overrides": {"cell_type": cell, **overrides}} for cell in CELLS}


# Sequences of numbers: the same recurrent models; attention has a linear projection in the place of embeddings.
_NUMERIC: dict[str, dict[str, Any]] = {
    **_for_each_cell(
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

# Task -> preset -> settings.
_TASKS: dict[str, dict[str, dict[str, Any]]] = {}

# (task, family) -> how it is trained where that differs from the family's usual training.
_TRAINING: dict[tuple[str, str], dict[str, Any]] = {}

# (task, modality, family) -> the same for a modality of it. Labelled series and videos are few, and an epoch of them
# takes a second or two: both families get the epochs that it takes to converge.
_MODALITY_TRAINING: dict[tuple[str, str, str], dict[str, Any]] = {
    ("sequence_classification", modality, family): {"num_train_epochs": epochs, "early_stopping_patience": patience}
    for modality, epochs, patience in (("series", 40, 10), ("video", 30, 8), ("dna", 20, 5))
    for family in (RECURRENT, ATTENTION)
}


def preset_settings(name: str, task: str, modality: str) -> dict[str, Any]:
    """The settings that a preset's name stands for.

    Args:
        name (`str`): a key of `MODEL_PRESETS`.
        task (`str`): what the model is for.
        modality (`str`): what it reads.
    """
    if name in _TASKS.get(task, {}):
        return _TASKS[task][name]
    if modality in ("series", "audio", "video") and name in _NUMERIC:
        return _NUMERIC[name]
    return MODEL_PRESETS[name]


def family_training(task: str, family: str, modality: str) -> dict[str, Any]:
    """How a family is trained for a task, and a modality of it, where that differs from its usual training."""
    return {**_TRAINING.get((task, family), {}), **_MODALITY_TRAINING.get((task, modality, family), {})}


__all__ = ["ATTENTION", "RECURRENT", "family_training", "preset_settings"]
