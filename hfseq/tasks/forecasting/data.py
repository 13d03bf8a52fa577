"""Series ready to be forecast: cut in time, with the windows of each part."""

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
from hfseq.tasks.forecasting.time_splits import cut_in_time, parse_time_splits
from hfseq.tasks.task_data import TaskData, describe_source

# Where the targets of a row's windows begin.
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
class Part:
    """A part of a series, with what a model may read before it.

    Attributes:
        values (`np.ndarray` of shape `(steps, channels)`): the reach back, and the part.
        first (`int`): the first step of them that may be forecast.
        name (`str`): the series.
        scale (`np.ndarray` of shape `(channels,)`): what MASE divides the errors by; see [`seasonal_scale`].
    """

    values: np.ndarray
    first: int
    name: str
    scale: np.ndarray


def load_histories(arguments: DataArguments) -> ForecastData:
    """Loads series and cuts them in time.

    Args:
        arguments (`DataArguments`): which, how they are cut, and the sizes of a window.

    Raises:
        HfseqError: where the data is missing or damaged, or a series is too short; the message names it.
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
    parts = _cut(splits["train"], missing, arguments)
    for name in _SPLITS[1:]:
        if name not in missing:
            parts[name] = whole_series(splits[name], arguments, channels, f"split {name!r} of {dataset!r}")
    roles = roles_of(splits["train"])
    units = unit_note(standardised=arguments.group(SeriesSettings).normalization != "none")
    notes = [*reading_notes(splits), *(roles.notes if roles else ()), *_note_cuts(missing, arguments)]
    notes += [units]
    notes += _note_gaps(splits) + _check_constant(parts["train"], channels, dataset)
    limits = (arguments.max_train_samples, arguments.max_eval_samples, arguments.max_predict_samples)
    cut = DatasetDict()
    for name, limit in zip(_SPLITS, limits, strict=True):
        stride = settings.window_stride if name == "train" else 1
        where = f"the {name} part of {dataset!r}"
        horizon, seed = settings.prediction_length, arguments.split_seed
        cut[name] = part_rows(parts[name], channels, horizon, where, stride, limit, seed, roles)
    content = f"{len(splits['train'])} series of {len(channels)} channels"
    fingerprint = fingerprint_splits(cut, [SERIES, STARTS])
    description = describe_source(dataset, content)
    return ForecastData(cut, HISTORY, columns, fingerprint, description, notes, channels)


def unit_note(standardised: bool) -> str:
    """In which unit the errors of a forecast are, in words."""
    if not standardised:
        return "all errors are in the data's own units (mse in their square)"
    return (
        "mse, mae, rmse and pinball are of values standardised by the mean and deviation of each channel in the "
        "training part, as published results are; smape and mase are of the data's own units"
    )


def whole_series(split: Dataset, arguments: DataArguments, channels: list[str], where: str) -> list[Part]:
    """Series that are forecast from their first whole context on.

    Raises:
        HfseqError: where one is too short, or its channels are others.
    """
    settings = arguments.group(ForecastingSettings)
    context, horizon = settings.context_length, settings.prediction_length
    parts = []
    for row, (found, name) in enumerate(zip(series_arrays(split), split[NAME], strict=True)):
        values = select_channels(found, split[CHANNELS][row], channels, f"{where}, row {row} ({name!r})")
        if len(values) < context + horizon:
            raise HfseqError(
                f"{where}, row {row} ({name!r}): {len(values)} steps, but a window takes context_length + "
                f"prediction_length ({context} + {horizon})"
            )
        # What the series was like in training is not known; its first context stands for that.
        parts.append(Part(values, context, name, seasonal_scale([values[:context]], settings.seasonality)[0]))
    return parts


def part_rows(
    parts: list[Part],
    channels: list[str],
    horizon: int,
    where: str,
    stride: int = 1,
    limit: int | None = None,
    seed: int = 0,
    roles: TableRoles | None = None,
) -> Dataset:
    """Parts as rows of a data set, with where their windows begin; at most `limit` windows, chosen by chance.

    Raises:
        HfseqError: where there is no window, since no value that could be forecast was observed.
    """
    starts = [window_starts(part.values, part.first, horizon, stride) for part in parts]
    total = sum(map(len, starts))
    if not total:
        raise HfseqError(
            f"{where} has no value to forecast: all are missing after the first {parts[0].first} steps, which are "
            "only read. Leave out where nothing was observed, or cut the series elsewhere (time_splits)"
        )
    if limit is not None and limit < total:
        kept = np.zeros(total, dtype=bool)
        kept[np.random.default_rng(seed).permutation(total)[:limit]] = True
        masks = np.split(kept, np.cumsum([len(some) for some in starts])[:-1])
        starts = [some[mask] for some, mask in zip(starts, masks, strict=True)]
    columns: dict[str, list[Any]] = {
        NAME: [part.name for part in parts],
        CHANNELS: [channels] * len(parts),
        STARTS: [some.tolist() for some in starts],
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


def _cut(train: Dataset, missing: list[str], arguments: DataArguments) -> dict[str, list[Part]]:
    settings = arguments.group(ForecastingSettings)
    parts: dict[str, list[Part]] = {"train": [], **{name: [] for name in missing}}
    reach = max(settings.context_length, settings.seasonality)
    for row, (values, name) in enumerate(zip(series_arrays(train), train[NAME], strict=True)):
        where = f"{arguments.dataset!r}, series {row} ({name!r})"
        bounds = cut_in_time(len(values), missing, arguments, where)
        scale = seasonal_scale([values[: bounds["train"][1]]], settings.seasonality)[0]
        for split, (start, end) in bounds.items():
            # The past of the first forecasts is in the part before.
            begin = max(0, start - reach)
            first = settings.context_length if split == "train" else start - begin
            parts[split].append(Part(values[begin:end], first, name, scale))
    return parts


def _note_cuts(missing: list[str], arguments: DataArguments) -> list[str]:
    if not missing:
        return []
    absolute = parse_time_splits(arguments.group(ForecastingSettings).time_splits)
    if absolute is not None:
        return [
            f"cut in time: {absolute[0]:,} steps to train on, {absolute[1]:,} to validate, {absolute[2]:,} to test"
        ]
    shares = {"validation": arguments.validation_fraction, "test": arguments.test_fraction}
    listed = " and ".join(f"{100 * shares[name]:g} % as {name} split" for name in missing)
    return [f"cut in time: the end of each series was set aside, {listed} (at least one forecast)"]


def _note_gaps(splits: DatasetDict) -> list[str]:
    names, gaps = ([value for split in splits.values() for value in split[column]] for column in (NAME, GAP))
    found = [f"{name!r} goes {gap}" for name, gap in zip(names, gaps, strict=True) if gap is not None]
    if not found:
        return []
    others = f"; {len(found):,} of {len(gaps):,} series have gaps" if len(gaps) > 1 else ""
    return [
        f"gaps in time: {found[0]}{others}. Steps are read as equally far apart: where some are missing, add rows "
        "with empty cells"
    ]


def _check_constant(parts: list[Part], channels: list[str], dataset: str) -> list[str]:
    """Notes on channels that never change in training.

    Raises:
        HfseqError: where none changes.
    """
    low = np.min([np.nanmin(part.values, axis=0, initial=np.inf) for part in parts], axis=0)
    high = np.max([np.nanmax(part.values, axis=0, initial=-np.inf) for part in parts], axis=0)
    if np.isinf(low).any():
        channel = channels[int(np.isinf(low).argmax())]
        raise HfseqError(f"{dataset!r}: the channel {channel!r} has no value in the training part; leave it out")
    flat = [name for name, constant in zip(channels, low == high, strict=True) if constant]
    if len(flat) == len(channels):
        raise HfseqError(f"{dataset!r}: the series are constant in the training part ({low[0]:g}); nothing to learn")
    return [f"constant in the training part: {', '.join(flat)}"] if flat else []
