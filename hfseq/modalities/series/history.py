"""Numeric series as the past of forecasts: a model reads the last steps of each series."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.arrow_columns import is_list
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.modalities.base import Modality
from hfseq.modalities.series.arrays import series_of_array
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.series.modality import KNOWN_ROLES
from hfseq.modalities.series.settings import SeriesSettings
from hfseq.modalities.series.step_roles import split_names
from hfseq.modalities.series.step_table import histories_from_steps, named_histories
from hfseq.modalities.series.table import TableSettings, series_from_table
from hfseq.modalities.series.table_roles import TableRoles, roles_of
from hfseq.modalities.series.table_values import check_finite
from hfseq.modalities.series.ts import read_ts, ts_splits
from hfseq.modalities.series.windows import Standardization, past_inputs

SERIES, NAME, CHANNELS, GAP, CLOCK = "series", "name", "channels", "gap", "clock"


class History(Modality):
    """Whole series. A table has one row per step. A `.ts` file or a column of lists has one row per series.

    Args:
        known_channels (`Sequence[str]`, *optional*): the channels of the training. If a table has all of them, other
            columns are not read.
        known_roles (`TableRoles`, *optional*): the roles of the other columns of the training.
        lenient (`bool`, *optional*, defaults to `False`): whether a table may lack the columns of ids and times in the
            settings. Then a model that was trained on several series can forecast a single one.
    """

    name = "series"
    column_names = (SERIES,)

    def __init__(
        self,
        known_channels: Sequence[str] | None = None,
        known_roles: TableRoles | None = None,
        lenient: bool = False,
    ):
        self.known_channels = known_channels
        self.known_roles = known_roles
        self.lenient = lenient

    def examples_of_array(self, array: np.ndarray, processor: Any) -> list[np.ndarray]:
        """See [`series_of_array`]."""
        return series_of_array(array, processor.num_channels)

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads a `.ts` file, or a folder with `.ts` files. Their classes are ignored."""
        if path.is_file() and path.name.lower().endswith((".ts", ".ts.gz")):
            files = {"train": path}
        else:
            files = ts_splits(path) if path.is_dir() else {}
        if not files:
            return None
        return DatasetDict({split: _named(series_arrays(read_ts(file))) for split, file in files.items()})

    def from_table(
        self, split: Dataset, path: Path | None, arguments: DataArguments, where: str, labelled: bool = True
    ) -> Dataset:
        """Turns the rows of a table into series: see [`histories_from_steps`]."""
        settings = arguments.group(SeriesSettings)
        given = (
            None if arguments.input_column is None else [part.strip() for part in arguments.input_column.split(",")]
        )
        split = split.remove_columns([name for name in settings.ignore_columns or [] if name in split.column_names])
        fields = split.with_format("arrow")[:0].schema
        lists = [name for name in given or fields.names if name in fields.names and is_list(fields.field(name).type)]
        if not lists:
            return self._from_steps(split, given, arguments, where)
        if len(lists) > 1 and SERIES in lists and given is None:
            lists = [SERIES]
        ignored = [name for name in split.column_names if name not in lists]
        found = series_from_table(split, TableSettings(channels=settings.channels, ignore_columns=ignored), where)
        ids = None if settings.id_column not in split.column_names else [str(i) for i in split[settings.id_column]]
        return _named(series_arrays(found), ids)

    def _from_steps(self, split: Dataset, channels: list[str] | None, arguments: DataArguments, where: str) -> Dataset:
        settings = arguments.group(SeriesSettings)
        id_column, time_column, names = settings.id_column, settings.time_column, split.column_names
        if self.lenient:
            id_column = id_column if id_column in names else None
            time_column = time_column if set(split_names(time_column, names)) <= set(names) else None
        if channels is None and self.known_channels is not None and set(self.known_channels) <= set(names):
            channels = list(self.known_channels)
        return histories_from_steps(
            split,
            channel_columns=channels,
            id_column=id_column,
            time_column=time_column,
            time_format=settings.time_format,
            known=self.known_roles,
            missing_values=settings.missing_values or (),
            where=where,
        )

    def with_roles_of(self, split: Dataset) -> "History":
        """This modality with the roles of the columns of a split, unless it knows those of the training."""
        return self if self.known_channels is not None else History(split[CHANNELS][0], roles_of(split))

    def for_processor(self, processor: Any) -> "History":
        """This modality with the channels and roles that the processor was fitted on."""
        roles = TableRoles.from_dict(getattr(processor, KNOWN_ROLES, None))
        return History(processor.channel_names, roles, lenient=True)

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """The column that [`from_table`] and [`read_path`] create."""
        return Columns(SERIES)

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks the values of all series.

        Raises:
            HfseqError: a series has no steps, or a channel has no values.
        """
        for row, (values, name) in enumerate(zip(series_arrays(split), split[NAME], strict=True)):
            place = f"{where}, row {row} ({name!r})"
            if not len(values):
                raise HfseqError(f"{place}: the series has no steps. Drop the row.")
            channels = split[CHANNELS][row]
            check_finite(values.reshape(-1), partial(_named_value, place, channels))
            empty = np.isnan(values).all(axis=0)
            if empty.any():
                channel = channels[int(empty.argmax())]
                raise HfseqError(f"{place}: every value of the channel {channel!r} is missing. Leave it out.")
        return split

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> SeriesFeatureExtractor:
        """Makes a feature extractor with the statistics of the training part, and the number of steps to read."""
        settings = arguments.group(SeriesSettings)
        if settings.normalization == "sequence":
            raise HfseqError(
                "normalization 'sequence' cannot be used for forecasting: `channel` puts errors on one scale, and the "
                "model scales each history by itself (config_overrides: scaling)"
            )
        kind = None if settings.normalization == "none" else settings.normalization
        return SeriesFeatureExtractor.fit(
            series_arrays(train),
            normalize=kind,
            context_length=arguments.get("context_length"),
            seasonality=arguments.get("seasonality"),
            channel_names=list(train[CHANNELS][0]),
            **({} if (roles := roles_of(train)) is None else {KNOWN_ROLES: roles.to_dict()}),
        )

    def load_processor(self, source: str, **options: Any) -> SeriesFeatureExtractor:
        """Loads the feature extractor that was saved with a model."""
        options.pop("trust_remote_code", None)  # hfseq has the class
        return SeriesFeatureExtractor.from_pretrained(source, **options)

    def encode_batch(
        self, batch: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """`past_values`: the last steps of each series. If values are missing, also `past_observed_mask`."""
        context, scale = processor.context_length, Standardization.from_processor(processor)
        pasts = []
        for row, steps in enumerate(batch[columns.text]):
            name = f"series {row}"
            values = np.array(steps[-context:], dtype=np.float64)  # (context, channels)
            if values.shape[1] != processor.num_channels:
                raise HfseqError(
                    f"{name} has {values.shape[1]} channels, but the model reads {processor.num_channels}"
                )
            if len(values) < context:
                raise HfseqError(f"{name} has {len(values)} steps, but the model needs {context} steps to forecast")
            pasts.append(scale.apply(values))
        inputs = past_inputs(np.stack(pasts), masked=any(np.isnan(past).any() for past in pasts))
        rows = len(pasts)
        return {
            **{name: list(values) for name, values in inputs.items()},
            LENGTH_COLUMN: [context] * rows,
            TRUNCATED_COLUMN: [False] * rows,
        }

    def config_values(self, processor: Any) -> dict[str, Any]:
        """The number of channels."""
        return {CHANNELS: processor.num_channels}


HISTORY = History()


def select_channels(values: np.ndarray, names: list[str] | None, known: Sequence[str], where: str) -> np.ndarray:
    """Selects the channels of the training in their order: by name, if the channels of the series have names.

    Args:
        values (`np.ndarray` of shape `(steps, channels)`): a series.
        names (`list[str]`, *optional*): the names of its channels.
        known (`Sequence[str]`): the channels of the training.
        where (`str`): the series, for the error message.

    Raises:
        HfseqError: a channel is missing, or the number of channels is different.
    """
    if names is not None and set(known) <= set(names):
        return values[:, [names.index(name) for name in known]]
    if values.shape[1] != len(known) or (names is not None and not _are_numbered(names)):
        found = ", ".join(map(repr, names or range(values.shape[1])))
        raise HfseqError(f"{where} has the channels {found}, but the model reads {', '.join(map(repr, known))}")
    return values


def series_arrays(split: Dataset) -> list[np.ndarray]:
    """The series of a split, each of shape `(steps, channels)`. A missing value is NaN."""
    table = split.select_columns(SERIES).with_format("arrow")[:]
    found = []
    for chunk in table.column(SERIES).cast(pa.list_(pa.list_(pa.float64()))).chunks:
        steps = chunk.flatten()
        channels = len(steps[0]) if len(steps) else 1
        flat = steps.flatten().to_numpy(zero_copy_only=False).astype(np.float64).reshape(-1, channels)
        found += np.split(flat, np.cumsum(chunk.value_lengths().to_numpy())[:-1])
    return found


def _named_value(place: str, channels: list[str], index: int) -> str:
    """The name of a value in error messages, by its index in a flat series of shape `(steps, channels)`."""
    return f"{place}, step {index // len(channels)}, channel {channels[index % len(channels)]!r}"


def _named(series: list[np.ndarray], ids: list[str] | None = None) -> Dataset:
    ids = ids or [str(row) for row in range(len(series))]
    return named_histories(series, ids, [str(channel) for channel in range(series[0].shape[1])])


def _are_numbered(names: list[str]) -> bool:
    """Whether the names of the channels are only their numbers."""
    return names == [str(number) for number in range(len(names))]
