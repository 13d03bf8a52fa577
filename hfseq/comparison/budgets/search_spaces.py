"""Search spaces of `hfseq compare --tune`, one for each family of models.

Each space contains the default settings of every model: they are the first trial. A learning rate is searched in the
given range, which is extended if a default is outside. A factor multiplies the default of the model, and an addition
is added to it, so that models of all tasks and data sets have the same space around their own defaults. A setting that
is given for all models, such as `--learning_rate 1e-3`, is not searched.
"""

from dataclasses import dataclass

from hfseq.tasks.families import ATTENTION, FROZEN, LORA, RECURRENT, RECURRENT_WHOLE, WHOLE


@dataclass(frozen=True)
class LogRange:
    """All numbers between two bounds, on a logarithmic scale."""

    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """A few values. The default of the model is added if it is not among them."""

    values: tuple[float | int, ...]


@dataclass(frozen=True)
class Factor:
    """Factors of the default. 1 is the default itself."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class Addition:
    """Numbers that are added to the default; the result is at least 1. 0 is the default itself."""

    values: tuple[int, ...]


Space = LogRange | Choice | Factor | Addition

# Settings of the architecture, for models that are trained from scratch. `width` multiplies all hidden sizes, `layers`
# is added to the number of layers, and `dropout` multiplies all dropout probabilities (at most 0.8).
ARCHITECTURE: dict[str, Space] = {
    "width": Factor((0.5, 1.0, 2.0)),
    "layers": Addition((-1, 0, 1)),
    "dropout": Factor((0.0, 0.5, 1.0, 1.5)),
}

SEARCH_SPACES: dict[str, dict[str, Space]] = {
    RECURRENT: {
        "learning_rate": LogRange(3e-4, 2e-2),
        "per_device_train_batch_size": Choice((16, 32, 64)),
        "num_train_epochs": Factor((0.5, 1.0, 2.0)),
        "weight_decay": Choice((0.0, 0.01)),
        **ARCHITECTURE,
    },
    ATTENTION: {
        "learning_rate": LogRange(1e-4, 5e-3),
        "per_device_train_batch_size": Choice((16, 32, 64)),
        "num_train_epochs": Factor((0.5, 1.0, 2.0)),
        "weight_decay": Choice((0.0, 0.01)),
        **ARCHITECTURE,
    },
    # Devlin et al. 2019 and Mosbach et al. 2021 searched these settings; a small encoder takes higher rates.
    WHOLE: {
        "learning_rate": LogRange(1e-5, 5e-4),
        "per_device_train_batch_size": Choice((16, 32)),
        "num_train_epochs": Factor((0.5, 1.0, 2.0)),
        "weight_decay": Choice((0.0, 0.01, 0.1)),
    },
    RECURRENT_WHOLE: {
        "learning_rate": LogRange(1e-4, 1e-2),
        "per_device_train_batch_size": Choice((16, 32, 64)),
        "num_train_epochs": Factor((0.5, 1.0, 2.0)),
        "weight_decay": Choice((0.0, 0.01)),
    },
    FROZEN: {
        "learning_rate": LogRange(2e-4, 2e-2),
        "per_device_train_batch_size": Choice((16, 32, 64)),
        "num_train_epochs": Factor((0.5, 1.0, 2.0)),
        "weight_decay": Choice((0.0, 0.01)),
    },
    LORA: {
        "learning_rate": LogRange(1e-4, 5e-3),
        "per_device_train_batch_size": Choice((16, 32)),
        "num_train_epochs": Factor((0.5, 1.0, 2.0)),
        "lora_r": Choice((4, 8, 16, 32)),
    },
}
