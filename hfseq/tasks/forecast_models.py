"""What the configuration of a forecasting model is told, and what it has to be."""

from typing import TYPE_CHECKING, Any

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING

from hfseq.errors import HfseqError

if TYPE_CHECKING:
    from hfseq.tasks.forecasting import Forecasting

# What architectures call the number of channels.
_CHANNEL_FIELDS = ("input_features", "num_input_channels")


def scratch_settings(model_type: str, task: "Forecasting", overrides: dict[str, Any]) -> dict[str, Any]:
    """The sizes of windows and outputs, under the names that an architecture has for them.

    Args:
        model_type (`str`): the architecture.
        task (`Forecasting`): what is forecast.
        overrides (`dict`): the user's settings.

    Raises:
        HfseqError: where the architecture does not forecast, or not quantiles, or an override contradicts the task.
    """
    blank = CONFIG_MAPPING[model_type]()
    _check_forecasts(blank, task)
    settings = {**_input_values(task), **output_values(task)}
    values = {name: value for name, value in settings.items() if hasattr(blank, name)}
    for name in values:
        if name in overrides and overrides[name] != values[name]:
            raise HfseqError(
                f"{name} is {overrides[name]!r} there, but {values[name]!r} in the data's settings, which hold for "
                f"all models: give --{name} in place of it"
            )
    if overrides.get("loss", "mse") != "mse":
        raise HfseqError(f"loss is {overrides['loss']!r}, but the loss is the task's: --forecast_loss")
    return {**values, **overrides}


def output_values(task: "Forecasting") -> dict[str, Any]:
    """What is forecast, under the names of configurations; not all have each."""
    quantiles = None if task.quantiles is None else list(task.quantiles)
    return {"prediction_length": task.prediction_length, "quantiles": quantiles, "forecast_loss": task.kind}


def check_forecaster(config: PreTrainedConfig, task: "Forecasting") -> None:
    """
    Raises:
        HfseqError: where a model of this configuration does not forecast, not quantiles, or not such series.
    """
    _check_forecasts(config, task)
    for name, value in _input_values(task).items():
        if getattr(config, name, value) != value:
            raise HfseqError(
                f"the model was made for {name} {getattr(config, name)}, but the data comes with {value}: choose the "
                "channels with --input_column, the history with --context_length, or train a model from scratch"
            )


def _input_values(task: "Forecasting") -> dict[str, Any]:
    """What is read, likewise."""
    return {**dict.fromkeys(_CHANNEL_FIELDS, len(task.channels)), "context_length": task.context_length}


def _check_forecasts(config: PreTrainedConfig, task: "Forecasting") -> None:
    known = type(config) in MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING and hasattr(config, "prediction_length")
    if not known or not any(hasattr(config, name) for name in _CHANNEL_FIELDS):
        raise HfseqError(f"{config.model_type!r} does not forecast; hfseq_recurrent, patchtst and patchtsmixer do")
    if task.quantiles is not None and not hasattr(config, "quantiles"):
        raise HfseqError(f"{config.model_type!r} forecasts no quantiles; hfseq_recurrent does")
