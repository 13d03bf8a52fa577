"""What a model's name stands for in each task, and how a family is trained for it.

`lstm` is always an LSTM, but a tagger needs no pooling, a language model must not look ahead, and a translator has two
halves. What stands here goes over the presets and family defaults of `hfseq.training.presets.defaults`, key by key.
"""

from typing import Any

from hfseq.training.presets.defaults import ATTENTION, MODEL_PRESETS, RECURRENT
from hfseq.training.presets.dna import DNA
from hfseq.training.presets.language import LANGUAGE_TRAINING, MUSIC_MODELS, MUSIC_TRAINING, TEXT_MODELS
from hfseq.training.presets.numeric import FORECAST_TRAINING, FORECASTERS, NUMERIC
from hfseq.training.presets.speech import SPEECH_TRAINING, TRANSCRIBERS
from hfseq.training.presets.tagging import TAGGERS, TAGGING_TRAINING
from hfseq.training.presets.writing import CAPTIONERS, TRANSLATORS, WRITING_TRAINING

# Task -> preset -> settings.
_TASKS: dict[str, dict[str, dict[str, Any]]] = {
    "causal_lm": TEXT_MODELS,
    "ctc": TRANSCRIBERS,
    "captioning": CAPTIONERS,
    "sequence_to_sequence": TRANSLATORS,
    "forecasting": FORECASTERS,
    "token_classification": TAGGERS,
}

# (task, modality) -> preset -> settings, where a modality of a task has its own.
_MODALITY_TASKS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {("causal_lm", "music"): MUSIC_MODELS}

# (task, family) -> how it is trained where that differs from the family's usual training.
_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    **TAGGING_TRAINING,
    **WRITING_TRAINING,
    **LANGUAGE_TRAINING,
    **SPEECH_TRAINING,
    **FORECAST_TRAINING,
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
    if modality in ("series", "audio", "video") and name in NUMERIC:
        return NUMERIC[name]
    if modality == "dna" and name in DNA:
        return DNA[name]
    return MODEL_PRESETS[name]


def family_training(task: str, family: str, modality: str) -> dict[str, Any]:
    """How a family is trained for a task, and a modality of it, where that differs from its usual training."""
    return {**_TRAINING.get((task, family), {}), **_MODALITY_TRAINING.get((task, modality, family), {})}
