"""Settings of forecasting."""

from dataclasses import dataclass
from itertools import pairwise

from hfseq.data.bounds import AT_LEAST_1
from hfseq.data.settings import TaskSettings, setting
from hfseq.errors import HfseqError

FORECAST_LOSSES = ("mse", "mae", "huber")


@dataclass(frozen=True)
class ForecastingSettings(TaskSettings):
    """Forecasts of numeric series."""

    group = "forecasting"

    context_length: int = setting(48, "Number of past steps that the model reads.", bounds=AT_LEAST_1)
    prediction_length: int = setting(12, "Number of future steps that the model predicts.", bounds=AT_LEAST_1)
    seasonality: int = setting(
        1, "Length of a season in steps, for MASE and for the seasonal naive baseline.", bounds=AT_LEAST_1
    )
    window_stride: int = setting(
        1, "Distance, in steps, between the beginnings of two training windows.", bounds=AT_LEAST_1
    )
    time_splits: str | None = setting(
        None,
        "Number of steps of the training, validation and test part of each series, such as `8640,2880,2880`; later "
        "steps are not used. By default validation_fraction and test_fraction of the steps, at the end of the series.",
    )
    forecast_loss: str = setting("mse", "Loss of all models. Not used with quantiles.", choices=FORECAST_LOSSES)
    quantiles: str | None = setting(
        None, "Quantiles to forecast, such as `0.1,0.5,0.9`. By default the model forecasts one value per step."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.quantile_levels  # raises an error at once

    @property
    def quantile_levels(self) -> tuple[float, ...] | None:
        """The quantiles as numbers.

        Raises:
            HfseqError: they are not ascending numbers between 0 and 1.
        """
        if self.quantiles is None:
            return None
        try:
            levels = tuple(float(part) for part in self.quantiles.split(","))
        except ValueError:
            levels = ()
        bounds = (0.0, *levels, 1.0)
        if not levels or not all(low < high for low, high in pairwise(bounds)):
            raise HfseqError(
                f"quantiles must be ascending numbers between 0 and 1 such as `0.1,0.5,0.9`, not {self.quantiles!r}"
            )
        return levels
