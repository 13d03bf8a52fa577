"""What the configuration of a forecasting model from scratch is told."""

from typing import TYPE_CHECKING, Any

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
    config_class = CONFIG_MAPPING[model_type]
    blank = config_class()
    channels = next((name for name in _CHANNEL_FIELDS if hasattr(blank, name)), None)
    if channels is None or not hasattr(blank, "prediction_length") or not _is_registered(config_class):
        raise HfseqError("it does not forecast; hfseq_recurrent, patchtst and patchtsmixer do")
    values: dict[str, Any] = {channels: len(task.channels), "prediction_length": task.prediction_length}
    if hasattr(blank, "context_length"):
        values["context_length"] = task.context_length
    if hasattr(blank, "forecast_loss"):
        values |= {"forecast_loss": task.kind}
    if hasattr(blank, "quantiles"):
        values |= {"quantiles": None if task.quantiles is None else list(task.quantiles)}
    elif task.quantiles is not None:
        raise HfseqError("it forecasts no quantiles; hfseq_recurrent does")
    for name in values:
        if name in overrides and overrides[name] != values[name]:
            raise HfseqError(
                f"{name} is {overrides[name]!r} there, but {values[name]!r} in the data's settings, which hold for "
                f"all models: give --{name} in place of it"
            )
    if overrides.get("loss", "mse") != "mse":
        raise HfseqError(f"loss is {overrides['loss']!r}, but the loss is the task's: --forecast_loss")
    return {**values, **overrides}


def _is_registered(config_class: type) -> bool:
    return config_class in MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING
