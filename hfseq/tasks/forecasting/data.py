"""Loads series for forecasting, splits them in time, and finds the windows of each part."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict, List, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.series_rows import series_dataset
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.errors import HfseqError
from hfseq.metrics import seasonal_scale
from hfseq.modalities.rows import load_rows, reading_notes
from hfseq.modalities.series.history import CHANNELS, GAP, HISTORY, NAME, SERIES, select_channels, series_arrays
from hfseq.modalities.series.settings import SeriesSettings
from hfseq.modalities.series.table_roles import ROLES, TableRoles, roles_feature, roles_of
from hfseq.modalities.series.windows import SCALE, window_starts
from hfseq.tasks.forecasting.settings import ForecastingSettings
from hfseq.tasks.forecasting.time_splits import check_folds, cut_in_time, parse_time_splits
from hfseq.tasks.task_data import TaskData, describe_source

# Column with the first target step of each window of a row.
STARTS = "starts"
_SPLITS = ("train", "validation", "test")


@dataclass
class ForecastData(TaskData):
    """Series with their windows: columns `series`, `name`, `channels`, `starts` and `mase_scale`.

    Attributes:
        channels (`list[str]`): the names of the channels.
    """

    channels: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SeriesPart:
    """A part of a series, with earlier steps that a model may read.

    Attributes:
        values (`np.ndarray` of shape `(steps, channels)`): the earlier steps, and the part.
        first_target (`int`): index of the first step that can be a target.
        name (`str`): name of the series.
        scale (`np.ndarray` of shape `(channels,)`): divisor of the errors in MASE; see [`seasonal_scale`].
    """

    values: np.ndarray
    first_target: int
    name: str
    scale: np.ndarray


def load_series(arguments: DataArguments) -> ForecastData:
    """Loads series and splits them in time.

    Args:
        arguments (`DataArguments`): name of the data set, how to split it, and the lengths of a window.

    Raises:
        HfseqError: if the data is missing or damaged, or a series is too short; the message names the series.
    """
    settings = arguments.group(ForecastingSettings)
    dataset = arguments.dataset
    splits = load_rows(arguments, HISTORY)
    columns = HISTORY.resolve(splits["train"].column_names, arguments)
    for name, split in splits.items():
        HISTORY.check(split, columns, f"split {name!r} of {dataset!r}")
    channels = list(splits["train"][CHANNELS][0])
    missing = [name for name in _SPLITS[1:] if name not in splits]
    if settings.time_splits is not None and len(missing) < 2:
        raise HfseqError(f"time_splits cuts one split into three, but {dataset!r} has {', '.join(splits)}")
    check_folds(missing, arguments)
    parts = _split_in_time(splits["train"], missing, arguments)
    for name in _SPLITS[1:]:
        if name not in missing:
            parts[name] = parts_of_split(splits[name], arguments, channels, f"split {name!r} of {dataset!r}")
    roles = roles_of(splits["train"])
    units = unit_note(standardised=arguments.group(SeriesSettings).normalization != "none")
    notes = [*reading_notes(splits), *(roles.notes if roles else ()), *_split_notes(missing, arguments)]
    notes += [units]
    notes += _gap_notes(splits) + _check_values(parts["train"], channels, dataset)
    limits = (_train_limit(arguments), arguments.max_eval_samples, arguments.max_predict_samples)
    cut = DatasetDict()
    for name, limit in zip(_SPLITS, limits, strict=True):
        stride = settings.window_stride if name == "train" else 1
        where = f"the {name} part of {dataset!r}"
        horizon, seed = settings.prediction_length, arguments.split_seed
        cut[name] = parts_to_dataset(parts[name], channels, horizon, where, stride, limit, seed, roles)
    content = f"{len(splits['train'])} series of {len(channels)} channels"
    fingerprint = fingerprint_splits(cut, [SERIES, STARTS])
    description = describe_source(dataset, content)
    return ForecastData(cut, HISTORY, columns, fingerprint, description, notes, channels)


def _train_limit(arguments: DataArguments) -> int | None:
    """Number of training windows. They are drawn in one random order, so smaller samples are in larger ones."""
    given = [limit for limit in (arguments.max_train_samples, arguments.train_size) if limit is not None]
    return min(given, default=None)


def unit_note(standardised: bool) -> str:
    """A note on the units of the metrics."""
    if not standardised:
        return "all errors are in the units of the data (mse in squared units)"
    return (
        "mse, mae, rmse and pinball are computed on standardised values (mean and standard deviation of each channel "
        "in the training part), as in published results; smape and mase are computed on the original values"
    )


def parts_of_split(split: Dataset, arguments: DataArguments, channels: list[str], where: str) -> list[SeriesPart]:
    """Whole series as parts. All steps after the first complete context are targets.

    Raises:
        HfseqError: if a series is too short, or has other channels.
    """
    settings = arguments.group(ForecastingSettings)
    context, horizon = settings.context_length, settings.prediction_length
    parts = []
    for row, (values_found, name) in enumerate(zip(series_arrays(split), split[NAME], strict=True)):
        values = select_channels(values_found, split[CHANNELS][row], channels, f"{where}, row {row} ({name!r})")
        if len(values) < context + horizon:
            raise HfseqError(
                f"{where}, row {row} ({name!r}): {len(values)} steps, but a window needs context_length + "
                f"prediction_length ({context} + {horizon})"
            )
        # The training part of the series is unknown, so its first context is used for the scale.
        parts.append(SeriesPart(values, context, name, seasonal_scale([values[:context]], settings.seasonality)[0]))
    return parts


def parts_to_dataset(
    parts: list[SeriesPart],
    channels: list[str],
    horizon: int,
    where: str,
    stride: int = 1,
    limit: int | None = None,
    seed: int = 0,
    roles: TableRoles | None = None,
) -> Dataset:
    """Converts parts to a data set with one row per part and the first target step of each window.

    Args:
        parts (`list[SeriesPart]`): the parts.
        channels (`list[str]`): names of the channels.
        horizon (`int`): number of steps to forecast.
        where (`str`): name of the data in error messages.
        stride (`int`, *optional*, defaults to 1): distance of the windows in steps.
        limit (`int`, *optional*): maximum number of windows, chosen at random. By default all are used.
        seed (`int`, *optional*, defaults to 0): seed of the choice.
        roles (`TableRoles`, *optional*): roles of the columns of the table.

    Raises:
        HfseqError: if there is no window, because no target value was observed.
    """
    starts = [window_starts(part.values, part.first_target, horizon, stride) for part in parts]
    total = sum(map(len, starts))
    if not total:
        raise HfseqError(
            f"{where} has no value to forecast: all values after the first {parts[0].first_target} steps, which are "
            "only inputs, are missing. Remove such series, or split them at other steps (--time_splits)"
        )
    if limit is not None and limit < total:
        is_chosen = np.zeros(total, dtype=bool)
        is_chosen[np.random.default_rng(seed).permutation(total)[:limit]] = True
        masks = np.split(is_chosen, np.cumsum([len(part_starts) for part_starts in starts])[:-1])
        starts = [part_starts[mask] for part_starts, mask in zip(starts, masks, strict=True)]
    columns: dict[str, list[Any]] = {
        NAME: [part.name for part in parts],
        CHANNELS: [channels] * len(parts),
        STARTS: [part_starts.tolist() for part_starts in starts],
        SCALE: [part.scale.tolist() for part in parts],
    }
    features: dict[str, Any] = {
        NAME: Value("string"),
        CHANNELS: List(Value("string")),
        STARTS: List(Value("int64")),
        SCALE: List(Value("float64")),
    }
    if roles is not None:
        columns[ROLES], features[ROLES] = [0] * len(parts), roles_feature(roles)
    return series_dataset([part.values for part in parts], columns, features)


def _split_in_time(train: Dataset, missing: list[str], arguments: DataArguments) -> dict[str, list[SeriesPart]]:
    settings = arguments.group(ForecastingSettings)
    parts: dict[str, list[SeriesPart]] = {"train": [], **{name: [] for name in missing}}
    reach = max(settings.context_length, settings.seasonality)
    for row, (values, name) in enumerate(zip(series_arrays(train), train[NAME], strict=True)):
        where = f"{arguments.dataset!r}, series {row} ({name!r})"
        bounds = cut_in_time(len(values), missing, arguments, where)
        scale = seasonal_scale([values[: bounds["train"][1]]], settings.seasonality)[0]
        for split, (start, end) in bounds.items():
            # The inputs of the first windows are in the previous part.
            begin = max(0, start - reach)
            first = settings.context_length if split == "train" else start - begin
            parts[split].append(SeriesPart(values[begin:end], first, name, scale))
    return parts


def _split_notes(missing: list[str], arguments: DataArguments) -> list[str]:
    if not missing:
        return []
    absolute = parse_time_splits(arguments.group(ForecastingSettings).time_splits)
    if absolute is not None:
        return [
            f"split in time: {absolute[0]:,} steps for training, {absolute[1]:,} for validation, {absolute[2]:,} for "
            "the test"
        ]
    shares = {"validation": arguments.validation_fraction, "test": arguments.test_fraction}
    listed = " and ".join(f"{100 * shares[name]:g} % as {name} split" for name in missing)
    note = f"split in time: the end of each series is held out, {listed} (at least one forecast)"
    if arguments.num_folds is not None:
        note += f"; fold {arguments.fold} of {arguments.num_folds}: the test parts of later folds are not used"
    return [note]


def _gap_notes(splits: DatasetDict) -> list[str]:
    names, gaps = ([value for split in splits.values() for value in split[column]] for column in (NAME, GAP))
    found = [f"{name!r} goes {gap}" for name, gap in zip(names, gaps, strict=True) if gap is not None]
    if not found:
        return []
    others = f"; {len(found):,} of {len(gaps):,} series have gaps" if len(gaps) > 1 else ""
    return [
        f"gaps in time: {found[0]}{others}. Models treat steps as equally spaced: add rows with empty "
        "cells for missing steps"
    ]


def _check_values(parts: list[SeriesPart], channels: list[str], dataset: str) -> list[str]:
    """Notes on channels that are constant in the training part.

    Raises:
        HfseqError: if a channel has no values in the training part, or all channels are constant.
    """
    low = np.min([np.nanmin(part.values, axis=0, initial=np.inf) for part in parts], axis=0)
    high = np.max([np.nanmax(part.values, axis=0, initial=-np.inf) for part in parts], axis=0)
    if np.isinf(low).any():
        channel = channels[int(np.isinf(low).argmax())]
        raise HfseqError(f"{dataset!r}: the channel {channel!r} has no value in the training part; leave it out")
    flat = [name for name, constant in zip(channels, low == high, strict=True) if constant]
    if len(flat) == len(channels):
        raise HfseqError(
            f"{dataset!r}: all series are constant in the training part ({low[0]:g}), so there is nothing to learn"
        )
    return [f"constant in the training part: {', '.join(flat)}"] if flat else []
