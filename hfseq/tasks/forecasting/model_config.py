"""Configuration of forecasting models: settings that follow from the task, and checks."""

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING

from hfseq.errors import HfseqError

# Names of the number of channels in configurations.
_CHANNEL_FIELDS = ("input_features", "num_input_channels")


@dataclass(frozen=True)
class ForecastSpec:
    """Inputs and outputs of a forecasting model.

    Attributes:
        channels (`int`): number of channels of the series.
        context_length, prediction_length (`int`): number of steps that the model reads and forecasts.
        loss (`str`): see [`forecast_loss`].
        quantiles (`tuple[float, ...]`, *optional*): the quantiles to forecast.
    """

    channels: int
    context_length: int
    prediction_length: int
    loss: str
    quantiles: tuple[float, ...] | None

    def inputs(self) -> dict[str, Any]:
        """Settings of the inputs. A configuration has only some of these names."""
        return {**dict.fromkeys(_CHANNEL_FIELDS, self.channels), "context_length": self.context_length}

    def outputs(self) -> dict[str, Any]:
        """Settings of the outputs. A configuration has only some of these names."""
        quantiles = None if self.quantiles is None else list(self.quantiles)
        return {"prediction_length": self.prediction_length, "quantiles": quantiles, "forecast_loss": self.loss}


def forecast_config_values(model_type: str, spec: ForecastSpec, overrides: dict[str, Any]) -> dict[str, Any]:
    """Settings of the configuration of a forecasting model trained from scratch.

    Args:
        model_type (`str`): the architecture.
        spec (`ForecastSpec`): inputs and outputs of the model.
        overrides (`dict`): settings of the user.

    Raises:
        HfseqError: if the architecture cannot forecast, cannot forecast quantiles, or an override contradicts the
            settings of the task.
    """
    default_config = CONFIG_MAPPING[model_type]()
    _check_forecasts(default_config, spec)
    settings = {**spec.inputs(), **spec.outputs()}
    values = {name: value for name, value in settings.items() if hasattr(default_config, name)}
    for name in values:
        if name in overrides and overrides[name] != values[name]:
            raise HfseqError(
                f"config_overrides sets {name} to {overrides[name]!r}, but it is {values[name]!r} for all models of "
                f"this data: use --{name} instead"
            )
    if overrides.get("loss", "mse") != "mse":
        raise HfseqError(f"config_overrides cannot set loss ({overrides['loss']!r}): use --forecast_loss instead")
    return {**values, **overrides}


def check_forecast_config(config: PreTrainedConfig, spec: ForecastSpec) -> None:
    """Checks that a model with this configuration can be used for the task.

    Args:
        config (`PreTrainedConfig`): configuration of the model.
        spec (`ForecastSpec`): required inputs and outputs.

    Raises:
        HfseqError: if the model cannot forecast, cannot forecast quantiles, or has other numbers of channels or steps.
    """
    _check_forecasts(config, spec)
    for name, value in spec.inputs().items():
        if getattr(config, name, value) != value:
            raise HfseqError(
                f"the model has {name} {getattr(config, name)}, but the data has {value}: choose the channels with "
                "--input_column, the number of past steps with --context_length, or train a model from scratch"
            )


def _check_forecasts(config: PreTrainedConfig, spec: ForecastSpec) -> None:
    known = type(config) in MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING and hasattr(config, "prediction_length")
    if not known or not any(hasattr(config, name) for name in _CHANNEL_FIELDS):
        raise HfseqError(f"{config.model_type!r} cannot forecast; use hfseq_recurrent, patchtst or patchtsmixer")
    if spec.quantiles is not None and not hasattr(config, "quantiles"):
        raise HfseqError(f"{config.model_type!r} cannot forecast quantiles; use hfseq_recurrent")
