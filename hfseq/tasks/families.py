"""Families of models. The models of a family have the same training settings by default."""

import json
from pathlib import Path

# Recurrent models from scratch.
RECURRENT = "recurrent"
# Attention models from scratch.
ATTENTION = "attention"
# Pretrained models of which all weights are trained.
WHOLE = "whole"
# Pretrained recurrent models of which all weights are trained.
RECURRENT_WHOLE = "recurrent_whole"
# Pretrained models of which only the head is trained.
FROZEN = "frozen"
# Pretrained models with a trained LoRA adapter.
LORA = "lora"


def scratch_family(model_type: str) -> str:
    """The family of an architecture that is trained from scratch.

    Args:
        model_type (`str`): the architecture, as in transformers' configurations.
    """
    return RECURRENT if model_type in ("hfseq_recurrent", "hfseq_encoder_decoder") else ATTENTION


def is_recurrent_folder(model: str) -> bool:
    """Whether the name of a model is a folder with a saved model of the recurrent family."""
    try:
        values = json.loads((Path(model).expanduser() / "config.json").read_text(encoding="utf-8"))
        return scratch_family(values["model_type"]) == RECURRENT
    except (OSError, ValueError, KeyError, TypeError):
        return False  # the code that loads the model reports what is wrong
