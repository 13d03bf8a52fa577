"""What a model's name stands for, and how each family is trained unless one says otherwise.

One place, so that anyone can see that no family is a strawman. Each begins with the optimizer settings that its
literature settled on, and every run picks its best epoch on the validation split. What was tuned beyond that, on which
validation split and among how many values, stands beside it.
"""

import json
from pathlib import Path
from typing import Any

RECURRENT = "recurrent"
ATTENTION = "attention"
# A recurrent model that was trained before.
RECURRENT_WHOLE = "recurrent_whole"


def scratch_family(model_type: str) -> str:
    """The family of an architecture that is trained from scratch."""
    return RECURRENT if model_type in ("hfseq_recurrent", "hfseq_encoder_decoder") else ATTENTION


def is_recurrent_folder(model: str) -> bool:
    """Whether a model's name is a folder with a saved model of the recurrent family."""
    try:
        values = json.loads((Path(model).expanduser() / "config.json").read_text(encoding="utf-8"))
        return scratch_family(values["model_type"]) == RECURRENT
    except (OSError, ValueError, KeyError, TypeError):
        return False  # whoever loads it says what is wrong


# A family's training. Keys are those of the command line.
FAMILY_DEFAULTS: dict[str, dict[str, Any]] = {
    # From scratch, recurrent: Adam at 1e-3 or a little above, strong dropout, gradients clipped at 1.
    RECURRENT: {
        "learning_rate": 2e-3,
        "num_train_epochs": 10,
        "per_device_train_batch_size": 32,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "early_stopping_patience": 3,
    },
    # From scratch, attention: needs the longer warm-up (Vaswani et al. 2017) and a lower rate.
    ATTENTION: {
        "learning_rate": 5e-4,
        "num_train_epochs": 15,
        "per_device_train_batch_size": 32,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "early_stopping_patience": 4,
    },
    # Pretrained, all weights (Devlin et al. 2019; Mosbach et al. 2021 for the warm-up and the number of epochs).
    "whole": {
        "learning_rate": 5e-5,
        "num_train_epochs": 3,
        "per_device_train_batch_size": 32,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.1,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "early_stopping_patience": 2,
    },
    # Recurrent, all weights trained further, such as those of a language model: a lower rate than from scratch, which
    # rises fast and falls slowly (Howard & Ruder 2018), but far above what large encoders take.
    RECURRENT_WHOLE: {
        "learning_rate": 1e-3,
        "num_train_epochs": 10,
        "per_device_train_batch_size": 32,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "early_stopping_patience": 3,
    },
    # Pretrained, head only: few weights, so a high rate.
    "frozen": {
        "learning_rate": 2e-3,
        "num_train_epochs": 10,
        "per_device_train_batch_size": 32,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "early_stopping_patience": 3,
    },
    # Pretrained, LoRA (Hu et al. 2022): about ten times the rate of full fine-tuning.
    "lora": {
        "learning_rate": 1e-3,
        "num_train_epochs": 5,
        "per_device_train_batch_size": 32,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "early_stopping_patience": 2,
    },
}

# `hfseq compare` without a data set. Fewer examples, not fewer epochs: each family gets its whole training, and the
# answer comes in minutes.
FIRST_LOOK_SETTINGS: dict[str, Any] = {"max_train_samples": 3000}
FIRST_LOOK_NOTE = (
    "this is a first look: the models were trained on 3,000 examples; `hfseq compare --dataset builtin:docstrings` "
    "trains on all of them"
)

_RECURRENT_CONFIG = {
    "embedding_size": 128,
    "hidden_size": 128,
    "num_hidden_layers": 1,
    "bidirectional": True,
    "pooling": "max",
    # Words are few in most labelled data: dropout does more for a recurrent model than size (Zaremba et al. 2014).
    # Chosen on the validation split of SST-2 among four settings of dropout, for the LSTM; the others follow it.
    "dropout": 0.5,
    "embedding_dropout": 0.2,
    "classifier_dropout": 0.5,
}


def _recurrent(cell_type: str) -> dict[str, Any]:
    return {"model_type": "hfseq_recurrent", "config_overrides": {"cell_type": cell_type, **_RECURRENT_CONFIG}}


# What a word after --model stands for. Keys are those of the command line.
MODEL_PRESETS: dict[str, dict[str, Any]] = {
    "rnn": _recurrent("rnn"),
    "lstm": _recurrent("lstm"),
    "gru": _recurrent("gru"),
    "mingru": _recurrent("mingru"),
    "minlstm": _recurrent("minlstm"),
    # A small encoder of today's kind (Warner et al. 2024: normalisation before each block, rotary positions, gated
    # units), with about as many parameters as the LSTM beside its embeddings. From little data it learns more with
    # mean pooling than BERT does through its first token. Its rate was chosen on the validation split of
    # builtin:docstrings among three.
    "transformer": {
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
    },
    "minilm": {},
}

# Where a preset is trained otherwise than its family.
PRESET_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    # So small an encoder wants a higher rate than the large ones that the family's default is meant for; chosen on the
    # validation split of builtin:docstrings, from 5e-5, 1e-4, 2e-4 and 3e-4.
    ("minilm", "whole"): {"learning_rate": 2e-4},
}
