"""Forecasting: what comes next in numeric series."""

import inspect
from collections.abc import Mapping
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
from hfseq.modalities import Modality
from hfseq.modalities.series.clocks import Clock
from hfseq.modalities.series.history import CHANNELS, CLOCK, HISTORY, NAME, select_channels, series_arrays
from hfseq.modalities.series.step_table import named_histories
from hfseq.modalities.series.table_values import check_finite
from hfseq.modalities.series.windows import LABELS, MASK, PAST, SCALE, Standardization, Windows
from hfseq.models.recurrent.losses import forecast_loss
from hfseq.registry import register_task
from hfseq.tasks.base import Task, TokenizerMaker
from hfseq.tasks.forecasting.baselines import baseline_forecasts
from hfseq.tasks.forecasting.data import STARTS, ForecastData, load_histories, part_rows, unit_note, whole_series
from hfseq.tasks.forecasting.models import ForecastSettings, check_forecaster, scratch_settings
from hfseq.tasks.forecasting.settings import ForecastingSettings
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

# transformers has forecasters that its own Auto class does not know.
for _config, _model in ((PatchTSTConfig, PatchTSTForPrediction), (PatchTSMixerConfig, PatchTSMixerForPrediction)):
    AutoModelForTimeSeriesPrediction.register(_config, _model, exist_ok=True)

_FEWEST_RUNS = 5
_POINT_METRICS = ("mse", "mae", "rmse", "smape", "mase")


@register_task
@dataclass(frozen=True)
class Forecasting(Task):
    """The next steps of numeric series.

    Models read and forecast standardised values. The errors `mse`, `mae`, `rmse` and `pinball` are in these units,
    as published results are; `smape` and `mase` are of the data's own.

    Args:
        channels (`tuple[str, ...]`): the names of the channels.
        standardization (`Standardization`): what turns the data's units into the model's.
        context_length, prediction_length (`int`): steps that are read and forecast.
        seasonality (`int`, *optional*, defaults to 1): steps of a season, for MASE and the seasonal-naive baseline.
        kind (`str`, *optional*, defaults to `"mse"`): the loss: see [`forecast_loss`].
        quantiles (`tuple[float, ...]`, *optional*): the quantiles that are forecast.
        modality (`Modality`, *optional*): how series are read.
    """

    channels: tuple[str, ...]
    standardization: Standardization
    context_length: int
    prediction_length: int
    seasonality: int = 1
    kind: str = "mse"
    quantiles: tuple[float, ...] | None = None
    modality: Modality = HISTORY

    name = "forecasting"
    settings_class = ForecastingSettings
    auto_class = AutoModelForTimeSeriesPrediction
    architecture = "Prediction"
    pipeline_tag = "time-series-forecasting"
    default_modality = "series"
    context_columns = (CLOCK,)
    unsupported_columns = ("label_column", "target_column", "text_column", "text_pair_column")

    @classmethod
    def load(cls, arguments: DataArguments) -> ForecastData:
        """See [`load_histories`]."""
        return load_histories(arguments)

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """Always series."""
        return HISTORY

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "Forecasting":
        """The task for some data."""
        settings = arguments.group(ForecastingSettings)
        # Here, and not where the data is loaded: an earlier run's record may hold what did nothing.
        cls.check_given({name: getattr(arguments, name) for name in cls.unsupported_columns})
        if arguments.modality not in (None, HISTORY.name):
            raise HfseqError(
                f"forecasting reads {HISTORY.name}, not {arguments.modality}: leave --modality out, and name the "
                "columns that are forecast with --input_column a,b"
            )
        if loss.class_weights is not None or loss.label_smoothing:
            raise HfseqError("class_weights and label_smoothing_factor are for classification, not for forecasting")
        assert isinstance(data, ForecastData)  # as `load` gives it
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
        """The extractor that was saved beside a model."""
        return HISTORY.load_processor(source, **options)

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> ForecastData:
        """The windows of a split of [`load`], or of any series from their first whole context on."""
        columns = HISTORY.resolve(rows.column_names, arguments)
        if STARTS not in rows.column_names:
            rows = self._arranged(HISTORY.check(rows, columns, where), where)
            sizes = DataArguments(
                context_length=self.context_length,
                prediction_length=self.prediction_length,
                seasonality=self.seasonality,
            )
            parts = whole_series(rows, sizes, list(self.channels), where)
            rows = part_rows(parts, list(self.channels), self.prediction_length, where)
        return ForecastData(DatasetDict({"test": rows}), HISTORY, columns, "", where, [], list(self.channels))

    def check_rows(self, rows: Dataset, columns: Columns, where: str) -> Dataset:
        """Series to go on from, their channels in the model's order.

        Raises:
            HfseqError: where one is shorter than what the model reads, or has other channels.
        """
        rows = self._arranged(HISTORY.check(rows, columns, where), where)
        for row, (values, name) in enumerate(zip(series_arrays(rows), rows[NAME], strict=True)):
            if len(values) < self.context_length:
                raise HfseqError(
                    f"{where}, row {row} ({name!r}): {len(values)} steps, but the model reads the last "
                    f"{self.context_length} (context_length)"
                )
        return rows

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The extractor with the means and deviations of the training part."""
        return HISTORY.make_processor(data.splits["train"], data.columns, arguments)

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The windows: `past_values`, perhaps `past_observed_mask`, `labels`, `mase_scale` and `length`."""
        windows = {name: self.windows(split).dataset() for name, split in data.splits.items()}
        return EncodedSplits(DatasetDict(windows), dict.fromkeys(windows, 0.0))

    def windows(self, rows: Dataset) -> Windows:
        """The windows of a split, standardised."""
        series = [self.standardization.apply(values) for values in series_arrays(rows)]
        for values, name in zip(series, rows[NAME], strict=True):
            check_finite(values.reshape(-1), partial("series {!r}, standardised (value {})".format, name))
        scales = np.array(rows[SCALE][:], dtype=np.float64)
        return Windows(series, rows[STARTS][:], scales, self.context_length, self.prediction_length)

    # What the model is told.

    def config_values(self) -> dict[str, Any]:
        """How many steps are forecast."""
        return {"prediction_length": self.prediction_length}

    def checkpoint_values(self, config: Any) -> dict[str, Any]:
        """How many steps, which quantiles and by what loss: the head may be another than was trained."""
        return {name: value for name, value in self._settings.outputs().items() if hasattr(config, name)}

    def check_config(self, config: Any) -> None:
        """See [`check_forecaster`]."""
        check_forecaster(config, self._settings)

    def input_values(self, processor: Any) -> dict[str, Any]:
        """See [`scratch_values`], which knows all."""
        return {}

    def placeholder_values(self) -> dict[str, Any]:
        """See [`scratch_values`], which knows all."""
        return {}

    def scratch_values(self, model_type: str, values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
        """See [`scratch_settings`]."""
        return scratch_settings(model_type, self._settings, overrides)

    # Training and evaluation.

    @property
    def default_metric(self) -> str:
        """The squared error, or with quantiles their loss."""
        return "mse" if self.quantiles is None else "pinball"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_forecasting_metrics`]."""
        points = () if self.quantiles is not None and 0.5 not in self.quantiles else _POINT_METRICS
        return (*points, *(() if self.quantiles is None else ("pinball", "coverage_error")))

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The past; and the future where a model learns to go on from what really came (teacher forcing)."""
        given = {name: inputs[name] for name in (PAST, MASK) if name in inputs}
        if MASK in given and MASK not in inspect.signature(model.forward).parameters:
            given["observed_mask"] = given.pop(MASK)  # as PatchTSMixer calls it
        if model.training and getattr(model.config, "forecast_mode", None) == "autoregressive":
            given["future_values"] = inputs[LABELS]
        return given

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`forecast_loss`]; a target that is missing does not count."""
        observed = ~inputs[LABELS].isnan()
        return forecast_loss(
            outputs["prediction_outputs"], inputs[LABELS], observed, self.kind, self.quantiles, num_items_in_batch
        )

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The observed targets."""
        return (~inputs[LABELS].isnan()).sum()

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> Any:
        """The forecast, `(batch, horizon, channels)`, with quantiles an axis more."""
        return outputs["prediction_outputs"]

    def labels_of(self, inputs: Mapping[str, Any]) -> Any:
        """What came, and by what MASE divides."""
        return inputs[LABELS], inputs[SCALE]

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of forecasts, in the units that the class says."""
        labels: Any = prediction.label_ids
        targets, scale = labels
        return self.metrics_of(np.asarray(prediction.predictions), np.asarray(targets), np.asarray(scale))

    def metrics_of(
        self, forecasts: np.ndarray, targets: np.ndarray, scale: np.ndarray, points: bool = False
    ) -> dict[str, float]:
        """Metrics of standardised forecasts and targets; with `points`, the forecasts have no quantiles."""
        quantiles = None if points else self.quantiles
        found = compute_forecasting_metrics(forecasts, targets, quantiles=quantiles)
        undo = self.standardization.undo
        raw = compute_forecasting_metrics(
            undo(forecasts, trailing=0 if quantiles is None else 1), undo(targets), quantiles=quantiles, scale=scale
        )
        return {**found, **{name: raw[name] for name in ("smape", "mase") if name in raw}}

    def example_scores(self, predictions: Any, labels: Any) -> np.ndarray | None:
        """Errors of runs of windows that are a forecast long: neighbours overlap, and say nearly the same.

        Of fewer than five such runs there is no telling how sure they are.
        """
        targets = np.asarray(labels[0], dtype=np.float64)
        observed = ~np.isnan(targets)
        if self.quantiles is None:
            errors = (np.asarray(predictions) - targets) ** 2
        else:
            gaps = targets[..., None] - np.asarray(predictions)
            levels = np.array(self.quantiles)
            errors = np.maximum(levels * gaps, (levels - 1) * gaps).mean(-1)
        runs = np.arange(len(targets)) // self.prediction_length
        sums = np.bincount(runs, np.where(observed, errors, 0).sum((1, 2)))
        counts = np.bincount(runs, observed.sum((1, 2)))
        if len(sums) < _FEWEST_RUNS:
            return None
        # A ratio of two means, linearised (the delta method): runs may differ in what was observed.
        mean = sums.sum() / counts.sum()
        return mean + (sums - mean * counts) / counts.mean()

    def baselines(self, data: TaskData) -> dict[str, dict[str, float]]:
        """See [`baseline_forecasts`]."""
        windows = {name: self.windows(data.splits[name]) for name in ("train", "validation", "test")}
        test = windows["test"]
        targets, scale = test.targets(test.rows, test.starts), test.scales[test.rows]
        forecasts = baseline_forecasts(windows["train"], windows["validation"], test, self.seasonality)
        return {name: self.metrics_of(values, targets, scale, points=True) for name, values in forecasts.items()}

    # After the training.

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The next steps of each series, in the units of the data, with their times where those before are known."""
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
        """The channels, with quantiles once for each."""
        if self.quantiles is None:
            return list(self.channels)
        return [f"{name}_q{level:g}" for name in self.channels for level in self.quantiles]

    def describe(self) -> dict[str, Any]:
        """The sizes, the channels, and what the errors are measured in."""
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
    def _settings(self) -> ForecastSettings:
        return ForecastSettings(
            len(self.channels), self.context_length, self.prediction_length, self.kind, self.quantiles
        )

    def _arranged(self, rows: Dataset, where: str) -> Dataset:
        """Rows whose channels are those of the training, in their order."""
        names = list(rows[CHANNELS][0])
        if names == list(self.channels):
            return rows
        series = [select_channels(values, names, self.channels, where) for values in series_arrays(rows)]
        clocks = list(rows[CLOCK]) if CLOCK in rows.column_names else None
        return named_histories(series, list(rows[NAME]), list(self.channels), clocks=clocks)
