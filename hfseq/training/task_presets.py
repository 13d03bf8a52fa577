"""What a model's name stands for in each task, and how a family is trained for it.

`lstm` is always an LSTM, but a tagger needs no pooling, a language model must not look ahead, and a translator has two
halves. What stands here goes over the presets and family defaults of `hfseq.training.defaults`, key by key.
"""

from typing import Any

from hfseq.training.defaults import ATTENTION, MODEL_PRESETS, RECURRENT
from hfseq.training.language_presets import LANGUAGE_TRAINING, MUSIC_MODELS, MUSIC_TRAINING, TEXT_MODELS
from hfseq.training.speech_presets import SPEECH_TRAINING, TRANSCRIBERS
from hfseq.training.tagging_presets import TAGGERS, TAGGING_TRAINING
from hfseq.training.writing_presets import CAPTIONERS, TRANSLATORS, WRITING_TRAINING

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

# A season is read as a few patches, by one set of weights for all channels, each history less its last value: what
# recurrence forecasts best with (Lin et al. 2023, "SegRNN").
_FORECASTERS: dict[str, dict[str, Any]] = {
    **_for_each_cell(
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
    # of two settings.
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
        },
    },
}

# DNA has four letters, or a few k-mers: dropping one everywhere, as embedding dropout does, would leave gaps in every
# sequence, and there is less to learn by heart than of words. Motifs stand anywhere: max pooling finds them.
_DNA: dict[str, dict[str, Any]] = _for_each_cell(
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

# Task -> preset -> settings.
_TASKS: dict[str, dict[str, dict[str, Any]]] = {
    "causal_lm": TEXT_MODELS,
    "ctc": TRANSCRIBERS,
    "captioning": CAPTIONERS,
    "sequence_to_sequence": TRANSLATORS,
    "forecasting": _FORECASTERS,
    "token_classification": TAGGERS,
}

# (task, modality) -> preset -> settings, where a modality of a task has its own.
_MODALITY_TASKS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {("causal_lm", "music"): MUSIC_MODELS}

# Windows overlap, so an epoch is short. The rate of attention was chosen on the validation split of builtin:seasonal,
# from 5e-4 and 2e-3.
_FORECAST_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    ("forecasting", RECURRENT): {"num_train_epochs": 20, "early_stopping_patience": 5},
    ("forecasting", ATTENTION): {"num_train_epochs": 20, "early_stopping_patience": 8, "learning_rate": 2e-3},
}

# (task, family) -> how it is trained where that differs from the family's usual training.
_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    **TAGGING_TRAINING,
    **WRITING_TRAINING,
    **LANGUAGE_TRAINING,
    **SPEECH_TRAINING,
    **_FORECAST_TRAINING,
}

# (task, modality, family) -> the same for a modality of it. Labelled series and videos are few, and an epoch of them
# takes a second or two: both families get the epochs that it takes to converge.
_MODALITY_TRAINING: dict[tuple[str, str, str], dict[str, Any]] = {
    ("sequence_classification", modality, family): {"num_train_epochs": epochs, "early_stopping_patience": patience}
    for modality, epochs, patience in (("series", 40, 10), ("video", 30, 8), ("dna", 20, 5))
    for family in (RECURRENT, ATTENTION)
} | MUSIC_TRAINING


def preset_settings(name: str, task: str, modality: str) -> dict[str, Any]:
    """The settings that a preset's name stands for.

    Args:
        name (`str`): a key of `MODEL_PRESETS`.
        task (`str`): what the model is for.
        modality (`str`): what it reads.
    """
    if name in _MODALITY_TASKS.get((task, modality), {}):
        return _MODALITY_TASKS[task, modality][name]
    if name in _TASKS.get(task, {}):
        return _TASKS[task][name]
    if modality in ("series", "audio", "video") and name in _NUMERIC:
        return _NUMERIC[name]
    if modality == "dna" and name in _DNA:
        return _DNA[name]
    return MODEL_PRESETS[name]


def family_training(task: str, family: str, modality: str) -> dict[str, Any]:
    """How a family is trained for a task, and a modality of it, where that differs from its usual training."""
    return {**_TRAINING.get((task, family), {}), **_MODALITY_TRAINING.get((task, modality, family), {})}


__all__ = ["ATTENTION", "RECURRENT", "family_training", "preset_settings"]
