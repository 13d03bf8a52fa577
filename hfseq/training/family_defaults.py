"""Default training settings of each family of models.

Each family starts from the optimizer settings that its literature has settled on, and every run chooses its best epoch
on the validation split. A comment says which values were tuned beyond that, on which validation split and among how
many candidates.
"""

from typing import Any

from hfseq.tasks.families import ATTENTION, FROZEN, LORA, RECURRENT, RECURRENT_WHOLE, WHOLE

# Keys are those of the command line.
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
    WHOLE: {
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
    FROZEN: {
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
    LORA: {
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

# Training settings of a preset that differ from those of its family.
PRESET_TRAINING: dict[tuple[str, str], dict[str, Any]] = {
    # A small encoder needs a higher learning rate than the large ones that the family's default is meant for. Chosen
    # on the validation split of builtin:docstrings among 5e-5, 1e-4, 2e-4 and 3e-4.
    ("minilm", WHOLE): {"learning_rate": 2e-4},
}

# `hfseq compare` without a data set. Fewer examples, not fewer epochs: each family gets its whole training, and the
# answer comes in minutes.
FIRST_LOOK_SETTINGS: dict[str, Any] = {"max_train_samples": 3000}
FIRST_LOOK_NOTE = (
    "this is a first look: the models were trained on 3,000 examples; `hfseq compare --dataset builtin:docstrings` "
    "trains on all of them"
)
