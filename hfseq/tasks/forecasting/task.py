"""Forecasting of numeric series."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import (
    AutoModelForTimeSeriesPrediction,
    EvalPrediction,
    PatchTSMixerConfig,
    PatchTSMixerForPrediction,
    PatchTSTConfig,
    PatchTSTForPrediction,
)

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.metrics import compute_forecasting_metrics
from hfseq.metrics.forecasting import forecast_sums
from hfseq.modalities import Modality
from hfseq.modalities.previews import MOST_CHANNELS, thinned
from hfseq.modalities.series.clocks import Clock
from hfseq.modalities.series.history import CHANNELS, CLOCK, HISTORY, NAME, select_channels, series_arrays
from hfseq.modalities.series.step_table import named_histories
from hfseq.modalities.series.table_values import check_finite
from hfseq.modalities.series.windows import LABELS, MASK, PAST, SCALE, Standardization, Windows
from hfseq.models.recurrent.losses import forecast_loss
from hfseq.registry import register_task
from hfseq.tasks.base import Task, TokenizerMaker
from hfseq.tasks.example_scores import ratio_scores
from hfseq.tasks.forecasting.data import STARTS, ForecastData, load_series, parts_of_split, parts_to_dataset, unit_note
from hfseq.tasks.forecasting.model_config import ForecastSpec, check_forecast_config, forecast_config_values
from hfseq.tasks.forecasting.scoring import channel_errors, window_groups
from hfseq.tasks.forecasting.settings import ForecastingSettings
from hfseq.tasks.forecasting.simple_forecasts import baseline_forecasts
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

# transformers does not register these models with its own Auto class.
for _config, _model in ((PatchTSTConfig, PatchTSTForPrediction), (PatchTSMixerConfig, PatchTSMixerForPrediction)):
    AutoModelForTimeSeriesPrediction.register(_config, _model, exist_ok=True)

# Number of steps of the past in a preview, if the model reads so many.
_SHORTEST_PAST = 48
_POINT_METRICS = ("mse", "mae", "rmse", "smape", "mase")


@register_task
@dataclass(frozen=True)
class Forecasting(Task):
    """Forecasts of the next steps of numeric series.

    Models read and forecast standardised values. The errors `mse`, `mae`, `rmse` and `pinball` are in standardised
    units, as in published results; `smape` and `mase` are in the original units of the data.

    Args:
        channels (`tuple[str, ...]`): the names of the channels.
        standardization (`Standardization`): conversion between the units of the data and those of the model.
        context_length, prediction_length (`int`): number of steps that the model reads and forecasts.
        seasonality (`int`, *optional*, defaults to 1): steps of a season, for MASE and the seasonal-naive baseline.
        loss_name (`str`, *optional*, defaults to `"mse"`): the loss: see [`forecast_loss`].
        quantiles (`tuple[float, ...]`, *optional*): the quantiles that are forecast.
        modality (`Modality`, *optional*): how series are read.
    """

    channels: tuple[str, ...]
    standardization: Standardization
    context_length: int
    prediction_length: int
    seasonality: int = 1
    loss_name: str = "mse"
    quantiles: tuple[float, ...] | None = None
    modality: Modality = HISTORY

    name = "forecasting"
    settings_class = ForecastingSettings
    auto_class = AutoModelForTimeSeriesPrediction
    architecture = "Prediction"
    pipeline_tag = "time-series-forecasting"
    default_modality = "series"
    context_columns = (CLOCK,)
    unsupported_columns = ("label_column", "target_column", "text_column", "text_pair_column", "group_column")
    column_hint = "leave it out, and name the columns to read with --input_column a,b"

    @classmethod
    def load(cls, arguments: DataArguments) -> ForecastData:
        """See [`load_series`]."""
        return load_series(arguments)

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """Always series."""
        return HISTORY

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "Forecasting":
        """The task for this data."""
        settings = arguments.group(ForecastingSettings)
        # Checked here and not in `load`, because records of earlier runs may contain settings without effect.
        if arguments.modality not in (None, HISTORY.name):
            raise HfseqError(
                f"forecasting reads {HISTORY.name}, not {arguments.modality}: leave --modality out, and name the "
                "columns to forecast with --input_column a,b"
            )
        if loss.class_weights is not None or loss.label_smoothing:
            raise HfseqError("class_weights and label_smoothing_factor are for classification, not for forecasting")
        assert isinstance(data, ForecastData)  # the return type of `load`
        processor = HISTORY.make_processor(data.splits["train"], data.columns, arguments)
        return cls(
            tuple(data.channels),
            Standardization.from_processor(processor),
            settings.context_length,
            settings.prediction_length,
            settings.seasonality,
            settings.forecast_loss,
            settings.quantile_levels,
        )

    @classmethod
    def from_saved(cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality) -> "Forecasting":
        """The task of a saved model."""
        quantiles = getattr(model.config, "quantiles", None)
        return cls(
            tuple(processor.channel_names),
            Standardization.from_processor(processor),
            processor.context_length,
            model.config.prediction_length,
            processor.seasonality,
            arguments.group(ForecastingSettings).forecast_loss,
            None if quantiles is None else tuple(quantiles),
            HISTORY.for_processor(processor),
        )

    @classmethod
    def load_processor(cls, modality: Modality, source: str, **options: Any) -> Any:
        """The feature extractor that was saved with a model."""
        return HISTORY.load_processor(source, **options)

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> ForecastData:
        """The windows of a split from [`load`], or all windows with a complete context of any other series."""
        columns = HISTORY.resolve(rows.column_names, arguments)
        if STARTS not in rows.column_names:
            rows = self._with_model_channels(HISTORY.check(rows, columns, where), where)
            sizes = DataArguments(
                context_length=self.context_length,
                prediction_length=self.prediction_length,
                seasonality=self.seasonality,
            )
            parts = parts_of_split(rows, sizes, list(self.channels), where)
            rows = parts_to_dataset(parts, list(self.channels), self.prediction_length, where)
        return ForecastData(DatasetDict({"test": rows}), HISTORY, columns, "", where, [], list(self.channels))

    def check_rows(self, rows: Dataset, columns: Columns, where: str) -> Dataset:
        """Series to forecast, with their channels in the order of the model.

        Raises:
            HfseqError: if a series is shorter than the context of the model, or has other channels.
        """
        rows = self._with_model_channels(HISTORY.check(rows, columns, where), where)
        for row, (values, name) in enumerate(zip(series_arrays(rows), rows[NAME], strict=True)):
            if len(values) < self.context_length:
                raise HfseqError(
                    f"{where}, row {row} ({name!r}): {len(values)} steps, but the model reads the last "
                    f"{self.context_length} (context_length)"
                )
        return rows

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The feature extractor with the means and standard deviations of the training part."""
        return HISTORY.make_processor(data.splits["train"], data.columns, arguments)

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The windows: `past_values`, `labels`, `mase_scale`, `length` and, with missing values,
        `past_observed_mask`."""
        windows = {name: self.windows(split).dataset() for name, split in data.splits.items()}
        return EncodedSplits(DatasetDict(windows), dict.fromkeys(windows, 0.0))

    def windows(self, rows: Dataset) -> Windows:
        """The standardised windows of a split."""
        series = [self.standardization.apply(values) for values in series_arrays(rows)]
        for values, name in zip(series, rows[NAME], strict=True):
            check_finite(values.reshape(-1), partial("series {!r}, standardised (value {})".format, name))
        scales = np.array(rows[SCALE][:], dtype=np.float64)
        return Windows(series, rows[STARTS][:], scales, self.context_length, self.prediction_length)

    # Configuration of the model.

    def config_values(self) -> dict[str, Any]:
        """The number of steps to forecast."""
        return {"prediction_length": self.prediction_length}

    def checkpoint_values(self, config: Any) -> dict[str, Any]:
        """Number of steps, quantiles and loss. They may differ from those of the checkpoint."""
        return {name: value for name, value in self._spec.outputs().items() if hasattr(config, name)}

    def check_config(self, config: Any) -> None:
        """See [`check_forecast_config`]."""
        check_forecast_config(config, self._spec)

    def input_values(self, processor: Any) -> dict[str, Any]:
        """See [`scratch_values`], which knows all."""
        return {}

    def placeholder_values(self) -> dict[str, Any]:
        """See [`scratch_values`], which knows all."""
        return {}

    def scratch_values(self, model_type: str, values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
        """See [`forecast_config_values`]."""
        return forecast_config_values(model_type, self._spec, overrides)

    # Training and evaluation.

    @property
    def default_metric(self) -> str:
        """The squared error, or the pinball loss of quantiles."""
        return "mse" if self.quantiles is None else "pinball"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_forecasting_metrics`]."""
        points = () if self.quantiles is not None and 0.5 not in self.quantiles else _POINT_METRICS
        return (*points, *(() if self.quantiles is None else ("pinball", "coverage_error")))

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The past; for the training of autoregressive models (teacher forcing), also the future."""
        given = {name: inputs[name] for name in (PAST, MASK) if name in inputs}
        if MASK in given and MASK not in _input_names(model):
            given["observed_mask"] = given.pop(MASK)  # its name in PatchTSMixer
        if model.training and getattr(model.config, "forecast_mode", None) == "autoregressive":
            given["future_values"] = inputs[LABELS]
        return given

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`forecast_loss`]. Missing targets are ignored."""
        observed = ~inputs[LABELS].isnan()
        return forecast_loss(
            outputs["prediction_outputs"], inputs[LABELS], observed, self.loss_name, self.quantiles, num_items_in_batch
        )

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The number of observed targets."""
        return (~inputs[LABELS].isnan()).sum()

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> Any:
        """The forecast, `(batch, horizon, channels)` or, with quantiles, `(batch, horizon, channels, quantiles)`."""
        return outputs["prediction_outputs"]

    def labels_of(self, inputs: Mapping[str, Any]) -> Any:
        """Targets, and MASE scale."""
        return inputs[LABELS], inputs[SCALE]

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """See [`metrics_of`]."""
        labels: Any = prediction.label_ids
        targets, scale = labels
        return self.metrics_of(np.asarray(prediction.predictions), np.asarray(targets), np.asarray(scale))

    def metrics_of(
        self, forecasts: np.ndarray, targets: np.ndarray, scale: np.ndarray, points: bool = False
    ) -> dict[str, float]:
        """Metrics of forecasts.

        Args:
            forecasts (`np.ndarray` of shape `(windows, horizon, channels)`): standardised forecasts; with quantiles,
                a fourth axis.
            targets (`np.ndarray` of shape `(windows, horizon, channels)`): standardised targets.
            scale (`np.ndarray` of shape `(windows, channels)`): divisor of the errors in MASE.
            points (`bool`, *optional*, defaults to `False`): whether the forecasts have no quantiles.
        """
        quantiles = None if points else self.quantiles
        standardised = compute_forecasting_metrics(forecasts, targets, quantiles=quantiles)
        undo = self.standardization.undo
        raw = compute_forecasting_metrics(
            undo(forecasts, trailing=0 if quantiles is None else 1), undo(targets), quantiles=quantiles, scale=scale
        )
        return {**standardised, **{name: raw[name] for name in ("smape", "mase") if name in raw}}

    def example_scores(self, predictions: Any, labels: Any) -> np.ndarray | None:
        """The [`ratio_scores`] of the squared error or the pinball loss of each window."""
        return ratio_scores(*self.metric_sums(predictions, labels)[self.default_metric].T)

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """See [`forecast_sums`]."""
        targets, scale = (np.asarray(values) for values in labels)
        forecasts, undo = np.asarray(predictions), self.standardization.undo
        raw = undo(forecasts, trailing=0 if self.quantiles is None else 1)
        return forecast_sums(forecasts, targets, raw, undo(targets), scale, self.quantiles)

    def groups(self, encoded: Dataset, processor: Any) -> np.ndarray | None:
        """See [`window_groups`]."""
        windows = encoded.with_format("numpy", columns=["row", "start"])[:]
        return window_groups(windows["row"], windows["start"], self.prediction_length)

    def previews(
        self, data: TaskData, split: str, encoded: Dataset, processor: Any, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """The end of the past of each window, in the units of the data."""
        windows = encoded.with_format("numpy", columns=["row", "start"])[list(numbers)]
        series = series_arrays(data.splits[split])
        length = min(self.context_length, max(2 * self.prediction_length, _SHORTEST_PAST))
        channels = list(self.channels[:MOST_CHANNELS])
        return [
            {"series": thinned(series[row][max(start - length, 0) : start]), "channels": channels}
            for row, start in zip(windows["row"], windows["start"], strict=True)
        ]

    def details(self, predictions: Any, labels: Any) -> dict[str, Any]:
        """See [`channel_errors`]."""
        forecasts, targets = self._points(np.asarray(predictions)), np.asarray(labels[0])
        if forecasts is None:
            return {}
        return {"channels": channel_errors(forecasts, targets, self.channels, self.standardization)}

    def _points(self, forecasts: np.ndarray) -> np.ndarray | None:
        """The forecasts, or their medians; `None` if there are no medians."""
        if self.quantiles is None:
            return forecasts
        return forecasts[..., self.quantiles.index(0.5)] if 0.5 in self.quantiles else None

    def baselines(self, data: TaskData) -> dict[str, dict[str, float]]:
        """See [`baseline_forecasts`]."""
        windows = {name: self.windows(data.splits[name]) for name in ("train", "validation", "test")}
        test = windows["test"]
        targets, scale = test.targets(test.rows, test.starts), test.scales[test.rows]
        forecasts = baseline_forecasts(windows["train"], windows["validation"], test, self.seasonality)
        return {name: self.metrics_of(values, targets, scale, points=True) for name, values in forecasts.items()}

    # After the training.

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The forecast of each series in the units of the data, with times if the times of the past are known."""
        trailing = 0 if self.quantiles is None else 1
        clocks = rows.get(CLOCK) or [None] * len(outputs)
        return [
            Prediction(
                values=self.standardization.undo(one, trailing).tolist(),
                times=None if clock is None else Clock.from_text(clock).following(len(one)),
            )
            for one, clock in zip(outputs, clocks, strict=True)
        ]

    @property
    def value_names(self) -> list[str]:
        """The names of the channels; with quantiles, one name per channel and quantile."""
        if self.quantiles is None:
            return list(self.channels)
        return [f"{name}_q{level:g}" for name in self.channels for level in self.quantiles]

    def describe(self) -> dict[str, Any]:
        """The lengths, the channels, the quantiles and the unit of the errors."""
        return {
            "context_length": self.context_length,
            "prediction_length": self.prediction_length,
            "seasonality": self.seasonality,
            "channels": list(self.channels),
            "quantiles": None if self.quantiles is None else list(self.quantiles),
            "scale": self.metric_note,
        }

    @property
    def metric_note(self) -> str:
        """The unit of the errors."""
        plain = bool((self.standardization.mean == 0).all() and (self.standardization.std == 1).all())
        return unit_note(standardised=not plain)

    @property
    def _spec(self) -> ForecastSpec:
        return ForecastSpec(
            len(self.channels), self.context_length, self.prediction_length, self.loss_name, self.quantiles
        )

    def _with_model_channels(self, rows: Dataset, where: str) -> Dataset:
        """The rows with the channels of the model, in its order."""
        names = list(rows[CHANNELS][0])
        if names == list(self.channels):
            return rows
        series = [select_channels(values, names, self.channels, where) for values in series_arrays(rows)]
        clocks = list(rows[CLOCK]) if CLOCK in rows.column_names else None
        return named_histories(series, list(rows[NAME]), list(self.channels), clocks=clocks)


def _input_names(model: Any) -> Collection[str]:
    """The inputs that a model accepts: of a backend's model, or of one of transformers."""
    return getattr(model, "input_names", None) or inspect.signature(model.forward).parameters
