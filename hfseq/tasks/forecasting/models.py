"""What the configuration of a forecasting model is told, and what it has to be."""

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING

from hfseq.errors import HfseqError

# What architectures call the number of channels.
_CHANNEL_FIELDS = ("input_features", "num_input_channels")


@dataclass(frozen=True)
class ForecastSettings:
    """What is read and what is forecast.

    Attributes:
        channels (`int`): how many channels the series have.
        context_length, prediction_length (`int`): steps that are read and forecast.
        loss (`str`): see [`forecast_loss`].
        quantiles (`tuple[float, ...]`, *optional*): the quantiles that are forecast.
    """

    channels: int
    context_length: int
    prediction_length: int
    loss: str
    quantiles: tuple[float, ...] | None

    def inputs(self) -> dict[str, Any]:
        """What is read, under the names of configurations; not all have each."""
        return {**dict.fromkeys(_CHANNEL_FIELDS, self.channels), "context_length": self.context_length}

    def outputs(self) -> dict[str, Any]:
        """What is forecast, likewise."""
        quantiles = None if self.quantiles is None else list(self.quantiles)
        return {"prediction_length": self.prediction_length, "quantiles": quantiles, "forecast_loss": self.loss}


def scratch_settings(model_type: str, wanted: ForecastSettings, overrides: dict[str, Any]) -> dict[str, Any]:
    """The sizes of windows and outputs, under the names that an architecture has for them.

    Args:
        model_type (`str`): the architecture.
        wanted (`ForecastSettings`): what is read and forecast.
        overrides (`dict`): the user's settings.

    Raises:
        HfseqError: where the architecture does not forecast, or not quantiles, or an override contradicts the task.
    """
    blank = CONFIG_MAPPING[model_type]()
    _check_forecasts(blank, wanted)
    settings = {**wanted.inputs(), **wanted.outputs()}
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


def check_forecaster(config: PreTrainedConfig, wanted: ForecastSettings) -> None:
    """
    Raises:
        HfseqError: where a model of this configuration does not forecast, not quantiles, or not such series.
    """
    _check_forecasts(config, wanted)
    for name, value in wanted.inputs().items():
        if getattr(config, name, value) != value:
            raise HfseqError(
                f"the model was made for {name} {getattr(config, name)}, but the data comes with {value}: choose the "
                "channels with --input_column, the history with --context_length, or train a model from scratch"
            )


def _check_forecasts(config: PreTrainedConfig, wanted: ForecastSettings) -> None:
    known = type(config) in MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING and hasattr(config, "prediction_length")
    if not known or not any(hasattr(config, name) for name in _CHANNEL_FIELDS):
        raise HfseqError(f"{config.model_type!r} does not forecast; hfseq_recurrent, patchtst and patchtsmixer do")
    if wanted.quantiles is not None and not hasattr(config, "quantiles"):
        raise HfseqError(f"{config.model_type!r} forecasts no quantiles; hfseq_recurrent does")
