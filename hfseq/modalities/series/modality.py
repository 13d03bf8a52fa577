"""Numeric series with one or more channels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import LABEL_NAMES, Columns, find_column
from hfseq.data.sources.cells import convert_numbers
from hfseq.data.sources.file_format import file_format
from hfseq.data.sources.series_rows import SERIES, columns_of
from hfseq.data.sources.visible_files import visible_files
from hfseq.errors import HfseqError
from hfseq.modalities.nested_lists import flatten_lists, is_nested
from hfseq.modalities.numeric import Numeric
from hfseq.modalities.previews import thinned
from hfseq.modalities.series.arrays import holds_numbers, series_of_array
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.series.row_names import FILE_NAMES, find_row_names
from hfseq.modalities.series.settings import SeriesSettings
from hfseq.modalities.series.step_roles import split_names
from hfseq.modalities.series.table import TableSettings, series_from_table
from hfseq.modalities.series.table_roles import TableRoles, roles_of
from hfseq.modalities.series.table_values import check_finite
from hfseq.modalities.series.ts import holds_series, is_ts, read_ts, ts_splits
from hfseq.registry import labels_sequences, register_modality

SERIES_COLUMN = "series"
# Attributes of a processor: the columns of the table that it was fitted on, and the roles of the others.
KNOWN_COLUMNS, KNOWN_ROLES = "column_names", "table_roles"


@register_modality
class Series(Numeric):
    """Numeric series from `.ts` files, tables, or lists.

    Args:
        known_columns (`Sequence[str]`, *optional*): the columns that a saved model was trained on: channels or steps,
            in their order.
        known_roles (`TableRoles`, *optional*): the roles of the other columns of that table.
    """

    name = "series"
    settings_class = SeriesSettings
    guess_order = 30
    pipeline_tags: ClassVar[Mapping[str, str]] = {"text-classification": "time-series-classification"}
    column_names = (SERIES_COLUMN, "values", "signal", "time_series", "input_features")
    batch_size = 1000

    def __init__(self, known_columns: Sequence[str] | None = None, known_roles: TableRoles | None = None):
        self.known_columns = known_columns
        self.known_roles = known_roles

    def is_part(self, path: Path) -> bool:
        """A `.ts` file with a header of series."""
        return holds_series(path)

    def recognizes(self, path: Path) -> bool:
        """A `.ts` file, or a folder with a `.ts` file of series. TypeScript files have the same extension."""
        return any(map(holds_series, visible_files(path))) if path.is_dir() else is_ts(path)

    def recognizes_column(self, name: str, feature: Any) -> bool:
        """A column with a usual name that holds lists of numbers, or lists of steps."""
        return name.lower() in self.column_names and holds_numbers(feature)

    def examples_of_array(self, array: np.ndarray, processor: Any) -> list[np.ndarray]:
        """See [`series_of_array`]."""
        return series_of_array(array, processor.num_channels)

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads a `.ts` file, or a folder with NAME_TRAIN.ts and NAME_TEST.ts."""
        if not self.recognizes(path):
            return None
        files = ts_splits(path) if path.is_dir() else {"train": path}
        return DatasetDict({split: read_ts(file) for split, file in files.items()})

    def from_table(
        self, split: Dataset, path: Path | None, arguments: DataArguments, where: str, labelled: bool = True
    ) -> Dataset:
        """Reads the series of a table: see [`series_from_table`] for its possible layouts.

        A column is the series itself if `input_column` names it, or if it has a usual name of series and holds lists.
        If it holds lists of steps, the other columns are kept. Otherwise they are dropped.
        """
        settings = arguments.group(SeriesSettings)
        if not len(split):
            return split
        names = split.column_names
        column = find_column(names, arguments.input_column, self.column_names, "input", required=False)
        if column is not None and is_nested(split, column, 2):
            return split if split.features[column] == SERIES else split.cast_column(column, SERIES)
        ignored = [name for name in settings.ignore_columns or [] if name in names]
        # A column that was a part of the series in training is not the label, whatever its name.
        taken = (column, *ignored, *(self.known_columns or ()))
        label = _label_column(names, arguments, taken) if labelled else None
        # In a table with one row per step, the id column has the names.
        long = settings.id_column is not None or settings.time_column is not None
        times = split_names(settings.time_column, names)
        row_names = [] if long else find_row_names(split, (column, label, *(self.known_columns or ())))
        # These columns stay texts. All other columns may be steps or channels.
        kept = (label, settings.id_column, *row_names, *(times if settings.time_format else ()))
        split = convert_numbers(split, kept, settings.missing_values or ())
        files = _file_column(split, column, label, arguments) if path is not None else None
        if column is not None and not is_nested(split, column, 1):
            column = arguments.input_column  # a column of numbers may have such a name by chance
        if column is not None and files is None:
            used = (column, label, settings.id_column, *times)
            ignored = [name for name in names if name not in used]
        table = TableSettings(
            label_column=label,
            channels=settings.channels,
            id_column=None if files else settings.id_column,
            time_column=settings.time_column,
            time_format=settings.time_format,
            file_column=files,
            folder=None if path is None or files is None else path if path.is_dir() else path.parent,
            ignore_columns=ignored,
            name_columns=[name for name in row_names if name != files],
            known_columns=self.known_columns,
            known_roles=self.known_roles,
            form=file_format(arguments),
            missing_values=settings.missing_values or (),
        )
        series = series_from_table(split, table, where)
        # Restore the names of the columns in the settings.
        renamed = {SERIES_COLUMN: column, "label": label}
        return series.rename_columns({old: new for old, new in renamed.items() if new not in (None, old)})

    def with_roles_of(self, split: Dataset) -> "Series":
        """This modality with the roles of the columns of a split, unless it knows those of the training."""
        return self if self.known_columns is not None else Series(columns_of(split), roles_of(split))

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """Finds the columns of series and labels."""
        columns = super().resolve(column_names, arguments, require_label=False)
        if columns.label is None and require_label:
            # Do not list columns: those of the table are already steps or channels of the series.
            raise HfseqError("no column looks like the label: name it with --label_column, or add it to the data")
        return columns

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks that every series has steps, and that all have the same number of channels."""
        flat = flatten_lists(split, columns.text, ("steps", "channels"), "series", where)
        channels = flat.sizes[1]
        if len(channels) and (channels != channels[0]).any():
            steps = np.repeat(np.arange(len(split)), flat.sizes[0])
            row = int(steps[int((channels != channels[0]).argmax())])
            raise HfseqError(
                f"{where}, row {row}: the series has {channels[channels != channels[0]][0]} channels, but that of row "
                f"0 has {channels[0]}."
            )
        values = pc.cast(flat.values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        check_finite(values, lambda index: f"{where}, row {int(flat.rows[index])}")
        return split

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> SeriesFeatureExtractor:
        """Makes a feature extractor with the statistics of the training split.

        If values are missing in the training split, it adds a mask of missing values.
        """
        settings = arguments.group(SeriesSettings)
        flat = flatten_lists(train, columns.text, ("steps", "channels"), "series", "the training split")
        missing = flat.values.null_count or pc.any(pc.is_nan(pc.cast(flat.values, pa.float64(), safe=False))).as_py()
        names = columns_of(train)
        return SeriesFeatureExtractor.fit(
            train[columns.text],
            normalize=None if settings.normalization == "none" else settings.normalization,
            add_missing_mask=bool(missing),
            **({} if names is None else {KNOWN_COLUMNS: names}),
            **({} if (roles := roles_of(train)) is None else {KNOWN_ROLES: roles.to_dict()}),
        )

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """Some steps of each series."""
        return [{"series": thinned(np.array(series, dtype=np.float64))} for series in rows[columns.text]]

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """Any model of `input_features`."""
        return getattr(config, "input_features", None) is not None

    def load_processor(self, source: str, **options: Any) -> SeriesFeatureExtractor:
        """Loads the feature extractor, with the statistics of the training split."""
        return SeriesFeatureExtractor.from_pretrained(source, revision=options.get("revision") or "main")

    def for_processor(self, processor: Any) -> "Series":
        """This modality with the columns that the processor was fitted on, if it was saved with them."""
        return Series(
            getattr(processor, KNOWN_COLUMNS, None), TableRoles.from_dict(getattr(processor, KNOWN_ROLES, None))
        )

    def features_of(self, values: list[Any], processor: Any) -> list[np.ndarray]:
        """Scaled steps of shape `(steps, channels)` for each example."""
        return processor(values, return_attention_mask=False)["input_features"]

    def encode(self, splits: DatasetDict, columns: Columns, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """See [`Modality.encode`].

        Raises:
            HfseqError: a split has another number of channels than the training split.
        """
        for name, split in splits.items():
            channels = len(split[0][columns.text][0]) if len(split) else processor.num_channels
            if channels != processor.num_channels:
                raise HfseqError(
                    f"the series of the split {name!r} have {channels} channels, but the model reads "
                    f"{processor.num_channels}, as in its training split"
                )
        return super().encode(splits, columns, processor, arguments)


def _label_column(names: list[str], arguments: DataArguments, taken: tuple[str | None, ...]) -> str | None:
    settings = arguments.group(SeriesSettings)
    if not labels_sequences(arguments.task):
        return None
    taken = (*taken, settings.id_column, *split_names(settings.time_column, names))
    return find_column(names, arguments.label_column, LABEL_NAMES, "label", required=False, taken=taken)


def _file_column(split: Dataset, column: str | None, label: str | None, arguments: DataArguments) -> str | None:
    """The column with a file for each series, if the table has one."""
    texts = [name for name in split.column_names if getattr(split.features[name], "dtype", None) == "string"]
    if column is not None:
        return column if column in texts else None
    return next((name for name in texts if name.lower() in FILE_NAMES and name != label), None)
