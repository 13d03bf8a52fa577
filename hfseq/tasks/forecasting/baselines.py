"""Baselines of forecasting: the last value, the last season, and a linear model."""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from hfseq.data.labels.columns import Columns
from hfseq.metrics import last_value, seasonal_naive
from hfseq.modalities.series.windows import Windows
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import Baseline, BaselineData, Outputs
from hfseq.tasks.forecasting.data import STARTS
from hfseq.tasks.forecasting.simple_forecasts import apply_linear, filled, fit_linear, forecast_windows
from hfseq.tasks.forecasting.task import Forecasting
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

# Quantiles are those of the errors in at most this number of training windows.
_MOST_WINDOWS = 2_000


class ForecastBaseline(Baseline):
    """Point forecasts of standardised series.

    If the models forecast quantiles, the quantiles of the training errors are added to the point forecasts, for each
    step and channel.
    """

    task: Forecasting
    errors: np.ndarray | None = None  # (horizon, channels, quantiles)

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Forecasting."""
        return isinstance(task, Forecasting)

    def fit(self, data: BaselineData) -> None:
        """Fits the point forecasts and, if needed, their quantiles."""
        assert isinstance(data.task, Forecasting)  # see `matches`
        self.task = data.task
        train, validation = (self.task.windows(data.data.splits[split]) for split in ("train", "validation"))
        self.fit_points(train, validation)
        if self.task.quantiles is not None:
            self.errors = self._errors(train)

    def fit_points(self, train: Windows, validation: Windows) -> None:
        """Fits the point forecasts to standardised windows. By default, there is nothing to fit."""
        return

    @property
    def past_length(self) -> int:
        """Number of past steps that are read."""
        return self.task.context_length

    @abstractmethod
    def points(self, past: np.ndarray) -> np.ndarray:
        """The point forecasts `(windows, horizon, channels)` for pasts of shape `(windows, past_length, channels)`."""

    def _errors(self, train: Windows) -> np.ndarray:
        usable = np.flatnonzero(train.starts >= self.past_length)
        chosen = np.sort(np.random.default_rng(0).permutation(usable)[:_MOST_WINDOWS])
        rows, starts = train.rows[chosen], train.starts[chosen]
        forecasts = self.points(filled(train.pasts(rows, starts, self.past_length)))
        errors = train.targets(rows, starts) - forecasts  # (windows, horizon, channels)
        return np.moveaxis(np.nanquantile(errors, self.task.quantiles or (), axis=0), 0, -1)

    def _with_quantiles(self, forecasts: np.ndarray) -> np.ndarray:
        return forecasts if self.errors is None else forecasts[..., None] + self.errors

    def predict(self, data: BaselineData, split: str) -> Outputs:
        """The forecasts of all windows of a split."""
        windows = self.task.windows(data.data.splits[split])
        forecasts = forecast_windows(windows, self.points, self.past_length)
        targets = windows.targets(windows.rows, windows.starts)
        return Outputs(self._with_quantiles(forecasts).astype(np.float32), (targets, windows.scales[windows.rows]))

    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The forecast of each series. A series that is too short is continued into the past with its first value."""
        pasts = []
        for steps in rows[columns.text]:
            values = np.array(steps[-self.past_length :], dtype=np.float64)  # (steps, channels)
            missing = self.past_length - len(values)
            pasts.append(self.task.standardization.apply(np.pad(values, ((missing, 0), (0, 0)), mode="edge")))
        forecasts = self._with_quantiles(self.points(filled(np.stack(pasts))))
        return self.task.predictions(list(forecasts), rows, columns)

    @property
    def num_parameters(self) -> int:
        """Number of quantiles of errors."""
        return 0 if self.errors is None else self.errors.size

    @property
    def description(self) -> str:
        """The forecast, and where its quantiles come from."""
        return f"{self.summary}{'' if self.errors is None else ', with the quantiles of its training errors'}"

    @property
    @abstractmethod
    def summary(self) -> str:
        """The point forecast in words."""


@register_baseline
class LastValue(ForecastBaseline):
    """The last value of each channel."""

    name = "last_value"
    trivial = True

    @property
    def past_length(self) -> int:
        """One step would do, but it may be missing."""
        return self.task.context_length

    def points(self, past: np.ndarray) -> np.ndarray:
        """See [`last_value`]."""
        return last_value(past, self.task.prediction_length)

    @property
    def summary(self) -> str:
        """The point forecast in words."""
        return "repeats the last value"


@register_baseline
class SeasonalNaive(ForecastBaseline):
    """The last season."""

    name = "seasonal_naive"
    trivial = True

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Forecasting with seasons of several steps, if a season precedes each window of the evaluation."""
        if not isinstance(task, Forecasting) or task.seasonality < 2:
            return False
        starts = [start for split in ("validation", "test") for part in data.splits[split][STARTS] for start in part]
        return min(starts) >= task.seasonality

    @property
    def past_length(self) -> int:
        """One season."""
        return self.task.seasonality

    def points(self, past: np.ndarray) -> np.ndarray:
        """See [`seasonal_naive`]."""
        return seasonal_naive(past, self.task.prediction_length, self.task.seasonality)

    @property
    def summary(self) -> str:
        """The point forecast in words."""
        return f"repeats the last season of {self.task.seasonality} steps"


@register_baseline
class LinearForecast(ForecastBaseline):
    """One linear map from past to future for all channels: see [`fit_linear`]."""

    name = "linear"
    weights: np.ndarray  # (context + 1, horizon)

    def fit_points(self, train: Windows, validation: Windows) -> None:
        """See [`fit_linear`]."""
        self.weights = fit_linear(train, validation)

    def points(self, past: np.ndarray) -> np.ndarray:
        """See [`apply_linear`]."""
        return apply_linear(self.weights, past)

    @property
    def num_parameters(self) -> int:
        """Number of weights, and of quantiles of errors."""
        return self.weights.size + super().num_parameters

    @property
    def summary(self) -> str:
        """The point forecast in words."""
        return "one linear map from past to future for all channels (NLinear, Zeng et al. 2023), by ridge regression"
